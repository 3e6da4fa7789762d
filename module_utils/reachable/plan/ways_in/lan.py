# SPDX-License-Identifier: Apache-2.0
"""In the same network, by the machine's own names and addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reachable.endpoints import DEFAULT_PORTS, Endpoint, Origin, endpoint_value, loopback

from .way_in import WayIn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reachable.plan.situation import Controller, Situation

# A name or an address, an IPv6 one also with the interface for which it counts.
HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+(%[\w.-]+)?")


class Lan(WayIn):
    """Jupyter listens on all addresses."""

    transports = ("lan",)
    is_of_the_host = True

    @property
    def is_wanted(self) -> bool:
        """Tell whether it is wanted."""
        return self.there.listens_to == "lan"

    def endpoints(self) -> list[Endpoint]:
        """Return the names and addresses."""
        there = self.there
        if not self.is_wanted:
            return []
        scheme = there.certificate.scheme
        return lan_endpoints(there.facts["addresses"], scheme, there.wanted.jupyter_port, there.controller)


class Loopback(WayIn):
    """No way in: only the machine itself finds Jupyter."""

    transports = ("loopback",)
    is_of_the_host = True

    def endpoints(self) -> list[Endpoint]:
        """Return the one address."""
        return [endpoint_value(here(self.there), "loopback", "loopback")]


def here(there: Situation) -> Origin:
    """Return where the machine itself finds Jupyter."""
    return loopback(there.wanted.jupyter_port)._replace(scheme=there.certificate.scheme)


def lan_endpoints(addresses: Mapping[str, Any], scheme: str, port: int, controller: Controller) -> list[Endpoint]:
    """List where a host that listens on all its addresses can be found, the easiest to type first.

    By which name or address the controller reached it over SSH counts, too: a cloud's public address, for one, stands
    on no interface of the host. What the controller finds under its own name, others do not: that often stands in its
    own list of hosts only.
    """
    ipv4, ipv6, mdns, hostname = (addresses[key] for key in ("ipv4", "ipv6", "mdns", "hostname"))
    hosts = {
        "mdns": mdns,
        "name": hostname if controller.connected_to and controller.finds_hostname else None,
        "ssh": controller.connected_to,
        "ipv4": ipv4,
        "ipv6": ipv6,
    }
    unique: dict[str, str] = {}
    for name, host in hosts.items():
        if host and HOST.fullmatch(host):
            unique.setdefault(host, name)
    written = None if port == DEFAULT_PORTS[scheme] else port
    return [endpoint_value(Origin(scheme, host, written), name, "lan") for host, name in unique.items()]
