"""Programs run in a sandbox as they would here, and none of them outlives whoever asked for it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.reachable import sandbox
from ansible.module_utils.reachable.sandbox import Ended, Sandbox, SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PYTHON = sys.executable
SECRET = {"HTTPS_PROXY": "http://ada:secret@proxy.example"}


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Sandbox]]:
    """Return a function that makes a sandbox in which all is as it is, but for systemd, which is not there."""
    made = []

    def go(*instead: str) -> Sandbox:
        def without_systemd(*asked: Any) -> list[str]:
            command = command_line(*asked)
            return list(instead) or command[command.index("--") + 1 :]

        command_line = sandbox.command_line
        with monkeypatch.context() as patch:
            patch.setattr(sandbox, "command_line", without_systemd)
            made.append(Sandbox("ada", ["ProtectHome=yes"], PYTHON))
        return made[-1]

    yield go
    for each in made:
        if not each.requests.closed:
            each.close()
        assert each.process.returncode is not None


def run(place: Sandbox, code: str, seconds: float = 30) -> Ended:
    ended: Ended = place.run([PYTHON, "-c", code], SECRET, "/", seconds)
    return ended


def test_the_command_line_has_the_directives_and_nothing_of_the_programs() -> None:
    command = sandbox.command_line(
        "x.service", "ada", ["ProtectHome=yes", 'ReadWritePaths="-/a b"'], "/usr/bin/python3"
    )
    options, inside = command[: command.index("--")], command[command.index("--") + 1 :]
    assert options[:5] == ["systemd-run", "--pipe", "--wait", "--collect", "--unit=x.service"]
    assert {"--property=User=ada", "--property=ProtectHome=yes", '--property=ReadWritePaths="-/a b"'} <= set(options)
    assert {each.split("=")[1] for each in options if "Sec" in each} == {"TimeoutStopSec", "RuntimeMaxSec"}
    assert inside == ["/usr/bin/python3", "-I", "-c", sandbox.BOOTSTRAP]


def test_programs_run_one_after_the_other(make: Callable[..., Sandbox]) -> None:
    place = make()
    seen = run(
        place, "import os, sys; print(sorted(os.environ), os.getcwd()); print('\\udcff', file=sys.stderr); sys.exit(3)"
    )
    assert seen.status == 3
    assert "HTTPS_PROXY" in seen.output
    assert "HOME" not in seen.output
    assert seen.output.endswith(" /\n")
    assert run(place, "import os; os.kill(os.getpid(), 9)").status == -signal.SIGKILL
    with pytest.raises(OSError, match="No such file") as missing:
        place.run(["/nowhere"], {}, "/", 30)
    assert missing.value.errno == errno.ENOENT
    with pytest.raises(subprocess.TimeoutExpired):
        run(place, "import time; time.sleep(60)", seconds=0.2)
    assert run(place, "print(1)") == (0, "1\n", "")


@pytest.mark.parametrize("is_dead", [True, False])
def test_all_ends_with_whoever_asked(is_dead: bool, make: Callable[..., Sandbox], tmp_path: Path) -> None:
    place = make()
    begun = tmp_path / "begun"
    asked = {"command": ["sh", "-c", f"touch {begun}; exec sleep 15"], "environment": {}, "folder": "/", "seconds": 60}
    place._tell(asked)
    while not begun.exists():
        time.sleep(0.02)
    if is_dead:
        os.close(place.requests.fileno())
        # In the place of what was closed, so that nothing else is.
        os.dup2(os.open(os.devnull, os.O_WRONLY), place.requests.fileno())
    else:
        place.close()
    assert place.process.wait(10) == 0


@pytest.mark.parametrize(
    ("instead", "seconds", "reason"),
    [
        ("echo Unknown assignment: Foo=1 >&2; exit 1", 30, "Unknown assignment: Foo=1"),
        ("exit 1", 30, "it does not answer"),
        ("read a; read b; echo nonsense; read c", 30, "it does not answer"),
        ("read a; read b; echo '[1]'; read c", 30, "it does not answer"),
        ("read a; read b; echo '{}'; read c", 30, "it does not answer"),
        ("sleep 2", 0.2, "it does not answer"),
    ],
)
def test_one_that_does_not_work(
    instead: str, seconds: float, reason: str, make: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(sandbox, "REASON_SECONDS", 0.1)
    with pytest.raises(SandboxError) as told:
        run(place := make("sh", "-c", instead), "print(1)", seconds)
    assert str(told.value) == (
        f"the sandbox for programs of ada does not work: {reason}. Check its directives; "
        f"journalctl --unit={place.unit} on the host may tell more."
    )


def test_an_answer_without_end(make: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "LARGEST_ANSWER", 2**16)
    monkeypatch.setattr(sandbox, "REASON_SECONDS", 0.1)
    with pytest.raises(SandboxError, match="it does not answer"):
        run(make("sh", "-c", "exec cat /dev/zero"), "print(1)")
