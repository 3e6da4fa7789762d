# SPDX-License-Identifier: Apache-2.0
"""Filters for the checks before the first change."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DEFAULT_MODES = {"file": "0644", "directory": "0755"}


def unknown_names(given: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return a sentence for each given name that is not known, with the known one that it resembles most."""
    known = list(known)
    sentences = []
    for name in sorted(set(filter(None, given)) - set(known)):
        close = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {close[0]}?" if close else "the README lists all that there are."
        sentences.append(f"There is no variable {name}: {advice}")
    return sentences


def differing(entries: Iterable[Mapping[str, str]], found: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, str]]:
    """Return those entries for the module file_tree that are not on the host as host_info found it."""
    return [entry for entry in entries if wanted(entry) != {**found.get(entry["path"], {}), "path": entry["path"]}]


def wanted(entry: Mapping[str, str]) -> dict[str, Any]:
    """Complete an entry with the defaults that file_tree has for root."""
    state = entry.get("state", "file")
    owner = entry.get("owner", "root")
    return {
        "path": entry["path"],
        "state": state,
        "owner": owner,
        "group": entry.get("group", owner),
        "mode": entry.get("mode", DEFAULT_MODES[state]),
        "content": entry.get("content", "") if state == "file" else None,
    }


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"differing": differing, "unknown_names": unknown_names}
