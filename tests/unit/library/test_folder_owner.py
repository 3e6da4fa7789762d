"""A folder is handed over once, and what it is told of that is true."""

from __future__ import annotations

import grp
import os
import pwd
from typing import TYPE_CHECKING

import folder_owner
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunModule

NOBODY = pwd.getpwnam("nobody")
ARGUMENTS = {"owner": "nobody", "group": grp.getgrgid(NOBODY.pw_gid).gr_name}
OLD, STRANGER = 54321, 54323
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "notebooks"
    path.mkdir()
    for name in ("a", "b", "c"):
        (path / name).touch()
        os.chown(path / name, OLD, OLD)
    os.chown(path, OLD, OLD)
    return path


def owners(folder: Path) -> list[int]:
    return [path.stat().st_uid for path in (folder, *sorted(folder.iterdir()))]


@needs_root
def test_it_is_handed_over_once(folder: Path, run_module: RunModule) -> None:
    arguments = {**ARGUMENTS, "path": str(folder)}
    foretold = run_module(folder_owner, check=True, **arguments)
    assert owners(folder) == [OLD] * 4
    assert run_module(folder_owner, **arguments) == foretold
    assert owners(folder) == [NOBODY.pw_uid] * 4
    assert foretold["changed"] is True
    assert foretold["diff"] == {"before": f"{OLD} {folder}\n", "after": f"nobody {folder}\n"}
    assert run_module(folder_owner, check=True, **arguments)["changed"] is False
    assert run_module(folder_owner, **arguments)["changed"] is False


@needs_root
def test_what_is_somebody_elses_is_named(folder: Path, run_module: RunModule) -> None:
    for name in ("b", "c"):
        os.chown(folder / name, STRANGER, STRANGER)
    answer = run_module(folder_owner, **ARGUMENTS, path=str(folder))
    assert answer["left"] == [f"{folder}/b", f"{folder}/c"]
    said = f"{folder}/b is not handed over to nobody, nor 1 more in {folder}: it has been somebody else's."
    assert [warning["event"]["msg"] for warning in answer["warnings"]] == [f"{said} Where it should, chown it."]


@needs_root
def test_what_belongs_to_further_former_owners(folder: Path, run_module: RunModule) -> None:
    os.chown(folder, 0, 0)
    answer = run_module(folder_owner, **ARGUMENTS, path=str(folder), former=["no-such-user", "nobody"])
    assert answer["left"] == [f"{folder}/a", f"{folder}/b", f"{folder}/c"]
    os.chown(folder, OLD, OLD)
    os.chown(folder / "a", pwd.getpwnam("daemon").pw_uid, 0)
    assert run_module(folder_owner, **ARGUMENTS, path=str(folder), former=["daemon"])["left"] == []


def test_what_cannot_be(tmp_path: Path, run_module: RunModule) -> None:
    answer = run_module(folder_owner, **ARGUMENTS, path=f"{tmp_path}/gone")
    assert answer["msg"] == f"{tmp_path}/gone cannot be handed over to nobody: No such file or directory."
    wanted = {"owner": "no-such-user", "group": "none", "path": str(tmp_path)}
    assert run_module(folder_owner, check=True, **wanted)["changed"] is True
    answer = run_module(folder_owner, **wanted)
    assert answer["msg"] == f"{tmp_path} should belong to no-such-user:none, which does not exist."
