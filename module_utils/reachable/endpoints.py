# SPDX-License-Identifier: Apache-2.0
"""Endpoints as values: an address at which Jupyter can be reached, and what people type to get there."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, NamedTuple
from urllib.parse import urlsplit

Endpoint = dict[str, Any]
DEFAULT_PORTS = {"http": 80, "https": 443}
WRITTEN_PORT = re.compile(r":\d*\Z")
# What a tunnel carries, seen from a browser, where the tunnel's own address does not say it.
CARRIED = {"tcp": "http"}
TUNNEL_SCHEMES = ("http", "https", "tcp")
# The last part of a name that others than this network may know. Resolvers take numbers for an address.
PUBLIC_NAME = re.compile(r"(?i).+\.(?!(local|localhost|localdomain|lan|home|internal|arpa)\.?$)[a-z][a-z0-9-]+\.?")


class Origin(NamedTuple):
    """An address at which a server answers, from which all that people type is made.

    ``host`` is written as somebody gave it, without brackets. ``port`` is None where the address leaves it to its
    scheme, and ``path`` has no slash at its end.
    """

    scheme: str
    host: str
    port: int | None = None
    path: str = ""

    @classmethod
    def of(cls, url: str) -> Origin:
        """Read an address. Raises ValueError where it is none."""
        parts = urlsplit(url.rstrip("/"))
        place = parts.netloc.rpartition("@")[2]
        return cls(parts.scheme, WRITTEN_PORT.sub("", place).strip("[]"), parts.port, parts.path)

    def __str__(self) -> str:
        """Write the address, without a slash at its end."""
        return f"{self.scheme}://{bracketed(self.host)}{'' if self.port is None else f':{self.port}'}{self.path}"

    @property
    def hostname(self) -> str:
        """Return the host as browsers send it: a name has no capitals, but the interface of an address may."""
        name, mark, interface = self.host.partition("%")
        return f"{name.lower()}{mark}{interface}"

    @property
    def tcp_port(self) -> int:
        """Return the port to connect to. Raises KeyError where nobody says it."""
        return self.port or DEFAULT_PORTS[self.scheme]

    @property
    def carried(self) -> Origin:
        """Return the address that a browser opens."""
        return self._replace(scheme=CARRIED.get(self.scheme, self.scheme))

    @property
    def safari(self) -> str:
        """Return what people type in Safari."""
        return self.page("")

    @property
    def juno(self) -> str:
        """Return what people type in Juno Connect, which cannot open JupyterLab 4 or Notebook 7, but nbclassic."""
        return self.page("nbclassic")

    def page(self, path: str) -> str:
        """Return the address of a page."""
        return f"{self}/{path}"


def loopback(port: int, name: str = "127.0.0.1") -> Origin:
    """Return where a server on this very machine answers."""
    return Origin("http", name, port)


def endpoint_value(origin: Origin, name: str, transport: str, inner_port: int | None = None) -> Endpoint:
    """Make an endpoint of an address: its parts, and what to type in Safari and in Juno.

    An SSH tunnel (``transport`` is ``ssh``) is no address for a browser: Juno opens it by itself and then finds Jupyter
    on ``inner_port`` of its own localhost.
    """
    is_ssh = transport == "ssh"
    shown = origin if is_ssh else origin.carried
    inside = loopback(inner_port or 0, "localhost") if is_ssh else shown
    return {
        "name": name,
        "transport": transport,
        "url": str(shown),
        "scheme": shown.scheme,
        "host": shown.hostname,
        "port": shown.tcp_port,
        "safari_url": None if is_ssh else shown.safari,
        "juno_url": inside.juno,
    }


def is_address(text: str) -> bool:
    """Tell whether this is an IP address, and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def bracketed(host: str) -> str:
    """Write an IPv6 address as a URL needs it; leave names and IPv4 addresses alone."""
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host  # noqa: PLR2004 - the protocol's number
    except ValueError:
        return host


def is_public(host: str) -> bool:
    """Tell whether a name or an address can be one of the internet's, as far as it says so itself."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return PUBLIC_NAME.fullmatch(host) is not None
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_global and not address.is_multicast


def is_tunnel(endpoint: Endpoint) -> bool:
    """Tell whether an endpoint can be a tunnel's: all that it says of its address is public."""
    try:
        parts = urlsplit(str(endpoint["url"]))
        hosts = [str(parts.hostname), str(endpoint["host"])]
    except (KeyError, ValueError):
        return False
    return parts.scheme in TUNNEL_SCHEMES and all(map(is_public, hosts))
