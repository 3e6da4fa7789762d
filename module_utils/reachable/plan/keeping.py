# SPDX-License-Identifier: Apache-2.0
"""What the controller keeps of a host: cards, secrets, what was given with -e, and in which scopes it is installed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from posixpath import dirname
from typing import TYPE_CHECKING, Any

from . import jupyter, profiles, texts
from .entries import folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .entries import Entry
    from .situation import Situation

Scopes = dict[str, dict[str, str]]
"""As whom, and where, it is installed, by scope. Written before anything is made, so nothing of others is in it.

Until a scope has been left for another one, that one says ``from`` which it is moved.
"""
OF_A_SCOPE = ("prefix", "state", "user")

GIVEN = """\
# What ./reachable up was given with -e for {host}, so that the next run need not be given it again. The
# inventory and -e win over it. Change a value, or take its line out to go back to the default, and run ./reachable up.
# Without this file the host's own receipt says what was given.
{values}"""


@dataclass(frozen=True)
class Kept:
    """What was kept, and is to be kept: the file of the values, what it says, what it is to say, and the scopes."""

    file: str
    found: Mapping[str, Any]
    values: Mapping[str, Any]
    scopes: Scopes


def read_scopes(text: str) -> Scopes:
    """Read the scopes from what their file says. A crash or a person may have damaged it, then they are not known."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {scope: known for scope, known in found.items() if scope in {"system", "user"} and is_scope(known)}


def is_scope(known: Any) -> bool:
    """Tell whether something says as whom, and where, it is installed."""
    return isinstance(known, dict) and all(isinstance(known.get(key), str) and known[key] for key in OF_A_SCOPE)


def unfinished_scope(known: Scopes) -> str:
    """Return the scope to which a move was begun and not finished; empty where there is none."""
    return next((scope for scope, each in known.items() if each.get("from") in known), "")


def refused(there: Situation, known: Scopes) -> list[str]:
    """Refuse to leave a move between scopes as it was cut short: notebooks are with the one or with the other."""
    begun = unfinished_scope(known)
    if not begun or there.wanted.reachable_scope != "auto":
        return []
    sentence = (
        f"reachable_scope is auto, but on {there.name} a move to {begun} was begun and not finished: set "
        f"reachable_scope to {begun}, and ./reachable up finishes it."
    )
    return [sentence]


def planned(there: Situation, kept: Kept) -> dict[str, Any]:
    """Return what is written and removed on the controller."""
    here = {
        there.scope: {"prefix": there.layout.prefix, "state": there.layout.state_dir, "user": there.user["name"]},
    }
    begun = {there.scope: {**here[there.scope], "from": there.former.scope}} if there.former else here
    elsewhere = {scope: known for scope, known in kept.scopes.items() if scope != there.scope}
    files = [
        *(f"{there.card_dir}/card.{ending}" for ending in ("html", "txt", "json")),
        f"{there.card_dir}/{profiles.FILE}",
        scopes_file(there),
        kept.file,
        *(f"{jupyter.password_file(there)}{ending}" for ending in ("", ".new")),
        *(f"{there.tunnel_key}{ending}" for ending in ("", ".pub")),
    ]
    return {
        "entries": [*scopes(there, {**kept.scopes, **begun}), *given(there, kept)],
        # Where the host has left the scope of before, and where another scope stays.
        "entries_of_this_scope": scopes(there, here),
        "entries_of_other_scopes": scopes(there, elsewhere),
        "other_scope": next(iter(elsewhere), ""),
        "files": files,
        "folders": list(dict.fromkeys(map(dirname, files))),
    }


def scopes_file(there: Situation) -> str:
    """Return the file that says in which scopes it is installed."""
    return f"{there.card_dir}/scopes.json"


def scopes(there: Situation, known: Scopes) -> list[Entry]:
    """Return the entries that write down the scopes."""
    return [
        *map(folder, (str(there.wanted.reachable_cards_dir), there.card_dir)),
        {"path": scopes_file(there), "content": texts.json_text(known)},
    ]


def given(there: Situation, kept: Kept) -> list[Entry]:
    """Return the entries that keep what was given. A file that says the same is left as somebody wrote it."""
    if kept.values == kept.found:
        return []
    text = GIVEN.format(host=there.name, values=texts.yaml_text(kept.values, sort_keys=True))
    return [folder(dirname(kept.file), mode="0700"), {"path": kept.file, "content": text, "mode": "0600"}]
