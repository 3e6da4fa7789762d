"""What travels is a whole pip."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pip
import pytest
from reachable.portable_pip import portable_pip

if TYPE_CHECKING:
    from pathlib import Path


def test_it_runs_from_its_archive(tmp_path: Path) -> None:
    archive = tmp_path / "pip.zip"
    archive.write_bytes(portable_pip())

    command = [sys.executable, "-I", f"{archive}/pip", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"pip {pip.__version__} from {archive}/pip (python ")
    with zipfile.ZipFile(archive) as names:
        assert {name.split("/")[0] for name in names.namelist()} == {"pip"}
        assert not [name for name in names.namelist() if name.endswith(".pyc")]


def test_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"^There is no pip here\.$"):
        portable_pip()
