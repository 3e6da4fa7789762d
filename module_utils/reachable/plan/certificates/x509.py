# SPDX-License-Identifier: Apache-2.0
"""What certificates in PEM say. Most hosts have none, and what reads them takes longer to import than all else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .parsed import Certificate

PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def read(text: str) -> list[Certificate]:
    """Read the certificates in a text; nothing where one of them is none."""
    found = PEM.findall(text)
    if not found:
        return []
    from .parsed import parse  # noqa: PLC0415 - see above

    try:
        return list(map(parse, found))
    except ValueError:
        return []
