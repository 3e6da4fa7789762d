# SPDX-License-Identifier: Apache-2.0
"""Compare files and folders with their wanted state, and converge them.

Notebook code may change everything that the notebook user owns, so root must not act on such a path: where another user
decides where a path leads, it is read and changed with that user's rights.
"""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import stat
import tempfile
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Larger than any file that is compared, even a lock with its hashes.
LARGEST_BYTES = 16 * 2**20


class FilesError(Exception):
    """A path cannot be converged; the text names it and says what to do."""


class UnreadableError(ValueError):
    """A path is not read; the text says what is wrong with it."""


class Entry(NamedTuple):
    """The present or the wanted state of a path.

    ``state`` is ``file``, ``directory``, ``absent``, or ``other`` for anything else (a link, a socket).
    ``mode`` is a number. ``content`` is None unless it is a file.
    """

    path: str
    state: str
    owner: str = ""
    group: str = ""
    mode: int = 0
    content: bytes | None = None


def user_name(uid: int) -> str:
    """Return a user's name, or the number if there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """Return a group's name, or the number if there is none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


@contextlib.contextmanager
def acting_as(uid: int) -> Iterator[None]:
    """Take the effective rights of a user for a while if this process may, else keep its own."""
    if os.geteuid() != 0 or uid == 0:
        yield
        return
    try:
        user = pwd.getpwuid(uid)
        gid, groups_then = user.pw_gid, os.getgrouplist(user.pw_name, user.pw_gid)
    except KeyError:  # a user without an account is in no group; take the group with the user's number
        gid, groups_then = uid, []
    groups = os.getgroups()
    os.setgroups(groups_then[: os.sysconf("SC_NGROUPS_MAX")])  # macOS lists more groups than may be set
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def who_decides(path: str) -> int:
    """Return the user who decides where a path leads: the first owner but root of a folder or link on the way, or 0."""
    folder = os.path.dirname(path)
    if folder == path:
        return 0
    uid = who_decides(folder) or os.stat(folder).st_uid
    if uid == 0 and os.path.islink(path):
        uid = os.lstat(path).st_uid or who_decides(os.path.join(folder, os.readlink(path)))
    return uid


def acting_in(folder: str) -> contextlib.AbstractContextManager[None]:
    """Act with the rights of the user who decides what is in a folder."""
    return acting_as(who_decides(os.path.join(folder, ".")))


def open_regular(path: str, follow_links: bool = False) -> BinaryIO:
    """Open a regular file, whoever has put it there. Never waits. Raises UnreadableError and OSError."""
    links = 0 if follow_links else os.O_NOFOLLOW
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | links)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:  # a link, a socket
            raise UnreadableError("it is no file") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError("it is no file")
    return os.fdopen(descriptor, "rb")


def read_regular(path: str, largest: int = LARGEST_BYTES, follow_links: bool = False) -> bytes:
    """Read a regular file that is not too large. Raises UnreadableError and OSError."""
    with open_regular(path, follow_links) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise UnreadableError("it is too large to be looked at")
    return content


def replace(
    path: str,
    content: bytes,
    mode: int = 0o600,
    owner: tuple[int, int] | None = None,
    check: Callable[[str], None] | None = None,
) -> None:
    """Replace a file by a rename, so nobody ever reads half of one. ``owner`` is the number of a user and of a group.

    ``check`` gets the path of the new version before it takes the old one's place, and raises what keeps it out.
    Until it has its owner and its mode, the new version is readable for this process's user alone.
    """
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".reachable-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if owner:
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        if check:
            check(temporary)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def inspect(path: str) -> Entry:
    """Return the present state of a path. A link to a folder counts as the folder: people move folders that way."""
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode) and os.path.isdir(path):
            found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Entry(path, "absent")
    about = (user_name(found.st_uid), group_name(found.st_gid), stat.S_IMODE(found.st_mode))
    if stat.S_ISDIR(found.st_mode):
        return Entry(path, "directory", *about)
    if not stat.S_ISREG(found.st_mode):
        return Entry(path, "other", *about)
    try:
        with acting_in(os.path.dirname(path)):
            return Entry(path, "file", *about, content=_read_own(path, found))
    except UnreadableError:
        return Entry(path, "other", *about)


def _read_own(path: str, found: os.stat_result) -> bytes:
    """Read a file. One whose mode keeps its own owner out says nothing: its mode differs from any that is wanted."""
    try:
        return read_regular(path)
    except PermissionError:
        if found.st_uid == os.geteuid() and not found.st_mode & stat.S_IRUSR:
            return b""
        raise


def apply(found: Entry, wanted: Entry, check: Callable[[str], None] | None = None) -> None:
    """Converge a path. Files are replaced, for which ``check`` is as in ``replace``.

    :raises FilesError: where a folder stands in the way, or the owner does not exist.
    """
    if wanted.state == "absent":
        with acting_in(os.path.dirname(wanted.path)):
            _remove_file(wanted)
        return
    try:
        uid, gid = pwd.getpwnam(wanted.owner).pw_uid, grp.getgrnam(wanted.group).gr_gid
    except KeyError as error:
        raise FilesError(
            f"{wanted.path} should belong to {wanted.owner}:{wanted.group}, which does not exist."
        ) from error
    if wanted.state == "directory":
        with acting_as(who_decides(wanted.path)):
            _apply_directory(found, wanted, uid, gid)
    else:
        with acting_in(os.path.dirname(wanted.path)):
            _apply_file(found, wanted, uid, gid, check)


def _remove_file(wanted: Entry) -> None:
    try:
        os.unlink(wanted.path)
    except IsADirectoryError as error:
        raise FilesError(f"{wanted.path} should be absent, but a folder is there: move it away.") from error


def _apply_directory(found: Entry, wanted: Entry, uid: int, gid: int) -> None:
    if found.state not in ("absent", "directory"):
        raise FilesError(f"{wanted.path} should be a folder, but something else is there: move it away.")
    if found.state == "absent":
        with contextlib.suppress(FileExistsError):  # a task for another host may have just made it
            os.mkdir(wanted.path, 0o700)
    descriptor = os.open(wanted.path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, wanted.mode)
    finally:
        os.close(descriptor)


def _apply_file(found: Entry, wanted: Entry, uid: int, gid: int, check: Callable[[str], None] | None) -> None:
    if found.state == "directory":
        try:
            os.rmdir(wanted.path)  # nobody misses one with nothing in it
        except OSError:
            raise FilesError(f"{wanted.path} should be a file, but a folder is there: move it away.") from None
    replace(wanted.path, wanted.content or b"", wanted.mode, (uid, gid), check)


def describe(entry: Entry, content: str | None = None) -> str:
    """Return an entry for a diff, with ``content`` in place of the file's own if that must not be shown."""
    if entry.state == "absent":
        return ""
    head = f"{entry.state} {entry.owner}:{entry.group} {entry.mode:04o}\n"
    if entry.content is None:
        return head
    return head + (entry.content.decode(errors="replace") if content is None else content)


def is_writable_folder(path: str) -> bool:
    """Tell whether this process's user may write to a folder, or may make it. The path is absolute."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK)
