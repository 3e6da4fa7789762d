# SPDX-License-Identifier: Apache-2.0
"""The processes of a user (Linux, proc(5)), and their end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from pathlib import Path

PROC = Path("/proc")
PAUSE_SECONDS = 0.05


def of_user(uid: int, but_of: str | None = None) -> list[int]:
    """Return the processes that have a user's rights, or could take them up again, but for those that have ended.

    Those of the service ``but_of`` of systemd's are left out.
    """
    return [
        int(folder.name)
        for folder in PROC.iterdir()
        if folder.name.isdigit() and belongs_to(folder, uid) and not (but_of and is_part_of(folder, but_of))
    ]


def is_part_of(folder: Path, service: str) -> bool:
    """Tell whether a process is one of a service, cgroups(7)."""
    try:
        lines = (folder / "cgroup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return False
    return any(f"{service}.service" in line.split(":", 2)[2].split("/") for line in lines)


def belongs_to(folder: Path, uid: int) -> bool:
    """Tell whether a process is a user's."""
    try:
        status = (folder / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return False
    uids = re.search(r"^Uid:(.*)$", status, re.MULTILINE)
    is_dead = re.search(r"^State:\s*[ZX]", status, re.MULTILINE)
    return bool(uids and not is_dead and str(uid) in uids[1].split())


def end_all(uid: int, seconds: float) -> list[int]:
    """Kill the processes of a user, also those that they start meanwhile, and return which are left after some time."""
    deadline = time.monotonic() + seconds
    while (left := of_user(uid)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE_SECONDS)
    return left
