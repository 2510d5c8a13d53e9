"""What the benches share: the best of several runs, rows with a goal, the figures of a process."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("B", "build")
NESTCTL = str(BUILD / "nestctl")
STORE = pathlib.Path(
    os.environ.get("NESTCTL_STORE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "nestctl"
)
MIB = 1 << 20


class Failed(Exception):
    """A command did not do what the bench needs; its output is in the text."""


class Usage:
    """What a command took: seconds, CPU seconds, peak memory, bytes written; and what it said."""

    def __init__(self, argv, **options):
        with tempfile.TemporaryFile() as output:
            start = time.monotonic()
            process = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, **options)
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            self.seconds = time.monotonic() - start
            # Not ru_oublock: that counts a whole large page for a few bytes in it.
            written = re.search(r"^wchar: (\d+)", pathlib.Path(f"/proc/{process.pid}/io").read_text(), re.M)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            self.output = output.read().decode(errors="replace")
        if process.returncode != 0:
            raise Failed(f"{' '.join(map(str, argv))}: status {process.returncode}\n{self.output}")
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak_mib = usage.ru_maxrss / 1024
        self.written_mib = int(written[1]) / MIB


def warm(path):
    """Reads a file, so that all who are measured find it in the page cache. In pieces: a process
    starts with the peak memory of the one that made it."""
    with open(path, "rb") as file:
        while file.read(MIB):
            pass


def remove(path):
    path = pathlib.Path(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def best(argv, made, runs=5, **options):
    """The fastest of several runs; each begins without what it makes and with no write pending."""
    usages = []
    for _ in range(runs):
        for path in made:
            remove(path)
        os.sync()
        usages.append(Usage(argv, **options))
    return min(usages, key=lambda usage: usage.seconds)


def build_stack(stack, out, *options):
    return [NESTCTL, "build-stack", str(stack), "--build-only", "--out", str(out), *options]


def stack_file(path, text):
    """A stack file outside the tree: its layers name the shipped profiles."""
    path.write_text(text.replace("profile: layers/", f"profile: {ROOT}/profiles/layers/"))
    return path


def base_tree(name):
    """The archive of a base tree in the store, by the name of its step."""
    for manifest in sorted(STORE.glob("base/*/manifest.json")):
        if json.loads(manifest.read_text())["name"] == name:
            return manifest.parent / "tree.tar"
    raise Failed(f"{STORE}: holds no {name!r}: build profiles/xen-l3.yaml once")


class Rows:
    """The rows of one bench. A goal is (operator, limit), None: a figure without a goal."""

    def __init__(self):
        self.rows = []

    def add(self, work, reference, figure, unit, goal=None, **more):
        met = None
        if goal:
            met = figure <= goal[1] if goal[0] == "<=" else figure >= goal[1]
        row = {"work": work, "reference": reference, "figure": round(figure, 3), "unit": unit}
        row["goal"] = f"{goal[0]} {goal[1]}" if goal else None
        row["met"] = met
        row.update({key: round(value, 3) if isinstance(value, float) else value for key, value in more.items()})
        self.rows.append(row)
        print(line(row), flush=True)

    def ratio(self, work, reference, seconds, reference_seconds, limit):
        self.add(work, reference, seconds / reference_seconds, "x", ("<=", limit),
                 seconds=seconds, reference_seconds=reference_seconds)

    def skip(self, work, why):
        self.rows.append({"work": work, "skipped": why})
        print(line(self.rows[-1]), flush=True)


def line(row):
    if "skipped" in row:
        return f"{row['work']:<46} skipped: {row['skipped']}"
    verdict = {True: "met", False: "NOT met", None: ""}[row["met"]]
    seconds = f"{row['seconds']:.2f} s" if "seconds" in row else ""
    if "reference_seconds" in row:
        seconds += f" to {row['reference_seconds']:.2f} s"
    figure = f"{row['figure']:.2f} {row['unit']}"
    return f"{row['work']:<46} {row['reference'] or '':<34} {figure:>12} {row['goal'] or '':>9} {verdict:<8}{seconds}"


def main(bench):
    """Runs bench(rows, work folder); with JSON=FILE the rows are written there."""
    rows = Rows()
    with tempfile.TemporaryDirectory(prefix="nestctl-bench-") as work:
        try:
            bench(rows, pathlib.Path(work))
        except Failed as failure:
            sys.exit(f"bench: {failure}")
    if os.environ.get("JSON"):
        pathlib.Path(os.environ["JSON"]).write_text(json.dumps(rows.rows, indent=2) + "\n")
