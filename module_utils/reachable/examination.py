# SPDX-License-Identifier: Apache-2.0
"""Visit a Jupyter server as an iPad does, and say which leg fails and how to fix it.

Which legs a visit has, in which order they are walked, and how long a server is waited for.
"""

from __future__ import annotations

import threading
import time
import urllib.parse
from concurrent import futures
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from . import ssh_tunnel
from .advice import ADVICE, FOREIGN, STARTING, LegError, explain
from .visitor import DIRECT, RETRY_SECONDS, Route, Visitor
from .waiting import within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .waiting import Clock

# The share of the timeout that is reserved for the cleanup.
CLEANUP_SHARE = 0.1
LONGEST_DETAIL_CHARACTERS = 200

# The legs, in the order in which they are walked. Only the arrival is retried, the stay needs the password, and the
# departure has time of its own.
ARRIVAL = {
    "name": Visitor.find_name,
    "tcp": Visitor.open_connection,
    "ssh": Visitor.open_ssh,
    "tls": Visitor.check_certificate,
    "http": Visitor.find_jupyter,
}
ENTRANCE = {"interstitial": Visitor.find_interstitial, "login_page": Visitor.open_login_page}
PROOF = {"proof": Visitor.prove}
STAY = {
    "login": Visitor.log_in,
    "contents": Visitor.list_contents,
    "page": Visitor.open_page,
    "kernel": Visitor.start_kernel,
    "websocket": Visitor.open_channels,
    "run": Visitor.calculate,
}
DEPARTURE = {"cleanup": Visitor.stop_kernel}

# The options of the module doctor_info.
HOST_KEYS = ["known_hosts_file", "host_keys"]
SSH_SPEC: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 22},
    "user": {"type": "str", "required": True},
    "key_file": {"type": "path", "required": True, "no_log": False},
    "target": {"type": "str", "required": True},
    "known_hosts_file": {"type": "path"},
    "host_keys": {"type": "list", "elements": "str", "no_log": False},
}
ADDRESS_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "url": {"type": "str", "required": True},
    "tunnel": {"type": "bool", "default": False},
    "ssh": {"type": "dict", "options": SSH_SPEC, "required_one_of": [HOST_KEYS], "mutually_exclusive": [HOST_KEYS]},
    "own": {"type": "list", "elements": "str", "default": []},
    "authority": {"type": "str", "default": ""},
    "certificate_name": {"type": "str", "default": ""},
}
ARGUMENT_SPEC: dict[str, Any] = {
    "endpoints": {"type": "list", "elements": "dict", "required": True, "options": ADDRESS_SPEC},
    "password": {"type": "str", "no_log": True},
    "proof_key": {"type": "str", "no_log": True},
    "legs": {"type": "str", "choices": ["all", "anonymous"], "default": "all"},
    "timeout": {"type": "float", "default": 30},
    "wait": {"type": "float", "default": 0},
}


class Options(NamedTuple):
    """How to examine: whether to log in, and the seconds for one address and for a server that is not up yet.

    ``up`` is set once the server has answered at one of its own addresses; nobody waits for it at the others then.
    """

    password: str | None = None
    anonymous: bool = False
    timeout: float = 30.0
    wait: float = 0.0
    up: threading.Event | None = None
    proof_key: str | None = None


def options_of(asked: Mapping[str, Any]) -> Options:
    """Return the options of the module doctor_info."""
    return Options(
        password=asked["password"],
        anonymous=asked["legs"] == "anonymous",
        timeout=asked["timeout"],
        wait=asked["wait"],
        proof_key=asked["proof_key"],
    )


