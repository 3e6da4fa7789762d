"""What people are told of a host, from what was found at its addresses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bare_host import REACHED, SHUT
from reachable.endpoints import Origin, endpoint_value
from reachable.plan import say


def test_what_a_repair_brings_back() -> None:
    found = [{"url": url, "reachable": False, "detail": "It does not answer."} for url in ("a", "b", "c")]
    published = [{"url": "a", "reachable": True}, {"url": "b", "reachable": False}]

    assert say.once_repaired(found, published) == [
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
    told = say.as_it_is(CARD, found, service)
    assert say.reach_in_words(told, service, foretells) == words
    if foretells:
        assert told == {"host": "studio", "reachable": reachable, "note": note, "endpoints": found}


def test_what_is_worth_a_try() -> None:
    endpoints = [
        {"name": "name", "reachable": True},
        {"name": "ipv6", "reachable": False},
        {"name": "mdns", "reachable": False},
    ]

    assert [each["name"] for each in say.alternatives(endpoints)] == ["name", "mdns"]


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
    assert say.with_findings(endpoints, findings) == [
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
    assert [(each["name"], each["detail"]) for each in say.with_findings(endpoints, findings)] == [
        ("ipv4", ""),
        ("public", "It is another's. Rename it."),
    ]
    assert say.foreign_notes(findings) == ["It is another's. Rename it."] * 2


LAST_YEAR = "2025-01-02T03:04:05+00:00"
PAGE = {"name": "page", "url": "https://x.example", "detail": "Nobody declared that.", "since": LAST_YEAR}


def test_what_nobody_declared_in_one_line() -> None:
    line = "https://x.example (page, undeclared since 2025-01-02 03:04:05 UTC)"
    assert say.undeclared_line(PAGE) == line


TODAY = "2026-12-01T08:00:00+00:00"
NOW = {"name": "ipv4", "url": "http://192.0.2.7:8888", "reachable": True, "detail": "today's"}
THEN = {**NOW, "detail": "yesterday's", "since": LAST_YEAR}


def test_the_date_stays_while_nothing_changes() -> None:
    assert say.with_since([NOW], [{"name": "mdns"}, THEN], TODAY) == [{**NOW, "since": LAST_YEAR}]


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
    [dated] = say.with_since([NOW], published, TODAY)
    assert dated == {**NOW, "since": TODAY}


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
    assert say.tunnel_rows([finding], "vps") == [
        {"From": "vps", "Address": URL, "Seconds": "", "Step": step, **row} for step, row in steps.items()
    ]


def test_a_tunnel_without_an_address_goes_by_its_name() -> None:
    both = [
        {"name": name, "url": url, "state": "offline", "problem": "", "fix": ""}
        for name, url in (("ngrok-tcp", None), ("ngrok-http", URL))
    ]
    assert [row["Address"] for row in say.tunnel_rows(both, "vps")] == ["ngrok-tcp", URL]
    assert say.tunnel_rows([], "vps") == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({}, f"{URL} (online since 2025-01-02 03:04:05 UTC)"),
        ({"url": None, "state": "refused"}, "ngrok-http (refused since 2025-01-02 03:04:05 UTC)"),
    ],
)
def test_a_tunnel_in_one_line(change: dict[str, Any], line: str) -> None:
    assert say.tunnel_line({"name": "ngrok-http", "url": URL, "state": "online", "since": LAST_YEAR} | change) == line


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
    rows = say.history_rows(events, 20)
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
    assert say.history_rows(events, 2) == rows[:2]
    assert say.history_rows([], 20) == []


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
    assert say.drift_seen(text) == f"{seen} (2026-11-26 06:00:00 UTC)"


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"state": "other", "differences": [], "time": ""}'])
def test_a_host_that_does_not_look_for_drift(text: str | None) -> None:
    assert say.drift_seen(text) == ""


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
    assert [tuple(row.values()) for row in say.leg_rows(findings, "here")] == [
        ("here", "http://a", "tcp", "ok", "0.02", ""),
        ("here", "http://a", "login", "skipped", "", "No password."),
        ("here", "http://b", "tcp", "failed", "5.00", "Nobody answers."),
    ]
    assert list(say.leg_rows(findings, "here")[0]) == ["From", "Address", "Step", "Result", "Seconds", "Detail"]


# What a verb says

IPV4 = endpoint_value(Origin("http", "192.0.2.7", 8888), "ipv4", "lan")
MDNS = endpoint_value(Origin("http", "vps.local", 8888), "mdns", "lan")
UNPROVEN = {**SHUT, "failed_leg": "proof"}
PLAN: dict[str, Any] = {
    "candidates": [MDNS, IPV4],
    "visits": [],
    "tunnels": [],
    "watched": [],
    "published": [],
    "undeclared": [],
    "only_looks": False,
    "is_behind_another": False,
    "no_room": "",
    "is_pulled": False,
    "hostname": "vps",
    "service": {"state": "running", "uptime": 7300},
    "drift": "",
    "requests": {},
    "history": "",
    "notes": ["A note."],
    "system_notes": [],
    "tunnel_transports": ["http", "ssh", "tcp"],
    "ssh": None,
}


def at(endpoint: dict[str, Any], finding: dict[str, Any]) -> dict[str, Any]:
    """Return what the doctor found at an address."""
    return {**finding, "name": endpoint["name"], "url": endpoint["url"], "jupyter_version": "2.21.1"}


def seen(*here: dict[str, Any], plan: dict[str, Any] | None = None, **more: Any) -> say.Seen:
    """Return what was seen of a host, from the controller unless ``there`` says otherwise."""
    findings = list(here) or None
    settings: dict[str, Any] = {"host": "vps", "plan": {**PLAN, **(plan or {})}, "now": TODAY, **more}
    return say.Seen(**{"here": findings, "there": None, **settings})


TUNNEL = {**endpoint_value(Origin.of(URL), "ngrok-http", "http"), "state": "offline", "detail": "It is away. Wait."}
BEHIND = {"candidates": [IPV4]}


@pytest.mark.parametrize(
    ("is_behind_another", "there", "is_reached"),
    [
        (True, [at(IPV4, REACHED)], True),
        (False, [at(IPV4, REACHED)], False),
        (True, [at(IPV4, SHUT)], False),
        (True, None, False),
    ],
)
def test_where_ssh_goes_through_another_machine_the_host_itself_counts(
    is_behind_another: bool, there: list[dict[str, Any]] | None, is_reached: bool
) -> None:
    what = seen(at(IPV4, SHUT), plan={**BEHIND, "is_behind_another": is_behind_another}, there=there)
    assert what.is_reached is is_reached


def test_what_is_reached_from_here_needs_no_word_of_the_host() -> None:
    findings = [at(IPV4, REACHED)]
    assert seen(*findings, plan={**BEHIND, "is_behind_another": True}, there=[at(IPV4, SHUT)]).findings == findings


FIREWALL = (
    "Jupyter runs on vps, but http://192.0.2.7:8888 does not answer here: let TCP port 8888 through the firewall of "
    "the machine, its cloud or its router."
)
REFUSED = {"state": "refused", "problem": "Refused.", "fix": "Pay."}


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        (seen(at(MDNS, SHUT), at(IPV4, REACHED)), ""),
        (seen(at(MDNS, SHUT), at(IPV4, SHUT)), "Nobody answers. Wait."),
        # what stands nearest to the cause is said
        (seen(at(IPV4, SHUT), plan=BEHIND, agent=[REFUSED]), "Refused. Pay."),
        (seen(at(IPV4, SHUT), plan={**BEHIND, "watched": [TUNNEL]}), "It is away. Wait."),
        (
            seen(at(IPV4, SHUT), plan=BEHIND, there=[at(IPV4, REACHED)]),
            FIREWALL,
        ),
        (seen(at(IPV4, SHUT), plan=BEHIND, there=[at(IPV4, SHUT)]), "Nobody answers. Wait."),
        (seen(at(IPV4, UNPROVEN), plan=BEHIND, there=[at(IPV4, REACHED)]), "Nobody answers. Wait."),
        # from the host itself, where the controller sees nothing
        (seen(plan=BEHIND, there=[at(IPV4, REACHED)]), ""),
        (seen(plan=BEHIND, there=[at(IPV4, SHUT)]), "Nobody answers. Wait."),
        # a tunnel is not there while the LAN is
        (seen(at(TUNNEL, SHUT), at(IPV4, REACHED), plan={"candidates": [TUNNEL, IPV4]}), "Nobody answers. Wait."),
        # check mode foretells what a repair brings back
        (seen(at(IPV4, SHUT), plan=BEHIND, check_mode=True), ""),
        (seen(at(IPV4, SHUT), plan={**BEHIND, "only_looks": True}, check_mode=True), "Nobody answers. Wait."),
    ],
)  # fmt: skip
def test_what_keeps_people_from_jupyter(what: say.Seen, problem: str) -> None:
    assert what.problem == problem
    assert what.is_reached is not bool(problem)
    assert what.verdict == {"verdict": "unreachable" if problem else "fine", "problem": problem}


def test_the_card() -> None:
    card = seen(at(MDNS, SHUT), at(IPV4, REACHED), password="in a file", is_held=True).card
    assert [each["name"] for each in card.pop("endpoints")] == ["ipv4", "mdns"]
    assert card == {
        "host": "vps",
        "hostname": "vps",
        "reachable": True,
        "problem": "",
        "note": "",
        "notes": ["A note.", say.HELD],
        "password": "in a file",
        "ssh": None,
    }


def test_what_a_host_says_moves_no_cursor() -> None:
    card = seen(at(MDNS, SHUT), at(IPV4, REACHED), plan={"hostname": "\x1b[2Jvps"}).card
    assert card["hostname"] == "?[2Jvps"


@pytest.mark.parametrize(
    ("endpoint", "note", "readable"),
    [
        (IPV4, "", say.READABLE_LAN),
        (
            endpoint_value(Origin("http", "127.0.0.1", 8888), "loopback", "loopback"),
            say.LOOPBACK_NOTE,
            say.READABLE_LAN,
        ),
        (endpoint_value(Origin("tcp", "0.tcp.ngrok.io", 1), "ngrok-tcp", "tcp"), "", say.READABLE_TUNNEL),
    ],
)
def test_what_people_have_to_mind(endpoint: dict[str, Any], note: str, readable: str) -> None:
    what = seen(at(endpoint, REACHED), plan={"candidates": [endpoint]})
    assert (what.card["note"], what.page["readable"]) == (note, readable)


@pytest.mark.parametrize(
    ("variable", "is_kept", "is_new", "place"),
    [
        ("jupyter_password_hash", True, False, "the one behind jupyter_password_hash"),
        ("jupyter_password", True, False, "the one you set in jupyter_password"),
        ("", True, True, "in the file /f"),
        ("", False, True, "generated, and kept in the file /f"),
        ("", False, False, "the one you set earlier"),
    ],
)
def test_where_the_password_is(variable: str, is_kept: bool, is_new: bool, place: str) -> None:
    assert say.password_place(variable, "/f", is_kept, is_new) == place


def test_where_to_connect() -> None:
    report = say.up_report(seen(at(MDNS, SHUT), at(IPV4, REACHED)), "/card.html", "text", is_written=True, hints=["h"])
    assert (report["verdict"], report["code"], report["hints"]) == ("fine", "http://192.0.2.7:8888/", ["h"])
    assert report["table"] == [
        {
            "Safari": "http://192.0.2.7:8888/",
            "Juno": "http://192.0.2.7:8888/nbclassic",
            "Reachable": "yes",
            "Card": "/card.html",
        }
    ]


def test_check_mode_says_how_it_is() -> None:
    plan = {"service": {"state": "absent", "uptime": None}}
    report = say.up_report(seen(at(MDNS, SHUT), at(IPV4, SHUT), plan=plan, check_mode=True), "/c", "", is_written=False)
    assert (report["verdict"], report["problem"]) == ("unknown", "")
    assert (report["table"][0]["Reachable"], report["table"][0]["Card"]) == ("not yet installed", "-")


KEPT = {"values": {"jupyter_port": 9999}, "file": "/given.yml", "place": "/given.yml", "is_taken_up": False}
NONE_KEPT: dict[str, Any] = {"values": {}, "file": None, "place": "/receipt.json", "is_taken_up": False}


def test_how_a_host_is() -> None:
    plan = {"drift": "none", "watched": [{**TUNNEL, "state": "online", "since": LAST_YEAR}], "undeclared": [PAGE]}
    report = say.status_report(seen(at(MDNS, REACHED), at(IPV4, REACHED), plan=plan, is_held=True), KEPT, False)
    assert report["table"] == [
        {
            "Jupyter": "2.21.1, rolled back",
            "Service": "running",
            "Up for": "2 h",
            "Addresses": "http://vps.local:8888\nhttp://192.0.2.7:8888\n"
            f"{URL} (online since 2025-01-02 03:04:05 UTC)\n"
            "https://x.example (page, undeclared since 2025-01-02 03:04:05 UTC)",
            "Reachable": "yes",
            "Last problem": "-",
            "Drift": "none",
            "Given": "jupyter_port=9999\n(/given.yml)",
        }
    ]
    assert report["data"]["given_file"] == "/given.yml"


def test_until_when_its_certificates_count() -> None:
    ours = {"issuer": "Our own", "names": ["192.0.2.7"], "begin": "2026-01-01", "end": "2026-12-20", "is_ending": True}
    found = seen(at(MDNS, {**REACHED, "certificate": ours}), at(IPV4, {**REACHED, "certificate": ours}))
    report = say.status_report(found, NONE_KEPT, False)
    assert report["table"][0]["Certificate"] == "by Our own, ends on 2026-12-20, and is not renewed"
    assert [each["end"] for each in report["data"]["certificates"]] == ["2026-12-20"]
    (note, _) = found.card["notes"]
    assert note.startswith("The certificate of http://192.0.2.7:8888 ends on 2026-12-20 and has not been renewed: ")
    later = seen(at(MDNS, {**REACHED, "certificate": {**ours, "is_ending": False}}), at(IPV4, REACHED))
    assert later.card["notes"] == ["A note."]
    assert say.status_report(later, NONE_KEPT, False)["table"][0]["Certificate"] == "by Our own, ends on 2026-12-20"


def test_the_status_says_how_many_requests_of_a_plan_are_left() -> None:
    requests = {"month": "2026-12", "used": 4321, "allowed": 20000, "left": 15679}
    report = say.status_report(
        seen(at(MDNS, REACHED), at(IPV4, REACHED), plan={"requests": requests}), NONE_KEPT, False
    )
    assert report["table"][0]["Requests left"] == "15,679 of 20,000 in 2026-12"
    assert report["data"]["requests"] == requests
    assert (
        "Requests left"
        not in say.status_report(seen(at(MDNS, REACHED), at(IPV4, REACHED)), NONE_KEPT, False)["table"][0]
    )


def test_a_host_whose_disk_is_full_is_not_fine() -> None:
    found = seen(at(MDNS, REACHED), at(IPV4, REACHED), plan={"no_room": "The disk is full."})
    status = say.status_report(found, KEPT, False)
    assert (status["verdict"], status["problem"]) == ("unreachable", "The disk is full.")
    assert status["table"][0]["Last problem"] == "The disk is full."
    assert say.doctor_report(found)["verdict"] == "unreachable"
    assert found.card["problem"] == "The disk is full."


def test_how_a_host_is_of_which_little_is_known() -> None:
    plan = {"service": {"state": "failed", "uptime": None}}
    findings = [{**at(each, SHUT), "jupyter_version": None} for each in (MDNS, IPV4)]
    (row,) = say.status_report(seen(*findings, plan=plan), NONE_KEPT, False)["table"]
    assert (row["Jupyter"], row["Up for"], row["Last problem"]) == ("-", "-", "Nobody answers. Wait.")
    assert not {"Drift", "Given"} & set(row)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "-"), (0, "-"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (86399, "23 h"), (172800, "2 d")],
)
def test_for_how_long_it_has_run(seconds: int | None, words: str) -> None:
    assert say.up_for(seconds) == words


def test_the_history_of_a_host() -> None:
    event = {"time": LAST_YEAR, "name": "ngrok-http", "state": "online", "url": URL, "detail": None}
    plan = {"history": json.dumps(event) + "\n"}
    report = say.status_report(seen(at(MDNS, REACHED), at(IPV4, REACHED), plan=plan), NONE_KEPT, True)
    assert (report["data"]["history"], [row["Address"] for row in report["table"]]) == ([event], [URL])


def test_a_new_password() -> None:
    proof = {"new_password": "works", "old_password": "is refused", "old_logins": "are refused"}
    report = say.password_report(seen(at(MDNS, REACHED), at(IPV4, REACHED)), proof, "/f")
    assert report["text"] == (
        "The password of vps is a new one\n\n"
        "  Kept in       /f\n"
        "  New password  works\n"
        "  Old password  is refused\n"
        "  Old logins    are refused\n"
    )
    assert report["data"] == {**proof, "password_file": "/f"}


SWITCH = {"done": "upgraded", "idle": "has nothing to upgrade", "is_changed": True, "is_switched": True}
PACKAGES = [{"name": "jupyterlab", "before": "4.5.10", "after": "4.5.11"}, {"name": "x", "before": None, "after": "1"}]


@pytest.mark.parametrize(
    ("switch", "is_held", "check_mode", "text"),
    [
        ({**SWITCH, "packages": PACKAGES}, False, False,
         ("Jupyter on vps is upgraded\n\n  jupyterlab                4.5.10 → 4.5.11\n"
         "  x                         new → 1\n\n  Kernels that computed     2\n"
         "  To go back                ./reachable rollback\n")),
        ({**SWITCH, "packages": PACKAGES[:1]}, True, True,
         ("Jupyter on vps would be upgraded\n\n  jupyterlab                4.5.10 → 4.5.11\n\n"
         "  Kernels that computed     2\n  To try the new one again  ./reachable upgrade\n")),
        ({**SWITCH, "is_changed": False, "is_switched": False, "packages": []}, False, False,
         "Jupyter on vps has nothing to upgrade\n\n"),
    ],
)  # fmt: skip
def test_an_upgrade(switch: dict[str, Any], is_held: bool, check_mode: bool, text: str) -> None:
    what = seen(at(MDNS, REACHED), at(IPV4, REACHED), is_held=is_held, check_mode=check_mode)
    assert say.switch_report(what, switch, 2)["text"] == text


@pytest.mark.parametrize(
    ("kept", "check_mode", "notes"),
    [
        (NONE_KEPT, False, []),
        (KEPT, False, ["Kept for the next run: jupyter_port=9999 (/given.yml)"]),
        ({**KEPT, "is_taken_up": True}, True,
         ["Would be kept for the next run, as the host says: jupyter_port=9999 (/given.yml)"]),
    ],
)  # fmt: skip
def test_what_is_kept_for_the_next_run(kept: dict[str, Any], check_mode: bool, notes: list[str]) -> None:
    assert say.kept_note(kept, check_mode) == notes


@pytest.mark.parametrize(
    ("state", "uptime", "waited", "dies"),
    [
        ("failed", 0, 0, True),
        ("running", 2, 0, True),
        ("running", 30, 60, True),
        ("running", 61, 60, False),
        ("running", 600, 0, False),
        ("stopped", 0, 60, False),
        ("absent", 0, 60, False),
    ],
)
def test_a_service_that_does_not_stay(state: str, uptime: int, waited: int, dies: bool) -> None:
    assert say.is_dying({"state": state, "uptime": uptime}, waited) is dies


def test_its_last_words() -> None:
    words = [
        "Of the attempt before",
        "2026-11-30 22:39:20 systemd: Started reachable-jupyter.service - Jupyter, made reachable.",
        "Traceback (most recent call last):",
        "ModuleNotFoundError: No module named 'jupytext'",
        "",
        "[C 2026-11-30 ServerApp] Bad config encountered during initialization",
        "2026-11-30 22:39:27 systemd: reachable-jupyter.service: Main process exited, code=exited, status=1/FAILURE",
        "2026-11-30 22:39:27,001 INFO exited: reachable-jupyter (exit status 1; not expected)",
        "2026-11-30 22:39:28 systemd: Started reachable-jupyter.service - Jupyter, made reachable.",
    ]
    assert seen(at(IPV4, SHUT), plan=BEHIND, last_words=words).problem == (
        "Jupyter on vps ends as soon as it is started. Its last words: ModuleNotFoundError: No module named "
        "'jupytext' / [C 2026-11-30 ServerApp] Bad config encountered during initialization. './reachable logs' tells "
        "more."
    )
