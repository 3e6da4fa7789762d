"""The module compares what it finds with the settings that it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jupyter_config_info
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunModule


@pytest.mark.parametrize("check", [False, True])
def test_the_module(check: bool, tmp_path: Path, run_module: RunModule) -> None:
    (tmp_path / "jupyter_notebook_config.py").write_text(
        "c.NotebookApp.password = 'sha1:secret'\nc.NotebookApp.sock = 1\n"
    )
    (tmp_path / "jupyter_config.json").write_text("{")
    result = run_module(
        jupyter_config_info,
        check=check,
        user="root",
        folders=[str(tmp_path)],
        settings={"PasswordIdentityProvider": {"hashed_password": "argon2:ours"}},
        remedies={"sock": "leave it out", "password": "use jupyter_password"},
    )
    about = {"file": str(tmp_path / "jupyter_notebook_config.py"), "class": "NotebookApp"}
    assert result["changed"] is False
    assert result["conflicts"] == [
        {**about, "line": 1, "trait": "password", "effect": "loses", "instead": "use jupyter_password"},
        {**about, "line": 2, "trait": "sock", "effect": "wins", "instead": "leave it out"},
    ]
    assert [each["file"] for each in result["problems"]] == [str(tmp_path / "jupyter_config.json")]
    result.pop("invocation")
    assert "secret" not in str(result)
    assert "ours" not in str(result)
