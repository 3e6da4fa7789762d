"""What is written into a receipt before it is made, and what of it has to go."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reachable.plan import receipts

NOTHING: dict[str, list[str]] = {kind: [] for kind in receipts.KINDS}
WANTED = {
    "services": ["reachable-jupyter"],
    "users": ["jupyter"],
    "packages": ["ngrok"],
    "files": ["/etc/apt/sources.list.d/ngrok.sources"],
    "folders": ["/opt/reachable", "/var/lib/reachable"],
    "notebooks": ["/srv/notebooks"],
}
PACKAGE = "/var/lib/dpkg/info/ngrok.list"


def host(*there: str, user: Any = None) -> dict[str, Any]:
    paths = [*WANTED["folders"], *WANTED["notebooks"], PACKAGE]
    return {
        "users": {"jupyter": user},
        "files": {path: {"state": "directory" if path in there else "absent"} for path in paths},
    }


@pytest.mark.parametrize(
    "text",
    [None, "", "no JSON", "[]", "{}", json.dumps({**NOTHING, "users": "jupyter"}), json.dumps({"users": ["jupyter"]})],
)
def test_what_nobody_can_read_is_no_receipt(text: str | None) -> None:
    assert receipts.read(text) == {}


def test_a_receipt_is_read() -> None:
    assert receipts.read(json.dumps({**NOTHING, **WANTED})) == {**NOTHING, **WANTED}


@pytest.mark.parametrize(
    ("found", "made"),
    [
        (host(), {}),
        (host(user={"uid": 999}), {"users": []}),
        (host(PACKAGE), {"packages": []}),
        (host("/srv/notebooks"), {"notebooks": []}),
        (host("/opt/reachable"), {"folders": ["/var/lib/reachable"], "contents": ["/opt/reachable"]}),
    ],
)
def test_what_was_there_before_is_not_ours(found: dict[str, Any], made: dict[str, list[str]]) -> None:
    assert receipts.with_what_is_to_come({}, WANTED, found, is_lost=False) == {**NOTHING, **WANTED, **made}


def test_a_python_is_installed_only_where_there_is_none() -> None:
    made = receipts.with_what_is_to_come({}, {"packages": ["python3.12"]}, host(), is_lost=False)
    assert made["packages"] == ["python3.12"]


@pytest.mark.parametrize(("lingers", "ours"), [(False, ["eve"]), (True, [])])
def test_who_lingered_before_does_so_without_us(lingers: bool, ours: list[str]) -> None:
    here = {**host(), "user": {"lingers": lingers}}
    made = receipts.with_what_is_to_come({}, {"lingering": ["eve"]}, here, is_lost=False)
    assert made == {**NOTHING, "lingering": ours}


def test_what_the_receipt_knows_stays_ours() -> None:
    everything = host("/opt/reachable", "/var/lib/reachable", "/srv/notebooks", PACKAGE, user={"uid": 999})
    known = {**NOTHING, **WANTED, "users": ["ada", "jupyter"]}
    assert receipts.with_what_is_to_come(known, WANTED, everything, is_lost=False) == known


def test_a_folder_that_was_there_stays_one_that_was_there() -> None:
    known = {**NOTHING, "contents": ["/opt/reachable"]}
    wanted = {"folders": ["/opt/reachable"]}
    assert receipts.with_what_is_to_come(known, wanted, host(), is_lost=False) == known


def test_after_the_receipt_was_lost_all_that_is_wanted_is_ours() -> None:
    everything = host("/opt/reachable", "/var/lib/reachable", "/srv/notebooks", PACKAGE, user={"uid": 999})
    assert receipts.with_what_is_to_come({}, WANTED, everything, is_lost=True) == {**NOTHING, **WANTED}


def test_what_is_not_wanted_any_more() -> None:
    made = {**NOTHING, "users": ["jupyter", "ada"], "folders": ["/opt/reachable", "/old"], "contents": ["/mounted"]}
    wanted = {"users": ["ada"], "folders": ["/opt/reachable", "/mounted"]}

    surplus = receipts.receipt_without(made, wanted)

    assert surplus == {**NOTHING, "users": ["jupyter"], "folders": ["/old"]}
    assert receipts.receipt_without(made, surplus) == {
        **NOTHING,
        "users": ["ada"],
        "folders": ["/opt/reachable"],
        "contents": ["/mounted"],
    }


@pytest.mark.parametrize("notebooks", ["/var/lib/reachable/notebooks", "/srv/notebooks"])
def test_what_stays_around_notebooks_and_the_receipt(notebooks: str) -> None:
    parents = {"parents": ["/var", "/etc"]}
    made = {**NOTHING, **WANTED, **parents, "notebooks": [notebooks]}
    assert receipts.what_stays(made, [notebooks], "/var/lib/reachable/receipt.json") == {
        **NOTHING,
        "folders": ["/var/lib/reachable"],
        "parents": ["/var"],
        "notebooks": [notebooks],
    }


def test_an_agent_of_homebrew_that_was_there_before() -> None:
    assert receipts.is_there("packages", "ngrok-cask", {"programs": {"ngrok": {"path": "/opt/homebrew/bin/ngrok"}}})
    assert not receipts.is_there("packages", "ngrok-cask", {"programs": {"ngrok": None}})
