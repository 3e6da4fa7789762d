# SPDX-License-Identifier: Apache-2.0
"""Use Jupyter over the network as an iPad does, and as it should not be possible to: python tests/client.py --help.

It speaks through requests and jupyter-kernel-client, and shares nothing with Reachable's own doctor. It says nothing
when all is well, and fails with an AssertionError when it is not.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import threading
import time
from collections import Counter
from http.cookiejar import LWPCookieJar
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

import requests
import websocket
from jupyter_kernel_client import JupyterKernelClient

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTEBOOK = "First steps.ipynb"
CELL: dict[str, Any] = {
    "id": "a",
    "cell_type": "code",
    "source": "1+1",
    "metadata": {},
    "outputs": [],
    "execution_count": None,
}
MAGIC = CELL | {"id": "b", "source": "%pwd"}
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
NOTEBOOK_MODEL = {
    "type": "notebook",
    "format": "json",
    "content": {"cells": [CELL, MAGIC], "metadata": {"kernelspec": KERNEL}, "nbformat": 4, "nbformat_minor": 5},
}
SECONDS = 30
# The scenario's own, in a file of the user's that must not win.
USERS_TOKEN = "a-token-of-the-users-own"

# A small package without dependencies, which no lock names.
PACKAGE = "pyjokes"

# What a notebook sees of the host. Its own TCP sockets stand in /proc/net with its user's number.
PROBE = f"""
import json, os, pathlib, sys
import {PACKAGE}

def listeners():
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, _, state, _, _, _, user, *_ = line.split()
            if state == "0A" and int(user) == os.getuid():
                address, port = local.split(":")
                yield address, int(port, 16)

