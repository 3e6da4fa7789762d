# SPDX-License-Identifier: Apache-2.0
"""The plan as a whole: it is pure, and acting on it leaves nothing to do."""

from __future__ import annotations

import dataclasses

import pytest
from acting import acted_on, missing, planned
from host_kinds import SUPPORTED, there


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
