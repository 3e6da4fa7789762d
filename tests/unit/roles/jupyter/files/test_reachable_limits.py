"""Who has not logged in cannot use up what the server lives on."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = Path(__file__).resolve().parents[5] / "roles/jupyter/files"
PASSWORD = "correct horse battery"
HASH = "sha256:salt:" + hashlib.sha256(f"{PASSWORD}salt".encode()).hexdigest()
PATIENCE_SECONDS = 60
CONNECTIONS = 20


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Start a server with our folder of configuration; give its port."""
    ours = tmp_path / "etc"
    ours.mkdir()
    for name in ("jupyter_server_config.py", "reachable_limits.py", "reachable_login.py", "reachable_proof.py"):
        shutil.copy(FILES / name, ours)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    settings = {
        "ServerApp": {
            "port": port,
            "port_retries": 0,
            "root_dir": str(ours),
            "open_browser": False,
            "allow_root": True,
            "identity_provider_class": "reachable_login.ReachableIdentityProvider",
        },
        "PasswordIdentityProvider": {"hashed_password": HASH, "token": ""},
        "Reachable": {"proof_key": "5e" * 32},
        "ReachableLimits": {"connections": CONNECTIONS},
    }
    (ours / "jupyter_server_config.json").write_text(json.dumps(settings))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "JUPYTER_CONFIG_PATH": str(ours)}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "jupyter_server"], env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def ask(connection: http.client.HTTPConnection, cookies: str) -> None:
    """Read something on a connection that stays open."""
    connection.request("GET", "/api/contents", headers={"Cookie": cookies, "Referer": "http://127.0.0.1/"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()


@pytest.mark.programs
def test_strangers_send_little_and_keep_few_connections(port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    with requests.Session() as browser:
        xsrf = browser.get(f"{url}/login", timeout=PATIENCE_SECONDS).cookies["_xsrf"]
        browser.post(f"{url}/login", {"password": PASSWORD, "_xsrf": xsrf}, timeout=PATIENCE_SECONDS)
        # A stranger announces much and sends nothing: the answer comes before the body.
        with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as stranger:
            stranger.sendall(b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 300000000\r\n\r\n")
            assert stranger.recv(100).startswith(b"HTTP/1.1 400 ")
            assert stranger.recv(100) == b""
        model = {"type": "file", "format": "text", "content": "x" * 200_000}
        headers = {"X-XSRFToken": str(xsrf)}
        saved = browser.put(f"{url}/api/contents/a.txt", json=model, headers=headers, timeout=PATIENCE_SECONDS)
        assert saved.status_code == 201, saved.text

        with contextlib.ExitStack() as stack:
            known = http.client.HTTPConnection("127.0.0.1", port, PATIENCE_SECONDS)
            stack.callback(known.close)
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
            ask(known, cookies)
            first = known.sock
            crowd = [
                stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS))
                for _ in range(CONNECTIONS + 5)
            ]
            # The connection of who has logged in is older than all of them.
            ask(known, cookies)
            assert known.sock is first
            for closed in crowd[:5]:
                assert closed.recv(1) == b""
            crowd[-1].sendall(b"GET /api HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert crowd[-1].recv(15) == b"HTTP/1.1 200 OK"
