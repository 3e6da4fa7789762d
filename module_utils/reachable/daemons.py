# SPDX-License-Identifier: Apache-2.0
"""Ask a service manager how a service is; the same answer whichever it is."""

from __future__ import annotations

import os
import subprocess
import time
from typing import NamedTuple

from . import launchd, supervisord

PROPERTIES = ("LoadState", "ActiveState", "UnitFileState", "ActiveEnterTimestamp", "DropInPaths")


class Daemon(NamedTuple):
    """How a service is.

    ``state`` is ``running``; ``stopped``; ``failed``, which includes waiting for the next try; or ``absent``, when the
    service manager does not know it or does not run. ``at_boot`` tells whether it will be started then. ``uptime`` is
    in seconds, 0 when it does not run. ``drop_ins`` are files beside the unit, for it alone, that change it.
    """

    state: str
    at_boot: bool = False
    uptime: int = 0
    drop_ins: tuple[str, ...] = ()


def service_manager(supervisord_config: str) -> str:
    """Name the service manager of whoever asks.

    It is launchd where that is. Else it is supervisord where that has its configuration already, and where no systemd
    runs: that of the system for root, that of the user for everybody else, who has none before the first login.
    """
    if launchd.is_here():
        return "launchd"
    # sd_booted(3) for the first; the second has its socket there.
    folder = f"{runtime_folder()}/systemd" if os.geteuid() else "/run/systemd/system"
    return "systemd" if os.path.isdir(folder) and not os.path.exists(supervisord_config) else "supervisord"


def runtime_folder() -> str:
    """Return the user's own folder for sockets (XDG_RUNTIME_DIR), which sudo does not name."""
    return f"/run/user/{os.geteuid()}"


def whose() -> list[str]:
    """Return the option of systemd's programs for the services of whoever asks; root's are those of the system."""
    return ["--user"] if os.geteuid() else []


def unit_of(name: str) -> str:
    """Return the full name of a unit, which is a service unless it says that it is a timer."""
    return name if name.endswith(".timer") else f"{name}.service"


def read_systemd(unit: str, text: str, now: float) -> Daemon:
    """Read what ``systemctl show --timestamp=unix`` prints of a unit; ``now`` is in seconds since 1970."""
    properties = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if properties.get("LoadState") == "not-found":
        return Daemon("absent")
    at_boot = properties.get("UnitFileState") == "enabled"
    drop_ins = tuple(path for path in properties["DropInPaths"].split() if f"/{unit}.d/" in path)
    if properties.get("ActiveState") == "active":
        uptime = max(0, int(now) - int(properties["ActiveEnterTimestamp"].lstrip("@")))
        return Daemon("running", at_boot, uptime, drop_ins)
    # "activating" is a service that waits for its next try
    return Daemon("stopped" if properties.get("ActiveState") == "inactive" else "failed", at_boot, 0, drop_ins)


def ask_systemd(names: list[str]) -> dict[str, Daemon]:
    """Ask systemd, for all of them at once; what it says of each is a paragraph."""
    if not names:
        return {}
    units = [unit_of(name) for name in names]
    command = ["systemctl", *whose(), "show", "--timestamp=unix", f"--property={','.join(PROPERTIES)}", *units]
    surroundings = {**os.environ, "XDG_RUNTIME_DIR": runtime_folder()} if whose() else None
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=surroundings)
    now = time.time()
    texts = answer.stdout.split("\n\n")
    return {name: read_systemd(unit_of(name), text, now) for name, text in zip(names, texts)}


def launchd_folder() -> str:
    """Return the folder with the definitions of the jobs of whoever asks."""
    return os.path.expanduser("~/Library/LaunchAgents") if os.geteuid() else "/Library/LaunchDaemons"


def ask_launchd(names: list[str]) -> dict[str, Daemon]:
    """Ask launchd."""
    disabled = launchd.disabled(launchd.lasting_domain()) if names else set()
    paths = {name: f"{launchd_folder()}/{name}.plist" for name in names}
    return {name: read_launchd(launchd.find(name), paths[name], name not in disabled) for name in names}


def read_launchd(job: launchd.Job | None, path: str, at_boot: bool) -> Daemon:
    """Say how a job is. One that was booted out is stopped until the next boot or login."""
    if job is None:
        return Daemon("stopped", at_boot) if os.path.exists(path) else Daemon("absent")
    if job.runs and launchd.is_defined_by(job, path):
        return Daemon("running", at_boot, launchd.uptime(job.pid))
    return Daemon("failed", at_boot)


def ask_supervisord(socket: str, name: str) -> Daemon:
    """Ask supervisord. It starts its programs whenever it is started itself."""
    api = supervisord.connect(socket)
    info = api and supervisord.program_info(api, name)
    if not info:
        return Daemon("absent")
    if info["statename"] == "RUNNING":
        return Daemon("running", True, max(0, info["now"] - info["start"]))
    return Daemon("stopped" if info["statename"] == "STOPPED" else "failed", True)
