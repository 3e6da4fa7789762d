"""Times are read as people type them, and as programs write them."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from reachable import moments

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86400


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Live where it is two hours later than UTC, all the year."""
    monkeypatch.setenv("TZ", "XXX-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=timezone.utc).timestamp()  # type: ignore[arg-type,misc]


NOW = utc(2026, 11, 26, 9, 30, 15)  # 11:30:15 there


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("today", utc(2026, 11, 25, 22)),
        (" Yesterday ", utc(2026, 11, 24, 22)),
        ("10 min ago", NOW - 600),
        ("1 minute ago", NOW - 60),
        ("2h ago", NOW - 7200),
        ("1h 30min ago", NOW - 5400),
        ("1h30min ago", NOW - 5400),
        ("3 DAYS ago", NOW - 3 * DAY),
        ("-90s", NOW - 90),
        ("-1 week", NOW - 7 * DAY),
        ("1 month ago", NOW - 2629800),
        ("10:00", utc(2026, 11, 26, 8)),
        ("9:05", utc(2026, 11, 26, 7, 5)),
        ("10:00:30", utc(2026, 11, 26, 8, 0, 30)),
        ("2026-11-26", utc(2026, 11, 25, 22)),
        ("2026-11-26 10:00", utc(2026, 11, 26, 8)),
        ("2026-11-26 9:00", utc(2026, 11, 26, 7)),
        ("2026-11-26 10:00:30.5", utc(2026, 11, 26, 8, 0, 30) + 0.5),
        ("2026-11-26T10:00:30Z", utc(2026, 11, 26, 10, 0, 30)),
        ("2026-11-26 10:00 UTC", utc(2026, 11, 26, 10)),
        ("2026-11-26T10:00:30+01:00", utc(2026, 11, 26, 9, 0, 30)),
    ],
)
def test_what_people_type(text: str, moment: float) -> None:
    assert moments.since(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "x", "10", "ago", "10 ago", "ten min ago", "10 min", "5 fortnights ago", "-", "-5", "tomorrow"),
        *("2026-13-01", "2026-02-30 10:00", "25:00", "10:00 ago", "2026-11-2610:00", "10:00 min ago"),
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert moments.since(text, NOW) is None


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("[I 2026-11-26 10:00:00.250 ServerApp] Kernel started", utc(2026, 11, 26, 8) + 0.25),
        ("2026-11-26 10:00:00,500 INFO spawned: 'reachable-jupyter' with pid 499", utc(2026, 11, 26, 8) + 0.5),
        ("2026-11-26T10:00:00+00:00 watching jupyter", utc(2026, 11, 26, 10)),
        ('{"lvl":"info","msg":"x","t":"2026-11-26T10:00:00.630340012Z"}', utc(2026, 11, 26, 10) + 0.63034),
        ('{"lvl":"info","msg":"x","t":"2026-11-26T10:00:00+0100"}', utc(2026, 11, 26, 9)),
        ("    Setting websocket_ping_timeout=30000", None),
        ("It is 2026-11-26 10:00:00", None),
        ("[I 2026-13-26 10:00:00.250 ServerApp] no such month", None),
        ("", None),
    ],
)
def test_what_programs_write(line: str, moment: float | None) -> None:
    assert moments.of_line(line) == (moment if moment is None else pytest.approx(moment, abs=1e-5))
