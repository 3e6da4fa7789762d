#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Move a folder so that an interruption loses nothing; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: folder_move
short_description: Move a folder with all that is in it, in one piece
version_added: "1.0.0"
description:
  - Moves the folder O(src) to O(dest), where nothing or an empty folder may be. Each file is in one of both at any
    time, and after an interruption, be it a power cut, the same task goes on where it was. An empty O(src) just goes.
  - Within a file system it is a rename. From one to another a copy is made first, beside O(dest) as C(DEST.coming),
    then O(src) becomes C(SRC.gone), the copy takes the name O(dest), and C(SRC.gone) is removed. A folder from an
    image that cannot be renamed, because it is in a layer below, is removed once the copy has its name.
  - A move the other way that was interrupted is taken back or finished before. What has no copy yet is never removed.
  - Owners, modes, times and links are kept, sockets and named pipes are not copied. Links are never followed, whatever
    is changed in the folder meanwhile, and each copy belongs to the owner of the very file from which it was read.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
    description: Where O(src) does not exist, nothing is changed.
options:
  src:
    description: Absolute path of the folder as it is now.
    type: path
    required: true
  dest:
    description: >-
      Absolute path that it is to have. The folder above it has to exist; in check mode it may be still to come.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Move the notebooks to the large disk
  folder_move:
    src: /var/lib/reachable/jupyter/notebooks
    dest: /srv/notebooks
"""

RETURN = r"""
path:
  description: Where it is now.
  type: str
  returned: success
"""

import contextlib
import errno
import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import trees


class MoveError(Exception):
    """The folder cannot be moved; the text says why and what to do."""


def holds(path: str) -> bool:
    """Tell whether there is anything at a path but an empty folder."""
    return os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path) or bool(os.listdir(path)))


def check(src: str, dest: str, is_foretold: bool) -> None:
    """See to it that nothing is in the way of a move, or of one that is only foretold. Raises MoveError."""
    for place, copied in ((src, dest), (dest, src)):
        if os.path.isdir(f"{place}.gone") and holds(place) and (place == src or os.path.isdir(f"{copied}.coming")):
            raise MoveError(
                f"A move that was interrupted has left {place}.gone, and {place} holds something, too: move one of "
                "both away."
            )
    if not os.path.isdir(src) or not os.listdir(src):
        return
    if f"{dest}/".startswith(f"{src}/") or src.startswith(f"{dest}/"):
        raise MoveError(f"One of {src} and {dest} is inside the other: choose another place.")
    if not (is_foretold or os.path.isdir(os.path.dirname(dest))):
        raise MoveError(f"There is no folder {os.path.dirname(dest)}: make it first.")
    if holds(dest):
        raise MoveError(f"{dest} holds something already: move that away, or choose another place.")


def move(src: str, dest: str) -> None:
    """Move a folder, or go on where that was interrupted. Raises OSError and TreeError."""
    with trees.opened(os.path.dirname(src)) as old, trees.opened(os.path.dirname(dest)) as new:
        before, after = os.path.basename(src), os.path.basename(dest)
        coming, gone = f"{after}.coming", f"{before}.gone"
        take_back(dest, new, src, old)
        if os.path.isdir(f"{src}.gone") and not (os.path.isdir(f"{dest}.coming") or holds(dest)):
            trees.rename(gone, old, before, old)  # its copy was to get another name than this one
        if os.path.isdir(src) and not os.listdir(src):
            os.rmdir(before, dir_fd=old.descriptor)
        elif os.path.isdir(src):
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(after, dir_fd=new.descriptor)
            try:
                trees.rename(before, old, after, new)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                copy(before, old, after, new)
        if trees.is_folder(gone, old):
            if trees.is_folder(coming, new):
                trees.rename(coming, new, after, new)
            trees.remove(gone, old)


def copy(before: str, old: trees.Folder, after: str, new: trees.Folder) -> None:
    """Make a copy beside the new place, and let the folder go once that is complete. Raises OSError and TreeError."""
    coming = f"{after}.coming"
    if trees.status_of(coming, new):
        trees.remove(coming, new)
    trees.copy(before, old, coming, new)
    os.sync()
    try:
        trees.rename(before, old, f"{before}.gone", old)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        trees.rename(coming, new, after, new)
        trees.remove(before, old)


def take_back(dest: str, new: trees.Folder, src: str, old: trees.Folder) -> None:
    """Take back a move the other way that was interrupted, or finish it where it has arrived already."""
    after, coming = os.path.basename(dest), f"{os.path.basename(src)}.coming"
    if not trees.is_folder(f"{after}.gone", new):
        return
    if holds(src) and not trees.is_folder(coming, old):
        trees.remove(f"{after}.gone", new)
        return
    trees.rename(f"{after}.gone", new, after, new)
    if trees.is_folder(coming, old):
        trees.remove(coming, old)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"src": {"type": "path", "required": True}, "dest": {"type": "path", "required": True}},
        supports_check_mode=True,
    )
    src, dest = (os.path.normpath(module.params[name]) for name in ("src", "dest"))

    changed = src != dest and any(map(os.path.isdir, (src, f"{src}.gone", f"{dest}.gone")))
    try:
        if changed:
            check(src, dest, is_foretold=module.check_mode)
        if changed and not module.check_mode:
            move(src, dest)
    except (MoveError, trees.TreeError, OSError) as error:
        module.fail_json(msg=f"{src} cannot be moved to {dest}: {error}")

    module.exit_json(
        changed=changed,
        path=dest,
        diff={"before": f"{src}\n" if changed else "", "after": f"{dest}\n" if changed else ""},
    )


if __name__ == "__main__":
    main()
