# SPDX-License-Identifier: Apache-2.0
"""A host that is not there: host_info finds what was recorded, and every other module has changed something."""

from __future__ import annotations

import ast
import json
import re
import time
from functools import partial
from pathlib import Path
from typing import Any

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: stub
short_description: Answer for a host that is not there
description:
  - Runs nothing, and writes down what it was asked to run.
extends_documentation_fragment: [connection_pipelining]
options:
  recorded:
    description: What host_info finds, whatever it is asked for. The rest is not there.
    type: dict
    required: true
    vars: [{name: recorded}]
  asked:
    description: The file to which each module and its arguments are added.
    type: str
    required: true
    vars: [{name: asked}]
"""
ABSENT = {"state": "absent", "owner": "", "group": "", "mode": "0000", "content": None, "age": None}
ROOM = {"free_bytes": 10**10, "writable": True, "executable": True, "empty": True}
SILENT = {
    "reachable": False,
    "failed_leg": "tcp",
    "problem": "Nothing listens.",
    "fix": "Wait.",
    "foreign": False,
    "certificate": None,
    "legs": [],
}
BUS = "/run/dbus/system_bus_socket"
SSH_PORT = 22
SSHD = {"pid": 1, "user": "root", "command": "sshd", "next_free": 23}
# Of which a host may have some, and lacks the others.
THINGS = ("daemons", "environments", "files", "users")
DAEMON = {"state": "absent", "at_boot": False, "uptime": 0, "drop_ins": []}


class Connection(ConnectionBase):  # type: ignore[misc]
    """What Ansible sends to a host ends here."""

    transport = "stub"
    has_pipelining = True

    def _connect(self) -> Connection:
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        call = (in_data or b"").decode()
        module, arguments = (ast.literal_eval(value_of(name, call)) for name in ("ansible_module", "params"))
        module = module.rpartition(".")[2]
        given = json.loads(arguments)["ANSIBLE_MODULE_ARGS"]
        with Path(self.get_option("asked")).open("a", encoding="utf-8") as asked:
            asked.write(json.dumps({"module": module, "arguments": given}) + "\n")
        return 0, json.dumps(answer(module, given, self.get_option("recorded"))).encode(), b""

    def put_file(self, in_path: str, out_path: str) -> None:
        raise NotImplementedError

    def fetch_file(self, in_path: str, out_path: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


def value_of(name: str, call: str) -> str:
    """Return an argument of the call with which a module starts, as it is written there."""
    argument = re.search(rf"^{name}=(.*),$", call, re.MULTILINE)
    assert argument
    return argument[1]


def answer(module: str, given: dict[str, Any], recorded: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a module."""
    if module == "host_info":
        return found(given, recorded)
    if module == "doctor_info":
        return {"endpoints": [{"name": each["name"], "url": each["url"], **SILENT} for each in given["endpoints"]]}
    return {"changed": True}


def everywhere(asked: Any, given: dict[str, Any], recorded: dict[str, Any]) -> Any:
    """Return what was asked for, and on macOS what takes its place there."""
    if not isinstance(asked, list) or not recorded["macos"]:
        return asked
    places = given["on_macos"].items()
    texts = [(each["path"] if isinstance(each, dict) else str(each), each) for each in asked]
    others = [
        ({**each, "path": other + text[len(place) :]} if isinstance(each, dict) else other + text[len(place) :])
        for text, each in texts
        for place, other in places
        if text == place or text.startswith(f"{place}/")
    ]
    return [*asked, *others]


def about(path: str, recorded: dict[str, Any]) -> dict[str, Any]:
    """Return what is at a path: nothing, but for the socket of D-Bus."""
    return {**ABSENT, "state": "other"} if path == BUS and recorded["bus"] else ABSENT


def found(given: dict[str, Any], recorded: dict[str, Any]) -> dict[str, Any]:
    """Return what host_info finds on a bare host of a kind."""
    user = recorded["user"]
    at_home = partial(re.sub, "^~", user["home"])
    given = {key: everywhere(value, given, recorded) for key, value in given.items()}
    open_or_not = {"expired": False, "lingers": False, "in_session": True}
    more = {"comment": "", "groups": [], "home_exists": True, "shell": "/bin/sh", **open_or_not}
    known = {user["name"]: {key: user[key] for key in ("uid", "group", "home")} | more}
    bare = {
        "changed": False,
        "files": {path: {"path": path, **about(path, recorded)} for path in map(at_home, given.get("files", []))},
        "environments": {at_home(each["path"]): "absent" for each in given.get("environments", [])},
        "daemons": dict.fromkeys(given.get("daemons", []), DAEMON),
        "paths": {path: {"nearest": str(Path(path).parent), **ROOM} for path in map(at_home, given.get("paths", []))},
        "certificates": {},
        "silent_ports": [],
        "port_holders": {str(port): SSHD if port == SSH_PORT else None for port in given.get("ports", [])},
        "users": {**dict.fromkeys(given.get("users", [])), **known},
        "programs": dict.fromkeys(given.get("programs", [])),
        "calendars": dict.fromkeys(given.get("calendars", []), ""),
        "clock": time.time(),
        "first_free_port": 1024,
        "jupyter_config": None,
        "invoker_files": [],
        "localhost": ["127.0.0.1", "::1"],
        "nameservers": [],
    }
    return bare | recorded | {kind: bare[kind] | recorded.get(kind, {}) for kind in THINGS}
