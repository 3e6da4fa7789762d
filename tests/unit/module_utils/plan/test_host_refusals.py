"""Whatever a host has against a declaration is said in its exact sentence, before the first change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from bare_host import ADA, FACTS, FILE, FOLDER, ROOM, TOKEN, situation
from reachable.plan import host_refusals, receipts
from reachable.plan.situation import Former

NO_SPACE = {**ROOM, "free_bytes": 10**6}
MACOS = {
    "service_manager": "launchd",
    "system": {"distribution": "macos", "release": "15.1", "name": "macOS 15.1", "architecture": "arm64"},
    "macos": {"may_make_users": True, "domain": "system", "firewall": "off"},
    "files": {},
}
PERSON = {"user": ADA, "users": {"ada": {**ADA, "comment": "", "home_exists": True}}}
OF_PERSON = {
    "reachable_scope": "user",
    "reachable_prefix": "/home/ada/.local/share/reachable",
    "reachable_state_dir": "/home/ada/.local/state/reachable",
    "jupyter_user": "ada",
    "jupyter_notebook_dir": "/home/ada",
}
HOME = {"files": {"/home/ada": {**FOLDER, "owner": "ada"}}}
ADOPTED = {"settings": [], "problems": [], "password": {"hash": "sha1:x"}}
UNIT = "/etc/systemd/system/reachable-jupyter.service"
RECEIPT = "/var/lib/reachable/receipt.json"
SCHEDULE = {
    "reachable_drift_schedule": "daily",
    "reachable_drift_repository": "/srv/fleet",
    "reachable_drift_inventory": "inventory/mine.yml",
}


def receipt(**made: list[str]) -> dict[str, Any]:
    """Return a receipt as a file."""
    return {**FILE, "content": json.dumps({kind: made.get(kind, []) for kind in receipts.KINDS})}


def user(name: str, **about: Any) -> dict[str, Any]:
    """Return an account that is a person's."""
    there = {"name": name, "uid": 1001, "group": name, "home": f"/home/{name}", "comment": "", "home_exists": True}
    return {name: {**there, **about}}


CASES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "host_refusals.yml").read_text())
CASES = {name: case for name, case in CASES.items() if name not in {"token", "schedule"}}
CASES_OF_PERSONS = CASES.pop("persons")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_a_host_has_against_it(case: dict[str, Any]) -> None:
    there = situation(case.get("given"), case.get("facts"))
    assert [*host_refusals.of_host(there)] == [case["sentence"]]


@pytest.mark.parametrize("case", CASES_OF_PERSONS.values(), ids=CASES_OF_PERSONS)
def test_what_a_person_may_not(case: dict[str, Any]) -> None:
    given, facts = {**OF_PERSON, **case.get("given", {})}, {**HOME, **PERSON, **case.get("facts", {})}
    there = situation(given, facts, scope="user")
    assert [*host_refusals.of_host(there)] == case["sentences"]


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        ({}, {}),
        ({"ngrok_authtoken": TOKEN}, {}),
        (SCHEDULE, {}),
        ({}, {"system": {"distribution": "mint", "like": ["ubuntu", "debian"], "release": "22"}}),
        ({}, {"system": {"release": ""}}),  # the next one, still being made
        ({}, {"python": None, "system": {"distribution": "rocky", "release": "9.6"}}),  # brings one
        ({}, {"paths": {"/opt/reachable": NO_SPACE}, "environments": {"/opt/reachable/server": "settled"}}),
        ({"jupyter_user": "eve", "jupyter_notebook_dir": "/srv/of-eve"}, {
            "users": user("eve"), "files": {"/srv/of-eve": {**FOLDER, "owner": "eve"}}
        }),
        ({"jupyter_password_adopt": True}, {"jupyter_config": ADOPTED}),
    ],
)  # fmt: skip
def test_what_it_has_nothing_against(given: dict[str, Any], facts: dict[str, Any]) -> None:
    assert [*host_refusals.of_host(situation(given, facts))] == []


def test_a_prefix_that_is_too_long_for_sockets() -> None:
    prefix = "/opt/" + 40 * "x"
    [sentence] = host_refusals.of_host(situation({"reachable_prefix": prefix}, {"service_manager": "supervisord"}))
    assert sentence == (
        f"reachable_prefix is {prefix}, which is too long for the sockets below it: set it to a folder with at most 35 "
        "letters."
    )


def test_conflicts_count_where_they_are_to() -> None:
    about = {"file": "/home/jupyter/.jupyter/jupyter_server_config.py", "line": 3, "class": "ServerApp", "trait": "ip"}
    setting = {**about, "origin": "jupyter_server_config", "value": "0.0.0.0", "known": False}
    facts = {"jupyter_config": {"settings": [setting], "problems": [], "password": None}}
    assert [*host_refusals.of_host(situation({}, facts))] == []
    assert [*host_refusals.of_host(situation({"reachable_config_conflicts": "fail"}, facts))] == [
        f"{about['file']}:3 on vps sets ServerApp.ip, which has no effect beside Reachable's own: use jupyter_listen.",
        "Take that out, or set reachable_config_conflicts to warn.",
    ]


