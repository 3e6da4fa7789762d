# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (its output is its result)
"""Start Jupyter, short of listening, with settings in a file of a person's own, and see which of them count.

Runs on the host, as the user as whom the server runs, with the server's Python and beside Reachable's own settings.
Prints a list of settings, as the module host_info describes them, with ``wins`` in each.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

HOME = Path(tempfile.mkdtemp())
USERS = HOME / ".jupyter"
# Before Jupyter is imported, which asks for them at once.
os.environ.update(
    HOME=str(HOME),
    JUPYTER_CONFIG_PATH=f"/opt/reachable/etc/jupyter:{USERS}:/opt/reachable/etc/jupyter/defaults",
    JUPYTER_CONFIG_DIR=str(HOME / "config"),
    JUPYTER_RUNTIME_DIR=str(HOME / "runtime"),
    REACHABLE_ENDPOINTS="/var/lib/reachable/endpoint/endpoint.json",
)
from jupyter_server.serverapp import ServerApp

HASH = "sha1:0123456789ab:" + "a" * 40
APPS = ("ServerApp", "NotebookApp", "LabApp", "JupyterNotebookApp", "JupyterApp")
IDENTITIES = [
    f"{outer}{name}" for outer in ("", "ServerApp.") for name in ("PasswordIdentityProvider", "IdentityProvider")
]
KERNELS = ("ConnectionFileMixin", *(f"{kind}KernelManager" for kind in ("", "Async", "AsyncIOLoop", "Server")))
VALUES: dict[str, Any] = {
    "ip": "192.0.2.7",
    "port": 9999,
    "port_retries": 7,
    "root_dir": str(HOME),
    "notebook_dir": str(HOME),
    "default_url": "/other",
    "open_browser": True,
    "quit_button": True,
    "cookie_secret_file": str(HOME / "cookie_secret"),
    "trust_xheaders": True,
    "password": HASH,
    "token": "of-the-user",
    "base_url": "/other/",
    "certfile": str(HOME / "certificate"),
    "sock": str(HOME / "sock"),
    "allow_root": True,
}
# Beside others of their class they could not be told from those.
ALONE = ("base_url", "notebook_dir", "sock")
IDENTITY_VALUES = {"hashed_password": HASH, "token": "of-the-user", "allow_password_change": True}


Case = tuple[str, str, str, Any]
"""File, class, trait and value of a setting."""


def cases() -> list[Case]:
    """Return each setting that is tried."""
    tried = [("jupyter_server_config", app, trait, value) for app in APPS for trait, value in VALUES.items()]
    for file in ("jupyter_config", "jupyter_notebook_config", "jupyter_lab_config"):
        tried += [
            (file, app, trait, VALUES[trait]) for app in APPS for trait in ("ip", "base_url", "password", "default_url")
        ]
    for file in ("jupyter_server_config", "jupyter_notebook_config"):
        tried += [(file, each, trait, value) for each in IDENTITIES for trait, value in IDENTITY_VALUES.items()]
        tried += [(file, each, "transport", "tcp") for each in KERNELS]
    return tried


def together(case: Case) -> tuple[str, str, str]:
    """Return what settings have in common that are tried at once."""
    file, section, trait, _ = case
    return file, section, trait if trait in ALONE else ""


def in_effect(app: ServerApp, trait: str) -> Any:
    """Return what a server makes of its configuration."""
    identity: Any = app.identity_provider
    if trait == "transport":
        return app.kernel_manager.kernel_manager_factory(parent=app.kernel_manager, connection_file="x").transport
    if trait in ("password", "hashed_password"):
        return identity.hashed_password
    return getattr(identity if trait in IDENTITY_VALUES else app, "root_dir" if trait == "notebook_dir" else trait)


def seen(traits: Iterable[str]) -> dict[str, str]:
    """Return the same of some traits, from a server in a process of its own."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            app = ServerApp()
            app.initialize(argv=[], new_httpserver=False)
            os.write(writer, json.dumps({trait: repr(in_effect(app, trait)) for trait in traits}).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.wait()
    return dict(json.loads(text))


def main() -> None:
    """Try each setting."""
    logging.disable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    USERS.mkdir()
    without = seen([*VALUES, *IDENTITY_VALUES, "transport"])
    found: list[dict[str, Any]] = []
    for (name, section, _), group in groupby(sorted(cases(), key=together), together):
        values = {trait: value for _, _, trait, value in group}
        settings: Any = values
        for part in reversed(section.split(".")):
            settings = {part: settings}
        file = USERS / f"{name}.json"
        file.write_text(json.dumps(settings))
        effects = seen(values)
        file.unlink()
        for trait, value in values.items():
            about = {"file": str(len(found)), "line": 1, "class": section, "trait": trait, "origin": name}
            found.append({**about, "value": value, "known": True, "wins": effects[trait] != without[trait]})
    print(json.dumps(found))


main()
