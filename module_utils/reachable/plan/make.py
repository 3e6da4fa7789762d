# SPDX-License-Identifier: Apache-2.0
"""The plan as a whole: what follows for a host from what is declared and from how it is, as plain data by noun."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from reachable import given

from . import (
    accounts,
    bundle,
    certificates,
    drift,
    endpoint,
    host_refusals,
    jupyter,
    keeping,
    moves,
    receipt,
    services,
    ssh_server,
    steps,
    ways_in,
)
from .ways_in import ngrok

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .situation import Situation


@dataclasses.dataclass(frozen=True)
class Record:
    """The values with which a host is made, and where they come from.

    ``recalled`` is what the action given returned. ``scopes`` says in which scopes it is installed, as far as the
    controller knows. ``takes`` is ``all`` where what the host was made with counts, and not what is declared now.
    ``is_writable`` says whether what was given can be kept on the controller. ``steps`` are those that are to be done.
    """

    values: given.Values
    specs: given.Specs
    recalled: Mapping[str, Any]
    scopes: keeping.Scopes
    takes: str
    is_writable: bool
    steps: Collection[str]


def make(there: Situation, record: Record) -> dict[str, Any]:
    """Return the plan: what is refused, and for each noun what is wanted and what of it is missing.

    Secrets are in it under ``secret``, and in the configuration of Jupyter. It is the same in check mode.
    """
    wanted = [
        *(*jupyter.services(there), *ways_in.services(there)),
        *(*there.certificate.services(), *drift.services(there)),
    ]
    moved = moves.moves_of(there)
    plan = {
        "manager": dataclasses.asdict(there.manager),
        "log_dir": there.layout.log_dir,
        "user": {key: there.user[key] for key in ("name", "group")},
        "misplaced": [*host_refusals.of_places(there)],
        "refused": [*host_refusals.of_host(there), *keeping.refused(there, record.scopes)],
        "port_refused": host_refusals.of_port(there),
        "ssh_refused": ssh_server.refusal(there),
        "accounts": accounts.planned(there, {**jupyter.accounts(there), **ways_in.accounts(there)}),
        "services": services.planned(there, wanted, moved.removed),
        "former_services": services.of_former(there),
        "drift": drift.planned(there),
        "distribution": dataclasses.asdict(there.distribution),
        "python": dataclasses.asdict(there.python),
        "bundle": bundle.planned(there),
        "jupyter": jupyter.planned(there),
        "moves": dataclasses.asdict(moved),
        "former": there.former and {"user": there.former.user, "is_there": bool(there.former.receipt)},
        # Only root may take from one what the other is to have.
        "mover": "root" if there.former else there.user["name"],
        "certificate": certificates.planned(there),
        "endpoint": endpoint.planned(there),
        "ngrok": ngrok.planned(there),
        **written_down(there, record),
    }
    if not there.only_looks:
        plan["refused"] += [*bundle.refusals(there), *steps.refusals(there, plan, record.steps)]
    return {**plan, "is_refused": any(plan[kind] for kind in ("refused", "port_refused", "ssh_refused"))}


def written_down(there: Situation, record: Record) -> dict[str, Any]:
    """Return what is written down on the host and the controller: with which values, and which of them were given."""
    recalled, values, specs = record.recalled, record.values, record.specs
    made = given.read_made_with(there.content(there.layout.receipt), specs)
    taken = given.taken_up(recalled, made)
    kept = given.to_keep(recalled, taken, values, record.is_writable)
    in_force = given.in_force(kept.values, recalled)
    file = recalled["file"] if recalled["is_there"] else None
    known = keeping.Kept(recalled["file"], recalled["found"], kept.values, record.scopes)
    return {
        "receipt": receipt.planned(there, given.made_with(values, specs, in_force)),
        "kept": {
            **keeping.planned(there, known),
            # For the next run; and as it was given before, which the host's receipt says where no file does.
            "now": {"values": in_force, "file": recalled["file"], "is_taken_up": bool(taken)},
            "before": {
                "values": given.in_force({**recalled["found"], **taken}, recalled),
                "file": file,
                "place": file or there.layout.receipt,
            },
            "sentences": kept.sentences,
            "is_known": bool(made.values),
        },
        # What the receipt says, and what of that is to be taken from it before anything is done.
        "made": made.values,
        "taken": given.as_found(recalled, made, values) if record.takes == "all" else taken,
    }
