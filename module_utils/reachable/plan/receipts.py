# SPDX-License-Identifier: Apache-2.0
"""The receipt: what Reachable made on a host, and what of it is to go."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Receipt = dict[str, list[str]]
"""The names or paths of things by their kind."""

OF_SERVICES = re.compile("_?reachable-")
KINDS = ("services", "users", "packages", "files", "folders", "contents", "notebooks", "parents", "lingering")
# What notebooks are called while folder_move takes them to another disk, and without that.
IN_A_MOVE = ("", ".gone", ".coming")


def read(text: str | None) -> Receipt:
    """Read a receipt from what its file says; empty where there is none, or one that nobody can read any more."""
    try:
        found = json.loads(text or "")
    except ValueError:
        return {}
    if not isinstance(found, dict) or not all(is_list_of_texts(found.get(kind)) for kind in KINDS):
        return {}
    return {kind: found[kind] for kind in KINDS}


def notebook_users(names: Iterable[str]) -> list[str]:
    """Return of the accounts that were made those under which notebooks run. The others are those of services."""
    return [name for name in names if not OF_SERVICES.match(name)]


def is_list_of_texts(value: Any) -> bool:
    """Tell whether something is a list of texts. Whoever can write to a receipt may have written anything."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def with_what_is_to_come(known: Receipt, wanted: Receipt, host: Mapping[str, Any], is_lost: bool) -> Receipt:
    """Return a receipt with what is about to be made on a host as host_info found it.

    What is there already was made by somebody else, unless the receipt knows it or was lost. Of a folder that
    somebody made for Reachable, the content is Reachable's: it goes under ``contents``.
    """
    receipt = {kind: [*known.get(kind, [])] for kind in KINDS}
    for kind, names in wanted.items():
        for name in names:
            if name in receipt[kind] or name in receipt["contents"]:
                continue
            if is_lost or not is_there(kind, name, host):
                receipt[kind].append(name)
            elif kind == "folders":
                receipt["contents"].append(name)
    return receipt


def is_there(kind: str, name: str, host: Mapping[str, Any]) -> bool:
    """Tell whether something is on the host already. Services and files have names that nobody else uses."""
    if kind == "users":
        return host["users"].get(name) is not None
    if kind == "packages" and name == "ngrok-cask":
        return host["programs"].get("ngrok") is not None
    if kind == "packages":
        # A package with a Python is wanted only where there is none.
        return path_is_there(f"/var/lib/dpkg/info/{name}.list", host)
    if kind == "lingering":
        return bool(host["user"]["lingers"])
    return kind in {"folders", "notebooks", "parents"} and path_is_there(name, host)


def path_is_there(path: str, host: Mapping[str, Any]) -> bool:
    """Tell whether host_info found something at a path."""
    return bool(host["files"].get(path, {"state": "absent"})["state"] != "absent")


def receipt_without(receipt: Receipt, others: Receipt) -> Receipt:
    """Return of a receipt what another one does not have."""
    return {kind: [name for name in names if name not in kept(kind, others)] for kind, names in receipt.items()}


def what_stays(receipt: Receipt, notebooks: list[str], file: str) -> Receipt:
    """Return what a receipt says once all but the notebooks in these folders is gone, and the receipt's own file."""

    def around(kind: str) -> list[str]:
        return [folder for folder in receipt[kind] if any(path.startswith(f"{folder}/") for path in (*notebooks, file))]

    rest = {"folders": around("folders"), "parents": around("parents"), "notebooks": notebooks}
    return {**{kind: [] for kind in KINDS}, **rest}


def kept(kind: str, receipt: Receipt) -> list[str]:
    """Return the names of one kind; a folder counts as one whoever made it."""
    return [*receipt.get(kind, []), *(receipt.get("folders", []) if kind == "contents" else [])]
