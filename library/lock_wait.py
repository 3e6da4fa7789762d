#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Wait until nobody holds some locks; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: lock_wait
short_description: Wait until nobody holds some locks
version_added: "1.0.0"
description:
  - Waits for whoever works on what the locks are for, such as a run of M(python_environment) that was cut short on the
    controller and goes on here. Fails after some time with the name of the process.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  paths:
    description: The files of the locks. One that is not there is held by nobody.
    type: list
    elements: path
    required: true
  timeout:
    description: For how many seconds each of them is waited for.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Wait until nobody builds the environment
  lock_wait:
    paths: [/opt/reachable/server.lock]
"""

RETURN = r"""
paths:
  description: The locks that were there, and which nobody holds now.
  type: list
  elements: str
  returned: success
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import locks


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "required": True},
            "timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    paths = [path for path in module.params["paths"] if os.path.lexists(path)]
    if not module.check_mode:
        try:
            for path in paths:
                locks.wait_for(path, module.params["timeout"])
        except (OSError, locks.LockError) as error:
            module.fail_json(msg=str(error))
    module.exit_json(changed=False, paths=paths)


if __name__ == "__main__":
    main()
