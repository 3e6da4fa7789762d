"""The controller's pip goes where uv is to be installed, and nowhere else."""

from __future__ import annotations

import base64
import importlib.util
from typing import TYPE_CHECKING, Any

import pytest
from conftest import UNTAGGED

if TYPE_CHECKING:
    from conftest import RunAction

ARGUMENTS = {
    "environments": [{"path": "/opt/reachable/tools", "requirements": "uv==1.0"}],
    "uv": "/opt/reachable/tools/bin/uv",
}


@pytest.fixture
def sent(run_action: RunAction) -> Any:
    """Return a function that runs the action and returns what it sends to the host."""

    def run(**arguments: Any) -> dict[str, Any]:
        seen: list[dict[str, Any]] = []

        def execute(module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
            assert task_vars == UNTAGGED
            seen.append(module_args)
            return {"changed": True}

        assert run_action("python_environment", execute=execute, **arguments) == {"changed": True}
        return seen[0]

    return run


def test_pip_is_sent(sent: Any) -> None:
    result = sent(**ARGUMENTS)
    assert base64.b64decode(result.pop("pip")).startswith(b"PK")
    assert result == ARGUMENTS


def test_pip_is_not_sent_for_nothing(sent: Any) -> None:
    arguments = {**ARGUMENTS, "uv": "/opt/reachable/tools-of-others/bin/uv"}
    assert sent(**arguments) == arguments


def test_without_pip(run_action: RunAction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    result = run_action("python_environment", **ARGUMENTS)
    assert result["failed"]
    assert result["msg"].startswith("Failed to import the required Python library (pip) on ")
