# SPDX-License-Identifier: Apache-2.0
"""Hand over, copy, move and remove whole folders in which another user may write.

The system looks up a path at each use, so a user who may write to a folder on the way can swap it and let root's next
step act on something else. Therefore everything here holds descriptors, and checks again what each of them is. Links
are never followed, and file systems that are mounted in a tree do not belong to it.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import re
import shutil
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Identity = tuple[int, int]

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# These flags open anything, also a link, without any effect on it.
if sys.platform == "darwin":
    ANYTHING = os.O_RDONLY | os.O_NONBLOCK | 0x200000  # O_SYMLINK, which Python knows from 3.10 on
else:
    ANYTHING = os.O_PATH | os.O_NOFOLLOW
MOST_LINKS = 40
# Errors of attributes that another file system cannot store, or not for every user.
NOT_KEPT = (errno.ENODATA, errno.ENOTSUP, errno.EINVAL, errno.EPERM)


class TreeError(Exception):
    """Something in the tree has been swapped or is not as it must be; the text names it."""


class Folder:
    """An open folder, from which the only ways lead into a folder inside it and back up.

    It takes one descriptor at any depth.
    """

    def __init__(self, descriptor: int, path: str) -> None:
        """Take over a descriptor of the folder; the path is for messages only."""
        self.descriptor = descriptor
        self.mount = mount_of(descriptor)
        self._names = [path]
        self._above: list[Identity] = []

    def path_of(self, name: str) -> str:
        """Return the path of something in the folder, for messages only."""
        return os.path.join(*self._names, name)

    def enter(self, name: str, known: int | None = None) -> None:
        """Go into a folder inside; with a ``known`` descriptor of it, it cannot be another one."""
        folder = os.open(name, FOLDER, dir_fd=self.descriptor) if known is None else os.open(".", FOLDER, dir_fd=known)
        self._names.append(name)
        self._above.append(identity(os.fstat(self.descriptor)))
        self._hold(folder)

    def leave(self) -> str:
        """Go back up, and return the name of the folder just left. Raises TreeError."""
        self._hold(os.open("..", FOLDER, dir_fd=self.descriptor))
        name = self._names.pop()
        if identity(os.fstat(self.descriptor)) != self._above.pop():
            raise TreeError(f"{self.path_of(name)} was moved away meanwhile.")
        return name

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.descriptor)

    def _hold(self, descriptor: int) -> None:
        os.close(self.descriptor)
        self.descriptor = descriptor


class Turn(enum.Enum):
    """The moment at which a walk through a tree passes something."""

    MET = enum.auto()  # anything; a folder before its content
    SEEN = enum.auto()  # a folder after its content, while it is still open
    LEFT = enum.auto()  # a folder, when the one above it is open again


class Step(NamedTuple):
    """Something that a walk passes: its name in the open folder, and a descriptor of it while it is MET."""

    turn: Turn
    name: str
    descriptor: int
    status: os.stat_result
    is_mount: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder."""
        return stat.S_ISDIR(self.status.st_mode)


def identity(status: os.stat_result) -> Identity:
    """Return what identifies a file or folder among all that exist at the same time."""
    return status.st_dev, status.st_ino


def mount_of(descriptor: int) -> str:
    """Return the mount that something is in. A folder that is mounted in two places has the same device in both."""
    try:
        about = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    except FileNotFoundError:  # not on Linux
        return str(os.fstat(descriptor).st_dev)
    return str(re.findall(r"^mnt_id:\s*(\d+)", about, re.MULTILINE)[0])


