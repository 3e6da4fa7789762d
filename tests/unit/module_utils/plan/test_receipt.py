# SPDX-License-Identifier: Apache-2.0
"""What is written down of a host, and what goes: what nobody wants any more, a scope that is left, or all of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bare_host import ADA, FILE, FOLDER, TOKEN, situation
from reachable.plan import accounts, receipt, receipts
from reachable.plan.receipts import IN_A_MOVE
from reachable.plan.situation import Former

NOTHING: dict[str, list[str]] = {kind: [] for kind in receipts.KINDS}
RECEIPT = "/var/lib/reachable/receipt.json"
NOTEBOOKS = "/var/lib/reachable/jupyter/notebooks"
MADE_WITH = {"made_with": {"jupyter_port": 8888}, "given": []}
MADE = {
    **NOTHING,
    "services": ["reachable-jupyter"],
    "users": ["jupyter"],
    "folders": ["/opt/reachable", "/var/lib/reachable"],
    "notebooks": [NOTEBOOKS],
}
TUNNEL = {
    **MADE,
    "services": [*MADE["services"], "reachable-ngrok", "reachable-endpoint"],
    "users": ["jupyter", "reachable-ngrok", "reachable-endpoint", "reachable-tunnel"],
    "packages": ["ngrok"],
    "files": ["/etc/ssh/sshd_config.d/50-reachable-tunnel.conf"],
}


def written(made: dict[str, Any], state_dir: str = "/var/lib/reachable") -> dict[str, Any]:
    """Return the files of a host with this receipt."""
    text = json.dumps({**made, **MADE_WITH}, indent=2, sort_keys=True) + "\n"
    file = {**FILE, "mode": "0600", "content": text}
    return {state_dir: FOLDER, f"{state_dir}/receipt.json": file}


def on_host(made: dict[str, Any], given: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    """Return the plan for a host with a receipt."""
    users = {name: {**ADA, "name": name} for name in made["users"]}
    there = situation(given, {"files": {**written(made), "/opt/reachable": FOLDER}, "users": users, **facts})
    return receipt.planned(there, MADE_WITH)


def test_on_a_bare_host_everything_is_about_to_be_made() -> None:
    plan = receipt.planned(situation(), MADE_WITH)
    folder, file = plan["entries"]
    assert folder == {"path": "/var/lib/reachable", "state": "directory"}
    assert (file["path"], file["mode"]) == (RECEIPT, "0600")
    assert json.loads(file["content"]) == {**MADE, **MADE_WITH}
    assert (plan["surplus"], plan["former"], plan["end"]["is_any"]) == (None, None, False)


def test_what_is_written_down_already_is_not_written_again() -> None:
    assert on_host(MADE)["entries"] == []
    assert on_host(MADE, {"jupyter_port": 9999})["entries"] == []


def test_acting_on_it_leaves_nothing_to_write() -> None:
    first = receipt.planned(situation({"ngrok_authtoken": TOKEN}), MADE_WITH)
    made = json.loads(first["entries"][-1]["content"])
    second = on_host({kind: made[kind] for kind in receipts.KINDS}, {"ngrok_authtoken": TOKEN})
    assert (second["entries"], second["surplus"]) == ([], None)


def test_a_tunnel_that_nobody_wants_any_more_goes_and_the_rest_is_written_down() -> None:
    plan = on_host(TUNNEL, {"ngrok_transport": "none"})
    surplus = plan["surplus"]
    assert [service["name"] for service in surplus["services"]] == ["reachable-ngrok", "reachable-endpoint"]
    assert surplus["users"] == ["reachable-ngrok", "reachable-endpoint", "reachable-tunnel"]
    assert surplus["packages"] == [
        {"file": "/var/lib/dpkg/info/ngrok.list", "command": ["dpkg", "--purge", "ngrok"]},
    ]
    assert surplus["reloads_sshd"]
    assert surplus["keep"] == [RECEIPT]
    assert (surplus["users_to_end"], surplus["orphans"], surplus["groups"]) == ([], [], [])
    assert json.loads(plan["rest"][-1]["content"]) == {**MADE, **MADE_WITH}


def test_a_receipt_that_is_lost_is_written_anew_from_what_there_is() -> None:
    config = {"/opt/reachable/etc/jupyter/jupyter_server_config.json": FILE, "/opt/reachable": FOLDER}
    ours = {**ADA, "name": "jupyter", "group": "jupyter", "comment": accounts.JUPYTER_COMMENT}
    there = situation(facts={"files": {**config, "/var/lib/reachable": FOLDER}, "users": {"jupyter": ours}})
    plan = receipt.planned(there, MADE_WITH)
    assert json.loads(plan["entries"][-1]["content"])["folders"] == MADE["folders"]
    assert plan["end"]["is_any"]


@pytest.mark.parametrize(
    ("rooms", "purge", "kept", "orphans"),
    [
        ({NOTEBOOKS: {"empty": True}}, False, [], []),
        ({NOTEBOOKS: {"empty": False}}, False, [NOTEBOOKS], ["/var/lib/reachable/jupyter"]),
        ({NOTEBOOKS: {"empty": False}}, True, [], []),
    ],
)
def test_at_the_end_notebooks_stay_unless_people_purge(
    rooms: dict[str, Any], purge: bool, kept: list[str], orphans: list[str]
) -> None:
    not_moving = {f"{NOTEBOOKS}{suffix}": {"empty": True} for suffix in IN_A_MOVE}
    end = on_host(MADE, {"reachable_purge": purge}, paths={**not_moving, **rooms})["end"]
    removal = end["removal"]
    assert end["kept"] == kept
    assert removal["keep"] == [*kept, RECEIPT]
    assert removal["orphans"] == orphans
    assert (NOTEBOOKS in removal["files"]) == purge
    assert removal["users_to_end"] == removal["sessions_to_end"] == removal["users"] == ["jupyter"]
    stays = json.loads(end["entries"][-1]["content"])
    assert stays == {**NOTHING, "folders": ["/var/lib/reachable"], "notebooks": kept}


UNIT = {**FILE, "content": "[Service]\nWorkingDirectory=/var/lib/reachable/mine\n"}
CONFIG = {**FILE, "content": json.dumps({"ServerApp": {"root_dir": "/var/lib/reachable/mine"}})}
PLACES = {
    "unit": {"/etc/systemd/system/reachable-jupyter.service": UNIT},
    "config": {"/opt/reachable/etc/jupyter/jupyter_server_config.json": CONFIG},
}
DAMAGED = {"lost": {}, "empty": {RECEIPT: FILE}, "a folder": {RECEIPT: FOLDER}}
DAMAGED |= {"cut short": {RECEIPT: {**FILE, "content": json.dumps(MADE)[:40]}}}
DAMAGED |= {"of another type": {RECEIPT: {**FILE, "content": json.dumps([MADE])}}}
DAMAGED |= {"unreadable": {RECEIPT: {**FILE, "content": None}}}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_without_a_receipt_notebooks_stay_where_jupyter_serves_them(
    damage: dict[str, Any], place: dict[str, Any]
) -> None:
    end = receipt.planned(situation(facts={"files": {**damage, **place}}), MADE_WITH)["end"]
    assert "/var/lib/reachable/mine" in end["removal"]["keep"]
    assert end["refused"] == ""
    assert json.loads(end["entries"][-1]["content"])["notebooks"] == ["/var/lib/reachable/mine", NOTEBOOKS]


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_where_nobody_knows_of_notebooks_nothing_is_removed(damage: dict[str, Any]) -> None:
    config = {"/opt/reachable/etc/jupyter/jupyter_server_config.json": FILE}
    for files in filter(None, (damage, {**damage, **config})):
        assert receipt.planned(situation(facts={"files": files}), MADE_WITH)["end"]["refused"] == (
            "The receipt /var/lib/reachable/receipt.json on vps is damaged or lost, and nothing else says where "
            "notebooks are: run ./reachable up first, which writes it anew."
        )


def test_nothing_is_removed_from_a_disk_that_is_mounted_read_only() -> None:
    end = on_host(MADE, paths={"/opt/reachable": {"writable": False}})["end"]
    assert end["refused"] == (
        "/opt/reachable on vps cannot be written, so nothing is removed: see whether the disk is mounted read-only "
        "there (findmnt), mount it for writing, and run this again."
    )
    assert on_host(MADE)["end"]["refused"] == ""


def test_notebooks_that_a_receipt_does_not_list_stay_where_jupyter_serves_them() -> None:
    there = situation(facts={"files": {**written(MADE), **PLACES["unit"]}, "users": {"jupyter": ADA}})
    end = receipt.planned(there, MADE_WITH)["end"]
    assert "/var/lib/reachable/mine" in end["kept"]


def test_notebooks_stay_in_the_middle_of_a_move_to_another_disk() -> None:
    rooms = {f"{NOTEBOOKS}{suffix}": {"empty": suffix != ".gone"} for suffix in IN_A_MOVE}
    end = on_host(MADE, paths=rooms)["end"]
    assert end["kept"] == [f"{NOTEBOOKS}.gone"]
    assert end["removal"]["keep"] == [f"{NOTEBOOKS}.gone", RECEIPT]
    assert json.loads(end["entries"][-1]["content"])["notebooks"] == [NOTEBOOKS]


def test_notebooks_that_nobody_has_looked_at_stay() -> None:
    elsewhere = {**MADE, "notebooks": ["/srv/notebooks"]}
    assert on_host(elsewhere)["end"]["kept"] == [f"/srv/notebooks{suffix}" for suffix in IN_A_MOVE]


def test_locks_are_waited_for_where_something_is_there() -> None:
    assert on_host(MADE)["end"]["locks"] == [
        "/opt/reachable/tools.lock",
        "/opt/reachable/server.lock",
        "/opt/reachable/kernel.lock",
        "/opt/reachable/acme/environment.lock",
        "/opt/reachable/drift/environment.lock",
    ]
    assert receipt.planned(situation(), MADE_WITH)["end"]["locks"] == []


def test_what_was_made_for_a_person_goes_but_for_the_python_that_only_root_can_bring_back() -> None:
    state_dir = "/home/ada/.local/state/reachable"
    made = {
        **NOTHING,
        "services": ["reachable-jupyter"],
        "packages": ["python3.12"],
        "folders": ["/home/ada/.local/share/reachable", state_dir],
        "lingering": ["ada"],
    }
    bare = situation().facts
    facts = {key: bare[key] for key in ("system", "python", "service_manager", "macos", "port_holders", "daemons")}
    facts |= {"user": {**ADA, "lingers": True, "may_linger": True}, "files": written(made, state_dir)}
    former = Former("user", "ada", "/home/ada/.local/share/reachable", state_dir, facts)
    plan = receipt.planned(situation(former=former), MADE_WITH)["former"]
    assert plan["removal"]["packages"] == []
    assert plan["removal"]["lingering"] == ["ada"]
    [service] = plan["removal"]["services"]
    assert service["definition"] == "/home/ada/.config/systemd/user/reachable-jupyter.service"
    assert plan["removal"]["user"] == "ada"
    assert plan["removal"]["keep"] == [f"{state_dir}/receipt.json"]
    assert plan["locks"][0] == "/home/ada/.local/share/reachable/tools.lock"


def test_whatever_a_receipt_names_the_plan_is_made() -> None:
    odd = {**MADE, "services": ["reachable-jupyter", "other"], "packages": ["other", "ngrok-cask", "python3.12"]}
    removal = on_host(odd)["end"]["removal"]
    assert [service["name"] for service in removal["services"]] == ["reachable-jupyter", "other"]
    assert not removal["services"][1]["is_there"]
    assert [package["file"] for package in removal["packages"]] == ["/usr/bin/python3.12"]


@pytest.mark.parametrize("entry", [1, None, ["x"], {"path": "/x"}])
def test_a_receipt_in_which_something_is_no_text_is_one_that_nobody_can_read(entry: Any) -> None:
    assert receipts.read(json.dumps({**MADE, "folders": [entry]})) == {}
