# SPDX-License-Identifier: Apache-2.0
"""Entries of the module file_tree: files and folders as they should be on a host, and which of them are not there."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Entry = dict[str, Any]
"""One file or folder, with the keys that file_tree has for it."""

DEFAULT_MODES = {"file": "0644", "directory": "0755"}


def folder(path: str, **more: Any) -> Entry:
    """Return the entry of a folder."""
    return {"path": path, "state": "directory", **more}


def file_paths(entries: Iterable[Entry]) -> list[str]:
    """Return the paths of those entries that are files."""
    return [entry["path"] for entry in entries if entry.get("state", "file") == "file"]


def missing_entries(entries: Iterable[Entry], host: Mapping[str, Any]) -> list[Entry]:
    """Return those entries that are not on the host as host_info found it."""
    found, user = host["files"], host["user"]
    return [
        entry
        for entry in entries
        if not wanted(entry, user).items() <= {**found.get(entry["path"], {}), "path": entry["path"]}.items()
    ]


def wanted(entry: Entry, user: Mapping[str, Any]) -> Entry:
    """Complete an entry with the defaults that file_tree has for a user."""
    state = entry.get("state", "file")
    owner = entry.get("owner", user["name"])
    return {
        "path": entry["path"],
        "state": state,
        "owner": owner,
        "group": entry.get("group", user["group"] if owner == user["name"] else owner),
        "mode": entry.get("mode", DEFAULT_MODES[state]),
        **content(entry, state),
    }


def content(entry: Entry, state: str) -> Entry:
    """Return what is in a file as host_info says it: its text, or the digest of what is no text."""
    if "base64" in entry:
        return {"sha256": hashlib.sha256(base64.b64decode(entry["base64"])).hexdigest()}
    return {"content": entry.get("secret", entry.get("content", "")) if state == "file" else None}
