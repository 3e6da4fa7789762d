#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Keep several files and folders at once; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: file_tree
short_description: Keep several files and folders as they should be, in one step
version_added: "1.0.0"
description:
  - Makes folders, writes files and removes files, in the order in which they are given. It does what
    M(ansible.builtin.file) and M(ansible.builtin.copy) do one path at a time, because every remote task takes a
    noticeable part of a second.
  - Behind a folder or a link that belongs to another user it acts with that user's rights, so that links which the
    user made lead no further than the user could go.
  - A file is replaced by a rename. A link or another special file in a file's place is replaced; a folder is not.
  - A link to a folder is taken for the folder.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  entries:
    description: What should be there. A folder stands before what is in it.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      state:
        description: V(absent) removes a file, not a folder.
        type: str
        choices: [file, directory, absent]
        default: file
      content:
        description: All that the file says.
        type: str
        default: ""
      owner:
        description: Name of the owner. Defaults to whoever runs the module.
        type: str
      group:
        description: Name of the group. Defaults to the owner's own.
        type: str
      mode:
        description: Mode as an octal text of four digits. Defaults to V("0644") for files and V("0755") for folders.
        type: str
"""

EXAMPLES = r"""
- name: Make a folder with a file
  file_tree:
    entries:
      - path: /opt/reachable/etc
        state: directory
      - path: /opt/reachable/etc/motto
        content: "Run it again.\n"
        mode: "0600"
"""

RETURN = r"""
paths:
  description: The paths that changed.
  type: list
  elements: str
  returned: success
"""

import grp
import os
import pwd
import re
from typing import Any

from ansible.module_utils import files
from ansible.module_utils.basic import AnsibleModule

DEFAULT_MODES = {"file": "0644", "directory": "0755", "absent": "0"}


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
    content = option["content"].encode() if state == "file" else None
    return files.Entry(option["path"], state, owner, group, int(mode, 8), content)


def main() -> None:
    """Run the module."""
    entry_spec = {
        "path": {"type": "path", "required": True},
        "state": {"choices": ["file", "directory", "absent"], "default": "file"},
        "content": {"type": "str", "default": ""},
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "mode": {"type": "str"},
    }
    module = AnsibleModule(
        argument_spec={"entries": {"type": "list", "elements": "dict", "required": True, "options": entry_spec}},
        supports_check_mode=True,
    )

    changes = []
    try:
        for option in module.params["entries"]:
            wanted = wanted_entry(option)
            found = files.inspect(wanted.path)
            if found != wanted:
                changes.append((found, wanted))
                if not module.check_mode:
                    files.apply(found, wanted)
    except (files.FilesError, OSError) as error:
        module.fail_json(msg=str(error))

    module.exit_json(
        changed=bool(changes),
        paths=[wanted.path for _, wanted in changes],
        diff=[
            {
                "before_header": found.path,
                "after_header": wanted.path,
                "before": files.describe(found),
                "after": files.describe(wanted),
            }
            for found, wanted in changes
        ],
    )


if __name__ == "__main__":
    main()
