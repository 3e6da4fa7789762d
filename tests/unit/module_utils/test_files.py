"""What is at a path is told truly, and nobody finds half of a file there."""

from __future__ import annotations

import errno
import os
import pwd
import stat
from typing import TYPE_CHECKING

import pytest
from reachable import files
from reachable.files import Entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ME = files.user_name(os.geteuid())
MINE = files.group_name(os.getegid())
NOBODY = pwd.getpwnam("nobody")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """A folder with one of each kind."""
    (tmp_path / "folder").mkdir(mode=0o750)
    (tmp_path / "file").write_bytes(b"\xff\n")
    (tmp_path / "file").chmod(0o4640)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, target in (
        ("to-folder", "folder"),
        ("to-file", "file"),
        ("to-nothing", "gone"),
        ("to-itself", "to-itself"),
    ):
        (tmp_path / name).symlink_to(target)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "state", "mode", "content"),
    [
        ("gone", "absent", None, None),
        ("gone/too", "absent", None, None),
        ("file/below", "absent", None, None),
        ("folder", "directory", 0o750, None),
        ("to-folder", "directory", 0o750, None),
        ("file", "file", 0o4640, b"\xff\n"),
        ("pipe", "other", 0o600, None),
        ("to-file", "other", 0o777, None),
        ("to-nothing", "other", 0o777, None),
        ("to-itself", "other", 0o777, None),
    ],
)
def test_what_is_there(name: str, state: str, mode: int | None, content: bytes | None, zoo: Path) -> None:
    path = str(zoo / name)
    about = (ME, MINE, mode) if mode is not None else ("", "", 0)
    assert files.inspect(path) == Entry(path, state, *about, content)


def test_numbers_stand_for_missing_names() -> None:
    assert files.user_name(54321) == files.group_name(54321) == "54321"


