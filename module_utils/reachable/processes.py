# SPDX-License-Identifier: Apache-2.0
"""The processes of a user (Linux, proc(5)), and their end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

PROC = Path("/proc")
PAUSE_SECONDS = 0.05


def of_user(uid: int, but_of: Collection[str] = ()) -> list[int]:
    """Return the processes that have a user's rights, or could take them up again, but for those that have ended.

    Those of the services ``but_of`` are left out, as ``is_part_of`` tells them.
    """
    return [
        int(folder.name)
        for folder in PROC.iterdir()
        if folder.name.isdigit() and belongs_to(folder, uid) and not (but_of and is_part_of(folder, but_of))
    ]


def is_part_of(folder: Path, services: Collection[str]) -> bool:
    """Tell whether a process is one of some services of systemd's, cgroups(7), or below a supervisord."""
    try:
        groups = (folder / "cgroup").read_text().splitlines()
        command = (folder / "cmdline").read_bytes().split(b"\0")
        parent = re.search(r"^PPid:\s*(\d+)", (folder / "status").read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return False
    slices = [part for line in groups for part in line.split(":", 2)[2].split("/")]
    if any(f"{service}.service" in slices for service in services) or b"supervisord" in map(os.path.basename, command):
        return True
    # What has detached itself has the first of all processes as its parent, and does not end with the service.
    return parent is not None and int(parent[1]) > 1 and is_part_of(folder.parent / parent[1], services)


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
