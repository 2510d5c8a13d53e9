#!/usr/bin/env python3
"""The values of an emitted file, as its reader takes them: values.py FORMAT FILE prints JSON, or
values.py FORMAT FILE NAME checks that the machine's name arrived there as it is."""
import json
import re
import sys
import xml.etree.ElementTree as ElementTree


def vmx(text):
    values = {}
    for line in text.splitlines():
        key, value = re.fullmatch(r'([^ =]+) = "([^"]*)"', line).groups()
        assert key not in values, f"{key} twice"
        values[key] = re.sub(r"\|([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), value)
    return {"name": values["displayName"], "all": values}


def power_shell(text):
    """Assignments of single-quoted strings; a quote inside is doubled, the typographic ones too."""
    quote = "['\u2018\u2019\u201a\u201b]"
    values = {}
    for line in text.splitlines():
        match = re.fullmatch(rf"\$(\w+) = (?:Join-Path \$Folder )?'((?:[^'\u2018-\u201b]|({quote})\3)*)'",
                             line)
        if match:
            values[match[1]] = re.sub(rf"({quote})\1", r"\1", match[2])
        elif line.startswith("$name"):
            raise ValueError(f"not one string: {line}")
    return {"name": values["name"], "all": values}


def libvirt(text):
    root = ElementTree.fromstring(text.encode())
    return {"name": root.findtext("name"), "all": {"disk": root.find("devices/disk/source").get("file")}}


def xen(text):
    """xm's configs are Python; xl reads the same strings, numbers and lists."""
    values = {}
    exec(compile(text, "config", "exec"), {"__builtins__": {}}, values)
    return {"name": values["name"], "all": values}


def sxp(text):
    """Nested lists of atoms, plain or in quotes with backslashes."""
    lists = [[]]
    for blank, bracket, quoted, plain in re.findall(
            r"(\s+)|([()])|'((?:[^'\\]|\\.)*)'|([^\s()']+)", text, re.S):
        if bracket == "(":
            lists.append([])
        elif bracket == ")":
            done = lists.pop()
            lists[-1].append(done)
        elif not blank:
            lists[-1].append(plain or re.sub(r"\\(.)", r"\1", quoted, flags=re.S))
    (domain,), = lists
    assert domain[0] == "domain", domain
    values = {item[0]: item[1] for item in domain[1:] if item[0] not in ("image", "device")}
    image, = (item[1] for item in domain[1:] if item[0] == "image")
    assert image[0] == "hvm", image
    values.update(image[1:])
    values["devices"] = [item[1] for item in domain[1:] if item[0] == "device"]
    return {"name": values["name"], "all": values}


READERS = {"vmx": vmx, "hyper-v": power_shell, "libvirt": libvirt, "xl": xen, "xm": xen, "sxp": sxp,
           "xend-xml": libvirt}


def main():
    kind, path = sys.argv[1:3]
    with open(path, encoding="utf-8") as file:
        found = READERS[kind](file.read())
    if len(sys.argv) < 4:
        print(json.dumps(found["all"], indent=1, ensure_ascii=False))
    elif found["name"] != sys.argv[3]:
        sys.exit(f"the name became {found['name']!r}")


main()
