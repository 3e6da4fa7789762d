"""Whatever somebody swaps in a tree while root is at work there, nothing outside of it is touched."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from reachable import trees
from reachable.trees import TreeError, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Hook = Callable[[str, Callable[[], None]], None]

OLD, NEW, STRANGER = 54321, 54322, 54323
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of root's with a secret, beside the tree."""
    (tmp_path / "outside/sub").mkdir(parents=True)
    (tmp_path / "outside/sub/secret").write_text("root's own")
    (tmp_path / "outside/sub/secret").chmod(0o600)
    return tmp_path / "outside"


@pytest.fixture
def tree(tmp_path: Path, outside: Path) -> Path:
    """A tree of somebody's with one of each kind."""
    top = tmp_path / "tree"
    (top / "sub/deep").mkdir(parents=True)
    for name in ("a", "sub/b", "sub/deep/c", "z"):
        (top / name).write_text(name)
    (top / "link").symlink_to(outside)
    os.mkfifo(top / "pipe")
    if os.geteuid() == 0:
        for path in (top, *top.rglob("*")):
            os.chown(path, OLD, OLD, follow_symlinks=False)
    return top


@pytest.fixture
def then(monkeypatch: pytest.MonkeyPatch) -> Hook:
    """Return a function that lets something happen right after something of a name was looked at."""

    def hook(name: str, happens: Callable[[], None]) -> None:
        met = trees.Step

        def step(turn: Turn, found: str, *rest: Any) -> trees.Step:
            if turn is Turn.MET and found == name:
                happens()
            return met(turn, found, *rest)

        monkeypatch.setattr(trees, "Step", step)

    return hook


def owners(top: Path) -> dict[str, int]:
    return {str(path.relative_to(top)): path.lstat().st_uid for path in sorted(top.rglob("*"))}


def as_it_was(outside: Path) -> bool:
    secret = outside / "sub/secret"
    status = secret.stat()
    return (secret.read_text(), status.st_uid, status.st_mode & 0o777) == ("root's own", os.geteuid(), 0o600)


def swapped(path: Path, outside: Path) -> Callable[[], None]:
    """Return what puts a link to the folder outside in the place of something."""

    def swap() -> None:
        path.rename(path.with_name("aside"))
        path.symlink_to(outside)

    return swap


def copy_of(tree: Path) -> Path:
    with trees.opened(str(tree.parent)) as folder, trees.opened(str(tree.parent)) as into:
        trees.copy(tree.name, folder, "copy", into)
    return tree.parent / "copy"


def removed(tree: Path) -> None:
    with trees.opened(str(tree.parent)) as folder:
        trees.remove(tree.name, folder)


# Handing over


@needs_root
def test_what_belongs_to_the_former_owner_is_handed_over(tree: Path, outside: Path) -> None:
    (tree / "sub/roots").write_text("")
    os.chown(tree / "z", STRANGER, STRANGER)
    assert trees.give(str(tree), [OLD], NEW, NEW) == [f"{tree}/sub/roots", f"{tree}/z"]
    expected = dict.fromkeys(("a", "link", "pipe", "sub", "sub/b", "sub/deep", "sub/deep/c"), NEW)
    assert owners(tree) == {**expected, "sub/roots": 0, "z": STRANGER}
    assert (tree.stat().st_uid, tree.stat().st_gid, tree.stat().st_mode & 0o777) == (NEW, NEW, 0o700)
    assert as_it_was(outside)


@needs_root
@pytest.mark.parametrize("name", ["a", "sub", "link"])
def test_nothing_is_handed_over_that_takes_the_place_of_something(
    name: str, tree: Path, outside: Path, then: Hook
) -> None:
    then(name, swapped(tree / name, outside))
    trees.give(str(tree), [OLD], NEW, NEW)
    assert as_it_was(outside)
    assert (tree / name).lstat().st_uid == 0  # made by root here; it was not what had been looked at
    assert (tree / "aside").lstat().st_uid == NEW


