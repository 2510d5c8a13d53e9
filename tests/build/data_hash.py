"""SHA-256 over the data of a sparse file and where it lies: the same bytes give the same line,
without reading gigabytes of holes. Usage: data_hash.py FILE"""
import hashlib, os, sys

digest = hashlib.sha256()
fd = os.open(sys.argv[1], os.O_RDONLY)
size = os.fstat(fd).st_size
position = 0
ZERO = bytes(65536)
while position < size:
    try:
        position = os.lseek(fd, position, os.SEEK_DATA)
    except OSError:
        break
    end = os.lseek(fd, position, os.SEEK_HOLE)
    position -= position % 65536
    while position < end:
        block = os.pread(fd, 65536, position)
        if block != ZERO[: len(block)]:
            digest.update(position.to_bytes(8, "little") + block)
        position += 65536
print(digest.hexdigest(), size)
