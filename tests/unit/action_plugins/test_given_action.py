"""Which variables -e and the inventory have is Ansible's own knowledge, so it is asked in a real run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = [
    {
        "hosts": "all",
        "gather_facts": False,
        "roles": ["declared_in_a_role"],
        "tasks": [
            {
                "given": {"folder": "{{ playbook_dir }}/own", "specs": ["{{ playbook_dir }}/specs.yml"]},
                "register": "recalled",
            },
            {"ansible.builtin.set_fact": None, "args": "{{ recalled.kept }}"},
            {
                "ansible.builtin.copy": {
                    "content": "{{ found | to_json }}",
                    "dest": "{{ playbook_dir }}/{{ inventory_hostname }}.json",
                    "mode": "0600",
                },
                "vars": {
                    "found": {
                        "recalled": "{{ recalled }}",
                        "kept": "{{ jupyter_kept }}",
                        "text": "{{ jupyter_text | default }}",
                    }
                },
            },
        ],
    }
]
SOURCES = ["file", "group_vars", "host_vars", "playbook_group_vars", "e", "role", "kept", "text"]

pytestmark = pytest.mark.programs


class Project:
    """A project with a variable from each place where there can be one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        options = {f"jupyter_{name}": {"type": "str"} for name in SOURCES}
        self.write("specs.yml", {"argument_specs": {"main": {"options": options}}})
        self.write("up.yml", PLAYBOOK)
        self.write("roles/declared_in_a_role/defaults/main.yml", {"jupyter_role": 1, "jupyter_kept": 1})
        self.write("group_vars/all.yml", {"jupyter_playbook_group_vars": 1})
        hosts = {"one": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
        self.write("fleet/hosts.yml", {"all": {"hosts": hosts, "vars": {"jupyter_file": 1}}})
        self.write("fleet/group_vars/all.yml", {"jupyter_group_vars": 1})
        self.write("fleet/host_vars/one.yml", {"jupyter_host_vars": 1})

    def write(self, name: str, content: Any) -> None:
        """Write a file of YAML, or of text."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))

    def run(self, *options: str) -> dict[str, Any]:
        """Run the playbook, and return what it found and what a variable then is."""
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", f"{self.folder}/up.yml", *options],
            env={
                **os.environ,
                "ANSIBLE_CONFIG": f"{ROOT}/ansible.cfg",
                "ANSIBLE_ROLES_PATH": f"{self.folder}/roles",
                "ANSIBLE_STDOUT_CALLBACK": "default",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        file = self.folder / "one.json"
        said = " ".join((done.stdout + done.stderr).split())
        return json.loads(file.read_text()) if done.returncode == 0 else {"said": said}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_it_is_known_where_a_variable_comes_from(project: Project) -> None:
    project.write("fleet/given/one.yml", {"jupyter_kept": 2, "jupyter_e": 2, "jupyter_file": 2})
    project.write("fleet/given/two.yml", {"jupyter_kept": 3})
    # The whole folder, in which what is kept is not taken for hosts.
    found = project.run(f"--inventory={project.folder}/fleet", "-e", "jupyter_e=1", "-e", "jupyter_file=1")
    assert found["kept"] == 2
    recalled = found["recalled"]
    assert recalled["declared"] == [
        *(f"jupyter_{name}" for name in ("file", "group_vars", "host_vars", "playbook_group_vars")),
        "ansible_python_interpreter",
    ]
    assert recalled["given"] == ["jupyter_e", "jupyter_file"]
    assert recalled["kept"] == {"jupyter_kept": 2}
    assert recalled["file"] == f"{project.folder}/fleet/given/one.yml"


def test_what_is_kept_is_no_template(project: Project) -> None:
    project.write("fleet/given/one.yml", {"jupyter_text": "{{ lookup('pipe', 'id') }}"})
    found = project.run(f"--inventory={project.folder}/fleet/hosts.yml")
    assert (found["text"], found["kept"]) == ("{{ lookup('pipe', 'id') }}", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "given/one.yml is no YAML ("),
        ("jupyter_ports: 1", "given/one.yml has jupyter_ports, and there is no such variable:"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(project: Project, text: str, said: str) -> None:
    project.write("fleet/given/one.yml", text)
    assert said in project.run(f"--inventory={project.folder}/fleet/hosts.yml")["said"]
