"""Whether an account has expired, as shadow(5) has it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from reachable import accounts

if TYPE_CHECKING:
    from pathlib import Path

TODAY = int(time.time()) // accounts.DAY_SECONDS


@pytest.mark.parametrize(
    ("expiry", "has_expired"),
    [("", False), ("0", False), ("1", True), (TODAY - 1, True), (TODAY + 1, False)],
)
def test_expiry(expiry: str, has_expired: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "SHADOW", tmp_path / "shadow")
    (tmp_path / "shadow").write_text(f"root:*:20000:0:99999:7:::\njupyter:!:20000::::7:{expiry}:\n")
    assert accounts.has_expired("jupyter") is has_expired
    assert accounts.has_expired("jupyte") is None


def test_a_system_that_keeps_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "SHADOW", tmp_path / "nothing")
    assert accounts.has_expired("root") is None
