"""The JSON Schemas against profiles and lab files: each is a schema itself, takes every stack, layer
profile and lab that is shipped or booted in tests, and refuses those of tests/fail whose single
values are wrong. Usage: schema.py NESTCTL"""
import glob
import json
import os
import re
import subprocess
import sys

import jsonschema
import yaml

# What no schema says: what the groups of a family are.
UNSAID = {"value-os-groups"}
# Cases about one key's value; the others are about several keys, layers or files.
SINGLE = re.compile("(key|value|stack|file)-|partition-(keys|label|mount|no-map|size|unknown-key)$")
SEVERAL = re.compile("file-source-(device|missing)$")


class Loader(yaml.BaseLoader):
    """As YAML 1.2 reads plain words: whole numbers, true and false, all else is text."""


Loader.yaml_implicit_resolvers = {}
Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("^(0|[1-9][0-9]*)$"), "0123456789")
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), "tf")
Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))
Loader.add_constructor("tag:yaml.org,2002:bool", lambda loader, node: node.value == "true")


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader)


def leaves(schema, path=""):
    for key, value in schema.get("properties", {}).items():
        yield from leaves(value, path + key + ".") if "properties" in value else [(path + key, value)]


def schema_of(*options):
    schema = json.loads(subprocess.check_output([sys.argv[1], "schema", *options]))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def told(validator, path):
    return [f"{path}: {error.json_path}: {error.message[:200]}"
            for error in validator.iter_errors(read(path))]


def is_lab(path):
    return "machines" in read(path)


schema = schema_of()
validator = jsonschema.Draft202012Validator(schema)
lab_validator = jsonschema.Draft202012Validator(schema_of("--lab"))
wrong = []
accepted = sorted(glob.glob("profiles/*.yaml") + glob.glob("profiles/l*/*.yaml") +
                  glob.glob("tests/*/*.yaml") + glob.glob("tests/boot/stacks/*.yaml"))
for path in accepted:
    wrong += told(lab_validator if is_lab(path) else validator, path)
if not any(is_lab(path) for path in accepted):
    wrong.append("no lab file is shipped")
refused = 0
for folder in sorted(glob.glob("tests/fail/*/")):
    name = os.path.basename(folder[:-1])
    lab = name.startswith("lab-")
    if not (re.match("lab-(key|value)-", name) if lab else SINGLE.match(name)) or SEVERAL.match(name):
        continue
    if lab:
        sound = lab_validator.is_valid(read(folder + "lab.yaml"))
    else:
        sound = all(validator.is_valid(read(path)) for path in glob.glob(folder + "*.yaml"))
    refused += not sound
    if sound != (name in UNSAID):
        wrong.append(f"tests/fail/{name}: the schema {'takes' if sound else 'refuses'} it")
# An error is told of the place where it is, not of the whole file.
errors = list(validator.iter_errors({"layers": [{"profile": "x.yaml", "colour": "red"}]}))
if [error.json_path for error in errors] != ["$.layers[0]"] or "'colour'" not in errors[0].message:
    wrong.append(f"an unknown key is told as {errors}")
# Limits and defaults come with the keys, and a default keeps the key's own rules.
for key, rule in leaves(schema["else"]):
    if "Allowed: " not in rule["description"] and key != "include":
        wrong.append(f"{key}: nothing says what is allowed")
    if "default" in rule and not jsonschema.Draft202012Validator(rule).is_valid(rule["default"]):
        wrong.append(f"{key}: its default {rule['default']!r} is not allowed")
    if "default" not in rule and key not in ("name", "role", "pattern", "host_name", "include"):
        wrong.append(f"{key}: no default")
print("\n".join(wrong))
sys.exit(bool(wrong) or len(accepted) < 9 or refused < 80)
