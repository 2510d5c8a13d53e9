#!/usr/bin/env python3
"""A tar with an entry of every kind, and the check of what became of it.

    kinds.py make TAR           writes the archive (no root needed)
    kinds.py check ROOT [ext3]  compares a mounted file system with what the archive says
"""
import io, os, stat, struct, sys, tarfile

T = 1600000000
NS = 123456789
LONG = "n" * 255
DEEP = "/".join("deep%02d-%s" % (i, "x" * 40) for i in range(24))
CAP = bytes.fromhex("0100000200040000" "0000000000000000" "00000000")
ACL = "user::rw-,user:1000:r--,group::r--,group:70000:rwx,mask::rwx,other::---"


def data(n):
    return bytes((i * 7 + i // 251) & 255 for i in range(n))


# name, type, mode, uid, gid, (size or target or (major, minor)), xattrs
ENTRIES = [
    ("./", "d", 0o755, 0, 0, None, {}),
    ("./etc/", "d", 0o755, 0, 0, None, {}),
    ("./etc/empty", "f", 0o644, 0, 0, 0, {}),
    ("./etc/one", "f", 0o600, 0, 0, 1, {}),
    ("./etc/block", "f", 0o644, 0, 0, 4096, {}),
    ("./etc/block1", "f", 0o644, 0, 0, 4097, {}),
    ("./etc/big", "f", 0o640, 65534, 100, 5 * 1048576 + 17, {}),
    ("./bin/su", "f", 0o4755, 0, 0, 100, {}),
    ("./bin/wall", "f", 0o2755, 0, 5, 100, {}),
    ("./tmp/", "d", 0o1777, 0, 0, None, {}),
    ("./owner32", "f", 0o644, 3000000001, 4000000002, 10, {}),
    ("./bin/ping", "f", 0o755, 0, 0, 64, {"security.capability": CAP}),
    ("./user-xattr", "f", 0o644, 0, 0, 9, {"user.short": b"value", "user.large": data(900)}),
    ("./dir-xattr/", "d", 0o750, 7, 8, None, {"user.on-a-folder": b"yes"}),
    ("./acl", "f", 0o670, 0, 0, 3, {"ACL": ACL}),
    ("./fast", "l", 0o777, 0, 0, "etc/one", {}),
    ("./fast59", "l", 0o777, 0, 0, "a" * 59, {}),
    ("./slow60", "l", 0o777, 0, 0, "b" * 60, {}),
    ("./slow", "l", 0o777, 1000, 1000, "c/" * 700, {}),
    ("./dangling", "l", 0o777, 0, 0, "/no/such/place", {}),
    ("./dev/null", "c", 0o666, 0, 0, (1, 3), {}),
    ("./dev/big", "c", 0o600, 0, 0, (511, 70000), {}),
    ("./dev/sda", "b", 0o660, 0, 6, (8, 0), {}),
    ("./dev/sdz", "b", 0o660, 0, 6, (259, 1048575), {}),
    ("./run/fifo", "p", 0o622, 0, 0, None, {}),
    ("./" + LONG, "f", 0o644, 0, 0, 20, {}),
    ("./" + DEEP + "/end", "f", 0o644, 0, 0, 30, {}),
    ("./utf8-F\u0151tan\u00fas\u00edtv\u00e1ny.crt", "f", 0o644, 0, 0, 5, {}),
    ("./utf8-link", "l", 0o777, 0, 0, "F\u0151tan\u00fas\u00edtv\u00e1ny", {}),
    ("./hard1", "f", 0o644, 0, 0, 5000, {}),
    ("./etc/hard2", "h", 0o644, 0, 0, "./hard1", {}),
    ("./hard3", "h", 0o644, 0, 0, "hard1", {}),
    ("./no-parent/made/on/the/way", "f", 0o644, 0, 0, 6, {}),
]
TYPES = {"f": tarfile.REGTYPE, "d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE,
         "c": tarfile.CHRTYPE, "b": tarfile.BLKTYPE, "p": tarfile.FIFOTYPE}


def make(path):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, mode, uid, gid, what, xattrs in ENTRIES:
            info = tarfile.TarInfo(name.rstrip("/"))
            info.type, info.mode, info.uid, info.gid = TYPES[kind], mode, uid, gid
            info.mtime = T
            info.pax_headers = {"mtime": "%d.%09d" % (T, NS), "atime": "%d.000000007" % (T + 5)}
            for key, value in xattrs.items():
                if key == "ACL":
                    info.pax_headers["SCHILY.acl.access"] = value
                else:
                    info.pax_headers["SCHILY.xattr." + key] = value.decode("utf-8", "surrogateescape")
            content = None
            if kind == "f":
                info.size = what
                content = io.BytesIO(data(what))
            elif kind in "lh":
                info.linkname = what
            elif kind in "cb":
                info.devmajor, info.devminor = what
            tar.addfile(info, content)
        for i in range(3000):
            info = tarfile.TarInfo("./many/entry-with-a-somewhat-longer-name-%05d" % i)
            info.mtime, info.size = T, i % 3
            tar.addfile(info, io.BytesIO(data(i % 3)))


def acl_value():
    tags = [(1, 6, -1), (2, 4, 1000), (4, 4, -1), (8, 7, 70000), (0x10, 7, -1), (0x20, 0, -1)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", t, p, i & 0xffffffff)
                                           for t, p, i in tags)


def check(root, ext3):
    bad = []
    links = {}

    def want(name, what, got, wanted):
        if got != wanted:
            bad.append("%s: %s is %r, not %r" % (name[:60], what, got, wanted))

    for name, kind, mode, uid, gid, what, xattrs in ENTRIES:
        path = os.path.join(root, name)
        info = os.lstat(path)
        if kind == "h":
            links.setdefault(os.path.normpath(what), []).append(info.st_ino)
            continue
        want(name, "mode", stat.S_IMODE(info.st_mode), mode)
        want(name, "type", stat.S_IFMT(info.st_mode) >> 12,
             {"f": 8, "d": 4, "l": 10, "c": 2, "b": 6, "p": 1}[kind])
        want(name, "owner", (info.st_uid, info.st_gid), (uid, gid))
        want(name, "mtime", info.st_mtime_ns, T * 10**9 + (0 if ext3 else NS))
        if kind == "f":
            want(name, "size", info.st_size, what)
            with open(path, "rb") as file:
                want(name, "content", file.read() == data(what), True)
        elif kind == "l":
            want(name, "target", os.readlink(path), what)
            want(name, "size", info.st_size, len(what.encode()))
        elif kind in "cb":
            want(name, "device", (os.major(info.st_rdev), os.minor(info.st_rdev)), what)
        for key, value in xattrs.items():
            if key == "ACL":
                key, value = "system.posix_acl_access", acl_value()
            try:
                want(name, key, os.getxattr(path, key, follow_symlinks=False), value)
            except OSError as error:
                bad.append("%s: %s: %s" % (name, key, error))
    want("hard1", "links", os.lstat(os.path.join(root, "hard1")).st_nlink, 3)
    want("hard1", "inodes", set(links["hard1"]), {os.lstat(os.path.join(root, "hard1")).st_ino})
    want("many", "entries", len(os.listdir(os.path.join(root, "many"))), 3000)
    want("etc", "nlink", os.lstat(os.path.join(root, "etc")).st_nlink, 2)
    for line in bad:
        print(line)
    return 1 if bad else 0


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    sys.exit(check(sys.argv[2], sys.argv[3:] == ["ext3"]))
