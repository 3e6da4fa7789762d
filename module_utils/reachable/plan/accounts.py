# SPDX-License-Identifier: Apache-2.0
"""The accounts as which services run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .distributions import Distribution
    from .situation import Situation

Found = dict[str, Any]
"""What the module host_info knows of an account."""

JUPYTER_COMMENT = "Runs Jupyter for Reachable"


@dataclass(frozen=True)
class Account:
    """The account as which Jupyter runs: whether we make it, and what it has."""

    name: str
    is_ours: bool
    home: str
    group: str
    is_there: bool
    is_root: bool
    home_is_there: bool


def notebook_account(found: Found | None, name: str, made: Iterable[str], jupyter_home: str) -> Account:
    """Return the account of the notebook user. One of ours has its home in the folder that is ours."""
    is_ours = is_made_here(found, name, made, {"comment": JUPYTER_COMMENT, "home": jupyter_home})
    return Account(
        name=name,
        is_ours=is_ours,
        home=jupyter_home if is_ours or found is None else found["home"],
        group=name if is_ours or found is None else found["group"],
        is_there=found is not None,
        is_root=found is not None and found["uid"] == 0,
        home_is_there=is_ours or (found is not None and found["home_exists"]),
    )


def is_made_here(found: Found | None, name: str, made: Iterable[str], before: Found) -> bool:
    """Tell whether an account is one that Reachable makes, and not one that was there for somebody else.

    ``made`` are those of the receipt. Should that be lost, it is known by its comment, or by its home as it was
    ``before`` its home became root's.
    """
    return found is None or name in made or any(found[key] == value for key, value in before.items())


def account_work(
    host: Mapping[str, Any], name: str, distribution: Distribution, home: str = "", is_closed: bool = True
) -> dict[str, bool]:
    """Tell what there is to do so that an account of a host is as a service's should be.

    One that ``is_closed`` has expired, where the system keeps an expiry. ``is_new`` says that it is to be made,
    ``differs`` that it is to be made or changed, ``moves`` that its home is another one, for which nothing of it may
    run, and ``is_open`` that it has sessions to end. ``any`` is whether there is anything at all.
    """
    found: Found | None = host["users"].get(name)
    wanted: dict[str, Any] = {
        "home": home or distribution.no_home,
        "shell": distribution.no_shell,
        "group": name,
        "groups": [],
    }
    is_open = found is not None and is_closed and (found["lingers"] or found["in_session"])
    # Before its sessions are ended, an account is let expire.
    if not host["macos"] and not is_open:
        wanted["expired"] = is_closed
    work = {
        "is_new": found is None,
        "differs": found is None or any(found[key] != value for key, value in wanted.items()),
        "moves": found is not None and found["home"] != wanted["home"],
        "is_open": is_open,
    }
    return {**work, "any": any(work.values())}


@dataclass(frozen=True)
class Ours:
    """An account that is made: what people call it, and what the system does. A home of its own is rare.

    ``services`` run as it. One that is not closed lets people in.
    """

    name: str
    title: str
    comment: str
    services: list[str] = field(default_factory=list)
    home: str = ""
    is_closed: bool = True


def planned(there: Situation, wanted: Mapping[str, Ours]) -> dict[str, dict[str, Any]]:
    """Return the accounts about which there is something to do on a host: what they are to have, and what is to do."""
    works = {
        name: {
            **dataclasses.asdict(ours),
            "home": ours.home or there.distribution.no_home,
            **account_work(there.facts, ours.name, there.distribution, ours.home, ours.is_closed),
        }
        for name, ours in wanted.items()
    }
    return {name: work for name, work in works.items() if work["any"]}
