"""What people should know of a host, beside its addresses."""

from __future__ import annotations

from typing import Any

import pytest
from bare_host import ADA, TOKEN, situation
from reachable.plan import notes
from reachable.plan.situation import Controller

PERSON = {**ADA, "lingers": False, "may_linger": False, "becomes_root": False}
TUNNEL = {"ngrok_authtoken": TOKEN}


@pytest.mark.parametrize(
    ("scope", "manager", "user", "words"),
    [
        ("system", "systemd", {}, []),
        ("user", "systemd", PERSON, ["Jupyter ends when ada logs out"]),
        ("user", "systemd", {**PERSON, "lingers": True}, []),
        ("user", "systemd", {**PERSON, "may_linger": True}, []),
        ("user", "supervisord", PERSON, ["After a restart of the machine"]),
        ("system", "supervisord", {}, []),
        ("user", "launchd", PERSON, []),
    ],
)
def test_when_jupyter_ends(scope: str, manager: str, user: dict[str, Any], words: list[str]) -> None:
    given = {"jupyter_user": "ada"} if scope == "user" else {}
    facts = {"service_manager": manager, "user": user, "users": {"ada": {**ADA, "home_exists": True, "comment": ""}}}
    found = list(notes.of_session(situation(given, facts, scope=scope)))
    assert [note.startswith(word) for note, word in zip(found, words, strict=True)] == len(words) * [True]


@pytest.mark.parametrize(
    ("wsl", "manager", "given", "words"),
    [
        (False, "systemd", {}, []),
        (True, "systemd", {}, ["Windows ends WSL", "Windows lets only itself"]),
        (True, "supervisord", {}, ["WSL runs no systemd", "Windows ends WSL", "Windows lets only itself"]),
        (True, "systemd", TUNNEL, ["Windows ends WSL"]),
    ],
)
def test_what_windows_does(wsl: bool, manager: str, given: dict[str, Any], words: list[str]) -> None:
    found = list(notes.of_wsl(situation(given, {"system": {"wsl": wsl}, "service_manager": manager})))
    assert [note.startswith(word) for note, word in zip(found, words, strict=True)] == len(words) * [True]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0.9, []),
        (-0.9, []),
        (-400.5, ["The clock of vps is 400 days behind this machine's: "]),
        (2, ["The clock of vps is 2 days ahead of this machine's: "]),
    ],
)
def test_whose_clock_is_wrong(days: float, words: list[str]) -> None:
    there = situation(controller=Controller(seconds_ahead=days * 86400))
    found = list(notes.of_clock(there))
    assert [note.startswith(word) for note, word in zip(found, words, strict=True)] == len(words) * [True]


MAC = {"domain": "system", "firewall": "off", "may_make_users": True}


@pytest.mark.parametrize(
    ("macos", "given", "words"),
    [
        (MAC, {}, []),
        ({**MAC, "domain": "user/501"}, {}, ["Nobody is logged in"]),
        ({**MAC, "domain": "gui/501"}, {}, ["Jupyter starts when jupyter logs in"]),
        (MAC, {"jupyter_notebook_dir": "/root"}, ["macOS does not let Jupyter look"]),
        ({**MAC, "firewall": "on"}, {}, ["The firewall of this Mac is on"]),
        ({**MAC, "firewall": "on"}, TUNNEL, []),
    ],
)
def test_what_macos_keeps_from_jupyter(macos: dict[str, Any], given: dict[str, Any], words: list[str]) -> None:
    found = list(notes.of_macos(situation(given, {"macos": macos, "service_manager": "launchd"})))
    assert [note.startswith(word) for note, word in zip(found, words, strict=True)] == len(words) * [True]


@pytest.mark.parametrize(("firewall", "expected"), [("on", False), ("blocking", True)])
def test_a_firewall_that_blocks_everything(firewall: str, expected: bool) -> None:
    there = situation({}, {"macos": {**MAC, "firewall": firewall}, "service_manager": "launchd"})
    (note,) = notes.of_macos(there)
    assert ("and take back that it blocks" in note) is expected
