"""A power cut before every call of a small build that changes the file system. Afterwards whatever
has a final name is whole, old or new, and the next build goes on to the same bytes.

What a power cut leaves is modelled as two decisions, each of which goes one way for all files, so
four folders are tried for each moment:

  data   kept: everything written is there.     lost: a file has what it had at its last fsync.
  names  kept: every rename, link and mkdir is. lost: a folder has the entries of its last fsync.

Kept and kept is kill -9. "Names kept, data lost" is a file system that orders nothing (a renamed
file with no content), "data kept, names lost" one that writes data early and folders late. What a
file system promises beyond fsync (ext4's flush before a rename over an old file, fsync of a new file
that brings its name along) is not counted on. Not modelled: single lost or torn blocks of one file,
and disks that lie about a flush. A rename between two folders is one change: the one that was synced
last has the file.

Usage: powercut.py NESTCTL LAB WORK EVERY (1: before every call; 100: a sample of them)"""
import os
import shutil
import sys

from lab import IDENTITY, Lab, Report, moments, tree_state

MODELS = [(names, data) for names in ("kept", "lost") for data in ("kept", "lost")]


def copy_file(source, target):
    """With its holes and its time."""
    fd, to = os.open(source, os.O_RDONLY), os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    status, data = os.fstat(fd), 0
    os.truncate(to, status.st_size)
    while data < status.st_size:
        try:
            data = os.lseek(fd, data, os.SEEK_DATA)
        except OSError:
            break  # a hole is the rest
        hole = os.lseek(fd, data, os.SEEK_HOLE)
        while data < hole:
            data += os.pwrite(to, os.pread(fd, min(hole - data, 1 << 20), data), data)
    os.utime(to, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.close(fd)
    os.close(to)


def identity(path):
    """What fault.c knows a file or folder by; "" for symlinks and what it did not see made."""
    if os.path.islink(path):
        return ""
    try:
        return os.getxattr(path, IDENTITY).decode()
    except OSError:
        return ""


def start_keep(lab):
    """What is there before the build is on the disk."""
    shutil.rmtree(lab.shadow)
    os.makedirs(lab.shadow)
    count = 0
    for folder, folders, files in os.walk(lab.root, topdown=False):
        rows = []
        for name in folders + files:
            if os.path.islink(f"{folder}/{name}"):
                continue
            if name in files:
                count += 1
                os.setxattr(f"{folder}/{name}", IDENTITY, f"old{count}".encode())
                copy_file(f"{folder}/{name}", f"{lab.shadow}/old{count}")
            rows.append(f"{identity(f'{folder}/{name}')} {'d' if name in folders else 'f'} {name}")
        count += 1
        os.setxattr(folder, IDENTITY, f"old{count}".encode())
        with open(f"{lab.shadow}/old{count}", "w") as listing:
            listing.write("\n".join(["0", *rows]) + "\n")


class Disk:
    """The folder at the moment of the cut, and what of it was synced."""

    def __init__(self, lab):
        self.shadow = lab.shadow
        self.top = identity(lab.root)
        self.paths, self.entries, self.synced = {}, {}, {}
        for folder, folders, files in os.walk(lab.root):
            here = self.entries.setdefault(identity(folder), [])
            for name in folders + files:
                one = identity(f"{folder}/{name}")
                if one:
                    self.paths[one] = f"{folder}/{name}"
                    here.append((one, name in folders, name))
        self.listings_read()

    def listings_read(self):
        """Entries of every folder at its last fsync; a file is where it was seen last."""
        numbers, place = [], {}
        todo = [self.top]
        while todo:
            folder = todo.pop()
            path = f"{self.shadow}/{folder}"
            if folder in self.synced or not os.path.exists(path):
                continue
            with open(path) as file:
                number, *lines = file.read().splitlines()
            rows = [line.split(" ", 2) for line in lines]
            self.synced[folder] = [(row[0], row[1] == "d", row[2]) for row in rows]
            numbers.append((int(number), folder))
            todo += [child for child, is_folder, _ in self.synced[folder] if is_folder]
        for _, folder in sorted(numbers):
            for child, _, _ in self.synced[folder]:
                place[child] = folder
        for folder in self.synced:
            self.synced[folder] = [row for row in self.synced[folder] if place[row[0]] == folder]

    def file_leave(self, one, target, names, data):
        now, kept = self.paths.get(one), f"{self.shadow}/{one}"
        if data == "kept" and now:
            copy_file(now, target)
            return
        if os.path.exists(kept):
            copy_file(kept, target)
        else:
            open(target, "wb").close()
        if names == "kept":
            status = os.lstat(now)
            os.truncate(target, status.st_size)
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))

    def leave(self, folder, target, names, data):
        """Makes target what the power cut leaves of a folder."""
        os.mkdir(target)
        for one, is_folder, name in (self.entries if names == "kept" else self.synced).get(
                folder, []):
            path = f"{target}/{name}"
            if is_folder:
                self.leave(one, path, names, data)
            else:
                self.file_leave(one, path, names, data)


