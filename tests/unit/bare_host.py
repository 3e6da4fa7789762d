"""A declaration and a bare Debian host as host_info would find it, to be changed where a test needs another one."""

from __future__ import annotations

import base64
import copy
from pathlib import Path
from typing import Any

import yaml
from reachable.plan import declaration, lab
from reachable.plan.situation import Situation

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("preflight", "certificate", "receipt", "jupyter", "ngrok", "drift", "endpoint")
SPECS: dict[str, Any] = {}
DEFAULTS: dict[str, Any] = {}
for role in ROLES:
    spec = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())
    SPECS |= spec["argument_specs"]["main"]["options"]
    DEFAULTS |= yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text())
# Those that are templates.
DEFAULTS |= {
    "reachable_prefix": "/opt/reachable",
    "reachable_state_dir": "/var/lib/reachable",
    "reachable_secrets_dir": "/tmp/secrets",
    "reachable_cards_dir": "/tmp/cards",
    "reachable_ca_dir": "/tmp/secrets/ca",
    "jupyter_notebook_dir": "/var/lib/reachable/jupyter/notebooks",
    "jupyter_user": "jupyter",
    "ngrok_authtoken": None,
    "ngrok_install_method": "repository",
    "ngrok_repository_key_url": "https://ngrok-agent.s3.amazonaws.com/ngrok.asc",
}
TOKEN = "2abcdefghijklmnopqrstuvwxyz_0123456789ABCDEFGHIJK"


class Checkout:
    """The files of this project, from the one that is tested."""

    def text(self, path: str) -> str:
        """Return a text, as it is."""
        return (ROOT / path).read_text(encoding="utf-8")

    def base64(self, path: str) -> str:
        """Return in base64 what is no text."""
        return base64.b64encode((ROOT / path).read_bytes()).decode()

    def modules(self) -> dict[str, str]:
        """Return the modules of the package that runs on hosts, without Ansible, by their names."""
        return {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "module_utils/reachable").glob("*.py")}


FILE = {"state": "file", "owner": "root", "group": "root", "mode": "0644", "content": "", "age": 100.0}
FOLDER = {**FILE, "state": "directory", "mode": "0755", "content": None}
ROOM = {"nearest": "/", "free_bytes": 10**10, "writable": True, "executable": True, "empty": True}
ROOT_USER = {"name": "root", "uid": 0, "group": "root", "home": "/root"}
ADA = {"name": "ada", "uid": 1000, "group": "ada", "home": "/home/ada"}
# What the doctor found at an address.
REACHED: dict[str, Any] = {
    "reachable": True,
    "failed_leg": None,
    "problem": None,
    "fix": None,
    "foreign": False,
    "certificate": None,
    "legs": [],
}
SHUT = {**REACHED, "reachable": False, "failed_leg": "tcp", "problem": "Nobody answers.", "fix": "Wait."}
FACTS: dict[str, Any] = {
    "system": {
        "distribution": "debian",
        "like": [],
        "release": "12",
        "name": "Debian GNU/Linux 12 (bookworm)",
        "architecture": "x86_64",
        "wsl": False,
        "selinux": False,
        "python": "3.11",
    },
    "python": {"path": "/usr/bin/python3.11", "version": "3.11"},
    "service_manager": "systemd",
    "macos": None,
    "user": {**ROOT_USER, "lingers": False, "may_linger": False, "becomes_root": True},
    "users": {"jupyter": None},
    "files": {"/run/dbus/system_bus_socket": {**FILE, "state": "other"}},
    "certificates": {},
    "paths": {},
    "environments": {},
    "programs": {"git": {"path": "/usr/bin/git"}, "ngrok": None},
    "port_holders": {"22": {"pid": 1, "user": "root", "command": "sshd", "next_free": 23}},
    "silent_ports": [],
    "calendars": {},
    "clock": 1_800_000_000.0,
    "first_free_port": 1024,
    "localhost": ["127.0.0.1", "::1"],
    "jupyter_config": None,
    "ca_bundle": None,
    "nameservers": [],
    "addresses": {"hostname": "vps", "ipv4": "192.0.2.7", "ipv6": None, "mdns": None, "own": ["10.0.0.7", "192.0.2.7"]},
    "daemons": {
        f"reachable-{name}": {"state": "absent", "at_boot": False, "uptime": 0, "drop_ins": []}
        for name in ("jupyter", "ngrok", "endpoint", "acme", "acme.timer", "drift", "drift.timer", "logs")
    },
}


def declared(**given: Any) -> declaration.Declaration:
    """Return a declaration, with the defaults where nothing else is given."""
    return declaration.read({**DEFAULTS, **given}, SPECS)


def situation(given: dict[str, Any] | None = None, facts: dict[str, Any] | None = None, **more: Any) -> Situation:
    """Return a host called vps, of which ``facts`` says where it is another than a bare one."""
    wanted = declared(**(given or {}))
    known = lab.laid_over(copy.deepcopy(FACTS), facts or {})
    known["paths"] = {path: {**ROOM, **room} for path, room in known["paths"].items()}
    known["files"] = {
        path: {**(FOLDER if found.get("state") == "directory" else FILE), **found}
        for path, found in known["files"].items()
    }
    for path in (wanted.reachable_prefix, wanted.reachable_state_dir):
        known["paths"].setdefault(path, ROOM)
    above = str(wanted.jupyter_notebook_dir).rpartition("/")[0]
    known["paths"].setdefault(wanted.jupyter_notebook_dir, {**ROOM, "nearest": above})
    known["users"].setdefault(wanted.jupyter_user, None)
    settings: dict[str, Any] = {
        "name": "vps",
        "scope": "system",
        "former": None,
        "moves": {"paths": {}, "files": {}},
        "check_mode": False,
        "project": Checkout(),
    }
    return Situation(wanted=wanted, facts=known, **{**settings, **more})
