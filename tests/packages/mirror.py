"""A mirror with every kind of trouble, on loopback. Usage: mirror.py PACKAGES LOCK LOG

Serves the packages of a lock file out of the folder PACKAGES (SHA256.deb), below a first path
component that says what is wrong: good, gone, cut, wrong, slow (one package), login, norange, busy.
Prints its port, and logs every request with its Range. Ends with its standard input."""
import http.server
import json
import os
import socketserver
import sys
import threading
import time

folder, lock_path, log_path = sys.argv[1:]
paths = {}
for tree in json.load(open(lock_path))["trees"]:
    for package in tree["packages"]:
        paths["/" + package["path"]] = package["sha256"]
log = open(log_path, "a", buffering=1)
asked = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        _, how, rest = self.path.split("/", 2)
        wanted = self.headers.get("Range")
        print(how, rest.rsplit("/", 1)[-1], wanted or "-", file=log)
        if how == "page":
            return self.answer(200, b"<html>Log in first</html>", Content_Type="text/html")
        if how == "login":
            return self.answer(302, Location="/page/" + rest)
        if how == "gone" or "/" + rest not in paths:
            return self.answer(404)
        asked[self.path] = asked.get(self.path, 0) + 1
        if how == "busy" and asked[self.path] < 3:
            return self.answer(503)
        data = open(os.path.join(folder, paths["/" + rest] + ".deb"), "rb").read()
        start = 0
        if wanted and how != "norange":
            start = int(wanted[len("bytes="):].split("-")[0])
        if how == "wrong":
            data = bytes(len(data))
        body = data[start:]
        headers = {}
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if how == "cut" and asked[self.path] < 3:
            self.answer(206 if start else 200, body[: len(body) // 2], len(body), **headers)
            self.close_connection = True
        elif how == "slow" and "/" + rest == max(paths):
            self.answer(200, b"", len(body))
            for i in range(0, min(len(body), 60 * 256), 256):
                self.wfile.write(body[i:i + 256])
                time.sleep(0.25)
            self.close_connection = True
        else:
            self.answer(206 if start else 200, body, **headers)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        pass  # the other side left: what the trouble is for


server = Server(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
