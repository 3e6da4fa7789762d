"""Hosts get the package as one file, always the same, and its programs need nothing else of ours."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import file_tree
import host_info
import pytest
from bare_host import Checkout, situation
from reachable.plan import looks, package
from reachable.plan.entries import missing_entries

if TYPE_CHECKING:
    from conftest import RunModule

MODULES = {"b.py": "B = 'ü'\n", "__init__.py": "", "a.py": "from .b import B\n"}
# They need what only the environment of the controller has.
OF_THE_CONTROLLER = {"passwords", "rotation"}


def test_the_same_modules_make_the_same_bytes() -> None:
    content = package.archive(MODULES)
    # Of Python 3.11 and 3.13, and so of any other.
    assert hashlib.sha256(content).hexdigest() == "532579439083747ff6b69ee0b95d9a06124e6d0a237f15740d3743c505e9b4e2"
    assert package.archive(dict(sorted(MODULES.items(), reverse=True))) == content
    assert package.archive({**MODULES, "b.py": "B = 'u'\n"}) != content


def test_everybody_on_the_host_may_read_it() -> None:
    with zipfile.ZipFile(io.BytesIO(package.archive(MODULES))) as archive:
        assert archive.namelist() == ["reachable/__init__.py", "reachable/a.py", "reachable/b.py"]
        assert {about.external_attr >> 16 for about in archive.infolist()} == {0o100644}
        assert archive.read("reachable/b.py").decode() == MODULES["b.py"]


def test_entries() -> None:
    folder, file = package.entries(b"PK", "/opt/reachable/lib")
    assert folder == {"path": "/opt/reachable/lib", "state": "directory"}
    assert file["path"] == package.archive_path("/opt/reachable/lib") == "/opt/reachable/lib/reachable.zip"
    assert base64.b64decode(file["base64"]) == b"PK"


def test_what_is_brought_is_looked_at() -> None:
    paths = [entry["path"] for entry in package.entries(b"", "/lib")]
    assert package.paths("/lib") == [*paths, package.former_folder("/lib")]


def test_nothing_is_missing_once_it_is_there(tmp_path: Path, run_module: RunModule) -> None:
    entries = package.entries(package.archive(MODULES), str(tmp_path / "lib"))
    paths = [entry["path"] for entry in entries]
    assert missing_entries(entries, run_module(host_info, files=paths)) == entries
    run_module(file_tree, entries=entries)
    found = run_module(host_info, files=paths)
    assert missing_entries(entries, found) == []
    # What a look at a host brings back must not have all of it.
    assert found["files"][paths[1]]["content"] is None
    with Path(paths[1]).open("ab") as file:
        file.write(b"\n")
    assert missing_entries(entries, run_module(host_info, files=paths)) == entries[1:]


def test_all_of_it_is_looked_at() -> None:
    there = situation({"reachable_drift_schedule": "daily"})
    looked_at = looks.files(there.wanted, there.layout, with_history=False)
    for library in (there.layout.library, there.layout.drift_library):
        assert {*package.paths(library)} <= {*looked_at}


@pytest.mark.parametrize(
    ("found", "former"),
    [
        ({}, []),
        ({"/opt/reachable/lib/ansible": {"state": "directory"}}, ["/opt/reachable/lib/ansible"]),
        ({"/opt/reachable/drift/lib/ansible": {"state": "directory"}}, ["/opt/reachable/drift/lib/ansible"]),
        ({"/opt/reachable/lib/ansible": {"state": "file"}}, []),
    ],
)
def test_what_an_earlier_version_had_in_its_place_goes(found: dict[str, dict[str, str]], former: list[str]) -> None:
    assert package.former_folders(situation(facts={"files": found})) == former


@pytest.mark.parametrize("program", ["drift", "ngrok_agent", "watcher"])
def test_a_program_needs_nothing_else(program: str, shipped: dict[str, str]) -> None:
    # Without the packages of this environment, and so without the real Ansible.
    command = [sys.executable, "-S", "-m", f"reachable.{program}", "--help"]
    done = subprocess.run(command, env=shipped, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {program} ")


def test_every_module_can_be_imported_on_a_host(shipped: dict[str, str]) -> None:
    names = [Path(name).stem for name in Checkout().modules()]
    modules = [f"reachable.{name}" for name in sorted(set(names) - OF_THE_CONTROLLER - {"__init__"})]
    lines = [f"import {module}" for module in modules]
    lines += ["import sys, importlib.util"]
    lines += ["print([name for name in sys.modules if 'ansible' in name], importlib.util.find_spec('reachable.plan'))"]
    done = subprocess.run(
        [sys.executable, "-S", "-c", "\n".join(lines)], env=shipped, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[] None", "")
