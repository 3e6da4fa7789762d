"""What is wrong with a time is said in one sentence."""

from __future__ import annotations

import logs
import pytest


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("10 min ago", []),
        (
            "ten minutes",
            ["--since is 'ten minutes': write it like '10 min ago', 'today', '10:00' or '2026-11-26 10:00'."],
        ),
    ],
)
def test_a_moment(text: str, sentences: list[str]) -> None:
    assert logs.FilterModule().filters()["moment_problem"](text, "--since") == sentences
