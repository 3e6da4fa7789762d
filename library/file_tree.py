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
      base64:
        description: What is in the file in base64, instead of O(entries[].content), where that is no text.
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

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import file_trees, files


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=file_trees.ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = file_trees.keep(module.params["entries"], module.check_mode)
    except (files.FilesError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
