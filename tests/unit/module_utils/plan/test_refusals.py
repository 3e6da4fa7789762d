"""Whatever cannot be meant ends in its exact sentence, before anything is looked at on a host.

Where only a host can tell, the scenario ``invalid_input`` has the sentences.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from bare_host import DEFAULTS, SPECS
from reachable.plan.declaration import Declaration

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import RunAction

    Refused = Callable[..., list[str]]

CASES: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "refusals.yml").read_text())
CASES.pop("schedule")  # what several have in common
PLACE = "inventory/given/vps.yml"


@pytest.fixture
def refused(run_action: RunAction) -> Refused:
    """Return a function that returns the sentences in which a declaration ends."""

    def sentences(given: dict[str, Any], **options: Any) -> list[str]:
        values = {**DEFAULTS, **given}
        common = {"platform": "linux", "scope": "system", "home": "~"}
        arguments = {**common, "checks": True, "kept": {}, "place": PLACE, **options}
        variables = {"inventory_hostname": "vps", **given}
        looked_at = run_action(
            "plan",
            execute=lambda *_, **__: {"looked": True},
            variables=variables,
            values=values,
            specs=SPECS,
            **arguments,
        )
        assert looked_at.get("looked", False) == ("refused" not in looked_at)
        return list(looked_at.get("refused", []))

    return sentences


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_cannot_be_meant(case: dict[str, Any], refused: Refused) -> None:
    wanted = [case["sentence"]] if isinstance(case["sentence"], str) else case["sentence"]
    sentences = [re.sub(r"{{ given\.(\w+) }}", lambda match: case["given"][match[1]], each) for each in wanted]
    assert sorted(refused(case["given"])) == sorted(sentences)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"jupyter_port": "9999", "jupyter_password_allow_weak": "true"},  # as after -e
        {"ngrok_transport": "none", "ngrok_domain": "mine.ngrok-free.dev"},
        {"reachable_scope": "user", "reachable_prefix": "~/.local/share/reachable"},
    ],
)
def test_what_can(given: dict[str, Any], refused: Refused) -> None:
    assert refused(given, scope=given.get("reachable_scope", "system")) == []


def test_a_home_is_known_once_the_host_was_looked_at(refused: Refused) -> None:
    given = {"jupyter_notebook_dir": "/Users/ada", "reachable_prefix": "/Users/ada/Library/reachable"}
    assert refused(given, platform="macos", scope="user", home="/Users/ada") == []


def test_a_requirements_file_is_refused_by_its_lines(refused: Refused, tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("numpy\n-r more.txt\n  ./mine\n--index-url https://example.org\n", encoding="utf-16")
    first, second = refused({"jupyter_requirements_file": str(file)})
    assert first.startswith("jupyter_requirements_file has '-r more.txt' in line 2, and only the file itself goes to ")
    assert second.startswith("jupyter_requirements_file has './mine' in line 3, a path, and only the file itself goes ")


def test_a_host_that_pulls_needs_a_schedule(refused: Refused) -> None:
    [sentence] = refused({}, pulled=True)
    assert sentence.startswith("reachable_drift_schedule is not set for vps in the repository: ")


def test_where_a_value_is_kept_is_said(refused: Refused) -> None:
    given = {"jupyter_port": 0, "jupyter_login_days": 0}
    assert refused(given, kept={"jupyter_port": 0}) == [
        f"jupyter_port is 0: give a number from 1 to 65535. It is kept in {PLACE}.",
        "jupyter_login_days is 0: give a number of days, from 1 to 400.",
    ]
    assert refused(given, kept={"jupyter_login_days": 0}, only_kept=True) == [
        f"jupyter_login_days is 0: give a number of days, from 1 to 400. It is kept in {PLACE}."
    ]


def test_the_variables_are_those_of_the_roles() -> None:
    assert [field.name for field in dataclasses.fields(Declaration)] == list(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_no_value_of_another_kind_breaks_it(name: str, refused: Refused) -> None:
    for value in (None, "", "x", 0, -1, 1.5, True, [], ["x"], [None], {}, {"x": "y"}, {1: 2}):
        assert all(sentence.endswith((".", "?")) for sentence in refused({name: value}))
