# SPDX-License-Identifier: Apache-2.0
"""Filters that turn what is known of a host into endpoints and into a card."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Ansible looks there by itself for modules only; the watcher on the host shares this file.
sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import proofs
from reachable.endpoints import Endpoint, Origin, endpoint_value, is_tunnel
from reachable.notifier import for_people
from reachable.plain_text import printable
from reachable.qr_codes import qr_svg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# A name or an address, an IPv6 one also with the interface for which it counts.
HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+(%[\w.-]+)?")
# What the controller calls the states of an endpoint in front of the doctor's legs.
SESSION_STATES = {"connecting", "refused"}
NO_TUNNEL = (
    "The host says that its tunnel is at an address in a private network, where no tunnel can be. Run './reachable "
    "up'; if this stays, find out what else on the host commands its ngrok agent."
)
UNBELIEVED = {"url": None, "state": "offline", "reachable": False, "detail": NO_TUNNEL, "safari_url": None}
# What pages ask for at most that lie open (docs/ipad.md).
REQUESTS_AN_HOUR = {"lab": 1980, "nbclassic": 180}


def resolves_to(name: str, addresses: Iterable[str]) -> bool:
    """Tell whether the controller finds under a name some of the addresses, and nothing else."""
    try:
        found = {proofs.plain(str(entry[4][0])) for entry in socket.getaddrinfo(name, None)}
    except OSError:
        return False
    return found <= set(addresses)


def endpoint_of(url: str, name: str, transport: str) -> Endpoint:
    """Make an endpoint of an address."""
    return endpoint_value(Origin.of(url), name, transport)


def lan_endpoints(addresses: Mapping[str, Any], port: int, connected_to: str | None) -> list[Endpoint]:
    """List where a host that listens on all its addresses can be found, the easiest to type first.

    ``connected_to`` is the name or address by which the controller reached it over SSH, None for this machine.
    A cloud's public address, for one, stands on no interface of the host. What this machine finds under its own name,
    others do not: that often stands in its own list of hosts only.
    """
    ipv4, ipv6, mdns, hostname = (addresses[key] for key in ("ipv4", "ipv6", "mdns", "hostname"))
    hosts = {
        "mdns": mdns,
        "name": hostname if connected_to and hostname and resolves_to(hostname, addresses["own"]) else None,
        "ssh": connected_to,
        "ipv4": ipv4,
        "ipv6": ipv6,
    }
    unique: dict[str, str] = {}
    for name, host in hosts.items():
        if host and HOST.fullmatch(host):
            unique.setdefault(host, name)
    return [endpoint_value(Origin("http", host, port), name, "lan") for host, name in unique.items()]


def with_findings(endpoints: list[Endpoint], findings: list[dict[str, Any]]) -> list[Endpoint]:
    """Add to each endpoint what the doctor found at it; those that can be reached come first, unknown names last.

    What turned out to be another machine's is none, unless there is no other of its kind: then it says what is wrong.
    """
    by_name = {finding["name"]: finding for finding in findings}
    kinds = {endpoint["transport"] for endpoint in endpoints if not by_name[endpoint["name"]]["foreign"]}
    complete = []
    for endpoint in endpoints:
        finding = by_name[endpoint["name"]]
        if finding["foreign"] and endpoint["transport"] in kinds:
            continue
        detail = " ".join(filter(None, (finding["problem"], finding["fix"])))
        complete.append({**endpoint, "reachable": finding["reachable"], "detail": detail})
    unknown = {name for name, finding in by_name.items() if finding["failed_leg"] == "name"}
    return sorted(complete, key=lambda endpoint: (not endpoint["reachable"], endpoint["name"] in unknown))


def foreign_notes(findings: list[dict[str, Any]]) -> list[str]:
    """Say which addresses turned out to be another machine's, and what to do about it."""
    return [f"{finding['problem']} {finding['fix']}" for finding in findings if finding["foreign"]]


