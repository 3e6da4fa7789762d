# SPDX-License-Identifier: Apache-2.0
"""Try the Jupyter server of this environment beside the one that runs, as the doctor does: python trial.py FILE.

Exit status 0 means that it works. FILE is JSON: the environment with which the service runs. Beside this program stands
the package that has the doctor. It runs as the user of the service, and where that has a sandbox in the same one.

The server reads the real configuration. Its port, its folders, its password and the key for its proof are its own, for
this once: nobody who is logged in notices it, and nobody's password need be known. It speaks plain http, as a
certificate is for other names than the loopback's.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from reachable import examination
from reachable.environments import ADDED
from reachable.visitor import Route

PATIENCE_SECONDS = 60.0
# The path of the folder with its sockets must be short, whatever temporary folder whoever starts this may have.
TEMPORARY = "/tmp"  # noqa: S108 - each run has its own folder there


def main() -> None:
    """Try the server."""
    environment = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.umask(0o077)
    with tempfile.TemporaryDirectory(dir=TEMPORARY) as folder:
        problem = try_server(Path(folder), environment)
    sys.exit(problem)


def try_server(folder: Path, environment: dict[str, str]) -> str | None:
    """Start the server, visit it and stop it. Return what is wrong with it; None if nothing is."""
    password, proof_key, port = secrets.token_hex(), secrets.token_hex(), free_port()
    configure(folder, password, proof_key, port)
    variables = {
        **environment,
        "JUPYTER_CONFIG_PATH": f"{folder}:{environment['JUPYTER_CONFIG_PATH']}",
        "JUPYTER_RUNTIME_DIR": f"{folder}/runtime",
    }
    server = subprocess.Popen([Path(sys.executable).with_name("jupyter-server")], cwd=folder, env=variables)
    try:
        if not listens(server, port):
            how = "does not answer" if server.poll() is None else f"ends with status {server.returncode}"
            return f"The server {how}."
        patience: dict[str, Any] = {"timeout": PATIENCE_SECONDS, "wait": PATIENCE_SECONDS}
        options = examination.Options(password=password, proof_key=proof_key, **patience)
        found = examination.examine("trial", f"http://127.0.0.1:{port}", options, route=Route(own=("127.0.0.1",)))
        detail = next((leg["detail"] for leg in found["legs"] if leg["leg"] == found["failed_leg"]), None)
        return None if found["reachable"] else f"{found['problem']} {detail}"
    finally:
        server.terminate()
        try:
            server.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def configure(folder: Path, password: str, proof_key: str, port: int) -> None:
    """Write what is to be another than in the real configuration, into which this folder is put first."""
    salt = secrets.token_hex(6)
    digest = hashlib.sha256(f"{password}{salt}".encode()).hexdigest()
    for name in ("notebooks", "runtime"):
        (folder / name).mkdir()
    settings: dict[str, Any] = {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": port,
            "certfile": "",
            "keyfile": "",
            "root_dir": f"{folder}/notebooks",
            "cookie_secret_file": f"{folder}/cookie_secret",
        },
        "PasswordIdentityProvider": {"hashed_password": f"sha256:{salt}:{digest}"},
        "Reachable": {"proof_key": proof_key},
    }
    if (Path(sys.prefix) / ADDED).exists():
        # Otherwise it does without an extension that it cannot load, and only its log says so.
        settings["ServerApp"]["reraise_server_extension_failures"] = True
    (folder / "jupyter_server_config.json").write_text(json.dumps(settings), encoding="utf-8")


def listens(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server listens, and tell whether it does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False


if __name__ == "__main__":
    main()
