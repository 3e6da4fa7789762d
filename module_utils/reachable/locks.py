# SPDX-License-Identifier: Apache-2.0
"""Locks that make runs wait for each other for a limited time, and that no other user can hold."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from pathlib import Path

PROC = Path("/proc")
# The environments of a slow machine in a slow network take minutes.
PATIENCE_SECONDS = 900.0
PAUSE_SECONDS = 0.2


class LockError(Exception):
    """A lock cannot be taken; the text says why and what to do."""


def open_own(path: str) -> int:
    """Open a lock's file, which only its owner may open; make it if it is missing. Raises OSError and LockError.

    A file that others may open, as older versions and uv make it, is replaced: they could hold the lock forever.
    """
    with contextlib.suppress(FileNotFoundError):
        if stat.S_IMODE(os.lstat(path).st_mode) & 0o077:
            os.unlink(path)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise LockError(f"{path} is no file: remove it.")
    return descriptor


def acquire(descriptor: int, path: str, seconds: float) -> None:
    """Wait for a lock. Raises LockError, which names the process that holds it."""
    deadline = time.monotonic() + seconds
    while not is_free(descriptor):
        if time.monotonic() > deadline:
            advice = "wait for it to end, or end it, and run this again."
            raise LockError(f"{path} has been held by {holder(descriptor)} for {seconds:g} s: {advice}")
        time.sleep(PAUSE_SECONDS)


def wait_for(path: str, seconds: float) -> None:
    """Wait until nobody else holds a lock, and release it again. Raises OSError and LockError."""
    with os.fdopen(open_own(path), "rb") as lock:
        acquire(lock.fileno(), path, seconds)


def is_free(descriptor: int) -> bool:
    """Take a lock if nobody else holds it, and return whether it was free."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def release(descriptor: int) -> None:
    """Release a lock, even if a forked process has inherited its open file."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def holder(descriptor: int) -> str:
    """Return the process that holds a file's lock, as far as this process may see it."""
    sought = os.fstat(descriptor)
    for process in PROC.glob("[0-9]*"):  # macOS has no such files
        if int(process.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # only root may look at other users' processes
            for opened in process.joinpath("fd").iterdir():
                found = opened.stat()
                is_held = "FLOCK" in process.joinpath("fdinfo", opened.name).read_text()
                if (found.st_dev, found.st_ino) == (sought.st_dev, sought.st_ino) and is_held:
                    command = process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    return f"process {process.name} ({command.strip()[:200]})"
    return "a process that cannot be seen"
