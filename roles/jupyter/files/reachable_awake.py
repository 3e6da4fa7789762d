# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Keeps the machine awake while a kernel computes, as long as it has mains power.

What does so is a program of the system that holds it awake while it runs; its command stands in the environment.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

CHECK_SECONDS = 15
SUPPLIES = Path("/sys/class/power_supply")  # Linux
PMSET = Path("/usr/bin/pmset")  # macOS


def has_mains() -> bool:
    """Tell whether the machine has mains power; one whose battery is not being drained has."""
    if PMSET.exists():
        said = subprocess.run([PMSET, "-g", "batt"], capture_output=True, text=True, check=False).stdout
        return "'Battery Power'" not in said
    # A mouse has a battery, too.
    supplies = [each for each in SUPPLIES.glob("*") if read(each / "scope") != "Device"]
    is_plugged = any(read(each / "type") in ("Mains", "USB") and read(each / "online") == "1" for each in supplies)
    is_drained = any(read(each / "type") == "Battery" and read(each / "status") == "Discharging" for each in supplies)
    return is_plugged or not is_drained


def read(file: Path) -> str:
    """Return what a small file says; nothing where it is missing."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


class Holder:
    """The program that holds the machine awake."""

    def __init__(self, command: list[str], kernels: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        """Remember how it is started, and who knows the kernels."""
        self._command = command
        self._kernels = kernels
        self._process: subprocess.Popen[bytes] | None = None
        self._is_refused = False

    def look(self) -> None:
        """Start the program, or end it, if the kernels or the power are no more what they were.

        One that fails, because it may not hold this machine awake, is tried again for the next computation only.
        """
        if self._process and self._process.poll() is not None:
            self._is_refused = self._process.returncode > 0
            self._process = None
        is_wanted = any(kernel["execution_state"] == "busy" for kernel in self._kernels()) and has_mains()
        if not is_wanted:
            self._release()
        elif not self._process and not self._is_refused:
            self._hold()

    def _hold(self) -> None:
        try:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        except OSError:
            self._is_refused = True

    def _release(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()
        self._process = None
        self._is_refused = False


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Look at the kernels of the running server from now on; Jupyter calls this at its start."""
    from tornado.ioloop import PeriodicCallback  # noqa: PLC0415 - the server has it

    holder = Holder(json.loads(os.environ["REACHABLE_KEEP_AWAKE"]), serverapp.kernel_manager.list_kernels)
    PeriodicCallback(holder.look, CHECK_SECONDS * 1000).start()
