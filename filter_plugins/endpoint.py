# SPDX-License-Identifier: Apache-2.0
"""Filters that turn what is known of a host into endpoints and into a card."""

from __future__ import annotations

import io
import ipaddress
import json
import socket
from datetime import datetime, timezone
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Endpoint = dict[str, Any]
DEFAULT_PORTS = {"http": 80, "https": 443}
QUIET_ZONE = 2  # modules of light margin, enough for every camera and short enough for a terminal


def endpoint_value(url: str, name: str, transport: str) -> Endpoint:
    """Make an endpoint of an address: its parts, and what to type in Safari and in Juno.

    Juno Connect cannot open JupyterLab 4 or Notebook 7, but nbclassic.
    """
    base = url.rstrip("/")
    parts = urlsplit(base)
    return {
        "name": name,
        "transport": transport,
        "url": base,
        "scheme": parts.scheme,
        "host": parts.hostname,
        "port": parts.port or DEFAULT_PORTS[parts.scheme],
        "safari_url": f"{base}/",
        "juno_url": f"{base}/nbclassic",
    }


def resolves_to(name: str, addresses: Iterable[str | None]) -> bool:
    """Tell whether the controller finds one of the addresses under a name."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(name, None)}
    except OSError:
        return False
    return not found.isdisjoint(filter(None, addresses))


def lan_endpoints(addresses: Mapping[str, str | None], port: int, connected_to: str | None) -> list[Endpoint]:
    """List where a host that listens on all its addresses can be found, the easiest to type first.

    ``connected_to`` is the name or address by which the controller reached it over SSH, None for this machine.
    A cloud's public address, for one, stands on no interface of the host. What this machine finds under its own name,
    others do not: that often stands in its own list of hosts only.
    """
    ipv4, ipv6, mdns, hostname = (addresses[key] for key in ("ipv4", "ipv6", "mdns", "hostname"))
    hosts = {
        "mdns": mdns,
        "name": hostname if connected_to and hostname and resolves_to(hostname, (ipv4, ipv6)) else None,
        "ssh": connected_to,
        "ipv4": ipv4,
        "ipv6": ipv6,
    }
    unique: dict[str, str] = {}
    for name, host in hosts.items():
        if host:
            unique.setdefault(host, name)
    return [endpoint_value(f"http://{bracketed(host)}:{port}", name, "lan") for host, name in unique.items()]


def bracketed(host: str) -> str:
    """Write an IPv6 address as a URL needs it; leave names and IPv4 addresses alone."""
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host  # noqa: PLR2004 - the protocol's number
    except ValueError:
        return host


def with_findings(endpoints: list[Endpoint], findings: list[dict[str, Any]]) -> list[Endpoint]:
    """Add to each endpoint what the doctor found at it; those that can be reached come first."""
    by_name = {finding["name"]: finding for finding in findings}
    complete = []
    for endpoint in endpoints:
        finding = by_name[endpoint["name"]]
        detail = " ".join(filter(None, (finding["problem"], finding["fix"])))
        complete.append({**endpoint, "reachable": finding["reachable"], "detail": detail})
    return sorted(complete, key=lambda endpoint: not endpoint["reachable"])


def with_since(endpoints: list[Endpoint], published: str | None) -> list[Endpoint]:
    """Date each endpoint in UTC: as in what was published if nothing that matters changed since, else now."""
    try:
        before = [entry for entry in json.loads(published or "")["endpoints"] if isinstance(entry, dict)]
    except (ValueError, KeyError, TypeError):  # nothing was published, or something that is not ours
        before = []
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    known = {identity(entry): entry.get("since") for entry in before}
    return [{**endpoint, "since": known.get(identity(endpoint)) or now} for endpoint in endpoints]


def identity(endpoint: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what must change for an endpoint to count as another one."""
    return tuple(endpoint.get(key) for key in ("name", "url", "reachable"))


def not_written(entries: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return those files that do not stand on the controller as they should."""
    return [entry for entry in entries if not says(entry["path"], entry["content"])]


def says(path: str, content: str) -> bool:
    """Tell whether a file on the controller has this content."""
    try:
        return Path(path).read_text(encoding="utf-8") == content
    except (OSError, UnicodeDecodeError):
        return False


def leg_rows(findings: list[dict[str, Any]], seen_from: str) -> list[dict[str, str]]:
    """Turn what the doctor found into the rows of a table, one a leg that was tried.

    Of those that were not, only the login is worth a row: it says why no password was tried.
    """
    return [
        {
            "From": seen_from,
            "Address": finding["url"],
            "Step": leg["leg"],
            "Result": leg["state"],
            "Seconds": f"{leg['seconds']:.2f}" if leg["state"] != "skipped" else "",
            "Detail": leg["detail"] or "",
        }
        for finding in findings
        for leg in finding["legs"]
        if leg["state"] != "skipped" or (leg["leg"] == "login" and not finding["failed_leg"])
    ]


def qr_svg(text: str) -> str:
    """Draw a QR code as SVG, dark on nothing, one unit a module, to be sized by the page."""
    import segno  # noqa: PLC0415 - every task that uses any filter of this file would pay for it

    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=QUIET_ZONE, xmldecl=False, svgns=True, omitsize=True, dark="#000"
    )
    return out.getvalue().decode().strip()


def qr_text(text: str) -> str:
    """Draw a QR code with half blocks, light modules in the foreground colour, as dark terminals need it."""
    import segno  # noqa: PLC0415 - see above

    rows = [list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=QUIET_ZONE)]
    blocks = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    lines = []
    for upper, lower in zip_longest(rows[::2], rows[1::2], fillvalue=[1] * len(rows[0])):
        lines.append("".join(blocks[pair] for pair in zip(upper, lower, strict=True)))
    return "\n".join(lines)


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "endpoint_value": endpoint_value,
            "lan_endpoints": lan_endpoints,
            "leg_rows": leg_rows,
            "not_written": not_written,
            "qr_svg": qr_svg,
            "qr_text": qr_text,
            "with_findings": with_findings,
            "with_since": with_since,
        }
