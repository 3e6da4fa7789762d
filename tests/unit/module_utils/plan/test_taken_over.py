"""What an older version has installed is taken over as it is: nothing is made a second time, moved, lost or restarted.

What is in the folder `installed` is what host_info says of a real Debian 13 with such an installation. Passwords and
addresses are others, of files there is only what the plan reads, and the texts of our own programs say "of before".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from acting import planned
from bare_host import situation
from reachable.plan import receipts

if TYPE_CHECKING:
    from reachable.plan.situation import Situation

INSTALLED = sorted((Path(__file__).parents[2] / "installed").glob("*.json"))
OF_BEFORE = "of before\n"


@pytest.fixture(params=INSTALLED, ids=lambda file: file.stem)
def host(request: pytest.FixtureRequest) -> Situation:
    facts: dict[str, Any] = json.loads(request.param.read_text())
    return situation(facts=facts)


def test_nothing_is_made_a_second_time(host: Situation) -> None:
    plan = planned(host)
    assert plan["refused"] == plan["misplaced"] == []
    assert plan["port_refused"] == ""
    assert plan["accounts"] == {}
    assert plan["jupyter"]["environments_to_settle"] == []
    assert not plan["moves"]["is_needed"]
    assert not plan["jupyter"]["config_differs"]
    assert host.current_hash == "argon2:$argon2id$v=19$m=10240,t=10,p=8$c2FsdA$aGFzaA"


def test_its_service_goes_on_as_it_is(host: Situation) -> None:
    service = planned(host)["services"]["reachable-jupyter"]
    assert service["missing"] == []
    assert not service["is_to_start"]


def test_only_our_own_programs_are_renewed(host: Situation) -> None:
    missing = planned(host)["jupyter"]["extension_missing"] + planned(host)["jupyter"]["folders_missing"]
    changed = [each["path"] for each in missing if host.is_there(each["path"])]
    assert changed != []
    assert {host.content(path) for path in changed} == {OF_BEFORE}


def test_its_receipt_loses_nothing(host: Situation) -> None:
    before = host.receipt
    assert before["users"] == ["jupyter"]
    plan = planned(host)["receipt"]
    assert plan["surplus"] is None
    written = [each for each in plan["entries"] if each["path"] == host.layout.receipt]
    after = receipts.read(written[0]["content"])
    assert {kind: [*filter(after[kind].__contains__, names)] for kind, names in before.items()} == before
