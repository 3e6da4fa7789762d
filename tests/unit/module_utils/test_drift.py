"""What a host that looks for drift by itself makes of ansible-pull's output, and whom it tells what."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from reachable import drift
from reachable.drift import Config, Result
from reachable.timed import Output

if TYPE_CHECKING:
    from pathlib import Path

NOON = 1_800_000_000.0
UNIT = {"what": "Write the unit", "where": "/etc/x.service", "expected": "UMask=0077", "found": "UMask=0000"}
PORT = {"what": "Check the port", "where": "", "expected": "", "found": "jupyter_port 8888 is taken."}
BEFORE = 'Starting Ansible Pull at 2026-11-26\nlocalhost | CHANGED => {\n    "changed": true\n}\n[WARNING]: {\n'


def printed(verdict: str, rows: list[dict[str, str]], problem: str = "", host: str = "vps") -> str:
    report = {"verdict": verdict, "problem": problem, "drift": rows}
    return BEFORE + json.dumps({"hosts": {host: report}}, indent=2) + "\n"


@pytest.mark.parametrize(
    ("output", "result"),
    [
        (Output(0, printed("fine", []), ""), Result("fine")),
        (Output(2, printed("drift", [UNIT]), ""), Result("drift", [UNIT])),
        (Output(1, printed("unknown", [UNIT], "It broke."), ""), Result("unknown", [UNIT], "It broke.")),
        (Output(2, printed("unreachable", []), ""), Result("unknown")),
        # What is no report
        (Output(1, printed("fine", [], host="other"), "sh: broken\n\n"), Result("unknown", problem="sh: broken")),
        (Output(0, "{\n", ""), Result("unknown", problem="{")),
        (Output(9, "", ""), Result("unknown", problem="ansible-pull ended with 9")),
        (
            Output(1, "Starting\n", "[WARNING]: x\n[ERROR]: no hosts to target.\nTry --help\n"),
            Result("unknown", problem="no hosts to target."),
        ),
        (Output(1, "", "ERROR! the vault\n"), Result("unknown", problem="the vault")),
        (
            Output(1, 'localhost | FAILED! => {\n"changed": false,\n"msg": "Failed to\\n fetch"\n}\n', "x"),
            Result("unknown", problem="Failed to fetch"),
        ),
        (Output(1, "localhost | FAILED! => {cut}", ""), Result("unknown", problem="localhost | FAILED! => {cut}")),
    ],
)
def test_what_is_compared(output: Output, result: Result) -> None:
    assert drift.compared(output, "vps") == result


@pytest.mark.parametrize(
    ("output", "result"),
    [
        (Output(0, "", ""), Result("repaired", [UNIT])),
        (Output(2, printed("unreachable", [], "No answer."), ""), Result("unrepaired", [UNIT], "No answer.")),
        (Output(2, printed("unknown", []), "it fell"), Result("unrepaired", [UNIT], "it fell")),
        (Output(1, "", "it fell"), Result("unrepaired", [UNIT], "it fell")),
    ],
)
def test_what_is_repaired(output: Output, result: Result) -> None:
    assert drift.repaired(Result("drift", [UNIT]), output, "vps") == result


DRIFT = Result("drift", [UNIT])


@pytest.mark.parametrize(
    ("before", "now", "news"),
    [
        (Result(""), Result("fine"), None),
        (Result(""), DRIFT, "1 difference from what is declared"),
        (Result("fine"), Result("fine"), None),
        (Result("fine"), DRIFT, "1 difference from what is declared"),
        (DRIFT, DRIFT, None),
        (DRIFT, Result("drift", [{**UNIT, "found": "UMask=0002"}]), None),
        (DRIFT, Result("drift", [UNIT, PORT]), "2 differences from what is declared"),
        (Result("drift", [UNIT, PORT]), Result("drift", [PORT, UNIT]), None),
        (DRIFT, Result("fine"), "as declared again"),
        (Result("fine"), Result("repaired", [UNIT]), "1 difference from what is declared, repaired"),
        (Result("repaired", [UNIT]), Result("repaired", [UNIT]), None),
        (Result("repaired", [UNIT]), Result("fine"), None),
        (DRIFT, Result("unrepaired", [UNIT], "x"), "1 difference from what is declared, not repaired"),
        (Result("unrepaired", [UNIT], "x"), Result("unrepaired", [UNIT], "y"), None),
        (Result("unrepaired", [UNIT], "x"), Result("fine"), "as declared again"),
        (Result("fine"), Result("unknown", [], "x"), "cannot be compared with what is declared"),
        (Result("unknown", [], "x"), Result("unknown", [], "y"), None),
        (Result("unknown", [], "x"), Result("fine"), "as declared again"),
    ],
)
def test_what_people_are_told(before: Result, now: Result, news: str | None) -> None:
    assert drift.news(before, now) == news


def test_a_message() -> None:
    made = drift.message("2 differences", "vps", Result("unrepaired", [UNIT, PORT], "It fell."), NOON)
    assert made["title"] == "Jupyter on vps: 2 differences"
    assert made["body"] == (
        "Write the unit /etc/x.service: found UMask=0000, expected UMask=0077\n"
        "Check the port: jupyter_port 8888 is taken.\nIt fell.\nSeen 2027-01-15 08:00:00 UTC."
    )
    assert made["data"] == {
        "host": "vps",
        "time": "2027-01-15T08:00:00+00:00",
        "state": "unrepaired",
        "differences": [UNIT, PORT],
        "problem": "It fell.",
    }


class Host:
    """A host whose ansible-pull says what the test wants, and whose command keeps what it is told."""

    def __init__(self, folder: Path, action: str = "report") -> None:
        self.folder, self.told = folder, folder / "told"
        programs = folder / "environment.d/1/bin"
        programs.mkdir(parents=True)
        (folder / "environment").symlink_to("environment.d/1")
        # In the place of the environment's Python: it notes how it is called, and answers for the playbook.
        (programs / "python").write_text(
            f'#!/bin/sh\necho "$REACHABLE_JSON$PYTHONPATH $*" >>{folder}/calls\nfor last; do :; done\n'
            f"cd {folder}/answers && cat $(basename $last) && exit $(cat $(basename $last).status)\n"
        )
        (programs / "python").chmod(0o755)
        (folder / "answers").mkdir()
        (folder / "tell").write_text(f"#!/bin/sh\ncat >>{self.told}\n")
        (folder / "tell").chmod(0o755)
        self.config = folder / "drift.json"
        settings: dict[str, Any] = {"host": "vps", "action": action, "folder": str(folder), "options": ["--url", "u"]}
        settings |= {"environment": f"{folder}/environment", "variables": f"{folder}/variables.json"}
        self.config.write_text(json.dumps(settings | {"notify_command": [f"{folder}/tell"]}))

    def say(self, playbook: str, status: int, text: str) -> None:
        (self.folder / "answers" / playbook).write_text(text)
        (self.folder / "answers" / f"{playbook}.status").write_text(str(status))

    def look(self) -> int:
        self.told.unlink(missing_ok=True)
        (self.folder / "calls").unlink(missing_ok=True)
        status: int = drift.main(["--config", str(self.config)])
        return status

    @property
    def calls(self) -> list[str]:
        programs = f"{self.folder}/environment.d/1/bin"
        return (self.folder / "calls").read_text().replace(programs, "BIN").replace(str(self.folder), "").splitlines()


def test_what_is_pulled_imports_its_own_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/opt/reachable/drift/lib/reachable.zip")
    host = Host(tmp_path)
    host.say("drift.yml", 0, printed("fine", []))
    host.look()
    assert [call.partition(" ")[0] for call in host.calls] == ["true"]


def test_a_report_is_told_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    host = Host(tmp_path)
    host.say("drift.yml", 2, printed("drift", [UNIT]))

    assert host.look() == 0
    assert host.calls == ["true BIN/ansible-pull --url u --extra-vars @/variables.json --check playbooks/drift.yml"]
    assert json.loads(host.told.read_text())["differences"] == [UNIT]
    kept = json.loads((tmp_path / "result.json").read_text())
    assert (kept["state"], kept["number"], kept["differences"]) == ("drift", 1, [UNIT])
    assert (tmp_path / "result.json").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "outbox") == []
    assert " drift 1 difference from what is declared\n" in capfd.readouterr().out

    assert host.look() == 0
    assert not host.told.exists()

    host.say("drift.yml", 0, printed("fine", []))
    assert host.look() == 0
    assert json.loads(host.told.read_text())["state"] == "fine"


def test_a_repair(tmp_path: Path) -> None:
    host = Host(tmp_path, "repair")
    host.say("drift.yml", 2, printed("drift", [UNIT]))
    host.say("up.yml", 0, "")
    assert host.look() == 0
    assert [call.split()[-1] for call in host.calls] == ["playbooks/drift.yml", "playbooks/up.yml"]
    assert "--check" not in host.calls[1]
    assert json.loads(host.told.read_text())["state"] == "repaired"

    host.say("drift.yml", 0, printed("fine", []))
    assert host.look() == 0
    assert [call.split()[-1] for call in host.calls] == ["playbooks/drift.yml"]
    assert not host.told.exists()


def test_what_cannot_be_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    host = Host(tmp_path, "repair")
    host.say("drift.yml", 1, "ERROR! no way\n")
    assert host.look() == 1
    assert json.loads(host.told.read_text())["problem"] == "no way"
    assert "ERROR! no way" in capfd.readouterr().out

    (tmp_path / "environment").unlink()
    assert drift.main(["--config", str(host.config)]) == 1
    kept = json.loads((tmp_path / "result.json").read_text())
    program = f"{tmp_path}/environment/bin/python"
    assert kept["problem"] == f"{program} does not run (No such file or directory): run './reachable up'."


def test_a_pull_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **options: Any) -> None:
        raise subprocess.TimeoutExpired("ansible-pull", options["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    config = Config("vps", "report", str(tmp_path), "/e", [], "/v", [])
    assert drift.pull_with(config)([]) == Output(1, "", "ansible-pull was not done after 60 minutes.")


def test_what_is_not_delivered_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "DELIVERY_SECONDS", 0.5)
    host = Host(tmp_path)
    host.say("drift.yml", 2, printed("drift", [UNIT]))
    works = (tmp_path / "tell").read_text()
    (tmp_path / "tell").write_text("#!/bin/sh\nexit 1\n")
    assert host.look() == 0
    assert os.listdir(tmp_path / "outbox") == ["00000001-command.json"]

    (tmp_path / "tell").write_text(works)
    assert host.look() == 0
    assert json.loads(host.told.read_text())["state"] == "drift"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (None, "cannot be read: No such file or directory."),
        ("{", "is no configuration of this program (Expecting property name "),
        ('{"host": "vps"}', "is no configuration of this program ("),
    ],
)
def test_a_wrong_configuration(
    text: str | None, error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "c").write_text(text)
    assert drift.main(["--config", str(tmp_path / "c")]) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path}/c {error}")
