"""The state after a power failure in the middle of a repair: tear.py OLD NEW writes OLD's redo log
as nestctl does and applies every second change; --touch changes a block that is in the log."""
import hashlib, struct, sys

touch = sys.argv[1] == "--touch"
old_path, new_path = sys.argv[-2:]
old, new = open(old_path, "rb").read(), open(new_path, "rb").read()
blocks = [at for at in range(0, len(new), 4096) if old[at:at + 4096] != new[at:at + 4096]]
with open(old_path, "r+b") as image:
    if touch:
        image.seek(blocks[0])
        image.write(b"somebody else")
        sys.exit()
    log = b"nestctl redo 1\n\0" + struct.pack("<QQ", len(old), len(blocks))
    for at in blocks:
        log += struct.pack("<QQ", at, 4096) + hashlib.sha256(old[at:at + 4096]).digest() + new[at:at + 4096]
    open(old_path + ".nestctl-redo", "wb").write(log + hashlib.sha256(log).digest())
    for at in blocks[::2]:
        image.seek(at)
        image.write(new[at:at + 4096])
