# SPDX-License-Identifier: Apache-2.0
"""The ways in to Jupyter, each in a file of its own. Whoever asks for them asks for this list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ngrok
from .lan import Lan, Loopback, here
from .static import Static
from .way_in import WayIn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reachable.endpoints import Endpoint
    from reachable.plan.accounts import Ours
    from reachable.plan.declaration import Declaration
    from reachable.plan.layout import Layout
    from reachable.plan.receipts import Receipt
    from reachable.plan.service import Service
    from reachable.plan.situation import Situation

__all__ = ["Loopback", "WayIn", "here", "ngrok"]

KINDS: tuple[type[WayIn], ...] = (ngrok.Ngrok, Static, Lan)
"""The ways in, in the order in which their addresses count."""
TUNNELS: frozenset[str] = frozenset(transport for kind in KINDS if kind.is_tunnel for transport in kind.transports)
"""The transports of tunnels."""


def files(layout: Layout, wanted: Declaration) -> list[str]:
    """Return the files and folders to look at."""
    return [path for kind in KINDS for path in kind.files(layout, wanted)]


def programs(layout: Layout, wanted: Declaration) -> list[str]:
    """Return the programs to look for."""
    return [program for kind in KINDS for program in kind.programs(layout, wanted)]


def users(layout: Layout) -> list[str]:
    """Return the accounts to look for."""
    return [user for kind in KINDS for user in kind.users(layout)]


def ports(wanted: Declaration) -> list[int]:
    """Return the ports to look at, beside Jupyter's."""
    return [port for kind in KINDS for port in kind.ports(wanted)]


def wanted_ways(there: Situation) -> list[WayIn]:
    """Return the ways in that are wanted."""
    return [way for kind in KINDS if (way := kind(there)).is_wanted]


def has_tunnel(there: Situation) -> bool:
    """Tell whether one of them is a tunnel. Then Jupyter need not listen to others than its own machine."""
    return any(kind(there).is_wanted for kind in KINDS if kind.is_tunnel)


def is_public(there: Situation) -> bool:
    """Tell whether strangers find one of them."""
    return any(way.is_public for way in there.ways)


def candidates(there: Situation) -> list[tuple[WayIn, Endpoint]]:
    """Return all addresses, each once, with the way in that it belongs to; where there is none, the machine's own."""
    unique: dict[str, tuple[WayIn, Endpoint]] = {}
    for way, endpoint in addresses(KINDS, there):
        unique.setdefault(endpoint["url"].lower(), (way, endpoint))
    return list(unique.values()) or addresses([Loopback], there)


def addresses(kinds: Iterable[type[WayIn]], there: Situation) -> list[tuple[WayIn, Endpoint]]:
    """Return the addresses of some ways in."""
    return [(way, endpoint) for kind in kinds for way in [kind(there)] for endpoint in way.endpoints()]


def accounts(there: Situation) -> dict[str, Ours]:
    """Return the accounts that are made for them, by what they are for."""
    return {name: account for way in there.ways for name, account in way.accounts().items()}


def services(there: Situation) -> list[Service]:
    """Return what runs for them, once what several need."""
    return list({service.name: service for way in there.ways for service in way.services()}.values())


def receipt(there: Situation) -> Receipt:
    """Return what they make on the host."""
    joined: Receipt = {}
    for way in there.ways:
        for kind, names in way.receipt().items():
            joined[kind] = list(dict.fromkeys([*joined.get(kind, []), *names]))
    return joined


def notes(there: Situation) -> list[str]:
    """Return what people should know before they rely on them, each sentence once."""
    return list(dict.fromkeys(note for kind in KINDS for note in kind(there).notes()))