def once_repaired(endpoints: list[Endpoint], published: list[Endpoint]) -> list[Endpoint]:
    """Return the endpoints as they will be after a repair: reachable, but for those that were not before."""
    unreachable = {entry.get("url") for entry in published if not entry.get("reachable")}
    return [
        endpoint if endpoint["url"] in unreachable else {**endpoint, "reachable": True, "detail": ""}
        for endpoint in endpoints
    ]


def as_it_is(card: dict[str, Any], found: list[Endpoint], service: str) -> dict[str, Any]:
    """Return the card of check mode with what was seen, not with what a repair should make of it."""
    note = "Jupyter is not installed there: without --check it would be." if service == "absent" else card["note"]
    return {**card, "endpoints": found, "reachable": any(entry["reachable"] for entry in found), "note": note}


def reach_in_words(card: Mapping[str, Any], service: str, foretells: bool) -> str:
    """Say whether it can be reached. Of what check mode would install or repair nobody has seen whether it will."""
    if card["reachable"] or not foretells:
        return "yes" if card["reachable"] else "no"
    return "not yet installed" if service == "absent" else "not now"


def published_endpoints(text: str | None) -> list[Endpoint]:
    """Read what a host publishes; nothing where that is nothing, or not ours."""
    try:
        return [entry for entry in json.loads(text or "")["endpoints"] if isinstance(entry, dict)]
    except (ValueError, KeyError, TypeError):
        return []


def published_undeclared(text: str | None) -> list[dict[str, Any]]:
    """Read what a host publishes of what its agent has opened and nobody declared."""
    try:
        found = json.loads(text or "")["undeclared"]
        return [{key: str(each[key]) for key in ("name", "url", "detail", "since")} for each in found]
    except (ValueError, KeyError, TypeError):
        return []


def watched_tunnels(published: list[Endpoint], names: Iterable[str], port: int) -> list[Endpoint]:
    """Choose the tunnels of these names from what a host publishes; ``port`` is Jupyter's.

    Of an address everything is worked out anew, and one that cannot be a tunnel's is not believed, whoever has written
    it there.
    """
    names = set(names)
    return [believed(entry, port) for entry in published if entry.get("name") in names]


def believed(entry: Endpoint, port: int) -> Endpoint:
    """Return a published tunnel with what follows from its address."""
    if not entry.get("url"):
        return entry
    try:
        value = endpoint_value(Origin.of(str(entry["url"])), str(entry["name"]), str(entry["transport"]), port)
    except (LookupError, ValueError):
        value = {}
    return entry | value if is_tunnel(value) else entry | UNBELIEVED


def with_since(endpoints: list[Endpoint], published: list[Endpoint]) -> list[Endpoint]:
    """Date each endpoint in UTC: as in what was published if nothing that matters changed since, else now."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    known = {identity(entry): entry.get("since") for entry in published}
    return [{**endpoint, "since": known.get(identity(endpoint)) or now} for endpoint in endpoints]


def alternatives(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Choose what is worth a try: what answers, and the .local name even where this machine cannot ask for it."""
    return [endpoint for endpoint in endpoints if endpoint["reachable"] or endpoint["name"] == "mdns"]


