# SPDX-License-Identifier: Apache-2.0
"""Ask macOS about itself, through the programs that every Mac has."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONS = "/usr/bin/sw_vers"
NAMES = "/usr/sbin/scutil"
DIRECTORY = "/usr/bin/dscl"
FIREWALL = "/usr/libexec/ApplicationFirewall/socketfilterfw"
FIREWALL_STATES = {"0": "off", "1": "on", "2": "blocking"}
# Those of Homebrew and of python.org. macOS's own comes with its developer tools, and is 3.9.
PYTHON_FOLDERS = (Path("/opt/homebrew/bin"), Path("/usr/local/bin"))


class Listener(NamedTuple):
    """A process that listens on a TCP port."""

    port: int
    pid: int
    user: str


def is_here() -> bool:
    """Tell whether this is macOS."""
    return os.path.exists(VERSIONS)


def output_of(*command: str) -> str:
    """Return what a program prints; nothing where it fails, or is not there."""
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return run.stdout


def release() -> str:
    """Return the release of macOS."""
    return output_of(VERSIONS, "-productVersion").strip()


def local_name() -> str:
    """Return the name by which the Mac answers to multicast DNS, without its .local; it is not that of the host."""
    return output_of(NAMES, "--get", "LocalHostName").strip()


def firewall() -> str | None:
    """Say whether the application firewall is off or on, or blocking all that comes in."""
    found = re.search(r"State = (\d)", output_of(FIREWALL, "--getglobalstate"))
    return FIREWALL_STATES.get(found[1]) if found else None


def may_make_users() -> bool:
    """Tell whether this process may make users, which macOS refuses even root over SSH without full disk access.

    Only a try can tell: nobody's home is set to what it is.
    """
    nobody, key = "/Users/nobody", "NFSHomeDirectory"
    home = output_of(DIRECTORY, ".", "-read", nobody, key).partition(":")[2].strip()
    change = [DIRECTORY, ".", "-change", nobody, key, home, home]
    return os.geteuid() == 0 and subprocess.run(change, capture_output=True, check=False).returncode == 0


def listeners() -> list[Listener]:
    """Return the processes that listen on TCP ports. Others than root see their own only."""
    found = []
    pid, user = 0, ""
    for line in output_of("lsof", "-nP", "-iTCP", "-sTCP:LISTEN", "-FpLn").splitlines():
        kind, value = line[:1], line[1:]
        if kind == "p":
            pid = int(value)
        elif kind == "L":
            user = value
        elif kind == "n":
            found.append(Listener(int(value.rpartition(":")[2]), pid, user))
    return found


def command_of(pid: int) -> str:
    """Return how a process was called."""
    return output_of("ps", "-ww", "-o", "args=", "-p", str(pid)).strip()


def ancestors(pid: int) -> Iterator[str]:
    """Yield the names of the processes above one, from the inside out; that of launchd is not among them."""
    rows = [line.split(None, 2) for line in output_of("ps", "-axo", "pid=,ppid=,comm=").splitlines()]
    processes = {int(row[0]): (int(row[1]), os.path.basename(row[2])) for row in rows}
    while (pid := processes.get(pid, (0, ""))[0]) > 1:
        yield processes[pid][1] if pid in processes else ""
