# SPDX-License-Identifier: Apache-2.0
"""Inspect Python environments without running any of their files."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import stat
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from . import files
from .lockfile import additions, locked_packages, normalized

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

Packages = dict[str, str]
"""Name to version."""

# This file is written last, so an environment without it is incomplete.
MARKER = "reachable.json"

# The lock from which an environment was made.
LOCK = "lock.txt"

# What became of the requirements behind that lock: a lock as well.
ADDED = "added.txt"

# A program that prints an interpreter's path outside of any environment, and the values of its environment markers.
INTRODUCTION = """
import json, os, platform, sys
base = os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
print(json.dumps([base if os.path.exists(base) else sys.executable, {
    "implementation_name": sys.implementation.name,
    "implementation_version": platform.python_version(),
    "os_name": os.name,
    "platform_machine": platform.machine(),
    "platform_python_implementation": platform.python_implementation(),
    "platform_release": platform.release(),
    "platform_system": platform.system(),
    "platform_version": platform.version(),
    "python_full_version": platform.python_version(),
    "python_version": "%d.%d" % sys.version_info[:2],
    "sys_platform": sys.platform,
}]))
"""


class Failure(Exception):  # noqa: N818 - the outcome of a task, in Ansible's own word
    """The environment cannot be converged; the text says why and what to do."""


class NotRunningError(Failure):
    """A program is missing, or cannot be run."""


class Interpreter(NamedTuple):
    """A Python interpreter: its path outside of any environment, and the values of its environment markers."""

    path: str
    markers: dict[str, str]


def interpreter(python: str) -> Interpreter:
    """Ask a Python for its path and markers. Raises Failure."""
    command = [python, "-I", "-c", INTRODUCTION]
    try:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        return Interpreter(*json.loads(answer.stdout))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise Failure(f"python: {python} does not run; name an interpreter that does.") from error


def records(environment: Path) -> list[Path]:
    """Return the folders with the metadata of an environment's packages."""
    return sorted(environment.glob("lib/python*/site-packages/[a-zA-Z0-9]*-*.dist-info"))


def installed(environment: Path) -> Packages:
    """Return the packages of an environment."""
    pairs = (record.name.removesuffix(".dist-info").split("-", 1) for record in records(environment))
    return {normalized(name): version for name, version in pairs}


def is_complete(environment: Path, python: Interpreter, exact: bool) -> bool:
    """Tell whether an environment is complete and based on this Python.

    Where people may add packages (not ``exact``), they may also edit those that are there.
    """
    try:
        return (
            json.loads(files.read_regular(str(environment / MARKER))) == marker_of(python)
            and (environment / "bin" / "python").samefile(python.path)
            and is_configured(environment)
            and all(is_whole(record) for record in records(environment))
            and has_files(environment, exact)
        )
    except (OSError, ValueError, csv.Error):
        return False


def is_configured(environment: Path) -> bool:
    """Tell whether Python takes the folder for an environment. Raises OSError and ValueError."""
    file = environment / "pyvenv.cfg"
    lines = files.read_regular(str(file)).decode().splitlines()
    settings = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}
    return os.path.isdir(settings.get("home", "")) and is_readable(file.stat())


def is_readable(found: os.stat_result) -> bool:
    """Tell whether a file's owner may read it. Root always may, others as whom programs run may not."""
    return bool(found.st_mode & stat.S_IRUSR)


def is_whole(record: Path) -> bool:
    """Tell whether a package's metadata is there, and is regular files of a moderate size that nobody waits for."""
    with os.scandir(record) as entries:
        found = [entry for entry in entries if not entry.is_dir(follow_symlinks=False)]
    return (record / "METADATA").stat().st_size > 0 and all(
        entry.is_file(follow_symlinks=False) and entry.stat().st_size <= files.LARGEST_BYTES for entry in found
    )


