"""What a host says is shown, and never obeyed."""

from __future__ import annotations

from typing import Any

import pytest
from reachable.plain_text import printable


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("two\nlines, ä and 日本", "two\nlines, ä and 日本"),
        ("\x1b[31mred\x1b[0m", "?[31mred?[0m"),
        ("\x1b]0;title\x07", "?]0;title?"),
        ("\x9b2J", "?2J"),
        ("over\rwritten\r\nline\ttab", "over?written\nline tab"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}txt.exe", "?txt.exe"),
        ({"\x1b": ["\x07", ("\x08", 1, None, True)]}, {"?": ["?", ["?", 1, None, True]]}),
    ],
)
def test_what_a_terminal_would_obey_is_replaced(said: Any, shown: Any) -> None:
    assert printable(said) == shown
