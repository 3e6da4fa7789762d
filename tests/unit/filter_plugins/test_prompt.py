"""What a playbook asks for comes from standard input where that is no terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import prompt
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("given", "lines", "taken", "rest"),
    [
        (None, "first\nsecond\n", "first", "second\n"),
        (None, "first\r\n", "first", ""),
        (None, " {{ 1 }} é ", " {{ 1 }} é ", ""),
        (None, "", "", ""),
        ("given", "first\n", "given", "first\n"),
        ("", "first\n", "", "first\n"),
    ],
)
def test_the_first_line(given: str | None, lines: str, taken: str, rest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    assert prompt.FilterModule().filters()["or_standard_input"](given) == taken
    assert sys.stdin.read() == rest


def test_a_terminal_is_left_to_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard, os.fdopen(theirs) as terminal:
        keyboard.write(b"typed\n")
        monkeypatch.setattr(sys, "stdin", terminal)
        assert prompt.or_standard_input(None) is None


@pytest.mark.programs
@pytest.mark.parametrize(
    ("arguments", "lines", "password"),
    [
        ([], '{{ 1 + 1 }} \\ " 😀 {% raw\nsecond\n', '{{ 1 + 1 }} \\ " 😀 {% raw'),
        ([], "", ""),
        (["-e", "jupyter_new_password=given"], "not this\n", "given"),
    ],
)
def test_ansible_asks_as_the_playbook_says(arguments: Sequence[str], lines: str, password: str, tmp_path: Path) -> None:
    (play,) = yaml.safe_load((ROOT / "playbooks/password.yml").read_text())
    report = {"verdict": "fine", "data": {"password": "{{ jupyter_new_password }}"}}
    hand_over = {"ansible.builtin.set_stats": {"per_host": True, "data": {"reachable_report": report}}}
    own = {"hosts": "localhost", "gather_facts": False, "vars_prompt": play["vars_prompt"], "tasks": [hand_over]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([own]))
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", *arguments, str(tmp_path / "play.yml")]
    environment = os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "REACHABLE_JSON": "true"}
    done = subprocess.run(command, input=lines, text=True, check=True, stdout=subprocess.PIPE, env=environment)
    assert json.loads(done.stdout)["hosts"]["localhost"]["password"] == password
