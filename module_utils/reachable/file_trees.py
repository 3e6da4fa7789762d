# SPDX-License-Identifier: Apache-2.0
"""The work of the module file_tree, which the controller does in Ansible's own process."""

from __future__ import annotations

import base64
import grp
import os
import pwd
import re
import subprocess
from functools import partial
from typing import Any

from . import files

ENTRY_SPEC: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "state": {"choices": ["file", "directory", "absent"], "default": "file"},
    "content": {"type": "str", "default": ""},
    "secret": {"type": "str", "no_log": True},
    "base64": {"type": "str"},
    "validate": {"type": "list", "elements": "str", "default": []},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str"},
}
ARGUMENT_SPEC: dict[str, Any] = {
    "entries": {"type": "list", "elements": "dict", "required": True, "options": ENTRY_SPEC},
}
DEFAULT_MODES = {"file": "0644", "directory": "0755", "absent": "0"}


def completed(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry as the arguments of a module have it, with all keys."""
    return {**{key: spec.get("default") for key, spec in ENTRY_SPEC.items()}, **entry}


def wanted_entry(option: dict[str, Any]) -> files.Entry:
    """Complete one element of ``entries`` with the defaults. Raises FilesError."""
    state = option["state"]
    if state == "absent":
        return files.Entry(option["path"], state)
    owner = option["owner"] or files.user_name(os.geteuid())
    group = option["group"]
    if not group:
        try:
            group = grp.getgrgid(pwd.getpwnam(owner).pw_gid).gr_name
        except KeyError:  # in check mode the user may be still to come; it will have a group of its name
            group = owner
    mode = option["mode"] or DEFAULT_MODES[state]
    if not re.fullmatch("[0-7]{4}", mode):  # without quotes YAML makes 420 of 0644
        raise files.FilesError(f'mode of {option["path"]}: {mode} has not four octal digits; write it as "0644".')
    content = content_of(option) if state == "file" else None
    return files.Entry(option["path"], state, owner, group, int(mode, 8), content)


def content_of(option: dict[str, Any]) -> bytes:
    """Return what should be in a file."""
    if option["base64"] is not None:
        return base64.b64decode(option["base64"])
    text: str = option["content"] if option["secret"] is None else option["secret"]
    return text.encode()


def validate(command: list[str], path: str, new: str) -> None:
    """Let a program judge the new version of the file at ``path``. Raises FilesError."""
    process = subprocess.run(
        [part.replace("{path}", new) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if process.returncode:
        words = process.stdout.strip().replace(new, path)
        raise files.FilesError(f"{path} is refused by {command[0]}, and stays as it was: {words}")


def description(entry: files.Entry, hidden: str, word: str) -> str:
    """Write an entry for the diff; what is ``hidden``, and why, stands there as no more than a ``word``."""
    text: str = files.describe(entry, f"({word} content, {hidden})\n" if hidden and entry.content is not None else None)
    return text


def keep(entries: list[dict[str, Any]], check_mode: bool) -> dict[str, Any]:
    """Make the entries what they should be, or foretell what that changes. Raises FilesError and OSError."""
    changes = []
    for option in entries:
        wanted = wanted_entry(option)
        found = files.inspect(wanted.path)
        if found != wanted:
            hidden = "no text" if option["base64"] is not None else "hidden" if option["secret"] is not None else ""
            changes.append((found, wanted, hidden))
            if not check_mode:
                check = partial(validate, option["validate"], wanted.path) if option["validate"] else None
                files.apply(found, wanted, check)
    return {
        "changed": bool(changes),
        "paths": [wanted.path for _, wanted, _ in changes],
        "diff": [
            {
                "before_header": found.path,
                "after_header": wanted.path,
                "before": description(found, hidden, "same" if found.content == wanted.content else "old"),
                "after": description(wanted, hidden, "same" if found.content == wanted.content else "new"),
            }
            for found, wanted, hidden in changes
        ],
    }
