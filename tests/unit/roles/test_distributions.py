"""`up` in check mode on each distribution, so that no variable, condition or template fails on one that is not at hand.

All hosts go through one run. None of them exists: the connection plugin beside this file answers in their place.
"""

from __future__ import annotations

import json
import os
import plistlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

PLAYBOOK = [sys.executable, "-m", "ansible", "playbook"]
HERE = Path(__file__).parent
ROOT = HERE.parents[2]
KINDS: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "distributions.yml").read_text())
SUPPORTED = [name for name, kind in KINDS.items() if "refused" not in kind]
REFUSED = [name for name, kind in KINDS.items() if "refused" in kind]
SUFFIXES = {"systemd": ".service", "supervisord": ".ini", "launchd": ".plist"}
SYSTEM = {"architecture": "x86_64", "wsl": False, "selinux": False}
USERS = {
    "system": {
        "name": "root",
        "uid": 0,
        "group": "root",
        "home": "/root",
        "lingers": False,
        "may_linger": False,
        "becomes_root": True,
    },
    "user": {
        "name": "eve",
        "uid": 1001,
        "group": "eve",
        "home": "/home/eve",
        "lingers": False,
        "may_linger": True,
        "becomes_root": False,
    },
}
TUNNEL = {
    "ngrok_authtoken": "2abcdefghijklmnopqrstuvwxyz_0123456789ABCDEFGHIJK",
    "ngrok_endpoints": [{"transport": "http"}, {"transport": "ssh"}],
    "endpoint_notify_urls": ["ntfy://my-topic"],
}
GIVEN: dict[str, dict[str, Any]] = {
    "nothing": {},
    "macos": {
        "ngrok_authtoken": TUNNEL["ngrok_authtoken"],
        "endpoint_notify_urls": ["ntfy://my-topic"],
        "reachable_keep_awake": True,
        "ngrok_install_method": "archive",
        "ngrok_archive_url": "https://downloads.example.org/ngrok.tgz",
        "ngrok_archive_checksum": "sha256:" + 64 * "0",
    },
    "awake": {"reachable_keep_awake": True},
    "brewless": {"ngrok_authtoken": TUNNEL["ngrok_authtoken"]},
    "downloads": {"jupyter_notebook_dir": "/Users/eve/Downloads/work"},
    "elsewhere": {"reachable_prefix": "/srv/reachable"},
    "tunnel": TUNNEL,
    "archive": {
        **TUNNEL,
        "ngrok_install_method": "archive",
        "ngrok_archive_url": "https://downloads.example.org/ngrok.tgz",
        "ngrok_archive_checksum": "sha256:" + 64 * "0",
    },
}


@dataclass
class Run:
    """What a run of `up` over all hosts reported, what failed in it, and the folder with what it asked of each."""

    reports: dict[str, Any]
    output: str
    folder: Path

    def said(self, name: str) -> list[str]:
        """Return what was said of a host, which is nothing if nothing is wrong."""
        lines = [line.strip() for line in self.output.splitlines()]
        return [line for line in lines if line.startswith((f"{name}: ", f"{name} "))]

    def asked(self, name: str, module: str) -> list[dict[str, Any]]:
        """Return the arguments with which a module was called on a host."""
        calls = [json.loads(line) for line in (self.folder / f"{name}.jsonl").read_text().splitlines()]
        return [call["arguments"] for call in calls if call["module"] == module]


