# SPDX-License-Identifier: Apache-2.0
"""What people are told of a host once its addresses were examined: the card, rows of tables, and data for programs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reachable import given, tls
from reachable.notifier import for_people
from reachable.plain_text import printable

from . import profiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reachable.endpoints import Endpoint

    from .profiles import Profile

Finding = dict[str, Any]
"""What the doctor or the tunnel's agent says of one address."""
Report = dict[str, Any]
"""What the last page shows of a host, and programs read of it."""

# What the controller calls the states of an endpoint in front of the doctor's legs.
SESSION_STATES = {"connecting", "refused"}
MOST_EVENTS = 20
# A service that does not answer and runs for no longer was started anew a moment ago.
YOUNG_SECONDS = 10
LAST_WORDS = 2
# What a service manager says of a service, as logs have it beside what that says itself.
OTHERS_WORDS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d+)? (systemd|supervisord|INFO|WARN)\b")
OF_AN_EVENT = {"time", "name", "state", "url", "detail"}
HELD = "Jupyter was rolled back: ./reachable upgrade tries the new one again."
LOOPBACK_NOTE = (
    "Jupyter listens to its own machine only: an iPad needs a tunnel (NGROK_AUTHTOKEN), jupyter_listen set to lan, or "
    "endpoint_public_url."
)
READABLE_TUNNEL = (
    "Plain text: whoever stands between can read along, also the password. Better use the transports http or ssh."
)
READABLE_LAN = (
    "Plain http: use it only in a network that you trust. For https, run ./reachable up with -e reachable_tls=ca."
)


def is_dying(daemon: Mapping[str, Any], waited: int) -> bool:
    """Tell whether a service that does not answer ends again and again, which it may do between two looks.

    ``waited`` is for how many seconds nobody has touched it.
    """
    is_young = daemon["state"] == "running" and daemon["uptime"] < max(waited, YOUNG_SECONDS)
    return bool(is_young or daemon["state"] == "failed")


def does_not_stay(host: str, last_words: list[str]) -> str:
    """Say that Jupyter's service ends again and again, and what it said before it did so the last time."""
    attempts: list[list[str]] = [[]]
    for line in filter(str.strip, last_words):
        # What others say of it stands between one attempt and the next.
        if OTHERS_WORDS.match(line):
            attempts.append([])
        else:
            attempts[-1].append(line.strip())
    words = next(filter(None, reversed(attempts)), [])[-LAST_WORDS:]
    said = f" Its last words: {' / '.join(printable(words))}." if words else ""
    return f"Jupyter on {host} ends as soon as it is started.{said} './reachable logs' tells more."


