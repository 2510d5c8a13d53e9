"""Headless Chromium through chromedriver, with what Python has (W3C WebDriver over HTTP)."""
import base64
import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

SWITCHES = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def missing():
    return next((program for program in ("chromium", "chromedriver") if not shutil.which(program)), None)


class Browser:
    def __init__(self, width=1300, height=1000):
        self.profile = tempfile.TemporaryDirectory(prefix="nestctl-browser-", ignore_cleanup_errors=True)
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       text=True)
        self.session = None
        for line in self.driver.stdout:
            if port := re.search(r"started successfully on port (\d+)", line):
                self.base = f"http://127.0.0.1:{port[1]}"
                break
        else:
            raise RuntimeError("chromedriver does not start")
        options = {"binary": shutil.which("chromium"),
                   "args": SWITCHES + [f"--user-data-dir={self.profile.name}", f"--window-size={width},{height}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def call(self, method, path, body=None):
        if self.session:
            path = f"/session/{self.session}{path}"
        request = urllib.request.Request(self.base + path, method=method, headers={"Content-Type": "application/json"},
                                         data=None if method != "POST" else json.dumps(body or {}).encode())
        try:
            return json.load(urllib.request.urlopen(request, timeout=300))["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"].splitlines()[0]) from None

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def wait(self, script, wanted, seconds=120):
        """Until the script's value is what is wanted."""
        until = time.monotonic() + seconds
        while (found := self.run(script)) != wanted:
            if time.monotonic() > until:
                raise AssertionError(f"{script}: {found!r}, not {wanted!r}")
            time.sleep(0.05)

    def log(self):
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("GET", "/screenshot")))

    def close(self):
        if self.session:
            self.call("DELETE", "")
        self.driver.terminate()
        self.driver.wait(120)
        self.driver.stdout.close()
        self.profile.cleanup()
