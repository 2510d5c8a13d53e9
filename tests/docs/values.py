"""The JSON Schemas and the program's own checks agree on single values: each key of a layer, of its
partitions and files, of a lab and of its machines is given many values around the limits of all of
them. Usage: values.py NESTCTL"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

import jsonschema

LAYERS_MAX = 64
LONG = [15, 16, 17, 62, 63, 64, 65, 253, 254, 255, 256, 1023, 1024, 1025]
SHORT = ["", " ", "a", "A", "-a", "a-", "a.", "_a", ".a", "a b", " a", "a ", "a_b", "a.b", "a..b", "a/b",
         "a\tb", "a\x7fb", "a\x85b", "a\u2028b", "\ufffe", "ä", "a'b", 'a"b', "a\\b", "a#b", "a;b", "a$b",
         "a{b", "a+b", "a:b", "a@b", "true", "rest", "none", "dhcp", "DHCP", "xen", "Xen", "ext4", "mbr"]
NUMBERS = ["0", "1", "00", "08", "8", "0644", "644", "07777", "7777", "10000", "00000644", "0x10", "+1", "-1", "1.5"]
PATHS = ["/", "//", "/a", "/a/", "/a//b", "/./a", "/a/..", "/...", "/.a", "/srv", "/srv/", "/srv/a", "/srv/.", "/srv/..a",
         "/srva", "/srv/a b", "/srv/a#", "/srv/ä", "/boot", "/boot/efi", "/boot/efi/a", "/boot/efix",
         "/var/lib/xen/images", "/var/lib/xen", "/" + "a" * 255, "/" + "a" * 256, "/srv/" + "a" * 255,
         "/srv/" + "a" * 256, "/srv" + "/" + 15 * ("a" * 255 + "/") + "b" * 251,
         "/srv" + "/" + 15 * ("a" * 255 + "/") + "b" * 252]
URLS = ["http://", "http://a", "https://a", "http:///a", "HTTP://a", "ftp://a", "file:///a", "file://a", "http://a b",
        "http://a http://b", "http://a  http://b", "http://a ", "http://a?b", "http://a/b:1~%+=,[]", "a://b", "ab://c",
        "a+b://c", "a1://c", "x/ab://c", "://"]
ADDRESSES = ["0.0.0.0", "0.1.2.3", "1.0.0.0", "10.0.2.3", "10.0.2.03", "10.0.2", "10.0.2.3.4", "10.0.2.256", "127.0.0.1",
             "223.255.255.255", "224.0.0.1", "230.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::1",
             "10.0.2.3/0", "10.0.2.3/1", "10.0.2.3/08", "10.0.2.3/9", "10.0.2.3/24", "10.0.2.3/024", "10.0.2.2/30",
             "10.0.2.2/31", "10.0.2.3/99", "0.1.2.3/24", "127.1.2.3/8", "224.0.0.1/24", "223.0.0.1/24",
             "10.1.0.0/16 via 10.0.2.3", "10.1.0.0/16 via 10.0.2", "10.1.0.0 via 10.0.2.3", "10.1.2.3/16 via 10.0.2.3",
             "10.1.0.0/16  via 10.0.2.3", "10.0.2.3-10.0.2.9", "10.0.2.3 - 10.0.2.9", "0.0.0.1-10.0.0.1",
             "10.0.2.3-224.0.0.1", "10.0.2.3-"]
MACS = ["52:54:00:12:34:56", "52-54-00-12-34-56", "52:54:00:12:34", "52:54:00:12:34:5g", "AA:bb:CC:dd:EE:ff",
        "00:00:00:00:00:00", "00:00:00:00:00:01", "53:54:00:12:34:56", "ff:ff:ff:ff:ff:ff"]
UUID = "4c4c4544-0047-3510-8054-b7c04f4e3732"
UUIDS = [UUID, UUID.upper(), UUID.replace("-", ""), UUID.replace("-", ":"), UUID[:-1], UUID + "0",
         "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000001",
         "ffffffff-ffff-ffff-ffff-ffffffffffff", "FFFFFFFF-ffff-FFFF-ffff-FFFFFFFFFFFF",
         "03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009",
         "03000200-0400-0500-0006-00070008000a", "03000200-0004-0005-0006-000700080009",
         "12345678-1234-5678-90ab-cddeefaabbcc", "12345678-1234-5678-90AB-CDDEEFAABBCC",
         "78563412-3412-7856-90ab-cddeefaabbcc", "12345678-1234-5678-90ab-cddeefaabbcd"]
SECRETS = ["a" * 64, "A" * 64, "0" * 63, "0" * 64, "0" * 65, "$6$abc$" + "a" * 19, "$6$abc$" + "a" * 20,
           "$6$" + "a" * 20, "$6$a$" + "a" * 20, "$6$$" + "a" * 20, "$$a$" + "a" * 20, "6$a$" + "a" * 20,
           "$6$a b$" + "a" * 20, "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAA"]
# Each type with its own beginning and with another's, in every length and with every end.
KEYS = {"ssh-ed25519": "AAAAC3NzaC1lZDI1NTE5", "ssh-rsa": "AAAAB3NzaC1yc2EA",
        "ecdsa-sha2-nistp256": "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYA", "ecdsa-sha2-nistp384": "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQA",
        "ecdsa-sha2-nistp521": "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEA",
        "sk-ssh-ed25519@openssh.com": "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t",
        "sk-ecdsa-sha2-nistp256@openssh.com": "AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20A"}
SECRETS += [f"{kind} {text}" for kind in KEYS for text in KEYS.values()]
SECRETS += [f"ssh-ed25519 {KEYS['ssh-ed25519']}{end}" for end in (
    "A", "AA", "AAA", "AAAA", "=", "==", "===", "====", "A===", "AA==", "AA=", "AAA=", "AAA==", "AA=A", "+/+/", "AA-_", " ",
    " me", "  me me", "\tme", " a\tb", "AAAA=me", "AAA= =")]
SECRETS += ["ssh-ed25519  AAAAC3NzaC1lZDI1NTE5", " ssh-rsa AAAAB3NzaC1yc2EA", "sk-ssh-ed25519@opensshxcom " + KEYS["sk-ssh-ed25519@openssh.com"]]
SIZES = ["2 GiB", "2gib", "2GB", "2G", "2048", "0KiB", "0TiB", "064MiB", "20GiB..2TiB", "20GiB..", "..2TiB", "..",
         "20..30", "20GiB...2TiB", "2TiB..20GiB", "9999999TiB..", "99999999999999999999KiB"]
FAMILIES = SHORT + NUMBERS + PATHS + URLS + ADDRESSES + MACS + UUIDS + SECRETS + SIZES + ["a" * n for n in LONG] + ["ä" * 16]
LAB = "machines: [{name: a, any: 1, stack: stack.yaml}]"
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
# What no schema says: bytes against characters, a route's network against its prefix, two sizes
# against each other and against the largest disk.
UNSAID = {"partition label: " + repr("ä" * 16), "network.routes: '10.1.2.3/16 via 10.0.2.3'",
          "machine disk.size: '2TiB..20GiB'", "machine disk.size: '9999999TiB..'"}

nestctl = sys.argv[1]
wrong, compared, refused = [], 0, 0


def schema_of(*options):
    return json.loads(subprocess.check_output([nestctl, "schema", *options]))


def size_values(rule):
    """Around both limits, in every unit; none where it is no size."""
    found = re.search("sizes? from ([0-9]+)([KMGT]iB) to ([0-9]+)([KMGT]iB)", rule["description"])
    values = []
    for number, unit in (found.group(1, 2), found.group(3, 4)) if found else ():
        for name, size in UNITS.items():
            limit = int(number) * UNITS[unit] // size
            values += [f"{n}{name}" for n in (limit - 1, limit, limit + 1) if n >= 0]
            # Every digit on its way to a carry.
            values += [f"{n}{name}" for digit in range(len(str(limit)))
                       for n in (limit // 10 ** digit * 10 ** digit, limit // 10 ** digit * 10 ** digit - 1) if n >= 0]
    return values


def values_of(rule, families):
    item = rule.get("items", rule)
    if "enum" in item:
        return item["enum"] + [word.upper() for word in item["enum"]] + SHORT
    if item["type"] == "boolean":
        return [True, False]
    if item["type"] == "integer":
        low, high = item["minimum"], item["maximum"]
        return [n for n in (0, low - 1, low, low + 1, high - 1, high, high + 1, high * 10) if n >= 0]
    return families(rule) + list(dict.fromkeys(size_values(rule)))


def leaves(schema, path=""):
    for key, value in schema["properties"].items():
        if "properties" in value:
            yield from leaves(value, path + key + ".")
        else:
            yield path + key, value


def nested(key, value):
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def flow(value):
    """JSON is YAML, but for the way it writes what it calls odd."""
    return re.sub("[\x7f-\x9f\u2028\ufffe]", lambda c: f"\\u{ord(c.group()):04x}", json.dumps(value, ensure_ascii=False))


def told_by(folder, number, lines):
    path = f"{folder}/{number}.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    done = subprocess.run([nestctl, "validate", path], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 2):
        wrong.append(f"validate ended with {done.returncode}: {done.stderr[-300:]}")
    told = {}
    for line in done.stderr.decode(errors="replace").split("\n"):
        found = re.match(re.escape(path) + ":([0-9]+):[0-9]+: (.*)", line)
        if found:
            told.setdefault(int(found.group(1)), []).append(found.group(2))
    return told


def is_of_value(message, key, rule):
    """Of the value alone, and not of what else is given."""
    allowed = re.search(r"Allowed: (.*)\.$", rule["description"], re.S).group(1)
    found = re.match(r"(?:[a-z.]+\[[0-9]+\]\.)?([a-z0-9_.]+): (.*)", message, re.S)
    return bool(found) and found.group(1) == key and (
        found.group(2).endswith("; allowed is " + allowed) or
        re.search("; allowed is at most [0-9]+ bytes$|which no machine can have", found.group(2)) is not None)


def all_families(_rule):
    return FAMILIES


def near_families(rule):
    """For keys that are given once in a file."""
    return ADDRESSES if "IPv4" in rule["description"] else SHORT + ["a" * n for n in LONG]


class Place:
    """Where the keys of one table stand: lines before, a line for each value, lines behind, and how
    many values a file can have."""

    def __init__(self, name, rules, head, line, at_once, tail=(), families=all_families):
        self.name, self.rules, self.head, self.line = name, rules, head, line
        self.at_once, self.tail, self.families = at_once, list(tail), families

    def batches(self):
        for key, rule in self.rules:
            values = values_of(rule, self.families)
            for start in range(0, len(values), self.at_once):
                yield self, key, rule, values[start:start + self.at_once]


def compare(batch):
    place, key, rule, values = batch
    lines = [place.line(key, [value] if rule.get("type") == "array" else value, i) for i, value in enumerate(values)]
    told = told_by(work, id(batch), place.head + lines + place.tail)
    validator = jsonschema.Draft202012Validator(rule.get("items", rule))
    results = []
    for i, value in enumerate(values):
        messages = told.get(len(place.head) + 1 + i, [])
        checks = not any(is_of_value(message, key, rule) for message in messages)
        name = f"{place.name}{key}: {value!r}"
        if (checks != validator.is_valid(value)) != (name in UNSAID):
            results.append(f"{name:.120}: the check {'takes' if checks else 'refuses'} it, "
                           f"the schema {'too' if name in UNSAID else 'does not'}: {messages[:1]}")
        results.append(checks)
    return results


def layer_line(key, value, i):
    layer = {"role": "host", "hypervisor": "xen", "pattern": "xen-host"}
    top = nested(key, value)
    for name in layer:
        top.setdefault(name, layer[name])
    if key != "name":
        top["name"] = f"n{i}"
    return "  - " + flow(top)


def row_line(name, more):
    def line(key, value, i):
        row = nested(key, value)
        for other, given in more.items():
            if other != key:
                row[other] = given
        return "  - " + flow({"role": "host", "hypervisor": "xen", "pattern": "xen-host", "name": f"n{i}",
                              **nested(name, [row])})
    return line


def machine_line(key, value, i):
    row = {"name": f"m{i}", "stack": "stack.yaml", **nested(key, value)}
    return "  - " + flow(row)


schema, lab = schema_of()["else"], schema_of("--lab")
layer_rules = [(key, rule) for key, rule in leaves(schema)
               if key not in ("include", "disk.partitions", "files")]
partition_rules = list(leaves(schema["properties"]["disk"]["properties"]["partitions"]["items"]))
file_rules = [(key, rule) for key, rule in leaves(schema["properties"]["files"]["items"])
              if key in ("path", "mode")]
lab_rules = [(key, rule) for key, rule in leaves(lab) if rule.get("type") != "array"]
lab_lists = {key: rule for key, rule in leaves(lab) if key != "machines" and rule.get("type") == "array"}
machine_rules = list(leaves(lab["properties"]["machines"]["items"]))
with tempfile.TemporaryDirectory(prefix="nestctl-values-") as work:
    places = [
        Place("", layer_rules, ["layers:"], layer_line, LAYERS_MAX),
        Place("partition ", partition_rules, ["layers:"],
              row_line("disk.partitions", {"size": "rest", "filesystem": "ext4", "mount": "/"}), LAYERS_MAX),
        Place("file ", file_rules, ["layers:"], row_line("files", {"path": "/a", "content": "x"}), LAYERS_MAX),
        Place("machine ", machine_rules, ["network: {interface: lo}", "machines:"], machine_line, 1000),
        Place("lab ", lab_rules, [LAB],
              lambda key, value, i: flow(nested(key, value))[1:-1], 1, families=near_families),
    ] + [
        Place("lab ", [(key, rule)], [LAB, flow(nested(key, ["@"]))[1:-1].split('"@"')[0]],
              lambda key, value, i: flow(value[0]) + ",", 1000, flow(nested(key, ["@"]))[1:-1].split('"@"')[1:])
        for key, rule in lab_lists.items()]
    batches = [batch for place in places for batch in place.batches()]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for results in pool.map(compare, batches):
            wrong += [result for result in results if isinstance(result, str)]
            compared += sum(isinstance(result, bool) for result in results)
            refused += sum(result is False for result in results)
print("\n".join(wrong))
print(f"{compared} values, {refused} of them refused")
sys.exit(bool(wrong) or refused < 5000)
