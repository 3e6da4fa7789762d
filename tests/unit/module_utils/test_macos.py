"""macOS is asked through its programs, in whose place are scripts here that say what they are documented to say."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from reachable import macos
from reachable.macos import Listener

if TYPE_CHECKING:
    from pathlib import Path


def stand_in(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_its_release_and_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(macos, "VERSIONS", str(tmp_path / "sw_vers"))
    assert not macos.is_here()
    assert macos.release() == ""
    stand_in(tmp_path, "sw_vers", '[ "$*" = -productVersion ] && echo 15.5')
    assert macos.is_here()
    assert macos.release() == "15.5"
    monkeypatch.setattr(
        macos, "NAMES", stand_in(tmp_path, "scutil", '[ "$*" = "--get LocalHostName" ] && echo Adas-Mac')
    )
    assert macos.local_name() == "Adas-Mac"
    monkeypatch.setattr(macos, "NAMES", stand_in(tmp_path, "scutil", "echo LocalHostName: not set; exit 1"))
    assert macos.local_name() == ""


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("Firewall is disabled. (State = 0)", "off"),
        ("Firewall is enabled. (State = 1)", "on"),
        ("Firewall is blocking all non-essential incoming connections. (State = 2)", "blocking"),
        ("Firewall has other words", None),
    ],
)
def test_its_firewall(said: str, state: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(macos, "FIREWALL", stand_in(tmp_path, "fw", f'[ "$*" = --getglobalstate ] && echo "{said}"'))
    assert macos.firewall() == state


@pytest.mark.parametrize(("uid", "status", "may"), [(0, 0, True), (0, 1, False), (501, 0, False)])
def test_whether_users_can_be_made(
    uid: int, status: int, may: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f'[ "$2" = -read ] && echo "NFSHomeDirectory: /var/empty" || {{ echo "$*" >"$0.argv"; exit {status}; }}'
    monkeypatch.setattr(macos, "DIRECTORY", stand_in(tmp_path, "dscl", script))
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert macos.may_make_users() == may
    if uid == 0:
        changed = ". -change /Users/nobody NFSHomeDirectory /var/empty /var/empty\n"
        assert (tmp_path / "dscl.argv").read_text() == changed


def test_who_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = "p7\\nLada\\nf3\\nn*:8888\\nf4\\nn[::1]:8888\\np9\\nLroot\\nf5\\nn127.0.0.1:631\\n"
    stand_in(tmp_path, "lsof", f'printf "{printed}"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert macos.listeners() == [Listener(8888, 7, "ada"), Listener(8888, 7, "ada"), Listener(631, 9, "root")]
    stand_in(tmp_path, "lsof", "exit 1")  # as when there is none
    assert macos.listeners() == []


def test_processes() -> None:
    inner = [sys.executable, "-c", "print('x', flush=True); import time; time.sleep(60)"]
    with subprocess.Popen(inner, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            assert macos.command_of(process.pid).startswith(f"{sys.executable} -c print(")
            names = list(macos.ancestors(process.pid))
            assert next(macos.ancestors(os.getpid()), None) == (names[1] if len(names) > 1 else None)
        finally:
            process.kill()
    assert list(macos.ancestors(0)) == []
