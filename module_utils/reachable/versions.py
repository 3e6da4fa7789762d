# SPDX-License-Identifier: Apache-2.0
"""Compare versions."""

from __future__ import annotations

import re


def version_key(version: str) -> list[int]:
    """Return a version such as 22.04 as what can be compared."""
    return [int(number) for number in re.findall(r"\d+", version)]
