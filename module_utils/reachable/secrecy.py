# SPDX-License-Identifier: Apache-2.0
"""How a secret looks that stands somewhere within a setting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# Names of settings whose texts nobody else is to see; where a file with one lies is none.
SECRET = re.compile(r"(?i)(authorization|credential|hash|key|pass(phrase|wd|word)|secret|token)(?!.*_(file|path)$)")
# An address with a password in it.
LOGIN = re.compile(r"://[^/\s@]*:[^/\s@]+@")


def has_secret(value: Any, name: str = "") -> bool:
    """Tell whether a value has what looks like a secret, however deep; ``name`` is that of the setting."""
    return any(secrets(value, name))


def secrets(value: Any, name: str = "") -> Iterator[Any]:
    """Yield what looks like a secret in a value, however deep; ``name`` is that of the setting."""
    return _secrets(value, is_secret=SECRET.search(name) is not None)


def _secrets(value: Any, is_secret: bool) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _secrets(each, is_secret or SECRET.search(str(key)) is not None)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _secrets(each, is_secret)
    elif value and not isinstance(value, bool) and (is_secret or LOGIN.search(str(value))):
        yield value
