#!/usr/bin/env python3
"""An HTTP server for tests of fetching: server.py FOLDER PORT_FILE LOG. Knows Range; under /cut/ the
first answer for a path ends in its middle, under /whole/ Range is ignored; under
/slow/ a thousand bytes come, and no more for a minute; under /mute/ nobody says how much there is. Ends
with its parent."""

import http.server
import os
import sys
import threading
import time

FOLDER, PORT_FILE, LOG = sys.argv[1:4]
PARENT = os.getppid()
cut = set()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind, name = self.path.strip("/").split("/", 1)
        wanted = self.headers.get("Range")
        with open(LOG, "a") as log:
            log.write(f"{self.path} {wanted}\n")
        try:
            with open(os.path.join(FOLDER, os.path.basename(name)), "rb") as file:
                data = file.read()
        except OSError:
            self.send_error(404)
            return
        start = 0
        if wanted and kind != "whole":
            start = int(wanted.split("=")[1].split("-")[0])
            if start >= len(data):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        if kind != "mute":
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = len(data)
        if kind == "cut" and self.path not in cut:
            cut.add(self.path)
            end = len(data) // 2
        try:
            if kind == "slow":
                self.wfile.write(data[start:start + 1000])
                time.sleep(60)
            self.wfile.write(data[start:end])
        except ConnectionError:
            pass

    def log_message(self, *arguments):
        pass


def watch():
    while os.getppid() == PARENT:
        time.sleep(0.5)
    os._exit(0)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(PORT_FILE + ".tmp", "w") as out:
    out.write(str(server.server_address[1]))
os.rename(PORT_FILE + ".tmp", PORT_FILE)
threading.Thread(target=watch, daemon=True).start()
server.serve_forever()
