"""The web driver ($B/pxe-web-driver) for tests: starts it on a loopback address of its own, tells it
what happens to the machines, and ends it."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("B", "build")
BOOT, SECURE, ANSWERS, STATUS = 8080, 8081, 8082, 8083


def alone():
    """Starts the program anew in a network of its own, where that can be made (tests/pxe/alone)."""
    if "NESTCTL_ALONE" not in os.environ:
        os.execv(TOP / "tests/pxe/alone", ["alone", sys.executable, os.path.abspath(sys.argv[0])] + sys.argv[1:])


def own_address(number=0):
    """127/8 is all ours: where several tests share a network they have different ones. A test has six: 0 to 5."""
    pid = os.getpid()
    half, quarter = divmod(number, 3)
    return f"127.{64 + 64 * quarter + (pid >> 14) % 64}.{128 * half + (pid >> 7) % 128}.{1 + pid % 128}"


class Driver:
    def __init__(self, machines=3, address=None, wrapper=()):
        self.work = tempfile.TemporaryDirectory(prefix="nestctl-web-")
        self.folder = pathlib.Path(self.work.name)
        for name in ("public/netboot", "public/boot", "public/media/r0", "answers"):
            (self.folder / name).mkdir(parents=True)
        self.address = address or own_address()
        self.machines = machines
        self.wrapper = list(wrapper)
        self.process = None
        self.lock = threading.Lock()

    def start(self):
        self.errors = open(self.folder / "stderr", "ab")
        self.process = subprocess.Popen(
            self.wrapper + [str(BUILD / "pxe-web-driver"), str(self.folder), str(BOOT), str(self.machines),
                            self.address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env={**os.environ, "NESTCTL_DATA": str(TOP)})
        if self.process.stdout.readline() != "ready\n":
            self.process.wait()
            raise SystemExit("not ok web-driver starts: " + self.said())
        return self

    def stop(self):
        """Status of the program, which ends when its stdin does."""
        self.process.stdin.close()
        try:
            status = self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        self.errors.close()
        return status

    def said(self):
        return (self.folder / "stderr").read_text(errors="replace")

    def do(self, line):
        with self.lock:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().strip()
        if not answer.startswith("ok"):
            raise AssertionError(f"{line}: {answer}")
        return answer[3:]

    def url(self, port, path=""):
        return f"{'https' if port == SECURE else 'http'}://{self.address}:{port}/{path}"

    def lab(self):
        return json.load(urllib.request.urlopen(self.url(STATUS, "api/lab"), timeout=120))

    def machine(self, number):
        return self.lab()["machines"][number]

    @property
    def ca(self):
        return str(self.folder / "web/tls/ca.pem")


def levels(*states, name="l"):
    """A matrix as the agents' records give it."""
    return json.dumps({"stack": "xen-l3", "accelerator": "", "proven": False, "seconds": 1.5, "levels": [
        {"level": i + 1, "name": f"{name}{i + 1}", "path": name, "state": state, "booted": state != "waiting",
         "network": state == "proven", "proven": state == "proven", "os": "Debian 12", "hypervisor": "Xen 4.17",
         "guest_type": "HVM", "address": "10.0.0.9/24", "reason": "", "step": "", "seconds": 1.5}
        for i, state in enumerate(states)]})
