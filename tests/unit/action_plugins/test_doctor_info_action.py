"""Addresses are examined in this process, or by the module where the task runs elsewhere."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from conftest import UNTAGGED
from reachable import examination, visitor

if TYPE_CHECKING:
    from conftest import RunAction

PASSWORD = "correct horse battery"


@pytest.fixture
def endpoints() -> list[dict[str, str]]:
    """Return an address at which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return [{"name": "lan", "url": f"http://127.0.0.1:{listener.getsockname()[1]}/"}]


@pytest.mark.parametrize("check", [True, False])
def test_here(run_action: RunAction, endpoints: list[dict[str, str]], check: bool) -> None:
    result = run_action("doctor_info", check=check, transport="local", endpoints=endpoints, password=PASSWORD)

    assert not result["changed"]
    (found,) = result["endpoints"]
    assert (found["name"], found["reachable"], found["failed_leg"]) == ("lan", False, "tcp")
    assert PASSWORD not in json.dumps(result)


def test_options_reach_the_doctor(
    run_action: RunAction, endpoints: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def examine_all(*those: object) -> list[object]:
        asked.append(those)
        return []

    monkeypatch.setattr(examination, "examine_all", examine_all)
    run_action("doctor_info", transport="local", endpoints=endpoints)
    run_action(
        "doctor_info",
        transport="local",
        endpoints=endpoints,
        password="x",
        proof_key="k",
        legs="anonymous",
        timeout="5",
    )
    complete: list[dict[str, object]] = [
        {**endpoint, "tunnel": False, "ssh": None, "own": [], "authority": "", "certificate_name": ""}
        for endpoint in endpoints
    ]
    assert asked == [
        (complete, examination.Options(None, False, 30, 0)),
        (complete, examination.Options("x", True, 5, 0, proof_key="k")),
    ]


def test_there(run_action: RunAction) -> None:
    def execute(task_vars: dict[str, Any]) -> dict[str, Any]:
        assert task_vars == UNTAGGED
        return {"changed": False, "endpoints": ["as the module says"]}

    result = run_action("doctor_info", execute=execute, endpoints=[])
    assert result == {"changed": False, "endpoints": ["as the module says"]}


def test_without_websocket(
    run_action: RunAction, endpoints: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor, "WEBSOCKET_ERROR", "Traceback: No module named 'websocket'")
    message = run_action("doctor_info", transport="local", endpoints=endpoints, password="x")["msg"]
    assert message.startswith("Failed to import the required Python library (websocket-client) on ")
    anonymous = run_action("doctor_info", transport="local", endpoints=endpoints, password="x", legs="anonymous")
    assert len(anonymous["endpoints"]) == 1
