#!/usr/bin/env python3
"""Reads an answer file the way its installer does and compares what comes out with the profile.

check.py FORMAT FILE [--profile JSON] [--agent BYTES]
The script that the file holds is run for real, by dash, with its files below a folder of ours and
its commands recorded. Without --profile only the form is checked. Silent and 0: all is well."""
import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ElementTree

YAST = "{http://www.suse.com/1.0/yast2ns}"
problems = []


def wrong(text):
    problems.append(text)


def same(what, found, wanted):
    if found != wanted:
        wrong(f"{what}: found {found!r}, wanted {wanted!r}")


def words(line):
    return shlex.split(line)


# ---- the scripts inside ----

COMMANDS = ("systemctl", "insserv", "update-grub", "grub2-mkconfig", "grub2-set-default", "esxcli",
            "vim-cmd", "auto-backup.sh")
# What the commands of the scripts name; the files of put() are below our root anyway.
PATHS = ("/root/.ssh", "/etc/nestctl/", "/etc/default/grub", "/boot/grub2/", "/etc/ssh/keys-root/")
MENU = """menuentry 'Lin' --class x {
}
menuentry 'Lin, with Xen hypervisor' --class x {
}
submenu 'more' {
	menuentry 'Lin, with Xen 4.17' {
	}
}
"""


def below(script, root):
    """The script with its paths below root; the content of files is left alone."""
    lines, inside = [], False
    for line in script.split("\n"):
        if inside:
            inside = line != "nestctl_END"
        elif line.startswith("put '"):
            inside = True
        else:
            line = line.replace("path=$1 ", f"path={shlex.quote(root)}$1 ")
            line = line.replace("/sbin/insserv", "insserv")
            for path in PATHS:
                line = line.replace(path, root + path)
        lines.append(line)
    return "\n".join(lines)


def run_script(script, root, tools):
    """Runs it; returns the commands that it called."""
    log = os.path.join(tools, "log")
    for shell in ("dash", "bash"):
        done = subprocess.run([shell, "-n"], input=script.encode(), capture_output=True)
        if done.returncode != 0 or done.stderr:
            wrong(f"{shell} -n: {done.stderr.decode(errors='replace')[:300]}")
    for folder in ("etc/default", "boot/grub2", "etc/ssh/keys-root"):
        os.makedirs(os.path.join(root, folder))
    with open(os.path.join(root, "boot/grub2/grub.cfg"), "w", encoding="ascii") as menu:
        menu.write(MENU)
    for name in COMMANDS:
        path = os.path.join(tools, name)
        with open(path, "w", encoding="ascii") as stub:
            stub.write(f'#!/bin/sh\nprintf "%s\\n" "{name} $*" >> {shlex.quote(log)}\n')
        os.chmod(path, 0o755)
    done = subprocess.run(
        ["dash"], input=below(script, root).encode(), capture_output=True, cwd=root, timeout=60,
        env={"PATH": tools + ":/usr/bin:/bin", "ROOT": root, "HOME": root})
    if done.returncode != 0 or done.stderr:
        wrong(f"the script ends with {done.returncode}: "
              f"{done.stderr.decode(errors='replace')[:300]}")
    if not os.path.exists(log):
        return []
    with open(log, encoding="utf-8") as called:
        return [line.replace(root, "").rstrip() for line in called.read().splitlines()]


def files_below(root):
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[path[len(root):]] = (file.read(), os.stat(path).st_mode & 0o7777)
    return found


OWN_FILES = {
    "/boot/grub2/grub.cfg", "/etc/default/grub", "/etc/default/grub.d/nestctl.cfg",
    "/etc/nestctl/grub-defaults", "/etc/nestctl/agent.conf", "/etc/network/interfaces",
    "/etc/resolv.conf", "/etc/hostname", "/etc/hosts",
    "/etc/default/locale", "/etc/systemd/system/nestctl-agent.service",
    "/etc/init.d/nestctl-agent", "/usr/lib/nestctl/nestctl-agent", "/root/.ssh/authorized_keys",
    "/etc/NetworkManager/dispatcher.d/50-nestctl-routes", "/etc/ssh/keys-root/authorized_keys",
}


