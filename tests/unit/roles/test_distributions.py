"""`up` in check mode on each kind of host, so that no variable, condition or template fails on one that is not at hand.

All hosts go through one run. None of them exists: the connection plugin beside this file answers in their place. By
default those run that differ most, and `./reachable test all` runs the others, too; what is decided for them is looked
at in module_utils/plan/test_planned_hosts.py, without Ansible.
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
from host_kinds import GIVEN, KINDS, REFUSED, SUPPORTED, asks_an_authority, has_tunnel, recorded

PLAYBOOK = [sys.executable, "-m", "ansible", "playbook"]
HERE = Path(__file__).parent
ROOT = HERE.parents[2]
# With apt; with rpm and a Python that is too old; for a person; without systemd; with launchd; with a tunnel; refused.
MOST_DIFFERENT = {"raspberry", "rhel9", "alma10", "wsl-without-systemd", "macos", "ubuntu2204", "amazon"}
SUFFIXES = {"systemd": ".service", "supervisord": ".ini", "launchd": ".plist"}

pytestmark = pytest.mark.programs


def on(*rows: Any) -> list[Any]:
    """Return rows that begin with the name of a host; those of hosts that differ less from others are run by `all`."""
    values = [row if isinstance(row, tuple) else (row,) for row in rows]
    return [pytest.param(*row, marks=[] if row[0] in MOST_DIFFERENT else [pytest.mark.exhaustive]) for row in values]


@dataclass
class Run:
    """What a run of `up` over these hosts reported, what failed in it, and the folder with what it asked of each."""

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


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run `up` on the hosts that the chosen tests are about."""
    folder = tmp_path_factory.mktemp("distributions")
    chosen = [item for item in request.session.items if isinstance(item, pytest.Function)]
    names = {item.callspec.params["name"] for item in chosen if item.path == request.path}
    hosts = {
        name: {
            **GIVEN[kind.get("given", "nothing")],
            "reachable_scope": kind.get("scope", "system"),
            "recorded": recorded(kind),
            "asked": str(folder / f"{name}.jsonl"),
        }
        for name, kind in KINDS.items()
        if name in names
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


@pytest.mark.parametrize("name", on(*REFUSED))
def test_what_cannot_work_is_refused_before_the_first_change(name: str, run: Run) -> None:
    refused = KINDS[name]["refused"]
    # A sentence that begins with the host needs no label.
    assert run.said(name) == [refused if refused.startswith(f"{name} ") else f"{name}: {refused}"], run.output
    modules = {json.loads(line)["module"] for line in (run.folder / f"{name}.jsonl").read_text().splitlines()}
    assert modules == {"host_info"}


@pytest.mark.parametrize("name", on(*SUPPORTED))
def test_up_comes_to_its_end_and_writes_all_services(name: str, run: Run) -> None:
    assert run.said(name) == [], run.output
    suffix = SUFFIXES[KINDS[name].get("service_manager", "systemd")]
    entries = [entry for call in run.asked(name, "file_tree") for entry in call["entries"]]
    written = {Path(entry["path"]).name: entry["content"] for entry in entries if entry["path"].endswith(suffix)}
    daemons = ["jupyter", "ngrok", "endpoint"] if has_tunnel(name) else ["jupyter"]
    # What renews a certificate comes before what is served with it.
    daemons = ["acme", *daemons] if asks_an_authority(name) else daemons
    assert [each for each in written if "-logs" not in each] == [f"reachable-{daemon}{suffix}" for daemon in daemons]
    assert (KINDS[name]["ca_bundle"] or "") in written[f"reachable-jupyter{suffix}"]


@pytest.mark.parametrize("name", on("raspberry"))
def test_the_certificate_is_put_in_place_where_it_is_issued(name: str, run: Run) -> None:
    entries = [entry for call in run.asked(name, "file_tree") for entry in call["entries"]]
    (placed,) = [each for each in entries if each["path"] == "/opt/reachable/etc/jupyter/tls.pem"]
    assert (placed["owner"], placed["mode"]) == ("jupyter", "0600")
    assert not (run.folder / "secrets/ca").exists()
    assert run.reports[name]["endpoints"][0]["url"].startswith("https://")


@pytest.mark.parametrize("name", on("rhel9"))
def test_the_host_that_asks_an_authority_is_given_all_that_it_takes(name: str, run: Run) -> None:
    entries = {entry["path"]: entry for call in run.asked(name, "file_tree") for entry in call["entries"]}
    settings = json.loads(entries["/opt/reachable/acme/acme.json"]["secret"])
    assert (settings["names"], settings["target"]) == (["notebooks.example.org"], "/opt/reachable/etc/jupyter/tls.pem")
    assert {entries[f"/opt/reachable/acme/{file}"]["mode"] for file in ("acme.json", "certbot.ini")} == {"0600"}
    assert {"/etc/systemd/system/reachable-acme.service", "/etc/systemd/system/reachable-acme.timer"} <= {*entries}
    installed = [each["path"] for call in run.asked(name, "python_environment") for each in call["environments"]]
    assert "/opt/reachable/acme/environment" in installed
    started = [call for call in run.asked(name, "systemd_service") if call["name"] == "reachable-acme.service"]
    assert [call["state"] for call in started] == ["started"]
    assert run.reports[name]["endpoints"][0]["url"] == "https://notebooks.example.org:8888"


@pytest.mark.parametrize(
    ("name", "installed", "python"),
    on(
        ("ubuntu2204", [], "/usr/bin/python3.10"),
        ("rocky9", [], "/usr/bin/python3.11"),
        ("rhel9", ["python3.12"], None),  # which in check mode is still to come
    ),
)
def test_the_python_of_the_environments(name: str, installed: list[str], python: str | None, run: Run) -> None:
    commands = [call["argv"] for call in run.asked(name, "command") if "dnf" in call.get("argv", [])]
    assert [command[-1] for command in commands] == installed
    times = 2 if asks_an_authority(name) else 1
    assert [call.get("python") for call in run.asked(name, "python_environment")] == times * [python]
    receipt = run.asked(name, "file_tree")[0]["entries"][-1]
    assert [package for package in json.loads(receipt["content"])["packages"] if package != "ngrok"] == installed


@pytest.mark.parametrize(
    ("name", "folder", "home", "user"),
    on(
        ("macos", "/Library/LaunchDaemons", "/var/db/reachable/jupyter", "_jupyter"),
        ("macos-for-a-person", "/Users/eve/Library/LaunchAgents", "/Users/eve", "eve"),
        ("macos-headless", "/Users/eve/Library/LaunchAgents", "/Users/eve", "eve"),
    ),
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


@pytest.mark.parametrize(
    ("name", "names"),
    on(("macos", ["_jupyter", "_reachable-ngrok", "_reachable-endpoint"]), ("macos-for-a-person", [])),
)
def test_the_users_of_macos(name: str, names: list[str], run: Run) -> None:
    users = run.asked(name, "user")
    assert [call["name"] for call in users] == names
    assert [call["name"] for call in run.asked(name, "group")] == names
    assert all(call["shell"] == "/usr/bin/false" for call in users)


@pytest.mark.parametrize(
    ("name", "words"),
    on(
        ("macos", []),
        ("macos-for-a-person", ["starts when eve logs in", "look into Desktop", "firewall of this Mac is on"]),
        ("macos-headless", ["does not come back after a restart", "look into Desktop"]),
    ),
)
def test_what_the_card_says_of_macos(name: str, words: list[str], run: Run) -> None:
    notes = [note for note in run.reports[name]["notes"] if "plan" not in note and "ngrok" not in note]
    assert [word in note for word, note in zip(words, notes, strict=True)] == len(words) * [True]


@pytest.mark.parametrize(("name", "groups"), on(("fedora", []), ("leap15", 4 * [True]), ("tumbleweed", [True])))
def test_groups_are_made_where_users_have_none(name: str, groups: list[bool], run: Run) -> None:
    created = [call for call in run.asked(name, "user") if "home" in call]
    users = [call["name"] for call in created]
    assert [call["name"] in users for call in run.asked(name, "group")] == groups
    assert all(call.get("group") == (call["name"] if groups else None) for call in created)


@pytest.mark.parametrize(("name", "unit"), on(("ubuntu2204", "ssh"), ("leap15", "sshd")))
def test_the_unit_of_the_ssh_server(name: str, unit: str, run: Run) -> None:
    assert {"name": unit, "state": "reloaded"}.items() <= run.asked(name, "service")[-1].items()


@pytest.mark.parametrize(
    ("name", "words"),
    on(
        ("wsl", ["Windows ends WSL", "networkingMode=mirrored"]),
        ("wsl-without-systemd", ["systemd=true below [boot]", "Windows ends WSL", "networkingMode=mirrored"]),
        ("arch", []),
    ),
)
def test_what_the_card_says_of_wsl(name: str, words: list[str], run: Run) -> None:
    notes = run.reports[name]["notes"]
    assert [word in note for word, note in zip(words, notes, strict=True)] == len(words) * [True]
