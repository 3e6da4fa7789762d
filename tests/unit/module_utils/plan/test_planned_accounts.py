"""Whose an account is, and what there is to do about one of ours."""

from __future__ import annotations

from typing import Any

import pytest
from reachable.plan import accounts

DISTRIBUTION = {"no_home": "/nonexistent", "no_shell": "/usr/sbin/nologin"}
BEFORE = {"comment": "Runs Jupyter for Reachable", "home": "/var/lib/reachable/jupyter"}
CLOSED = {
    "home": "/nonexistent",
    "shell": "/usr/sbin/nologin",
    "group": "jupyter",
    "groups": [],
    "expired": True,
    "lingers": False,
    "in_session": False,
}
NOTHING = {"is_new": False, "differs": False, "moves": False, "is_open": False, "any": False}


@pytest.mark.parametrize(
    ("found", "made", "is_ours"),
    [
        (None, [], True),
        ({"comment": "", "home": "/nonexistent"}, ["jupyter"], True),
        ({"comment": "Runs Jupyter for Reachable", "home": "/var/lib/reachable/home"}, [], True),
        ({"comment": "", "home": "/var/lib/reachable/jupyter"}, [], True),
        ({"comment": "Ada", "home": "/home/ada"}, ["another"], False),
        ({"comment": "", "home": "/nonexistent"}, [], False),
    ],
)
def test_whose_it_is(found: dict[str, Any] | None, made: list[str], is_ours: bool) -> None:
    assert accounts.is_made_here(found, "jupyter", made, BEFORE) is is_ours


@pytest.mark.parametrize(
    ("found", "work"),
    [
        (CLOSED, {}),
        (None, {"is_new": True, "differs": True}),
        ({**CLOSED, "home": "/var/lib/reachable/jupyter"}, {"differs": True, "moves": True}),
        ({**CLOSED, "expired": False}, {"differs": True}),
        ({**CLOSED, "groups": ["adm"]}, {"differs": True}),
        ({**CLOSED, "lingers": True}, {"is_open": True}),
        ({**CLOSED, "lingers": True, "expired": False}, {"is_open": True}),
        ({**CLOSED, "in_session": True}, {"is_open": True}),
    ],
)
def test_what_there_is_to_do(found: dict[str, Any] | None, work: dict[str, bool]) -> None:
    host = {"users": {"jupyter": found}, "macos": None}
    assert accounts.account_work(host, "jupyter", DISTRIBUTION) == {**NOTHING, **work, "any": bool(work)}


def test_an_account_that_lets_people_in() -> None:
    host = {"users": {"tunnel": {**CLOSED, "group": "tunnel", "expired": False, "in_session": True}}, "macos": None}
    assert accounts.account_work(host, "tunnel", DISTRIBUTION, is_closed=False) == NOTHING


def test_macos_keeps_no_expiry() -> None:
    host = {"users": {"jupyter": {**CLOSED, "expired": None}}, "macos": {"domain": "system"}}
    assert accounts.account_work(host, "jupyter", DISTRIBUTION) == NOTHING
