"""What is known of a host becomes addresses that people can type."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import endpoint
import pytest
import yaml
from reachable.endpoints import Origin, endpoint_value

ROOT = Path(__file__).resolve().parents[3]
NAMES = {"192.0.2.7": {"vps", "vps.example.org", "twice"}, "127.0.1.1": {"laptop"}, "192.0.2.8": {"twice"}}
HOST = {"hostname": "vps", "ipv4": "192.0.2.7", "ipv6": None, "mdns": None, "own": ["10.0.0.7", "192.0.2.7"]}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find names without asking the network."""

    def getaddrinfo(name: str, _: None) -> list[Any]:
        found = [(2, 1, 6, "", (address, 0)) for address, names in NAMES.items() if name in names]
        if not found:
            raise socket.gaierror(-2, "Name or service not known")
        return found

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    ("known", "connected_to", "expected"),
    [
        ({}, None, {"ipv4": "http://192.0.2.7:8888"}),
        ({"ipv4": None}, None, {}),
        # what cannot be typed as an address is none
        ({"mdns": "a/../b.local", "ipv6": "::1]/", "ipv4": "\x1b[2J"}, None, {}),
        ({"ipv6": "fe80::7%eth0"}, None, {"ipv4": "http://192.0.2.7:8888", "ipv6": "http://[fe80::7%eth0]:8888"}),
        ({"ipv6": "2001:db8::7"}, None, {"ipv4": "http://192.0.2.7:8888", "ipv6": "http://[2001:db8::7]:8888"}),
        ({"mdns": "vps.local"}, None, {"mdns": "http://vps.local:8888", "ipv4": "http://192.0.2.7:8888"}),
        ({}, "203.0.113.9", {name: f"http://{host}:8888" for name, host in
            (("name", "vps"), ("ssh", "203.0.113.9"), ("ipv4", "192.0.2.7"))}),
        # the same host under two names stands where the easier one does, and is called that
        ({}, "vps", {"name": "http://vps:8888", "ipv4": "http://192.0.2.7:8888"}),
        ({}, "192.0.2.7", {"name": "http://vps:8888", "ssh": "http://192.0.2.7:8888"}),
        ({"mdns": "vps.local"}, "vps.local", {name: f"http://{host}:8888" for name, host in
            (("mdns", "vps.local"), ("name", "vps"), ("ipv4", "192.0.2.7"))}),
        # a name that is not found, or found at another address, is of no use
        ({"hostname": "unknown"}, "203.0.113.9", {"ssh": "http://203.0.113.9:8888", "ipv4": "http://192.0.2.7:8888"}),
        ({"hostname": "twice"}, "203.0.113.9", {"ssh": "http://203.0.113.9:8888", "ipv4": "http://192.0.2.7:8888"}),
        ({"hostname": "laptop"}, "203.0.113.9", {"ssh": "http://203.0.113.9:8888", "ipv4": "http://192.0.2.7:8888"}),
        ({"hostname": ""}, "2001:db8::9", {"ssh": "http://[2001:db8::9]:8888", "ipv4": "http://192.0.2.7:8888"}),
    ],
)  # fmt: skip
def test_where_a_host_can_be_found(known: dict[str, Any], connected_to: str | None, expected: dict[str, str]) -> None:
    found = endpoint.lan_endpoints({**HOST, **known}, 8888, connected_to)
    assert [(each["name"], each["url"]) for each in found] == list(expected.items())
    assert {each["transport"] for each in found} <= {"lan"}


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


TUNNEL = {
    **endpoint_value(Origin.of("https://ada.ngrok-free.app"), "ngrok", "http"),
    "state": "online",
    "reachable": True,
}


def test_a_hosts_tunnels_are_those_that_are_wanted() -> None:
    waiting = {"name": "tcp", "url": None, "host": None}
    tunnels = endpoint.watched_tunnels([TUNNEL, {}, {"name": "lan"}, waiting], ["ngrok", "tcp"], 8888)
    assert tunnels == [TUNNEL, waiting]


@pytest.mark.parametrize(
    "tunnel", [TUNNEL, endpoint_value(Origin.of("tcp://5.tcp.eu.ngrok.io:12345"), "ngrok", "ssh", 8888)]
)
def test_of_a_tunnel_only_the_address_is_believed(tunnel: dict[str, Any]) -> None:
    claims = dict.fromkeys(("host", "port", "scheme", "safari_url", "juno_url"), "javascript:alert(1)")
    assert endpoint.watched_tunnels([{**tunnel, **claims}], ["ngrok"], 8888) == [tunnel]


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://192.168.1.20:8888"},
        {"url": "javascript:alert(1)"},
        {"url": "https://ada.ngrok-free.app:port"},
        {"url": "tcp://5.tcp.eu.ngrok.io", "transport": "ssh"},
        {"url": ["https://ada.ngrok-free.app"]},
    ],
)
def test_a_tunnel_that_can_be_none_is_not_believed(change: dict[str, Any]) -> None:
    (found,) = endpoint.watched_tunnels([{**TUNNEL, **change}], ["ngrok"], 8888)
    assert found["safari_url"] is None
    assert (found["url"], found["state"], found["reachable"]) == (None, "offline", False)
    assert "192.168" not in found["detail"]


