"""A folder of pytest's that other users can enter, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# A parallel run has a folder of its own for each of its processes.
OF_PYTEST = ("pytest-", "popen-", "test_")


def open_folder(folder: Path) -> Path:
    """Let everybody into a folder of pytest's, and return it."""
    for each in (folder, *folder.parents):
        if each.name.startswith(OF_PYTEST):
            each.chmod(0o755)
    return folder
