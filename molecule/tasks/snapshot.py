# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Print the state of this host, one sorted line per thing, so that two snapshots can be compared line by line."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import shutil
import socket
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOTS = ("/etc", "/opt", "/usr/local", "/var/lib", "/home", "/root")
# What a host changes by itself, and what Ansible keeps for itself.
PASSING = ("/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd")
PASSING_NAMES = (".ansible",)
# How each kind of distribution lists its packages.
PACKAGES = (
    ("dpkg-query", "--show", "--showformat=package ${Package} ${Version} ${db:Status-Status}\\n"),
    ("rpm", "--query", "--all", "--queryformat=package %{NAME} %{EVR}\\n"),
    ("pacman", "--query"),
)
# What useradd and its kin keep of the files before their last change.
BACKUPS = {f"/etc/{name}-" for name in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")}


def files() -> Iterator[str]:
    """Yield kind, path, mode, owner and content of everything below ROOTS; of Python packages a digest."""
    for root in ROOTS:
        for folder, subfolders, names in os.walk(root):
            if Path(folder).name == "site-packages":
                yield from (f"package {folder}/{name} {digest(Path(folder, name))}" for name in (*subfolders, *names))
                subfolders.clear()
                continue
            subfolders[:] = [
                name for name in subfolders if name not in PASSING_NAMES and f"{folder}/{name}" not in PASSING
            ]
            for name in (*subfolders, *names):
                if f"{folder}/{name}" not in BACKUPS:
                    yield describe(Path(folder, name))


def digest(package: Path) -> str:
    """Return a digest of everything in one of the many folders of Python packages."""
    inside = (Path(folder, name) for folder, subfolders, names in os.walk(package) for name in (*subfolders, *names))
    lines = sorted(describe(path) for path in (package, *inside))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def describe(path: Path) -> str:
    """Return one line about a file, a folder or a link."""
    status = path.lstat()
    line = f"{path} {stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
    if path.is_symlink():
        return f"link {line} -> {path.readlink()}"
    if path.is_file():
        # Of the many thousand files of packages the time says enough.
        is_package = "site-packages" in path.parts
        content = status.st_mtime_ns if is_package else hashlib.sha256(path.read_bytes()).hexdigest()
        return f"file {line} {status.st_size} {content}"
    return f"folder {line}"


def accounts() -> Iterator[str]:
    """Yield every user and every group."""
    for user in pwd.getpwall():
        yield f"user {user.pw_name} {user.pw_uid}:{user.pw_gid} {user.pw_dir} {user.pw_shell}"
    for group in grp.getgrall():
        yield f"group {group.gr_name} {group.gr_gid} {','.join(group.gr_mem)}"


def listeners() -> Iterator[str]:
    """Yield every TCP address on which something listens, as the kernel prints it."""
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == "0A":
                address, port = local.split(":")
                family = socket.AF_INET if table == "tcp" else socket.AF_INET6
                words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
                yield f"listener {socket.inet_ntop(family, b''.join(words))} {int(port, 16)}"


def units() -> Iterator[str]:
    """Yield every unit that is installed and whether it is enabled, and those that were started on purpose."""
    if not Path("/run/systemd/system").is_dir():
        return
    table = [line.split()[:2] for line in output("systemctl", "list-unit-files", "--plain", "--no-legend")]
    # Logins make transient units; static ones come and go as D-Bus, timers and logins want them.
    installed = {unit: state for unit, state in table if state != "transient"}
    for unit, state in installed.items():
        yield f"unit {unit} {state}"
    for line in output("systemctl", "list-units", "--state=active", "--plain", "--no-legend"):
        unit = line.split()[0]
        if installed.get(unit, "static") != "static":
            yield f"active {unit}"


def packages() -> Iterator[str]:
    """Yield every package of the distribution's with its version."""
    for command in PACKAGES:
        if shutil.which(command[0]):
            yield from output(*command)


def output(*command: str) -> list[str]:
    """Return the lines that a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


if __name__ == "__main__":
    print(*sorted({*files(), *accounts(), *listeners(), *units(), *packages()}), sep="\n")
