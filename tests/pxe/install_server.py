"""The lab's server as an installer sees it: ticket, image with ranges, reports; and its bad days.

Usage: install_server.py FOLDER. FOLDER has ticket.json, image.stream, server.pem (certificate and
key); `faults`, a word a line, says what happens to one image request after the other: cut:BYTES
breaks off after so many, 503, whole (no ranges), trickle (10,000 bytes a
second), ok. Once its ports are known they are in `ports`: HTTPS, then plain HTTP, which serves
mirror/NAME. While there is a file `deaf`, ends of
installs are not heard. Requests are lines of JSON in `requests`.
"""
import http.server
import json
import os
import ssl
import sys
import threading
import time

FOLDER = sys.argv[1]
TOKEN = "T" * 43
LOCK = threading.Lock()


def path_of(name):
    return os.path.join(FOLDER, name)


def note(**what):
    with LOCK, open(path_of("requests"), "a", encoding="utf-8") as log:
        log.write(json.dumps(what) + "\n")


def next_fault():
    with LOCK:
        try:
            with open(path_of("faults"), encoding="utf-8") as file:
                faults = file.read().split()
        except FileNotFoundError:
            return "ok"
        with open(path_of("faults"), "w", encoding="utf-8") as file:
            file.write("\n".join(faults[1:]))
        return faults[0] if faults else "ok"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, *_):
        pass

    def finish_with(self, status, body=b"", kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def file_send(self, path):
        if not os.path.exists(path):
            return self.finish_with(404)
        fault = next_fault()
        size = os.path.getsize(path)
        begin = 0
        field = self.headers.get("Range", "")
        note(method="GET", path=self.path, range=field, fault=fault)
        if fault == "503":
            return self.finish_with(503)
        if field.startswith("bytes=") and fault != "whole":
            begin = int(field[6:].split("-")[0])
        if begin >= size:
            return self.finish_with(416)
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(size - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
        self.end_headers()
        left = int(fault[4:]) if fault.startswith("cut:") else size - begin
        most = 10000 if fault == "trickle" else 1 << 18
        with open(path, "rb") as file:
            file.seek(begin)
            while left > 0 and (part := file.read(min(left, most))):
                self.wfile.write(part)
                left -= len(part)
                if fault == "trickle":
                    time.sleep(1)
        if fault.startswith("cut:"):
            self.close_connection = True
            self.connection.close()

    def do_GET(self):
        parts = self.path.split("/")
        if self.server.secure and parts[1:2] != [TOKEN]:
            return self.finish_with(403)
        if self.path == f"/{TOKEN}/ticket":
            note(method="GET", path=self.path)
            with open(path_of("ticket.json"), "rb") as file:
                return self.finish_with(200, file.read(), "application/json")
        if self.path == f"/{TOKEN}/image":
            return self.file_send(path_of("image.stream"))
        if not self.server.secure and parts[1] == "mirror" and len(parts) == 3:
            return self.file_send(path_of(parts[2]))
        return self.finish_with(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        note(method="POST", path=self.path, type=self.headers.get("Content-Type"),
             body=body.decode())
        allowed = self.path in [f"/{TOKEN}/{what}" for what in
                                ("progress", "console", "installed", "failed")]
        if self.path.endswith("/installed") and os.path.exists(path_of("deaf")):
            return self.finish_with(503)
        return self.finish_with(200 if allowed and self.server.secure else 403)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    secure = False

    def handle_error(self, request, client_address):
        pass  # clients that go away in the middle are what is tested


plain = Server(("127.0.0.1", 0), Handler)
secure = Server(("127.0.0.1", 0), Handler)
secure.secure = True
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(path_of("server.pem"))
secure.socket = context.wrap_socket(secure.socket, server_side=True)
threading.Thread(target=plain.serve_forever, daemon=True).start()
with open(path_of("ports.new"), "w", encoding="utf-8") as ports:
    ports.write(f"{secure.server_port} {plain.server_port}\n")
os.rename(path_of("ports.new"), path_of("ports"))
secure.serve_forever()
