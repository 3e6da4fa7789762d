"""What packages have for the server and for pages is found in real folders, and nothing of it is run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from reachable import front_ends

if TYPE_CHECKING:
    from pathlib import Path


def test_what_an_environment_has(tmp_path: Path) -> None:
    parts = tmp_path / front_ends.SERVER_PARTS
    parts.mkdir(parents=True)
    for part in ("git.json", "by_hand.json"):
        (parts / part).write_text('{"ServerApp": {"jpserver_extensions": {"git": true}}}')
    record = tmp_path / "lib/python3.13/site-packages/jupyterlab_git_core-0.55.0.dist-info"
    record.mkdir(parents=True)
    (record / "RECORD").write_text("../../../etc/jupyter/jupyter_server_config.d/git.json,sha256=x,3\n")
    pages = tmp_path / front_ends.PAGES
    for folder, about in (
        (
            "@jupyter-widgets/manager",
            {"name": "widgets", "dependencies": {"@jupyterlab/application": "^4.0.0", "x": "1"}},
        ),
        ("plotly", {"name": "plotly"}),
        ("broken", []),
        ("half", {"version": "1"}),
    ):
        (pages / folder).mkdir(parents=True)
        (pages / folder / "package.json").write_text(json.dumps(about))
    (pages / "pipe").mkdir()
    (pages / "pipe/package.json").symlink_to("/dev/zero")
    assert front_ends.of_environment(tmp_path) == {
        "server": {"git.json": "jupyterlab-git-core", "by_hand.json": "by_hand.json"},
        "pages": {"widgets": ["^4.0.0"], "plotly": []},
    }
    assert front_ends.of_environment(tmp_path / "nothing") == {"server": {}, "pages": {}}


@pytest.mark.parametrize(
    ("ranges", "fits"),
    [
        ([], True),
        (["^4.0.0"], True),
        (["^3.0.0 || ^4.0.0"], True),
        (["~4.5"], True),
        (["4.x"], True),
        ([">=3.1"], True),
        (["*", "latest"], True),
        (["^3.0.0"], False),
        (["^4.0.0", "^5"], False),
        (["2 || 3"], False),
    ],
)
def test_versions_of_npm(ranges: list[str], fits: bool) -> None:
    assert front_ends.fits(ranges, "4.5.11") is fits