made = pathlib.Path("made-in-a-notebook")
made.touch()
print(json.dumps({{
    "executable": sys.executable,
    "package": {PACKAGE}.__file__,
    "mode": oct(made.stat().st_mode & 0o777),
    "runtime_dir": oct(os.stat(os.environ["JUPYTER_RUNTIME_DIR"]).st_mode & 0o777),
    "listeners": sorted(listeners()),
}}))
made.unlink()
"""
# 0.0.0.0 with ::, and 127.0.0.1 with ::1, as /proc/net/tcp and tcp6 on a little-endian machine write them
LISTENERS = {"lan": [8 * "0", 32 * "0"], "loopback": ["0100007F", 24 * "0" + "01000000"]}
PORT = 8888

# Handlers that answer before anybody has logged in: with the server's version, the way out, the interfaces' own
# scripts, styles and pictures, the address without a slash at its end, and a proof to whoever knows its key.
PUBLIC = {
    "jupyter_server.base.handlers.APIVersionHandler",
    "jupyter_server.base.handlers.FileFindHandler",
    "jupyter_server.base.handlers.PublicStaticFileHandler",
    "jupyter_server.base.handlers.TrailingSlashHandler",
    "jupyterlab_server.themes_handler.ThemesHandler",
    "reachable_login.LogoutHandler",
    "reachable_proof.ProofHandler",
}
# What is good for an iPad, by plugin of JupyterLab.
LAB_SETTINGS = "/lab/api/settings"
THEMES = "@jupyterlab/apputils-extension:themes"
FILES = "@jupyterlab/filebrowser-extension:widget"
DEFAULTS: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/filebrowser-extension:browser": {"singleClickNavigation": True, "showFileCheckboxes": True},
    THEMES: {"adaptive-theme": True},
}
# How many of them guess for how long. The first wrong passwords of one address are looked at, half of those of all.
GUESSERS = 8
GUESS_SECONDS = 4
FIRST_GUESSES = 6
# How long a login may take on a machine that is busy with tests; strangers wait for up to a minute.
HURRY_SECONDS = 5
# There are about 90, with those of the three interfaces.
FEWEST_ROUTES = 50


class Browser(requests.Session):
    """A session that keeps its cookies in a file, goes through no proxy, and gives up after a while."""

    def __init__(self, base: str, cookies: Path | None = None) -> None:
        """Open a session with the server at an address."""
        super().__init__()
        self.trust_env = False
        self.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        self.base = base
        self.jar = LWPCookieJar(cookies)
        if cookies and cookies.exists():
            self.jar.load(ignore_discard=True)
        self.cookies = self.jar  # type: ignore[assignment]  # requests takes any cookie jar

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request with the proof, which every page of Jupyter carries, that it comes from one of its pages."""
        headers = {"X-XSRFToken": self.cookie("_xsrf"), **options.pop("headers", {})}
        return self.request(method, self.base + path, headers=headers, timeout=SECONDS, **options)

    def cookie(self, name: str) -> str:
        """Return the value of a cookie, or an empty text."""
        return next((cookie.value or "" for cookie in self.jar if cookie.name == name), "")

    def headers_of_login(self) -> dict[str, str]:
        """Return what shows a login to the server, for a client of another kind."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)
        return {"Cookie": cookies, "X-XSRFToken": self.cookie("_xsrf")}

    def log_in(self, password: str) -> int:
        """Send the login form; return the status of the answer."""
        self.ask("GET", "/login")
        form = {"password": password, "_xsrf": self.cookie("_xsrf")}
        return self.ask("POST", "/login", data=form, allow_redirects=False).status_code


def recognised(browser: Browser, _options: argparse.Namespace) -> None:
    """Find the login of an earlier run still valid, and the notebook still there."""
    answer = browser.ask("GET", f"/api/contents/{quote(NOTEBOOK)}")
    assert answer.status_code == 200, f"An old login is no longer good enough: {answer.status_code} {answer.text}"
    assert answer.json()["content"]["cells"][0]["source"] == CELL["source"]


def forgotten(browser: Browser, options: argparse.Namespace) -> None:
    """Find the login of an earlier run, and its password, no longer good enough."""
    answer = browser.ask("GET", "/api/contents")
    assert answer.status_code == 403, f"An old login still opens it: {answer.status_code} {answer.text}"
    assert Browser(options.url).log_in(options.password_file.read_text().rstrip("\n")) == 401


def enters(browser: Browser, options: argparse.Namespace) -> None:
    """Log in, and keep the login."""
    assert browser.log_in(options.password_file.read_text().rstrip("\n")) == 302
    browser.jar.save(ignore_discard=True)


def use(browser: Browser, options: argparse.Namespace) -> None:
    """Log in, save a notebook, run code in a kernel, and keep the login."""
    password = options.password_file.read_text().rstrip("\n")
    assert browser.log_in("not the password") == 401
    assert browser.log_in(password) == 302

    path = f"/api/contents/{quote(NOTEBOOK)}"
    saved = browser.ask("PUT", path, json=NOTEBOOK_MODEL)
    assert saved.ok, saved.text
    listed = [entry["name"] for entry in browser.ask("GET", "/api/contents").json()["content"]]
    assert NOTEBOOK in listed, listed
    assert browser.ask("GET", path).json()["content"]["cells"][0]["source"] == CELL["source"]
    script = browser.ask("GET", f"/nbconvert/python/{quote(NOTEBOOK)}").text
    assert "get_ipython().run_line_magic('pwd', '')" in script, script

    use_kernel(browser, options)
    kernels = browser.ask("GET", "/api/kernels").json()
    assert kernels == [], f"Kernels are left behind: {kernels}"
    if options.cookies:
        browser.jar.save(ignore_discard=True)


def withstands(browser: Browser, options: argparse.Namespace) -> None:
    """Find guessers held up, also where they are right, and who has logged in before let in meanwhile."""
    password = options.password_file.read_text().rstrip("\n")
    login = next(cookie for cookie in browser.jar if cookie.name.startswith("username-"))
    browser.jar.clear(login.domain, login.path, login.name)
    end = time.monotonic() + GUESS_SECONDS
    statuses: Counter[int] = Counter()

    def guess() -> None:
        stranger = Browser(options.url)
        while time.monotonic() < end:
            statuses[stranger.log_in(f"guess {time.monotonic()}")] += 1

    guessers = [threading.Thread(target=guess) for _ in range(GUESSERS)]
    for guesser in guessers:
        guesser.start()
    time.sleep(GUESS_SECONDS / 2)

    stranger = Browser(options.url)
    stranger.ask("GET", "/login")
    form = {"password": password, "_xsrf": stranger.cookie("_xsrf")}
    answer = stranger.ask("POST", "/login", data=form, allow_redirects=False)
    assert answer.status_code == 429, f"The right password shows: {answer.status_code} {answer.headers}"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60, answer.headers
    assert f"Try again in {answer.headers['Retry-After']} seconds." in answer.text, answer.text

    assert browser.log_in("not the password") == 401
    started = time.monotonic()
    assert browser.log_in(password) == 302
    assert time.monotonic() - started < HURRY_SECONDS
    assert browser.ask("GET", "/api/contents").ok
    for guesser in guessers:
        guesser.join()
    # And one for each minute that this may take.
    assert statuses[401] <= FIRST_GUESSES + 1, statuses
    assert statuses[429] >= GUESSERS, statuses
    assert {*statuses} <= {401, 429}, statuses


def leaves(browser: Browser, options: argparse.Namespace) -> None:
    """Log out as the menus do, and find that login ended on the server, but not by what another site does."""
    assert browser.log_in(options.password_file.read_text().rstrip("\n")) == 302
    copy = Browser(options.url)
    for cookie in browser.jar:
        copy.jar.set_cookie(cookie)
    browser.ask("GET", "/logout", headers={"Referer": "http://192.0.2.1/"})
    assert browser.ask("GET", "/api/contents").ok, "Another site has logged it out."
    browser.ask("GET", "/logout", headers={"Referer": f"{options.url}/lab"})
    for each in (browser, copy):
        answer = each.ask("GET", "/api/contents")
        assert answer.status_code == 403, f"A login that has ended still opens it: {answer.status_code} {answer.text}"


def use_kernel(browser: Browser, options: argparse.Namespace) -> None:
    """Run code, install a package, and look at the host from within."""
    with started(browser) as kernel:
        assert run(kernel, "1+1") == "2"
        run(kernel, f"%pip install --quiet {PACKAGE}")
        seen = json.loads(run(kernel, PROBE))

    assert seen["executable"] == f"{options.kernel}/bin/python", seen
    assert seen["package"].startswith(f"{options.kernel}/lib/"), seen
    assert seen["mode"] == "0o600", seen
    assert seen["runtime_dir"] == "0o700", seen
    # Besides the server there is only the pipe of ipykernel's own output thread, which is guarded by a secret.
    server = [[address, PORT] for address in LISTENERS[options.listens]]
    assert all(listener in seen["listeners"] for listener in server), seen
    others = [listener for listener in seen["listeners"] if listener not in server]
    assert [address for address, _ in others] == LISTENERS["loopback"][:1], seen


def kernels(browser: Browser, options: argparse.Namespace) -> None:
    """Log in, and run code in each of the kernels that are named, with the Python that belongs to it."""
    assert browser.log_in(options.password_file.read_text().rstrip("\n")) == 302
    for name, python in (named.split("=") for named in options.kernels):
        with started(browser, name) as kernel:
            assert run(kernel, "import sys; print(sys.executable)") == python, name


@contextlib.contextmanager
def started(browser: Browser, name: str = "python3") -> Iterator[JupyterKernelClient]:
    """Start a kernel and speak with it, until it is ended."""
    answer = browser.ask("POST", "/api/kernels", json={"name": name})
    assert answer.ok, answer.text
    number = answer.json()["id"]
    headers = browser.headers_of_login()
    with JupyterKernelClient(number, server_url=browser.base, token="", headers=headers) as kernel:
        try:
            yield kernel
        finally:
            # What the client does to end its connection leaves its thread waiting for ten seconds.
            connection = kernel._manager.client
            connection.kernel_socket.sock.send_close()
            connection.connection_thread.join(SECONDS)
            browser.ask("DELETE", f"/api/kernels/{number}")


def compute(browser: Browser, options: argparse.Namespace) -> None:
    """Let a kernel compute until the server is restarted, and find its WebSocket closed and the kernel ended."""
    assert browser.log_in(options.password_file.read_text().rstrip("\n")) == 302
    kernel = browser.ask("POST", "/api/kernels", json={}).json()["id"]
    address = f"{browser.base.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
    cookies = browser.headers_of_login()["Cookie"]
    channels = websocket.create_connection(address, cookie=cookies, timeout=options.seconds)
    # To the server a cell is busy also while it sleeps, and this way the machine is not.
    channels.send(json.dumps(execute_request("import time\nwhile True: time.sleep(1)")))
    # A server that ends says no farewell, but the connection ends at once; a browser then looks for the kernel.
    with contextlib.suppress(websocket.WebSocketConnectionClosedException):
        while json.loads(channels.recv())["msg_type"] != "execute_reply":
            options.begun.touch()
        raise AssertionError("The computation has ended.")
    answers(browser, options)
    found = browser.ask("GET", "/api/kernels")
    assert found.status_code == 200, f"The login is no longer good enough: {found.status_code} {found.text}"
    assert kernel not in [each["id"] for each in found.json()], found.text


def execute_request(code: str) -> dict[str, Any]:
    """Return a message that has code executed."""
    header = {"msg_id": "1", "msg_type": "execute_request", "session": "1", "username": "", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    return {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}


def run(kernel: JupyterKernelClient, code: str) -> str:
    """Run code in a kernel and return what it prints or results in."""
    reply = kernel.execute(code, timeout=120)
    assert reply["status"] == "ok", f"{code} failed: {reply}"
    outputs = reply["outputs"]
    return "".join(output.get("text") or output["data"]["text/plain"] for output in outputs).strip()


def refused(browser: Browser, options: argparse.Namespace) -> None:
    """Find every route closed that is not meant for all, and no token that opens one."""
    routes = json.loads(options.routes.read_text())
    assert len(routes) >= FEWEST_ROUTES, f"There are only {len(routes)} routes."
    browser.ask("GET", "/login")
    closed = [route for route in routes if route["handler"] not in PUBLIC]
    opened = [route["path"] for route in closed for method in route["methods"] if not refuses(browser, method, route)]
    assert opened == [], f"Open to everybody: {opened}"

    if browser.base.startswith("http:"):  # else what stands in between answers
        refuses_a_body(browser.base)
    for token in ("", "undefined", USERS_TOKEN):
        for given in ({"params": {"token": token}}, {"headers": {"Authorization": f"token {token}"}}):
            answer = browser.ask("GET", "/api/contents", **given)
            assert answer.status_code == 403, f"{given} opens it: {answer.status_code} {answer.text}"


def refuses_a_body(base: str) -> None:
    """Find a large body refused before it comes."""
    address = urlsplit(base)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=SECONDS)
    connection.putrequest("POST", "/login")
    connection.putheader("Content-Length", "300000000")
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def refuses(browser: Browser, method: str, route: dict[str, Any]) -> bool:
    """Tell whether a request without a login is turned away."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    with browser.ask(method, route["path"], headers=upgrade if route["websocket"] else {}, stream=True) as answer:
        return answer.status_code in (401, 403) or urlsplit(answer.url).path == "/login"


