# SPDX-License-Identifier: Apache-2.0
"""Filters that turn what is known of a host into endpoints and into a card."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Ansible looks there by itself for modules only.
sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable.notifier import for_people
from reachable.plain_text import printable
from reachable.plan import published
from reachable.qr_codes import qr_svg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reachable.endpoints import Endpoint

# What the controller calls the states of an endpoint in front of the doctor's legs.
SESSION_STATES = {"connecting", "refused"}


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


def once_repaired(endpoints: list[Endpoint], before: list[Endpoint]) -> list[Endpoint]:
    """Return the endpoints as they will be after a repair: reachable, but for those that were not before."""
    unreachable = {entry.get("url") for entry in before if not entry.get("reachable")}
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


def with_since(endpoints: list[Endpoint], before: list[Endpoint]) -> list[Endpoint]:
    """Date each endpoint in UTC: as in what was published if nothing that matters changed since, else now."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    known = {identity(entry): entry.get("since") for entry in before}
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


def published_online(text: str | None, names: Iterable[str], port: int) -> list[str]:
    """Return the addresses of the tunnels of these names that a host publishes as online."""
    return published.online(published.tunnels(text, names, port))


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "alternatives": alternatives,
            "as_it_is": as_it_is,
            "drift_seen": drift_seen,
            "foreign_notes": foreign_notes,
            "history_rows": history_rows,
            "leg_rows": leg_rows,
            "once_repaired": once_repaired,
            "printable": printable,
            "published_online": published_online,
            "qr_svg": qr_svg,
            "reach_in_words": reach_in_words,
            "tunnel_line": tunnel_line,
            "tunnel_rows": tunnel_rows,
            "undeclared_line": undeclared_line,
            "with_findings": with_findings,
            "with_since": with_since,
        }
