"""A folder with a launchd of its own, for tests of whatever speaks with launchd."""

from __future__ import annotations

import json
import os
import plistlib
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DOUBLE = Path(__file__).parents[1] / "doubles/macos_launchd.py"
NAME = "reachable-jupyter"


class Host:
    """A launchd, and the folder in which it lives."""

    def __init__(self, root: Path, macos: int = 15) -> None:
        self.root = root
        self.macos = macos
        self.uid = os.geteuid()
        self.domain = f"gui/{self.uid}" if self.uid else "system"
        self.launchctl = root / "launchctl"
        self.launchctl.write_text(f'#!/bin/sh\nLAUNCHD_ROOT={root} exec "{sys.executable}" "{DOUBLE}" "$@"\n')
        self.launchctl.chmod(0o755)
        self.path = root / "Library/LaunchDaemons" / f"{NAME}.plist"
        self.path.parent.mkdir(parents=True)
        self.log = root / "job.log"
        if self.uid:
            (root / "var/run").mkdir(parents=True)
            (root / "var/run/console").write_text(str(self.uid))
        self.boot()

    def boot(self) -> None:
        """Start launchd."""
        door = self.root / "var/run/launchd.sock"
        door.unlink(missing_ok=True)
        self.process = subprocess.Popen([DOUBLE, "--serve", f"--root={self.root}", f"--macos={self.macos}"])
        wait_until(door.exists)

    def shut_down(self) -> None:
        """End launchd, and all that it has started."""
        self.process.terminate()
        self.process.wait()

    def define(self, *command: str, **keys: Any) -> None:
        """Write the definition of the job."""
        common = {"Label": NAME, "KeepAlive": True, "ThrottleInterval": 1, "StandardOutPath": str(self.log)}
        self.path.write_bytes(plistlib.dumps({**common, "ProgramArguments": list(command), **keys}))
        self.path.chmod(0o644)

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Ask what launchctl would ask, without the time that a program takes to start."""
        code, output, errors = 0, "", ""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.root / "var/run/launchd.sock"))
            with connection.makefile("rw") as stream:
                stream.write(json.dumps(arguments) + "\n")
                stream.flush()
                if answer := stream.read():
                    code, output, errors = json.loads(answer)
        return subprocess.CompletedProcess(arguments, code, output, errors)

    @property
    def target(self) -> str:
        """The job's name for launchctl."""
        return f"{self.domain}/{NAME}"

    def said(self, key: str) -> str:
        """Return what launchctl prints of the job under a name."""
        lines = [line.partition(" = ") for line in self.ask("print", self.target).stdout.splitlines()]
        return next((value for name, _, value in lines if name == f"\t{key}"), "")


def wait_until(true: Callable[[], Any], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
