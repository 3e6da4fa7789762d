# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Counts the requests of this month that came through an http tunnel, as its plan counts them.

The count is in a file, which survives restarts and which the watcher, another user, reads. Months are those of UTC.
"""

from __future__ import annotations

import atexit
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tornado.ioloop import PeriodicCallback

if TYPE_CHECKING:
    from collections.abc import Callable

# A server that is killed forgets what came since.
KEEP_SECONDS = 20
LARGEST_BYTES = 1000


def this_month() -> str:
    """Return the month, such as 2026-12."""
    return time.strftime("%Y-%m", time.gmtime())


class Count:
    """The requests of a month, in a file."""

    def __init__(self, file: Path, month: Callable[[], str] = this_month) -> None:
        """Go on from the file. What is damaged counts for nothing."""
        self._file, self._month_now = file, month
        self._month, self._requests = month(), 0
        with suppress(OSError, ValueError, LookupError, TypeError), file.open("rb") as opened:
            found = json.loads(opened.read(LARGEST_BYTES))
            if found["month"] == self._month:
                self._requests = int(found["requests"])
        self._kept = self._requests

    def add(self) -> None:
        """Count one more; the first of a month begins anew."""
        month = self._month_now()
        if month != self._month:
            self._month, self._requests = month, 0
        self._requests += 1

    def keep(self) -> None:
        """Write the file if something came. While that is impossible, as on a full disk, the count goes on."""
        if self._requests == self._kept:
            return
        new = self._file.with_suffix(".new")
        with suppress(OSError):
            with new.open("w", encoding="utf-8") as opened:
                json.dump({"month": self._month, "requests": self._requests}, opened)
                opened.flush()
                os.fsync(opened.fileno())
            new.chmod(0o644)
            new.replace(self._file)
            self._kept = self._requests


class Tunnels:
    """The names of http tunnels, as the watcher publishes them."""

    def __init__(self, file: Path) -> None:
        """Start with none."""
        self._file = file
        self._version: tuple[int, int] | None = None
        self._hosts: frozenset[str] = frozenset()

    def __contains__(self, host: object) -> bool:
        """Tell whether a tunnel has this name; as before while the file cannot be read."""
        with suppress(OSError, ValueError, LookupError, TypeError):
            found = self._file.stat()
            version = (found.st_mtime_ns, found.st_ino)
            if version != self._version:
                endpoints = json.loads(self._file.read_text(encoding="utf-8"))["endpoints"]
                self._hosts = frozenset(each["host"] for each in endpoints if each["transport"] == "http")
                self._version = version
        return host in self._hosts


def counting(log: Callable[[Any], None], count: Count, tunnels: Tunnels) -> Callable[[Any], None]:
    """Return what also counts each request that is logged. Those that become WebSockets are among them."""

    def log_and_count(handler: Any) -> None:
        if handler.request.host_name in tunnels:
            count.add()
        log(handler)

    return log_and_count


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Count in the running server; Jupyter calls this at its start."""
    count = Count(Path(os.environ["REACHABLE_REQUESTS"]))
    tunnels = Tunnels(Path(os.environ["REACHABLE_ENDPOINTS"]))
    settings = serverapp.web_app.settings
    settings["log_function"] = counting(settings["log_function"], count, tunnels)
    PeriodicCallback(count.keep, KEEP_SECONDS * 1000).start()
    atexit.register(count.keep)
