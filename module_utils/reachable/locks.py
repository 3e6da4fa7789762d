# SPDX-License-Identifier: Apache-2.0
"""Locks by which runs wait for each other, but not for ever, and which nobody else can hold."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from pathlib import Path

PROC = Path("/proc")
# A slow machine on a slow network takes minutes for its environments.
PATIENCE_SECONDS = 900.0
PAUSE_SECONDS = 0.2


class LockError(Exception):
    """A lock cannot be had; the text says why and what to do."""


def open_own(path: str) -> int:
    """Open the file of a lock for its owner alone, and make it where it is missing. Raises OSError and LockError.

    One that others may open, as older versions made it and uv does, is replaced: they hold it for as long as they like.
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
    """Wait for a lock. Raises LockError, which names who holds it."""
    deadline = time.monotonic() + seconds
    while not is_free(descriptor):
        if time.monotonic() > deadline:
            advice = "wait for it to end, or end it, and run this again."
            raise LockError(f"{path} has been held by {holder(descriptor)} for {seconds:g} s: {advice}")
        time.sleep(PAUSE_SECONDS)


def wait_for(path: str, seconds: float) -> None:
    """Wait until nobody else holds a lock; nobody is kept from it afterwards. Raises OSError and LockError."""
    with os.fdopen(open_own(path), "rb") as lock:
        acquire(lock.fileno(), path, seconds)


def is_free(descriptor: int) -> bool:
    """Take a lock if nobody else holds it, and tell whether that was so."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def release(descriptor: int) -> None:
    """Let others have a lock, also where another process has the same file open from before it was forked."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def holder(descriptor: int) -> str:
    """Name the process that holds the lock of a file, as far as this one may see it."""
    sought = os.fstat(descriptor)
    for process in PROC.glob("[0-9]*"):  # on macOS there is none
        if int(process.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # of others, root alone may look
            for opened in process.joinpath("fd").iterdir():
                found = opened.stat()
                is_held = "FLOCK" in process.joinpath("fdinfo", opened.name).read_text()
                if (found.st_dev, found.st_ino) == (sought.st_dev, sought.st_ino) and is_held:
                    command = process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    return f"process {process.name} ({command.strip()[:200]})"
    return "a process that cannot be seen"