def check_files(root, profile, agent, keys_path="/root/.ssh/authorized_keys"):
    found = files_below(root)
    if agent is not None:
        same("the agent", found.get("/usr/lib/nestctl/nestctl-agent"), (agent, 0o755))
        if b"\nchannel /dev/ttyS1\n" not in found.get("/etc/nestctl/agent.conf", (b"",))[0]:
            wrong("the agent's configuration names no channel")
    elif "/usr/lib/nestctl/nestctl-agent" in found:
        wrong("an agent that was to be left out")
    for path, (data, mode) in found.items():
        if path.endswith("/50-nestctl-routes") or path == "/etc/init.d/nestctl-agent":
            done = subprocess.run(["dash", "-n"], input=data, capture_output=True)
            same(f"dash -n of {path}", done.returncode, 0)
            same(f"mode of {path}", mode, 0o755)
        if path in ("/etc/nestctl/grub-defaults", "/etc/default/grub.d/nestctl.cfg"):
            check_grub_defaults(path, data, profile)
    if profile is None:
        return
    wanted = {}
    for file in profile.get("files", []):
        wanted[file["path"]] = (file["content"].encode(), int(file.get("mode", "0644"), 8))
    for path, value in wanted.items():
        same(path, found.get(path), value)
    keys = profile.get("ssh_keys", [])
    same(keys_path, found.get(keys_path, (b"",))[0].decode(), "".join(k + "\n" for k in keys))
    strange = set(found) - set(wanted) - OWN_FILES
    if strange:
        wrong(f"files that nobody asked for: {sorted(strange)}")


def check_grub_defaults(path, data, profile):
    """The shell that update-grub is reads it: what comes out are the arguments."""
    script = "GRUB_CMDLINE_LINUX_XEN_REPLACE= GRUB_CMDLINE_XEN=\n" + data.decode() + \
        'printf "%s\\n" "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_XEN_REPLACE" "$GRUB_CMDLINE_XEN"\n'
    done = subprocess.run(["dash", "-eu"], input=script.encode(), capture_output=True)
    if done.returncode != 0:
        wrong(f"{path}: {done.stderr.decode()[:200]}")
        return
    linux, dom0, xen = done.stdout.decode().split("\n")[:3]
    check_arguments(path, linux, dom0 or None, xen or None, profile)


def check_arguments(where, linux, dom0, xen, profile):
    if linux and "console=ttyS0" not in linux:
        wrong(f"{where}: no serial console for Linux alone")
    if dom0 is not None:
        if "console=ttyS0" in dom0 or "console=hvc0" not in dom0:
            wrong(f"{where}: the console of dom0: {dom0}")
        if "com1=115200" not in xen or "dom0_mem=" not in xen:
            wrong(f"{where}: the hypervisor's line: {xen}")
    extra = (profile or {}).get("boot", {})
    if extra.get("kernel_args"):
        for line in (linux, dom0):
            if line and not line.endswith(" " + extra["kernel_args"]):
                wrong(f"{where}: {line} does not end in {extra['kernel_args']}")
    if xen and extra.get("hypervisor_args") and not xen.endswith(" " + extra["hypervisor_args"]):
        wrong(f"{where}: {xen} does not end in {extra['hypervisor_args']}")


def check_labels(found, profile):
    if profile:
        same("labels", found, [p.get("label", "") for p in profile["disk"]["partitions"]])


def check_password(found, profile):
    if profile:
        same("root's password", found, profile["root_password_hash"])


def is_host(profile):
    return bool(profile) and profile.get("role") == "host"


# ---- formats ----


def autoyast(text, profile, agent):
    root = ElementTree.fromstring(text)

    def get(path):
        return root.findtext("/".join(YAST + part for part in path.split("/")))

    def every(path):
        return root.findall("/".join(YAST + part for part in path.split("/")))

    check_labels([p.findtext(YAST + "label") or ""
                  for p in every("partitioning/drive/partitions/partition")], profile)
    check_password(get("users/user/user_password"), profile)
    if profile:
        same("add-ons", [e.findtext(YAST + "media_url") for e in every("add-on/add_on_products/listentry")
                         if not e.findtext(YAST + "media_url").startswith("dvd:")],
             profile["os"].get("mirror", "").split())
    for section in every("bootloader/sections/section"):
        line = section.findtext(YAST + "append")
        xen = section.findtext(YAST + "xen_append")
        check_arguments("section", None if xen else line, line if xen else None, xen, profile)
    if get("bootloader/loader_type") != "grub":
        check_arguments("global", get("bootloader/global/append"),
                        get("bootloader/global/xen_append"),
                        get("bootloader/global/xen_kernel_append"), profile)
    services = [e.text for e in every("services-manager/services/enable/service")] + \
        [e.text for e in every("runlevel/services/service/service_name")]
    for name in (profile or {}).get("services", []):
        if name not in services:
            wrong(f"service {name} is not enabled")
    same("halt", get("general/mode/halt"), "true")
    script = get("scripts/chroot-scripts/script/source")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as tools:
        called = run_script(script, folder, tools)
        check_files(folder, profile, agent)
    if agent is not None and not any("nestctl-agent" in call for call in called):
        wrong("the agent is not enabled")
    if is_host(profile) and get("bootloader/loader_type") != "grub" and \
            "grub2-set-default Lin, with Xen hypervisor" not in called:
        wrong(f"Xen is not the default: {called}")


