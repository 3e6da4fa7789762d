# SPDX-License-Identifier: Apache-2.0
"""Find out how a process was started, and so what ends it for good (Linux, proc(5) and cgroups(7))."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from . import macos

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
# Programs that keep others alive, or their terminals, by the name that the kernel has of them (its first 15 signs).
KEEPERS = {
    "tmux: server": "tmux",
    "tmux": "tmux",
    "screen": "screen",
    "SCREEN": "screen",
    "supervisord": "supervisord",
    "conmon": "container",
    "containerd-shim": "container",
}
# Services in which people's own sessions and jobs are, where no logind gives each a scope.
OF_SESSIONS = re.compile(r"(ssh|sshd|cron|crond|atd|(ssh|sshd|getty|serial-getty|user|console-getty)@.*)\.service")
CONTAINER = re.compile(r"/(?:docker-|libpod-|crio-|cri-containerd-)?([0-9a-f]{64})(?:\.scope|/|\Z)")
IN_USER_MANAGER = re.compile(r"/user@\d+\.service/(?:.*/)?([^/]+\.service)(?:/|\Z)")
IN_MANAGER = re.compile(r"/([^/]+\.service)(?=/|\Z)")
SESSION = re.compile(r"/session-[^/]+\.scope(?:/|\Z)")


class Origin(NamedTuple):
    """How a process was started, and the unit or container that it belongs to, where there is one."""

    origin: str
    unit: str = ""


UNKNOWN = Origin("unknown")


def origin(pid: int) -> Origin:
    """Say how a process was started."""
    if macos.is_here():
        return told_apart("", list(macos.ancestors(pid)))
    try:
        control_groups = PROC.joinpath(str(pid), "cgroup").read_text()
        names = list(ancestors(pid))
    except OSError:  # it has ended meanwhile
        return UNKNOWN
    return told_apart(control_groups, names)


def ancestors(pid: int) -> Iterator[str]:
    """Yield the names of the processes above one, from the inside out; that of init is not among them."""
    while (pid := status(pid)[1]) > 1:
        yield status(pid)[0]


def status(pid: int) -> tuple[str, int]:
    """Return the name of a process, which may have any sign in it, and who its parent is. Raises OSError."""
    text = PROC.joinpath(str(pid), "stat").read_text(errors="replace")
    before, _, after = text.rpartition(")")
    return before.partition("(")[2], int(after.split()[1])


def told_apart(control_groups: str, names: list[str]) -> Origin:
    """Say how a process was started, from the control groups in which it is and the programs above it."""
    # Of several hierarchies the unified one, or systemd's own, has the units.
    lines = [line.split(":", 2) for line in control_groups.splitlines()]
    paths = [path for _, controllers, path in lines if controllers in ("", "name=systemd")]
    containers = [Origin("container", found[1][:12]) for path in paths if (found := CONTAINER.search(path))]
    keepers = [Origin(KEEPERS[name]) for name in names if name in KEEPERS]
    return next(iter([*containers, *keepers, *filter(None, map(of_unit, paths))]), UNKNOWN)


def of_unit(path: str) -> Origin | None:
    """Say what kind of unit of systemd's a control group belongs to; None for one that does not tell."""
    if found := IN_USER_MANAGER.search(path):
        return Origin("user_service", found[1])
    units = IN_MANAGER.findall(path)
    if SESSION.search(path) or (units and OF_SESSIONS.fullmatch(units[-1])):
        return Origin("session")
    return Origin("service", units[-1]) if units else None
