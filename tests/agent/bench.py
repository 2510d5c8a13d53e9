"""What the cases need: a layer's files, the agent in it, and the outer end of a channel."""
import base64
import hashlib
import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from toolstack_double import Toolstack, raw_pty

AGENT = os.environ['AGENT']
NONCE = '0123456789abcdef' * 2
OTHER_NONCE = 'fedcba9876543210' * 2
TOKEN = 'Az0-_' * 8 + 'xyz'
# Seconds for what must come: a busy machine takes its time, an idle one does not.
PATIENCE = 120


class Failure(Exception):
    pass


def check(condition, *what):
    if not condition:
        raise Failure(' '.join(str(w) for w in what))


def equal(found, wanted, what):
    check(found == wanted, '%s: found %.300r, wanted %.300r' % (what, found, wanted))


def until(condition, what):
    """Waits for what must become true."""
    limit = time.monotonic() + PATIENCE
    while not condition():
        check(time.monotonic() < limit, what, 'did not come within', PATIENCE, 's')
        time.sleep(0.02)


def once_within(seconds, action):
    """action is quick: not each time on a busy machine, but once in a while."""
    limit = time.monotonic() + PATIENCE
    while True:
        start = time.monotonic()
        action()
        took = time.monotonic() - start
        if took < seconds:
            return
        check(time.monotonic() < limit, 'it never took less than', seconds, 's, at last', took)


class Echo:
    """L0's echo server; the answer is what the page says, under a key of its own."""

    def __init__(self, answer=None):
        self.server = socket.socket()
        self.server.bind(('127.0.0.1', 0))
        self.server.listen(8)
        self.address = '127.0.0.1:%d' % self.server.getsockname()[1]
        self.requests = []
        self.answer = answer
        threading.Thread(target=self._run, daemon=True).start()

    @staticmethod
    def expected(path, nonce):
        return hashlib.sha256(('key %s %s' % (path, nonce)).encode()).hexdigest()

    def _run(self):
        while True:
            client, _ = self.server.accept()
            try:
                self._answer(client)
            except (OSError, ValueError):
                pass  # after another hello the agent closes it in the middle
            client.close()

    def _answer(self, client):
        line = client.makefile().readline()
        word, path, nonce = line.split()
        self.requests.append(line)
        if word == 'nestctl-echo':
            client.sendall((self.answer or self.expected(path, nonce)).encode() + b'\n')


class Outer:
    """The outer end of a channel: keeps every message and all other text."""

    def __init__(self, fd):
        self.fd = fd
        self.messages = []
        self.text = b''
        self.rest = b''
        self.reads = True

    def pump(self, seconds):
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            ready, _, _ = select.select([self.fd], [], [], max(left, 0))
            if not ready:
                return False
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b''
            if not data:
                time.sleep(0.01)
                return False
            self.rest += data
            if self._split():
                return True

    def _split(self):
        before = len(self.messages)
        while True:
            text, mark, behind = self.rest.partition(b'\x1e')
            if not mark:
                self.text += self.rest
                self.rest = b''
                break
            line, newline, after = behind.partition(b'\n')
            if not newline:
                break
            self.text += text
            check(len(line) <= 32768, 'a line of', len(line))
            self.messages.append(json.loads(line))
            self.messages[-1]['@line'] = line.decode()
            self.rest = after
        return len(self.messages) > before

    def wait(self, seconds=PATIENCE, consume=True, **keys):
        """The first message with these keys; it is taken away."""
        until = time.monotonic() + seconds
        while True:
            for i, m in enumerate(self.messages):
                if all(m.get(k) == v for k, v in keys.items()):
                    return self.messages.pop(i) if consume else m
            left = until - time.monotonic()
            if left <= 0:
                raise Failure('no message with %r within %s s; seen: %s' % (
                    keys, seconds, [m['@line'][:150] for m in self.messages[-8:]]))
            self.pump(left)

    def none(self, seconds, **keys):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.pump(until - time.monotonic())
        for m in self.messages:
            if all(m.get(k) == v for k, v in keys.items()):
                raise Failure('there is a message with %r: %s' % (keys, m['@line'][:200]))

    def no_more(self, seconds, **keys):
        """They end: only what was under way may still come."""
        for _ in range(3):
            self.messages = [m for m in self.messages
                             if not all(m.get(k) == v for k, v in keys.items())]
            try:
                return self.none(seconds, **keys)
            except Failure as failure:
                problem = failure
        raise problem

    def raw(self, data):
        while data:
            _, ready, _ = select.select([], [self.fd], [], PATIENCE)
            check(ready, 'the agent reads nothing')
            data = data[os.write(self.fd, data[:2048]):]

    def send(self, **message):
        self.raw(b'\x1e' + json.dumps(message).encode() + b'\n')

    def hello(self, path, echo, nonce=NONCE):
        self.send(t='hello', path=path, nonce=nonce, echo=echo)