KICKSTART = {  # command: options with a value, flags
    "text": (), "cdrom": (), "poweroff": (), "zerombr": (), "lang": (), "vmaccepteula": (),
    "url": ("url",), "repo": ("name", "baseurl"), "keyboard": ("xlayouts",),
    "timezone": ("-isUtc", "-utc"), "rootpw": ("-iscrypted", "-lock"), "firewall": ("-disabled",),
    "selinux": ("-permissive",), "firstboot": ("-disable",), "eula": ("-agreed",),
    "services": ("enabled",), "ignoredisk": ("only-use",),
    "clearpart": ("-all", "-initlabel", "drives", "disklabel", "-firstdisk", "-overwritevmfs"),
    "install": ("-firstdisk", "-overwritevmfs"), "reboot": ("-noeject",),
    "part": ("ondisk", "fstype", "size", "-grow", "-asprimary", "label"),
    "bootloader": ("boot-drive", "timeout", "append"),
    "network": ("device", "bridgeslaves", "bridgeopts", "bootproto", "ip", "netmask", "gateway",
                "nameserver", "onboot", "-activate", "-noipv6", "hostname", "addvmportgroup"),
}


def kickstart_read(text):
    """Commands as (name, options, operands), and sections as (header, text). Lines end where
    Python's splitlines() ends them, and blanks before a % do not count, as in pykickstart."""
    commands, sections, section = [], [], None
    for line in text.splitlines():
        if section is not None:
            if line.split()[:1] == ["%end"]:
                sections.append((section[0], "\n".join(section[1:]) + "\n"))
                section = None
            elif line.lstrip().startswith("%"):
                wrong(f"a line inside a section begins with %: {line[:60]}")
            else:
                section.append(line)
        elif line.startswith("%"):
            section = [line]
        elif line and not line.startswith("#"):
            name, *rest = words(line)
            options, operands = {}, []
            for word in rest:
                if not word.startswith("--"):
                    operands.append(word)
                    continue
                key, equals, value = word[2:].partition("=")
                if (key if equals else "-" + key) not in KICKSTART.get(name, ()):
                    wrong(f"{name} has no option {word}")
                options[key] = value
            if name not in KICKSTART:
                wrong(f"no such command: {line}")
            commands.append((name, options, operands))
    if section is not None:  # ESXi's last one may go to the end of the file
        sections.append((section[0], "\n".join(section[1:])))
    return commands, sections


def kickstart(text, profile, agent):
    commands, sections = kickstart_read(text)
    same("sections", [s[0].split()[0] for s in sections], ["%packages", "%post"])
    named = {name: (options, operands) for name, options, operands in commands}
    check_labels([o.get("label", "") for n, o, _ in commands if n == "part"], profile)
    if profile:
        check_password(named["rootpw"][1][0], profile)
        same("repositories", [o.get("url") or o.get("baseurl") for n, o, _ in commands
                              if n in ("url", "repo")], profile["os"].get("mirror", "").split())
    check_arguments("bootloader", named["bootloader"][0]["append"], None, None, profile)
    for name in (profile or {}).get("services", []):
        if name not in named["services"][0]["enabled"].split(","):
            wrong(f"service {name} is not enabled")
    if "poweroff" not in named:
        wrong("it does not power off")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as tools:
        called = run_script(sections[1][1], folder, tools)
        check_files(folder, profile, agent)
    if agent is not None and "systemctl enable nestctl-agent.service" not in called:
        wrong("the agent is not enabled")
    if is_host(profile) and "grub2-set-default Lin, with Xen hypervisor" not in called:
        wrong(f"Xen is not the default: {called}")