class Examination:
    """The findings of one visit, leg by leg."""

    def __init__(self, visitor: Visitor, options: Options, url: str) -> None:
        """Start without findings."""
        self.visitor = visitor
        self.options = options
        self.url = url
        self.legs: list[dict[str, Any]] = []
        self.failed_leg: str | None = None
        self.code: str | None = None
        self.problem: str | None = None
        self.fix: str | None = None

    def walk(self, legs: Mapping[str, Callable[[Visitor], str]]) -> None:
        """Walk the legs in turn; after a failure all others but the cleanup are skipped."""
        for leg, step in legs.items():
            start = self.visitor.clock.monotonic()
            reason = self.reason_to_skip(leg)
            try:
                state = "skipped" if reason else "ok"
                detail = reason or within(self.visitor.end - start, partial(step, self.visitor))
            except Exception as error:  # noqa: BLE001 - an error of any kind is a finding about this leg
                state = "failed"
                detail = self.note_failure(leg, explain(error, leg))
            seconds = round(self.visitor.clock.monotonic() - start, 3)
            self.legs.append({"leg": leg, "state": state, "seconds": seconds, "detail": self.clean(detail)})

    def reason_to_skip(self, leg: str) -> str | None:
        """Return why a leg is skipped; None if it is walked."""
        if leg in DEPARTURE:
            return None if self.visitor.kernel_id else "no kernel was started"
        if self.failed_leg:
            return f"{self.failed_leg} failed"
        if leg in STAY or (leg in PROOF and not self.options.proof_key):
            if self.options.anonymous:
                return "only what needs no login was asked for"
            if not self.options.password:
                return "the password is not known here, or only its hash"
        return self.reason_not_to_fit(leg)

    def reason_not_to_fit(self, leg: str) -> str | None:
        """Return why the way to this address does not have a leg; None if it has."""
        if leg == "ssh" and not self.visitor.ssh:
            return "the address is no SSH tunnel"
        if leg == "tls" and self.visitor.scheme == "http":
            return "the address is http"
        if leg == "interstitial" and self.visitor.ssh:
            return "nobody can put a page into an SSH tunnel"
        if leg == "interstitial" and not self.visitor.tunnel:
            return "the address is no tunnel"
        return None

    def note_failure(self, leg: str, error: LegError) -> str:
        """Keep the first failure with its advice, and return the technical detail."""
        if not self.failed_leg:
            visitor = self.visitor
            on_the_way = leg in ("name", "tcp", "ssh")
            host, port = (visitor.peer_host, visitor.peer_port) if on_the_way else (visitor.host, visitor.port)
            known = {"url": self.url, "host": host, "port": port} | error.facts
            self.failed_leg, self.code = leg, error.code
            self.problem, self.fix = (self.clean(part.format(**known), longest=None) for part in ADVICE[error.code])
        return str(error)

    def clean(self, text: str, longest: int | None = LONGEST_DETAIL_CHARACTERS) -> str:
        """Shorten a text, which may come from elsewhere, and remove the password and control characters from it."""
        if self.options.password:
            for form in (self.options.password, urllib.parse.quote_plus(self.options.password)):
                text = text.replace(form, "********")
        return "".join(sign if sign.isprintable() else " " for sign in text)[:longest]


def route_of(endpoint: Mapping[str, Any]) -> Route:
    """Return the way to an endpoint."""
    way = endpoint.get("ssh")
    return Route(
        tunnel=bool(endpoint.get("tunnel")),
        ssh=ssh_tunnel.Way(**way) if way else None,
        own=tuple(endpoint.get("own") or ()),
        authority=endpoint.get("authority") or "",
        certificate_name=endpoint.get("certificate_name") or "",
    )


def arrive(url: str, options: Options, clock: Clock = time, route: Route = DIRECT) -> Examination:
    """Go to an address until Jupyter answers, and return the examination, which is not finished yet."""
    start = clock.monotonic()
    end = start + options.timeout * (1 - CLEANUP_SHARE)
    # A tunnel may come up later than the server, so an answer at another address does not end the wait for it.
    up = None if route.tunnel or route.ssh else options.up
    while True:
        visitor = Visitor(url, options.password, end, clock, route=route, proof_key=options.proof_key)
        found = Examination(visitor, options, url)
        found.walk(ARRIVAL)
        if up and found.failed_leg is None:
            up.set()
        is_final = found.code not in STARTING or (up and up.is_set())
        if is_final or clock.monotonic() + RETRY_SECONDS >= min(start + options.wait, end):
            return found
        visitor.close()
        clock.sleep(RETRY_SECONDS)


def examine(name: str, url: str, options: Options, clock: Clock = time, route: Route = DIRECT) -> dict[str, Any]:
    """Visit one address and return the findings that RETURN of the module doctor_info describes."""
    start = clock.monotonic()
    found = arrive(url, options, clock, route)
    found.walk(ENTRANCE)
    found.walk(PROOF)
    found.walk(STAY)
    visitor = found.visitor
    visitor.end = start + options.timeout
    found.walk(DEPARTURE)
    visitor.close()
    return {
        "name": name,
        "url": url,
        "reachable": found.failed_leg is None,
        "failed_leg": found.failed_leg,
        "problem": found.problem,
        "fix": found.fix,
        "foreign": found.code in FOREIGN,
        "jupyter_version": visitor.version,
        "busy_kernels": visitor.busy_kernels,
        "interstitial": visitor.interstitial,
        "certificate": visitor.certificate and visitor.certificate.published(clock.time()),
        "legs": found.legs,
    }


def examine_all(endpoints: list[dict[str, Any]], options: Options) -> list[dict[str, Any]]:
    """Visit all addresses in parallel; each is a dict with ``name`` and ``url``, and perhaps ``tunnel`` and ``ssh``."""
    options = options._replace(up=threading.Event())

    def visit(endpoint: dict[str, Any]) -> dict[str, Any]:
        return examine(endpoint["name"], endpoint["url"], options, route=route_of(endpoint))

    with futures.ThreadPoolExecutor(max_workers=len(endpoints) or 1) as pool:
        return list(pool.map(visit, endpoints))