def suits(browser: Browser, options: argparse.Namespace) -> None:
    """Find what is good for an iPad, and a setting that a person makes in JupyterLab in force."""
    assert browser.log_in(options.password_file.read_text().rstrip("\n")) == 302
    answer = browser.ask("GET", LAB_SETTINGS)
    assert answer.headers.get("Content-Encoding") == "gzip", answer.headers
    found = {each["id"]: each for each in answer.json()["settings"]}
    for plugin, wanted in DEFAULTS.items():
        properties = found[plugin]["schema"]["properties"]
        assert {key: properties[key]["default"] for key in wanted} == wanted, properties
    buttons = [each["name"] for each in found[FILES]["schema"]["properties"]["toolbar"]["default"]]
    assert buttons == ["rename", "download", "delete"], buttons
    assert page_config(browser, "/lab")["news"] == {"disabled": True}

    assert "@reachable/touch" in [each["name"] for each in page_config(browser, "/lab")["federated_extensions"]]
    assert browser.ask("GET", "/api/config/common").json()["load_extensions"]["reachable/touch"] is True

    for value in (False, None):
        raw = json.dumps({"adaptive-theme": value} if value is not None else {})
        assert browser.ask("PUT", f"{LAB_SETTINGS}/{THEMES}", json={"raw": raw}).ok
        own = browser.ask("GET", f"{LAB_SETTINGS}/{THEMES}").json()
        assert own["settings"].get("adaptive-theme") is value, own
        assert own["schema"]["properties"]["adaptive-theme"]["default"] is True, own


