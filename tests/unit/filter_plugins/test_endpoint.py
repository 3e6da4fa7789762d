"""What is known of a host becomes addresses that people can type."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import endpoint
import pytest

ROOT = Path(__file__).resolve().parents[3]


def test_what_a_repair_brings_back() -> None:
    found = [{"url": url, "reachable": False, "detail": "It does not answer."} for url in ("a", "b", "c")]
    published = [{"url": "a", "reachable": True}, {"url": "b", "reachable": False}]

    assert endpoint.once_repaired(found, published) == [
        {"url": "a", "reachable": True, "detail": ""},
        found[1],
        {"url": "c", "reachable": True, "detail": ""},
    ]


CARD = {"host": "studio", "reachable": True, "note": "Mind the gap.", "endpoints": [{"url": "a", "reachable": True}]}


@pytest.mark.parametrize(
    ("reachable", "service", "foretells", "words", "note"),
    [
        (False, "absent", True, "not yet installed", "Jupyter is not installed there: without --check it would be."),
        (False, "failed", True, "not now", "Mind the gap."),
        (True, "running", True, "yes", "Mind the gap."),
        (False, "absent", False, "no", ""),
        (True, "running", False, "yes", ""),
    ],
)
def test_check_mode_tells_how_it_is(reachable: bool, service: str, foretells: bool, words: str, note: str) -> None:
    found = [{"url": "a", "reachable": reachable}]
    told = endpoint.as_it_is(CARD, found, service)
    assert endpoint.reach_in_words(told, service, foretells) == words
    if foretells:
        assert told == {"host": "studio", "reachable": reachable, "note": note, "endpoints": found}


def test_what_is_worth_a_try() -> None:
    endpoints = [
        {"name": "name", "reachable": True},
        {"name": "ipv6", "reachable": False},
        {"name": "mdns", "reachable": False},
    ]

    assert [each["name"] for each in endpoint.alternatives(endpoints)] == ["name", "mdns"]


def test_what_can_be_reached_comes_first() -> None:
    endpoints = [{"name": name, "transport": "lan"} for name in ("mdns", "ssh", "ipv4", "ipv6")]
    findings = [
        {"name": name, "reachable": leg is None, "failed_leg": leg, "problem": problem, "fix": fix, "foreign": False}
        for name, leg, problem, fix in (
            ("ipv6", None, None, None),
            ("ipv4", "tcp", "It is closed.", "Open it."),
            ("ssh", None, "", ""),
            ("mdns", "name", "It has no name.", None),
        )
    ]
    assert endpoint.with_findings(endpoints, findings) == [
        {"name": name, "transport": "lan", "reachable": reachable, "detail": detail}
        for name, reachable, detail in (
            ("ssh", True, ""),
            ("ipv6", True, ""),
            ("ipv4", False, "It is closed. Open it."),
            ("mdns", False, "It has no name."),
        )
    ]


def test_what_is_another_machines_is_no_address_of_the_host() -> None:
    kinds = {"public": "static", "mdns": "lan", "ipv4": "lan"}
    foreign = {"reachable": False, "failed_leg": "proof", "problem": "It is another's.", "fix": "Rename it."}
    ours = {"reachable": True, "failed_leg": None, "problem": None, "fix": None}
    endpoints = [{"name": name, "transport": kind} for name, kind in kinds.items()]
    findings = [{"name": name, **(ours if name == "ipv4" else foreign), "foreign": name != "ipv4"} for name in kinds]
    # Where there is nothing else of the kind, it says what is wrong.
    assert [(each["name"], each["detail"]) for each in endpoint.with_findings(endpoints, findings)] == [
        ("ipv4", ""),
        ("public", "It is another's. Rename it."),
    ]
    assert endpoint.foreign_notes(findings) == ["It is another's. Rename it."] * 2


LAST_YEAR = "2025-01-02T03:04:05+00:00"
PAGE = {"name": "page", "url": "https://x.example", "detail": "Nobody declared that.", "since": LAST_YEAR}


def test_what_nobody_declared_in_one_line() -> None:
    line = "https://x.example (page, undeclared since 2025-01-02 03:04:05 UTC)"
    assert endpoint.undeclared_line(PAGE) == line


NOW = {"name": "ipv4", "url": "http://192.0.2.7:8888", "reachable": True, "detail": "today's"}
THEN = {**NOW, "detail": "yesterday's", "since": LAST_YEAR}


def test_the_date_stays_while_nothing_changes() -> None:
    assert endpoint.with_since([NOW], [{"name": "mdns"}, THEN]) == [{**NOW, "since": LAST_YEAR}]


@pytest.mark.parametrize(
    "published",
    [
        [],
        [{}],
        *(
            [{**THEN, **change}]
            for change in ({"name": "ssh"}, {"url": "http://192.0.2.8:8888"}, {"reachable": False}, {"since": None})
        ),
    ],
)
def test_what_is_new_is_dated_now(published: list[dict[str, Any]]) -> None:
    [dated] = endpoint.with_since([NOW], published)
    since = datetime.fromisoformat(dated.pop("since"))
    assert dated == NOW
    assert since.utcoffset() == timedelta(0)
    assert timedelta(0) <= datetime.now(timezone.utc) - since < timedelta(seconds=60)


URL = "https://ada.ngrok-free.app"
OK = {"Result": "ok", "Detail": ""}


def failed(detail: str) -> dict[str, str]:
    return {"Result": "failed", "Detail": detail}


@pytest.mark.parametrize(
    ("found", "steps"),
    [
        ({"state": "online", "problem": "", "fix": ""}, {"agent": OK, "session": OK}),
        ({"state": "connecting", "fix": "Wait."}, {"agent": OK, "session": failed("It is not there. Wait.")}),
        ({"state": "refused"}, {"agent": OK, "session": failed("It is not there. Do this.")}),
        ({"state": "refused", "fix": ""}, {"agent": OK, "session": failed("It is not there.")}),
        ({"state": "offline"}, {"agent": failed("It is not there. Do this.")}),
    ],
)
def test_the_doctors_first_steps_through_a_tunnel(found: dict[str, str], steps: dict[str, dict[str, str]]) -> None:
    finding = {"name": "ngrok-http", "url": URL, "problem": "It is not there.", "fix": "Do this.", **found}
    assert endpoint.tunnel_rows([finding], "vps") == [
        {"From": "vps", "Address": URL, "Seconds": "", "Step": step, **row} for step, row in steps.items()
    ]


def test_a_tunnel_without_an_address_goes_by_its_name() -> None:
    both = [
        {"name": name, "url": url, "state": "offline", "problem": "", "fix": ""}
        for name, url in (("ngrok-tcp", None), ("ngrok-http", URL))
    ]
    assert [row["Address"] for row in endpoint.tunnel_rows(both, "vps")] == ["ngrok-tcp", URL]
    assert endpoint.tunnel_rows([], "vps") == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({}, f"{URL} (online since 2025-01-02 03:04:05 UTC)"),
        ({"url": None, "state": "refused"}, "ngrok-http (refused since 2025-01-02 03:04:05 UTC)"),
    ],
)
def test_a_tunnel_in_one_line(change: dict[str, Any], line: str) -> None:
    assert (
        endpoint.tunnel_line({"name": "ngrok-http", "url": URL, "state": "online", "since": LAST_YEAR} | change) == line
    )


def test_the_history_as_a_table() -> None:
    events = [
        {
            "time": f"2025-01-02T03:04:0{second}+00:00",
            "name": "ngrok-http",
            "state": state,
            "url": url,
            "detail": detail,
        }
        for second, (state, url, detail) in enumerate(
            [("connecting", None, "The agent has no session."), ("online", URL, ""), ("offline", URL, None)]
        )
    ]
    rows = endpoint.history_rows(events, 20)
    assert rows == [
        {
            "When": f"2025-01-02 03:04:0{second} UTC",
            "Endpoint": "ngrok-http",
            "State": state,
            "Address": address,
            "Detail": detail,
        }
        for second, state, address, detail in (
            (2, "offline", URL, ""),
            (1, "online", URL, ""),
            (0, "connecting", "-", "The agent has no session."),
        )
    ]
    assert list(rows[0]) == ["When", "Endpoint", "State", "Address", "Detail"]
    assert endpoint.history_rows(events, 2) == rows[:2]
    assert endpoint.history_rows([], 20) == []


@pytest.mark.parametrize(
    ("state", "differences", "seen"),
    [
        ("fine", [], "none"),
        ("drift", [{}, {}], "2"),
        ("repaired", [{}], "1, repaired"),
        ("unrepaired", [{}], "1, not repaired"),
        ("unknown", [], "cannot be told"),
    ],
)
def test_what_a_host_has_found_of_drift(state: str, differences: list[Any], seen: str) -> None:
    text = json.dumps({"time": "2026-11-26T06:00:00+00:00", "state": state, "differences": differences})
    assert endpoint.drift_seen(text) == f"{seen} (2026-11-26 06:00:00 UTC)"


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"state": "other", "differences": [], "time": ""}'])
def test_a_host_that_does_not_look_for_drift(text: str | None) -> None:
    assert endpoint.drift_seen(text) == ""


def test_rows_for_the_doctors_legs() -> None:
    def leg(name: str, state: str, seconds: float = 0, detail: str | None = None) -> dict[str, Any]:
        return {"leg": name, "state": state, "seconds": seconds, "detail": detail}

    findings: list[dict[str, Any]] = [
        {
            "url": "http://a",
            "failed_leg": None,
            "legs": [leg("tcp", "ok", 0.016), leg("tls", "skipped"), leg("login", "skipped", 0, "No password.")],
        },
        {
            "url": "http://b",
            "failed_leg": "tcp",
            "legs": [leg("tcp", "failed", 5, "Nobody answers."), leg("login", "skipped")],
        },
    ]
    assert [tuple(row.values()) for row in endpoint.leg_rows(findings, "here")] == [
        ("here", "http://a", "tcp", "ok", "0.02", ""),
        ("here", "http://a", "login", "skipped", "", "No password."),
        ("here", "http://b", "tcp", "failed", "5.00", "Nobody answers."),
    ]
    assert list(endpoint.leg_rows(findings, "here")[0]) == ["From", "Address", "Step", "Result", "Seconds", "Detail"]


def test_every_filter_has_its_name() -> None:
    filters = endpoint.FilterModule().filters()
    assert {name: function.__name__ for name, function in filters.items()} == {name: name for name in filters}
