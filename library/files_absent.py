#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Remove files and folders but for what is to be kept in them; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: files_absent
short_description: Remove files and folders, but not what is to be kept in them
version_added: "1.0.0"
description:
  - Removes what M(ansible.builtin.file) removes with C(state=absent), for many paths in one step. Unlike that module it
    can keep something that is inside, with the folders that lead there, and nothing else.
  - Links are removed, not what they lead to, whatever is changed there meanwhile. A folder on which a disk is mounted
    is emptied, and stays; where one is mounted further inside, nothing of it is touched, and the task fails.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    description: Shows the paths that go. Of a folder that goes as a whole only its own.
  idempotent:
    support: full
options:
  paths:
    description: Files, and folders with all that is in them.
    type: list
    elements: path
    default: []
  contents:
    description: Folders that stay, but not what is in them.
    type: list
    elements: path
    default: []
  parents:
    description: Folders that go once nothing is left in them.
    type: list
    elements: path
    default: []
  keep:
    description: What stays, wherever it is.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Remove a program, but not what people made with it
  files_absent:
    paths: [/opt/program, /var/lib/program]
    keep: [/var/lib/program/documents]
"""

RETURN = r"""
paths:
  description: What was removed.
  type: list
  elements: str
  returned: success
"""

import os
from typing import TYPE_CHECKING

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import trees

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a file system has for itself at its top.
OF_THE_FILE_SYSTEM = "lost+found"


def going(path: str, keep: list[str]) -> Iterator[str]:
    """Yield the tops of what has to go so that at a path there is nothing but what is kept."""
    if not os.path.lexists(path) or path in keep:
        return
    is_folder = os.path.isdir(path) and not os.path.islink(path)
    if is_folder and (os.path.ismount(path) or any(each.startswith(f"{path}/") for each in keep)):
        yield from going_inside(path, keep)
    else:
        yield path


def going_inside(folder: str, keep: list[str]) -> Iterator[str]:
    """Yield what has to go so that in a folder there is nothing but what is kept."""
    if os.path.isdir(folder):
        for name in sorted(os.listdir(folder)):
            if name != OF_THE_FILE_SYSTEM:
                yield from going(os.path.join(folder, name), keep)


def emptied(parents: list[str], gone: list[str]) -> list[str]:
    """Return those folders in which there is nothing but what goes, and each other."""
    going_too: set[str] = set()
    for folder in sorted(parents, key=len, reverse=True):
        is_folder = os.path.isdir(folder) and not os.path.islink(folder)
        if is_folder and {os.path.join(folder, name) for name in os.listdir(folder)} <= {*gone, *going_too}:
            going_too.add(folder)
    return sorted(going_too)


def tops(paths: list[str]) -> list[str]:
    """Return the paths, once each, without those that are inside another one."""
    return [path for path in sorted({*paths}) if not any(path.startswith(f"{other}/") for other in paths)]


def remove(path: str) -> None:
    """Remove a file, a link, or a folder with all that is in it. Raises OSError and TreeError."""
    with trees.opened(os.path.dirname(path)) as folder:
        trees.remove(os.path.basename(path), folder)


def main() -> None:
    """Run the module."""
    paths = {"type": "list", "elements": "path", "default": []}
    names = ("paths", "contents", "parents", "keep")
    module = AnsibleModule(argument_spec=dict.fromkeys(names, paths), supports_check_mode=True)
    options = {name: [os.path.abspath(path) for path in given] for name, given in module.params.items()}

    keep = [path for path in options["keep"] if os.path.lexists(path)]
    found = [path for top in options["paths"] for path in going(top, keep)]
    found += [path for folder in options["contents"] for path in going_inside(folder, keep)]
    removed = tops(found + emptied(options["parents"], found))
    if not module.check_mode:
        try:
            for path in removed:
                remove(path)
        except (trees.TreeError, OSError) as error:
            module.fail_json(msg=f"{path} cannot be removed: {error}")

    diff = [{"before_header": path, "after_header": path, "before": "there\n", "after": ""} for path in removed]
    module.exit_json(changed=bool(removed), paths=removed, diff=diff)


if __name__ == "__main__":
    main()
