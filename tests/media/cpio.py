#!/usr/bin/env python3
"""Prints what the kernel would unpack of the archive behind an initrd: cpio.py INITRD LENGTH, where
LENGTH is that of the first part. One line a file: mode, bytes, name, SHA-256."""

import hashlib
import sys

data = open(sys.argv[1], "rb").read()
at = int(sys.argv[2])
while data[at] == 0:
    at += 1
assert at % 4 == 0, f"begins at {at}"
assert at - int(sys.argv[2]) < 4, "more than padding between the two"
while True:
    assert data[at:at + 6] == b"070701", f"no newc header at {at}"
    fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
    name = data[at + 110:at + 110 + fields[11] - 1].decode()
    start = (at + 110 + fields[11] + 3) & ~3
    if name == "TRAILER!!!":
        break
    content = data[start:start + fields[6]]
    assert len(content) == fields[6], "cut short"
    print(f"{fields[1]:o} {fields[6]} {name} {hashlib.sha256(content).hexdigest()}")
    at = (start + fields[6] + 3) & ~3