def welcomes(browser: Browser, _options: argparse.Namespace) -> None:
    """Find a login page for a finger and a password manager, and what the Home Screen wants, without a login."""
    page = browser.ask("GET", "/login?next=%2Flab")
    field = re.search(r'<input [^>]*type="password"[^>]*>', page.text)
    assert field, page.text
    for attribute in ('autocomplete="current-password"', "autofocus", 'autocapitalize="off"', 'autocorrect="off"'):
        assert attribute in field[0], field[0]
    assert 'action="/login?next=%2Flab"' in page.text, page.text
    assert re.search(r'name="_xsrf" value="[^"]+"', page.text), page.text
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page.text), "The page needs another server."
    form = {"password": "not the password", "_xsrf": browser.cookie("_xsrf")}
    assert 'role="alert"' in browser.ask("POST", "/login", data=form).text

    [manifest_path] = re.findall(r'<link rel="manifest" href="([^"]+)"', page.text)
    [icon_path] = re.findall(r'<link rel="apple-touch-icon"[^>]* href="([^"]+)"', page.text)
    manifest = browser.ask("GET", manifest_path)
    assert manifest.headers["Content-Type"] == "application/manifest+json", manifest.headers
    assert (manifest.json()["display"], manifest.json()["start_url"]) == ("standalone", "/"), manifest.text
    icons = [urljoin(manifest_path, each["src"]) for each in manifest.json()["icons"]]
    assert icon_path in icons, icons
    for path in icons:
        assert browser.ask("GET", path).headers["Content-Type"].startswith("image/"), path
    icon = browser.ask("GET", icon_path).content
    # The signature of a PNG file, then the width and the height in its first chunk.
    assert (icon[:8], icon[16:24]) == (b"\x89PNG\r\n\x1a\n", 2 * (180).to_bytes(4)), icon[:24]


