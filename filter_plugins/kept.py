# SPDX-License-Identifier: Apache-2.0
"""Filters for what was given with -e, and what the receipt on the host says of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Ansible looks there by itself for modules only; the action given shares the file.
sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import given

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def read_made_with(text: str | None, specs: given.Specs) -> dict[str, Any]:
    """Read what a receipt says of the values with which the host was made."""
    found: dict[str, Any] = given.read_made_with(text, specs)._asdict()
    return found


def taken_up(recalled: Mapping[str, Any], there: Mapping[str, Any]) -> given.Values:
    """Return what was given according to the receipt, where nothing is known of it here."""
    return given.taken_up(recalled, given.MadeWith(**there))


def as_found(recalled: Mapping[str, Any], there: Mapping[str, Any], values: given.Values) -> given.Values:
    """Return what the host was made with, where it would be another value now."""
    return given.as_found(recalled, given.MadeWith(**there), values)


def to_keep(
    recalled: Mapping[str, Any], taken: given.Values, values: given.Values, is_writable: bool
) -> dict[str, Any]:
    """Decide what is kept for the next run, and say what is not."""
    decided: dict[str, Any] = given.to_keep(recalled, taken, values, is_writable)._asdict()
    return decided


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "about": given.about,
            "as_found": as_found,
            "in_force": given.in_force,
            "made_with": given.made_with,
            "read_made_with": read_made_with,
            "shown": given.shown,
            "taken_up": taken_up,
            "to_keep": to_keep,
            "with_place": given.with_place,
        }