def has_files(environment: Path, exact: bool) -> bool:
    """Tell whether all files of the packages are there, as large as their records say; or just not empty.

    Two packages may have a file in common, of which each says another size. Raises OSError and ValueError.
    """
    folders: dict[str, dict[str, set[int]]] = {}
    for path, size in recorded(environment):
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, {}).setdefault(name, set()).add(size)
    for folder, wanted in folders.items():
        found = sizes(folder, wanted)
        if found.keys() < wanted.keys():
            return False
        if not all(found[name] in known if exact else found[name] or 0 in known for name, known in wanted.items()):
            return False
    return True


def recorded(environment: Path) -> Iterator[tuple[str, int]]:
    """Yield the files that the records of packages name, with their sizes; compiled ones have none."""
    inside = f"{environment}/"
    for record in records(environment):
        site = str(record.parent)
        text = files.read_regular(str(record / "RECORD")).decode()
        for name, _, size in filter(None, csv.reader(text.splitlines())):
            path = os.path.normpath(os.path.join(site, name)) if name.startswith((".", "/")) else f"{site}/{name}"
            if size and path.startswith(inside):
                yield path, int(size)


def sizes(folder: str, names: Container[str]) -> dict[str, int]:
    """Return how large these files in a folder are; one look at the folder is cheaper than one for each of them.

    What cannot be read counts as missing.
    """
    with os.scandir(folder) as entries:
        found = {entry.name: entry.stat() for entry in entries if entry.name in names and entry.is_file()}
    return {name: each.st_size for name, each in found.items() if is_readable(each)}


def marker_of(python: Interpreter) -> dict[str, str]:
    """Return the content of the marker of a complete environment that is based on this Python."""
    return {"python": python.path, "version": python.markers["python_version"]}


def is_as_locked(environment: Path, python: Interpreter, requirements: str, exact: bool) -> bool:
    """Tell whether an environment has the packages of a lock, and no others if ``exact``. Raises LockError.

    A lock has exact versions, so uv is not needed for that. Nor is it for what was resolved when it was made.
    """
    if not is_complete(environment, python, exact):
        return False
    found, locked = installed(environment), locked_packages(requirements, python.markers)
    if asked := additions(requirements):
        if additions(lock_of(environment) or "") != asked:
            return False
        locked = {**locked_packages(added_to(environment), python.markers), **locked}
    return bool(found == locked if exact else found.items() >= locked.items())


def state_of(environment: Path, python: Interpreter, requirements: str, exact: bool) -> str:
    """Return an environment's state: settled, different (it works, with other packages), incomplete or absent.

    Raises LockError.
    """
    if is_as_locked(environment, python, requirements, exact):
        return "settled"
    if is_complete(environment, python, exact):
        return "different"
    return "incomplete" if environment.exists() else "absent"


def lock_of(environment: Path) -> str | None:
    """Return the lock from which an environment was made; None if there is no environment, or it is incomplete."""
    return text_in(environment / LOCK)


def added_to(environment: Path) -> str:
    """Return the lock of what was added to an environment's own; empty if nothing was."""
    return text_in(environment / ADDED) or ""


def text_in(file: Path) -> str | None:
    """Return the text of a file; None if there is none that can be read."""
    try:
        text: str = files.read_regular(str(file)).decode()
    except (OSError, ValueError):
        return None
    return text


def hold_of(path: Path) -> Path:
    """Return the file that names the lock that a rollback has declined."""
    return path.with_name(f"{path.name}.hold")


def name_of(lock: str) -> str:
    """Return the name of a lock in that file: a hash of its content."""
    return hashlib.sha256(lock.encode()).hexdigest()


def lock_in_force(path: Path, declared: str) -> str:
    """Return the lock that an environment should have: the declared one, unless a rollback has declined it.

    If it was declined, the lock in force is that of the environment in use, or the declared one if that is gone.
    """
    is_declined = text_in(hold_of(path)) == name_of(declared)
    return (lock_of(path) if is_declined else None) or declared