def page_config(browser: Browser, path: str) -> dict[str, Any]:
    """Return what a page of JupyterLab or Notebook is told by the server."""
    page = browser.ask("GET", path).text
    found = re.search(r'<script id="jupyter-config-data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found, page
    config: dict[str, Any] = json.loads(found[1])
    return config


def answers(browser: Browser, options: argparse.Namespace) -> None:
    """Find the server answering within some seconds."""
    deadline = time.monotonic() + options.seconds
    while not is_up(browser):
        assert time.monotonic() < deadline, f"No answer within {options.seconds} s."
        time.sleep(0.1)


def is_up(browser: Browser) -> bool:
    """Tell whether the server answers."""
    try:
        return browser.ask("GET", "/api").ok
    except requests.RequestException:
        return False


ACTIONS = {
    "answers": answers,
    "compute": compute,
    "enters": enters,
    "forgotten": forgotten,
    "kernels": kernels,
    "leaves": leaves,
    "recognised": recognised,
    "refused": refused,
    "suits": suits,
    "use": use,
    "welcomes": welcomes,
    "withstands": withstands,
}


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=[*ACTIONS])
    parser.add_argument("url", help="the server's address")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--begun", type=Path, help="the file that appears once the kernel computes")
    parser.add_argument("--cookies", type=Path, help="the file that keeps the login")
    parser.add_argument("--kernel", help="the kernel's environment on the host")
    parser.add_argument(
        "--kernels", nargs="*", help="names of kernels, each with its Python: mine=/home/ada/env/bin/python"
    )
    parser.add_argument("--listens", choices=[*LISTENERS], default="lan", help="where the server listens on the host")
    parser.add_argument("--routes", type=Path, help="the server's routes, as JSON")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long to wait for an answer")
    options = parser.parse_args()
    ACTIONS[options.action](Browser(options.url, options.cookies), options)


if __name__ == "__main__":
    main()