@dataclass(frozen=True)
class Seen:
    """What was planned for the addresses of a host, and what was then found at them.

    ``here`` and ``there`` is what the doctor found from the controller and from the host itself; None where it was not
    asked. ``agent`` is what the tunnel's agent said. ``password`` says where the password is, ``now`` is the time.
    ``is_held`` is true of a host that was rolled back. ``last_words`` are the last lines of a service that does
    not stay.
    """

    host: str
    plan: Mapping[str, Any]
    here: list[Finding] | None
    there: list[Finding] | None
    now: str
    agent: list[Finding] = field(default_factory=list)
    last_words: list[str] = field(default_factory=list)
    check_mode: bool = False
    is_held: bool = False
    password: str = ""

    @property
    def findings(self) -> list[Finding]:
        """Return what counts: the controller sees what the iPad sees, unless it has no way of its own to the host."""
        if self.here is None:
            return self.there or []
        is_shut = not any(each["reachable"] for each in self.here)
        return self.there if self.there and is_shut and self.plan["is_behind_another"] else self.here

    @property
    def service(self) -> str:
        """Return how the service is."""
        state: str = self.plan["service"]["state"]
        return state

    @property
    def foretells(self) -> bool:
        """Tell whether this is what a run in check mode would come to, which repairs nothing itself."""
        return self.check_mode and not self.plan["only_looks"]

    @cached_property
    def found(self) -> list[Endpoint]:
        """Return the addresses as they are."""
        return with_findings(self.plan["candidates"], self.findings)

    @cached_property
    def examined(self) -> list[Endpoint]:
        """Return the addresses as they are, or will be once they are repaired."""
        return once_repaired(self.found, self.plan["published"]) if self.foretells else self.found

    @cached_property
    def counting(self) -> list[Endpoint]:
        """Return those that say whether Jupyter is reached: the ones of the first way in."""
        return [each for each in self.examined if each["transport"] == self.plan["candidates"][0]["transport"]]

    @property
    def certificates(self) -> list[dict[str, Any]]:
        """Return the certificates of addresses, each with its address."""
        known = [{"url": each["url"], **each["certificate"]} for each in self.findings if each["certificate"]]
        return list({(each["issuer"], each["end"], *each["names"]): each for each in known}.values())

    @cached_property
    def profile(self) -> Profile | None:
        """Return the profile by which an iPad trusts addresses of an authority of one's own; None where it need not."""
        own = [each["authority"] for each in self.plan["visits"] if is_of_authority(each)]
        return profiles.profile(own[0]) if own else None

    @property
    def is_reached(self) -> bool:
        """Tell whether Jupyter is reached."""
        return any(each["reachable"] for each in self.counting)

    @cached_property
    def problem(self) -> str:
        """Say what keeps people from it, and what to do; empty where nothing does."""
        if self.is_reached:
            return str(self.plan["no_room"])
        if self.last_words:
            return does_not_stay(self.host, self.last_words)
        for finding in self.agent:
            if finding["state"] != "online":
                return f"{finding['problem']} {finding['fix']}"
        for entry in self.plan["watched"]:
            if entry["state"] != "online":
                return str(entry["detail"])
        first = self.counting[0]
        return self.firewall(first) or str(first["detail"])

    def firewall(self, first: Endpoint) -> str:
        """Say that a server is behind a firewall, as it answers on its own host only; empty where it is not."""
        answers_there = any(each["reachable"] and each["url"] == first["url"] for each in self.there or [])
        is_shut = any(each["name"] == first["name"] and each["failed_leg"] == "tcp" for each in self.here or [])
        if not (answers_there and is_shut):
            return ""
        return (
            f"Jupyter runs on {self.host}, but {first['url']} does not answer here: let TCP port {first['port']} "
            "through the firewall of the machine, its cloud or its router."
        )

    @cached_property
    def card(self) -> dict[str, Any]:
        """Return what the card says."""
        plan = self.plan
        held = [HELD] if self.is_held else []
        card: dict[str, Any] = printable(
            {
                "host": self.host,
                "hostname": plan["hostname"],
                "reachable": any(each["reachable"] for each in self.examined),
                "problem": self.problem,
                "note": LOOPBACK_NOTE if plan["candidates"][0]["transport"] == "loopback" else "",
                "endpoints": with_since(self.examined, plan["published"], self.now),
                "notes": [
                    *(*foreign_notes(self.findings), *ending_notes(self.certificates)),
                    *(*plan["notes"], *held, *plan["system_notes"]),
                ],
                "password": self.password,
                "ssh": plan["ssh"],
            }
        )
        return card

    @cached_property
    def told(self) -> dict[str, Any]:
        """Return the card, in check mode with how it is."""
        if not self.foretells:
            return self.card
        return as_it_is(self.card, with_since(self.found, self.plan["published"], self.now), self.service)

    @property
    def page(self) -> dict[str, Any]:
        """Return what the templates of the card ask for."""
        best, *others = self.card["endpoints"]
        return {
            "card": self.card,
            "best": best,
            "others": alternatives(others),
            "ssh_ways": [each for each in self.card["endpoints"] if each["transport"] == "ssh"],
            "has_tunnel": bool(self.plan["tunnels"]),
            "tunnel_transports": self.plan["tunnel_transports"],
            "readable": READABLE_TUNNEL if best["transport"] == "tcp" else READABLE_LAN,
            "trust": self.trust,
        }

    @property
    def trust(self) -> dict[str, str] | None:
        """Return what the card says of the profile, and which picture of Jupyter's comes once it counts."""
        if not self.profile:
            return None
        names = [each["name"] for each in self.plan["visits"] if is_of_authority(each)]
        own = [each for each in self.examined if each["name"] in names] or self.plan["candidates"]
        # What stands in front of Jupyter at an address that somebody gave may have another certificate.
        first = min(own, key=lambda each: each["transport"] == "static")
        return {
            "name": self.profile.name,
            "fingerprint": self.profile.fingerprint,
            "file": profiles.FILE,
            "probe": f"{first['safari_url']}favicon.ico",
            "removal": profiles.removal(self.profile.name),
        }

    @property
    def verdict(self) -> dict[str, str]:
        """Return whether a host is fine, for verbs that change nothing, or have changed it."""
        return {"verdict": "unreachable" if self.problem else "fine", "problem": self.problem}


