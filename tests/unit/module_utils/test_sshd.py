"""What an SSH server would allow is asked of the server itself, and each of its lines is found where it stands."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from reachable import sshd

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in the place of /etc/ssh."""
    monkeypatch.setattr(sshd, "FOLDER", str(tmp_path))
    monkeypatch.setattr(sshd, "CONFIGS", (str(tmp_path / "sshd_config"), str(tmp_path / "other")))
    (tmp_path / "sshd_config.d").mkdir()
    return tmp_path


def test_lines_in_the_order_in_which_they_are_read(folder: Path) -> None:
    (folder / "sshd_config").write_text(
        "# AllowUsers nobody\nInclude sshd_config.d/*.conf\nAllowUsers=ada 'eve x' # and no more\n\nmatch User bob\n"
        '  DenyGroups b\nMatch all\nPort = 22\nBroken "\n'
    )
    (folder / "sshd_config.d/b.conf").write_text("Match Group x\nMaxSessions 0\n")
    (folder / "sshd_config.d/a.conf").write_text("Include sshd_config.d/a.conf\n")
    found = [(os.path.basename(line.file), line.line, line.keyword, line.values, line.is_for_some)
             for line in sshd.lines(str(folder / "sshd_config"))]  # fmt: skip
    assert found.count(("a.conf", 1, "include", ["sshd_config.d/a.conf"], False)) == sshd.DEEPEST
    assert [line for line in found if line[0] != "a.conf"] == [
        ("sshd_config", 2, "include", ["sshd_config.d/*.conf"], False),
        ("b.conf", 1, "match", ["Group", "x"], True),
        ("b.conf", 2, "maxsessions", ["0"], True),
        ("sshd_config", 3, "allowusers", ["ada", "eve x"], False),
        ("sshd_config", 5, "match", ["User", "bob"], True),
        ("sshd_config", 6, "denygroups", ["b"], True),
        ("sshd_config", 7, "match", ["all"], False),
        ("sshd_config", 8, "port", ["22"], False),
    ]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('echo "allowusers ada"; echo "allowusers eve"; echo "about $3"; echo "compression"', {
            "allowusers": ["ada", "eve"],
            "about": ["user=tunnel,host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=2222"],
            "compression": [],
        }),
        ("echo port 22; echo no hostkeys available >&2; exit 1", {}),
    ],
)  # fmt: skip
def test_what_the_server_says(
    program: str, expected: dict[str, list[str]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = folder / "sshd"
    server.write_text(f"#!/bin/sh\n{program}\n")
    server.chmod(0o755)
    monkeypatch.setattr(sshd, "PROGRAM", str(server))
    (folder / "other").write_text("Port 2222\n")
    line = {"file": str(folder / "other"), "line": 1, "keyword": "port", "values": ["2222"], "is_for_some": False}
    assert sshd.look("tunnel", 2222) == {"counts": expected, "lines": [line]}


def test_where_there_is_no_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sshd, "PROGRAM", str(folder / "sshd"))
    assert sshd.look("tunnel", 22) == {"counts": {}, "lines": []}
