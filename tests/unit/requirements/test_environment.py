"""Environments are made once and whole; a pip and a uv that write down how they are called stand in for real ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from imports import imported
from reachable import sources

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = Path(__file__).parents[3] / "requirements/environment.py"
environment = imported("environment", PROGRAM)

# One program for both: it writes down how it was called, takes its time, fails where it is told to, and brings uv.
STAND_IN = """#!/usr/bin/env python3
import json, os, pathlib, sys, time
name = "pip" if __file__.endswith("__main__.py") else "uv"
env = pathlib.Path(__file__).parents[4 if name == "pip" else 1]
names = "UV_SYSTEM_CERTS UV_NO_CONFIG REQUESTS_CA_BUNDLE PIP_USER PYTHONPATH"
settings = {key: os.environ.get(key) for key in names.split()}
with open(f"{env}.calls", "a") as log:
    log.write(json.dumps([name, sys.argv[1:], settings]) + "\\n")
time.sleep(0.1)
if pathlib.Path(f"{env}.{name}-fails").exists():
    sys.exit("There is no network.")
if name == "pip":
    (env / "bin/uv").write_text(pathlib.Path(__file__).read_text())
    (env / "bin/uv").chmod(0o755)
"""
PREPARING = "Preparing env (once, and after an update) ...\n"


class Ground:
    """A folder for the environment `env` and its lock."""

    def __init__(self, folder: Path) -> None:
        self.env = folder / "env"
        self.lock = folder / "controller.txt"
        self.lock.write_text("one==1.0\n")

    def calls(self) -> list[Any]:
        """Return how pip and uv were called since the last question."""
        log = self.env.with_name("env.calls")
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def programs(self) -> list[str]:
        """Return which of the two was called, in order."""
        return [name for name, _, _ in self.calls()]

    def is_made(self) -> bool:
        return (self.env / "lock.txt").exists() and (self.env / "lock.txt").read_text() == self.lock.read_text()


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """Nothing is there yet."""
    real_create = venv.create

    def create(folder: Path, *, clear: bool, with_pip: bool) -> None:
        assert with_pip
        real_create(folder, clear=clear)
        package = next(folder.glob("lib/python*/site-packages")) / "pip"
        package.mkdir()
        (package / "__main__.py").write_text(STAND_IN)

    monkeypatch.setattr(venv, "create", create)
    for name in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sources, "CA_BUNDLES", ())
    monkeypatch.setattr(sys, "argv", ["environment.py", str(tmp_path / "env"), str(tmp_path / "controller.txt")])
    return Ground(tmp_path)


@pytest.fixture
def made(ground: Ground, capfd: pytest.CaptureFixture[str]) -> Ground:
    """It is made already."""
    environment.main()
    assert capfd.readouterr().err == PREPARING
    assert ground.programs() == ["pip", "uv"]
    return ground


def test_an_environment_is_made(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PIP_USER"):
        monkeypatch.setenv(name, "1")
    environment.main()
    settings = {
        "UV_SYSTEM_CERTS": "1",
        "UV_NO_CONFIG": "1",
        "REQUESTS_CA_BUNDLE": "",
        "PIP_USER": None,
        "PYTHONPATH": None,
    }
    folder, python = ground.lock.parent, f"{ground.env}/bin/python"
    assert ground.calls() == [
        ["pip", ["install", "--quiet", "--require-hashes", "--requirement", f"{folder}/uv.txt"], settings],
        [
            "uv",
            f"pip sync --quiet --compile-bytecode --require-hashes --python {python} {ground.lock}".split(),
            settings,
        ],
    ]
    assert ground.is_made()


@pytest.mark.parametrize("own", [None, "/my/ca.pem"])
def test_pip_trusts_whom_the_system_trusts(own: str | None, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = ground.lock.with_name("ca.pem")
    bundle.touch()
    monkeypatch.setattr(sources, "CA_BUNDLES", (str(bundle),))
    if own:
        monkeypatch.setenv("SSL_CERT_FILE", own)
    environment.main()
    _, _, settings = ground.calls()[0]
    assert settings["REQUESTS_CA_BUNDLE"] == (own or str(bundle))


def test_nothing_is_done_twice(made: Ground, capfd: pytest.CaptureFixture[str]) -> None:
    environment.main()
    assert capfd.readouterr().err == ""
    assert made.programs() == []


def test_two_at_once_take_turns(made: Ground) -> None:
    made.lock.write_text("one==2.0\n")
    command = [sys.executable, str(PROGRAM), str(made.env), str(made.lock)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(process.communicate()[1] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said == ["", PREPARING]
    assert made.programs() == ["uv"]


def test_a_new_lock_changes_the_environment_in_place(made: Ground) -> None:
    (made.env / "kept").touch()
    made.lock.write_text("one==2.0\n")
    environment.main()
    assert made.is_made()
    assert made.programs() == ["uv"]
    assert (made.env / "kept").exists()


def remove_marker(env: Path) -> None:
    (env / "lock.txt").unlink()


def remove_python(env: Path) -> None:
    (env / "bin/python").unlink()
    (env / "bin/python").symlink_to("/gone")


def break_python(env: Path) -> None:
    (env / "bin/python").unlink()
    (env / "bin/python").symlink_to("/bin/false")
    (env / "lock.txt").write_text("old")


def remove_uv(env: Path) -> None:
    (env / "bin/uv").unlink()
    (env / "lock.txt").write_text("old")


@pytest.mark.parametrize("damage", [remove_marker, remove_python, break_python, remove_uv])
def test_half_an_environment_is_made_anew(damage: Callable[[Path], None], made: Ground) -> None:
    (made.env / "left-over").touch()
    damage(made.env)
    environment.main()
    assert made.is_made()
    assert made.programs() == ["pip", "uv"]
    assert not (made.env / "left-over").exists()


@pytest.mark.parametrize(("fails", "program"), [("pip", "python"), ("uv", "uv")])
def test_a_failure_is_told_and_tried_again(
    fails: str, program: str, ground: Ground, capfd: pytest.CaptureFixture[str]
) -> None:
    ground.env.with_name(f"env.{fails}-fails").touch()
    with pytest.raises(SystemExit) as caught:
        environment.main()
    assert caught.value.code == (
        f"reachable: env could not be made, {ground.env}/bin/{program} failed; see its message above."
    )
    assert capfd.readouterr().err == f"{PREPARING}There is no network.\n"
    assert not (ground.env / "lock.txt").exists()

    ground.env.with_name(f"env.{fails}-fails").unlink()
    environment.main()
    assert ground.is_made()


def test_an_update_that_broke_off_is_not_taken_for_what_was_before(made: Ground) -> None:
    made.lock.write_text("one==2.0\n")
    made.env.with_name("env.uv-fails").touch()
    with pytest.raises(SystemExit):
        environment.main()
    made.env.with_name("env.uv-fails").unlink()
    made.lock.write_text("one==1.0\n")
    assert made.programs() == ["uv"]
    environment.main()
    assert made.programs() == ["pip", "uv"]
    assert made.is_made()


@pytest.mark.parametrize(
    ("apt", "uid", "message"),
    [
        (None, 0, "reachable: this Python has no ensurepip; install your system's package for 'python3 -m venv'."),
        ("/usr/bin/apt-get", 1000, "reachable: python3 -m venv is missing here; run: sudo apt install python3-venv"),
    ],
)
def test_a_python_without_venv(
    apt: str | None, uid: int, message: str, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    monkeypatch.setattr(environment.shutil, "which", lambda _: apt)
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    with pytest.raises(SystemExit) as caught:
        environment.main()
    assert caught.value.code == message
    assert not ground.env.exists()


def test_debian_as_root_gets_venv_by_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    monkeypatch.setattr(environment.shutil, "which", lambda _: "/usr/bin/apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    environment.ensure_venv_module()
    assert commands == [
        ["apt-get", "update"],
        ["apt-get", "install", "--yes", "--no-install-recommends", "python3-venv"],
    ]
    assert capsys.readouterr().err == "Installing python3-venv ...\n"