class Server:
    """A server that agents dial: each connection is an Outer, once its first line is there. Until
    it listens they are refused; the port is its own from the beginning."""

    def __init__(self, listens=True):
        self.socket = socket.socket()
        self.socket.bind(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        if listens:
            self.listen()

    def listen(self):
        self.socket.listen(8)

    @property
    def conf(self):
        return 'server 127.0.0.1:%d %s\n' % (self.port, TOKEN)

    def accept(self, seconds=PATIENCE):
        self.socket.settimeout(seconds)
        try:
            self.client, _ = self.socket.accept()
        except TimeoutError:
            raise Failure('nobody connects within %s s' % seconds)
        self.client.settimeout(PATIENCE)
        self.line = b''
        while not self.line.endswith(b'\n'):
            byte = self.client.recv(1)
            check(byte, 'closed after', self.line)
            self.line += byte
        return Outer(self.client.fileno())


class Layer:
    """A folder that plays a layer's root, and the real agent with its channel on a pty."""

    def __init__(self, bench, name, conf='', channel=None, xen=True, timeout=PATIENCE):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix=name + '.', dir=bench.folder)
        self.files(xen)
        self.toolstack = Toolstack(self.folder)
        self.toolstack.start_store()
        self.outer = None
        if channel is None:
            master, self.slave, channel = raw_pty()
            self.outer = Outer(master)
        self.channel = channel
        self.conf_path = self.folder + '/agent.conf'
        self.write('agent.conf', 'layer %s\nchannel %s\ninterface lo\nnetwork-timeout %d\n%s' % (
            name, channel, timeout, conf.replace('@', self.folder)))
        self.process = None
        bench.layers.append(self)

    def write(self, path, text):
        full = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w') as f:
            f.write(text)

    def files(self, xen):
        self.write('etc/os-release', 'ID=x\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
        self.write('proc/meminfo', 'MemTotal:         786432 kB\nMemFree: 1 kB\n')
        os.makedirs(self.folder + '/var/log/nestctl')
        os.makedirs(self.folder + '/run')
        os.makedirs(self.folder + '/sys/class/net/lo/brif/vif1.0')
        os.makedirs(self.folder + '/sys/class/net/lo/brif/eth0')
        os.makedirs(self.folder + '/sys/class/net/eth0/device')
        os.symlink('../../bus/pci/drivers/e1000', self.folder + '/sys/class/net/eth0/device/driver')
        if xen:
            for path, text in (('type', 'xen'), ('guest_type', 'PV'), ('version/major', '4'),
                               ('version/minor', '17'), ('version/extra', '.7'),
                               ('properties/capabilities', 'xen-3.0-x86_64 hvm-3.0-x86_64'),
                               ('properties/features', '00000b85')):
                self.write('sys/hypervisor/' + path, text + '\n')
            self.write('proc/xen/capabilities', 'control_d\n')

    def start(self):
        environment = dict(os.environ, PATH=self.folder + '/bin:' + os.environ['PATH'],
                           XL_DOUBLE=self.toolstack.xl_path)
        self.log = open(self.folder + '/stderr', 'ab')
        self.process = subprocess.Popen(
            [AGENT, '--conf', self.conf_path, '--root', self.folder, '--no-poweroff'],
            env=environment, stdin=subprocess.DEVNULL, stderr=self.log)
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def ended(self, seconds=PATIENCE):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure('%s did not end within %s s' % (self.name, seconds))

    def status(self, key):
        with open('/proc/%d/status' % self.process.pid) as f:
            for line in f:
                if line.startswith(key + ':'):
                    return int(line.split()[1])

    def _stat(self):
        with open('/proc/%d/stat' % self.process.pid) as f:
            return f.read().rpartition(')')[2].split()

    def cpu_seconds(self):
        fields = self._stat()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def settled(self):
        """Waits until the agent has done what there is to do, and sleeps."""
        def sleeps():
            before = self.status('voluntary_ctxt_switches')
            time.sleep(0.3)
            return self._stat()[0] == 'S' and self.status('voluntary_ctxt_switches') == before
        until(sleeps, 'a pause of the agent')


class Bench:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='nestctl-agent.')
        self.layers = []

    def layer(self, *args, **kwargs):
        return Layer(self, *args, **kwargs)

    def done(self, show_logs):
        """The agents' words, where something is wrong, and the layers whose agent failed."""
        words = []
        for layer in self.layers:
            crashed = layer.process and layer.process.poll() not in (None, 0)
            layer.stop()
            if show_logs or crashed:
                with open(layer.folder + '/stderr', 'rb') as f:
                    text = f.read().decode(errors='replace')
                if text:
                    words.append('stderr of %s: %s' % (layer.name, text))
        crashes = [l.name for l in self.layers if l.process and l.process.returncode != 0]
        shutil.rmtree(self.folder, ignore_errors=True)
        return words, crashes


def decoded(messages):
    return b''.join(base64.b64decode(m['data']) for m in messages)
