"""A lab that builds in a fraction of a second, with everything a real one has: a mirror, a lock
file, two base trees, a host, a host in it, and a guest in that. Its packages are empty, its kernels
are a few bytes, and mmdebstrap is a program that copies a finished tree; all the rest is nestctl's
own.

Usage as a program: lab.py NESTCTL FOLDER makes it."""
import ctypes
import hashlib
import io
import json
import mmap
import os
import re
import shutil
import subprocess
import sys
import tarfile

sys.path.insert(1, os.path.join(os.path.dirname(__file__), "../build"))
from data_hash import data_hash  # noqa: E402

PATIENCE = 600  # seconds for what must come

IDENTITY = "user.nestctl.identity"  # an extended attribute: what fault.c knows a file by

STACK = """layers:
  - profile: {data}/profiles/layers/xen-host.yaml
    name: t1
    machine:
      memory: 5GiB
    os:
      mirror: "file://{lab}/mirror/"
    disk:
      size: 3GiB
      partitions:
        - size: rest
          filesystem: ext4
          label: root
          mount: /
  - profile: {data}/profiles/layers/xen-host.yaml
    name: t2
    host_name: {host_name}
    os:
      mirror: "file://{lab}/mirror/"
    disk:
      size: 24MiB
      partitions:
        - size: rest
          filesystem: ext4
          label: root
          mount: /
  - profile: {data}/profiles/layers/leaf-pv.yaml
    name: t3
    host_name: {leaf_name}
    os:
      mirror: "file://{lab}/mirror/"
"""

# Folder of the stack file -> host names of t2 and t3.
STACKS = {"lab": ("one", "three"), "other": ("two", "three"), "leaf": ("one", "four")}

# Called as nestctl calls mmdebstrap: the tree is the last argument but one. It says that it ran,
# waits for a file (no longer than its folder is there), mounts, and fails or makes nothing if it is
# asked to.
MMDEBSTRAP = """#!/bin/sh
for argument; do
	case $argument in
	--variant=extract) tree=leaf ;;
	--variant=*) tree=host ;;
	esac
	before=$last last=$argument
done
[ -z "$LAB_LOG" ] || echo "$tree" >> "$LAB_LOG"
[ -z "$LAB_WAIT" ] || until [ -e "$LAB_WAIT" ] || ! [ -d "${LAB_WAIT%/*}" ]; do sleep 0.05; done
if [ -n "$LAB_MOUNT" ]; then mount -t tmpfs lab "$LAB_MOUNT" && touch "$LAB_LOG.mounted"; fi
[ -z "$LAB_FAIL" ] || exit "$LAB_FAIL"
exec cp "{lab}/$tree.tar" "$before"
"""


