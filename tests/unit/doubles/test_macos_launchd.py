"""The stand-in for launchd keeps the contract that is documented for the real one."""

from __future__ import annotations

import os
import plistlib
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from launchd_host import NAME, Host, wait_until
from open_folder import open_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root's launchd tells what is wrong, and changes users")

pytestmark = pytest.mark.programs


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    made.shut_down()


def code_and_words(host: Host, *arguments: str) -> tuple[int, str]:
    answer = host.ask(*arguments)
    return answer.returncode, answer.stderr.strip()


def test_a_job_from_start_to_end(host: Host) -> None:
    host.define("sh", "-c", "echo hello; trap 'echo bye; exit 0' TERM; while :; do sleep 0.1; done")
    assert code_and_words(host, "print", host.target)[0] == 113
    assert host.ask("bootstrap", host.domain, str(host.path)).returncode == 0
    wait_until(lambda: host.said("state") == "running")
    assert host.said("path") == str(host.path)
    assert host.said("last exit code") == "(never exited)"
    assert host.ask("bootstrap", host.domain, str(host.path)).returncode == (37 if IS_ROOT else 5)
    wait_until(lambda: host.log.exists() and host.log.read_text() == "hello\n")

    # bootout answers while the job is still there, and the log is appended to
    assert host.ask("bootout", host.target).returncode == 0
    assert host.said("state") == "SIGTERMed"
    assert host.ask("bootstrap", host.domain, str(host.path)).returncode == (37 if IS_ROOT else 5)
    wait_until(lambda: host.ask("print", host.target).returncode == 113)
    assert host.log.read_text() == "hello\nbye\n"
    assert code_and_words(host, "bootout", host.target) == (3, "Boot-out failed: 3: No such process")


def test_a_job_is_kept_alive_but_not_too_often(host: Host) -> None:
    host.define("sleep", "1000", ThrottleInterval=1)
    host.ask("bootstrap", host.domain, str(host.path))
    wait_until(lambda: host.said("pid"))
    first = host.said("pid")
    os.kill(int(first), signal.SIGKILL)
    wait_until(lambda: host.said("state") == "spawn scheduled")
    assert host.said("last exit code") == "-9: SIGKILL"
    wait_until(lambda: host.said("pid") not in ("", first))
    assert host.said("runs") == "2"
    assert host.ask("kickstart", host.target).returncode == 0
    assert host.said("runs") == "2"
    assert host.ask("kickstart", "-k", host.target).returncode == 0
    assert host.said("runs") == "3"
    assert host.ask("kill", "SIGTERM", host.target).returncode == 0


def test_a_job_that_does_not_end_is_killed(host: Host) -> None:
    host.define("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done", ExitTimeOut=1)
    host.ask("bootstrap", host.domain, str(host.path))
    wait_until(lambda: host.said("pid"))
    host.ask("bootout", host.target)
    wait_until(lambda: host.ask("print", host.target).returncode == 113)


@pytest.mark.parametrize(
    "keys",
    [
        {"StandardOutPath": "/nowhere/log"},
        {"WorkingDirectory": "/nowhere"},
        {"ProgramArguments": ["/nowhere/program"]},
    ],
)
def test_a_job_that_cannot_start_is_registered_all_the_same(host: Host, keys: dict[str, object]) -> None:
    host.define("sleep", "1000", **keys)
    assert host.ask("bootstrap", host.domain, str(host.path)).returncode == 0
    wait_until(lambda: host.said("last exit code") == "78: EX_CONFIG")
    assert host.said("pid") == ""


def test_what_is_disabled_outlives_all(host: Host) -> None:
    assert host.ask("disable", host.target).returncode == 0
    host.define("sleep", "1000")
    assert host.ask("bootstrap", host.domain, str(host.path)).returncode == (119 if IS_ROOT else 5)
    host.shut_down()
    host.boot()
    assert f'"{NAME}" => disabled' in host.ask("print-disabled", host.domain).stdout
    assert host.ask("enable", host.target).returncode == 0
    assert f'"{NAME}" => enabled' in host.ask("print-disabled", host.domain).stdout
    assert host.ask("bootstrap", host.domain, str(host.path)).returncode == 0


@needs_root
def test_daemons_are_back_after_a_reboot_and_agents_after_a_login(host: Host) -> None:
    host.define("sleep", "1000")
    host.shut_down()
    host.boot()
    wait_until(lambda: host.said("state") == "running")


