# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Tells the login page which scripts the page behind it begins with.

The browser fetches them while the password is typed: half of what JupyterLab's first load transfers.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jupyter_server.utils import url_path_join

# By the first part of a page's path, the extension that serves it. Notebook's page of files is its own way in.
SERVED_BY = {"lab": "jupyterlab", "tree": "notebook", "notebooks": "notebook"}
# As webpack names them, with a hash of the content: what starts, and what all plugins share.
BUNDLES = ("main.*.js", "*_core.*.js")


class Scripts:
    """The scripts with which the pages of a running server begin."""

    def __init__(self, serverapp: Any) -> None:
        """Keep the server; its extensions know their files once all have been loaded."""
        self._serverapp = serverapp
        self._of = functools.cache(self._find)

    def behind(self, page: str) -> list[str]:
        """Return the paths of the scripts, as the page itself asks for them.

        ``page`` is a path with its base URL, quoted, as jupyter_server gives it to the login form.
        """
        path = unquote(page).removeprefix(self._serverapp.base_url)
        name = SERVED_BY.get(path.partition("?")[0].partition("/")[0])
        return self._of(name) if name else []

    def _find(self, name: str) -> list[str]:
        """Look at what an extension serves."""
        return [
            url_path_join(app.static_url_prefix, f"{file.name}?v={file.name.split('.')[1]}")
            for app in self._serverapp.extension_manager.extension_apps.get(name, ())
            for folder in app.static_paths
            for pattern in BUNDLES
            for file in Path(folder).glob(pattern)
        ]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Give the scripts to the templates; Jupyter calls this at its start."""
    serverapp.web_app.settings["jinja2_env"].globals["scripts_behind"] = Scripts(serverapp).behind
