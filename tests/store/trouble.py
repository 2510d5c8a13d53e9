"""One kind of trouble of the store a case, on the tiny lab. Usage:
trouble.py NESTCTL LAB WORK CASE [long]"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

from lab import IDENTITY, Lab, PATIENCE, Report


def last(run):
    return run.text[-400:]


def only(folder, ending=""):
    """Files of the folder with such a path, in a fixed order."""
    found = [f"{where}/{name}" for where, _, names in os.walk(folder) for name in names]
    return sorted(path for path in found if path.endswith(ending) and not os.path.islink(path) and
                  "/.lock" not in path and "/logs/" not in path)


def held(path):
    """Does any process have the file open?"""
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link) == path:
                return True
        except OSError:
            pass  # it has just ended
    return False


class Cases:
    def __init__(self, lab, report, long):
        self.lab, self.report, self.long = lab, report, long
        self.builds = []
        lab.save("nothing")
        assert lab.build().status == 0
        self.image, self.objects = lab.image(), lab.objects()
        lab.save("built")

    def expect_built(self, run, where, objects=True):
        self.report.expect(run.status == 0, where, f"fails: {last(run)}")
        self.report.expect(self.lab.image() == self.image, where, "other bytes")
        if objects:
            self.report.expect(self.lab.objects() == self.objects, where, "other objects")

    def out_clear(self):
        """So that the image has to be composed again."""
        shutil.rmtree(self.lab.out)

    # ---- the same bytes ---------------------------------------------------------------------

    def same_bytes(self):
        """In another folder, at another time, in another place of the world."""
        lab = self.lab
        time.sleep(1.1)
        here, lab.root = lab.root, f"{lab.work}/another place"
        lab.store, lab.out = f"{lab.root}/s", f"{lab.root}/o"
        os.makedirs(lab.root)
        mask = os.umask(0o077)
        self.expect_built(lab.build(TZ="Asia/Tokyo", LANG="de_DE.UTF-8", USER="other",
                                    HOME=lab.root), "elsewhere")
        os.umask(mask)
        lab.root = here

    # ---- what goes into a key ---------------------------------------------------------------

    def plan(self, data=None):
        """Step -> "cached" or why not."""
        environment = dict(os.environ, **({"NESTCTL_DATA": data} if data else {}))
        text = subprocess.run(
            [self.lab.nestctl, "plan", f"{self.lab.work}/changed/lab.yaml", "--store",
             self.lab.store, "--out", self.lab.out], env=environment, check=True,
            stdout=subprocess.PIPE).stdout.decode()
        return dict(re.findall(r"^ *\d+\. (\S+ \S+(?: bookworm \d)?)(?: bookworm)? +(\S.*)$", text, re.M))

    def plan_changed(self, where, change, expected, data=None):
        """change: file of the lab -> (text, other text). What is not expected is cached."""
        folder = f"{self.lab.work}/changed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(f"{self.lab.lab}/lab", folder)
        for name, (text, other) in change.items():
            with open(f"{folder}/{name}", "r+") as file:
                content = file.read()
                assert text in content, (name, text)
                file.seek(0)
                file.truncate()
                file.write(content.replace(text, other, 1))
        for step, found in self.plan(data).items():
            self.report.expect(found == expected.get(step, "cached"), where, f"{step}: {found}")

    def data_with(self, template):
        """A copy of the program's data with one template changed."""
        data = f"{self.lab.work}/data"
        shutil.rmtree(data, ignore_errors=True)
        os.makedirs(data)
        for name in "templates", "profiles":
            shutil.copytree(f"{os.environ['NESTCTL_DATA']}/{name}", f"{data}/{name}")
        agent = os.path.join(os.path.dirname(self.lab.nestctl), "nestctl-agent")
        shutil.copy(agent, f"{data}/nestctl-agent")
        with open(f"{data}/templates/{template}", "a") as file:
            file.write("# changed\n")
        return data

    def keys(self):
        """Each input of a step changes its key, and the plan names it."""
        host, leaf = "bootstrap xen-host", "bootstrap leaf"
        after_t2 = {"compose t3": "changed: t2"}
        after_t1 = {"compose t2": "changed: t1", **after_t2}
        self.plan_changed("nothing changed", {}, {})
        self.plan_changed("a host name", {"lab.yaml": ("host_name: one", "host_name: two")},
                          {"compose t2": "changed: own files", **after_t2})
        self.plan_changed("a disk's size", {"lab.yaml": ("size: 3GiB", "size: 4GiB")},
                          {"compose t1": "changed: disk", **after_t1})
        self.plan_changed("a mirror", {"lab.yaml": ("/mirror/", "/mirror/ http://example.org/")},
                          {"compose t1": "changed: own files", **after_t1})
        self.plan_changed("a package's bytes", {"lab.lock": ('"sha256": "', '"sha256": "' + "0" * 64
                                                             + '", "was": "')},
                          {leaf: "changed: locked packages", "compose t3": "changed: base tree"})
        trees = {step: "changed: setup-hook" for step in (host, leaf)}
        self.plan_changed("a hook of the bootstrap", {},
                          {**trees, "compose t1": "changed: base tree",
                           "compose t2": "changed: base tree, t1",
                           "compose t3": "changed: base tree, t2"},
                          self.data_with("debian/setup-hook"))
        self.no_lock_file(host, leaf)
        self.two_of_a_name(host)
        self.plan_changed("a unit", {}, {"compose t1": "changed: own files",
                                         "compose t2": "changed: own files, t1", **after_t2},
                          self.data_with("agent/nestctl-agent.service"))
        self.image_lost()

    def image_lost(self):
        """The inputs are the same, the image is not."""
        image, layers = f"{self.lab.out}/lab/l1.raw", ("compose t1", "compose t2", "compose t3")
        os.utime(image, ns=(1, 1))
        self.plan_changed("a touched image", {}, dict.fromkeys(
            layers, "its image was written to after the build"))
        os.unlink(image)
        self.plan_changed("no image", {}, dict.fromkeys(layers, "its image is no longer there"))
        os.unlink(f"{self.lab.out}/lab/l1.json")
        self.plan_changed("no record", {}, dict.fromkeys(layers, "its image is not finished"))

    def no_lock_file(self, host, leaf):
        """An input that is no longer there is a change."""
        self.plan_changed("nothing changed", {}, {})
        os.unlink(f"{self.lab.work}/changed/lab.lock")
        found = self.plan()
        self.report.expect({found[host], found[leaf]} == {"changed: locked packages"},
                           "no lock file", found)

    def two_of_a_name(self, host):
        """Two trees of a pattern and release are told apart, by what changed and by --step."""
        polish = {"lab.yaml": ("name: t1", "name: t1\n    locale: pl_PL.UTF-8")}
        self.plan_changed("another locale", polish,
                          {f"{host} bookworm 2": "not built before",
                           "compose t1": "changed: base tree, own files",
                           "compose t2": "changed: t1", "compose t3": "changed: t2"})

    # ---- the store's verbs ----------------------------------------------------------------------

    def verbs(self):
        """What a verb does not take is refused: rm with gc's dry run removes nothing."""
        lab = self.lab
        for verb, refusal in (("rm base --dry-run", "store rm: has no option --dry-run"),
                              ("verify --json", "store verify: has no option --json"),
                              ("ls --limit 1GiB", "store ls: has no option --limit"),
                              ("gc base", "store gc: usage"),
                              ("ls base", "store ls: usage")):
            verb = verb.replace("base", os.listdir(f"{lab.store}/base")[0].replace(".lock-", ""))
            run = subprocess.run([lab.nestctl, "store", *verb.split(), "--store", lab.store],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            said = run.stdout.decode()
            self.report.expect(run.returncode == 2 and said.startswith(f"nestctl: {refusal}: ") and
                               "nestctl store" in said, verb, run)
        self.report.expect(lab.objects() == self.objects, "verbs", "other objects")

    # ---- names ---------------------------------------------------------------------------------

    def any_bytes(self):
        """Folders whose names are not UTF-8: objects are found and kept, and JSON is JSON."""
        lab, where = self.lab, "any bytes"
        lab.load("nothing")
        lab.store, lab.out = f"{lab.root}/store\udcff", f"{lab.root}/out\udcff"
        self.expect_built(lab.build(), where)
        plan = json.loads(subprocess.run(
            [lab.nestctl, "plan", "--json", f"{lab.lab}/lab/lab.yaml", "--store", lab.store,
             "--out", lab.out], check=True, stdout=subprocess.PIPE).stdout)
        self.report.expect(all(step["cached"] for step in plan["steps"]), where, plan)
        store = [lab.nestctl, "store", "--store", lab.store]
        text = subprocess.run([*store, "gc"], check=True, stdout=subprocess.PIPE).stdout
        self.report.expect(text == b"", where, text)
        os.mkdir(f"{lab.store}/base/\udcff")
        listed = json.loads(subprocess.run([*store, "ls", "--json"], check=True,
                                           stdout=subprocess.PIPE).stdout)
        self.report.expect(len(listed["objects"]) == 5, where, listed)

    # ---- a store that cannot be written or read -----------------------------------------------

    def read_only(self):
        lab, report = self.lab, self.report
        self.out_clear()
        files = {path: os.stat(path).st_mtime_ns for path in only(lab.store)}
        run = lab.build(FAULT_READONLY=lab.store)
        self.expect_built(run, "a read-only store with all trees")
        report.expect(files == {path: os.stat(path).st_mtime_ns for path in only(lab.store)},
                      "a read-only store", "was changed")
        shutil.rmtree(lab.store)
        self.out_clear()
        run = lab.build(FAULT_READONLY=lab.store)
        report.expect(run.status == 1 and "Read-only file system" in run.text, "no trees", last(run))
        report.expect(lab.store in run.text, "no trees", last(run))
        lab.load("built")
        self.out_clear()
        tree = only(lab.store, "/tree.tar")[0]
        self.flip(tree, 5000)
        run = lab.build(FAULT_READONLY=lab.store)
        report.expect(run.status == 1 and "is damaged" in run.text and
                      "Read-only file system" in run.text, "a damaged tree", last(run))
        report.expect(lab.image() is None, "a damaged tree", "an image was made from it")

    def unreadable(self):
        """Each file of the store and of the last build, in turn."""
        lab = self.lab
        for how in "EIO", "EACCES":
            for path in only(lab.root):
                lab.load("built")
                where = f"{how} from {os.path.relpath(path, lab.root)}"
                if path.endswith(".deb"):
                    shutil.rmtree(f"{lab.store}/base")  # so that it is needed
                if path.startswith(lab.store):
                    self.out_clear()
                stack = "lab" if path.startswith(lab.store) else "other"
                os.setxattr(path, IDENTITY, b"unreadable")
                run = lab.build(stack, FAULT_IDENTITY="unreadable", FAULT_HOW=how)
                if path.startswith(lab.store):
                    self.expect_built(run, where)
                    if "/roots/" not in path:
                        self.report.expect("damaged" in run.text, where, f"no word: {last(run)}")
                        self.report.expect(IDENTITY not in os.listxattr(path), where,
                                           "is still there")
                    continue
                # An image that cannot be read while it is changed is given up; the next is new.
                told = path.endswith("l1.raw") and f"{path}: cannot be read" in run.text
                self.report.expect(run.status == 0 or told, where, last(run))
                self.expect_built(lab.build(), f"{where}, then back")

    # ---- bits ---------------------------------------------------------------------------------

    @staticmethod
    def flip(path, position):
        with open(path, "r+b") as file:
            file.seek(position)
            byte = file.read(1)[0]
            file.seek(position)
            file.write(bytes([byte ^ 1 << position % 8]))

    def flipped(self):
        lab, report = self.lab, self.report
        for path in only(lab.root):
            if path.endswith("l1.raw"):
                continue  # like any disk: what is in it changes when its machine runs
            size, count = os.path.getsize(path), 200 if self.long else 3
            for position in sorted({size * i // count for i in range(count)} | {size - 1}):
                lab.load("built")
                self.flip(path, position)
                self.flipped_build(path, f"{os.path.relpath(path, lab.root)}, byte {position}")
        verify = subprocess.run([lab.nestctl, "store", "verify", "--store", lab.store],
                                stdout=subprocess.PIPE)
        report.expect(verify.returncode == 0, "store verify", verify.stdout.decode())

    def flipped_build(self, path, where):
        """A manifest and what tells a build from another may change where it does not matter; of
        data every bit matters."""
        lab = self.lab
        if path.endswith(".deb"):
            shutil.rmtree(f"{lab.store}/base")
        if not path.startswith(lab.store):
            run = lab.build("other")
            self.report.expect(run.status == 0, where, last(run))
            self.expect_built(lab.build(), where)
            return
        self.out_clear()
        run = lab.build()
        no_data = path.endswith("manifest.json") or "/roots/" in path
        self.expect_built(run, where, objects=not no_data)
        self.report.expect(no_data or "damaged" in run.text, where, f"no word: {last(run)}")

    def both_flipped(self):
        """A tree whose damage is seen only when the image is made anew for the other one's."""
        lab = self.lab
        lab.build("leaf")
        other = lab.image()
        lab.load("built")
        for tree in only(lab.store, "/tree.tar"):
            self.flip(tree, 5000)
        run = lab.build("leaf")
        self.report.expect(run.status == 0, "both trees", f"fails: {last(run)}")
        self.report.expect(run.text.count("is damaged and made anew") == 2, "both trees", last(run))
        self.report.expect(lab.image() == other, "both trees", "other bytes")
        self.report.expect(lab.objects() == self.objects, "both trees", "other objects")

    # ---- a step by its name -----------------------------------------------------------------

    def by_name(self):
        """A tree is made again where there is none, and goes only when there is another."""
        lab, report, step = self.lab, self.report, ("--step", "bootstrap leaf bookworm")
        run = lab.build("lab", *step, LAB_FAIL="1")
        report.expect(run.status == 1, "a tree that cannot be made", last(run))
        report.expect(lab.objects() == self.objects, "a tree that cannot be made", "other objects")
        run = lab.build("lab", *step, LAB_LOG=f"{lab.work}/made")
        report.expect(run.status == 0, "a tree again", last(run))
        with open(f"{lab.work}/made") as file:
            report.expect(file.read().split() == ["leaf"], "a tree again", "was not made")
        report.expect(lab.objects() == self.objects, "a tree again", "other objects")
        lab.load("nothing")
        run = lab.build("lab", *step)
        report.expect(run.status == 0, "a tree into an empty store", last(run))
        trees = only(lab.store, "/tree.tar")
        report.expect(len(trees) == 1, "a tree into an empty store", trees)

        self.cut_again(step)
        self.nothing_made()

    def cut_again(self, step):
        """A tree is made again, and the build ends before a name changes: the tree is there."""
        lab, trace = self.lab, f"{self.lab.work}/trace"
        lab.load("built")
        lab.build("lab", *step, FAULT_AT=0, FAULT_HOW="CUT", FAULT_TRACE=trace)
        with open(trace) as file:
            renames = [at for at, line in enumerate(file, 1)
                       if re.match(rf"rename\S* {lab.store}/base/", line)]
        self.report.expect(renames, "a tree again", "no name changed")
        for at in renames:
            lab.load("built")
            run = lab.build("lab", *step, FAULT_AT=at, FAULT_HOW="CUT")
            self.report.expect(run.status == -9 and lab.objects() == self.objects, "a tree again",
                               f"before {run.what}: {lab.objects()}")

    def nothing_made(self):
        """The maker ends as if all were well; what it published is no tree, and is replaced."""
        lab = self.lab
        lab.load("nothing")
        run = lab.build("lab", LAB_FAIL="0")
        self.report.expect(run.status == 1 and "/tree.tar: is not there, though it was made 3 times: "
                           in run.text, "no tree", last(run))
        self.expect_built(lab.build(), "after no tree")

    # ---- what no package brings ---------------------------------------------------------------

    def absent(self):
        """A service or a time zone that the layer's system lacks is an error: it would be passed
        over in silence when the layer starts."""
        self.refused("services: [there, nosuch]", 'services[2]: found "nosuch", but no package of '
                     "the layer has a unit nosuch.service: name the package in os.packages, or "
                     "bring the unit with files")
        self.refused("services: [nosuch.timer]", 'services[1]: found "nosuch.timer", but no '
                     "package of the layer has a unit nosuch.timer: name the package in "
                     "os.packages, or bring the unit with files")
        self.refused("services: [dotted1.2]", 'services[1]: found "dotted1.2", but no package of '
                     "the layer has a unit dotted1.2.service: name the package in os.packages, or "
                     "bring the unit with files")
        self.refused("services: [old.timer]", 'services[1]: found "old.timer", but no package of '
                     "the layer has a unit old.timer: name the package in os.packages, or bring "
                     "the unit with files")
        cure = ("Asia/Tokyo: name another zone, or the package that has this one (such as "
                "tzdata-legacy) in os.packages")
        self.refused("time_zone: Mars", 'time_zone: found "Mars", which the layer\'s system does '
                     "not know; allowed is a file below its /usr/share/zoneinfo, such as " + cure)
        self.refused("time_zone: Europe", 'time_zone: found "Europe", which the layer\'s system '
                     "does not know; allowed is a file below its /usr/share/zoneinfo, such as " + cure)
        run = self.build_with("services: [there, old, old.service, old1.2, there1.2]\n    time_zone: Europe/Berlin")
        self.report.expect(run.status == 0, "what is there", last(run))

    def build_with(self, keys):
        """The outermost layer has these keys too, and files that they can mean."""
        lab = self.lab
        shutil.copytree(f"{lab.lab}/lab", f"{lab.lab}/absent", dirs_exist_ok=True)
        with open(f"{lab.lab}/absent/lab.yaml", "r+") as file:
            text = file.read()
            file.seek(0)
            file.write(text.replace("name: t1\n", f"""name: t1
    files:
      - {{ path: /etc/systemd/system/there.service, content: x }}
      - {{ path: /etc/systemd/system/there1.2.service, content: x }}
      - {{ path: /etc/init.d/old, content: x }}
      - {{ path: /etc/init.d/old1.2, content: x }}
      - {{ path: /usr/share/zoneinfo/Europe/Berlin, content: x }}
    {keys}
""", 1))
        return lab.build("absent")

    def refused(self, keys, message):
        run = self.build_with(keys)
        self.report.expect(run.status == 2 and run.text.endswith(
            f"nestctl: composing t1: {message}\n"), keys, last(run))
        self.report.expect(not self.lab.leftovers(), keys, f"left behind: {self.lab.leftovers()}")

    def mounts(self):
        """As root: what is mounted while a tree is made is seen by nobody else, and goes with it."""
        lab, folder = self.lab, f"{self.lab.work}/mount"
        os.makedirs(folder)
        lab.load("nothing")
        run = lab.build(LAB_MOUNT=folder, LAB_LOG=f"{lab.work}/made")
        seen = os.path.ismount(folder)
        while os.path.ismount(folder):
            subprocess.run(["umount", folder], check=True)
        self.report.expect(os.path.exists(f"{lab.work}/made.mounted"), "mounts", "none was made")
        self.report.expect(not seen, "mounts", "are seen outside")
        self.expect_built(run, "mounts")

    def chroot(self):
        """As root in a plain chroot, whose / is no mount point: the trees are made there too."""
        lab, root = self.lab, f"{self.lab.work}/chroot"
        lab.load("nothing")
        script = """for folder in /*; do
	case $folder in /proc | /sys) continue ;; esac
	if [ -L "$folder" ]; then cp -P "$folder" "$0$folder"
	elif [ -d "$folder" ]; then mkdir -p "$0$folder" && mount --rbind "$folder" "$0$folder" || exit 9
	fi
done
mkdir "$0/proc" && mount -t proc proc "$0/proc" || exit 9
exec chroot "$0" "$@"
"""
        os.makedirs(root)
        command = lab.command
        lab.command = lambda *words: ["unshare", "-m", "sh", "-c", script, root, *command(*words)]
        run = lab.build()
        del lab.command
        self.expect_built(run, "chroot")

    # ---- builds that meet ---------------------------------------------------------------------

    def start(self, out, stack="lab", **more):
        """A build that makes its trees as soon as go() has been called."""
        lab = self.lab
        command = lab.command(stack)
        command[command.index("--out") + 1] = out
        with open(f"{out}.log", "wb") as log:
            self.builds.append(subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(lab.environment(), LAB_WAIT=f"{lab.work}/go", **more)))
        return self.builds[-1]

    def go(self):
        open(f"{self.lab.work}/go", "w").close()

    def stop(self):
        """Whatever failed, no build is left, and nothing that waits for go()."""
        for build in self.builds:
            build.kill()
            build.wait()
        self.go()

    @staticmethod
    def until(condition, what):
        limit = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > limit:
                raise TimeoutError(f"{what} did not come within {PATIENCE} s")
            time.sleep(0.01)

    @staticmethod
    def said(out):
        with open(f"{out}.log", errors="replace") as file:
            return file.read()

    def end(self, build, out):
        build.wait(PATIENCE)
        if os.path.exists(f"{self.lab.work}/go"):
            os.unlink(f"{self.lab.work}/go")
        return self.said(out)

    def together(self):
        """Three builds want the same trees: each is made once, the others wait and use it."""
        lab, log = self.lab, f"{self.lab.work}/made"
        lab.load("nothing")
        outs = [f"{lab.root}/out{i}" for i in range(3)]
        builds = [self.start(out, LAB_LOG=log) for out in outs]
        waiting = "waiting for another build that makes or uses the same object"
        self.until(lambda: sum(waiting in self.said(out) for out in outs) >= 2, "two that wait")
        self.go()
        for build in builds:
            build.wait(PATIENCE)
        texts = [self.said(out) for out in outs]
        with open(log) as file:
            made = sorted(file.read().split())
        self.report.expect(made == ["host", "leaf"], "together", f"made: {made}")
        for i, build in enumerate(builds):
            lab.out = f"{lab.root}/out{i}"
            self.report.expect(build.returncode == 0, "together", texts[i])
            self.report.expect(lab.image() == self.image, "together", "other bytes")
        self.report.expect(lab.objects() == self.objects, "together", "other objects")

    def collected(self):
        """The store is cleared while a build is at work in it; what a killed one left goes."""
        lab = self.lab
        lab.load("nothing")
        build = self.start(lab.out)
        clears, limit = 0, time.monotonic() + PATIENCE
        while build.poll() is None and time.monotonic() < limit:
            clear = subprocess.run([lab.nestctl, "store", "gc", "--limit", "1KiB", "--store",
                                    lab.store], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            clears += clear.returncode == 0
            self.report.expect(clear.returncode == 0, "collected", clear.stdout.decode())
            if clears >= 2 and self.makes():
                self.go()
        build.kill()  # one that was never let go on
        text = self.end(build, lab.out)
        self.report.expect(build.returncode == 0, "collected", text)
        self.report.expect(lab.image() == self.image, "collected", "other bytes")
        shutil.rmtree(lab.store)
        killed = self.start(lab.out)
        self.until(self.makes, "a tree in the making")
        killed.kill()
        self.end(killed, lab.out)
        self.go()
        self.until(lambda: not held(f"{lab.out}.log"), "the end of the killed build's children")
        subprocess.run([lab.nestctl, "store", "gc", "--store", lab.store], check=True)
        left = [name for name in lab.leftovers() if name.startswith(lab.store)]
        self.report.expect(not left, "collected", f"left behind: {left}")

    def makes(self):
        return any("/.making-" in folder for folder, _, _ in os.walk(self.lab.store))

    def touched(self):
        """The image changes between the plan, which would keep two layers or all, and composing."""
        lab = self.lab
        for stack in "leaf", "lab":
            self.touched_build(stack)

    def touched_build(self, stack):
        lab = self.lab
        lab.load("built")
        lab.build(stack)
        other = lab.image()
        lab.load("built")
        leaf = next(path for path in only(lab.store, "/tree.tar")
                    if os.path.getsize(path) == os.path.getsize(f"{lab.lab}/leaf.tar"))
        shutil.rmtree(os.path.dirname(leaf))
        made = f"{lab.work}/made-{stack}"
        build = self.start(lab.out, stack, LAB_LOG=made)
        self.until(lambda: os.path.exists(made), "a tree in the making")
        self.flip(f"{lab.out}/lab/l1.raw", 1 << 29)
        self.go()
        text = self.end(build, lab.out)
        self.report.expect(build.returncode == 0, "touched", text)
        self.report.expect("compose t1: is made anew: the image changed" in text, "touched", text)
        self.report.expect(lab.image() == other, "touched", "other bytes")


def main(nestctl, folder, work, case, *long):
    report = Report()
    cases = Cases(Lab(nestctl, folder, work), report, bool(long))
    try:
        getattr(cases, case)()
    finally:
        cases.stop()
    print(f"{case}: {report.wrong} wrong")
    return report.wrong > 0


sys.exit(main(*sys.argv[1:]))
