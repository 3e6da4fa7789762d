"""What an account has open is named, and ended. The programs that end it are stand-ins; processes are real."""

from __future__ import annotations

import os
import pwd
import subprocess
from typing import TYPE_CHECKING

import account_sessions
import pytest
from ansible.module_utils.reachable import accounts, processes

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunModule

NAME = "notebooks"
# Whose processes are ended must not be anybody's here.
UID = 54321
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a host on which NAME lingers and has a session, which the stand-ins end."""
    for name in ("linger", "users", "bin"):
        (tmp_path / name).mkdir()
    (tmp_path / "linger" / NAME).touch()
    (tmp_path / "users" / str(UID)).touch()
    scripts = {
        "usermod": "",
        "systemctl": "",
        "loginctl": f"case $1 in disable-linger) rm {tmp_path}/linger/$2 ;; *) rm {tmp_path}/users/{UID} ;; esac",
    }
    for name, script in scripts.items():
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\necho "$(basename "$0") $*" >> {tmp_path}/log\n{script}\n')
        program.chmod(0o755)
    account = pwd.struct_passwd((NAME, "x", UID, UID, "", "/nonexistent", "/usr/sbin/nologin"))
    monkeypatch.setattr(accounts, "find", lambda _: account)
    monkeypatch.setattr(accounts, "LINGERING", tmp_path / "linger")
    monkeypatch.setattr(accounts, "SESSIONS", tmp_path / "users")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    return tmp_path


def test_the_account_expires_before_its_sessions_end(host: Path, run_module: RunModule) -> None:
    foretold = run_module(account_sessions, check=True, name=NAME)
    assert not (host / "log").exists()
    done = run_module(account_sessions, name=NAME)
    for result in (foretold, done):
        assert (result["changed"], result["open"]) == (True, ["lingering", "session"])
        assert result["diff"] == {"before": f"{NAME}: lingering\n{NAME}: session\n", "after": ""}
    assert (host / "log").read_text().splitlines() == [
        f"usermod --expiredate 1970-01-02 {NAME}",
        f"loginctl disable-linger {NAME}",
        f"loginctl terminate-user {NAME}",
        f"systemctl reset-failed user@{UID}.service",
    ]
    assert run_module(account_sessions, name=NAME)["changed"] is False


def test_a_session_that_does_not_end(host: Path, run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_sessions, "END_SECONDS", 0.1)
    (host / "bin/loginctl").write_text("#!/bin/sh\n")
    answer = run_module(account_sessions, name=NAME)
    assert answer["failed"]
    assert answer["msg"] == f"The sessions of {NAME} do not end: look at loginctl user-status {NAME}."


@needs_root
def test_processes(host: Path, run_module: RunModule) -> None:
    (host / "linger" / NAME).unlink()
    (host / "users" / str(UID)).unlink()
    with subprocess.Popen(["sleep", "600"], user=UID) as child:
        assert child.pid in processes.of_user(UID)
        assert run_module(account_sessions, name=NAME)["changed"] is False
        assert child.poll() is None
        assert run_module(account_sessions, name=NAME, processes=True)["open"] == ["processes"]
        assert child.wait() == -9
    assert run_module(account_sessions, name=NAME, processes=True)["changed"] is False


# As /proc has them: the parent, the command and the control group of each.
INIT = (0, "/sbin/init", "0::/init.scope")
KEEPER = (1, "/opt/reachable/tools/bin/python\0/opt/reachable/tools/bin/supervisord\0-c", "0::/")


@pytest.mark.parametrize(
    ("found", "is_part"),
    [
        ({7: (1, "python", "0::/system.slice/reachable-jupyter.service")}, True),
        ({7: (1, "python", "1:name=systemd:/system.slice/reachable-jupyter.service/kernel")}, True),
        ({7: (1, "python", "0::/system.slice/reachable-jupyter.service.d")}, False),
        ({7: (1, "python", "0::/user.slice/user-999.slice/session-3.scope")}, False),
        ({5: KEEPER, 6: (5, "jupyter-server", "0::/"), 7: (6, "python", "0::/")}, True),
        ({5: KEEPER, 7: (1, "python", "0::/")}, False),
        ({7: (6, "python", "0::/")}, False),
    ],
)
def test_processes_of_a_service(found: dict[int, tuple[int, str, str]], is_part: bool, tmp_path: Path) -> None:
    for pid, (parent, command, group) in {1: INIT, **found}.items():
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "status").write_text(f"Name:\tx\nPPid:\t{parent}\n")
        (tmp_path / str(pid) / "cmdline").write_text(f"{command}\0")
        (tmp_path / str(pid) / "cgroup").write_text(f"{group}\n")
    assert processes.is_part_of(tmp_path / "7", ["reachable-jupyter"]) is is_part


def test_one_that_is_not_there(run_module: RunModule) -> None:
    assert run_module(account_sessions, name="no-such-user", processes=True)["changed"] is False


def test_never_root(run_module: RunModule) -> None:
    assert "is root" in run_module(account_sessions, name="root", processes=True)["msg"]
