"""Runs a command while the image is locked: lock.py qemu|posix|flock IMAGE COMMAND..."""
import fcntl, os, struct, subprocess, sys

F_OFD_SETLK = 37
kind, image = sys.argv[1:3]
fd = os.open(image, os.O_RDWR)
if kind == "qemu":  # shared locks on the bytes of its permissions
    for byte in (100, 101, 103, 201, 203):
        fcntl.fcntl(fd, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, byte, 1, 0))
elif kind == "posix":
    fcntl.lockf(fd, fcntl.LOCK_EX)
else:
    fcntl.flock(fd, fcntl.LOCK_EX)
sys.exit(subprocess.run(sys.argv[3:]).returncode)
