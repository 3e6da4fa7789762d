# SPDX-License-Identifier: Apache-2.0
"""What a host publishes of its addresses. Whoever can write there is not believed more than that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reachable.allowance import Allowance
from reachable.endpoints import Endpoint, Origin, endpoint_value, is_tunnel

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_TUNNEL = (
    "The host says that its tunnel is at an address in a private network, where no tunnel can be. Run './reachable "
    "up'; if this stays, find out what else on the host commands its ngrok agent."
)
UNBELIEVED = {"url": None, "state": "offline", "reachable": False, "detail": NO_TUNNEL, "safari_url": None}


def endpoints(text: str | None) -> list[Endpoint]:
    """Read what a host publishes; nothing where that is nothing, or not ours."""
    try:
        return [entry for entry in json.loads(text or "")["endpoints"] if isinstance(entry, dict)]
    except (ValueError, KeyError, TypeError):
        return []


def undeclared(text: str | None) -> list[dict[str, Any]]:
    """Read what a host publishes of what its agent has opened and nobody declared."""
    try:
        found = json.loads(text or "")["undeclared"]
        return [{key: str(each[key]) for key in ("name", "url", "detail", "since")} for each in found]
    except (ValueError, KeyError, TypeError):
        return []


def allowance(text: str | None) -> Allowance | None:
    """Read what a host publishes of the requests that a plan has left; None where that is nothing."""
    try:
        return Allowance.read(json.loads(text or "")["allowance"])
    except (ValueError, KeyError, TypeError):
        return None


def tunnels(text: str | None, names: Iterable[str], port: int) -> list[Endpoint]:
    """Choose the tunnels of these names from what a host publishes; ``port`` is Jupyter's.

    Of an address everything is worked out anew, and one that cannot be a tunnel's is not believed.
    """
    names = set(names)
    return [believed(entry, port) for entry in endpoints(text) if entry.get("name") in names]


def believed(entry: Endpoint, port: int) -> Endpoint:
    """Return a published tunnel with what follows from its address."""
    if not entry.get("url"):
        return entry
    try:
        origin = Origin.of(str(entry["url"]))
        value = endpoint_value(origin, str(entry["name"]), str(entry["transport"]), port)
    except (LookupError, ValueError):
        value = {}
    return entry | value if is_tunnel(value) else entry | UNBELIEVED


def online(watched: Iterable[Endpoint]) -> list[str]:
    """Return the addresses of the tunnels that are online."""
    return sorted(entry["url"] for entry in watched if entry["state"] == "online")
