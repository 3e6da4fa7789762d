"""What is removed, what stays, and that check mode tells the same."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import files_absent
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunModule


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path in ("app/bin/run", "state/home/notebooks/mine", "state/home/other/x", "state/log", "outside/precious"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / "app/link").symlink_to(tmp_path / "outside")
    return tmp_path


def left(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*")}


OUTSIDE = {"outside", "outside/precious"}
STATE = {"state", "state/log", "state/home", "state/home/other", "state/home/other/x"}
NOTEBOOKS = {"state/home/notebooks", "state/home/notebooks/mine"}
APP = {"app", "app/bin", "app/bin/run", "app/link"}


@pytest.mark.parametrize(
    ("options", "removed", "stays"),
    [
        ({"paths": ["app"]}, ["app"], OUTSIDE | STATE | NOTEBOOKS),
        ({"paths": ["app/link"]}, ["app/link"], OUTSIDE | STATE | NOTEBOOKS | APP - {"app/link"}),
        ({"paths": ["app", "app/bin", "app"]}, ["app"], OUTSIDE | STATE | NOTEBOOKS),
        ({"contents": ["app"]}, ["app/bin", "app/link"], OUTSIDE | STATE | NOTEBOOKS | {"app"}),
        (
            {"paths": ["state"], "keep": ["state/home/notebooks"]},
            ["state/home/other", "state/log"],
            OUTSIDE | APP | NOTEBOOKS | {"state", "state/home"},
        ),
        ({"paths": ["state/log"], "keep": ["state/log"]}, [], OUTSIDE | APP | STATE | NOTEBOOKS),
        ({"paths": ["state"], "keep": ["state/hom", "state/none"]}, ["state"], OUTSIDE | APP),
        ({"paths": ["nowhere"], "contents": ["nowhere"]}, [], OUTSIDE | APP | STATE | NOTEBOOKS),
        (
            {"paths": ["state/home/other"], "parents": ["state", "state/home"], "keep": ["state/home/notebooks"]},
            ["state/home/other"],
            OUTSIDE | APP | NOTEBOOKS | {"state", "state/home", "state/log"},
        ),
        (
            {"paths": ["state/home/other", "state/home/notebooks"], "parents": ["state", "state/home", "nowhere"]},
            ["state/home"],
            OUTSIDE | APP | {"state", "state/log"},
        ),
        (
            {"paths": ["app/bin/run"], "parents": ["app/bin", "app/link"]},
            ["app/bin"],
            OUTSIDE | STATE | NOTEBOOKS | {"app", "app/link"},
        ),
    ],
)
def test_what_goes_and_what_stays(
    options: dict[str, list[str]], removed: list[str], stays: set[str], tree: Path, run_module: RunModule
) -> None:
    arguments = {name: [str(tree / path) for path in paths] for name, paths in options.items()}
    everything = left(tree)
    paths = [str(tree / path) for path in removed]

    predicted = run_module(files_absent, check=True, **arguments)
    assert left(tree) == everything
    assert run_module(files_absent, **arguments) == predicted
    assert left(tree) == stays
    assert (predicted["changed"], predicted["paths"]) == (bool(removed), paths)
    assert [(each["after_header"], each["after"]) for each in predicted["diff"]] == [(path, "") for path in paths]
    assert run_module(files_absent, **arguments)["changed"] is False


def test_a_disk_is_emptied_and_stays(tree: Path, run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "state/lost+found").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: path == str(tree / "state"))

    run_module(files_absent, paths=[str(tree / "state")])

    assert left(tree) == OUTSIDE | APP | {"state", "state/lost+found"}


def test_what_cannot_be_removed(tree: Path, run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, **_: Any) -> None:
        raise PermissionError(1, "Operation not permitted", name)

    monkeypatch.setattr(os, "unlink", refuse)
    result = run_module(files_absent, paths=[str(tree / "state/log")])
    assert result["msg"] == f"{tree}/state/log cannot be removed: {tree}/state/log: Operation not permitted."
