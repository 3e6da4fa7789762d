# SPDX-License-Identifier: Apache-2.0
"""What is looked at follows from the plan: nothing that it asks for is missing, and nothing is listed twice."""

from __future__ import annotations

from typing import Any

import pytest
from bare_host import Checkout, declared, situation
from reachable.plan import layout, looks
from reachable.plan.managers import MANAGERS


def look(depth: str = "all", scope: str = "system", with_history: bool = False, **given: Any) -> dict[str, Any]:
    """Return what is looked at for a declaration."""
    wanted = declared(**given)
    before = layout.layout_before(scope, "~", wanted.reachable_prefix, wanted.reachable_state_dir)
    return looks.look(wanted, before, Checkout(), depth, with_history)


def test_nothing_is_looked_at_twice() -> None:
    files = look()["files"]
    assert len(files) == len(set(files))


@pytest.mark.parametrize("manager", MANAGERS)
@pytest.mark.parametrize("service", ["reachable-jupyter", "reachable-ngrok", "reachable-endpoint", "reachable-drift"])
def test_services_are_found_whichever_manager_there_is(manager: str, service: str) -> None:
    there = situation(facts={"service_manager": manager}).layout
    units = layout.default_places("linux", "system", "~").units
    definition = there.definition(service).replace(there.units, units)
    assert definition in look()["files"]
    assert manager == "systemd" or there.runtime_folder(service) in look()["files"]
    assert service in look()["daemons"]


def test_what_lies_elsewhere_on_macos() -> None:
    places = look()["on_macos"]
    assert places["/var/lib/reachable"] == "/var/db/reachable"
    assert places["reachable-ngrok"] == "_reachable-ngrok"
    persons = look(scope="user")["on_macos"]
    assert persons == {
        "~/.local/share/reachable": "~/Library/reachable",
        "~/.local/state/reachable": "~/Library/reachable-state",
        "~/.config/systemd/user": "~/Library/LaunchAgents",
    }


def test_a_person_is_looked_for_who_may_have_one_of_their_own() -> None:
    assert ".local/state/reachable/receipt.json" in look()["invoker_files"]
    assert "/opt/reachable/etc/jupyter" in look(scope="user")["files"]


def test_whoever_only_looks_does_not_look_at_environments() -> None:
    few = look("little", reachable_drift_schedule="daily")
    assert (few["environments"], few["calendars"], few["jupyter_config"]) == ([], [], None)
    assert few["files"] == look("all", reachable_drift_schedule="daily")["files"]


def test_an_upgrade_looks_past_what_a_rollback_has_declined() -> None:
    paths = {each["path"]: each["replace"] for each in look("upgrade")["environments"]}
    assert paths == {"/opt/reachable/server": False, "/var/lib/reachable/jupyter/kernel": False}


def test_drift_has_an_environment_a_calendar_and_git() -> None:
    all_of_it = look(reachable_drift_schedule="daily")
    assert "/opt/reachable/drift/environment" in [each["path"] for each in all_of_it["environments"]]
    assert all_of_it["calendars"] == ["daily"]
    assert "git" in all_of_it["programs"]
    assert "git" not in look()["programs"]


def test_accounts_of_services_are_those_of_the_whole_machine() -> None:
    assert look()["users"] == ["jupyter", "reachable-ngrok", "reachable-endpoint", "reachable-tunnel"]
    assert look(scope="user", jupyter_user="ada")["users"] == ["ada"]


def test_the_history_is_long_and_seldom_asked_for() -> None:
    history = "/var/lib/reachable/endpoint/history.jsonl"
    assert history not in look()["files"]
    assert history in look("little", with_history=True)["files"]


def test_the_receipt_and_what_a_bare_home_lacks_are_looked_at() -> None:
    assert "/var/lib/reachable/receipt.json" in look()["files"]
    assert {"~/.config", "~/.local/state"} <= {*look(scope="user")["files"]}
