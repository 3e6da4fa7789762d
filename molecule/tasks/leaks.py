# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Print where secrets can be read on this machine by whoever runs this, one place a line.

Standard input is a JSON object: the `secrets`, and the `folders` to look through. They come that way so that they
stand in no command line; this program stands in the argument of python3 -c, and has none of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def files(folders: list[str]) -> Iterator[Path]:
    """Yield every file below some folders, and what each process was started with."""
    for folder in folders:
        for parent, _, names in os.walk(folder):
            yield from (Path(parent, name) for name in names)
    for name in ("cmdline", "environ"):
        yield from Path("/proc").glob(f"[0-9]*/{name}")


def read(file: Path) -> bytes:
    """Return the content of a file; nothing if it is not for this user, or gone, or no regular file."""
    try:
        return file.read_bytes() if file.is_file() else b""
    except OSError:
        return b""


def texts(folders: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield every place, with what can be read there."""
    for file in files(folders):
        yield str(file), read(file)
    if shutil.which("journalctl"):
        yield "journal", subprocess.run(["journalctl", "--all"], check=False, capture_output=True).stdout


given = json.load(sys.stdin)
secrets = [secret.encode() for secret in given["secrets"]]
print(*sorted(place for place, text in texts(given["folders"]) if any(secret in text for secret in secrets)), sep="\n")
