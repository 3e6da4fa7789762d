#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Tell which packages fit a Python; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: python_platform_info
short_description: Tell which packages fit a Python
version_added: "1.0.0"
description:
  - Says of a Python on a host what decides which wheels can be installed there, so that they can be had elsewhere.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
    description: Nothing is changed in any mode.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  python:
    description: The interpreter.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Ask for what the Python of the system can use
  python_platform_info:
    python: /usr/bin/python3
  register: python
"""

RETURN = r"""
markers:
  description: The values of its environment markers, see https://packaging.python.org/specifications/dependency-specifiers.
  type: dict
  returned: success
  sample: {python_full_version: 3.11.2, sys_platform: linux}
glibc:
  description: The version of glibc, empty where it is another C library.
  type: str
  returned: success
  sample: "2.36"
macos:
  description: The version of macOS, empty elsewhere.
  type: str
  returned: success
  sample: ""
"""

import platform

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable.environments import Failure, interpreter


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"python": {"type": "path", "required": True}},
        supports_check_mode=True,
    )
    try:
        markers = interpreter(module.params["python"]).markers
    except Failure as error:
        module.fail_json(msg=str(error))
    # All Pythons of a machine run on the same C library and system.
    libc, version = platform.libc_ver()
    glibc, macos = version if libc == "glibc" else "", platform.mac_ver()[0]
    module.exit_json(changed=False, markers=markers, glibc=glibc, macos=macos)


if __name__ == "__main__":
    main()