def identity(endpoint: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what must change for an endpoint to count as another one."""
    return tuple(endpoint.get(key) for key in ("name", "url", "reachable"))


def tunnel_rows(findings: list[dict[str, Any]], host: str) -> list[dict[str, str]]:
    """Turn what the agent says of its endpoints into the first rows of the doctor's table, agent and cloud session."""
    rows = []
    for finding in findings:
        detail = " ".join(filter(None, (finding["problem"], finding["fix"])))
        row = {"From": host, "Address": finding["url"] or finding["name"], "Seconds": ""}
        runs = finding["state"] != "offline"
        rows.append({**row, "Step": "agent", "Result": "ok" if runs else "failed", "Detail": "" if runs else detail})
        if runs:
            holds = finding["state"] not in SESSION_STATES
            rows.append(
                {**row, "Step": "session", "Result": "ok" if holds else "failed", "Detail": "" if holds else detail}
            )
    return rows


def fingerprints(keys: Iterable[str | None]) -> list[str]:
    """Return the SHA256 fingerprints of SSH public keys, as ssh and the apps show them."""
    found = []
    for key in filter(None, keys):
        kind, blob = key.split()[:2]
        digest = hashlib.sha256(base64.b64decode(blob)).digest()
        found.append(f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}")
    return found


def plan_notes(endpoint: Endpoint, plan: Mapping[str, Any]) -> list[str]:
    """Say what people should know of a tunnel on this plan of ngrok's before they rely on it."""
    notes = []
    if endpoint["transport"] == "http" and plan.get("http_requests"):
        hours = {page: plan["http_requests"] // requests for page, requests in REQUESTS_AN_HOUR.items()}
        notes.append(
            f"This plan has {plan['http_requests']:,} requests and {plan['gigabytes']} GB a month. A JupyterLab page "
            f"that lies open uses them up in {hours['lab']} hours, the classic list of files (/nbclassic) in "
            f"{hours['nbclassic'] // 24} days, and a classic notebook hardly uses any: prefer these, and close pages."
        )
    if endpoint["transport"] == "http" and plan.get("warning_page"):
        notes.append("In Safari ngrok shows a warning page first, once a week: press Visit Site.")
    if endpoint["transport"] != "http" and plan.get("tcp_connections"):
        notes.append(
            f"This plan has {plan['tcp_connections']:,} connections a month, and needs a payment card on file."
        )
    return notes


def tunnel_line(endpoint: Endpoint) -> str:
    """Say in one line how a tunnel is, and since when."""
    return f"{endpoint['url'] or endpoint['name']} ({endpoint['state']} since {for_people(endpoint['since'])})"


def undeclared_line(opening: dict[str, Any]) -> str:
    """Say in one line what was opened and nobody declared, and since when."""
    return f"{opening['url']} ({opening['name']}, undeclared since {for_people(opening['since'])})"


def history_rows(events: list[dict[str, Any]], most: int) -> list[dict[str, str]]:
    """Turn the last events of a host's history into the rows of a table, the newest first."""
    return [
        {
            "When": for_people(event["time"]),
            "Endpoint": event["name"],
            "State": event["state"],
            "Address": event["url"] or "-",
            "Detail": event["detail"] or "",
        }
        for event in reversed(events[-most:])
    ]


def drift_seen(text: str | None) -> str:
    """Say in one line what a host that looks for drift by itself has found last; empty where it does not."""
    try:
        found = json.loads(text or "")
        words = {
            "fine": "none",
            "drift": str(len(found["differences"])),
            "repaired": f"{len(found['differences'])}, repaired",
            "unrepaired": f"{len(found['differences'])}, not repaired",
            "unknown": "cannot be told",
        }[found["state"]]
        return f"{words} ({for_people(found['time'])})"
    except (ValueError, KeyError, TypeError):
        return ""


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


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "alternatives": alternatives,
            "as_it_is": as_it_is,
            "endpoint_of": endpoint_of,
            "drift_seen": drift_seen,
            "fingerprints": fingerprints,
            "foreign_notes": foreign_notes,
            "history_rows": history_rows,
            "lan_endpoints": lan_endpoints,
            "leg_rows": leg_rows,
            "once_repaired": once_repaired,
            "plan_notes": plan_notes,
            "printable": printable,
            "published_endpoints": published_endpoints,
            "published_undeclared": published_undeclared,
            "qr_svg": qr_svg,
            "reach_in_words": reach_in_words,
            "tunnel_line": tunnel_line,
            "tunnel_rows": tunnel_rows,
            "undeclared_line": undeclared_line,
            "watched_tunnels": watched_tunnels,
            "with_findings": with_findings,
            "with_since": with_since,
        }
