"""Bundles: what is written is read again, and what is anything else is refused before anybody unpacks it."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest
from reachable import bundles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TARGET = bundles.Target("3.11", "x86_64", "linux", ["a"], ["numpy"], [])
WHEEL = "wheels/tiny-1.0-py3-none-any.whl"
SAYS = json.dumps({"targets": [], "wheels": {"tiny-1.0-py3-none-any.whl": 4}})


def made(folder: Path) -> Path:
    """Write a bundle with one wheel."""
    wheels = folder / "made"
    wheels.mkdir()
    (wheels / "tiny-1.0-py3-none-any.whl").write_bytes(b"tiny")
    bundles.write(folder / "bundle.tar", wheels, [TARGET])
    return folder / "bundle.tar"


def archive(path: Path, *members: tuple[str, bytes], link: str = "") -> None:
    """Write a tar, with a link as its first member where one is named."""
    with tarfile.open(path, "w") as written:
        if link:
            about = tarfile.TarInfo(WHEEL)
            about.type, about.linkname = tarfile.SYMTYPE, link
            written.addfile(about)
        for name, content in members:
            about = tarfile.TarInfo(name)
            about.size = len(content)
            written.addfile(about, io.BytesIO(content))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = made(tmp_path)
    assert bundles.targets_in(bundles.read(path)) == [TARGET]
    with tarfile.open(path) as archive:
        assert archive.getnames() == [WHEEL, bundles.ABOUT]
        assert {(member.uid, member.uname, member.mode) for member in archive.getmembers()} == {(0, "root", 0o644)}


def test_one_that_is_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = made(tmp_path)
    before = path.read_bytes()
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "tiny-2.0-py3-none-any.whl").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match=r"tiny-2\.0"):
        bundles.write(path, tmp_path / "gone", [TARGET])
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bundle.tar", "gone", "made"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "there is no such file here"),
        (lambda path: path.write_bytes(b""), "cut off"),
        (lambda path: path.write_bytes(b"no tar"), "cut off"),
        (lambda path: path.write_bytes(path.read_bytes()[:1500]), "cut off"),
        (lambda path: (path.unlink(), path.mkdir()), "cut off"),
        (archive, "cut off"),
        (lambda path: archive(path, (WHEEL, b"tiny")), "cut off"),
        (lambda path: archive(path, (WHEEL, b"tiny"), (bundles.ABOUT, b"{")), "damaged"),
        (lambda path: archive(path, (WHEEL, b"tiny"), (bundles.ABOUT, b"[]")), "damaged"),
        (lambda path: archive(path, (WHEEL, b"tin"), (bundles.ABOUT, SAYS.encode())), "something else"),
        (lambda path: archive(path, (bundles.ABOUT, SAYS.encode())), "something else"),
        (lambda path: archive(path, ("note", b""), (WHEEL, b"tiny"), (bundles.ABOUT, SAYS.encode())), "something else"),
        (lambda path: archive(path, (bundles.ABOUT, SAYS.encode()), link="tiny"), "something else"),
        (lambda path: archive(path, (WHEEL, b"tiny"), (bundles.ABOUT, SAYS.encode()), link="tiny"), "something else"),
        (
            lambda path: archive(
                path,
                ("wheels/../tiny-1.0-py3-none-any.whl", b"tiny"),
                (bundles.ABOUT, SAYS.replace("tiny-", "../tiny-").encode()),
            ),
            "something else",
        ),
    ],
)
def test_anything_else_is_none(damage: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    path = made(tmp_path)
    damage(path)
    with pytest.raises(bundles.BundleError, match=words):
        bundles.read(path)
