# SPDX-License-Identifier: Apache-2.0
"""The bundle: the packages of a host that has no way to a package index."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reachable.bundles import ABOUT, WHEELS, BundleError, Target, digest, targets_in

from . import drift, environments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .layout import Layout
    from .situation import Situation


def folder(layout: Layout) -> str:
    """Return where a host keeps it unpacked, for repairs."""
    return f"{layout.prefix}/bundle"


def files(layout: Layout) -> list[str]:
    """Return the files and folders to look at."""
    return [folder(layout), f"{folder(layout)}/{ABOUT}"]


def wanted_environments(there: Situation) -> list[dict[str, Any]]:
    """Return the environments that a host is to have."""
    makers = (environments.tools_wanted, environments.server_wanted, environments.kernel_wanted)
    own = [drift.environment(there.layout, there.project)] if drift.is_wanted(there.wanted) else []
    return [*(make(there) for make in makers), *own]


def target(there: Situation) -> Target:
    """Return what kind of host it is, and what is wanted there."""
    wanted = wanted_environments(there)
    return Target(
        python=(there.facts["python"] or {}).get("version") or "",
        architecture=there.facts["system"]["architecture"],
        system=there.layout.platform,
        locks=[digest(each["requirements"]) for each in wanted],
        packages=sorted(there.wanted.jupyter_packages),
        requirements=[digest(there.requirements)] if there.requirements else [],
    )


def sources(there: Situation) -> dict[str, str]:
    """Return the variables by which pip and uv take packages from it, and from nowhere else."""
    if there.wanted.reachable_bundle is None:
        return {}
    wheels = f"{folder(there.layout)}/{WHEELS}"
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, "UV_FIND_LINKS": wheels}


def is_left_over(there: Situation) -> bool:
    """Tell whether a host has one that nobody wants any more."""
    return there.wanted.reachable_bundle is None and there.is_there(folder(there.layout))


def is_to_bring(there: Situation) -> bool:
    """Tell whether a host lacks it, and has something to install from it."""
    if there.wanted.reachable_bundle is None:
        return False
    own = drift.environments_to_settle(there) if drift.is_wanted(there.wanted) else []
    differs = there.content(f"{folder(there.layout)}/{ABOUT}") != there.bundle
    return differs and bool(environments.to_settle(there) or own)


def differs(there: Situation) -> bool:
    """Tell whether there is something to do for it."""
    return is_to_bring(there) or is_left_over(there)


def planned(there: Situation) -> dict[str, Any]:
    """Return what roles need of it as plain data."""
    place = folder(there.layout)
    return {
        "file": there.wanted.reachable_bundle,
        "folder": place,
        "is_there": there.is_there(place),
        "is_to_bring": is_to_bring(there),
        "is_left_over": is_left_over(there),
        "sources": sources(there),
    }


def contents(there: Situation) -> dict[str, Any]:
    """Return what a bundle for the host has to be made of, as the module package_bundle needs it."""
    asked = ("requirements", "packages", "user_requirements")
    return {
        "target": asdict(target(there)),
        "environments": [{key: each[key] for key in asked if key in each} for each in wanted_environments(there)],
        "python": there.python.path,
    }


def refusals(there: Situation) -> Iterator[str]:
    """Refuse a bundle that is none, or is for something else."""
    file = there.wanted.reachable_bundle
    if file is not None and (fault := fault_of(there)):
        yield (
            f"reachable_bundle is '{file}', which {fault}: make one with './reachable bundle', with the variables of "
            f"{there.name}, where there is a network."
        )


def fault_of(there: Situation) -> str:
    """Return what is wrong with it for this host; empty where nothing is."""
    if there.bundle_problem:
        return f"cannot be used, as {there.bundle_problem}"
    try:
        found = targets_in(there.bundle or "")
    except BundleError as error:
        return f"cannot be used, as {error}"
    lacking = lacks(target(there), found)
    return f"has nothing for {lacking}" if lacking else ""


def lacks(wanted: Target, found: list[Target]) -> str:
    """Return what no target of a bundle is for; empty where one is for all that is wanted."""
    kind = (wanted.python, wanted.architecture, wanted.system)
    fitting = [each for each in found if (each.python, each.architecture, each.system) == kind]
    if not fitting:
        return f"Python {wanted.python} on {wanted.system} and {wanted.architecture}"
    locked = [each for each in fitting if {*wanted.locks} <= {*each.locks}]
    if not locked:
        return "the packages that this version of Reachable, or jupyter_server_extensions, asks for"
    least = min(({*wanted.packages} - {*each.packages} for each in locked), key=len)
    if least:
        return f"{', '.join(sorted(least))} of jupyter_packages"
    if all({*wanted.requirements} - {*each.requirements} for each in locked):
        return "jupyter_requirements_file as it is now"
    return ""