# What moves


def moves(**owners: str) -> dict[str, Any]:
    """Return what host_info says of folders below /srv that are full, by name and owner."""
    return {
        "paths": {f"/srv/{name}": {**ROOM, "empty": False} for name in owners},
        "files": {f"/srv/{name}": {**FOLDER, "owner": owner} for name, owner in owners.items()},
    }


def test_notebooks_that_would_be_mixed() -> None:
    facts = {"files": {RECEIPT: receipt(notebooks=["/srv/old"])}}
    there = situation({"jupyter_notebook_dir": "/srv/new"}, facts, moves=moves(old="jupyter", new="jupyter"))
    [sentence] = host_refusals.of_host(there)
    assert sentence == (
        "jupyter_notebook_dir is /srv/new, which holds files on vps, and so does /srv/old, from where notebooks would "
        "be moved: move them yourself, or choose another folder."
    )


@pytest.mark.parametrize(("before", "now"), [("/srv/old/inner", "/srv/old"), ("/srv/old", "/srv/old/inner")])
def test_notebooks_that_would_move_into_themselves(before: str, now: str) -> None:
    there = situation(
        {"jupyter_notebook_dir": now},
        {"files": {RECEIPT: receipt(notebooks=[before])}},
        moves={"paths": {}, "files": {}},
    )
    [sentence] = host_refusals.of_host(there)
    assert sentence == (
        f"jupyter_notebook_dir is {now}, and notebooks lie in {before} now: one cannot be moved into the other, choose "
        "another folder."
    )


def former(**made: list[str]) -> Former:
    """Return what ada had for herself."""
    prefix, state_dir = "/home/ada/.local/share/reachable", "/home/ada/.local/state/reachable"
    return Former("user", "ada", prefix, state_dir, {"files": {f"{state_dir}/receipt.json": receipt(**made)}})


@pytest.mark.parametrize(("owner", "is_refused"), [("ada", False), ("eve", True)])
def test_no_receipt_of_a_person_is_believed_about_others(owner: str, is_refused: bool) -> None:
    there = situation(former=former(notebooks=["/srv/work"]), moves=moves(work=owner))
    assert [*host_refusals.of_host(there)] == [
        (
            "/srv/work on vps is listed in the receipt of ada, but belongs to somebody else: take it out there, or set "
            "reachable_scope back."
        )
    ] * is_refused


def test_notebooks_where_files_of_before_lie() -> None:
    folder = "/home/ada/.local/state/reachable/work"
    [sentence] = host_refusals.of_host(situation({"jupyter_notebook_dir": folder}, former=former()))
    assert sentence.startswith(f"jupyter_notebook_dir is {folder}, where Reachable keeps its own files on vps until")


# The port


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (None, None),
        ({"pid": 7, "command": "/opt/reachable/server/bin/python", "user": "jupyter"}, None),
        (
            {"pid": 7, "command": "http.server", "user": "eve", "origin": "service", "unit": "trap.service"},
            (
                "process 7 (http.server) of eve, as the service trap.service: stop it with 'sudo systemctl stop "
                "trap.service', and with 'disable' so that it stays away"
            ),
        ),
        (
            {"pid": 7, "command": "x", "user": "eve", "origin": "user_service", "unit": "x.service"},
            (
                "process 7 (x) of eve, as their own service x.service: let eve stop it with 'systemctl --user stop "
                "x.service', and with 'disable' so that it stays away"
            ),
        ),
        (
            {"pid": 7, "command": "x", "user": "eve", "origin": "container", "unit": "web"},
            "process 7 (x) of eve in the container web: stop that container",
        ),
        (
            {"pid": 7, "command": "x", "user": "eve", "origin": "tmux"},
            "process 7 (x) of eve in tmux: stop it with 'sudo kill 7'",
        ),
        ({"pid": 0, "command": "", "user": "eve", "origin": "unknown"}, "a process of eve: stop it"),
    ],
)
def test_who_holds_the_port(holder: dict[str, Any] | None, words: str | None) -> None:
    found = {"next_free": 8889, "unit": None, **holder} if holder else None
    sentence = host_refusals.of_port(situation({}, {"port_holders": {"8888": found}}))
    expected = f"jupyter_port 8888 is taken on vps by {words}, or set jupyter_port to 8889, which is free."
    assert sentence == (expected if words else "")


def test_nothing_that_was_found_is_changed() -> None:
    before = json.dumps(FACTS)
    there = situation({"ngrok_authtoken": TOKEN, **SCHEDULE})
    assert [*host_refusals.of_host(there)] == [*host_refusals.of_host(there)]
    assert json.dumps(FACTS) == before