def preseed(text, profile, agent):
    done = subprocess.run(["debconf-set-selections", "--checkonly"], input=text.encode(),
                          capture_output=True)
    if done.returncode != 0 or done.stderr:
        wrong(f"debconf-set-selections: {done.stderr.decode()[:300]}")
    values = {}
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            owner, question, _, value = (line.split(None, 3) + [""])[:4]
            if question in values:
                wrong(f"{question} is answered twice")
            values[question] = value
    check_password(values["passwd/root-password-crypted"], profile)
    for name in ("debian-installer/exit/poweroff", "partman/confirm"):
        same(name, values.get(name), "true")
    with tempfile.TemporaryDirectory() as base:
        # late_command as it stands, with the installer's folders below ours.
        target, tools, folder = (os.path.join(base, name) for name in ("target", "tools", "new"))
        for path in (target + "/root", tools, folder):
            os.makedirs(path)
        with open(base + "/preseed.cfg", "w", encoding="utf-8") as file:
            file.write(text)
        if agent is not None:
            with open(base + "/nestctl-agent", "wb") as file:
                file.write(agent)
        command = values["preseed/late_command"]
        for path in ("/preseed.cfg", "/target", "/nestctl-agent "):
            command = command.replace(" " + path, " " + base + path)
        command = command.replace("in-target sh /root/nestctl-setup", f"cp {target}/root/nestctl-setup {base}/script")
        done = subprocess.run(["dash", "-c", command], capture_output=True)
        if done.returncode != 0:
            wrong(f"late_command: {done.stderr.decode()[:300]}")
            return
        with open(base + "/script", encoding="utf-8") as file:
            called = run_script(file.read(), folder, tools)
        placed = files_below(target)
        if agent is not None:
            same("the agent", placed, {"/usr/lib/nestctl/nestctl-agent": (agent, 0o755)})
            if "systemctl enable nestctl-agent.service" not in called:
                wrong("the agent is not enabled")
            os.makedirs(folder + "/usr/lib/nestctl", exist_ok=True)
            os.rename(target + "/usr/lib/nestctl/nestctl-agent",
                      folder + "/usr/lib/nestctl/nestctl-agent")
        else:
            same("what late_command leaves", placed, {})
        check_files(folder, profile, agent)
    for name in (profile or {}).get("services", []):
        if f"systemctl enable {name}" not in called:
            wrong(f"service {name} is not enabled")
    if "update-grub" not in called:
        wrong("the boot menu is not made anew")


def esxi(text, profile, agent):
    commands, sections = kickstart_read(text)
    named = {name: (options, operands) for name, options, operands in commands}
    same("sections", [s[0] for s in sections], ["%firstboot --interpreter=busybox"])
    for name in ("vmaccepteula", "install", "reboot"):
        if name not in named:
            wrong(f"no {name}")
    check_password(named["rootpw"][1][0], profile)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as tools:
        run_script(sections[0][1], folder, tools)
        check_files(folder, profile, None, "/etc/ssh/keys-root/authorized_keys")


def xcp_ng(text, profile, agent):
    root = ElementTree.fromstring(text)
    known = {"primary-disk", "keymap", "root-password", "source", "admin-interface", "name-server",
             "hostname", "timezone"}
    same("root", root.tag, "installation")
    strange = {child.tag for child in root} - known
    if strange:
        wrong(f"elements that the installer does not know: {strange}")
    same("type of the password", root.find("root-password").get("type"), "hash")
    check_password(root.findtext("root-password"), profile)
    if profile:
        same("sources", [s.text for s in root.findall("source") if s.get("type") == "url"],
             profile["os"].get("mirror", "").split())


def proxmox(text, profile, agent):
    known = {
        "global": {"keyboard", "country", "fqdn", "mailto", "timezone", "root-password-hashed",
                   "root-ssh-keys", "reboot-mode"},
        "network": {"source", "cidr", "dns", "gateway", "filter"},
        "disk-setup": {"filesystem", "disk-list"},
    }
    answer = tomllib.loads(text)
    for section, keys in answer.items():
        strange = set(keys) - known.get(section, set())
        if strange:
            wrong(f"{section}: keys that the installer does not know: {strange}")
    same("sections", set(answer), set(known))
    check_password(answer["global"]["root-password-hashed"], profile)
    same("reboot-mode", answer["global"]["reboot-mode"], "power-off")
    if profile:
        same("SSH keys", answer["global"]["root-ssh-keys"], profile.get("ssh_keys", []))


FORMATS = {"autoyast": autoyast, "kickstart": kickstart, "preseed": preseed, "esxi": esxi,
           "xcp-ng": xcp_ng, "proxmox": proxmox}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("file")
    parser.add_argument("--profile")
    parser.add_argument("--agent")
    arguments = parser.parse_args()
    profile = agent = None
    if arguments.profile:
        with open(arguments.profile, encoding="utf-8") as file:
            profile = json.load(file)
    if arguments.agent:
        with open(arguments.agent, "rb") as file:
            agent = file.read()
    with open(arguments.file, encoding="utf-8", newline="") as file:
        FORMATS[arguments.format](file.read(), profile, agent)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
