# SPDX-License-Identifier: Apache-2.0
"""Filters for the checks before the first change."""

from __future__ import annotations

import base64
import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Ansible looks there by itself for modules only.
sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import files
from reachable.plan.entries import missing_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def without_holders(holders: Mapping[str, Any], seen: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return who holds which port, but for what lies below a prefix, as somebody has seen it who may."""
    theirs = {port for port, holder in seen.items() if holder and f"{prefix}/" in holder["command"]}
    return {port: None if port in theirs else holder for port, holder in holders.items()}


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


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "missing_entries": missing_entries,
            "is_writable_folder": files.is_writable_folder,
            "program_files": program_files,
            "read_base64": read_base64,
            "read_program": read_program,
            "without_holders": without_holders,
        }
