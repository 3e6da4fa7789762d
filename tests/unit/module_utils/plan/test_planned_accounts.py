"""Whose an account is, and what there is to do about one of ours."""

from __future__ import annotations

import dataclasses
from typing import Any

import bare_host
import pytest
from reachable.plan import accounts, jupyter, ways_in
from reachable.plan.distributions import Distribution

DISTRIBUTION = Distribution()
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


TUNNELS = {
    "ngrok_authtoken": bare_host.TOKEN,
    "ngrok_endpoints": [{"transport": "http"}, {"transport": "ssh"}],
}


@pytest.mark.parametrize(
    ("given", "scope", "names"),
    [
        ({}, "system", ["jupyter"]),
        (TUNNELS, "system", ["jupyter", "reachable-ngrok", "reachable-endpoint", "reachable-tunnel"]),
        ({**TUNNELS, "ngrok_endpoints": []}, "system", ["jupyter", "reachable-ngrok", "reachable-endpoint"]),
        ({**TUNNELS, "ngrok_endpoints": [], "jupyter_user": "ada"}, "user", []),
    ],
)
def test_which_accounts_are_made(given: dict[str, Any], scope: Any, names: list[str]) -> None:
    person = {**CLOSED, "uid": 1000, "comment": "", "home": "/home/ada", "group": "ada", "home_exists": True}
    there = bare_host.situation(given, {"users": {"ada": person}}, scope=scope)
    wanted = {**jupyter.accounts(there), **ways_in.accounts(there)}
    found = accounts.planned(there, wanted)
    assert [account["name"] for account in found.values()] == names == there.users_wanted
    assert all(account["is_new"] and account["any"] for account in found.values())
    homes = {kind: account["home"] for kind, account in found.items()}
    assert homes == {kind: "/var/lib/reachable/home" if kind == "jupyter" else "/nonexistent" for kind in found}
    assert [kind for kind, account in found.items() if not account["is_closed"]] == [
        kind for kind in found if kind == "ssh"
    ]


def test_an_account_that_is_right_is_left_alone() -> None:
    there = bare_host.situation({}, {"users": {"jupyter": {**CLOSED, "uid": 999, "comment": "", "home_exists": True}}})
    ours = accounts.Ours("jupyter", "the notebook user", "Runs Jupyter for Reachable")
    assert accounts.planned(there, {"jupyter": ours}) == {}
    moved = accounts.planned(there, {"jupyter": dataclasses.replace(ours, home="/var/lib/reachable/home")})
    assert moved["jupyter"]["moves"]
