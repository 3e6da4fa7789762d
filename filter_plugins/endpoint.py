# SPDX-License-Identifier: Apache-2.0
"""Filters for what conditions of tasks ask about the addresses of a host."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Ansible looks there by itself for modules only.
sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable.plan import published, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def published_online(text: str | None, names: Iterable[str], port: int) -> list[str]:
    """Return the addresses of the tunnels of these names that a host publishes as online."""
    return published.online(published.tunnels(text, names, port))


def is_reached(plan: Mapping[str, Any], findings: list[say.Finding], check_mode: bool) -> bool:
    """Tell whether the doctor has reached Jupyter, or will have once it is repaired."""
    return say.Seen(host="", plan=plan, here=findings, there=None, now="", check_mode=check_mode).is_reached


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"is_dying": say.is_dying, "is_reached": is_reached, "published_online": published_online}
