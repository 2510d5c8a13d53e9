"""A mirror with every kind of trouble, on loopback. Usage: mirror.py PACKAGES LOCK LOG

Serves the packages of a lock file out of the folder PACKAGES (SHA256.deb), below a first path
component that says what is wrong:
  good                   nothing
  gone                   404
  cut                    twice it leaves after half of what was asked for
  short                  it always leaves after 4000 bytes
  pieces                 it always leaves after 33000
  wrong, liar            other bytes; liar leaves after half of them
  larger                 a file of another size
  endless                more bytes than the package has, of unknown length
  slow, crawl            one package, or all, at 1 KB/s
  login, page            a redirect to a web page; the page itself
  loop                   a redirect to itself
  norange, range416      no ranges; range416 says so, and leaves after half of the first answer
  busy, down             503, twice or always
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
        if length != -1:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def leave_early(self, status, body, length, headers):
        self.answer(status, body, length, **headers)
        self.close_connection = True

    def trickle(self, status, body, headers):
        self.answer(status, b"", len(body), **headers)
        for i in range(0, min(len(body), 240 * 256), 256):  # a minute: longer than anybody's patience
            self.wfile.write(body[i:i + 256])
            time.sleep(0.25)
        self.close_connection = True

    def do_GET(self):
        if self.path.startswith("http://"):  # it is a proxy too
            self.path = "/" + self.path.split("/", 3)[3]
        _, how, rest = self.path.split("/", 2)
        wanted = self.headers.get("Range")
        log.write(f"{how} {rest.rsplit('/', 1)[-1]} {wanted or '-'}\n")
        if how == "page":
            return self.answer(200, b"<html>Log in first</html>", Content_Type="text/html")
        if how == "login":
            return self.answer(302, Location="/page/" + rest)
        if how == "loop":
            return self.answer(302, Location=self.path)
        if how == "gone" or "/" + rest not in paths:
            return self.answer(404)
        asked[self.path] = asked.get(self.path, 0) + 1
        if how == "down" or how == "busy" and asked[self.path] < 3:
            return self.answer(503)
        if how == "range416" and wanted:
            return self.answer(416)
        with open(os.path.join(folder, paths["/" + rest] + ".deb"), "rb") as file:
            data = file.read()
        if how in ("wrong", "liar"):
            data = bytes(len(data))
        if how in ("larger", "endless"):
            data += b"more"
        start = 0
        if wanted and how not in ("norange", "endless"):
            start = int(wanted[len("bytes="):].split("-")[0])
        body = data[start:]
        status, headers = 200, {}
        if start:
            status = 206
            headers["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if how == "short":
            self.leave_early(status, body[:4000], len(body), headers)
        elif how == "pieces":
            self.leave_early(status, body[:33000], len(body), headers)
        elif (how == "liar" or how == "cut" and asked[self.path] < 3 or
              how == "range416" and asked[self.path] == 1):
            self.leave_early(status, body[: len(body) // 2], len(body), headers)
        elif how == "endless":
            self.leave_early(status, body, -1, {"Connection": "close"})
        elif how == "crawl" or how == "slow" and "/" + rest == max(paths):
            self.trickle(status, body, headers)
        else:
            self.answer(status, body, **headers)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        pass  # the other side left: what the trouble is for


server = Server(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
