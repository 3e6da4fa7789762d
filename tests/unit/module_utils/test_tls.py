"""What is known of a certificate; how connections are judged is tested with the doctor."""

from __future__ import annotations

import ssl

import pytest
from reachable import tls

NOW = 1_800_000_000.0


def certificate(begin: float, end: float) -> tls.Certificate:
    """Return a certificate that lives from one day to another, counted from now."""
    return tls.Certificate("Our own", (), NOW + begin * tls.DAY, NOW + end * tls.DAY)


@pytest.mark.parametrize(
    ("begin", "end", "is_ending"),
    [
        (-398 + 31, 31, False),
        (-398 + 29, 29, True),
        # Three months, renewed a month before the end.
        (-61, 29, False),
        (-68, 22, True),
        # 160 hours, renewed a third of that before the end.
        (-4.8, 1.9, False),
        (-5.2, 1.5, True),
        (-400, -2, True),
    ],
)
def test_what_ends_soon_and_should_have_been_renewed(begin: float, end: float, is_ending: bool) -> None:
    assert certificate(begin, end).is_ending(NOW) is is_ending


@pytest.mark.parametrize(("days", "is_too_long"), [(824, False), (825, False), (826.1, True)])
def test_how_long_it_may_be_valid(days: float, is_too_long: bool) -> None:
    assert certificate(0, days).is_too_long is is_too_long


@pytest.mark.parametrize(("there", "are_apart"), [(None, False), (0, False), (-400, True), (40, True)])
def test_one_of_two_clocks_is_wrong(there: float | None, are_apart: bool) -> None:
    clock = None if there is None else NOW + there * tls.DAY
    assert tls.are_clocks_apart(certificate(-10, 30), NOW, clock) is are_apart


@pytest.mark.parametrize(
    ("date", "clock"), [("Fri, 15 Jan 2027 08:00:00 GMT", NOW), (None, None), ("today", None), ("Fri, 99 Jan", None)]
)
def test_the_clock_of_a_server(date: str | None, clock: float | None) -> None:
    assert tls.clock_of(date) == clock


def refused(number: int) -> ssl.SSLCertVerificationError:
    """Return the error with which Python refuses a certificate."""
    error = ssl.SSLCertVerificationError()
    error.verify_code = number
    return error


@pytest.mark.parametrize(
    ("number", "has_source", "chain", "code"),
    [
        (20, False, 1, "untrusted"),
        (20, True, 1, "no_chain"),
        (21, True, None, "no_chain"),
        (20, True, 2, "untrusted"),
        (19, True, 2, "untrusted"),
        (18, False, 1, "untrusted"),
        (66, False, 1, "unfit"),
        (79, False, 2, "unfit"),
    ],
)
def test_a_chain_is_incomplete_only_where_nothing_follows_the_first(
    number: int, has_source: bool, chain: int | None, code: str
) -> None:
    seen = tls.Look(certificate(-10, 30)._replace(has_source=has_source, chain=chain), None)
    assert tls.judge(refused(number), seen, NOW) == code
    ours = {"untrusted": "other_authority"}.get(code, code)
    assert tls.judge(refused(number), seen, NOW, has_authority=True) == ours
