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
        scheme, port = there.certificate.scheme, there.wanted.jupyter_port
        if names := there.certificate.certified:
            return [certified(scheme, name, port, number) for number, name in enumerate(names)]
        return lan_endpoints(there.facts["addresses"], scheme, port, there.controller)


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
    return [endpoint_value(written(scheme, host, port), name, "lan") for host, name in unique.items()]


def certified(scheme: str, name: str, port: int, number: int) -> Endpoint:
    """Return the endpoint of a name, or an address, for which there is a certificate."""
    return endpoint_value(written(scheme, name, port), f"certificate{f'-{number}' if number else ''}", "lan")


def written(scheme: str, host: str, port: int) -> Origin:
    """Return an address as people type it, without the port that a browser knows."""
    return Origin(scheme, host, None if port == DEFAULT_PORTS[scheme] else port)
