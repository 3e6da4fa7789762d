"""Tags choose steps, and a step is refused where one that it needs is left out and has something to do."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from acting import RECORD, acted_on, planned
from bare_host import TOKEN
from host_kinds import there
from reachable.plan import make, steps

if TYPE_CHECKING:
    from reachable.plan.situation import Situation


def declared(authtoken: str | None) -> Situation:
    """Return a bare host, with a tunnel where there is an authtoken."""
    host = there("ubuntu2204")
    wanted = dataclasses.replace(host.wanted, ngrok_authtoken=authtoken, ngrok_endpoints=[])
    return dataclasses.replace(host, wanted=wanted)


@pytest.mark.parametrize(
    ("run_tags", "skip_tags", "chosen"),
    [
        (["all"], [], ["jupyter", "tunnel", "drift", "endpoint"]),
        (["tagged"], [], ["jupyter", "tunnel", "drift", "endpoint"]),
        (["endpoint", "jupyter", "other"], [], ["jupyter", "endpoint"]),
        (["all"], ["drift", "nightly"], ["jupyter", "tunnel", "endpoint"]),
        (["tunnel"], ["tunnel"], []),
        (["untagged"], [], []),
    ],
)
def test_tags_choose_steps(run_tags: list[str], skip_tags: list[str], chosen: list[str]) -> None:
    assert steps.chosen(run_tags, skip_tags) == chosen


@pytest.mark.parametrize(
    ("chosen", "missing", "later"),
    [
        (["jupyter", "tunnel", "drift", "endpoint"], None, None),
        (["jupyter", "tunnel"], None, None),
        (["jupyter"], None, None),
        ([], None, None),
        (["tunnel"], "jupyter", "tunnel"),
        (["drift"], "jupyter", "drift"),
        (["tunnel", "endpoint"], "jupyter", "tunnel"),
        (["jupyter", "endpoint"], "tunnel", "endpoint"),
    ],
)
def test_what_a_step_needs_is_not_left_out(chosen: list[str], missing: str | None, later: str | None) -> None:
    host = declared(TOKEN)
    plan = make.make(host, dataclasses.replace(RECORD, steps=chosen))
    refused = (
        f"--tags: there is something to do in the step {missing} on {host.name}, which the step {later} needs: "
        f"add {missing} to --tags, or leave --tags out."
    )
    assert plan["refused"] == ([refused] if missing else [])


@pytest.mark.parametrize("step", steps.NEEDS)
def test_where_nothing_is_to_do_a_step_needs_no_other(step: str) -> None:
    host = declared(None)
    done = acted_on(host, planned(host))
    assert make.make(done, dataclasses.replace(RECORD, steps=[step]))["refused"] == []


def test_whoever_only_looks_is_not_refused() -> None:
    host = dataclasses.replace(declared(None), only_looks=True)
    assert make.make(host, dataclasses.replace(RECORD, steps=["endpoint"]))["refused"] == []
