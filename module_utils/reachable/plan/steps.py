# SPDX-License-Identifier: Apache-2.0
"""The steps of a run, as tags choose them. A step needs that those before it have nothing to do, or are done, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from .situation import Situation

NEEDS = {"jupyter": (), "tunnel": ("jupyter",), "drift": ("jupyter",), "endpoint": ("jupyter", "tunnel")}
"""Each step, in their order, with those that it needs."""


def chosen(run_tags: Collection[str], skip_tags: Collection[str]) -> list[str]:
    """Return the steps that Ansible's ``--tags`` and ``--skip-tags`` leave."""
    return [step for step in NEEDS if match(run_tags, [step]) and step not in skip_tags]


def match(tags: Collection[str], steps: Collection[str]) -> bool:
    """Tell whether tags match any of the steps. Some have a meaning of their own in Ansible."""
    return not {"all", "tagged", *steps}.isdisjoint(tags)


def refusals(there: Situation, plan: Mapping[str, Any], steps: Collection[str]) -> Iterator[str]:
    """Say which steps are left out although there is something to do in them that chosen ones need."""
    for step in NEEDS:
        if step not in steps and has_work(step, plan) and (later := [each for each in steps if step in NEEDS[each]]):
            yield (
                f"--tags: there is something to do in the step {step} on {there.name}, which the step {later[0]} needs:"
                f" add {step} to --tags, or leave --tags out."
            )


def has_work(step: str, plan: Mapping[str, Any]) -> bool:
    """Tell whether there is something to do in a step."""
    if step == "jupyter":
        server = plan["jupyter"]
        service = plan["services"]["reachable-jupyter"]
        is_certified = not plan["certificate"]["is_to_do"]
        return bool(not (server["is_installed"] and is_certified) or server["config_differs"] or service["is_to_do"])
    return bool(plan["ngrok"]["is_to_do"]) if step == "tunnel" else False
