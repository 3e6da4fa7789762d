"""The action plan: what it needs of Ansible, and what it returns; the thinking is tested with module_utils."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.loader import action_loader
from authorities import authority
from bare_host import DEFAULTS, FACTS, FILE, FOLDER, ROOM, SPECS, TOKEN
from imports import imported
from reachable.plan import receipts

if TYPE_CHECKING:
    from conftest import RunAction

plan = imported("plan_action", Path(__file__).parents[3] / "action_plugins/plan.py")
RECEIPT = "/var/lib/reachable/receipt.json"
SECRET = "kXf82-opqjz-9sd"


def planned(
    run_action: RunAction, given: dict[str, Any] | None = None, arguments: dict[str, Any] | None = None, **facts: Any
) -> dict[str, Any]:
    """Return what the action says of a bare host."""
    values = {**DEFAULTS, **(given or {})}
    room = dict.fromkeys(("/opt/reachable", "/var/lib/reachable"), ROOM)
    notebooks = {values["jupyter_notebook_dir"]: {**ROOM, "nearest": "/var/lib/reachable/jupyter"}}
    host = {**FACTS, "paths": {**room, **notebooks}, **facts}
    common = {"platform": "linux", "scope": "system", "home": "/root"}
    recalled = {"file": "/inventory/given/vps.yml", "is_there": False, "found": {}, "given": [], "declared": []}
    arguments = {**common, "recalled": {**recalled, "specs": SPECS}, **(arguments or {})}
    variables = {"inventory_hostname": "vps"}
    return run_action("plan", variables=variables, values=values, specs=SPECS, host=host, **arguments)


def test_a_bare_host_has_nothing_against_it(run_action: RunAction) -> None:
    plan = planned(run_action)
    assert (plan["refused"], plan["misplaced"], plan["port_refused"]) == ([], [], "")
    path = "/usr/bin/python3.11"
    assert plan["python"] == {"path": path, "version": "3.11", "is_to_come": False, "at_hand": path}
    assert plan["mover"] == "root"
    assert plan["former"] is None


def test_the_clocks_of_host_and_controller_are_compared(run_action: RunAction) -> None:
    assert planned(run_action, clock=time.time())["endpoint"]["system_notes"] == []
    (note,) = planned(run_action, clock=time.time() - 500 * 86400)["endpoint"]["system_notes"]
    assert note.startswith("The clock of vps is 500 days behind this machine's: ")


def test_the_authority_of_the_controller_is_trusted(run_action: RunAction, tmp_path: Path) -> None:
    given = {"reachable_ca_dir": str(tmp_path), "reachable_tls": "ca"}
    assert planned(run_action, given)["endpoint"]["visits"][0]["authority"] == ""
    root = authority(tmp_path)
    (tmp_path / "root.pem").write_text(root.pem)
    assert planned(run_action, given)["endpoint"]["visits"][0]["authority"] == root.pem


def test_it_is_plain_data(run_action: RunAction) -> None:
    plan = planned(run_action, {"ngrok_authtoken": "2abcdefghijklmnopqrstuvwxyz_0123456789ABCDEFGHIJK"})
    assert json.loads(json.dumps(plan)) == plan


def test_secrets_are_in_entries_only(run_action: RunAction) -> None:
    plan = planned(run_action, {"jupyter_password": SECRET, "ngrok_authtoken": f"2abcdefghijklmnop_{SECRET}"})
    assert SECRET not in json.dumps(without_secrets(plan))
    assert SECRET in json.dumps(plan["ngrok"]["configuration_missing"])


def without_secrets(value: Any) -> Any:
    """Return a plan without what no module prints."""
    if isinstance(value, dict):
        return {key: without_secrets(each) for key, each in value.items() if key != "secret"}
    return [without_secrets(each) for each in value] if isinstance(value, list) else value


def test_what_was_found_later_is_laid_over(run_action: RunAction) -> None:
    given = {"ngrok_authtoken": TOKEN, "ngrok_install_method": "none", "ngrok_executable": "/usr/bin/ngrok"}
    assert not planned(run_action, given)["ngrok"]["is_installed"]
    since = {"programs": {"/usr/bin/ngrok": {"path": "/usr/bin/ngrok", "version": "3.39.10"}}}
    assert planned(run_action, given, arguments={"since": since})["ngrok"]["is_installed"]


@pytest.mark.parametrize(
    ("key", "public_key", "expected"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_the_key_of_those_who_come_in_by_ssh(
    key: bool, public_key: bool, expected: bool, tmp_path: Path, run_action: RunAction
) -> None:
    (tmp_path / "vps").mkdir()
    for name, is_there in (("tunnel_ssh_key", key), ("tunnel_ssh_key.pub", public_key)):
        if is_there:
            (tmp_path / "vps" / name).write_text("ssh-ed25519 AAAA reachable-tunnel@vps\n")
    given = {"ngrok_authtoken": TOKEN, "ngrok_transport": "ssh", "reachable_secrets_dir": str(tmp_path)}
    plan = planned(run_action, given, users={"jupyter": None, "reachable-tunnel": None})["ngrok"]
    assert plan["has_ssh_key"] is expected
    (authorized,) = (each for each in plan["ssh_missing"] if each["path"].endswith("authorized_keys"))
    assert authorized["content"].endswith('8888" ssh-ed25519 AAAA reachable-tunnel@vps\n' if public_key else '8888" \n')


@pytest.mark.parametrize(
    ("found", "connected_to", "names"),
    [
        (["192.0.2.7"], "203.0.113.9", ["name", "ssh", "ipv4"]),
        # another machine's, or also another's
        (["127.0.1.1"], "203.0.113.9", ["ssh", "ipv4"]),
        (["192.0.2.7", "192.0.2.8"], "203.0.113.9", ["ssh", "ipv4"]),
        ([], "203.0.113.9", ["ssh", "ipv4"]),
        # this machine finds itself under its name, which others do not
        (["192.0.2.7"], None, ["ipv4"]),
    ],
)
def test_the_name_of_a_host(
    found: list[str], connected_to: str | None, names: list[str], run_action: RunAction, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getaddrinfo(name: str, _: None) -> list[Any]:
        if not found:
            raise socket.gaierror(-2, "Name or service not known")
        return [(2, 1, 6, "", (address, 0)) for address in found if name == "vps"]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    plan = planned(run_action, arguments={"connected_to": connected_to})
    assert [each["name"] for each in plan["endpoint"]["candidates"]] == names


OF_A_PERSON = """
Host alias
  HostName 203.0.113.9