def is_of_authority(visit: Mapping[str, Any]) -> bool:
    """Tell whether an address has a certificate by which only those know it who trust an authority of one's own."""
    return bool(visit["url"].startswith("https:") and visit.get("authority"))


def password_place(variable: str, file: str, is_kept: bool, is_new: bool) -> str:
    """Say where the password is: in a variable of a person's, in a file, or only in that person's head."""
    if variable == "jupyter_password_hash":
        return "the one behind jupyter_password_hash"
    if variable:
        return f"the one you set in {variable}"
    if is_kept:
        return f"in the file {file}"
    return f"generated, and kept in the file {file}" if is_new else "the one you set earlier"


# What each verb reports


def up_report(seen: Seen, card_file: str, text: str, is_written: bool, **more: Any) -> Report:
    """Return the card, and where to connect. ``text`` is the card for terminals."""
    told, best = seen.told, seen.card["endpoints"][0]
    return {
        "verdict": "unreachable" if seen.card["problem"] else "fine" if told["reachable"] else "unknown",
        "problem": "" if seen.check_mode else seen.card["problem"],
        "text": text,
        "code": best["safari_url"] if best["reachable"] and best["safari_url"] else "",
        "table": [
            {
                "Safari": best["safari_url"],
                "Juno": best["juno_url"],
                "Reachable": reach_in_words(told, seen.service, seen.foretells),
                "Card": card_file if is_written else "-",
            }
        ],
        "data": told,
        **more,
    }


def doctor_report(seen: Seen) -> Report:
    """Return each step that was tried, from here and from the host itself."""
    there = seen.there or []
    return {
        "verdict": "unreachable" if seen.problem else "fine",
        "problem": seen.problem,
        "table": [
            *tunnel_rows(seen.agent, seen.host),
            *leg_rows(seen.here or [], "here"),
            *leg_rows(there, seen.host),
        ],
        "data": {
            "service": seen.service,
            "reachable": seen.is_reached,
            "tunnel": seen.agent,
            "from_controller": seen.here or [],
            "from_host": there,
        },
    }


def status_report(seen: Seen, kept: Mapping[str, Any], has_history: bool) -> Report:
    """Return how a host is. ``kept`` is what was given with -e, and the file on the controller that says so."""
    plan = seen.plan
    version = next((each["jupyter_version"] for each in seen.findings if each.get("jupyter_version")), "")
    events = events_of(plan["history"]) if has_history else []
    row = {
        "Jupyter": f"{version or '-'}{', rolled back' if seen.is_held else ''}",
        "Service": seen.service,
        "Up for": up_for(plan["service"]["uptime"]),
        "Addresses": "\n".join(address_lines(seen)),
        "Reachable": "yes" if seen.is_reached else "no",
        "Last problem": seen.problem or "-",
    }
    if seen.certificates:
        row["Certificate"] = "\n".join(map(certificate_line, seen.certificates))
    if requests := plan["requests"]:
        row["Requests left"] = f"{requests['left']:,} of {requests['allowed']:,} in {requests['month']}"
    if plan["drift"]:
        row["Drift"] = plan["drift"]
    if kept["values"]:
        row["Given"] = "\n".join([*given.shown(kept["values"]), f"({kept['place']})"])
    return {
        "verdict": "unreachable" if seen.problem else "fine",
        "problem": seen.problem,
        "table": history_rows(events, MOST_EVENTS) if has_history else [row],
        "data": {
            "jupyter_version": version,
            "service": seen.service,
            "rolled_back": seen.is_held,
            "uptime": plan["service"]["uptime"],
            "drift": plan["drift"],
            "reachable": seen.is_reached,
            "endpoints": seen.examined,
            "certificates": seen.certificates,
            "tunnels": plan["watched"],
            "requests": plan["requests"],
            "history": events,
            "given": kept["values"],
            "given_file": kept["file"],
        },
    }


def password_report(seen: Seen, proof: Mapping[str, Any], file: str) -> Report:
    """Return what was proven of a new password."""
    row = {
        "Kept in": file,
        "New password": proof["new_password"],
        "Old password": proof["old_password"],
        "Old logins": proof["old_logins"],
    }
    lines = "".join(f"  {key:<14}{value}\n" for key, value in row.items())
    tense = "would be" if seen.check_mode else "is"
    return {
        **seen.verdict,
        "text": f"The password of {seen.host} {tense} a new one\n\n{lines}",
        "table": [row],
        "data": {**proof, "password_file": file},
    }


