# SPDX-License-Identifier: Apache-2.0
"""A clock that tests can replace, and work that goes on in the background or must end in time."""

from __future__ import annotations

import threading
from concurrent import futures
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Clock(Protocol):
    """The functions of the module ``time`` that are used, in seconds."""

    def monotonic(self) -> float:
        """Return the time since a fixed but unknown moment."""

    def time(self) -> float:
        """Return the time since 1970."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


def in_background(work: Callable[[], T], done: Callable[[], None] = lambda: None) -> futures.Future[T]:
    """Start work in a daemon thread, and call ``done`` after it."""
    future: futures.Future[T] = futures.Future()
    future.add_done_callback(lambda _: done())

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is taken
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what ``work`` returns, raise what it raises, or raise TimeoutError if it takes longer.

    A socket's timeout stops neither a name lookup nor a server that sends byte after byte.
    """
    try:
        return in_background(work).result(timeout=seconds)
    except futures.TimeoutError as error:  # before Python 3.11 this is no TimeoutError
        raise TimeoutError(str(error) or "there was no time left") from error