Host behind
  HostName 203.0.113.9
  ProxyJump alias
Host commanded
  HostName 203.0.113.9
  ProxyCommand nc %h %p
"""


@pytest.mark.parametrize(
    ("name", "address", "is_behind_another"),
    [
        ("203.0.113.9", "203.0.113.9", False),
        ("vps.test", "vps.test", False),
        ("alias", "203.0.113.9", False),
        ("behind", "203.0.113.9", True),
        ("commanded", "203.0.113.9", True),
    ],
)
def test_the_way_of_ssh(
    name: str, address: str, is_behind_another: bool, run_action: RunAction, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(OF_A_PERSON)
    arguments = {"connected_to": name, "ssh_args": f"-F {tmp_path}/config"}
    plan = planned(run_action, arguments=arguments)["endpoint"]
    assert plan["is_behind_another"] is is_behind_another
    assert [each["url"] for each in plan["candidates"] if each["name"] == "ssh"] == [f"http://{address}:8888"]
    assert any("SSH gets to vps through another machine" in note for note in plan["notes"]) is is_behind_another


def test_whether_a_port_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        assert plan.takes_connections("127.0.0.1", port)
        # A queue that is full has no answer, as a firewall that drops what comes.
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                client = stack.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", port))
            assert not plan.takes_connections("127.0.0.1", port)
    assert plan.takes_connections("127.0.0.1", port)  # nobody is there


def test_who_only_looks_has_not_looked_where_notebooks_were(run_action: RunAction) -> None:
    receipt = {**{kind: [] for kind in receipts.KINDS}, "notebooks": ["/srv/old"]}
    files = {RECEIPT: {**FILE, "content": json.dumps(receipt)}, "/var/lib/reachable": FOLDER}
    plan = planned(run_action, files={**FACTS["files"], **files})
    assert plan["moves"]["notebooks"] == ["/srv/old"]
    assert not plan["moves"]["arrive"]


def looked_at(run_action: RunAction, **options: Any) -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
    """Return what the action says without a host, and which modules it ran there with which arguments."""
    asked = []

    def execute(module: str, arguments: dict[str, Any], **_: Any) -> dict[str, Any]:
        asked.append((module, arguments))
        return {"system": "Linux"}

    common = {"platform": "linux", "scope": "system", "home": "~", "specs": SPECS}
    variables = {"inventory_hostname": "vps", **DEFAULTS}
    return run_action("plan", execute=execute, variables=variables, **common, **options), asked


def test_it_looks_at_the_host(run_action: RunAction) -> None:
    found, asked = looked_at(run_action, checks=True, depth="all")
    ((module, arguments),) = asked
    assert (module, found["system"]) == ("host_info", "Linux")
    assert arguments["ports"][0] == DEFAULTS["jupyter_port"]
    assert {each["path"] for each in arguments["environments"]} >= {"/opt/reachable/server"}


def test_it_looks_at_nothing_with_what_cannot_be_meant(run_action: RunAction) -> None:
    found, asked = looked_at(run_action, checks=True, values={"jupyter_port": 0})
    assert found["skipped"]
    assert (found["refused"], asked) == (["jupyter_port is 0: give a number from 1 to 65535."], [])


def test_who_only_looks_takes_it_as_it_is(run_action: RunAction) -> None:
    found, asked = looked_at(run_action, values={"jupyter_port": "x"})
    assert ("refused" in found, len(asked)) == (False, 1)


def test_a_template_that_fails_is_no_fault_of_the_host(run_action: RunAction, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise AnsibleError("The lookup plugin 'file' failed.")

    monkeypatch.setattr(action_loader.get("plan", class_only=True), "_values", fail)
    found, asked = looked_at(run_action)
    assert (found["refused"], asked) == (["The lookup plugin 'file' failed."], [])
