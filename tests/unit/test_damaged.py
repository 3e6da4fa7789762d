"""Whatever a crash or a person has done to a file of our own, verbs go on without it, or name it and say what to do.

The table is the same on both machines. Here is what the controller reads; and what host_info says of files on the host,
each of which the plan has to bear.
"""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import configuration
import file_tree
import pytest
from acting import RECORD, RUNNING
from ansible.errors import AnsibleFilterError
from bare_host import FILE, FOLDER, ROOT, SPECS, TOKEN, declared, situation
from imports import imported
from reachable import given, passwords
from reachable.plan import keeping, looks, make
from reachable.plan.layout import layout_before
from reachable.plan.situation import Controller

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import RunModule


# Modules have the same names.
GIVEN_ACTION, PLAN_ACTION = (
    imported(f"{name}_action", ROOT / f"action_plugins/{name}.py") for name in ("given", "plan")
)
WHOLE = {
    "scopes.json": json.dumps({"system": {"prefix": "/opt/reachable", "state": "/var/lib/reachable", "user": "root"}}),
    "vps.yml": "jupyter_port: 8822\n",
    "jupyter_password": "abcd-efgh-jkmn-pqrs-tuvw\n",
    "tunnel_ssh_key.pub": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI ada\n",
}


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut_short(path: Path) -> None:
    path.write_text(path.read_text()[:9])


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def another_type(path: Path) -> None:
    path.write_text("[[1], null]")


def no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00\x80")


def unreadable(path: Path) -> None:
    path.chmod(0)


DAMAGES = [empty, cut_short, a_folder, another_type, no_text, unreadable]


def read_given(path: Path) -> Any:
    return GIVEN_ACTION.read_kept(str(path), SPECS)


READERS: dict[str, Callable[[Path], Any]] = {
    "scopes.json": lambda path: configuration.kept_scopes(str(path)),
    "vps.yml": read_given,
    "jupyter_password": lambda path: passwords.read_stored(str(path)),
    "tunnel_ssh_key.pub": PLAN_ACTION.text_of,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", READERS)
def test_a_file_of_this_machine(
    name: str, damage: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    path.write_text(WHOLE[name])
    assert READERS[name](path)
    damage(path)
    if damage is unreadable and os.geteuid() == 0:  # whom no mode keeps out
        refuse_to_open(path, monkeypatch)
    assert is_borne(name, path)


def is_borne(name: str, path: Path) -> bool:
    """Tell whether a file is read, or named in a sentence that says what to do."""
    remedies = ("make it", "Make it", "move it", "Delete", "correct it", "write each")
    try:
        READERS[name](path)
    except (given.GivenError, passwords.RefusedError, AnsibleFilterError) as error:
        return str(path) in str(error) and any(remedy in str(error) for remedy in remedies)
    return True


def refuse_to_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody read a file."""

    def refused(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", refused)
    monkeypatch.setattr(Path, "read_text", refused)


@pytest.mark.parametrize("damage", [empty, cut_short, another_type, no_text])
def test_scopes_that_nobody_can_read_are_written_anew(damage: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "scopes.json"
    path.write_text(WHOLE["scopes.json"])
    damage(path)
    assert configuration.kept_scopes(str(path)) == {}
    assert configuration.kept_scopes(str(tmp_path / "absent")) == {}


@pytest.mark.parametrize(
    "text", ['{"system": {"prefix": "/opt/reachable"}}', '{"other": {}}', '{"user": []}', '{"user": {"user": 1}}']
)
def test_scopes_of_which_something_is_missing_are_not_known(text: str) -> None:
    assert keeping.read_scopes(text) == {}


# What host_info says of a file that is damaged.
SEEN = {
    "empty": FILE,
    "cut short": {**FILE, "content": '{"endpoints": [{"na'},
    "a folder": FOLDER,
    "another type": {**FILE, "content": "[[1], null]"},
    "an object of another type": {**FILE, "content": '{"endpoints": 5, "ServerApp": [], "made_with": [], "given": {}}'},
    "no text": {**FILE, "content": None, "sha256": 64 * "0"},
    "hidden": {**FILE, "state": "hidden", "content": None, "owner": "", "mode": "0000", "age": None},
    "a socket": {**FILE, "state": "other", "content": None},
}
GIVEN = {"ngrok_authtoken": TOKEN, "ngrok_transport": "tcp"}
TAKES_ALL = dataclasses.replace(RECORD, takes="all")


@pytest.mark.parametrize("only_looks", [False, True])
@pytest.mark.parametrize("seen", SEEN.values(), ids=SEEN)
def test_files_of_the_host(seen: dict[str, Any], only_looks: bool) -> None:
    layout = layout_before("system", "/root", "/opt/reachable", "/var/lib/reachable")
    bare = situation(GIVEN)
    paths = looks.files(declared(**GIVEN), layout, with_history=True)
    daemons = {name: {**RUNNING, "drop_ins": []} for name in bare.facts["daemons"]}
    damaged = {path: {**seen, "path": path} for path in paths if path != "/run/dbus/system_bus_socket"}
    there = situation(GIVEN, {"files": damaged, "daemons": daemons}, only_looks=only_looks, controller=Controller())
    plan = make.make(there, TAKES_ALL)
    assert json.loads(json.dumps(plan)) == plan
    assert plan["receipt"]["entries"] != []


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_is_written_anew_whatever_it_has_become(
    damage: Callable[[Path], None], tmp_path: Path, run_module: RunModule
) -> None:
    path = tmp_path / "receipt.json"
    path.write_text('{"services": []}\n')
    damage(path)
    for changed in (True, False):
        assert run_module(file_tree, entries=[{"path": str(path), "content": "{}\n"}])["changed"] is changed
    assert path.read_text() == "{}\n"
