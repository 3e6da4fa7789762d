# SPDX-License-Identifier: Apache-2.0
"""What guessers get out of the login, and what whoever is logged in notices of them."""

from __future__ import annotations

import json
import multiprocessing
import statistics
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import websocket
from client import Browser, execute_request
from costs.browser import reachable, same
from costs.hosts import PATIENCE_SECONDS, Figure, address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costs.browser import Server

HOST = "bench-reachable"
GUESSERS = 8
SECONDS = 60
# How much of that the first guesses take, of which there are more than later on.
BURST_SECONDS = 10
LOOKED_AT = 401


class Waits(NamedTuple):
    """How long a user waited, in the worst of a hundred cases, in milliseconds."""

    status: float
    cell: float


def login() -> Iterator[Figure]:
    """Let strangers guess passwords while somebody works, beside the same Jupyter without all that Reachable adds."""
    servers = {"Reachable": reachable(), "plain": same()}
    for name, server in servers.items():
        idle = work(url(server), server.password)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as elsewhere:
            guessing = elsewhere.submit(guess, url(server))
            busy = work(url(server), server.password)
            guesses = guessing.result()
        goals = ("at most 132", "at most 1.3") if name == "Reachable" else ("", "")
        yield f"Passwords that {GUESSERS} strangers try in an hour, {name}", f"{guesses:,.0f}", goals[0]
        for what in Waits._fields:
            before, now = getattr(idle, what), getattr(busy, what)
            yield f"  p99 of a {what} of a user, idle", f"{before:.1f} ms", ""
            yield "    meanwhile", f"{now:.1f} ms", ""
            yield "    ratio", f"{now / before:.2f}", goals[1]


def url(server: Server) -> str:
    """Return the address of a server."""
    return f"http://{address(HOST)}:{server.port}"


def guess(base: str) -> float:
    """Guess for a while; return how many passwords would be looked at in an hour that begins so."""
    begun = time.monotonic()
    moments: list[float] = []

    def go_on() -> None:
        stranger = Browser(base)
        while time.monotonic() < begun + SECONDS:
            if stranger.log_in("guess") == LOOKED_AT:
                moments.append(time.monotonic() - begun)

    guessers = [threading.Thread(target=go_on) for _ in range(GUESSERS)]
    for each in guessers:
        each.start()
    for each in guessers:
        each.join()
    counts = Counter(moment < BURST_SECONDS for moment in moments)
    return counts[True] + counts[False] / (SECONDS - BURST_SECONDS) * (3600 - BURST_SECONDS)


def work(base: str, password: str) -> Waits:
    """Ask for the status and run a cell, over and over again."""
    browser = Browser(base)
    status = browser.log_in(password)
    if status != 302:
        sys.exit(f"{base} refuses the password: HTTP {status}.")
    kernel = browser.ask("POST", "/api/kernels", json={}).json()["id"]
    address_of_channels = f"{base.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
    cookies = browser.headers_of_login()["Cookie"]
    channels = websocket.create_connection(address_of_channels, cookie=cookies, timeout=PATIENCE_SECONDS)
    run_cell(channels)
    waits: dict[str, list[float]] = {"status": [], "cell": []}
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        waits["status"].append(milliseconds(lambda: browser.ask("GET", "/api/status")))
        waits["cell"].append(milliseconds(lambda: run_cell(channels)))
        time.sleep(0.01)
    channels.close()
    browser.ask("DELETE", f"/api/kernels/{kernel}")
    return Waits(*(statistics.quantiles(each, n=100)[-1] for each in waits.values()))


def run_cell(channels: Any) -> None:
    """Run a cell and wait for its end."""
    channels.send(json.dumps(execute_request("1+1")))
    while json.loads(channels.recv())["msg_type"] != "execute_reply":
        pass


def milliseconds(action: Any) -> float:
    """Return how long something takes."""
    started = time.monotonic()
    action()
    return 1000 * (time.monotonic() - started)
