"""The module with the real supervisord and the definitions that are planned."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import time
import xmlrpc.client
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import bare_host
import pytest
import supervisord_program
from ansible.module_utils.reachable import supervisord
from reachable.plan import definitions
from reachable.plan.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import RunModule

SUPERVISORD = shutil.which("supervisord")
NAME = "reachable-jupyter"
AWKWARD = "100% \"of\" 'it'; $HOME"
ME = pwd.getpwuid(os.geteuid()).pw_name


class Host:
    """A folder with supervisord's files as they are planned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # For a person, all of it lies in the folder.
        there = bare_host.situation(
            {"reachable_prefix": str(folder), "reachable_state_dir": str(folder)},
            {"service_manager": "supervisord"},
            scope="user",
        )
        self.layout = there.layout
        self.socket = Path(self.layout.supervisord_socket)
        for path in (self.definition.parent, Path(self.layout.log_dir)):
            path.mkdir(parents=True, exist_ok=True)
        self.config = folder / "etc/supervisord.conf"
        self.config.write_text(definitions.supervisord_config(self.layout))

    @property
    def definition(self) -> Path:
        """Return the file with the program."""
        return Path(self.layout.definition(NAME))

    def define(self, *command: str) -> None:
        """Define the program."""
        service = Service(
            name=NAME,
            description="",
            command=[*command],
            user=ME,
            group="",
            directory=str(self.folder),
            environment={"GREETING": "100% 'well' done"},
        )
        self.definition.write_text(definitions.supervisord_program(service, self.layout))

    def info(self) -> dict[str, Any]:
        """Return what supervisord says of the program."""
        found: dict[str, Any] | None = supervisord.program_info(supervisord.connect(str(self.socket)), NAME)
        assert found
        return found

    def kill(self) -> None:
        """End supervisord and its program as a power cut does."""
        with contextlib.suppress(FileNotFoundError):
            pid = (self.folder / "etc/supervisord.pid").read_text().strip()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            processes = [int(each) for each in (pid, *children)]
            for process in processes:
                os.kill(process, signal.SIGKILL)
            wait_until(lambda: not any(map(is_alive, processes)))


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    assert SUPERVISORD, "supervisord is missing here: it belongs to requirements/test.in."
    made = Host(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def keep(run_module: RunModule, host: Host) -> Any:
    """Run the module."""

    def run(state: str = "started", **options: Any) -> dict[str, Any]:
        files = {
            "supervisord": SUPERVISORD,
            "config": str(host.config),
            "socket": str(host.socket),
        }
        return run_module(supervisord_program, **{"name": NAME, "state": state, **files, **options})

    return run


def test_a_program_from_start_to_change(host: Host, keep: Any) -> None:
    host.define("sh", "-c", 'printf "%s\\n" "$1" >said; exec sleep 1000', "sh", AWKWARD)

    # not even supervisord runs
    predicted = keep(check=True)
    assert (predicted["changed"], predicted["pid"]) == (True, 0)
    assert not host.socket.exists()
    first = keep()
    assert first["changed"]
    assert is_alive(first["pid"])
    assert host.info()["statename"] == "RUNNING"
    assert (host.folder / "said").read_text() == f"{AWKWARD}\n"
    assert [(result["changed"], result["pid"]) for result in (keep(check=True), keep())] == [(False, first["pid"])] * 2

    # only what the definition, the module and sh name is in its environment
    environment = Path(f"/proc/{first['pid']}/environ").read_text().rstrip("\0").split("\0")
    own = dict(line.split("=", 1) for line in environment if not line.startswith(("SUPERVISOR_", "PWD=")))
    assert own == {**supervisord_program.ENVIRONMENT, "GREETING": "100% 'well' done"}

    # restarted
    predicted = keep("restarted", check=True)
    assert (predicted["changed"], predicted["pid"], is_alive(first["pid"])) == (True, first["pid"], True)
    second = keep("restarted")
    assert second["changed"]
    assert is_alive(second["pid"])
    assert not is_alive(first["pid"])

    # killed
    os.kill(second["pid"], signal.SIGKILL)
    killed = time.monotonic()
    wait_until(lambda: host.info()["statename"] == "RUNNING" and host.info()["pid"] != second["pid"])
    assert time.monotonic() - killed < 5
    assert not keep()["changed"]

    # defined anew
    host.define("sleep", "2000")
    third = keep("restarted")
    assert Path(f"/proc/{third['pid']}/cmdline").read_bytes() == b"sleep\x002000\x00"

    # supervisord itself has gone, and left its socket behind
    host.kill()
    assert host.socket.exists()
    assert keep(check=True)["changed"]
    assert keep()["changed"]
    assert not keep()["changed"]


def test_a_program_that_is_not_wanted_any_more(host: Host, keep: Any) -> None:
    # nothing runs, and nothing is started for it
    assert not keep("absent")["changed"]
    assert not host.socket.exists()

    host.define("sleep", "1000")
    pid = keep()["pid"]
    host.definition.unlink()
    assert keep("absent", check=True)["changed"]
    assert is_alive(pid)
    assert keep("absent")["changed"]
    assert not is_alive(pid)
    assert not keep("absent", check=True)["changed"]
    assert not keep("absent")["changed"]


def test_a_container_that_runs_supervisord_stays() -> None:
    api = mock.Mock()
    api.getAllProcessInfo.return_value, api.getPID.return_value = [], 1
    supervisord_program.shut_down(api, "/no/socket")
    api.shutdown.assert_not_called()


def test_a_program_that_cannot_be_started(host: Host, keep: Any) -> None:
    message = f"supervisord cannot start {NAME}, {{}}: see its log."
    assert keep()["msg"] == message.format(f"BAD_NAME: {NAME}")

    host.define("/nowhere/jupyter")
    assert keep()["msg"] == message.format("NO_FILE: can't find command '/nowhere/jupyter'")

    host.define("false")
    for state in ("started", "restarted"):
        assert keep(state)["msg"] == message.format(f"SPAWN_ERROR: {NAME}")
        wait_until(lambda: host.info()["statename"] == "BACKOFF")

    host.define("sleep", "1000")
    assert keep("restarted")["changed"]
    assert host.info()["statename"] == "RUNNING"


ALREADY_STARTED = xmlrpc.client.Fault(60, "ALREADY_STARTED: x")


@pytest.mark.parametrize(
    ("states", "fault", "last"),
    [
        (["STOPPED", "STARTING", "STARTING", "RUNNING"], ALREADY_STARTED, "RUNNING"),
        (["STOPPED", "STARTING", "BACKOFF"], ALREADY_STARTED, "BACKOFF"),
        (["STARTING", "RUNNING", "RUNNING"], AssertionError, "RUNNING"),
    ],
)
def test_supervisord_is_faster(states: list[str], fault: Exception, last: str) -> None:
    """It starts a program that is new to it by itself: before we ask, or between two of our questions."""
    api = mock.Mock()
    api.reloadConfig.return_value = [[["x"], [], []]]
    api.getProcessInfo.side_effect = [{"statename": state} for state in states]
    api.startProcess.side_effect = fault
    assert supervisord_program.ensure(api, "x", restart=False)["statename"] == last
    api.addProcessGroup.assert_called_once_with("x")


def test_no_supervisord(keep: Any) -> None:
    result = keep(supervisord="/nowhere/supervisord")
    assert result["rc"] == 127
    assert "/nowhere/supervisord" in result["msg"]


def test_a_supervisord_with_another_socket(host: Host, keep: Any) -> None:
    host.define("sleep", "1000")
    other = str(host.folder / "other.sock")
    assert keep(socket=other)["msg"] == f"supervisord started, but nothing answers at {other}: see its log."
    wait_until(lambda: supervisord.connect(str(host.socket)) is not None)  # it can be ended from then on
