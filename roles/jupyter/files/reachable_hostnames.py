# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Lets Jupyter answer to the names under which its tunnels are known right now.

A server on the loopback answers only to names in ServerApp.local_hostnames, as a guard against DNS rebinding, and reads
them at its start. A tunnel may get a new name at any time, and a restart would end everybody's kernels.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Hostnames(list[str]):
    """The names from the configuration, and those of the endpoints in a file, which may change."""

    def __init__(self, configured: list[str], file: Path) -> None:
        """Start with what was configured."""
        super().__init__(configured)
        self._file = file
        self._version: tuple[int, int] | None = None
        self._published: frozenset[str] = frozenset()

    def __contains__(self, name: object) -> bool:
        """Tell whether the server is known by this name now."""
        return super().__contains__(name) or name in self.published()

    def published(self) -> frozenset[str]:
        """Return the names of the endpoints; those from before while the file cannot be read."""
        try:
            found = self._file.stat()
            version = (found.st_mtime_ns, found.st_ino)
            if version != self._version:
                published = json.loads(self._file.read_text(encoding="utf-8"))
                hosts = [each.get("host") for each in published["endpoints"]]
                # Before an address counts as an endpoint, the watcher visits it.
                self._published = frozenset(filter(None, [*hosts, *published.get("unvisited_hosts", [])]))
                self._version = version
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return self._published
        return self._published


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Give the running server the names; Jupyter calls this at its start."""
    file = Path(os.environ["REACHABLE_ENDPOINTS"])
    serverapp.web_app.settings["local_hostnames"] = Hostnames(serverapp.local_hostnames, file)