def recorded(kind: dict[str, Any]) -> dict[str, Any]:
    """Complete what host_info found."""
    version = kind["system"]["python"]
    return {
        "python": {"path": f"/usr/bin/python{version}", "version": version},
        "service_manager": "systemd",
        "bus": True,
        "macos": None,
        "ca_bundle": None,
        "addresses": {"hostname": "host", "ipv4": "192.0.2.7", "ipv6": None, "mdns": None, "own": ["192.0.2.7"]},
        "user": USERS[kind.get("scope", "system")],
        **{
            key: value
            for key, value in kind.items()
            if key in ("python", "service_manager", "bus", "ca_bundle", "macos", "user")
        },
        "system": {**SYSTEM, **kind["system"]},
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("distributions")
    hosts = {
        name: {
            **GIVEN[kind.get("given", "nothing")],
            "reachable_scope": kind.get("scope", "system"),
            "recorded": recorded(kind),
            "asked": str(folder / f"{name}.jsonl"),
        }
        for name, kind in KINDS.items()
    }
    common = {
        "ansible_connection": "stub",
        "ansible_pipelining": True,
        "ansible_become": False,
        "ansible_python_interpreter": "/usr/bin/python3",
        "reachable_secrets_dir": str(folder / "secrets"),
        "reachable_cards_dir": str(folder / "cards"),
        "jupyter_password_hash": "argon2:$argon2id$v=19$m=10240,t=10,p=8$c29tZXNhbHRzb21lc2FsdA$" + 43 * "A",
    }
    (folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}))
    done = subprocess.run(
        [*PLAYBOOK, f"{ROOT}/playbooks/up.yml", f"--inventory={folder}/inventory.yml", "--check"],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": f"{ROOT}/ansible.cfg",
            "ANSIBLE_CONNECTION_PLUGINS": f"{HERE}/connection_plugins",
            "REACHABLE_JSON": "true",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(json.loads(done.stdout)["hosts"], done.stderr, folder)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_refused_before_the_first_change(name: str, run: Run) -> None:
    refused = KINDS[name]["refused"]
    # A sentence that begins with the host needs no label.
    assert run.said(name) == [refused if refused.startswith(f"{name} ") else f"{name}: {refused}"], run.output
    modules = {json.loads(line)["module"] for line in (run.folder / f"{name}.jsonl").read_text().splitlines()}
    assert modules == {"host_info"}


@pytest.mark.parametrize("name", SUPPORTED)
def test_up_comes_to_its_end_and_writes_all_services(name: str, run: Run) -> None:
    assert run.said(name) == [], run.output
    suffix = SUFFIXES[KINDS[name].get("service_manager", "systemd")]
    entries = [entry for call in run.asked(name, "file_tree") for entry in call["entries"]]
    written = {Path(entry["path"]).name: entry["content"] for entry in entries if entry["path"].endswith(suffix)}
    daemons = ["jupyter", "ngrok", "endpoint"] if "given" in KINDS[name] else ["jupyter"]
    assert [each for each in written if "-logs" not in each] == [f"reachable-{daemon}{suffix}" for daemon in daemons]
    assert (KINDS[name]["ca_bundle"] or "") in written[f"reachable-jupyter{suffix}"]


@pytest.mark.parametrize(
    ("name", "installed", "python"),
    [
        ("ubuntu2204", [], "/usr/bin/python3.10"),
        ("rocky9", [], "/usr/bin/python3.11"),
        ("rhel9", ["python3.12"], None),  # which in check mode is still to come
    ],
)
def test_the_python_of_the_environments(name: str, installed: list[str], python: str | None, run: Run) -> None:
    commands = [call["argv"] for call in run.asked(name, "command") if "dnf" in call.get("argv", [])]
    assert [command[-1] for command in commands] == installed
    assert [call.get("python") for call in run.asked(name, "python_environment")] == [python]
    receipt = run.asked(name, "file_tree")[0]["entries"][-1]
    assert [package for package in json.loads(receipt["content"])["packages"] if package != "ngrok"] == installed


@pytest.mark.parametrize(
    ("name", "folder", "home", "user"),
    [
        ("macos", "/Library/LaunchDaemons", "/var/db/reachable/jupyter", "_jupyter"),
        ("macos-for-a-person", "/Users/eve/Library/LaunchAgents", "/Users/eve", "eve"),
        ("macos-headless", "/Users/eve/Library/LaunchAgents", "/Users/eve", "eve"),
    ],
)
def test_the_jobs_of_macos(name: str, folder: str, home: str, user: str, run: Run) -> None:
    entries = {entry["path"]: entry for call in run.asked(name, "file_tree") for entry in call["entries"]}
    jobs = {
        path: plistlib.loads(entry["content"].encode()) for path, entry in entries.items() if path.endswith(".plist")
    }
    daemons = ["jupyter", "logs", *(["ngrok", "endpoint"] if name == "macos" else [])]
    assert list(jobs) == [f"{folder}/reachable-{daemon}.plist" for daemon in daemons]
    job = jobs[f"{folder}/reachable-jupyter.plist"]
    assert (job["KeepAlive"], job["ExitTimeOut"], job["Umask"]) == (True, 20, "077")
    assert (job.get("UserName"), job.get("GroupName")) == ((user, user) if name == "macos" else (None, None))
    environment = job["EnvironmentVariables"]
    assert (environment["HOME"], environment["USER"], environment["LANG"]) == (home, user, "en_US.UTF-8")
    assert environment.get("REACHABLE_KEEP_AWAKE") == ('["caffeinate", "-i"]' if name == "macos" else None)
    assert job.get("LimitLoadToSessionType") == ("Background" if name == "macos-headless" else None)
    assert len(f"{environment['JUPYTER_RUNTIME_DIR']}/kernel-{36 * '0'}-ipc-1") < 104
    # Whatever else is made lies there, too.
    places = ("/opt/reachable", "/var/db/reachable", "/var/log/reachable", folder, "/Users/eve/Library/reachable")
    assert {path for path in entries if not path.startswith(places)} <= {"/Users/eve"}
    secrets = [entry for entry in entries.values() if entry.get("secret")]
    assert {entry["owner"] for entry in secrets} == ({"_reachable-ngrok", "_reachable-endpoint"} if secrets else set())
    assert not any(entry["secret"] in entries[path]["content"] for entry in secrets for path in jobs)


def test_the_users_of_macos(run: Run) -> None:
    users = run.asked("macos", "user")
    assert [call["name"] for call in users] == ["_jupyter", "_reachable-ngrok", "_reachable-endpoint"]
    assert [call["name"] for call in run.asked("macos", "group")] == [call["name"] for call in users]
    assert {call["shell"] for call in users} == {"/usr/bin/false"}
    assert run.asked("macos-for-a-person", "user") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("macos", []),
        ("macos-for-a-person", ["starts when eve logs in", "look into Desktop", "firewall of this Mac is on"]),
        ("macos-headless", ["does not come back after a restart", "look into Desktop"]),
    ],
)
def test_what_the_card_says_of_macos(name: str, words: list[str], run: Run) -> None:
    notes = [note for note in run.reports[name]["notes"] if "plan" not in note and "ngrok" not in note]
    assert [word in note for word, note in zip(words, notes, strict=True)] == len(words) * [True]


