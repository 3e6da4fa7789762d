# SPDX-License-Identifier: Apache-2.0
"""Open Jupyter and the card in Chromium at an iPad's size, and keep pictures: python tests/browser.py --help."""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import websocket

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 60
IPAD = {"width": 820, "height": 1180, "deviceScaleFactor": 1, "mobile": True}
OPTIONS = ["--headless=new", "--no-sandbox", "--no-proxy-server", "--hide-scrollbars", "--remote-debugging-port=0"]

# Each page with what it says once it has rendered, in the order in which they are opened.
PAGES = {
    "login": ("/login", ["Password"]),
    "lab": ("/lab", ["Launcher", "Python 3", "First steps.ipynb"]),
    "tree": ("/tree", ["Files", "Running", "First steps.ipynb"]),
    "notebook": ("/notebooks/First%20steps.ipynb", ["First steps", "1+1"]),
    "nbclassic": ("/nbclassic/tree", ["Files", "Running", "First steps.ipynb"]),
    "nbclassic-notebook": ("/nbclassic/notebooks/First%20steps.ipynb", ["First steps", "Kernel", "1+1"]),
}


class Page:
    """A page in Chromium, which is told what to do over its DevTools protocol."""

    def __init__(self, address: str) -> None:
        """Connect to the page, and make it as large as an iPad."""
        self.connection = websocket.create_connection(address, timeout=SECONDS, suppress_origin=True)
        self.count = 0
        self.call("Page.enable")
        self.call("Emulation.setDeviceMetricsOverride", **IPAD)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method and return its result; what happens meanwhile is of no interest."""
        self.count += 1
        self.connection.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.connection.recv())
            if message.get("id") == self.count:
                assert "error" not in message, f"{method}: {message}"
                result: dict[str, Any] = message["result"]
                return result

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; None while the page is changing."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def wait_for(self, condition: str, complaint: str) -> None:
        """Wait until a JavaScript condition holds."""
        deadline = time.monotonic() + SECONDS
        while self.evaluate(condition) is not True:
            assert time.monotonic() < deadline, f"{complaint}: {self.evaluate('document.body?.innerText')}"
            time.sleep(0.2)

    def show(self, url: str, texts: list[str], picture: Path) -> None:
        """Open an address, wait until it shows all the texts, and take a picture."""
        self.call("Page.navigate", url=url)
        shown = f"{json.dumps(texts)}.every(text => document.body.innerText.includes(text))"
        self.wait_for(shown, f"{url} does not show {texts}")
        time.sleep(1)  # for what still moves
        picture.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def log_in(self, password: str) -> None:
        """Fill in the login form and send it."""
        field = "document.querySelector('input[type=password]')"
        self.evaluate(f"{field}.value = {json.dumps(password)}; {field}.form.submit()")
        self.wait_for("document.readyState == 'complete' && location.pathname != '/login'", "The login does not work")


@contextmanager
def chromium() -> Iterator[Page]:
    """Start Chromium with a profile of its own and yield its page."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        port = Path(profile, "DevToolsActivePort")
        with Path(profile, "log").open("wb") as log:
            command = ["chromium", *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
            browser = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + SECONDS
            while not port.exists() or "\n" not in port.read_text():
                assert browser.poll() is None, Path(profile, "log").read_text()
                assert time.monotonic() < deadline, "Chromium does not take orders."
                time.sleep(0.1)
            yield Page(page_address(port.read_text().split("\n")[0]))
        finally:
            browser.terminate()
            browser.wait()


def page_address(port: str) -> str:
    """Return the address at which Chromium's first page takes orders."""
    with urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
        return str(next(page["webSocketDebuggerUrl"] for page in json.load(answer) if page["type"] == "page"))


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="the server's address")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True, help="the folder for the pictures")
    options = parser.parse_args()
    options.pictures.mkdir(parents=True, exist_ok=True)
    with chromium() as page:
        for name, (path, texts) in PAGES.items():
            page.show(options.url + path, texts, options.pictures / f"{name}.png")
            if name == "login":
                page.log_in(options.password_file.read_text().rstrip("\n"))
        page.show(options.card.as_uri(), ["Safari", "Juno Connect", options.url], options.pictures / "card.png")


if __name__ == "__main__":
    main()
