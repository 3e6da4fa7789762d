"""The machine is held awake while a kernel computes, and at no other time."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from imports import imported

reachable_awake = imported("reachable_awake", Path(__file__).parents[5] / "roles/jupyter/files/reachable_awake.py")

BATTERY = {"type": "Battery", "status": "Discharging"}
BUSY, IDLE = {"execution_state": "busy"}, {"execution_state": "idle"}


@pytest.fixture
def power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(reachable_awake, "SUPPLIES", tmp_path)
    monkeypatch.setattr(reachable_awake, "PMSET", tmp_path / "pmset")
    return tmp_path


def supply(folder: Path, name: str, **attributes: str) -> None:
    (folder / name).mkdir()
    for attribute, value in attributes.items():
        (folder / name / attribute).write_text(f"{value}\n")


@pytest.mark.parametrize(
    ("supplies", "mains"),
    [
        ([], True),
        ([BATTERY, {"type": "Mains", "online": "1"}], True),
        ([BATTERY, {"type": "Mains", "online": "0"}], False),
        ([BATTERY, {"type": "Mains", "online": "0"}, {"type": "USB", "online": "1"}], True),
        ([BATTERY], False),
        ([{**BATTERY, "status": "Charging"}], True),
        # a desktop with USB-C, and a mouse
        ([{"type": "USB", "online": "0"}, {**BATTERY, "scope": "Device"}], True),
    ],
)
def test_mains_power_on_linux(supplies: list[dict[str, str]], mains: bool, power: Path) -> None:
    for number, attributes in enumerate(supplies):
        supply(power, str(number), **attributes)
    assert reachable_awake.has_mains() == mains


@pytest.mark.parametrize(("source", "mains"), [("AC Power", True), ("Battery Power", False)])
def test_mains_power_on_macos(source: str, mains: bool, power: Path) -> None:
    (power / "pmset").write_text(f"#!/bin/sh\necho \"Now drawing from '{source}'\"\n")
    (power / "pmset").chmod(0o755)
    assert reachable_awake.has_mains() == mains


def runs(holder: Any) -> bool:
    return holder._process is not None and holder._process.poll() is None


def test_the_machine_is_held_awake_while_a_kernel_computes(power: Path) -> None:
    kernels: list[dict[str, str]] = []
    holder = reachable_awake.Holder(["sleep", "1000"], lambda: kernels)
    for now, held in (([], False), ([IDLE], False), ([IDLE, BUSY], True), ([BUSY], True), ([IDLE], False)):
        kernels[:] = now
        holder.look()
        assert runs(holder) == held

    # on battery it is let go, and one that ended is started again
    kernels[:] = [BUSY]
    holder.look()
    holder._process.kill()
    holder._process.wait()
    holder.look()
    assert runs(holder)
    supply(power, "BAT0", **BATTERY)
    holder.look()
    assert not runs(holder)


@pytest.mark.usefixtures("power")
def test_one_that_may_not_is_tried_once_for_each_computation(tmp_path: Path) -> None:
    kernels: list[dict[str, str]] = []
    holder = reachable_awake.Holder(["sh", "-c", f"echo >> {tmp_path}/tries; exit 1"], lambda: kernels)
    for now in (BUSY, BUSY, BUSY, IDLE, BUSY, BUSY):
        kernels[:] = [now]
        holder.look()
        if holder._process:
            holder._process.wait()
    assert (tmp_path / "tries").read_text() == "\n\n"


@pytest.mark.usefixtures("power")
def test_a_machine_without_the_program() -> None:
    holder = reachable_awake.Holder(["/no/such/program"], lambda: [BUSY])
    holder.look()
    assert not runs(holder)


def test_the_extension_asks_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    class PeriodicCallback:
        def __init__(self, work: Any, milliseconds: float) -> None:
            self.work, self.milliseconds = work, milliseconds

        def start(self) -> None:
            started.append((self.work, self.milliseconds))

    monkeypatch.setitem(sys.modules, "tornado.ioloop", SimpleNamespace(PeriodicCallback=PeriodicCallback))
    monkeypatch.setitem(os.environ, "REACHABLE_KEEP_AWAKE", json.dumps(["caffeinate", "-i"]))
    server = SimpleNamespace(kernel_manager=SimpleNamespace(list_kernels=list))
    reachable_awake._load_jupyter_server_extension(server)
    [(work, milliseconds)] = started
    assert milliseconds == 15000
    work()