@pytest.mark.parametrize(("name", "groups"), [("fedora", []), ("leap15", 4 * [True]), ("tumbleweed", [True])])
def test_groups_are_made_where_users_have_none(name: str, groups: list[bool], run: Run) -> None:
    created = [call for call in run.asked(name, "user") if "home" in call]
    users = [call["name"] for call in created]
    assert [call["name"] in users for call in run.asked(name, "group")] == groups
    assert all(call.get("group") == (call["name"] if groups else None) for call in created)


@pytest.mark.parametrize(("name", "unit"), [("ubuntu2204", "ssh"), ("leap15", "sshd")])
def test_the_unit_of_the_ssh_server(name: str, unit: str, run: Run) -> None:
    assert {"name": unit, "state": "reloaded"}.items() <= run.asked(name, "service")[-1].items()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wsl", ["Windows ends WSL", "networkingMode=mirrored"]),
        ("wsl-without-systemd", ["systemd=true below [boot]", "Windows ends WSL", "networkingMode=mirrored"]),
        ("arch", []),
    ],
)
def test_what_the_card_says_of_wsl(name: str, words: list[str], run: Run) -> None:
    notes = run.reports[name]["notes"]
    assert [word in note for word, note in zip(words, notes, strict=True)] == len(words) * [True]
