"""A test double of Xen's toolstack, nothing more: xenstored's wire protocol over a dictionary, an
`xl` that asks this process, and the two ways in which a guest's lines reach a host (a pty made by
xenconsoled; a socket and a serial pty made by the device model). The boot tests use the real one.
"""
import json
import os
import pty
import select
import socket
import struct
import threading
import tty

XS_DIRECTORY, XS_READ, XS_WATCH, XS_WATCH_EVENT, XS_ERROR = 1, 2, 4, 15, 16

XL = '''#!/usr/bin/env python3
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["XL_DOUBLE"])
s.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
status, text = json.loads(s.makefile().readline())
sys.stderr.write(text)
sys.exit(status)
'''


def raw_pty():
    master, slave = pty.openpty()
    tty.setraw(slave)
    return master, slave, os.ttyname(slave)


class Pump(threading.Thread):
    """Carries bytes between two descriptors until either ends; `noise` goes to b as well."""

    def __init__(self, a, b):
        super().__init__(daemon=True)
        self.a, self.b = a, b
        self.wake_r, self.wake_w = os.pipe()
        self.start()

    def run(self):
        pairs = {self.a: self.b, self.b: self.a}
        try:
            while True:
                ready, _, _ = select.select([self.a, self.b, self.wake_r], [], [])
                if self.wake_r in ready:
                    return
                for fd in ready:
                    data = os.read(fd, 4096)
                    if not data:
                        return
                    os.write(pairs[fd], data)
        except OSError:
            return

    def stop(self):
        os.write(self.wake_w, b'x')
        self.join()


class Toolstack:
    def __init__(self, folder):
        self.folder = folder
        self.store = {'/local/domain/0/name': 'Domain-0'}
        self.lock = threading.Lock()
        self.watchers = []
        self.calls = []          # every xl: its arguments
        self.on_create = {}      # config path -> function(toolstack) -> (status, stderr)
        self.on_verb = {}        # (verb, name) -> function
        self.next_id = 1
        os.makedirs(folder + '/run/xenstored')
        os.makedirs(folder + '/bin')
        with open(folder + '/bin/xl', 'w') as f:
            f.write(XL)
        os.chmod(folder + '/bin/xl', 0o755)
        self.xl_path = folder + '/xl.sock'
        self._serve(self.xl_path, self._xl)

    def start_store(self):
        self._serve(self.folder + '/run/xenstored/socket', self._store)

    def _serve(self, path, handler):
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(8)

        def accept():
            while True:
                client, _ = server.accept()
                threading.Thread(target=handler, args=(client,), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()

    # ---- xl ----
    def _xl(self, client):
        argv = json.loads(client.makefile().readline())
        self.calls.append(argv)
        if argv[0] == 'create':
            answer = self.on_create.get(argv[1], lambda: (1, 'no such config\n'))()
        else:
            name = next(word for word in argv[1:] if not word.startswith('-'))
            answer = self.on_verb.get((argv[0], name), lambda: self.destroy(name))()
        client.sendall(json.dumps(answer or [0, '']).encode() + b'\n')
        client.close()

    def add(self, name, nodes):
        with self.lock:
            domain, self.next_id = self.next_id, self.next_id + 1
            base = '/local/domain/%d/' % domain
            for key, value in nodes.items():
                self.store[base + key] = value
            self.store[base + 'name'] = name
        self.event('@introduceDomain')
        return domain

    def destroy(self, name):
        with self.lock:
            for key in [k for k, v in self.store.items() if k.endswith('/name') and v == name]:
                base = key[:-4]
                for k in [k for k in self.store if k.startswith(base)]:
                    del self.store[k]
        self.event('@releaseDomain')
        return 0, ''

    # ---- xenstored ----
    def event(self, path):
        for client, token in [(c, t) for c, p, t in self.watchers if p == path]:
            try:
                self._say(client, XS_WATCH_EVENT, 0, path.encode() + b'\0' + token + b'\0')
            except OSError:
                pass

    @staticmethod
    def _say(client, kind, request, payload):
        client.sendall(struct.pack('=IIII', kind, request, 0, len(payload)) + payload)

    def _answer(self, client, kind, payload):
        path = payload.split(b'\0')[0].decode()
        if kind == XS_READ:
            with self.lock:
                value = self.store.get(path)
            return (kind, value.encode()) if value is not None else (XS_ERROR, b'ENOENT\0')
        if kind == XS_DIRECTORY:
            with self.lock:
                names = sorted({k[len(path) + 1:].split('/')[0] for k in self.store
                                if k.startswith(path + '/')})
            return kind, b''.join(n.encode() + b'\0' for n in names)
        if kind == XS_WATCH:
            self.watchers.append((client, path, payload.split(b'\0')[1]))
            return kind, b'OK\0'
        return XS_ERROR, b'ENOSYS\0'

    def _store(self, client):
        stream = client.makefile('rb')
        try:
            while True:
                head = stream.read(16)
                if len(head) < 16:
                    return
                kind, request, _, length = struct.unpack('=IIII', head)
                answer, payload = self._answer(client, kind, stream.read(length))
                self._say(client, answer, request, payload)
                if kind == XS_WATCH:  # a new watch fires at once
                    self._say(client, XS_WATCH_EVENT, 0, b'@x\0' + b't\0')
        except OSError:  # it ended before it had its answer
            return


class PvGuest:
    """A guest that has one line: its console. inner is the tty path inside the guest, write()
    what its kernel says."""

    def __init__(self, toolstack, name):
        self.toolstack, self.name = toolstack, name
        self.inner_master, self.inner_slave, self.inner = raw_pty()
        self.outer_master = None
        self.pump = None

    def create(self):
        self.outer_master, slave, path = raw_pty()
        self.slave = slave
        self.pump = Pump(self.inner_master, self.outer_master)
        self.toolstack.add(self.name, {'console/tty': path})
        return 0, ''

    def write(self, data):
        os.write(self.outer_master, data)

    def end(self):
        self.pump.stop()
        os.close(self.outer_master)
        os.close(self.slave)
        self.toolstack.destroy(self.name)


class HvmGuest:
    """A guest with a serial console and a channel of its own: a socket that the device model
    listens on. inner is the tty path inside the guest, console_write() its first serial line."""

    def __init__(self, toolstack, name, socket_path, bridged=True):
        self.toolstack, self.name, self.socket_path = toolstack, name, socket_path
        self.bridged = bridged
        self.inner_master, self.inner_slave, self.inner = raw_pty()
        self.connections = []

    def create(self):
        self.console_master, self.console_slave, path = raw_pty()
        self.server = socket.socket(socket.AF_UNIX)
        if os.path.exists(self.socket_path):
            os.unlink(self.socket_path)
        self.server.bind(self.socket_path)
        self.server.listen(1)
        threading.Thread(target=self._accept, daemon=True).start()
        self.toolstack.add(self.name, {'serial/0/tty': path, 'console/tty': '/nowhere'})
        return 0, ''

    def _accept(self):
        try:
            while True:
                client, _ = self.server.accept()
                self.connections.append(client)
                if self.bridged:
                    Pump(self.inner_master, client.fileno())
        except OSError:
            return

    def console_write(self, data):
        os.write(self.console_master, data)

    def end(self):
        self.server.close()
        for c in self.connections:
            c.shutdown(socket.SHUT_RDWR)
        os.close(self.console_master)
        os.close(self.console_slave)
        self.toolstack.destroy(self.name)