class Cuts:
    """One build, cut at every moment."""

    def __init__(self, lab, report, start, stack, every):
        self.lab, self.report, self.start, self.stack = lab, report, start, stack
        self.seen = set()
        lab.load(start)
        before = lab.image()
        self.numbers, self.calls = moments(lab, stack, "CUT", every)
        if every > 1:  # each has four folders to try
            self.numbers = self.numbers[::2]
        self.images, self.objects = (before, lab.image()), lab.objects()

    def cut(self, at):
        """A build that ends before its call, None if it has no such call."""
        lab = self.lab
        lab.load(self.start)
        start_keep(lab)
        run = lab.build(self.stack, FAULT_AT=at, FAULT_HOW="CUT", FAULT_SHADOW=lab.shadow)
        disk = Disk(lab)
        for names, data in MODELS:
            left = f"{lab.work}/left-{names}-{data}"
            shutil.rmtree(left, ignore_errors=True)
            disk.leave(disk.top, left, names, data)
        return run

    def check(self, where):
        """The folder as the power cut left it, and the next build."""
        lab, report = self.lab, self.report
        report.expect(lab.image() in (None, *self.images), where, "the image is not whole")
        for name, found in lab.objects().items():
            report.expect(found == self.objects.get(name), where, f"{name} is not whole")
        run = lab.build(self.stack)
        report.expect(run.status == 0, where, f"the next build fails: {run.text[-300:]}")
        report.expect(lab.image() == self.images[1], where, "the next build gives other bytes")
        report.expect(lab.objects() == self.objects, where, "the next build has other objects")

    def check_all(self, at):
        run = self.cut(at)
        for names, data in MODELS:
            shutil.rmtree(self.lab.root)
            os.rename(f"{self.lab.work}/left-{names}-{data}", self.lab.root)
            state = tree_state(self.lab.root)
            if state not in self.seen:
                self.seen.add(state)
                self.check(f"{self.start}, before call {at} ({run.what}), names {names}, "
                           f"data {data}")
        return run

    def check_after(self):
        """What a build said is built stays, though the power fails right after it."""
        run = self.check_all(0)
        where = f"{self.start}, after the build"
        self.report.expect(run.status == 0, where, run.text[-300:])
        for names, data in MODELS:
            self.cut(0)
            shutil.rmtree(self.lab.root)
            os.rename(f"{self.lab.work}/left-{names}-{data}", self.lab.root)
            self.report.expect(self.lab.image() == self.images[1], where,
                               f"names {names}, data {data}: the image is lost")
            self.report.expect(self.lab.objects() == self.objects, where,
                               f"names {names}, data {data}: objects are lost")

    def all(self):
        self.check_after()
        for at in self.numbers:
            run = self.check_all(at)
            self.report.expect(run.status == -9 and run.what, f"{self.start}, before call {at}",
                               f"was not cut: {run.text[-300:]}")
        print(f"{self.start}: cut before {len(self.numbers)} of {self.calls} "
              f"calls, {len(self.seen)} folders", flush=True)
        return len(self.seen)


def main(nestctl, folder, work, every):
    lab, report = Lab(nestctl, folder, work), Report()
    lab.save("nothing")
    lab.build("lab")
    lab.save("built")
    seen = Cuts(lab, report, "nothing", "lab", int(every)).all()
    seen += Cuts(lab, report, "built", "other", int(every)).all()
    print(f"{seen} folders, {report.wrong} wrong")
    return report.wrong > 0 or seen == 0


sys.exit(main(*sys.argv[1:]))
