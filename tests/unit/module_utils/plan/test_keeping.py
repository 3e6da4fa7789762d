# SPDX-License-Identifier: Apache-2.0
"""What the controller keeps of a host."""

from __future__ import annotations

import json
from typing import Any

from bare_host import situation
from reachable.plan import keeping
from reachable.plan.situation import Former

SYSTEM = {"prefix": "/opt/reachable", "state": "/var/lib/reachable", "user": "root"}
PERSONS = {"prefix": "/home/ada/r", "state": "/home/ada/s", "user": "ada"}


def planned(found: dict[str, Any], values: dict[str, Any], scopes: keeping.Scopes | None = None) -> dict[str, Any]:
    """Return what is kept of a host."""
    return keeping.planned(situation(), keeping.Kept("/inventory/given/vps.yml", found, values, scopes or {}))


def test_for_whom_it_is_made_is_written_down_beside_the_cards() -> None:
    folders = [{"path": path, "state": "directory"} for path in ("/tmp/cards", "/tmp/cards/vps")]
    *before, file = planned({}, {})["entries"]
    assert before == folders
    assert file["path"] == "/tmp/cards/vps/scopes.json"
    assert json.loads(file["content"]) == {"system": SYSTEM}


def test_another_scope_stays_written_down_until_it_is_gone() -> None:
    plan = planned({}, {}, {"user": PERSONS, "system": PERSONS})
    assert json.loads(plan["entries"][-1]["content"]) == {"user": PERSONS, "system": SYSTEM}
    assert json.loads(plan["entries_of_other_scopes"][-1]["content"]) == {"user": PERSONS}
    assert json.loads(plan["entries_of_this_scope"][-1]["content"]) == {"system": SYSTEM}
    assert plan["other_scope"] == "user"
    assert planned({}, {}, {"system": SYSTEM})["other_scope"] == ""


def test_a_move_is_written_down_until_it_is_finished() -> None:
    former = Former("user", "ada", PERSONS["prefix"], PERSONS["state"])
    there, scopes = situation(former=former), {"user": PERSONS}
    plan = keeping.planned(there, keeping.Kept("/inventory/given/vps.yml", {}, {}, scopes))
    begun = keeping.read_scopes(plan["entries"][-1]["content"])
    assert begun == {"user": PERSONS, "system": {**SYSTEM, "from": "user"}}
    assert keeping.unfinished_scope(begun) == "system"
    assert json.loads(plan["entries_of_this_scope"][-1]["content"]) == {"system": SYSTEM}
    for known in ({}, scopes, {"user": PERSONS, "system": SYSTEM}):
        assert keeping.unfinished_scope(known) == ""

    [sentence] = keeping.refused(situation(), begun)
    assert sentence == (
        "reachable_scope is auto, but on vps a move to system was begun and not finished: set reachable_scope to "
        "system, and ./reachable up finishes it."
    )
    assert keeping.refused(situation(), scopes) == keeping.refused(situation({"reachable_scope": "user"}), begun) == []


def test_what_was_given_is_kept_for_people_to_read() -> None:
    folder, file = planned({"jupyter_port": 1}, {"jupyter_port": 8822, "jupyter_packages": ["six"]})["entries"][-2:]
    assert folder == {"path": "/inventory/given", "state": "directory", "mode": "0700"}
    assert file["mode"] == "0600"
    comment, values = file["content"].split("what was given.\n")
    assert all(line.startswith("# ") for line in comment.splitlines())
    assert "for vps, so that" in comment
    assert values == "jupyter_packages:\n- six\njupyter_port: 8822\n"


def test_a_file_that_says_the_same_is_left_as_somebody_wrote_it() -> None:
    assert [entry["path"] for entry in planned({"jupyter_port": 1}, {"jupyter_port": 1})["entries"]] == [
        "/tmp/cards",
        "/tmp/cards/vps",
        "/tmp/cards/vps/scopes.json",
    ]


def test_everything_of_a_host_goes_and_what_else_lies_beside_it_does_not() -> None:
    plan = planned({}, {})
    assert plan["files"] == [
        "/tmp/cards/vps/card.html",
        "/tmp/cards/vps/card.txt",
        "/tmp/cards/vps/card.json",
        "/tmp/cards/vps/reachable.mobileconfig",
        "/tmp/cards/vps/scopes.json",
        "/inventory/given/vps.yml",
        "/tmp/secrets/vps/jupyter_password",
        "/tmp/secrets/vps/jupyter_password.new",
        "/tmp/secrets/vps/tunnel_ssh_key",
        "/tmp/secrets/vps/tunnel_ssh_key.pub",
    ]
    assert plan["folders"] == ["/tmp/cards/vps", "/inventory/given", "/tmp/secrets/vps"]
