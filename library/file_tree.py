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
    description: O(entries[].validate) is not run, because the program for it may be still to come.
  diff_mode:
    support: full
    description: What stands in O(entries[].secret) is hidden.
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
      secret:
        description: All that the file says, instead of O(entries[].content), where nobody else may see it.
        type: str
      validate:
        description: >-
          Program and arguments that are run before the file takes its place, where it is not as it should be. C({path})
          stands for its new version. When it fails, the old version stays.
        type: list
        elements: str
        default: []
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

- name: Let a program check its own configuration
  file_tree:
    entries:
      - path: /etc/ssh/sshd_config.d/tunnel.conf
        content: "{{ lookup('ansible.builtin.template', 'tunnel.conf.j2') }}"
        validate: [/usr/sbin/sshd, -t, -f, "{path}"]
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
import subprocess
from functools import partial
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
    content = text_of(option).encode() if state == "file" else None
    return files.Entry(option["path"], state, owner, group, int(mode, 8), content)


def text_of(option: dict[str, Any]) -> str:
    """Return what a file should say."""
    text: str = option["content"] if option["secret"] is None else option["secret"]
    return text


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


def description(entry: files.Entry, secret: bool, word: str) -> str:
    """Write an entry for the diff, with ``word`` in place of a secret."""
    hidden = secret and entry.content is not None
    text: str = files.describe(entry, f"({word} content, hidden)\n" if hidden else None)
    return text


def main() -> None:
    """Run the module."""
    entry_spec = {
        "path": {"type": "path", "required": True},
        "state": {"choices": ["file", "directory", "absent"], "default": "file"},
        "content": {"type": "str", "default": ""},
        "secret": {"type": "str", "no_log": True},
        "validate": {"type": "list", "elements": "str", "default": []},
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
                changes.append((found, wanted, option["secret"] is not None))
                if not module.check_mode:
                    check = partial(validate, option["validate"], wanted.path) if option["validate"] else None
                    files.apply(found, wanted, check)
    except (files.FilesError, OSError) as error:
        module.fail_json(msg=str(error))

    module.exit_json(
        changed=bool(changes),
        paths=[wanted.path for _, wanted, _ in changes],
        diff=[
            {
                "before_header": found.path,
                "after_header": wanted.path,
                "before": description(found, secret, "same" if found.content == wanted.content else "old"),
                "after": description(wanted, secret, "same" if found.content == wanted.content else "new"),
            }
            for found, wanted, secret in changes
        ],
    )


if __name__ == "__main__":
    main()
