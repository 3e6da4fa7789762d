"""Files of this machine are kept in this process, and those of others by the module."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from conftest import UNTAGGED

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunAction


@pytest.mark.parametrize("check", [True, False])
def test_here(run_action: RunAction, tmp_path: Path, check: bool) -> None:
    path = tmp_path / "cards" / "card.txt"
    entries = [{"path": str(path.parent), "state": "directory"}, {"path": str(path), "secret": "hush"}]

    def settle() -> Any:
        return run_action("file_tree", check=check, transport="local", entries=entries)

    result = settle()
    assert result["changed"]
    assert result["paths"] == [str(path.parent), str(path)]
    assert "hush" not in json.dumps(result)
    assert path.exists() != check
    assert settle()["changed"] == check


def test_failure(run_action: RunAction, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    result = run_action("file_tree", transport="local", entries=[{"path": str(tmp_path), "content": "x"}])
    assert result["failed"]
    assert result["msg"] == f"{tmp_path} should be a file, but a folder is there: move it away."


@pytest.mark.parametrize(("transport", "become"), [("ssh", False), ("ssh", True), ("local", True)])
def test_there(run_action: RunAction, transport: str, become: bool) -> None:
    def execute(task_vars: dict[str, Any]) -> dict[str, Any]:
        assert task_vars == UNTAGGED
        return {"changed": False, "paths": ["as the module says"]}

    result = run_action("file_tree", transport=transport, become=become, execute=execute, entries=[])
    assert result == {"changed": False, "paths": ["as the module says"]}