@pytest.mark.parametrize("step", ["fsync", "fchown", "fchmod", "rename"])
def test_an_interrupted_write_leaves_the_old_file(step: str, zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sorted(os.listdir(zoo))
    found = files.inspect(str(zoo / "file"))
    monkeypatch.setattr(os, step, no_room)
    with pytest.raises(OSError, match="No space left on device"):
        files.apply(found, found._replace(content=b"new"))
    assert files.inspect(found.path) == found
    assert sorted(os.listdir(zoo)) == before


def test_who_reads_a_file_while_it_is_replaced_sees_the_old_one(zoo: Path) -> None:
    found = files.inspect(str(zoo / "file"))
    with (zoo / "file").open("rb") as reader:
        files.apply(found, found._replace(content=b"new"))
        assert reader.read() == b"\xff\n"
    assert files.inspect(found.path) == found._replace(content=b"new")


def test_a_new_file_is_never_open_to_others(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    before_writing = os.fchown

    def look(descriptor: int, uid: int, gid: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        before_writing(descriptor, uid, gid)

    monkeypatch.setattr(os, "fchown", look)
    for name, state in (("new", "file"), ("new-folder", "directory")):
        path = str(zoo / name)
        files.apply(files.inspect(path), Entry(path, state, ME, MINE, 0o755, b"" if state == "file" else None))
    assert modes == [0o600, 0o700]


@needs_root
@pytest.mark.parametrize(
    ("path", "decides"),
    [
        ("ours/file", 0),
        ("ours/link", 0),
        ("ours/link/file", 0),
        ("theirs", 0),
        ("theirs/gone", 1),
        ("theirs/ours", 1),
        ("theirs/ours/file", 1),
        ("theirs/link/file", 1),
        ("ours/into-theirs/file", 1),
        ("ours/through-theirs", 1),
        ("ours/through-theirs/file", 1),
        ("ours/link-of-theirs", 1),
        ("ours/link-of-theirs/.", 1),
        ("ours/link-of-theirs/file", 1),
        ("ours/up/file", 1),
    ],
)
def test_who_decides_where_a_path_leads(path: str, decides: int, tmp_path: Path) -> None:
    for folder in ("ours/target", "theirs/ours"):
        (tmp_path / folder).mkdir(parents=True)
    for link, target in (
        ("ours/link", tmp_path / "ours/target"),
        ("ours/link-of-theirs", tmp_path / "ours/target"),
        ("theirs/link", tmp_path / "ours/target"),
        ("ours/into-theirs", tmp_path / "theirs"),
        ("ours/through-theirs", "../theirs/link"),
        ("ours/up", "target/../into-theirs/."),
    ):
        (tmp_path / link).symlink_to(target)
    os.lchown(tmp_path / "ours/link-of-theirs", NOBODY.pw_uid, NOBODY.pw_gid)
    os.chown(tmp_path / "theirs", NOBODY.pw_uid, NOBODY.pw_gid)

    assert files.who_decides(str(tmp_path / path)) == (NOBODY.pw_uid if decides else 0)


@needs_root
@pytest.mark.parametrize(("uid", "gid"), [(NOBODY.pw_uid, NOBODY.pw_gid), (54321, 54321), (0, 0)])
def test_acting_as_somebody_ends(uid: int, gid: int) -> None:
    before = os.getresuid(), os.getresgid(), os.getgroups()

    def fail() -> None:
        with files.acting_as(uid):
            assert (os.geteuid(), os.getegid()) == (uid, gid)
            assert uid == 0 or 0 not in os.getgroups()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before


@pytest.mark.parametrize(
    ("entry", "content", "text"),
    [
        (Entry("/x", "absent"), None, ""),
        (Entry("/x", "absent"), "hidden", ""),
        (Entry("/x", "directory", "ada", "staff", 0o700), None, "directory ada:staff 0700\n"),
        (Entry("/x", "file", "ada", "staff", 0o644, b"a\xff\n"), None, "file ada:staff 0644\na\ufffd\n"),
        (Entry("/x", "file", "ada", "staff", 0o644, b"secret"), "hidden", "file ada:staff 0644\nhidden"),
    ],
)
def test_a_diff_shows(entry: Entry, content: str | None, text: str) -> None:
    assert files.describe(entry, content) == text


def test_a_folder_that_somebody_else_makes_at_the_same_moment(tmp_path: Path) -> None:
    path = str(tmp_path / "cards")
    found = files.inspect(path)
    me, mine = files.user_name(os.geteuid()), files.group_name(os.getegid())
    os.mkdir(path)
    files.apply(found, files.Entry(path, "directory", me, mine, 0o755))
    assert files.inspect(path).mode == 0o755


def plant_a_pipe(path: Path) -> None:
    os.mkfifo(path)


def plant_a_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def plant_a_huge_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)  # of which the disk has nothing


def plant_a_folder(path: Path) -> None:
    path.mkdir()


PLANTED = [plant_a_pipe, plant_a_link, plant_a_huge_file, plant_a_folder]


@pytest.mark.parametrize("plant", PLANTED)
def test_what_others_planted_is_not_read(plant: Callable[[Path], None], tmp_path: Path) -> None:
    plant(tmp_path / "planted")
    with pytest.raises(files.UnreadableError):
        files.read_regular(str(tmp_path / "planted"))


def test_a_file_that_is_too_large_is_not_ours(tmp_path: Path) -> None:
    plant_a_huge_file(tmp_path / "planted")
    assert files.inspect(str(tmp_path / "planted")).state == "other"


def test_what_takes_the_place_of_a_file_while_it_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, found = tmp_path / "planted", os.lstat(__file__)
    plant_a_pipe(path)
    monkeypatch.setattr(os, "lstat", lambda _: found)
    assert files.inspect(str(path)).state == "other"


@pytest.mark.parametrize(
    ("path", "writable"), [("", True), ("not/yet", True), ("file", False), ("file/x", False), ("to-nothing/x", False)]
)
def test_folders_on_this_machine(path: str, writable: bool, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "to-nothing").symlink_to("gone")
    assert files.is_writable_folder(str(tmp_path / path)) is writable
