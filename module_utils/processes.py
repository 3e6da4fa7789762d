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


def of_user(uid: int) -> list[int]:
    """Return the processes that have a user's rights, or could take them up again, but for those that have ended."""
    return [int(folder.name) for folder in PROC.iterdir() if folder.name.isdigit() and belongs_to(folder, uid)]


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
