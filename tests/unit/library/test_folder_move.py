"""A folder arrives whole, whatever interrupts the move."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folder_move
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import RunModule


class PowerCutError(Exception):
    """The machine stops in the middle of something."""


@pytest.fixture
def src(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/a.ipynb").write_text("a")
    (folder / "sub/a.ipynb").chmod(0o640)
    (folder / "link").symlink_to("/nowhere")
    os.utime(folder / "sub/a.ipynb", (1, 1))
    folder.chmod(0o700)
    return folder


def arrived(dest: Path) -> bool:
    file = dest / "sub/a.ipynb"
    return (
        (file.read_text(), file.stat().st_mode & 0o777, file.stat().st_mtime) == ("a", 0o640, 1)
        and (dest / "link").readlink() == Path("/nowhere")
        and dest.stat().st_mode & 0o777 == 0o700
        and sorted(path.name for path in dest.parent.iterdir()) == [dest.name]
    )


@pytest.fixture
def two_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.rename

    def across(old: str, new: str, **folders: int) -> None:
        if (old, new) == ("old", "new"):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(old, new, **folders)

    monkeypatch.setattr(os, "rename", across)


def test_a_move(src: Path, tmp_path: Path, run_module: RunModule) -> None:
    dest = tmp_path / "new"
    arguments = {"src": str(src), "dest": str(dest)}
    predicted = run_module(folder_move, check=True, **arguments)
    assert src.is_dir()
    assert run_module(folder_move, **arguments).items() >= predicted.items()
    assert arrived(dest)
    assert predicted["changed"] is True
    assert predicted["diff"] == {"before": f"{src}\n", "after": f"{dest}\n"}
    assert run_module(folder_move, check=True, **arguments)["changed"] is False
    assert run_module(folder_move, **arguments)["changed"] is False


def test_the_folder_above_may_be_still_to_come_in_check_mode(src: Path, tmp_path: Path, run_module: RunModule) -> None:
    above = tmp_path / "above"
    arguments = {"src": str(src), "dest": f"{above}/new"}
    assert run_module(folder_move, check=True, **arguments)["changed"] is True
    because = f"There is no folder {above}: make it first."
    assert run_module(folder_move, **arguments)["msg"] == f"{src} cannot be moved to {above}/new: {because}"
    assert (src / "sub/a.ipynb").exists()


def test_to_an_empty_folder(src: Path, tmp_path: Path, run_module: RunModule) -> None:
    (tmp_path / "new").mkdir()
    run_module(folder_move, src=str(src), dest=str(tmp_path / "new"))
    assert arrived(tmp_path / "new")


@pytest.mark.usefixtures("two_disks")
def test_to_another_disk(src: Path, tmp_path: Path, run_module: RunModule) -> None:
    assert run_module(folder_move, src=str(src), dest=str(tmp_path / "new"))["changed"] is True
    assert arrived(tmp_path / "new")


def test_out_of_an_image(src: Path, tmp_path: Path, run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.rename

    def across_layers(old: str, new: str, **folders: int) -> None:
        if old == "old":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(old, new, **folders)

    monkeypatch.setattr(os, "rename", across_layers)
    assert run_module(folder_move, src=str(src), dest=str(tmp_path / "new"))["changed"] is True
    assert arrived(tmp_path / "new")


def cut_at(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, number: int, *, after: bool) -> None:
    """Let the power go at the call of this number, before or after it did its work."""
    work: Callable[..., Any] = getattr(module, name)
    calls = iter(range(100))

    def until_then(*args: Any, **options: Any) -> Any:
        now = next(calls) == number
        if now and not after:
            raise PowerCutError
        result = work(*args, **options)
        if now:
            raise PowerCutError
        return result

    monkeypatch.setattr(module, name, until_then)


@pytest.mark.usefixtures("two_disks")
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "call",
    [
        (os, "mkdir", 1),
        (os, "fchown", 1),
        (os, "sync", 0),
        (os, "rename", 1),
        (os, "rename", 2),
        (os, "rmdir", 1),
    ],
)
def test_an_interrupted_move_is_finished(
    call: tuple[Any, str, int], after: bool, src: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dest = str(tmp_path / "new")
    with monkeypatch.context() as power:
        cut_at(power, *call, after=after)
        with pytest.raises(PowerCutError):
            folder_move.move(str(src), dest)
    whole = [path for path in tmp_path.iterdir() if (path / "sub/a.ipynb").exists() and path.suffix != ".coming"]
    assert whole or (tmp_path / "new.coming/sub/a.ipynb").exists()

    folder_move.move(str(src), dest)
    assert arrived(tmp_path / "new")


@pytest.mark.usefixtures("two_disks", "src")
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", [(os, "sync", 0), (os, "rename", 1), (os, "rename", 2), (os, "rmdir", 1)])
@pytest.mark.parametrize("there", ["old", "third"])
def test_after_an_interruption_it_may_be_declared_to_be_elsewhere(
    call: tuple[Any, str, int], after: bool, there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as power:
        cut_at(power, *call, after=after)
        with pytest.raises(PowerCutError):
            folder_move.move(str(tmp_path / "old"), str(tmp_path / "new"))
    # As the receipt lists them.
    for name in ("new", "old"):
        if name != there:
            folder_move.move(str(tmp_path / name), str(tmp_path / there))
    assert (tmp_path / there / "sub/a.ipynb").read_text() == "a"
    assert {path.name for path in tmp_path.iterdir()} <= {there, "new.coming"}


@pytest.mark.parametrize("dest", ["third", "new"])
def test_what_has_no_copy_yet_is_never_removed(dest: str, src: Path, tmp_path: Path, run_module: RunModule) -> None:
    src.rename(tmp_path / "old.gone")
    (tmp_path / "old").mkdir()
    (tmp_path / "old/mine").touch()
    result = run_module(folder_move, src=str(tmp_path / "old"), dest=str(tmp_path / dest))
    assert f"has left {tmp_path}/old.gone, and {tmp_path}/old holds something, too" in result["msg"]
    assert (tmp_path / "old.gone/sub/a.ipynb").exists()


def test_an_empty_folder_just_goes(tmp_path: Path, run_module: RunModule) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    (tmp_path / "new/mine").touch()
    assert run_module(folder_move, src=str(tmp_path / "old"), dest=str(tmp_path / "new"))["changed"] is True
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("dest", "because"),
    [
        ("full", "{0}/full holds something already: move that away, or choose another place."),
        ("file", "{0}/file holds something already: move that away, or choose another place."),
        ("old/in", "One of {0}/old and {0}/old/in is inside the other: choose another place."),
    ],
)
def test_what_is_in_the_way(dest: str, because: str, src: Path, tmp_path: Path, run_module: RunModule) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").touch()
    (tmp_path / "file").touch()
    sentence = f"{src} cannot be moved to {tmp_path / dest}: {because.format(tmp_path)}"
    for check in (False, True):
        result = run_module(folder_move, check=check, src=str(src), dest=str(tmp_path / dest))
        assert result["msg"] == sentence
    assert (src / "sub/a.ipynb").exists()
