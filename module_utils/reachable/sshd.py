# SPDX-License-Identifier: Apache-2.0
"""What the host's SSH server would allow a user, and which lines of its configuration say so (sshd_config(5))."""

from __future__ import annotations

import glob
import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "/usr/sbin/sshd"
FOLDER = "/etc/ssh"
# openSUSE has its own where nobody has written another one.
CONFIGS = ("/etc/ssh/sshd_config", "/usr/etc/ssh/sshd_config")
SECONDS = 10
DEEPEST = 16  # files that include each other


class Line(NamedTuple):
    """A directive: where it stands, what it says, and whether only for some, below a Match."""

    file: str
    line: int
    keyword: str
    values: list[str]
    is_for_some: bool


def look(user: str, port: int) -> dict[str, Any]:
    """Say what counts for a user who comes from this machine itself, and where it stands.

    ``counts`` has the values of each keyword, in lower case. It is empty where the server does not say, as without the
    rights of root.
    """
    return {
        "counts": ask(user, port),
        "lines": [line._asdict() for line in lines(next(filter(os.path.exists, CONFIGS), CONFIGS[0]))],
    }


def ask(user: str, port: int) -> dict[str, list[str]]:
    """Ask the server itself, which knows all that files and its defaults say."""
    about = f"user={user},host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport={port}"
    command = [PROGRAM, "-T", "-C", about]
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[str, list[str]] = {}
    for row in answer.stdout.splitlines() if answer.returncode == 0 else []:
        keyword, *values = row.split()
        found.setdefault(keyword, []).extend(values)
    return found


def lines(path: str, is_for_some: bool = False, depth: int = 0) -> Iterator[Line]:
    """Yield all directives of a file, in the order in which the server reads them, also those of included files."""
    try:
        text = Path(path).read_text(errors="replace")
    except OSError:
        return
    for number, row in enumerate(text.splitlines(), 1):
        words = split(row)
        if not words:
            continue
        keyword, values = words[0].lower(), words[1:]
        if keyword == "match":
            is_for_some = [value.lower() for value in values] != ["all"]
        yield Line(path, number, keyword, values, is_for_some)
        if keyword == "include" and depth < DEEPEST:
            for pattern in values:
                for included in sorted(glob.glob(os.path.join(FOLDER, pattern))):
                    yield from lines(included, is_for_some, depth + 1)


def split(row: str) -> list[str]:
    """Return the words of a line, of which the first may end with an equals sign, without a comment."""
    try:
        words = shlex.split(row, comments=True)
    except ValueError:  # a quote that is not closed, of which the server complains itself
        return []
    first, _, rest = words[0].partition("=") if words else ("", "", "")
    return [word for word in [first, rest, *words[1:]] if word not in {"", "="}]
