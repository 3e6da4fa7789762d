# SPDX-License-Identifier: Apache-2.0
"""Programs of this project that run on a host by themselves, and what they import."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .entries import Entry, folder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .project import Project

AGENT_KEEPER = ("ngrok", "ngrok_agent")
WATCHER = ("doctor", "endpoints", "files", "ngrok", "notifier", "proofs", "ssh_tunnel", "watcher")

# They have no home, and write nowhere else.
ENVIRONMENT = {"HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 - each has one of its own


def folders(library: str) -> list[str]:
    """Return the folders in which programs lie: there they have the names that modules import."""
    package = f"{library}/ansible/module_utils"
    return [library, os.path.dirname(package), package]


def files(names: Iterable[str], library: str) -> list[str]:
    """Return the files of programs."""
    return [f"{folders(library)[-1]}/{name}.py" for name in names]


def entries(project: Project, names: Iterable[str], library: str) -> list[Entry]:
    """Return entries for the module file_tree that bring programs to a host."""
    names = list(names)
    texts = (project.text(f"module_utils/reachable/{name}.py") for name in names)
    return [
        *map(folder, folders(library)),
        *({"path": path, "content": text} for path, text in zip(files(names, library), texts)),
    ]
