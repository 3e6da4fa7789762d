# SPDX-License-Identifier: Apache-2.0
"""Read times as people type them, and as programs write them at the head of a line. Without a zone they are local."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

DAY = r"(?P<day>\d{4}-\d\d-\d\d)"
CLOCK = r"(?P<clock>\d{1,2}:\d\d(?::\d\d)?)(?:[.,](?P<fraction>\d+))?"
ZONE = r"(?: ?(?P<zone>Z|UTC|[+-]\d\d:?\d\d))?"
ABSOLUTE = re.compile(rf"(?:{DAY})?(?:(?:(?<=\d)[ T]|\A){CLOCK}{ZONE})?")
# Jupyter writes "[I 2026-11-26 10:00:00.000 ServerApp] ...", ngrok's agent JSON with a "t", others begin with the time.
LINE = re.compile(rf'(?:\[[A-Z] |\{{.*"t":")?{DAY}[ T]{CLOCK}{ZONE}')
EXAMPLES = "'10 min ago', 'today', '10:00' or '2026-11-26 10:00'"

SPAN = re.compile(r"(?:\d+ *[a-z]+ *)+")
PART = re.compile(r"(\d+) *([a-z]+)")
# systemd.time(7): a month and a year are of average length.
UNITS = {
    1: "s sec second seconds",
    60: "m min minute minutes",
    3600: "h hr hour hours",
    86400: "d day days",
    7 * 86400: "w week weeks",
    2629800: "month months",
    31557600: "y year years",
}
SECONDS = {name: seconds for seconds, names in UNITS.items() for name in names.split()}


def since(text: str, now: float) -> float | None:
    """Return the time that a text means, in seconds since 1970; None where it is not understood.

    These are the forms of ``journalctl --since`` that look back: "10 min ago", "-2h", "today", "10:00", "2026-11-26",
    "2026-11-26 10:00".
    """
    text = " ".join(text.lower().split())
    midnight = datetime.fromtimestamp(now).astimezone().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    days = {"today": midnight, "yesterday": midnight - timedelta(days=1)}
    if text in days:
        return days[text].timestamp()
    if text == "now":
        return now
    span = text[1:] if text.startswith("-") else text.removesuffix(" ago") if text.endswith(" ago") else ""
    if SPAN.fullmatch(span):
        parts = PART.findall(span)
        if all(unit in SECONDS for _, unit in parts):
            return now - sum(int(number) * SECONDS[unit] for number, unit in parts)
        return None
    found = ABSOLUTE.fullmatch(text.upper())
    return to_seconds(found, midnight) if found and found[0] else None


def of_line(text: str) -> float | None:
    """Return the time that stands at the head of a line of a log; None where there is none."""
    found = LINE.match(text)
    return to_seconds(found, None) if found else None


def to_seconds(found: re.Match[str], today: datetime | None) -> float | None:
    """Return the time that was found, in seconds since 1970; None for a 31st of June and the like."""
    day, clock, fraction, zone = found.group("day", "clock", "fraction", "zone")
    text = f"{day or f'{today:%Y-%m-%d}'}T{clock or '0:00':0>5}"
    if clock and clock.count(":") > 1:
        text = f"{text[:11]}{clock:0>8}" + (f".{fraction:0<6}"[:7] if fraction else "")
    if zone:
        text += "+00:00" if zone in ("Z", "UTC") else f"{zone[:3]}:{zone[-2:]}"
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