@contextlib.contextmanager
def looking_at(name: str, folder: int) -> Iterator[int]:
    """Hold something in a folder by its name. The descriptor shows its status, but not its content."""
    descriptor = os.open(name, ANYTHING, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def status_of(name: str, folder: Folder) -> os.stat_result | None:
    """Return the status of something in a folder; None if nothing has this name."""
    with contextlib.suppress(FileNotFoundError):
        return os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
    return None


def is_folder(name: str, folder: Folder) -> bool:
    """Tell whether this name in a folder is a folder."""
    status = status_of(name, folder)
    return status is not None and stat.S_ISDIR(status.st_mode)


@contextlib.contextmanager
def opened(path: str) -> Iterator[Folder]:
    """Hold the folder at an absolute path.

    Links on the way are followed if they and the folders above belong to root or the user who runs this, because people
    move large folders that way. Raises OSError, and TreeError for any other link.
    """
    folder = Folder(descend(path), path)
    try:
        yield folder
    finally:
        folder.close()


def descend(path: str) -> int:
    """Open the folder at an absolute path as ``opened`` says, and return its descriptor."""
    with contextlib.ExitStack() as held:
        here = os.open("/", FOLDER)
        held.callback(lambda: os.close(here))
        names, links, is_ours = path.split("/")[::-1], 0, True
        while names:
            name = names.pop() or "."
            is_ours = is_ours and os.fstat(here).st_uid in (0, os.geteuid())
            with looking_at(name, here) as descriptor:
                status = os.fstat(descriptor)
                if stat.S_ISLNK(status.st_mode):
                    links += 1
                    if not is_ours or status.st_uid not in (0, os.geteuid()) or links > MOST_LINKS:
                        raise TreeError(f"on the way to {path} a link is not followed, {name}: it is somebody else's.")
                    target = os.readlink(name, dir_fd=here)
                    names += target.split("/")[::-1]
                    there = os.dup(here) if not target.startswith("/") else os.open("/", FOLDER)
                else:
                    there = os.dup(descriptor)
            os.close(here)
            here = there
        return os.open(".", FOLDER, dir_fd=here)


def walk(folder: Folder, names: list[str] | None = None) -> Iterator[Step]:
    """Walk through everything in a folder, or only through some ``names``. Raises OSError and TreeError.

    At each step, ``folder`` is the one that contains the step's name; for a folder that is SEEN it is that folder
    itself. A mount is met, but not entered.
    """
    above: list[tuple[list[str], os.stat_result]] = []
    pending = listed(folder) if names is None else [*names]
    while True:
        if pending:
            name = pending.pop()
            with looking_at(name, folder.descriptor) as descriptor:
                status = os.fstat(descriptor)
                is_mount = stat.S_ISDIR(status.st_mode) and mount_of(descriptor) != folder.mount
                step = Step(Turn.MET, name, descriptor, status, is_mount)
                yield step
                if step.is_folder and not is_mount:
                    folder.enter(name, descriptor)
            if step.is_folder and not is_mount:
                above.append((pending, status))
                pending = listed(folder)
        elif above:
            pending, status = above.pop()
            yield Step(Turn.SEEN, ".", folder.descriptor, status)
            yield Step(Turn.LEFT, folder.leave(), -1, status)
        else:
            return


def listed(folder: Folder) -> list[str]:
    """Return the names in a folder in reverse order, as the walk takes them from the end."""
    return sorted(os.listdir(folder.descriptor), reverse=True)


def give(path: str, former: Iterable[int], uid: int, gid: int) -> list[str]:
    """Hand a folder's content from its ``former`` owners over to another user and group, the folder itself at the end.

    Each folder is handed over before its content, so that its former owner can change nothing in it any more; meanwhile
    the whole is open to its owner alone. Returns the paths that still belong to others, or are mounts.

    Of root's files, only those with the folder's group are handed over, because they were given to root before, and
    none with another name outside. Raises OSError and TreeError.
    """
    owners, others = {*former}, []
    roots: dict[Identity, list[str]] = {}
    with opened(path) as top:
        os.fchmod(top.descriptor, 0o700)
        group = os.fstat(top.descriptor).st_gid
        for step in walk(top):
            if step.turn is not Turn.MET or step.status.st_uid == uid:
                continue
            place, is_roots = top.path_of(step.name), step.status.st_uid == 0
            if step.is_mount or step.status.st_uid not in owners or (is_roots and step.status.st_gid != group):
                others.append(place)
                continue
            if is_roots and not step.is_folder:
                seen = roots.setdefault(identity(step.status), [])
                seen.append(place)
                if len(seen) < step.status.st_nlink:
                    continue
                del roots[identity(step.status)]
            own(step.descriptor, uid, gid)
        os.fchown(top.descriptor, uid, gid)
    return sorted(others + [place for places in roots.values() for place in places])


def own(descriptor: int, uid: int, gid: int) -> None:
    """Set the user and the group of a file, folder or link by its descriptor alone."""
    if sys.platform == "darwin":
        os.fchown(descriptor, uid, gid)
    else:
        os.chown(f"/proc/self/fd/{descriptor}", uid, gid)


def rename(name: str, folder: Folder, new: str, into: Folder) -> None:
    """Rename something, or move it to another folder of the same file system. Raises OSError and TreeError."""
    with looking_at(name, folder.descriptor) as descriptor:
        os.rename(name, new, src_dir_fd=folder.descriptor, dst_dir_fd=into.descriptor)
        arrived = status_of(new, into)
        if not arrived or identity(arrived) != identity(os.fstat(descriptor)):
            raise TreeError(f"{folder.path_of(name)} was swapped while it was moved to {into.path_of(new)}.")


def remove(name: str, folder: Folder) -> None:
    """Remove something in a folder with its content. Raises TreeError."""
    try:
        for step in walk(folder, [name]):
            if step.is_mount:
                raise TreeError(f"{folder.path_of(step.name)} is mounted there: unmount it first.")
            if step.turn is Turn.LEFT:
                os.rmdir(step.name, dir_fd=folder.descriptor)
            elif step.turn is Turn.MET and not step.is_folder:
                os.unlink(step.name, dir_fd=folder.descriptor)
    except OSError as error:
        raise TreeError(f"{folder.path_of(str(error.filename or '.'))}: {error.strerror}.") from error


def copy(name: str, folder: Folder, new: str, into: Folder) -> None:
    """Copy a folder with owners, modes, times, links and attributes. Raises OSError and TreeError.

    A copied folder belongs to this process's user until it is complete. Sockets and named pipes are left out.
    """
    os.mkdir(new, 0o700, dir_fd=into.descriptor)
    with entered(folder, name), entered(into, new):
        if os.fstat(into.descriptor).st_uid != os.geteuid():
            raise TreeError(f"{into.path_of('')} was swapped meanwhile.")
        for step in walk(folder):
            copy_step(step, folder, into)
        keep_about(folder.descriptor, into.descriptor)


@contextlib.contextmanager
def entered(folder: Folder, name: str) -> Iterator[None]:
    """Go into a folder for a while; after an error the folder is no longer usable."""
    folder.enter(name)
    yield
    folder.leave()


def copy_step(step: Step, folder: Folder, into: Folder) -> None:
    """Copy what a walk meets, and follow it with ``into``."""
    if step.is_mount:
        raise TreeError(f"{folder.path_of(step.name)} is mounted there: unmount it first.")
    if step.turn is Turn.SEEN:
        keep_about(folder.descriptor, into.descriptor)
        into.leave()
    elif step.turn is Turn.MET and step.is_folder:
        os.mkdir(step.name, 0o700, dir_fd=into.descriptor)
        into.enter(step.name)
    elif stat.S_ISREG(step.status.st_mode):
        copy_file(step, folder, into)
    elif stat.S_ISLNK(step.status.st_mode):
        about, place = step.status, into.descriptor
        os.symlink(os.readlink(step.name, dir_fd=folder.descriptor), step.name, dir_fd=place)
        os.chown(step.name, about.st_uid, about.st_gid, dir_fd=place, follow_symlinks=False)
        os.utime(step.name, ns=(about.st_atime_ns, about.st_mtime_ns), dir_fd=place, follow_symlinks=False)


def copy_file(step: Step, folder: Folder, into: Folder) -> None:
    """Copy a file, unless another one has taken its place since the walk met it."""
    reading = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    with os.fdopen(os.open(step.name, reading, dir_fd=folder.descriptor), "rb") as source:
        if identity(os.fstat(source.fileno())) != identity(step.status):
            raise TreeError(f"{folder.path_of(step.name)} was swapped meanwhile.")
        writing = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(step.name, writing, 0o600, dir_fd=into.descriptor), "wb") as copied:
            shutil.copyfileobj(source, copied, 1 << 20)
            copied.flush()
            keep_about(source.fileno(), copied.fileno())


def keep_about(source: int, copied: int) -> None:
    """Give a copy the owner, the attributes, the mode and the times of its source."""
    about = os.fstat(source)
    os.fchown(copied, about.st_uid, about.st_gid)
    if sys.platform != "darwin":
        for name in os.listxattr(source):
            with where_it_can():
                os.setxattr(copied, name, os.getxattr(source, name))
    os.fchmod(copied, stat.S_IMODE(about.st_mode))
    os.utime(copied, ns=(about.st_atime_ns, about.st_mtime_ns))


@contextlib.contextmanager
def where_it_can() -> Iterator[None]:
    """Ignore that the file system cannot store an attribute."""
    try:
        yield
    except OSError as error:
        if error.errno not in NOT_KEPT:
            raise
