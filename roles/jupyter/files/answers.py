# SPDX-License-Identifier: Apache-2.0
"""Start the Jupyter server of this environment on a private socket, ask for its version, stop it.

Exit status 0 means that it answered. Run as root it does so as nobody; it reads no configuration.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any

PATIENCE_SECONDS = 60
NOBODY = 65534


def answer(path: str) -> str:
    """Return the version that the server on a socket reports."""
    connection = http.client.HTTPConnection("localhost", timeout=5)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(path)
    connection.request("GET", "/api")
    return str(json.load(connection.getresponse())["version"])


# Whoever starts this may have a temporary folder of their own, into which nobody else may look.
with tempfile.TemporaryDirectory(dir="/tmp") as folder:
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    sock = f"{folder}/socket"
    variables = {"PATH": "/usr/bin:/bin", "HOME": folder, "JUPYTER_NO_CONFIG": "1", "JUPYTER_RUNTIME_DIR": folder}
    command = [sys.executable, "-m", "jupyter_server", f"--ServerApp.sock={sock}", f"--ServerApp.root_dir={folder}"]
    server = subprocess.Popen(command, cwd=folder, env=variables, **who)
    deadline = time.monotonic() + PATIENCE_SECONDS
    version = None
    while version is None and server.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
        with contextlib.suppress(OSError):
            version = answer(sock)
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
        server.wait(PATIENCE_SECONDS)

sys.exit(0 if version else f"The server ended, or did not answer within {PATIENCE_SECONDS} s.")
