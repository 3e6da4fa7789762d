# SPDX-License-Identifier: Apache-2.0
"""What Jupyter's pages cost in a browser: how long they take to load, and what they ask for while they lie open."""

from __future__ import annotations

import contextlib
import functools
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import requests
from costs.counter import doorkeeper
from costs.hosts import (
    BENCH,
    CACHE,
    PASSWORD,
    PATIENCE_SECONDS,
    Figure,
    address,
    await_jupyter,
    on_host,
    output,
    provisioned,
)
from costs.link import FAR, slow_link
from playwright.sync_api import sync_playwright
from test import ROOT

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from costs.counter import Door
    from costs.link import Lane
    from playwright.sync_api import Browser, Page

HOST = "bench-reachable"
OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--no-proxy-server",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
]
IPAD: dict[str, Any] = {"viewport": {"width": 1180, "height": 820}, "has_touch": True, "is_mobile": True}
PAGE_MILLISECONDS = 180_000
LOGIN, FIELD = "#login_submit", "input[type=password]"

NOTEBOOK = "Bench.ipynb"
NOTEBOOK_CONTENT: dict[str, Any] = {
    "cells": [
        {"cell_type": "code", "id": "one", "execution_count": None, "metadata": {}, "outputs": [], "source": "1+1"}
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}

LOAD_ROUNDS = 5
LINK_BITS, LINK_SECONDS = 10e6, 0.06
# For a password that a manager fills in, after a look at Face ID; who types twenty characters takes longer.
TYPING_SECONDS = 5

# Each page with what it shows once it is there.
PAGES = {
    "JupyterLab, the launcher": ("/lab/workspaces/{workspace}", ".jp-Launcher"),
    "JupyterLab, a notebook": (f"/lab/workspaces/{{workspace}}/tree/{NOTEBOOK}", ".jp-CodeCell"),
    "Notebook, a notebook": (f"/notebooks/{NOTEBOOK}", ".jp-CodeCell"),
    "Notebook, the files": ("/tree", f".jp-DirListing-item >> text={NOTEBOOK}"),
    "nbclassic, a notebook": (f"/nbclassic/notebooks/{NOTEBOOK}", ".code_cell"),
    "nbclassic, the files": ("/nbclassic/tree", f"text={NOTEBOOK}"),
}
STATES = ("visible", "hidden")
# After it has loaded a page asks for this and that once more.
REST_SECONDS = 60
TRAFFIC_SECONDS = 300
# What ngrok's free plan gives in a month.
FREE_REQUESTS, FREE_BYTES = 20000, 1e9


class Server(NamedTuple):
    """A Jupyter on the host."""

    port: int
    password: str


class Load(NamedTuple):
    """How long it took to load a page, and how many megabytes came meanwhile."""

    seconds: float
    megabytes: float


class Tab(NamedTuple):
    """An open page, and the door that counts what it asks for."""

    page: Page
    door: Door


@functools.cache
def reachable() -> Server:
    """Return what Reachable has installed."""
    provisioned()
    return Server(8888, (CACHE / f"secrets/{HOST}/jupyter_password").read_text().strip())


@functools.cache
def newest() -> Server:
    """Install what pip gives people today."""
    return plain(8889, ["jupyterlab", "notebook", "nbclassic"])


@functools.cache
def same() -> Server:
    """Install the versions that Reachable has locked, without all else of the lock."""
    lock = (ROOT / "requirements/server.txt").read_text()
    return plain(8890, re.findall(r"(?m)^((?:jupyterlab|notebook|nbclassic)==\S+)", lock))


def plain(port: int, packages: list[str]) -> Server:
    """Install Jupyter beside Reachable's with pip, and with nothing set but the port and the password."""
    script = (BENCH / "plain.sh").read_bytes()
    on_host(HOST, f"cat > plain.sh && sudo sh plain.sh {port} '{PASSWORD}' {' '.join(packages)}", script)
    await_jupyter(HOST, port)
    return Server(port, PASSWORD)


def add_notebook(server: Server) -> None:
    """Log in and save a notebook."""
    url = f"http://{address(HOST)}:{server.port}"
    with requests.Session() as session:
        session.get(f"{url}/login", timeout=PATIENCE_SECONDS).raise_for_status()
        token = str(session.cookies["_xsrf"])
        form = {"password": server.password, "_xsrf": token}
        session.post(f"{url}/login", data=form, timeout=PATIENCE_SECONDS).raise_for_status()
        session.put(
            f"{url}/api/contents/{NOTEBOOK}",
            json={"type": "notebook", "content": NOTEBOOK_CONTENT},
            headers={"X-XSRFToken": token},
            timeout=PATIENCE_SECONDS,
        ).raise_for_status()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium. Pages in its first window know when they are hidden; Playwright's own believe to be in front."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, sync_playwright() as playwright:
        log, port = Path(profile, "log"), Path(profile, "DevToolsActivePort")
        command = ["chromium", *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        with log.open("wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file)
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not port.exists() or "\n" not in port.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"{log.read_text()}\nChromium does not take orders.")
                time.sleep(0.1)
            number = port.read_text().splitlines()[0]
            yield playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{number}", no_defaults=True)
        finally:
            process.terminate()
            process.wait()


def load() -> Iterator[Figure]:
    """Open a notebook in JupyterLab over a slow link, with nothing in the browser's cache, in turns with plain ones."""
    servers = {"Reachable": reachable(), "newest Jupyter": newest(), "same versions": same()}
    for server in servers.values():
        add_notebook(server)
    namespace = Path(output(["podman", "inspect", "--format={{.NetworkSettings.SandboxKey}}", HOST]).strip()).name
    rounds = []
    with slow_link(namespace, LINK_BITS, LINK_SECONDS) as link, chromium() as browser:
        for number in range(LOAD_ROUNDS):
            order = [*servers][:: 1 if number % 2 else -1]
            rounds.append({name: first_input(browser, link, servers[name], f"load-{number}") for name in order})
    median = {
        name: Load(*(statistics.median(column) for column in zip(*(each[name] for each in rounds), strict=True)))
        for name in servers
    }
    ours = median["Reachable"]
    yield "From the login to a notebook that takes input", f"{ours.seconds:.1f} s", ""
    yield "  bytes of it", f"{ours.megabytes:.2f} MB", ""
    for name, plain_goals in {"newest Jupyter": ("at most 0.6", "at most 0.35"), "same versions": ("", "")}.items():
        yield f"  of the {name} from pip", f"{median[name].seconds:.1f} s", ""
        yield "    ratio", f"{ours.seconds / median[name].seconds:.2f}", plain_goals[0]
        yield "    bytes of it", f"{median[name].megabytes:.2f} MB", ""
        yield "    ratio", f"{ours.megabytes / median[name].megabytes:.2f}", plain_goals[1]


def first_input(browser: Browser, link: Lane, server: Server, workspace: str) -> Load:
    """Take the time from a tap on the login to a character that stands in the notebook's first cell.

    The bytes are counted from the login page on, which takes its time to be filled in.
    """
    context = browser.new_context(**IPAD)
    page = context.new_page()
    path, cell = PAGES["JupyterLab, a notebook"]
    before = link.bytes
    page.goto(f"http://{FAR}:{server.port}{path.format(workspace=workspace)}")
    page.fill(FIELD, server.password)
    page.wait_for_timeout(TYPING_SECONDS * 1000)
    started = time.monotonic()
    page.tap(LOGIN)
    editor = page.locator(f"{cell} .cm-content").first
    editor.tap(timeout=PAGE_MILLISECONDS)
    while "2" not in editor.inner_text():
        page.keyboard.insert_text("2")
    taken = Load(time.monotonic() - started, (link.bytes - before) / 1e6)
    context.close()
    return taken


def traffic() -> Iterator[Figure]:
    """Leave pages open that nobody touches, in front and behind another tab, and count what they ask for."""
    servers = {"plain": newest(), "Reachable": reachable()}
    with doorkeeper() as open_door, chromium() as browser:
        front = browser.contexts[0].pages[0]
        tabs = {}
        for name, server in servers.items():
            add_notebook(server)
            for page in PAGES:
                for state in STATES:
                    door = open_door(address(HOST), server.port)
                    tabs[name, page, state] = open_tab(browser, door, server.password, page, state)
        front.bring_to_front()
        time.sleep(REST_SECONDS)
        before = {key: (tab.door.requests.copy(), tab.door.bytes) for key, tab in tabs.items()}
        time.sleep(TRAFFIC_SECONDS)
        counted = {
            key: (tab.door.requests - before[key][0], tab.door.bytes - before[key][1]) for key, tab in tabs.items()
        }
        for (_, page, state), tab in tabs.items():
            if (found := tab.page.evaluate("document.visibilityState")) != state:
                sys.exit(f"{page} is {found}.")
    for page in PAGES:
        for state in STATES:
            for name in servers:
                yield from hourly(f"{page}, {state}, {name}", *counted[name, page, state])


def open_tab(browser: Browser, door: Door, password: str, name: str, state: str) -> Tab:
    """Log in and open a page; a hidden one in the first window, where another tab is in front of it."""
    context = browser.contexts[0] if state == "hidden" else browser.new_context(**IPAD)
    path, shown = PAGES[name]
    page = context.new_page()
    page.goto(door.url + path.format(workspace=f"traffic-{door.port}"))
    page.fill(FIELD, password)
    page.click(LOGIN)
    page.locator(shown).first.wait_for(timeout=PAGE_MILLISECONDS)
    return Tab(page, door)


def hourly(what: str, asked: Counter[str], transferred: int) -> Iterator[Figure]:
    """Say what was counted, by the hour, and how long a free plan of ngrok's lasts with it."""
    hours = TRAFFIC_SECONDS / 3600
    lasts = min(FREE_REQUESTS * hours / max(asked.total(), 1), FREE_BYTES * hours / max(transferred, 1))
    yield what, f"{asked.total() / hours:,.0f}", f"requests/h, {transferred / hours / 1e6:.2f} MB/h, {lasts:,.0f} h"
    for request, count in asked.most_common(8):
        yield f"    {request}", f"{count / hours:,.0f}", ""
