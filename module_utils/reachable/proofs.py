# SPDX-License-Identifier: Apache-2.0
"""How a server proves that it is a certain host's, before anything secret is sent to it.

Each installation has a key of its own. It stands in the configuration of the server, and whoever manages the host reads
it there over SSH. A visitor sends a challenge that nobody can foresee, and the server (``reachable_proof.py``) answers
with two codes that only a holder of the key can make: ``host`` of the challenge alone, and ``address`` also of the
address and port at which it was reached itself.

So a password does not go to another machine at the address: to one that has the same name, one to which the address
has moved, or one that the host names as its own. Where a visit leads straight to one of the host's own addresses, that
also holds for a machine that passes the challenge on to the host, which was then reached elsewhere. It does not where
something stands in between that changes addresses, as a router that forwards a port; and whoever stands in the way of
plain http can let the proof pass and read what comes after it.

A visitor who logs in shows in turn that it has the key, so that ``reachable_login.py`` does not let it wait where
strangers guess.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from typing import Any

PATH = "reachable/proof"
INTRODUCTION = "Reachable-Visitor"
KEY = re.compile("[0-9a-f]{64}")


def kept_or_new(key: str) -> str:
    """Return the key that a host has, or a new one where it has none."""
    return key if KEY.fullmatch(key) else secrets.token_hex(32)


def new_challenge() -> str:
    """Return what nobody can foresee."""
    return secrets.token_hex(32)


def code(key: str, challenge: str, place: str = "") -> str:
    """Return what only a holder of the key can say to a challenge, as ``reachable_proof.py`` does."""
    return signature(key, f"reachable proof\n{challenge}\n{place}")


def introduction(key: str) -> str:
    """Return what only a holder of the key can send with a login, as a header of the name ``INTRODUCTION``."""
    mark = secrets.token_hex(16)
    code_of_mark = signature(key, f"reachable visitor\n{mark}")
    return f"{mark} {code_of_mark}"


def signature(key: str, message: str) -> str:
    """Return what a holder of the key makes of a message."""
    return hmac.new(bytes.fromhex(key), message.encode(), "sha256").hexdigest()


def plain(address: str) -> str:
    """Write an IP address in the one form in which two can be compared, without the interface of a link-local one."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return str(getattr(found, "ipv4_mapped", None) or found)


def is_proven(answer: Any, key: str, challenge: str, place: tuple[str, int] | None) -> bool:
    """Tell whether an answer comes from a holder of the key, and, where a place is given, from a server right there."""
    wanted = {"host": code(key, challenge)}
    if place:
        wanted["address"] = code(key, challenge, f"{plain(place[0])} {place[1]}")
    return all(hmac.compare_digest(str(answer.get(name)).encode(), each.encode()) for name, each in wanted.items())