def tar_bytes(files):
    """files: path -> content; the same files give the same bytes."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as tar:
        folders = {""}
        for path, content in sorted(files.items()):
            parts = path.split("/")[:-1]
            for i in range(1, len(parts) + 1):
                folder = "/".join(parts[:i])
                if folder not in folders:
                    folders.add(folder)
                    member = tarfile.TarInfo(folder)
                    member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, 1700000000
                    tar.addfile(member)
            member = tarfile.TarInfo(path)
            member.size, member.mode, member.mtime = len(content), 0o644, 1700000000
            tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def deb_bytes(name):
    """A package with a description and nothing in it."""
    control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\n"
    members = {
        "debian-binary": b"2.0\n",
        "control.tar": tar_bytes({"control": control.encode()}),
        "data.tar": tar_bytes({}),
    }
    data = b"!<arch>\n"
    for member, content in members.items():
        data += f"{member:<16}{1700000000:<12}0     0     100644  {len(content):<10}`\n".encode()
        data += content + b"\n" * (len(content) % 2)
    return data


def request_key(inputs):
    """By what a lock file knows a tree (base_request_key in provision/os/bootstrap.c)."""
    kind = "extracted" if inputs["pattern"] == "leaf" else "installed"
    digest = hashlib.sha256()
    for pair in (("family", inputs["family"]), ("release", inputs["release"]), ("kind", kind),
                 ("packages", inputs["packages"])):
        for text in pair:
            digest.update(len(text).to_bytes(8, sys.byteorder) + text.encode())
    return digest.hexdigest()


def write(path, content, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(path, mode)


def make(nestctl, lab):
    data = os.environ["NESTCTL_DATA"]
    for stack, (host_name, leaf_name) in STACKS.items():
        write(f"{lab}/{stack}/lab.yaml",
              STACK.format(lab=lab, data=data, host_name=host_name, leaf_name=leaf_name))
    kernel = {"boot/vmlinuz-6.1": b"a kernel", "lib/modules/6.1/modules.dep": b"",
              "bin/busybox": b"a busybox"}
    write(f"{lab}/leaf.tar", tar_bytes(kernel))
    write(f"{lab}/host.tar", tar_bytes({
        **kernel, "boot/xen-4.17-amd64.gz": b"a hypervisor", "etc/shadow": b"root:*:1::::::\n",
        "usr/share/large": bytes(range(256)) * 256}))
    write(f"{lab}/bin/mmdebstrap", MMDEBSTRAP.replace("{lab}", lab), 0o755)
    plan = json.loads(subprocess.run(
        [nestctl, "plan", "--json", f"{lab}/lab/lab.yaml", "--store", f"{lab}/none", "--out",
         f"{lab}/none"], check=True, stdout=subprocess.PIPE).stdout)
    trees = []
    for step in plan["steps"]:
        if step["kind"] != "bootstrap":
            continue
        name = "tiny-" + step["inputs"]["pattern"]
        deb = deb_bytes(name)
        write(f"{lab}/mirror/pool/{name}.deb", deb)
        trees.append({"tree": step["name"], "request": request_key(step["inputs"]), "packages": [{
            "name": name, "version": "1", "architecture": "all", "suite": "bookworm",
            "path": f"pool/{name}.deb", "size": len(deb),
            "sha256": hashlib.sha256(deb).hexdigest()}]})
    for stack in STACKS:
        write(f"{lab}/{stack}/lab.lock", json.dumps({"nestctl lock": 1, "trees": trees}))


# ---- runs -----------------------------------------------------------------------------------


class State(ctypes.Structure):
    """struct state of fault.c"""
    _fields_ = [("calls", ctypes.c_uint64), ("syncs", ctypes.c_uint64),
                ("made", ctypes.c_uint64), ("main", ctypes.c_int),
                ("what", ctypes.c_char * 512)]


class Run:
    """What a build did: status, text, number of counted calls, and the one that failed."""

    def __init__(self, status, text, state):
        self.status, self.text = status, text
        self.calls, self.what = state.calls, state.what.decode()


class Lab:
    """The lab in its folder, with a store and an output folder below work."""

    def __init__(self, nestctl, lab, work):
        self.nestctl, self.lab, self.work = nestctl, lab, work
        self.root = f"{work}/root"
        self.store, self.out = f"{self.root}/store", f"{self.root}/out"
        self.shadow = f"{work}/shadow"
        self.clear()

    def clear(self):
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.root)
        os.makedirs(f"{self.work}/tmp")
        os.makedirs(self.shadow)

    def save(self, name):
        shutil.rmtree(f"{self.work}/{name}", ignore_errors=True)
        copy(self.root, f"{self.work}/{name}")

    def load(self, name):
        shutil.rmtree(self.root)
        copy(f"{self.work}/{name}", self.root)

    def command(self, stack, *options):
        return [self.nestctl, "build-stack", f"{self.lab}/{stack}/lab.yaml", "--build-only",
                "--store", self.store, "--out", self.out, *options]

    def environment(self, **fault):
        return dict(os.environ, PATH=f"{self.lab}/bin:{os.environ['PATH']}",
                    TMPDIR=f"{self.work}/tmp", LC_ALL="C.UTF-8", FAULT_NO_SYNC="1",
                    LD_PRELOAD=os.environ["FAULT_LIBRARY"], FAULT_STATE=f"{self.work}/state",
                    **{name: str(value) for name, value in fault.items()})

    def build(self, stack="lab", *options, **fault):
        with open(f"{self.work}/state", "w+b") as file:
            file.write(bytes(ctypes.sizeof(State)))
            file.flush()
            # Children may outlive the program that a cut ends: the pipe closes with the last.
            process = subprocess.run(self.command(stack, *options),
                                     env=self.environment(**fault),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, timeout=PATIENCE)
            with mmap.mmap(file.fileno(), 0) as shared:
                return Run(process.returncode, os.fsdecode(process.stdout),
                           State.from_buffer_copy(shared))

    def image(self):
        """A hash of all bytes of the image; None if there is none."""
        path = f"{self.out}/lab/l1.raw"
        return data_hash(path) if os.path.exists(path) else None

    def objects(self):
        """Every object of the store under its final name -> a hash of all that is in it."""
        found = {}
        for kind in "base", "packages":
            folder = f"{self.store}/{kind}"
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
                if not name.startswith("."):
                    found[f"{kind}/{name}"] = object_hash(f"{folder}/{name}")
        return found

    def leftovers(self):
        found = [f"{self.work}/tmp/{name}" for name in os.listdir(f"{self.work}/tmp")]
        for folder, folders, files in os.walk(self.root):
            found += [f"{folder}/{name}" for name in folders + files
                      if name.startswith((".making", ".gone-")) or ".tmp-" in name]
        return found


def object_hash(path):
    """Of a file, or of a folder of files."""
    if os.path.isdir(path):
        return " ".join(f"{name} {data_hash(f'{path}/{name}')}" for name in sorted(os.listdir(path)))
    return data_hash(path)


def tree_state(path):
    """Names and content of all files below a folder: equal states are equal starts. Times count
    where the program looks at them."""
    return tuple(
        (os.path.relpath(folder, path), tuple(
            (name, data_hash(f"{folder}/{name}"), os.stat(f"{folder}/{name}").st_mtime_ns
             if name == "l1.raw" and ".making" not in folder else 0)
            for name in sorted(files) if os.path.isfile(f"{folder}/{name}")))
        for folder, _, files in sorted(os.walk(path)))


def copy(source, target):
    subprocess.run(["cp", "-a", "--sparse=always", source, target], check=True)


def moments(lab, stack, how, every):
    """Numbers of the calls to be struck: all (every 1), or, for a short run, the first of each kind
    on files of each name and each so-manieth besides."""
    trace = f"{lab.work}/trace"
    if os.path.exists(trace):
        os.unlink(trace)
    run = lab.build(stack, FAULT_AT=0, FAULT_HOW=how, FAULT_TRACE=trace)
    with open(trace) as file:
        lines = [re.sub(r"nestctl-\d+-\d+-\w{6}|\.tmp-\d+|[0-9a-f]{12,}| .*/", " ", line) for line in file]
    assert run.status == 0 and len(lines) == run.calls, run.text
    first = {line: number for number, line in reversed(list(enumerate(lines, 1)))}
    return sorted({*first.values(), *range(1, run.calls + 1, every)}), run.calls


class Report:
    """Counts what was wrong, and shows the first of it."""

    def __init__(self):
        self.wrong, self.shown = 0, 0

    def expect(self, holds, where, what):
        if holds:
            return
        self.wrong += 1
        if self.shown < 12:
            self.shown += 1
            print(f"{where}: {what}", flush=True)


if __name__ == "__main__":
    make(*sys.argv[1:3])
