# SPDX-License-Identifier: Apache-2.0
"""What a host says, on its way to people: characters that a terminal shows, and none that it obeys."""

from __future__ import annotations

from typing import Any


def printable(value: Any) -> Any:
    """Replace what is not printable in a text, and in the texts of dictionaries and lists; line breaks stay.

    A terminal's commands are not printable, nor is what changes the direction of writing.
    """
    if isinstance(value, str):
        lines = value.split("\n")
        return value if all(map(str.isprintable, lines)) else "\n".join(map(line_of, lines))
    if isinstance(value, dict):
        return {printable(key): printable(item) for key, item in value.items()}
    return [printable(item) for item in value] if isinstance(value, (list, tuple)) else value


def line_of(text: str) -> str:
    """Replace what is not printable in a line, a tabulator by a space and all else by a question mark."""
    return "".join(sign if sign.isprintable() else " " if sign == "\t" else "?" for sign in text.rstrip("\r"))
