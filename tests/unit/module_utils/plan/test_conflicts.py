"""What a person's own configuration has against ours is said in whole sentences."""

from __future__ import annotations

from typing import Any

import pytest
from reachable.plan.conflicts import config_conflicts, conflict_sentences

OWN = {"ServerApp": {"ip": "127.0.0.1"}, "PasswordIdentityProvider": {"token": ""}}
HASHED = {"file": "/h/a.json", "line": 3, "class": "IdentityProvider", "trait": "hashed_password"}
PASSWORD = {**HASHED, "hash": "sha1:theirs"}


def setting(**about: Any) -> dict[str, Any]:
    """Return a setting as host_info does."""
    return {"origin": "jupyter_server_config", "value": None, "known": False, **about}


@pytest.mark.parametrize(
    ("current", "adopted", "lines"),
    [("", False, [1, 3, 4]), ("argon2:ours", False, [1, 3, 4]), ("sha1:theirs", False, [1, 4]), ("", True, [1, 4])],
)
def test_the_password_in_force_is_no_conflict(current: str, adopted: bool, lines: list[int]) -> None:
    settings = [
        setting(**HASHED),
        setting(**{**HASHED, "line": 4}),
        setting(**{**HASHED, "line": 1, "class": "ServerApp", "trait": "ip"}),
    ]
    found = {"settings": settings, "problems": [], "password": PASSWORD}
    assert [each["line"] for each in config_conflicts(found, OWN, current, adopted)] == lines


def test_without_a_password_there() -> None:
    found = {"settings": [setting(**HASHED)], "problems": [], "password": None}
    assert len(config_conflicts(found, {}, "", True)) == 1


def test_sentences() -> None:
    about = {"file": "/h/a.py", "line": 3, "class": "NotebookApp"}
    conflicts = [
        {**about, "trait": "ip", "effect": "loses", "instead": "use jupyter_listen"},
        {**about, "trait": "sock", "effect": "wins", "instead": "leave it out, the iPad needs a port"},
    ]
    problems = [
        {"file": "/h/b.json", "line": 7, "problem": "it is malformed"},
        {"file": "/h/b.py", "line": 0, "problem": "it is no file"},
    ]
    assert conflict_sentences(conflicts, problems, "vps") == [
        "/h/a.py:3 on vps sets NotebookApp.ip, which has no effect beside Reachable's own: use jupyter_listen.",
        "/h/a.py:3 on vps sets NotebookApp.sock, which wins over Reachable's own: leave it out, the iPad needs a port.",
        "/h/b.json:7 on vps is not taken into account: it is malformed.",
        "/h/b.py on vps is not taken into account: it is no file.",
    ]
