# SPDX-License-Identifier: Apache-2.0
"""The plan as a whole: it is pure, and acting on it leaves nothing to do."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from acting import acted_on, missing, planned
from bare_host import TOKEN, situation
from host_kinds import SUPPORTED, there

if TYPE_CHECKING:
    from reachable.plan.situation import Situation


@pytest.mark.parametrize("name", SUPPORTED)
def test_acting_on_it_leaves_nothing_to_do(name: str) -> None:
    host = there(name)
    first = planned(host)
    assert missing(first) != []
    assert first["services"]["reachable-jupyter"]["is_to_do"]
    second = planned(acted_on(host, first))
    assert missing(second) == []
    assert second["receipt"]["surplus"] is None
    assert second["accounts"] == {}
    assert not second["jupyter"]["config_differs"]
    assert second["jupyter"]["environments_to_settle"] == []
    assert not second["services"]["reachable-jupyter"]["is_to_do"]


@pytest.mark.parametrize("name", SUPPORTED)
def test_it_is_the_same_whenever_it_is_made(name: str) -> None:
    assert planned(there(name)) == planned(dataclasses.replace(there(name), check_mode=True))


TAKEN = {"pid": 7, "command": "x", "user": "eve", "origin": "tmux", "unit": None, "next_free": 8889}
SSH = {"ngrok_authtoken": TOKEN, "ngrok_transport": "ssh"}
CLOSED = {"counts": {"denyusers": ["reachable-*"]}, "lines": []}


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        (situation(), None),
        (situation({"ngrok_domain": "me.ngrok.app"}), "refused"),
        (situation(facts={"port_holders": {"8888": TAKEN}}), "port_refused"),
        (situation(SSH, {"sshd": CLOSED}), "ssh_refused"),
    ],
)
def test_whatever_is_refused_is_counted(host: Situation, kind: str | None) -> None:
    plan = planned(host)
    assert [each for each in ("refused", "port_refused", "ssh_refused") if plan[each]] == ([kind] if kind else [])
    assert plan["is_refused"] is bool(kind)
