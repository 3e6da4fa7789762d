# SPDX-License-Identifier: Apache-2.0
"""A filter for what people ask of logs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import moments

if TYPE_CHECKING:
    from collections.abc import Callable


def moment_problem(text: str, name: str) -> list[str]:
    """Return a sentence if a text is no time that logs can begin at."""
    if moments.since(text, time.time()) is not None:
        return []
    return [f"{name} is '{text}': write it like {moments.EXAMPLES}."]


class FilterModule:
    """Make the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[[str, str], list[str]]]:
        """Return the filter by name."""
        return {"moment_problem": moment_problem}
