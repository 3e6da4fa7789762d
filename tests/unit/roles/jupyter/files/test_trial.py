"""A server is tried with the real Jupyter of the tests, and what is wrong with it is told."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from authorities import authority
from bare_host import Checkout
from imports import imported
from reachable.plan import package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[5]
TRIAL = ROOT / "roles/jupyter/files/trial.py"
# As a program, but for the place of its temporary folder.
PROGRAM = "import sys, trial; trial.TEMPORARY = sys.argv.pop(); trial.main()"
BROKEN_KERNEL = {"argv": ["/nowhere"], "display_name": "Broken", "language": "python"}

trial = imported("trial", TRIAL)

Run = Any


@pytest.fixture
def short() -> Iterator[str]:
    """Return a folder with a short path."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield folder


@pytest.fixture
def run(tmp_path: Path, short: str) -> Run:
    """Return a function that runs the program as python_environment does, where another server holds the port."""
    for folder in ("etc", "home/.jupyter", "share/kernels/python3", "check/reachable"):
        (tmp_path / folder).mkdir(parents=True)
    for path, text in package.files(Checkout().modules()).items():
        (tmp_path / "check" / path).write_text(text, encoding="utf-8")
    shutil.copy(TRIAL, tmp_path / "check")
    for name in (
        "jupyter_server_config.py",
        "reachable_hostnames.py",
        "reachable_limits.py",
        "reachable_login.py",
        "reachable_proof.py",
    ):
        shutil.copy(TRIAL.with_name(name), tmp_path / "etc")
    environment = {
        "HOME": f"{tmp_path}/home",
        "PATH": os.environ["PATH"],
        "JUPYTER_CONFIG_PATH": f"{tmp_path}/etc",
        "JUPYTER_PATH": f"{tmp_path}/share",
        "REACHABLE_ENDPOINTS": f"{tmp_path}/endpoint.json",
    }
    (tmp_path / "check/trial.json").write_text(json.dumps(environment))

    def go() -> subprocess.CompletedProcess[str]:
        with socket.create_server(("127.0.0.1", 0)) as other:
            settings = {
                "ServerApp": {
                    "allow_root": True,
                    "certfile": str(authority(tmp_path).issue("laptop.example")),
                    "identity_provider_class": "reachable_login.ReachableIdentityProvider",
                    "port": other.getsockname()[1],
                    "port_retries": 0,
                    "root_dir": "/",
                },
                "PasswordIdentityProvider": {"hashed_password": "argon2:nobody's", "password_required": True},
                "KernelManager": {"transport": "ipc"},
            }
            (tmp_path / "etc/jupyter_server_config.json").write_text(json.dumps(settings))
            return subprocess.run(
                [sys.executable, "-c", PROGRAM, "trial.json", short],
                cwd=tmp_path / "check",
                capture_output=True,
                text=True,
                check=False,
            )

    return go


def leave_alone(_: Path) -> None:
    pass


def end_in_settings_of_the_users_own(folder: Path) -> None:
    (folder / "home/.jupyter/jupyter_server_config.py").write_text("raise SystemExit(3)\n")


def break_the_kernel(folder: Path) -> None:
    (folder / "share/kernels/python3/kernel.json").write_text(json.dumps(BROKEN_KERNEL))


@pytest.mark.programs
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (leave_alone, ""),
        (end_in_settings_of_the_users_own, "The server ends with status 3."),
        (break_the_kernel, "Jupyter cannot start a kernel: HTTP 500."),
    ],
)
def test_a_server_is_tried(damage: Callable[[Path], None], said: str, run: Run, tmp_path: Path, short: str) -> None:
    damage(tmp_path)
    done = run()
    assert done.returncode == bool(said), done.stderr
    assert done.stderr.splitlines()[-1].startswith(said), done.stderr
    assert [*Path(short).iterdir()] == []
    # What is kept for all servers of a user is not touched.
    assert not list((tmp_path / "home").rglob("*cookie_secret"))


def test_a_server_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jupyter-server").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "jupyter-server").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(trial, "PATIENCE_SECONDS", 0.3)
    environment = {"PATH": os.environ["PATH"], "JUPYTER_CONFIG_PATH": "/nowhere"}
    assert trial.try_server(tmp_path, environment) == "The server does not answer."


@pytest.mark.parametrize("has_more", [False, True])
def test_what_was_added_to_a_server_has_to_load(
    has_more: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    if has_more:
        (tmp_path / "added.txt").touch()
    trial.configure(tmp_path, "password", "key", 8888)
    settings = json.loads((tmp_path / "jupyter_server_config.json").read_text())
    assert ("reraise_server_extension_failures" in settings["ServerApp"]) is has_more
