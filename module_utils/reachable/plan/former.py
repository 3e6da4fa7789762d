# SPDX-License-Identifier: Apache-2.0
"""The scope in which it was installed before: whether it can be left, and what is free once it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import receipts
from .layout import default_places

if TYPE_CHECKING:
    from collections.abc import Mapping


JUPYTER_CONFIG = "/etc/jupyter/jupyter_server_config.json"


def refusal(former: Mapping[str, Any], host: str, scope: str, platform: str) -> str:
    """Say why the scope of before cannot be left for another one; empty where it can.

    ``former`` is as the action plan takes it. In ``facts`` is what host_info found, or nothing where it had no rights.
    """
    facts, before, user = former["facts"], former["scope"], former["user"]
    files, found = facts.get("files", {}), facts.get("user", {})
    file = f"{former['state_dir']}/receipt.json"
    units = default_places("linux", before, found.get("home", "~")).units
    definition = f"{units}/reachable-jupyter.service"
    is_there = {path for path, each in files.items() if each["state"] != "absent"}
    receipt = receipts.read(files.get(file, {}).get("content"))
    begin = f"reachable_scope is {scope}, but on {host}"
    if platform == "macos":
        return (
            f"{begin} Reachable is installed with the scope {before}, which on macOS does not move: run "
            "./reachable down with that one first."
        )
    if before == "system" and found.get("name") != "root":
        return (
            f"{begin} Reachable is installed for the whole machine, and sudo does not let you in to move it: add "
            "--ask-become-pass, connect as a user who may use sudo, or set reachable_scope back to system."
        )
    if found.get("name") != user:
        return (
            f"{begin} Reachable is installed for {user}, with whose rights you may not move it: connect as root or as "
            f"{user}, or set reachable_scope back to user."
        )
    if definition in is_there and facts["service_manager"] != "systemd":
        return (
            f"{begin} the services of {user} cannot be stopped while {user} is logged out: connect as {user}, or "
            "log in there meanwhile."
        )
    if not receipt and {f"{former['prefix']}{JUPYTER_CONFIG}", definition} & is_there:
        return (
            f"{begin} the receipt {file} is lost: set reachable_scope back to {before} for one ./reachable up, which "
            "writes it anew."
        )
    return ""


def without_holders(holders: Mapping[str, Any], seen: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return who holds which port, but for what lies below a prefix, as somebody has seen it who may."""
    theirs = {port for port, holder in seen.items() if holder and f"{prefix}/" in holder["command"]}
    return {port: None if port in theirs else holder for port, holder in holders.items()}