@needs_root
def test_a_file_of_roots_that_is_linked_into_the_tree_stays_roots(tree: Path, outside: Path) -> None:
    (tree / "sub/mine").hardlink_to(outside / "sub/secret")
    assert trees.give(str(tree), [OLD], NEW, NEW) == [f"{tree}/sub/mine"]
    assert as_it_was(outside)


@needs_root
def test_of_roots_own_tree_only_what_is_nowhere_else_is_handed_over(tree: Path, outside: Path) -> None:
    (tree / "sub/roots").write_text("")
    trees.give(str(tree), [OLD], 0, OLD)
    assert set(owners(tree).values()) == {0}
    (tree / "sub/mine").hardlink_to(outside / "sub/secret")
    (outside / "planted").write_text("")
    os.chown(outside / "planted", 0, OLD)
    (tree / "sub/b again").hardlink_to(tree / "sub/b")
    (tree / "sub/planted").hardlink_to(outside / "planted")
    assert trees.give(str(tree), [0], NEW, NEW) == [f"{tree}/sub/{name}" for name in ("mine", "planted", "roots")]
    assert as_it_was(outside)
    assert {name for name, owner in owners(tree).items() if owner != NEW} == {"sub/mine", "sub/planted", "sub/roots"}


@needs_root
def test_a_folder_is_handed_over_before_what_is_in_it_but_the_whole_at_the_end(tree: Path, then: Hook) -> None:
    seen: list[tuple[int, int]] = []
    then("c", lambda: seen.append(((tree / "sub/deep").stat().st_uid, tree.stat().st_uid)))
    trees.give(str(tree), [OLD], NEW, NEW)
    assert seen == [(NEW, OLD)]


