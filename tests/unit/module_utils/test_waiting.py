"""Work in the background wakes whoever waits for it, and work that takes too long holds nobody."""

from __future__ import annotations

import queue
import threading

import pytest
from reachable.waiting import in_background, within


def test_work_in_the_background_wakes_the_loop() -> None:
    done: queue.SimpleQueue[bool] = queue.SimpleQueue()
    future = in_background(lambda: 42, lambda: done.put(False))
    assert done.get(timeout=20) is False
    assert future.result(timeout=20) == 42
    with pytest.raises(ZeroDivisionError):
        in_background(lambda: 1 / 0, lambda: None).result(timeout=20)


def test_work_that_takes_too_long_holds_nobody() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, never.wait)
    never.set()
    assert within(20, lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        within(20, lambda: 1 / 0)
