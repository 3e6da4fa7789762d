"""Entries of file_tree: what differs from what host_info found, and what is as wanted is left alone."""

from __future__ import annotations

import base64
import grp
import os
from typing import TYPE_CHECKING, Any

import file_tree
import host_info
import pytest
from reachable.plan.entries import missing_entries

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunModule


FILE = {"path": "/a", "content": "x\n"}
SECRET = {"path": "/a", "secret": "x\n"}
FOLDER = {"path": "/a", "state": "directory"}
FOUND_FILE = {"path": "/a", "state": "file", "owner": "root", "group": "root", "mode": "0644", "content": "x\n"}
FOUND_FOLDER = {"path": "/a", "state": "directory", "owner": "root", "group": "root", "mode": "0755", "content": None}
NOTHING = {"path": "/a", "state": "absent", "owner": "", "group": "", "mode": "0000", "content": None}
ADAS = {"owner": "ada", "group": "ada"}
ROOT_USER = {"name": "root", "group": "root"}


@pytest.mark.parametrize(
    ("entry", "found", "differs"),
    [
        (FILE, FOUND_FILE, False),
        ({"path": "/a"}, {**FOUND_FILE, "content": ""}, False),
        ({**FILE, "owner": "ada"}, {**FOUND_FILE, **ADAS}, False),
        ({**FILE, "group": "staff", "mode": "0600"}, {**FOUND_FILE, "group": "staff", "mode": "0600"}, False),
        (FOLDER, FOUND_FOLDER, False),
        (FILE, {**FOUND_FILE, "path": "/link-to/a"}, False),
        (SECRET, FOUND_FILE, False),
        ({**SECRET, "content": "y\n", "validate": ["true"]}, FOUND_FILE, False),
        (SECRET, {**FOUND_FILE, "content": "y\n"}, True),
        (SECRET, {**FOUND_FILE, "mode": "0600"}, True),
        (SECRET, NOTHING, True),
        ({"path": "/a", "secret": ""}, {**FOUND_FILE, "content": ""}, False),
        *(
            (FILE, {**FOUND_FILE, **drift}, True)
            for drift in ({"content": "y\n"}, {"mode": "0600"}, {"owner": "ada"}, {"group": "ada"}, {"state": "other"})
        ),
        (FILE, FOUND_FOLDER, True),
        (FOLDER, FOUND_FILE, True),
        (FOLDER, {**FOUND_FOLDER, "mode": "0700"}, True),
        (FILE, NOTHING, True),
        (FILE, None, True),
    ],
)
def test_what_differs(entry: dict[str, Any], found: dict[str, Any] | None, differs: bool) -> None:
    host = {"files": {"/a": found} if found else {}, "user": ROOT_USER}
    assert missing_entries([entry], host) == ([entry] if differs else [])


def test_what_differs_for_a_person() -> None:
    theirs = {**FOUND_FILE, "owner": "ada", "group": "staff"}
    host = {"files": {"/a": theirs}, "user": {"name": "ada", "group": "staff"}}
    assert missing_entries([FILE, {**FILE, "owner": "root"}], host) == [{**FILE, "owner": "root"}]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_nothing_differs_from_what_file_tree_made(tmp_path: Path, run_module: RunModule) -> None:
    nogroup = grp.getgrgid(65534).gr_name
    entries = [
        {"path": str(tmp_path / "a"), "state": "directory"},
        {"path": str(tmp_path / "a/b"), "content": "ü\n"},
        {"path": str(tmp_path / "a/c"), "mode": "0600", "owner": "nobody", "group": nogroup},
        {"path": str(tmp_path / "a/d"), "state": "directory", "mode": "0700", "group": nogroup},
        {"path": str(tmp_path / "a/e"), "secret": "s3cret\n", "mode": "0600"},
    ]
    paths = [entry["path"] for entry in entries]

    assert missing_entries(entries, run_module(host_info, files=paths)) == entries
    run_module(file_tree, entries=entries)
    assert missing_entries(entries, run_module(host_info, files=paths)) == []
    (tmp_path / "a/c").chmod(0o644)
    assert missing_entries(entries, run_module(host_info, files=paths)) == entries[2:3]


def test_what_is_no_text_is_compared_by_its_bytes(tmp_path: Path, run_module: RunModule) -> None:
    file = tmp_path / "icon.png"
    file.write_bytes(b"\x89PNG\xff")
    entry = {
        "path": str(file),
        "base64": base64.b64encode(file.read_bytes()).decode(),
        "mode": f"{file.stat().st_mode & 0o777:04o}",
    }
    host = run_module(host_info, files=[str(file)])
    assert missing_entries([entry], host) == []
    file.write_bytes(b"\x89PNG\xfe")  # which reads the same as text
    assert missing_entries([entry], run_module(host_info, files=[str(file)])) == [entry]
