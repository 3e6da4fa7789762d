# SPDX-License-Identifier: Apache-2.0
"""Endpoints as values: an address at which Jupyter can be reached, and what people type to get there."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

Endpoint = dict[str, Any]
DEFAULT_PORTS = {"http": 80, "https": 443}
# What a tunnel carries, seen from a browser, where the tunnel's own address does not say it.
CARRIED = {"tcp": "http"}


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
