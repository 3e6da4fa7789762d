# SPDX-License-Identifier: Apache-2.0
"""The scope in which it was installed before: what has to be said before it is left, and what is free then."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bare_host import FILE, FOLDER
from reachable.plan import former, receipts

NOBODY: dict[str, Any] = {}
RECEIPT = {**FILE, "content": json.dumps({kind: [] for kind in receipts.KINDS})}
OF_ADA = {"name": "ada", "home": "/home/ada"}
ADAS = {
    "/home/ada/.local/state/reachable/receipt.json": RECEIPT,
    "/home/ada/.config/systemd/user/reachable-jupyter.service": FILE,
}
LOST = {"/home/ada/.config/systemd/user/reachable-jupyter.service": FILE}
ROOTS = {"/var/lib/reachable/receipt.json": RECEIPT, "/opt/reachable": FOLDER}


def refused(before: str, facts: dict[str, Any], platform: str = "linux") -> str:
    """Return why a scope is not left for the other one."""
    places = {
        "user": {
            "user": "ada",
            "prefix": "/home/ada/.local/share/reachable",
            "state_dir": "/home/ada/.local/state/reachable",
        },
        "system": {"user": "root", "prefix": "/opt/reachable", "state_dir": "/var/lib/reachable"},
    }
    other = {"user": "system", "system": "user"}[before]
    return former.refusal({"scope": before, "facts": facts, **places[before]}, "vps", other, platform)


def facts(user: dict[str, Any], files: dict[str, Any], manager: str = "systemd") -> dict[str, Any]:
    """Return what host_info found there."""
    return {"user": user, "files": files, "service_manager": manager}


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("user", facts(OF_ADA, ADAS)),
        ("user", facts(OF_ADA, {})),  # somebody has taken it away by hand
        ("system", facts({"name": "root", "home": "/root"}, ROOTS)),
    ],
)
def test_what_can_be_left(before: str, found: dict[str, Any]) -> None:
    assert refused(before, found) == ""


@pytest.mark.parametrize(
    ("before", "found", "platform", "words"),
    [
        ("user", NOBODY, "macos", "is installed with the scope user, which on macOS does not move"),
        ("system", NOBODY, "linux", "sudo does not let you in to move it: add --ask-become-pass"),
        (
            "user",
            NOBODY,
            "linux",
            "is installed for ada, with whose rights you may not move it: connect as root or as ada",
        ),
        ("user", facts({"name": "eve", "home": "/home/eve"}, ADAS), "linux", "is installed for ada, with whose rights"),
        (
            "user",
            facts(OF_ADA, ADAS, "supervisord"),
            "linux",
            "services of ada cannot be stopped while ada is logged out",
        ),
        (
            "user",
            facts(OF_ADA, LOST),
            "linux",
            "/home/ada/.local/state/reachable/receipt.json is lost: set reachable_scope",
        ),
    ],
)
def test_what_cannot(before: str, found: dict[str, Any], platform: str, words: str) -> None:
    sentence = refused(before, found, platform)
    assert words in sentence
    assert sentence.startswith(f"reachable_scope is {'user' if before == 'system' else 'system'}, but on vps ")
    assert sentence.endswith(".")


def test_ports_of_programs_below_a_prefix_are_free() -> None:
    def holder(command: str) -> dict[str, Any]:
        return {"pid": 0 if not command else 4711, "user": "jupyter", "command": command}

    seen_by_ada = {"8888": holder(""), "4040": holder(""), "22": holder(""), "9999": None}
    seen_by_root = {
        "8888": holder("/opt/reachable/server/bin/python /opt/reachable/server/bin/jupyter-server"),
        "4040": holder("/usr/local/bin/ngrok start --all --config /opt/reachable/etc/ngrok/ngrok.yml"),
        "22": holder("/opt/reachable-too/sshd"),
        "9999": None,
    }
    left = former.without_holders(seen_by_ada, seen_by_root, "/opt/reachable")
    assert left == {**dict.fromkeys(seen_by_ada), "22": seen_by_ada["22"]}
