# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Print what the system knows of Jupyter's process on this host, as JSON."""

from __future__ import annotations

import json
from pathlib import Path

COMMAND = b"reachable/server/bin/jupyter-server"

folders = [
    file.parent
    for file in Path("/proc").glob("[0-9]*/cmdline")
    if any(word.endswith(COMMAND) for word in file.read_bytes().split(b"\0"))
]
if len(folders) != 1:
    raise SystemExit(f"There are {len(folders)} processes of Jupyter: {[folder.name for folder in folders]}.")
status = dict(line.split(":\t", 1) for line in (folders[0] / "status").read_text().splitlines())
variables = (folders[0] / "environ").read_text().rstrip("\0").split("\0")
print(
    json.dumps(
        {
            "pid": int(status["Pid"]),
            "user": folders[0].owner(),
            "umask": status["Umask"],
            "environment": dict(variable.split("=", 1) for variable in variables),
        }
    )
)
