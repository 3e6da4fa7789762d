"""Definitions are written byte for byte as those that have been proven on hosts.

They lie in the folder ``definitions``. A change to one of them restarts that service everywhere.
"""

from __future__ import annotations

import dataclasses
import plistlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import bare_host
import pytest
from reachable.plan import definitions, services
from reachable.plan.service import Service

HERE = Path(__file__).parent / "definitions"
JUPYTER = Service(
    name="reachable-jupyter",
    description="Jupyter, made reachable",
    command=["/opt/reachable/server/bin/jupyter-server"],
    user="jupyter",
    group="jupyter",
    directory="/var/lib/reachable/jupyter/note books",
    environment={
        "HOME": "/var/lib/reachable/jupyter",
        "GREETING": "100% \"of\" 'it' \\ $HOME",
        "REACHABLE_KEEP_AWAKE": '["caffeinate", "-i"]',
    },
    writable_paths=["/var/lib/reachable/jupyter", "/home/ada/note books"],
    account_home="/var/lib/reachable/home",
    home_shows="/var/lib/reachable/jupyter",
    runtime_variable="JUPYTER_RUNTIME_DIR",
    runtime_mode="1700",
    sandbox={"MemoryMax": "80%", "ProtectProc": None, "BindPaths": ["/a", "/b"]},
)
TOKEN = "/opt/reachable/etc/ngrok/authtoken.yml"
NGROK = Service(
    name="reachable-ngrok",
    description="The ngrok agent, Jupyter's tunnel",
    command=["/opt/reachable/tools/bin/python", "-m", "keeper", "--tunnel=a b", "--rate=100%", "--config", TOKEN],
    user="reachable-ngrok",
    group="reachable-ngrok",
    directory="/",
    environment={"PYTHONPATH": "/opt/reachable/lib", "HOME": "/tmp", "LANG": "C.UTF-8"},
    credentials=[TOKEN],
    runtime_variable="RUNTIME_DIR",
    runtime_mode="0755",
    sandbox_profile="network",
    sandbox={"RuntimeDirectoryPreserve": "restart"},
)
DRIFT = Service(
    name="reachable-drift",
    description="Looks whether Jupyter is as declared",
    command=["/opt/reachable/tools/bin/python", "-m", "drift"],
    user="root",
    group="root",
    directory="/var/lib/reachable/drift",
    calendar="daily",
    environment={"LANG": "C.UTF-8"},
    sandbox_profile="administration",
)
HEADLESS = {"macos": {"domain": "user/501"}}
# By the folder with what is written: the facts, and which services are run there.
CASES: dict[str, tuple[dict[str, Any], list[Service]]] = {
    "systemd-system": ({}, [JUPYTER, NGROK, DRIFT]),
    "systemd-user": ({}, [JUPYTER, NGROK]),
    "supervisord-system": ({}, [NGROK]),
    "supervisord-user": ({}, [JUPYTER]),
    "launchd-system": ({"macos": {"domain": "system"}}, [JUPYTER]),
    "launchd-user": ({"macos": {"domain": "gui/501"}}, [JUPYTER]),
    "launchd-headless": (HEADLESS, [NGROK]),
}


def written(case: str) -> dict[str, str]:
    """Return the texts that are missing on a bare host, by the names of their files."""
    facts, wanted = CASES[case]
    manager, _, scope = case.partition("-")
    there = bare_host.situation(
        {"reachable_prefix": "/opt/reachable", "reachable_state_dir": "/var/lib/reachable"},
        {**facts, "service_manager": manager, "user": bare_host.ROOT_USER if scope == "system" else bare_host.ADA},
        scope="system" if scope == "system" else "user",
    )
    works = [services.work(there, service) for service in wanted]
    entries = [entry for work in works for entry in [*work["missing"], *work["logs_job"]]]
    return {Path(entry["path"]).name: entry["content"] for entry in entries if "content" in entry}


@pytest.mark.parametrize("case", CASES)
def test_definitions_are_as_they_were(case: str) -> None:
    assert written(case) == {path.name: path.read_text() for path in (HERE / case).iterdir()}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
@pytest.mark.parametrize("case", ["systemd-system"])
def test_systemd_understands_each_line(case: str, tmp_path: Path) -> None:
    for name, text in written(case).items():
        (tmp_path / name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *map(str, tmp_path.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Unknown" not in done.stderr
    assert "Failed to parse" not in done.stderr


class Tagged(str):
    """A text of which Ansible knows where it is from."""

    __slots__ = ()


def test_a_job_is_a_property_list() -> None:
    there = bare_host.situation({}, {"service_manager": "launchd", "macos": {"domain": "system"}})
    awkward = dataclasses.replace(JUPYTER, command=["/bin/sh", Tagged("a < b & c")])
    text = definitions.launchd_job(awkward, there.layout, "system")
    job = plistlib.loads(text.encode())
    assert job["ProgramArguments"] == ["/bin/sh", "a < b & c"]
    assert list(job)[:2] == ["Label", "ProgramArguments"]
    assert text.splitlines()[2] == f"<!-- {definitions.MANAGED} -->"
