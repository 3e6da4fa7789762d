"""A lock is its owner's alone, and whoever waits for it in vain hears who holds it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import lock_wait
import pytest
from reachable import locks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import RunModule

HOLD = """
import fcntl, sys
lock = open(sys.argv[1])
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Any]:
    """Return the file of a lock that another process holds, and that process."""
    path = str(tmp_path / "server.lock")
    os.close(locks.open_own(path))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLD, path], **pipes) as process:  # type: ignore[call-overload]
        process.stdout.readline()
        yield path, process


def test_its_file_is_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "server.lock"
    os.close(locks.open_own(str(path)))
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o666, 0o640])
def test_whoever_could_open_it_before_does_not_hold_it_any_more(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "server.lock"
    path.touch()
    path.chmod(mode)
    with path.open() as strangers:
        fcntl.flock(strangers, fcntl.LOCK_EX)
        with os.fdopen(locks.open_own(str(path)), "rb") as ours:
            locks.acquire(ours.fileno(), str(path), 0)
    assert path.stat().st_mode & 0o777 == 0o600


def test_who_holds_it_is_named(held: Any, run_module: RunModule) -> None:
    path, process = held
    answer = run_module(lock_wait, paths=[path], timeout=0)
    assert answer["failed"]
    assert answer["msg"].startswith(f"{path} has been held by process {process.pid} ({sys.executable} -c ")
    assert answer["msg"].endswith(" for 0 s: wait for it to end, or end it, and run this again.")


def test_it_is_waited_for(held: Any, run_module: RunModule) -> None:
    path, process = held
    process.stdin.close()
    assert run_module(lock_wait, paths=[path, f"{path}.none"])["changed"] is False
    assert not os.path.exists(f"{path}.none")


def test_no_pipe_is_opened_and_no_link_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(locks.LockError, match=f"{tmp_path}/pipe is no file: remove it."):
        locks.open_own(str(tmp_path / "pipe"))
    (tmp_path / "treasure").touch(0o600)
    (tmp_path / "link").symlink_to("treasure")
    os.close(locks.open_own(str(tmp_path / "link")))
    assert not (tmp_path / "link").is_symlink()
