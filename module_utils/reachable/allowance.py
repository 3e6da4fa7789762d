# SPDX-License-Identifier: Apache-2.0
"""The requests that a tunnel's plan allows in a month, and what of them is used, which Jupyter counts in a file."""

from __future__ import annotations

import json
import re
import time
from typing import Any, NamedTuple

from . import files

LARGEST_BYTES = 1000
MONTH = re.compile(r"\d{4}-\d{2}")
# From here on people are warned.
MUCH = 0.8
ADVICE = (
    "Once there are none, ngrok answers in Jupyter's stead: close pages that nobody uses, and prefer the classic "
    "notebook."
)


class Allowance(NamedTuple):
    """So many requests of those that a plan allows were counted in a month, such as 2026-12."""

    month: str
    used: int
    allowed: int

    @classmethod
    def read(cls, value: Any) -> Allowance | None:
        """Return what was published of it; None where that is nothing of the kind."""
        try:
            found = cls(**value)
        except TypeError:
            return None
        numbers = (found.used, found.allowed)
        fits = all(type(each) is int and each >= 0 for each in numbers)
        return found if fits and MONTH.fullmatch(str(found.month)) else None

    @property
    def left(self) -> int:
        """Return how many requests are left."""
        return max(self.allowed - self.used, 0)

    @property
    def is_nearly_used(self) -> bool:
        """Tell whether people should know."""
        return self.used >= MUCH * self.allowed

    @property
    def words(self) -> str:
        """Say what is left."""
        return (
            f"Of the {self.allowed:,} requests that ngrok's plan allows in {self.month}, {self.left:,} are left, as "
            f"this host counts."
        )

    @property
    def in_tenths(self) -> str:
        """Say about what is left, in words that stay the same for a tenth of it, on a card that is kept."""
        tenth = self.allowed // 10
        least = max(self.left - 1, 0) // tenth * tenth
        much = f"more than {least:,}" if least else f"no more than {tenth:,}"
        return (
            f"Of the {self.allowed:,} requests that ngrok's plan allows in a month, {much} are left, as this host "
            "counts."
        )


def month_of(seconds: float) -> str:
    """Return the month of a time in seconds since 1970. ngrok says that it is the calendar's, and not in which zone."""
    return time.strftime("%Y-%m", time.gmtime(seconds))


def counted(path: str, month: str) -> int:
    """Return how many requests Jupyter has counted in a month. Notebooks can write that file."""
    try:
        found = json.loads(files.read_regular(path, LARGEST_BYTES))
        number = found["requests"] if found["month"] == month else 0
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return 0
    return number if type(number) is int and number >= 0 else 0
