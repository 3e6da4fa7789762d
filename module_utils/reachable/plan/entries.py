# SPDX-License-Identifier: Apache-2.0
"""Entries of the module file_tree: files and folders as they should be on a host, and which of them are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Entry = dict[str, Any]
"""One file or folder, with the keys that file_tree has for it."""

DEFAULT_MODES = {"file": "0644", "directory": "0755"}


def folder(path: str, **more: Any) -> Entry:
    """Return the entry of a folder."""
    return {"path": path, "state": "directory", **more}


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
    text = {"content": entry.get("secret", entry.get("content", "")) if state == "file" else None}
    return {
        "path": entry["path"],
        "state": state,
        "owner": owner,
        "group": entry.get("group", user["group"] if owner == user["name"] else owner),
        "mode": entry.get("mode", DEFAULT_MODES[state]),
        **({"base64": entry["base64"]} if "base64" in entry else text),
    }
