# SPDX-License-Identifier: Apache-2.0
"""Endpoints as values: an address at which Jupyter can be reached, and what people type to get there."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

Endpoint = dict[str, Any]
DEFAULT_PORTS = {"http": 80, "https": 443}
# What a tunnel carries, seen from a browser, where the tunnel's own address does not say it.
CARRIED = {"tcp": "http"}
TUNNEL_SCHEMES = ("http", "https", "tcp")
# The last part of a name that others than this network may know. Resolvers take numbers for an address.
PUBLIC_NAME = re.compile(r"(?i).+\.(?!(local|localhost|localdomain|lan|home|internal|arpa)\.?$)[a-z][a-z0-9-]+\.?")


def endpoint_value(url: str, name: str, transport: str, inner_port: int | None = None) -> Endpoint:
    """Make an endpoint of an address: its parts, and what to type in Safari and in Juno.

    Juno Connect cannot open JupyterLab 4 or Notebook 7, but nbclassic. An SSH tunnel (``transport`` is ``ssh``) is no
    address for a browser: Juno opens it by itself and then finds Jupyter on ``inner_port`` of its own localhost.
    """
    base = url.rstrip("/")
    parts = urlsplit(base)
    if transport == "ssh":
        page = None
        inside = f"http://localhost:{inner_port}"
    else:
        page = inside = CARRIED.get(parts.scheme, parts.scheme) + base[len(parts.scheme) :]
    return {
        "name": name,
        "transport": transport,
        "url": base if transport == "ssh" else inside,
        "scheme": parts.scheme if transport == "ssh" else urlsplit(inside).scheme,
        "host": parts.hostname,
        "port": parts.port or DEFAULT_PORTS[parts.scheme],
        "safari_url": page and f"{page}/",
        "juno_url": f"{inside}/nbclassic",
    }


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
