# SPDX-License-Identifier: Apache-2.0
"""How a secret looks that stands somewhere within a setting."""

from __future__ import annotations

import re
from typing import Any

# Names of settings whose texts nobody else is to see; where a file with one lies is none.
SECRET = re.compile(r"(?i)(authorization|credential|hash|key|pass(phrase|wd|word)|secret|token)(?!.*_(file|path)$)")
# An address with a password in it.
LOGIN = re.compile(r"://[^/\s@]*:[^/\s@]+@")


def has_secret(value: Any, name: str = "") -> bool:
    """Tell whether a value has what looks like a secret, however deep; ``name`` is that of the setting."""
    return _has_secret(value, is_secret=SECRET.search(name) is not None)


def _has_secret(value: Any, is_secret: bool) -> bool:
    if isinstance(value, dict):
        return any(_has_secret(each, is_secret or SECRET.search(str(key)) is not None) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return any(_has_secret(each, is_secret) for each in value)
    if not value or isinstance(value, bool):
        return False
    return is_secret or LOGIN.search(str(value)) is not None
