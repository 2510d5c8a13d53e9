"""SHA-256 over the data of a sparse file and where it lies: the same bytes give the same line,
without reading gigabytes of holes. Usage: data_hash.py FILE"""
import hashlib
import os
import sys

BLOCK = 65536
ZERO = bytes(BLOCK)


def data_hash(path):
    digest = hashlib.sha256()
    fd = os.open(path, os.O_RDONLY)
    size = os.fstat(fd).st_size
    position = 0
    while position < size:
        try:
            position = os.lseek(fd, position, os.SEEK_DATA)
        except OSError:
            break
        end = os.lseek(fd, position, os.SEEK_HOLE)
        position -= position % BLOCK
        while position < end:
            block = os.pread(fd, BLOCK, position)
            if block != ZERO[: len(block)]:
                digest.update(position.to_bytes(8, "little") + block)
            position += BLOCK
    os.close(fd)
    return f"{digest.hexdigest()} {size}"


if __name__ == "__main__":
    print(data_hash(sys.argv[1]))
