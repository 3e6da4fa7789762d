# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (its output is its result)
"""Start Jupyter, short of listening, once for each setting in a file of a person's own, and see whether that counts.

Runs on the host, as the user as whom the server runs, with the server's Python and beside Reachable's own settings.
Prints a list of settings, as the module host_info describes them, with ``wins`` in each.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

HOME = Path(tempfile.mkdtemp())
USERS = HOME / ".jupyter"
# Before Jupyter is imported, which asks for them at once.
os.environ.update(
    HOME=str(HOME),
    JUPYTER_CONFIG_PATH=f"/opt/reachable/etc/jupyter:{USERS}",
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
IDENTITY_VALUES = {"hashed_password": HASH, "token": "of-the-user", "allow_password_change": True}


def cases() -> list[tuple[str, str, str, Any]]:
    """Return file, class, trait and value of each setting that is tried."""
    tried = [("jupyter_server_config", app, trait, value) for app in APPS for trait, value in VALUES.items()]
    for file in ("jupyter_config", "jupyter_notebook_config", "jupyter_lab_config"):
        tried += [
            (file, app, trait, VALUES[trait]) for app in APPS for trait in ("ip", "base_url", "password", "default_url")
        ]
    for file in ("jupyter_server_config", "jupyter_notebook_config"):
        tried += [(file, each, trait, value) for each in IDENTITIES for trait, value in IDENTITY_VALUES.items()]
        tried += [(file, each, "transport", "tcp") for each in KERNELS]
    return tried


def in_effect(trait: str) -> Any:
    """Return what a server makes of its configuration."""
    app = ServerApp()
    app.initialize(argv=[], new_httpserver=False)
    identity: Any = app.identity_provider
    if trait == "transport":
        return app.kernel_manager.kernel_manager_factory(parent=app.kernel_manager, connection_file="x").transport
    if trait in ("password", "hashed_password"):
        return identity.hashed_password
    return getattr(identity if trait in IDENTITY_VALUES else app, "root_dir" if trait == "notebook_dir" else trait)


def seen(trait: str) -> str:
    """Return the same from a process of its own."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            os.write(writer, repr(in_effect(trait)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.wait()
    return text


def main() -> None:
    """Try each setting."""
    logging.disable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    USERS.mkdir()
    traits = {*VALUES, *IDENTITY_VALUES, "transport"}
    without = {trait: seen(trait) for trait in traits}
    found = []
    for number, (name, section, trait, value) in enumerate(cases()):
        file = USERS / f"{name}.json"
        settings: Any = {trait: value}
        for part in reversed(section.split(".")):
            settings = {part: settings}
        file.write_text(json.dumps(settings))
        wins = seen(trait) != without[trait]
        file.unlink()
        about = {"file": str(number), "line": 1, "class": section, "trait": trait, "origin": name, "wins": wins}
        found.append({**about, "value": value, "known": True})
    print(json.dumps(found))


main()
