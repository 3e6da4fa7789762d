"""A clone has the repository's line ends, whatever git is told on the machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="This is no clone, so git has not touched it.")
def test_every_text_file_has_the_ends_of_unix() -> None:
    command = ["git", "ls-files", "--eol", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [line.partition("\t") for line in listed.split("\0") if line]
    assert files
    for ends, _, name in files:
        inside, _, attributes = ends.split(maxsplit=2)
        if (ROOT / name).is_symlink():
            assert inside == "i/", name  # which has no lines
        elif name.endswith(".png"):
            assert (inside, attributes.strip()) == ("i/-text", "attr/-text"), name
        else:
            assert inside in {"i/lf", "i/none"}, name  # none has an empty file
            assert attributes.strip() == "attr/text=auto eol=lf", name
