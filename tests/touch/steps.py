# ruff: noqa: T201  (a person reads how far it has come)
"""What is done on a screen, step by step, each with a picture."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Steps:
    """The steps on one screen, whose pictures and words are asked for."""

    screen: str
    folder: Path
    take_picture: Callable[[Path], object]
    read: Callable[[], str]
    count: int = 0
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def step(self, goal: str) -> Iterator[None]:
        """Do one step and keep a picture; if it fails, also say what is on the screen."""
        self.count += 1
        started = time.monotonic()
        picture = (
            self.folder / f"{self.screen}-{self.count:02}-{re.sub(r'[^a-z0-9]+', '-', goal.lower()).strip('-')}.png"
        )
        try:
            yield
        except Exception as error:
            picture = picture.with_stem(f"{picture.stem}-FAILED")
            raise AssertionError(f"{self.screen}: {goal}: {error}\nThe page says:\n{self.read()}") from error
        finally:
            self.take_picture(picture)
        print(f"{self.screen:8} {goal:40} {time.monotonic() - started:5.1f} s", flush=True)

    @contextmanager
    def until_one_fails(self) -> Iterator[None]:
        """Pass over the steps after one that fails, and remember it."""
        try:
            yield
        except AssertionError as failure:
            self.failures.append(str(failure))
