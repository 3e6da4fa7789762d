"""A service is told of in the same words, whoever keeps it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from reachable import daemons, launchd, supervisord
from reachable.daemons import Daemon
from reachable.launchd import Job

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000.9


@pytest.mark.parametrize(
    ("properties", "daemon"),
    [
        ("LoadState=not-found ActiveState=inactive UnitFileState= ActiveEnterTimestamp=", Daemon("absent")),
        (
            "LoadState=loaded ActiveState=active UnitFileState=enabled ActiveEnterTimestamp=@1699996400",
            Daemon("running", at_boot=True, uptime=3600),
        ),
        (
            "LoadState=loaded ActiveState=inactive UnitFileState= DropInPaths=/a.service.d/a\t/x.service.d/b",
            Daemon("stopped", drop_ins=("/x.service.d/b",)),
        ),
        (
            "LoadState=loaded ActiveState=active UnitFileState=disabled ActiveEnterTimestamp=@1700000099",
            Daemon("running"),  # by a clock that was set back
        ),
        ("LoadState=loaded ActiveState=inactive UnitFileState=disabled ActiveEnterTimestamp=", Daemon("stopped")),
        ("LoadState=masked ActiveState=inactive UnitFileState=masked ActiveEnterTimestamp=", Daemon("stopped")),
        (
            "LoadState=loaded ActiveState=failed UnitFileState=enabled ActiveEnterTimestamp=@1699996400",
            Daemon("failed", at_boot=True),
        ),
        (
            "LoadState=loaded ActiveState=activating UnitFileState=enabled ActiveEnterTimestamp=@1699996400",
            Daemon("failed", at_boot=True),
        ),
    ],
)
def test_what_systemd_says(properties: str, daemon: Daemon) -> None:
    text = "DropInPaths=\n" + properties.replace(" ", "\n").replace("\t", " ") + "\n"
    assert daemons.read_systemd("x.service", text, NOW) == daemon


def test_how_systemd_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = tmp_path / "systemctl"
    since = f"{time.time() - 60:.0f}"
    answer = (
        f"LoadState=loaded\\nActiveState=active\\nUnitFileState=enabled\\nActiveEnterTimestamp=@{since}\\nDropInPaths=\\n"
        "\\nLoadState=not-found\\nActiveState=inactive\\nUnitFileState=\\nActiveEnterTimestamp="
    )
    stub.write_text(f'#!/bin/sh\necho "$*" >"$0.argv"\nprintf "{answer}\\n"\n')
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    found = daemons.ask_systemd(["reachable-jupyter", "reachable-drift.timer"])

    assert found["reachable-jupyter"][:2] == ("running", True)
    assert 59 <= found["reachable-jupyter"].uptime <= 70
    assert found["reachable-drift.timer"] == Daemon("absent")
    assert (tmp_path / "systemctl.argv").read_text() == (
        "show --timestamp=unix --property=LoadState,ActiveState,UnitFileState,ActiveEnterTimestamp,DropInPaths"
        " reachable-jupyter.service reachable-drift.timer\n"
    )


def test_how_the_systemd_of_a_person_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = tmp_path / "systemctl"
    stub.write_text('#!/bin/sh\necho "$1 $2 $XDG_RUNTIME_DIR" >"$0.argv"\necho LoadState=not-found\n')
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/0")  # as sudo may leave it
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert daemons.ask_systemd(["reachable-jupyter"]) == {"reachable-jupyter": Daemon("absent")}
    assert (tmp_path / "systemctl.argv").read_text() == "--user show /run/user/1000\n"


@pytest.mark.parametrize(
    ("uid", "folders", "configured", "manager"),
    [
        (0, ["/run/systemd/system"], False, "systemd"),
        (0, ["/run/systemd/system"], True, "supervisord"),
        (0, ["/run/user/0/systemd"], False, "supervisord"),
        (1000, ["/run/systemd/system", "/run/user/1000/systemd"], False, "systemd"),
        (1000, ["/run/systemd/system"], False, "supervisord"),
    ],
)
def test_who_keeps_services(
    uid: int, folders: list[str], configured: bool, manager: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(os.path, "isdir", lambda path: path in folders)
    monkeypatch.setattr(os.path, "exists", lambda path: configured and path == "/etc/s.conf")
    monkeypatch.setattr(launchd, "is_here", lambda: False)
    assert daemons.service_manager("/etc/s.conf") == manager


@pytest.mark.parametrize(
    ("info", "daemon"),
    [
        (None, Daemon("absent")),
        ({"statename": "RUNNING", "now": 1600, "start": 1000}, Daemon("running", at_boot=True, uptime=600)),
        ({"statename": "RUNNING", "now": 1000, "start": 1600}, Daemon("running", at_boot=True)),
        ({"statename": "STOPPED"}, Daemon("stopped", at_boot=True)),
        *(({"statename": name}, Daemon("failed", at_boot=True)) for name in ("STARTING", "BACKOFF", "FATAL", "EXITED")),
    ],
)
def test_what_supervisord_says(info: dict[str, Any] | None, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisord, "connect", lambda path: f"API at {path}")
    monkeypatch.setattr(supervisord, "program_info", lambda api, name: info if (api, name) == ("API at /s", "x") else 1)
    assert daemons.ask_supervisord("/s", "x") == daemon


def test_no_supervisord_at_all(tmp_path: Path) -> None:
    assert daemons.ask_supervisord(str(tmp_path / "none"), "x") == Daemon("absent")


RUNNING = Job("system", "/x.plist", (), "running", 7)


@pytest.mark.parametrize(
    ("job", "defined", "daemon"),
    [
        (None, True, Daemon("stopped", at_boot=True)),
        (RUNNING, True, Daemon("running", at_boot=True, uptime=60)),
        (RUNNING, False, Daemon("failed", at_boot=True)),  # launchd has another definition than the one that is there
        (RUNNING._replace(state="SIGTERMed"), True, Daemon("failed", at_boot=True)),
        (RUNNING._replace(state="spawn scheduled", pid=0), True, Daemon("failed", at_boot=True)),
    ],
)
def test_what_launchd_says(job: Job | None, defined: bool, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(launchd, "lasting_domain", lambda: "system")
    monkeypatch.setattr(launchd, "disabled", lambda domain: {"y"} if domain == "system" else set())
    monkeypatch.setattr(launchd, "find", lambda _: job)
    monkeypatch.setattr(launchd, "is_defined_by", lambda *_: defined)
    monkeypatch.setattr(launchd, "uptime", lambda pid: 60 if pid == 7 else 0)
    monkeypatch.setattr(os.path, "exists", lambda path: defined and path.startswith("/Library/LaunchDaemons/"))
    asked = daemons.ask_launchd(["x", "y"])
    assert asked["x"] == daemon
    assert asked["y"] == daemon._replace(at_boot=False)


def test_who_keeps_services_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchd, "is_here", lambda: True)
    assert daemons.service_manager("/etc/s.conf") == "launchd"
    monkeypatch.setattr(os, "geteuid", lambda: 501)
    monkeypatch.setenv("HOME", "/Users/ada")
    assert daemons.launchd_folder() == "/Users/ada/Library/LaunchAgents"


def test_nothing_that_launchd_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchd, "lasting_domain", lambda: "system")
    monkeypatch.setattr(launchd, "disabled", lambda _: set())
    monkeypatch.setattr(launchd, "find", lambda _: None)
    assert daemons.ask_launchd(["x"]) == {"x": Daemon("absent")}
    assert daemons.ask_launchd([]) == {}
