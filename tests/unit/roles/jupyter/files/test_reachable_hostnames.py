"""Jupyter answers to the names of its tunnels as they are right now, beside those that were configured."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from imports import imported

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = Path(__file__).resolve().parents[5] / "roles/jupyter/files"
PATIENCE_SECONDS = 60
ADA = "ada.ngrok-free.app"
EVE = "eve.ngrok-free.app"

reachable_hostnames = imported("reachable_hostnames", FILES / "reachable_hostnames.py")


def publish(file: Path, *hosts: str | None) -> None:
    """Publish as the watcher does: another file takes the place of the one before."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"endpoints": [{"name": str(host), "host": host} for host in hosts]}))
    new.replace(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "endpoint.json"


def test_names_come_and_go(file: Path) -> None:
    names = reachable_hostnames.Hostnames(["localhost", "proxy.example"], file)
    assert [name in names for name in ("localhost", "proxy.example", ADA, EVE)] == [True, True, False, False]

    publish(file, "192.0.2.7", ADA)
    assert [name in names for name in ("localhost", "proxy.example", ADA, EVE)] == [True, True, True, False]

    publish(file, EVE)
    assert [name in names for name in ("localhost", "proxy.example", ADA, EVE)] == [True, True, False, True]


def test_a_file_that_is_written_in_place(file: Path) -> None:
    names = reachable_hostnames.Hostnames([], file)
    publish(file, ADA)
    assert ADA in names

    file.write_text(json.dumps({"endpoints": [{"host": EVE}]}))
    os.utime(file, ns=(0, 1))
    assert [name in names for name in (ADA, EVE)] == [False, True]


@pytest.mark.parametrize("host", [None, ""])
def test_an_endpoint_without_an_address_is_no_name(file: Path, host: str | None) -> None:
    publish(file, host, ADA)
    names = reachable_hostnames.Hostnames([], file)
    assert names.published() == {ADA}
    assert host not in names


def test_an_unchanged_file_is_not_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(file, ADA)
    names = reachable_hostnames.Hostnames([], file)
    assert ADA in names
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("It was read again."))
    assert [name in names for name in (ADA, EVE)] == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"endpoints": null}',
        '{"endpoints": 1}',
        '{"endpoints": ["x"]}',
        '{"endpoints": [{"host": ["x"]}]}',
        b"\xff",
    ],
)
def test_names_stay_while_the_file_cannot_be_read(file: Path, text: str | bytes | None) -> None:
    names = reachable_hostnames.Hostnames([], file)
    publish(file, ADA)
    assert ADA in names

    file.unlink()
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert [name in names for name in (ADA, EVE)] == [True, False]

    publish(file, EVE)
    assert [name in names for name in (ADA, EVE)] == [False, True]


def test_only_this_one_setting_is_changed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(file, ADA)
    monkeypatch.setenv("REACHABLE_ENDPOINTS", str(file))
    settings = {"local_hostnames": ["localhost"], "headers": {"X-Own": "1"}}
    server = SimpleNamespace(local_hostnames=["localhost"], web_app=SimpleNamespace(settings=settings))
    reachable_hostnames._load_jupyter_server_extension(server)
    assert settings == {"local_hostnames": ["localhost"], "headers": {"X-Own": "1"}}
    assert ADA in settings["local_hostnames"]


# The real server


def answer(port: int, host: str) -> tuple[int, str | None]:
    """Return the status for a visitor who calls the server by this name, and a header of the user's own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", "/api", headers={"Host": host})
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("X-Own")


def port_of(runtime: Path) -> int | None:
    """Return the port of the server with this runtime folder, once it listens; it tells the port before it does."""
    for path in runtime.glob("jpserver-*.json"):
        with contextlib.suppress(ValueError, ConnectionRefusedError):
            port = int(json.loads(path.read_text())["port"])
            socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS).close()
            return port
    return None


@pytest.fixture
def port(tmp_path: Path, file: Path) -> Iterator[int]:
    """Start a server with our folder of configuration, and with a user's own; give its port."""
    ours, users, runtime = (tmp_path / name for name in ("etc", "home/.jupyter", "run"))
    for folder in (ours, users, runtime):
        folder.mkdir(parents=True)
    for name in ("jupyter_server_config.py", "reachable_hostnames.py"):
        shutil.copy(FILES / name, ours)
    settings = {"ip": "127.0.0.1", "port": 0, "root_dir": str(runtime), "open_browser": False, "allow_root": True}
    (ours / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": settings}))
    own = {"local_hostnames": ["localhost", "proxy.example"], "tornado_settings": {"headers": {"X-Own": "1"}}}
    (users / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": own}))

    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "JUPYTER_CONFIG_PATH": str(ours),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "REACHABLE_ENDPOINTS": str(file),
    }
    with (tmp_path / "log").open("w") as log:
        command = [sys.executable, "-m", "jupyter_server"]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := port_of(runtime)):
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.05)
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


@pytest.mark.programs
def test_a_server_follows_its_names_without_a_restart(port: int, file: Path) -> None:
    welcome, blocked = (200, "1"), (403, "1")
    always = dict.fromkeys(("127.0.0.1", "localhost", "proxy.example"), welcome) | {"192.0.2.8": blocked}
    for hosts, names in (
        ([], {ADA: blocked, EVE: blocked}),
        (["192.0.2.7", ADA], {ADA: welcome, f"{ADA}:12345": welcome, EVE: blocked}),
        ([EVE], {ADA: blocked, EVE: welcome}),
    ):
        publish(file, *hosts)
        assert {name: answer(port, name) for name in always | names} == always | names