def test_a_start_that_stays_pending_until_it_is_asked_for(host: Host) -> None:
    (host.root / "var/run/launchd.pending").touch()
    host.define("sleep", "1000")
    assert host.ask("bootstrap", host.domain, str(host.path)).returncode == 0
    assert (host.said("state"), host.said("runs")) == ("not running", "0")
    assert host.ask("kickstart", host.target).returncode == 0
    assert host.said("state") == "running"


@needs_root
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda path: path.unlink(), 2),
        (lambda path: path.write_text("<plist>"), 109),
        (lambda path: path.write_bytes(plistlib.dumps({})), 110),
        (lambda path: path.write_bytes(plistlib.dumps({"Label": "x"})), 111),
        (lambda path: path.chmod(0o666), 122),
        (lambda path: os.chown(path, 1, 1), 122),
    ],
)
def test_a_definition_that_is_refused(host: Host, change: object, code: int) -> None:
    host.define("sleep", "1000")
    assert callable(change)
    change(host.path)
    assert host.ask("bootstrap", host.domain, str(host.path)).returncode == code


@needs_root
def test_others_than_root_hear_little_and_change_nothing(host: Host) -> None:
    open_folder(host.root)  # so that nobody comes to the socket
    as_nobody: list[str | Path] = ["runuser", "--user=nobody", "--", host.launchctl]
    host.define("sleep", "1000")

    def ask(*arguments: str) -> tuple[int, str]:
        answer = subprocess.run([*as_nobody, *arguments], capture_output=True, text=True, check=False)
        return answer.returncode, answer.stderr.strip()

    assert ask("bootstrap", "system", str(host.path))[0] == 5
    assert ask("disable", host.target)[0] == 1
    host.ask("bootstrap", "system", str(host.path))
    assert ask("print", host.target)[0] == 0
    assert ask("bootout", host.target) == (1, "Boot-out failed: 1: Operation not permitted")
    assert ask("print", "gui/99999") == (112, "Could not find domain for user gui: 99999")
    nobody = 65534
    assert ask("print", f"gui/{nobody}")[0] == 125
    assert ask("print", f"user/{nobody}")[0] == 0
    assert ask("bootstrap", f"gui/{nobody}", str(host.path))[0] == 125


@needs_root
def test_a_daemon_runs_as_its_user(host: Host) -> None:
    open_folder(host.root)
    host.log.touch()
    os.chown(host.log, 65534, 65534)
    host.define("sh", "-c", "id -un; umask; env; exec sleep 1000", UserName="nobody", Umask="077")
    host.ask("bootstrap", host.domain, str(host.path))
    wait_until(lambda: "XPC_SERVICE_NAME" in host.log.read_text())
    lines = host.log.read_text().splitlines()
    assert lines[:2] == ["nobody", "0077"]
    assert {line.partition("=")[0] for line in lines[2:]} == {"PATH", "PWD", "XPC_SERVICE_NAME"}


@pytest.mark.parametrize("words", [("bootout", "system"), ("bootout", "gui/0"), ("load", "/x.plist")])
def test_what_must_never_be_asked_ends_it(host: Host, words: tuple[str, ...]) -> None:
    host.ask(*words)
    assert host.process.wait(10) == 1


def test_other_releases(tmp_path: Path) -> None:
    old = Host(tmp_path, macos=12)
    try:
        old.define("sleep", "1000")
        old.ask("bootstrap", old.domain, str(old.path))
        assert old.ask("print", old.target).stdout.startswith(f"{NAME} = {{\n")
        old.ask("disable", old.target)
        assert f'"{NAME}" => true' in old.ask("print-disabled", old.domain).stdout
        assert old.ask("bootout", "--wait", old.target).returncode == 64
    finally:
        old.shut_down()


def test_small_questions(host: Host) -> None:
    assert host.ask("managername").stdout == ("System\n" if IS_ROOT else "Background\n")
    assert host.ask("error", "113").stdout == "113: Could not find specified service\n"
    assert code_and_words(host, "dance") == (1, "Unrecognized subcommand: dance")
    assert host.ask("kickstart", "system").returncode == 64
    assert host.ask("list").stdout.startswith("PID\tStatus\tLabel\n")