def switch_report(seen: Seen, switch: Mapping[str, Any], busy_kernels: int | None) -> Report:
    """Return what an upgrade or a rollback has changed."""
    packages = switch["packages"]
    tense = "would be" if seen.check_mode else "is"
    words = f"{tense} {switch['done']}" if switch["is_changed"] else switch["idle"]
    rows = [
        {"Package": each["name"], "Before": each["before"] or "-", "After": each["after"] or "-"} for each in packages
    ]
    return {
        **seen.verdict,
        "text": switch_text(seen, words, switch, busy_kernels),
        "table": rows or [{"Package": words, "Before": "", "After": ""}],
        "data": {
            "changed": switch["is_changed"],
            "rolled_back": seen.is_held,
            "packages": packages,
            "busy_kernels": busy_kernels,
        },
    }


def switch_text(seen: Seen, words: str, switch: Mapping[str, Any], busy_kernels: int | None) -> str:
    """Say what an upgrade or a rollback has changed, and what undoes it."""
    lines = [f"Jupyter on {seen.host} {words}", ""]
    lines += [
        f"  {each['name']:<26}{each['before'] or 'new'} → {each['after'] or 'removed'}" for each in switch["packages"]
    ]
    if switch["is_switched"]:
        lines += ["", f"  {'Kernels that computed':<26}{'not known' if busy_kernels is None else busy_kernels}"]
    if seen.is_held:
        lines.append(f"  {'To try the new one again':<26}./reachable upgrade")
    elif switch["is_switched"]:
        lines.append(f"  {'To go back':<26}./reachable rollback")
    return "\n".join(lines) + "\n"


def kept_note(kept: Mapping[str, Any], check_mode: bool) -> list[str]:
    """Say what is kept for the next run; nothing where nothing is."""
    if not kept["values"]:
        return []
    tense = "Would be kept" if check_mode else "Kept"
    source = ", as the host says" if kept["is_taken_up"] else ""
    return [f"{tense} for the next run{source}: {', '.join(given.shown(kept['values']))} ({kept['file']})"]


# Addresses


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


def ending_notes(certificates: list[dict[str, Any]]) -> list[str]:
    """Say which certificates end soon, and what to do about it."""
    return [tls.note(each["url"], each) for each in certificates if each["is_ending"]]


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


def with_since(endpoints: list[Endpoint], before: list[Endpoint], now: str) -> list[Endpoint]:
    """Date each endpoint in UTC: as in what was published if nothing that matters changed since, else now."""
    known = {identity(entry): entry.get("since") for entry in before}
    return [{**endpoint, "since": known.get(identity(endpoint)) or now} for endpoint in endpoints]


def alternatives(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Choose what is worth a try: what answers, and the .local name even where this machine cannot ask for it."""
    return [endpoint for endpoint in endpoints if endpoint["reachable"] or endpoint["name"] == "mdns"]


def identity(endpoint: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what must change for an endpoint to count as another one."""
    return tuple(endpoint.get(key) for key in ("name", "url", "reachable"))


# Rows and lines


def address_lines(seen: Seen) -> list[str]:
    """Return the addresses, of tunnels also how they are, and what was opened that nobody declared."""
    plan = seen.plan
    own = [each["url"] for each in seen.examined if each["transport"] not in plan["tunnel_transports"]]
    return [*own, *map(tunnel_line, plan["watched"]), *map(undeclared_line, plan["undeclared"])]


def up_for(seconds: int | None) -> str:
    """Say roughly for how long something has run."""
    if not seconds:
        return "-"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


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


def certificate_line(certificate: dict[str, Any]) -> str:
    """Say in one line whose a certificate is, and until when."""
    soon = ", and is not renewed" if certificate["is_ending"] else ""
    return f"by {certificate['issuer']}, ends on {certificate['end']}{soon}"


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


def events_of(history: str) -> list[dict[str, Any]]:
    """Return the changes in a history, but for lines that are none: the power may have gone while one was written."""
    events = []
    for line in history.splitlines():
        try:
            event = json.loads(line)
            is_whole = event.keys() >= OF_AN_EVENT and for_people(event["time"])
        except (ValueError, TypeError, AttributeError):
            continue
        if is_whole:
            events.append(event)
    return events


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
