# SPDX-License-Identifier: Apache-2.0
"""The package ``reachable`` as hosts get it, so that its programs run there without Ansible: one file to import from.

A host is compared by the digest of that file, so the same modules make the same bytes on each controller: nothing is
compressed, which each zlib does in its own way, names are sorted, and times and rights are fixed. Python keeps nothing
compiled beside a zip; in a folder it could not either, because services may not write there.

The file may be replaced while a program runs, so programs import all that they need at their start.
"""

from __future__ import annotations

import base64
import io
import zipfile
from typing import TYPE_CHECKING

from .entries import folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .entries import Entry
    from .situation import Situation

NAME = "reachable"
OLDEST_TIME = (1980, 1, 1, 0, 0, 0)  # that a zip can name
UNIX = 3
READABLE_FILE = 0o100644


def files(modules: Mapping[str, str]) -> dict[str, str]:
    """Return the package as files of a folder from which it can be imported, by their paths there."""
    return {f"{NAME}/{name}": modules[name] for name in sorted(modules)}


def archive(modules: Mapping[str, str]) -> bytes:
    """Return the package as a zip from which it can be imported."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as written:
        for path, text in files(modules).items():
            about = zipfile.ZipInfo(path, OLDEST_TIME)
            about.create_system = UNIX
            about.external_attr = READABLE_FILE << 16
            written.writestr(about, text)
    return content.getvalue()


def archive_path(library: str) -> str:
    """Return the path of the zip in a folder: the PYTHONPATH of programs."""
    return f"{library}/{NAME}.zip"


def entries(content: bytes, library: str) -> list[Entry]:
    """Return the entries of a folder with the zip."""
    return [folder(library), {"path": archive_path(library), "base64": base64.b64encode(content).decode()}]


def tunnel_entries(there: Situation) -> list[Entry]:
    """Return the package for the programs of tunnels, the agent's keeper and the watcher."""
    return entries(there.package, there.layout.library)


def paths(library: str) -> list[str]:
    """Return what to look at of a folder: what should be there, and what earlier versions had in its place."""
    return [library, archive_path(library), former_folder(library)]


def environment(library: str) -> dict[str, str]:
    """Return the environment of the tunnel's programs, which have no home and write nowhere else."""
    return {"PYTHONPATH": archive_path(library), "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 - each has its own


def former_folder(library: str) -> str:
    """Return the folder in which earlier versions kept parts of the package, under Ansible's name."""
    return f"{library}/ansible"


def former_folders(there: Situation) -> list[str]:
    """Return those of them that are there, and go."""
    folders = [former_folder(library) for library in (there.layout.library, there.layout.drift_library)]
    return [each for each in folders if there.file(each)["state"] == "directory"]
