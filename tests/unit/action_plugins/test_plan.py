"""The action plan: what it needs of Ansible, and what it returns; the thinking is tested with module_utils."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bare_host import DEFAULTS, FACTS, FILE, FOLDER, ROOM, SPECS
from reachable.plan import receipts

if TYPE_CHECKING:
    from conftest import RunAction

RECEIPT = "/var/lib/reachable/receipt.json"
SECRET = "kXf82-opqjz-9sd"


def planned(run_action: RunAction, given: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    """Return what the action says of a bare host."""
    values = {**DEFAULTS, **(given or {})}
    room = dict.fromkeys(("/opt/reachable", "/var/lib/reachable"), ROOM)
    notebooks = {values["jupyter_notebook_dir"]: {**ROOM, "nearest": "/var/lib/reachable/jupyter"}}
    host = {**FACTS, "paths": {**room, **notebooks}, **facts}
    arguments = {"platform": "linux", "scope": "system", "home": "/root", "oldest_python": "3.10"}
    variables = {"inventory_hostname": "vps"}
    return run_action("plan", variables=variables, values=values, specs=SPECS, host=host, **arguments)


def test_a_bare_host_has_nothing_against_it(run_action: RunAction) -> None:
    plan = planned(run_action)
    assert (plan["refused"], plan["misplaced"], plan["port_refused"]) == ([], [], "")
    assert plan["python"] == {"path": "/usr/bin/python3.11", "version": "3.11", "is_to_come": False}
    assert plan["settled"]["__preflight_units"] == "/etc/systemd/system"


def test_it_is_plain_data(run_action: RunAction) -> None:
    plan = planned(run_action, {"ngrok_authtoken": "2abcdefghijklmnopqrstuvwxyz_0123456789ABCDEFGHIJK"})
    assert json.loads(json.dumps(plan)) == plan


def test_no_password_and_no_authtoken_is_in_it(run_action: RunAction) -> None:
    plan = planned(run_action, {"jupyter_password": SECRET, "ngrok_authtoken": f"2abcdefghijklmnop_{SECRET}"})
    assert SECRET not in json.dumps(plan)


def test_who_only_looks_has_not_looked_where_notebooks_were(run_action: RunAction) -> None:
    receipt = {**{kind: [] for kind in receipts.KINDS}, "notebooks": ["/srv/old"]}
    files = {RECEIPT: {**FILE, "content": json.dumps(receipt)}, "/var/lib/reachable": FOLDER}
    plan = planned(run_action, None, files={**FACTS["files"], **files})
    assert plan["moves"]["notebooks"] == ["/srv/old"]
    assert not plan["moves"]["arrive"]
