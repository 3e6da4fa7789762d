"""The module with the stand-in for launchd, which starts real programs."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import launchd_service
import pytest
from ansible.module_utils.reachable import launchd
from ansible.module_utils.reachable.launchd import Answer
from launchd_host import NAME, Host, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import RunModule

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's launchd gives files to users")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(tmp_path)

    def launchctl(*arguments: str) -> Answer:
        answer = made.ask(*arguments)
        return Answer(answer.returncode, answer.stdout, answer.stderr.strip())

    monkeypatch.setattr(launchd, "launchctl", launchctl)
    monkeypatch.setattr(launchd_service, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(launchd_service, "SETTLE_SECONDS", 0.3)
    monkeypatch.setattr(launchd_service, "START_SECONDS", 1.5)
    yield made
    made.shut_down()


@pytest.fixture
def keep(run_module: RunModule, host: Host) -> Any:
    """Run the module."""

    def run(state: str = "started", **options: Any) -> dict[str, Any]:
        return run_module(launchd_service, **{"name": NAME, "state": state, "path": str(host.path), **options})

    return run


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_program_from_start_to_change(host: Host, keep: Any) -> None:
    host.define("sh", "-c", "echo hello; exec sleep 1000")

    predicted = keep(check=True)
    assert (predicted["changed"], predicted["pid"], predicted["domain"]) == (True, 0, host.domain)
    assert not host.log.exists()
    first = keep()
    assert (first["changed"], first["domain"]) == (True, host.domain)
    assert is_alive(first["pid"])
    assert host.log.read_text() == "hello\n"
    assert host.log.stat().st_mode & 0o777 == 0o600
    assert [(result["changed"], result["pid"]) for result in (keep(check=True), keep())] == [(False, first["pid"])] * 2

    # restarted
    predicted = keep("restarted", check=True)
    assert (predicted["changed"], predicted["pid"], is_alive(first["pid"])) == (True, first["pid"], True)
    second = keep("restarted")
    assert second["changed"]
    assert is_alive(second["pid"])
    assert not is_alive(first["pid"])
    assert host.log.read_text() == "hello\nhello\n"

    # killed
    os.kill(second["pid"], signal.SIGKILL)
    wait_until(lambda: host.said("pid") not in ("", str(second["pid"])))
    assert not keep()["changed"]

    # defined anew, of which launchd has the old definition
    host.define("sleep", "2000")
    assert keep(check=True)["changed"]
    assert keep()["changed"]
    job = launchd.find(NAME)
    assert job
    assert job.arguments == ("sleep", "2000")
    assert not keep()["changed"]


def test_a_program_that_is_not_wanted_any_more(host: Host, keep: Any) -> None:
    assert not keep("absent")["changed"]
    host.define("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
    pid = keep()["pid"]
    host.path.unlink()
    assert keep("absent", check=True)["changed"]
    assert is_alive(pid)
    assert keep("absent")["changed"]
    assert not is_alive(pid)
    assert not keep("absent", check=True)["changed"]
    assert not keep("absent")["changed"]


def test_what_was_disabled_is_enabled(host: Host, keep: Any) -> None:
    host.define("sleep", "1000")
    host.ask("disable", host.target)
    assert keep(check=True)["changed"]
    pid = keep()["pid"]
    host.ask("disable", host.target)  # while it runs
    assert keep(check=True)["changed"]
    assert keep()["pid"] != pid
    assert not keep()["changed"]
    host.ask("disable", host.target)
    keep("absent")
    assert launchd.disabled(host.domain) == set()


def test_what_was_booted_out_is_back(host: Host, keep: Any) -> None:
    host.define("sleep", "1000")
    keep()
    host.ask("bootout", host.target)  # and is not yet gone when the module comes
    assert keep()["changed"]
    assert host.said("state") == "running"


def test_a_start_that_launchd_leaves_pending(host: Host, keep: Any) -> None:
    (host.root / "var/run/launchd.pending").touch()
    host.define("sleep", "1000")
    assert is_alive(keep()["pid"])


def test_a_job_that_is_not_kept_alive(host: Host, keep: Any) -> None:
    host.define("true", KeepAlive=False, StartInterval=3600)
    assert keep()["changed"]
    assert not keep()["changed"]


def test_a_program_that_cannot_be_started(host: Host, keep: Any) -> None:
    assert keep()["msg"] == f"{host.path} does not define {NAME}: write it first."

    host.define("/nowhere/jupyter")
    words = f"launchd cannot start {NAME} (spawn scheduled, last exit code 78: EX_CONFIG): see {host.log}."
    assert keep()["msg"] == words

    host.define("false")
    assert keep("restarted")["msg"].startswith(f"launchd cannot start {NAME} (")
    assert "last exit code 1" in keep("restarted")["msg"]

    host.define("sleep", "1000")
    assert keep("restarted")["changed"]


def test_a_definition_that_launchd_does_not_take(host: Host, keep: Any) -> None:
    host.define("sleep", "1000")
    host.path.chmod(0o666)
    words = "because it belongs to somebody else, or others may write to it"
    assert keep()["msg"] == f"launchd does not take {host.path}, {words}."


def test_a_job_that_stays_disabled(host: Host, keep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the machine is managed by somebody."""
    host.define("sleep", "1000")
    host.ask("disable", host.target)
    ask = launchd.launchctl
    monkeypatch.setattr(launchd, "launchctl", lambda *words: Answer(0, "", "") if words[0] == "enable" else ask(*words))
    words = f"because {NAME} is disabled and must not be enabled"
    assert keep()["msg"] == f"launchd does not take {host.path}, {words}."


def test_a_job_that_does_not_end(host: Host, keep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchd_service, "GRACE_SECONDS", -0.5)
    host.define("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done", ExitTimeOut=1)
    keep()
    assert keep("absent")["msg"].startswith(f"launchd cannot end {NAME}, which is SIGTERMed still: see what process ")


@needs_root
def test_the_log_belongs_to_the_user(host: Host, keep: Any) -> None:
    host.root.chmod(0o755)
    host.define("sleep", "1000", UserName="nobody", GroupName="nogroup", StandardOutPath="/tmp/reachable-test.log")
    try:
        keep()
        found = os.stat("/tmp/reachable-test.log")
        assert (found.st_uid, found.st_mode & 0o777) == (65534, 0o600)
    finally:
        os.unlink("/tmp/reachable-test.log")


def test_a_job_is_moved_to_where_it_lasts(host: Host, keep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has logged in at the screen since."""
    host.define("sleep", "1000")
    keep()
    ends = []
    monkeypatch.setattr(launchd_service, "end", lambda name, _: ends.append(name))
    monkeypatch.setattr(launchd_service, "take_over", lambda *_: None)
    monkeypatch.setattr(launchd_service, "start", lambda *_: 1)
    assert not keep()["changed"]
    monkeypatch.setattr(launchd, "lasting_domain", lambda: "gui/501")
    assert keep()["changed"]
    assert ends == [NAME]
