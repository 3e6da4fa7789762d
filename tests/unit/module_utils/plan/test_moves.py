"""What is moved and handed over before Jupyter runs, and what stays where it is."""

from __future__ import annotations

import json
from typing import Any

from bare_host import FILE, FOLDER, ROOM, situation
from reachable.plan import receipts
from reachable.plan.moves import Moves, moves_of
from reachable.plan.situation import Former

HOME = "/var/lib/reachable/jupyter"
RECEIPT = "/var/lib/reachable/receipt.json"


def receipt(**made: list[str]) -> dict[str, Any]:
    """Return a receipt as a file."""
    return {**FILE, "content": json.dumps({kind: made.get(kind, []) for kind in receipts.KINDS})}


def owned(owner: str) -> dict[str, Any]:
    """Return a folder of somebody."""
    return {**FOLDER, "owner": owner}


def test_a_bare_host_has_nothing_to_move() -> None:
    assert moves_of(situation()) == Moves(notebooks=[], arrive=False, hand_over=[], users=["jupyter"])


def test_what_is_as_it_should_be_stays() -> None:
    files = {HOME: owned("jupyter"), f"{HOME}/notebooks": owned("jupyter")}
    assert not moves_of(situation({}, {"files": files})).is_needed


def test_another_user_gets_the_home_and_the_notebooks_that_are_ours() -> None:
    files = {
        HOME: owned("jupyter"),
        f"{HOME}/notebooks": owned("jupyter"),
        f"{HOME}/kernel": owned("jupyter"),
        f"{HOME}.other": owned("jupyter"),
        RECEIPT: receipt(users=["jupyter", "reachable-ngrok"]),
    }
    users = {"ada": {"uid": 1000, "group": "people", "home": "/home/ada", "comment": "", "home_exists": True}}
    there = situation({"jupyter_user": "ada"}, {"files": files, "users": users})
    planned = moves_of(there)
    assert planned.hand_over == [f"{HOME}/notebooks", HOME]
    assert planned.users == ["jupyter"]
    new = {"owner": "ada", "group": "people"}
    assert planned.owners == {HOME: new, f"{HOME}/notebooks": new, f"{HOME}/kernel": new}
    assert planned.is_needed


def test_notebooks_of_somebody_stay_theirs() -> None:
    files = {"/srv/work": owned("eve"), HOME: owned("jupyter")}
    assert moves_of(situation({"jupyter_notebook_dir": "/srv/work"}, {"files": files})).hand_over == []


def test_notebooks_come_from_where_they_were() -> None:
    seen = {
        "paths": {"/srv/old": {**ROOM, "empty": False}, "/srv/empty": ROOM},
        "files": {"/srv/old": owned("eve"), "/srv/empty": owned("eve")},
    }
    facts = {"files": {RECEIPT: receipt(notebooks=["/srv/old", "/srv/empty"])}}
    planned = moves_of(situation({}, facts, moves=seen))
    assert (planned.notebooks, planned.arrive) == (["/srv/old", "/srv/empty"], True)
    assert planned.hand_over == ["/srv/old"]


def test_without_a_receipt_notebooks_come_from_where_jupyter_serves_them() -> None:
    unit = {**FILE, "content": "[Service]\nWorkingDirectory=/var/lib/reachable/mine\n"}
    facts = {"files": {"/etc/systemd/system/reachable-jupyter.service": unit}}
    assert moves_of(situation({}, facts)).notebooks == ["/var/lib/reachable/mine"]
    unit["content"] = "[Service]\nWorkingDirectory=/srv/of-somebody\n"
    assert moves_of(situation({}, facts)).notebooks == []


def test_only_the_receipt_of_root_says_which_accounts_are_ours() -> None:
    prefix, state_dir = "/home/ada/.local/share/reachable", "/home/ada/.local/state/reachable"
    files = {f"{state_dir}/receipt.json": receipt(users=["eve"])}
    of_person = Former("user", "ada", prefix, state_dir, {"files": files})
    assert moves_of(situation(former=of_person)).users == ["jupyter"]

    files = {RECEIPT: receipt(users=["jupyter", "_reachable-endpoint"])}
    of_all = Former("system", "root", "/opt/reachable", "/var/lib/reachable", {"files": files})
    planned = moves_of(situation({"jupyter_user": "ada"}, former=of_all, scope="user"))
    assert planned.users == ["jupyter"]
    assert planned.is_needed