@needs_root
def test_what_was_handed_over_in_part_is_finished(tree: Path, then: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut() -> None:
        raise KeyboardInterrupt

    then("c", cut)
    with pytest.raises(KeyboardInterrupt):
        trees.give(str(tree), [OLD], NEW, NEW)
    assert tree.stat().st_uid == OLD
    monkeypatch.undo()
    assert trees.give(str(tree), [OLD], NEW, NEW) == []
    assert {*owners(tree).values(), tree.stat().st_uid} == {NEW}


# Removing


@pytest.mark.parametrize("name", ["a", "sub", "link"])
def test_nothing_outside_is_removed(name: str, tree: Path, outside: Path, then: Hook) -> None:
    then(name, swapped(tree / name, outside))
    with pytest.raises(TreeError) as refused:
        removed(tree)
    assert str(tree) in str(refused.value)
    assert as_it_was(outside)


def test_what_was_moved_away_is_not_followed_up(tree: Path, outside: Path, then: Hook) -> None:
    then("c", lambda: os.rename(tree / "sub/deep", outside / "deep"))
    with pytest.raises(TreeError, match="was moved away meanwhile"):
        removed(tree)
    assert as_it_was(outside)


def test_removal(tree: Path, outside: Path) -> None:
    removed(tree)
    assert [path.name for path in tree.parent.iterdir()] == ["outside"]
    assert as_it_was(outside)


def test_however_deep_it_is(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    removed(tmp_path / "d")
    assert not [*tmp_path.iterdir()]


@pytest.fixture
def mounted(tree: Path, outside: Path) -> Iterator[Path]:
    """A folder in the tree on which another one of the same device is mounted."""
    command = ["mount", "--bind", str(outside), str(tree / "sub/deep")]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield tree / "sub/deep"
    subprocess.run(["umount", str(tree / "sub/deep")], check=True)


def test_what_is_mounted_is_no_part_of_it(mounted: Path, tree: Path, outside: Path) -> None:
    for work in (copy_of, removed):
        with pytest.raises(TreeError) as refused:
            work(tree)
        assert str(refused.value) == f"{mounted} is mounted there: unmount it first."
    os.chown(outside / "sub", OLD, OLD)
    assert trees.give(str(tree), [OLD], NEW, NEW) == [str(mounted)]
    assert (outside / "sub").stat().st_uid == OLD
    assert as_it_was(outside)


# Copying


def test_a_copy(tree: Path, outside: Path) -> None:
    (tree / "sub").chmod(0o2750)
    (tree / "a").chmod(0o640)
    for name in ("a", "sub", "link"):
        os.utime(tree / name, (1, 2), follow_symlinks=False)
    os.setxattr(tree / "a", "user.mine", b"yes")
    copied = copy_of(tree)
    names = {str(path.relative_to(copied)) for path in copied.rglob("*")}
    assert names == {"a", "link", "sub", "sub/b", "sub/deep", "sub/deep/c", "z"}
    for name in (".", *names):
        found, wanted = (copied / name).lstat(), (tree / name).lstat()
        assert (found.st_mode, found.st_uid, found.st_gid) == (wanted.st_mode, wanted.st_uid, wanted.st_gid)
        assert found.st_mtime_ns == wanted.st_mtime_ns
    assert (copied / "sub/deep/c").read_text() == "sub/deep/c"
    assert (copied / "link").readlink() == outside
    assert os.getxattr(copied / "a", "user.mine") == b"yes"


@pytest.mark.parametrize("name", ["a", "sub", "link"])
@pytest.mark.parametrize("put", [os.symlink, os.link])
def test_nothing_outside_is_copied(
    put: Callable[[Path, Path], None], name: str, tree: Path, outside: Path, then: Hook
) -> None:
    def swap() -> None:
        (tree / name).rename(tree / "aside")
        put(outside / "sub/secret", tree / name)

    then(name, swap)
    with contextlib.suppress(TreeError, OSError):
        copy_of(tree)
    copied = [path for path in (tree.parent / "copy").rglob("*") if path.is_file() and not path.is_symlink()]
    assert "root's own" not in [path.read_text() for path in copied]


@needs_root
def test_a_copy_of_roots_file_stays_roots(tree: Path, outside: Path) -> None:
    (tree / "sub/mine").hardlink_to(outside / "sub/secret")
    status = (copy_of(tree) / "sub/mine").stat()
    assert (status.st_uid, status.st_mode & 0o777) == (0, 0o600)


# The way there


@needs_root
def test_links_of_others_are_not_followed(tree: Path, outside: Path) -> None:
    with pytest.raises(TreeError) as refused, trees.opened(str(tree / "link/sub")):
        pass
    assert str(refused.value) == f"on the way to {tree}/link/sub a link is not followed, link: it is somebody else's."
    # Also one that root has made, where another one could have put it.
    (tree / "roots").symlink_to(outside)
    with pytest.raises(TreeError), trees.opened(str(tree / "roots")):
        pass


@pytest.mark.parametrize("target", ["outside", "{0}/outside", "./outside/../outside"])
def test_links_of_ones_own_are_followed(target: str, tmp_path: Path, outside: Path) -> None:
    (tmp_path / "large disk").symlink_to(target.format(tmp_path))
    with trees.opened(str(tmp_path / "large disk/sub")) as folder:
        assert os.listdir(folder.descriptor) == ["secret"]
        assert trees.identity(os.fstat(folder.descriptor)) == trees.identity((outside / "sub").stat())


def test_links_that_lead_to_each_other(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(TreeError), trees.opened(str(tmp_path / "one/sub")):
        pass


def test_what_is_renamed_is_what_was_looked_at(tree: Path, outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.rename

    def late(old: str, new: str, **folders: int) -> None:
        monkeypatch.setattr(os, "rename", rename)
        swapped(tree, outside)()
        rename(old, new, **folders)

    monkeypatch.setattr(os, "rename", late)
    with trees.opened(str(tree.parent)) as folder, pytest.raises(TreeError, match="was swapped while it was moved"):
        trees.rename("tree", folder, "new", folder)
    assert as_it_was(outside)
