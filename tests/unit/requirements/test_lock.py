"""Locks are renewed by uv, for which a program stands in that knows two versions of a package; bounds are said."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from imports import imported

PROGRAM = Path(__file__).parents[3] / "requirements/lock.py"
sys.path.append(str(PROGRAM.parent))  # where what it imports lies
lock = imported("lock", PROGRAM)

STAND_IN = """#!/usr/bin/env python3
import os, pathlib, sys
with open("calls", "a") as log:
    print(os.environ["UV_SYSTEM_CERTS"], os.environ["UV_NO_CONFIG"], *sys.argv[1:], file=log)
if sys.argv[-1] == "-":
    print({newest!r}.replace("NAME", sys.stdin.read()))
elif sys.argv[1] == "venv":
    schema = pathlib.Path(sys.argv[-1], "share/jupyter/lab/schemas/@lab/themes/plugin.json")
    schema.parent.mkdir(parents=True)
    schema.write_text('{{"type": "object"}}')
elif sys.argv[2] == "compile":
    lines = ["other==9", "lab==4.5.9 ; os_name == 'nt'", "lab==4.5.11 \\\\", "    --hash=1"]
    pathlib.Path(sys.argv[-1]).write_text("\\n".join(lines))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lock, "__file__", str(tmp_path / "lock.py"))
    monkeypatch.setattr(lock, "UV", tmp_path / "uv")
    monkeypatch.setattr(sys, "argv", ["lock.py"])
    monkeypatch.chdir(tmp_path)
    know(tmp_path, "NAME==4.6.6\n")
    return tmp_path


def know(folder: Path, newest: str) -> None:
    (folder / "uv").write_text(STAND_IN.format(newest=newest))
    (folder / "uv").chmod(0o755)


def test_what_is_held_back_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "server.in").write_text("# No bound <1\n-r uv.in\n\nlab<4.6  # menus (lab issue 1)\nother[x]>=2 # why\n")
    (folder / "tools.in").write_text("other\n")
    lock.main()
    assert capsys.readouterr().out == (
        "lab 4.5.11: server.in holds it back by <4.6, without that it is 4.6.6. Reason: menus (lab issue 1)\n"
    )


def test_a_bound_that_costs_nothing_today_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    know(folder, "NAME==4.4\nNAME==4.5.11\n")
    (folder / "server.in").write_text("lab~=4.5  # menus\n")
    lock.main()
    assert "holds it back by ~=4.5, without that it is the same. Reason: menus\n" in capsys.readouterr().out


def test_a_bound_without_a_reason_ends_it_before_any_lock(folder: Path) -> None:
    (folder / "server.in").write_text("other\n")
    (folder / "tools.in").write_text("lab<4.6\n")
    with pytest.raises(SystemExit, match=r"^tools.in: write a comment behind lab<4.6 that says why it is held back.$"):
        lock.main()
    assert not (folder / "calls").exists()


def test_each_lock_is_for_the_pythons_that_use_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["lock.py", "--upgrade-package", "lab"])
    (folder / "server.in").write_text("other\n")
    (folder / "server.excludes.txt").write_text("grammar\n")
    (folder / "test.in").write_text("lab\n")
    lock.main()
    every = "1 1 pip compile --quiet --universal --python-version"
    hashes = "--generate-hashes --no-emit-index-url --upgrade-package lab"
    assert (folder / "calls").read_text().splitlines() == [
        f"{every} 3.10 --no-header --excludes server.excludes.txt {hashes} server.in --output-file server.txt",
        f"{every} 3.11 --no-header {hashes} test.in --output-file test.txt",
    ]


def test_schemas_are_those_of_what_the_lock_installs(folder: Path) -> None:
    (folder / "server.in").write_text("lab\n")
    (folder / "server.schemas.json").write_text("{}")
    (folder / "tools.in").write_text("lab\n")
    lock.main()
    assert json.loads((folder / "server.schemas.json").read_text()) == {"@lab/themes:plugin": {"type": "object"}}
    made, *synced = [line for line in (folder / "calls").read_text().splitlines() if " compile " not in line]
    environment = made.removeprefix("1 1 venv --quiet ")
    assert synced == [f"1 1 pip sync --quiet --python {environment} server.txt"]
    assert not Path(environment).exists()


def test_without_options_everything_is_upgraded(folder: Path) -> None:
    (folder / "server.in").write_text("other\n")
    lock.main()
    assert " --upgrade server.in " in (folder / "calls").read_text()


def test_a_lock_that_cannot_be_made_ends_it(folder: Path) -> None:
    (folder / "server.in").write_text("other\n")
    (folder / "uv").write_text("#!/bin/sh\necho no such version >&2\nexit 2\n")
    with pytest.raises(lock.subprocess.CalledProcessError):
        lock.main()