ENTRY = {"name": "ipv4", "url": "http://192.0.2.7:8888"}


@pytest.mark.parametrize(
    ("text", "endpoints"),
    [
        (json.dumps({"endpoints": [ENTRY, {}], "more": 1}), [ENTRY, {}]),
        (json.dumps({"endpoints": ["x", ENTRY, None]}), [ENTRY]),
        *(
            (text, [])
            for text in (
                None,
                "",
                "{",
                "null",
                "1",
                '"endpoints"',
                "[]",
                "{}",
                '{"endpoints": null}',
                '{"endpoints": 1}',
                '{"endpoints": "x"}',
            )
        ),
    ],
)
def test_what_a_host_publishes(text: str | None, endpoints: list[dict[str, str]]) -> None:
    assert endpoint.published_endpoints(text) == endpoints


LAST_YEAR = "2025-01-02T03:04:05+00:00"
PAGE = {"name": "page", "url": "https://x.example", "detail": "Nobody declared that.", "since": LAST_YEAR}


@pytest.mark.parametrize(
    ("text", "openings"),
    [
        (json.dumps({"endpoints": [], "undeclared": [PAGE | {"upstream": "tcp://127.0.0.1:22"}]}), [PAGE]),
        ('{"endpoints": []}', []),
        ('{"undeclared": [{"name": "page"}]}', []),
        ('{"undeclared": 5}', []),
        ("no JSON", []),
        (None, []),
    ],
)
def test_what_a_host_publishes_that_nobody_declared(text: str | None, openings: list[dict[str, str]]) -> None:
    assert endpoint.published_undeclared(text) == openings


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


# With what ssh-keygen says of it.
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ/PQn5/2NaXd3LTztfwpsK7yS4y6G5HbgCl3cf1SWsJ"
FINGERPRINT = "SHA256:d3uWe7yxyP/AoDokQ8u3Epfz3tmLhB7BPvqbXuLmCzA"


@pytest.mark.parametrize("key", [KEY, f"{KEY} root@vps", f"{KEY} root@vps with words\n"])
def test_a_fingerprint(key: str) -> None:
    assert endpoint.fingerprints([None, key, ""]) == [f"ssh-ed25519 {FINGERPRINT}"]
    assert endpoint.fingerprints([]) == []


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="needs ssh-keygen")
@pytest.mark.parametrize(
    ("kind", "bits", "called"),
    [
        ("ed25519", "256", "ssh-ed25519"),
        ("ecdsa", "256", "ecdsa-sha2-nistp256"),
        ("rsa", "2048", "ssh-rsa"),
    ],
)
def test_fingerprints_are_those_of_ssh(kind: str, bits: str, called: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-C", "root@vps", "-f", key], check=True)
    said = subprocess.run(["ssh-keygen", "-l", "-f", key], check=True, capture_output=True, text=True).stdout
    assert endpoint.fingerprints([key.with_suffix(".pub").read_text()]) == [f"{called} {said.split()[1]}"]


FREE = {"http_requests": 20000, "gigabytes": 1, "tcp_connections": 5000, "warning_page": True}
QUOTA = (
    "This plan has 20,000 requests and 1 GB a month. A JupyterLab page that lies open uses them up in 10 hours, the "
    "classic list of files (/nbclassic) in 4 days, and a classic notebook hardly uses any: prefer these, and close "
    "pages."
)
LARGER_QUOTA = (
    "This plan has 100,000 requests and 5 GB a month. A JupyterLab page that lies open uses them up in 50 hours, the "
    "classic list of files (/nbclassic) in 23 days, and a classic notebook hardly uses any: prefer these, and close "
    "pages."
)
WARNING = "In Safari ngrok shows a warning page first, once a week: press Visit Site."
CONNECTIONS = "This plan has 5,000 connections a month, and needs a payment card on file."


@pytest.mark.parametrize(
    ("transport", "plan", "notes"),
    [
        ("http", FREE, [QUOTA, WARNING]),
        ("http", {**FREE, "warning_page": False}, [QUOTA]),
        ("http", {"warning_page": True}, [WARNING]),
        ("http", {"http_requests": 100000, "gigabytes": 5}, [LARGER_QUOTA]),
        ("http", {}, []),
        ("tcp", FREE, [CONNECTIONS]),
        ("ssh", FREE, [CONNECTIONS]),
        ("tcp", {}, []),
    ],
)
def test_what_a_plan_means(transport: str, plan: dict[str, Any], notes: list[str]) -> None:
    assert endpoint.plan_notes({"transport": transport}, plan) == notes


def test_the_plans_of_the_role_are_understood() -> None:
    plans = yaml.safe_load((ROOT / "roles/ngrok/vars/main.yml").read_text())["__ngrok_plans"]
    assert {name: endpoint.plan_notes({"transport": "http"}, plan) for name, plan in plans.items()} == {
        "free": [QUOTA, WARNING],
        "paid": [],
    }


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
