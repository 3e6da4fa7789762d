# SPDX-License-Identifier: Apache-2.0
"""Filters for the checks before the first change."""

from __future__ import annotations

import base64
import difflib
import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# What a value is to be, and what it is, in the words of a person who writes YAML.
WANTED = {"str": "text", "path": "a path", "list": "a list", "dict": "a dictionary"}
EXAMPLES = {"list": '["a", "b"]', "dict": '{"a": "b"}'}
FOUND = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a dictionary"}
DEFAULT_MODES = {"file": "0644", "directory": "0755"}


def unknown_names(given: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return a sentence for each given name that is not known, with the known one that it resembles most."""
    known = list(known)
    sentences = []
    for name in sorted(set(filter(None, given)) - set(known)):
        close = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {close[0]}?" if close else "remove it; the README lists all that there are."
        sentences.append(f"There is no variable {name}: {advice}")
    return sentences


def wrong_kinds(values: Mapping[str, Any], specs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each value that is missing, or not of the kind, or among the choices, that its spec names.

    One is missing that refers to what nobody has defined.

    Ansible's own check would convert values, for itself alone: roles then get the ones that it had let pass. It also
    prints them, be they passwords.
    """
    undefined = "{} refers to a variable that is not set: set that one, for a password best in a vault."
    sentences = [
        wrong_kind(name, values[name], spec) if name in values else undefined.format(name)
        for name, spec in specs.items()
    ]
    return [sentence for sentence in sentences if sentence]


def wrong_kind(name: str, value: Any, spec: Mapping[str, Any]) -> str | None:
    """Say what is wrong with the kind of a value, and what to do; None if nothing is."""
    kind, choices = spec["type"], spec.get("choices")
    if value is None:
        return f"{name} is empty: give it a value, or leave it out." if "default" in spec else None
    if choices and value not in choices:
        return f"{name} is '{value}': choose {' or '.join(choices)}."
    if kind == "int":
        # After -e NAME=VALUE it is text.
        is_number = not isinstance(value, bool) and re.fullmatch(r"-?\d+", str(value))
        return None if is_number else f"{name} is '{value}': give a whole number."
    if kind == "bool":
        return None if str(value).lower() in {"true", "false"} else f"{name} is '{value}': give true or false."
    found = next((words for known, words in FOUND.items() if isinstance(value, known)), "a date")
    if kind in EXAMPLES:
        return wrong_collection(name, value, kind, found, spec.get("elements"))
    return None if found == "text" else f"{name} must be {WANTED[kind]}, not {found}: put it in quotes."


def wrong_collection(name: str, value: Any, kind: str, found: str, elements: str | None) -> str | None:
    """Say what is wrong with what should be a list or a dictionary; None if nothing is."""
    if found != WANTED[kind]:
        example = EXAMPLES[kind]
        return f"{name} must be {WANTED[kind]}, not {found}: write {example}, or after -e '{{\"{name}\": {example}}}'."
    if elements == "str" and not all(isinstance(element, str) for element in value):
        return f"{name} must be a list of texts: put every entry in quotes."
    return None


def no_packages(entries: Iterable[str]) -> list[str]:
    """Return the entries that are not a package's name with optional extras and versions, as PEP 508 has them."""
    return [entry for entry in entries if not is_package(entry)]


def is_package(text: str) -> bool:
    """Tell whether a text names a package, and nothing but a package."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - only this filter needs it

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return False
    return requirement.url is None and requirement.marker is None


def is_writable_folder(path: str) -> bool:
    """Tell whether the person who runs this may write to a folder on this machine, or may make it."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK)


def without_holders(holders: Mapping[str, Any], seen: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return who holds which port, but for what lies below a prefix, as somebody has seen it who may."""
    theirs = {port for port, holder in seen.items() if holder and f"{prefix}/" in holder["command"]}
    return {port: None if port in theirs else holder for port, holder in holders.items()}


def differing(entries: Iterable[Mapping[str, str]], host: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Return those entries for the module file_tree that are not on the host as host_info found it."""
    found, user = host["files"], host["user"]
    return [
        entry
        for entry in entries
        if not wanted(entry, user).items() <= {**found.get(entry["path"], {}), "path": entry["path"]}.items()
    ]


def program_files(names: Iterable[str], folder: str) -> list[dict[str, str]]:
    """Return entries for the module file_tree that bring parts of module_utils to a host, to run there by themselves.

    In the folder they are found under the same names as by modules.
    """
    package = f"{folder}/ansible/module_utils"
    folders = [folder, os.path.dirname(package), package]
    return [
        *({"path": path, "state": "directory"} for path in folders),
        *({"path": f"{package}/{name}.py", "content": read_program(name)} for name in names),
    ]


@functools.cache
def read_program(name: str) -> str:
    """Read one file of the package in module_utils."""
    return (Path(__file__).parents[1] / "module_utils/reachable" / f"{name}.py").read_text(encoding="utf-8")


@functools.cache
def read_base64(path: str) -> str:
    """Read a file that is no text."""
    return base64.b64encode(Path(path).read_bytes()).decode()


def wanted(entry: Mapping[str, str], user: Mapping[str, Any]) -> dict[str, Any]:
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


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "differing": differing,
            "is_writable_folder": is_writable_folder,
            "no_packages": no_packages,
            "program_files": program_files,
            "read_base64": read_base64,
            "read_program": read_program,
            "unknown_names": unknown_names,
            "without_holders": without_holders,
            "wrong_kinds": wrong_kinds,
        }
