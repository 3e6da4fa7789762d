# SPDX-License-Identifier: Apache-2.0
"""What is said of a host where a command ends before all was sent to it, as on a busy machine it does now and then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MISSING = (
    "vps has no Python at /nowhere/python: install python3 there, or name another one in ansible_python_interpreter."
)
PLAYBOOK = [sys.executable, "-m", "ansible", "playbook"]
# An ssh to this machine, where commands read nothing and take a moment to end. What copies a file reads it.
SSH = """#!/bin/sh
for command; do :; done
case $command in *"dd of="*) exec sh -c "$command" ;; esac
exec < /dev/null
sleep 0.3
exec sh -c "$command"
"""

pytestmark = pytest.mark.programs


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"ansible_become": False, "ansible_python_interpreter": "/nowhere/python"},
            MISSING,
        ),
        (
            {"reachable_scope": "system", "ansible_become_exe": "/nowhere/sudo"},
            "sudo does not let you in on vps, it is not installed there: connect as root, or install sudo.",
        ),
    ],
)
def test_a_command_that_ends_at_once_says_why(given: dict[str, object], sentence: str, tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    variables = {
        "ansible_ssh_executable": str(ssh),
        "ansible_ssh_transfer_method": "piped",
        "ansible_remote_tmp": str(tmp_path / "remote"),
        "reachable_cards_dir": str(tmp_path / "cards"),
        "reachable_secrets_dir": str(tmp_path / "secrets"),
        **given,
    }
    done = subprocess.run(
        [*PLAYBOOK, f"{ROOT}/playbooks/up.yml", "--inventory=vps,", "--check", "--extra-vars", json.dumps(variables)],
        env={**os.environ, "ANSIBLE_CONFIG": f"{ROOT}/ansible.cfg", "REACHABLE_JSON": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout)["hosts"]["vps"]["problem"] == sentence, done.stderr
