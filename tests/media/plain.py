#!/usr/bin/env python3
"""Lists the files of an ISO 9660 image by the names that have neither Rock Ridge nor Joliet, as a
boot loader without them reads it: plain.py IMAGE. One line a file: SHA-256, name."""

import hashlib
import struct
import sys

data = open(sys.argv[1], "rb").read()


def walk(extent, size, above):
    at = extent * 2048
    end = at + size
    while at < end:
        length = data[at]
        if length == 0:  # the next record begins in the next block
            at = (at // 2048 + 1) * 2048
            continue
        start, = struct.unpack_from("<I", data, at + 2)
        count, = struct.unpack_from("<I", data, at + 10)
        name = data[at + 33:at + 33 + data[at + 32]]
        if name not in (b"\0", b"\1"):
            path = above + name.decode().split(";")[0]
            if data[at + 25] & 2:
                walk(start, count, path + "/")
            else:
                content = data[start * 2048:start * 2048 + count]
                print(hashlib.sha256(content).hexdigest(), path)
        at += length


root = 16 * 2048 + 156
walk(struct.unpack_from("<I", data, root + 2)[0], struct.unpack_from("<I", data, root + 10)[0], "")
