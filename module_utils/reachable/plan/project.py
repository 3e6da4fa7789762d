# SPDX-License-Identifier: Apache-2.0
"""What the plan needs of the controller: the files of this project that hosts get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Project(Protocol):
    """The files of the project, by their paths in it, such as ``requirements/server.txt``."""

    def text(self, path: str) -> str:
        """Return a text, as it is."""

    def base64(self, path: str) -> str:
        """Return in base64 what is no text."""

    def modules(self) -> Mapping[str, str]:
        """Return the modules of the package that runs on hosts, without Ansible, by their names."""
