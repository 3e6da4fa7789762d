# SPDX-License-Identifier: Apache-2.0
"""People bring an Ansible of their own: another folder and playbook, and a Python that has but ansible-core."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What ansible-core itself needs, by the names of the packages.
OF_ANSIBLE_CORE = ("ansible-core", "jinja2", "markupsafe", "pyyaml", "cryptography", "cffi", "packaging", "resolvelib")
RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from ansible.cli.playbook import main; main()"
# Nothing listens there.
NOBODY = ["--inventory=127.0.0.1,", "-e", "ansible_port=1"]

pytestmark = pytest.mark.programs


def play(
    folder: Path, *arguments: object, python: tuple[str, ...] = ("-m", "ansible", "playbook"), fails: bool = True
) -> str:
    """Run a playbook in a folder with nothing but Ansible's own settings; return all that it prints."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}
    command = [sys.executable, *python, *map(str, arguments), *NOBODY]
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    assert bool(done.returncode) is fails, done.stdout
    return " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Return a folder with ansible-core and what that needs, and nothing else."""
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    installed = Path(str(importlib.metadata.distribution("ansible-core").locate_file("")))
    for name in OF_ANSIBLE_CORE:
        for top in {file.parts[0] for file in importlib.metadata.files(name) or []} - {".."}:
            link = libraries / top
            link.unlink(missing_ok=True)
            link.symlink_to(installed / top)
    return libraries


def test_a_playbook_elsewhere_imports_ours(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(f"- ansible.builtin.import_playbook: {ROOT}/playbooks/up.yml\n")
    words = play(tmp_path, "site.yml", python=("-m", "ansible", "playbook"))
    assert "127.0.0.1 cannot be reached, nothing answers on its SSH port" in words


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("up.yml --tags=jupiter", "--tags: jupiter matches no step: choose from drift, endpoint, jupyter, tunnel."),
        (
            "up.yml --skip-tags=ngrok",
            "--skip-tags: ngrok matches no step: choose from drift, endpoint, jupyter, tunnel.",
        ),
        ("status.yml --tags=jupyter", "--tags: jupyter matches no step: this is done whole, so leave --tags out."),
        ("up.yml --tags=endpoint", "127.0.0.1 cannot be reached, nothing answers on its SSH port"),
    ],
)
def test_tags_choose_steps(arguments: str, sentence: str) -> None:
    playbook, option = arguments.split()
    assert sentence in play(ROOT, f"playbooks/{playbook}", option)


def test_tags_of_another_playbook_choose_nothing_of_ours(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(f"- ansible.builtin.import_playbook: {ROOT}/playbooks/up.yml\n")
    words = play(tmp_path, "site.yml", "--tags=web", fails=False)
    assert "ok=0 changed=0 unreachable=0 failed=0 skipped=1" in words


def test_a_list_with_a_value_that_nobody_has_set_is_named() -> None:
    words = play(ROOT, "playbooks/up.yml", "--extra-vars", '{"jupyter_packages": ["numpy", "{{ elsewhere }}"]}')
    assert "jupyter_packages refers to a variable that is not set: set that one" in words


def test_a_python_without_our_libraries_is_told_which(bare: Path) -> None:
    words = play(ROOT, "playbooks/up.yml", python=("-S", "-c", RUN, str(bare)))
    libraries = "argon2, jmespath, jsonschema, passlib, rich, segno, websocket"
    assert f"has no {libraries}: run '{sys.executable} -m pip install -r {ROOT}/requirements/libraries.txt'" in words
