"""The module doctor_info; what the doctor finds is tested with module_utils."""

from __future__ import annotations

import errno
import json
import socket
from typing import TYPE_CHECKING, Any

import doctor_info
import pytest
from ansible.module_utils.reachable import examination, ssh_tunnel, visitor

if TYPE_CHECKING:
    from conftest import RunModule

PASSWORD = "correct horse battery"


@pytest.fixture
def url() -> str:
    """Return an address at which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.mark.parametrize("check", [True, False])
def test_findings_are_returned_and_are_no_failure_of_the_module(run_module: RunModule, url: str, check: bool) -> None:
    endpoints = [{"name": "lan", "url": url}, {"name": "tunnel", "url": url}]
    result = run_module(doctor_info, check=check, endpoints=endpoints, password=PASSWORD)
    assert not result.get("failed")
    assert not result["changed"]
    assert [(found["name"], found["url"]) for found in result["endpoints"]] == [("lan", url), ("tunnel", url)]
    for found in result["endpoints"]:
        assert set(found) == {
            *("name", "url", "reachable", "failed_leg", "problem", "fix", "legs"),
            *("jupyter_version", "busy_kernels", "interstitial", "foreign", "certificate"),
        }
        assert (found["reachable"], found["failed_leg"], found["jupyter_version"]) == (False, "tcp", None)
        assert found["problem"].startswith("Nothing listens at 127.0.0.1 port ")
        assert found["legs"][1] | {"seconds": 0} == {
            "leg": "tcp",
            "state": "failed",
            "seconds": 0,
            "detail": str(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")),
        }
    assert PASSWORD not in json.dumps(result)


def test_options_reach_the_doctor(run_module: RunModule, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def examine_all(endpoints: object, options: object) -> list[object]:
        asked.append((endpoints, options))
        return []

    monkeypatch.setattr(examination, "examine_all", examine_all)
    endpoints = [{"name": "lan", "url": url}]
    run_module(doctor_info, endpoints=endpoints)
    run_module(doctor_info, endpoints=endpoints, password="x", legs="anonymous", timeout=5, wait=2.5, proof_key="k")
    direct: dict[str, Any] = {"tunnel": False, "ssh": None, "own": [], "authority": "", "certificate_name": ""}
    full = [{"name": "lan", "url": url, **direct}]
    assert asked == [
        (full, examination.Options(None, False, 30.0, 0.0)),
        (full, examination.Options("x", True, 5.0, 2.5, proof_key="k")),
    ]


WAY = {"host": "h", "user": "ada", "key_file": "/k", "target": "127.0.0.1:8888"}


@pytest.mark.parametrize("keys", [{"known_hosts_file": "/known"}, {"host_keys": ["ssh-ed25519 AAAA"]}])
def test_the_way_to_an_address_reaches_the_doctor(
    run_module: RunModule, url: str, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]
) -> None:
    routes = []

    def examine(*_: object, route: visitor.Route) -> dict[str, Any]:
        routes.append(route)
        return {}

    monkeypatch.setattr(examination, "examine", examine)
    trust: dict[str, Any] = {"authority": "PEM", "certificate_name": "laptop.example"}
    endpoint = {"name": "ssh", "url": url, "tunnel": True, "ssh": WAY | keys, "own": ["::7"], **trust}
    run_module(doctor_info, endpoints=[endpoint])
    assert routes == [visitor.Route(True, ssh_tunnel.Way(**WAY, port=22, **keys), ("::7",), "PEM", "laptop.example")]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "one of the following is required: known_hosts_file, host_keys found in endpoints -> ssh"),
        (
            {"known_hosts_file": "/known", "host_keys": []},
            "parameters are mutually exclusive: known_hosts_file|host_keys found in endpoints -> ssh",
        ),
    ],
)
def test_the_keys_of_an_ssh_server_are_given_in_one_way(
    run_module: RunModule, url: str, keys: dict[str, Any], message: str
) -> None:
    result = run_module(doctor_info, endpoints=[{"name": "ssh", "url": url, "ssh": WAY | keys}])
    assert result["msg"] == message


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [({"password": PASSWORD}, True), ({"password": PASSWORD, "legs": "anonymous"}, False), ({}, False)],
)
def test_websocket_client_is_only_asked_for_where_it_is_used(
    run_module: RunModule, url: str, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, str], missing: bool
) -> None:
    monkeypatch.setattr(visitor, "WEBSOCKET_ERROR", "ModuleNotFoundError: No module named 'websocket'")
    result = run_module(doctor_info, endpoints=[{"name": "lan", "url": url}], **arguments)
    assert result.get("failed", False) is missing
    if missing:
        assert result["msg"].startswith("Failed to import the required Python library (websocket-client)")


def test_an_endpoint_needs_its_address(run_module: RunModule) -> None:
    result = run_module(doctor_info, endpoints=[{"name": "lan"}])
    assert result["msg"] == "missing required arguments: url found in endpoints"
