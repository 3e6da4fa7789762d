#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Hand a folder with all that is in it over to another user; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: folder_owner
short_description: Hand a folder over to another user, with all that belongs to the one before
version_added: "1.0.0"
description:
  - Hands over O(path) and what is in it, as far as it belongs to O(former). What belongs to somebody else stays theirs,
    so that nobody gets a file by linking it there, and of that it warns. What is mounted there is left alone.
  - The folder itself comes last, so that an interrupted task is finished by the next, and is then open to nobody but
    its owner.
  - Links are handed over themselves, and never followed, whatever is changed in the folder meanwhile. Of what belongs
    to root, only that is handed over which has the group of the folder, and no name elsewhere.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
    description: The owner may be still to come.
  diff_mode:
    support: full
  idempotent:
    support: full
    description: Where the folder itself belongs to O(owner), it has been handed over.
options:
  path:
    description: Absolute path of the folder.
    type: path
    required: true
  owner:
    description: Name of the user to whom it is to belong.
    type: str
    required: true
  group:
    description: Name of the group.
    type: str
    required: true
  former:
    description: >-
      Names of those whose files and folders are handed over, besides the one to whom the folder itself belongs. Names
      that nobody has are passed over.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Hand the notebooks over
  folder_owner:
    path: /srv/notebooks
    owner: ada
    group: ada
"""

RETURN = r"""
left:
  description: Paths of what belongs to somebody else still.
  type: list
  elements: str
  returned: success
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import accounts, files, trees


def hand_over(module: AnsibleModule, owner_now: int) -> list[str]:
    """Do it, and return what stays somebody else's. Fails where that cannot be done."""
    path, owner = module.params["path"], module.params["owner"]
    account, gid = accounts.find(owner), accounts.find_group(module.params["group"])
    if account is None or gid is None:
        module.fail_json(msg=f"{path} should belong to {owner}:{module.params['group']}, which does not exist.")
    former = [found.pw_uid for found in map(accounts.find, module.params["former"]) if found]
    try:
        left: list[str] = trees.give(path, [owner_now, *former], account.pw_uid, gid)
    except (trees.TreeError, OSError) as error:
        module.fail_json(msg=f"{path} cannot be handed over to {owner}: {error}")
    return left


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "owner": {"type": "str", "required": True},
            "group": {"type": "str", "required": True},
            "former": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    path, owner = module.params["path"], module.params["owner"]

    try:
        owner_now = os.stat(path).st_uid
    except OSError as error:
        module.fail_json(msg=f"{path} cannot be handed over to {owner}: {error.strerror}.")
    before = files.user_name(owner_now)
    changed = before != owner
    left = hand_over(module, owner_now) if changed and not module.check_mode else []
    if left:
        others = f", nor {len(left) - 1} more in {path}" if len(left) > 1 else ""
        module.warn(
            f"{left[0]} is not handed over to {owner}{others}: it has been somebody else's. Where it should, chown it."
        )

    module.exit_json(
        changed=changed,
        left=left,
        diff={"before": f"{before} {path}\n" if changed else "", "after": f"{owner} {path}\n" if changed else ""},
    )


if __name__ == "__main__":
    main()
