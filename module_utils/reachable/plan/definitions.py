# SPDX-License-Identifier: Apache-2.0
"""The files that make a service known to its manager."""

from __future__ import annotations

import plistlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MANAGED = "<!-- Written by Reachable. A change here is taken back by the next run. -->\n"


def property_list(definition: Mapping[str, Any]) -> str:
    """Write a definition as launchd reads it, launchd.plist(5)."""
    text = plistlib.dumps(plain(definition), sort_keys=False).decode()
    return text.replace("<plist ", f"{MANAGED}<plist ", 1)


def plain(value: Any) -> Any:
    """Return a value without what Ansible adds to its type, which plistlib does not know."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value if isinstance(value, (bool, int)) else str(value)
