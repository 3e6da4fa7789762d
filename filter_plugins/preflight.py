# SPDX-License-Identifier: Apache-2.0
"""Filters for the checks before the first change."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Ansible looks there by itself for modules only.
sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import files
from reachable.plan.entries import missing_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def without_holders(holders: Mapping[str, Any], seen: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return who holds which port, but for what lies below a prefix, as somebody has seen it who may."""
    theirs = {port for port, holder in seen.items() if holder and f"{prefix}/" in holder["command"]}
    return {port: None if port in theirs else holder for port, holder in holders.items()}


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "missing_entries": missing_entries,
            "is_writable_folder": files.is_writable_folder,
            "without_holders": without_holders,
        }
