#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Find what a person's own configuration of Jupyter has against another one; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: jupyter_config_info
short_description: Find what a person's own configuration of Jupyter has against another one
version_added: "1.0.0"
description:
  - Jupyter reads files in many folders, under new and old names. This module compares what they set with O(settings),
    which stand in a C(jupyter_server_config.json) in the folder that beats all others (C(JUPYTER_CONFIG_PATH)), and
    reports by file, line and key what has no effect beside them, and what wins over them all the same.
  - It reads C(jupyter_server_config), C(jupyter_config), C(jupyter_notebook_config) and C(jupyter_lab_config), each as
    C(.json) and as C(.py). A C(.py) file is parsed and never run, so a value that is worked out only then counts as
    another one. The folders C(jupyter_server_config.d) are left out, because Jupyter takes nothing but extensions
    from there.
  - Run by root it reads as O(user), so that a link in a home leads no further than that user may go.
  - What beats what was measured with Jupyter Server 2.21, JupyterLab 4.6, Notebook 7.6 and nbclassic 1.3 in one server.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  user:
    description: The user as whom the server runs. One that does not exist yet has nothing of its own.
    type: str
    required: true
  folders:
    description: The folders, the first beats the next. C(~) is the home of O(user).
    type: list
    elements: str
    default: [~/.jupyter, /usr/local/etc/jupyter, /etc/jupyter]
  settings:
    description: The settings, C(Class) to C(trait) to value, with which the files are compared.
    type: dict
    required: true
  remedies:
    description: >-
      For each trait what to do instead. Those that O(settings) do not have are ones that the server must not have from
      elsewhere, either.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: See what of Ada's own configuration matters
  jupyter_config_info:
    user: ada
    settings:
      ServerApp:
        ip: 127.0.0.1
    remedies:
      ip: use jupyter_listen
      certfile: leave it out
  register: config
"""

RETURN = r"""
conflicts:
  description: >-
    The settings that differ, without their values, sorted. C(effect) is V(loses) for one that has no effect, and
    V(wins) for one that wins.
  type: list
  elements: dict
  returned: success
  sample:
    - file: /home/ada/.jupyter/jupyter_notebook_config.py
      line: 3
      class: NotebookApp
      trait: ip
      effect: loses
      instead: use jupyter_listen
problems:
  description: The files that cannot be read as a whole, with the line where there is one, else 0.
  type: list
  elements: dict
  returned: success
  sample:
    - file: /home/ada/.jupyter/jupyter_server_config.json
      line: 7
      problem: it is malformed (Expecting value), so Jupyter skips it
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import jupyter_configs


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "user": {"type": "str", "required": True},
            "folders": {
                "type": "list",
                "elements": "str",
                "default": ["~/.jupyter", "/usr/local/etc/jupyter", "/etc/jupyter"],
            },
            "settings": {"type": "dict", "required": True},
            "remedies": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    user, folders, settings, remedies = (module.params[key] for key in ("user", "folders", "settings", "remedies"))

    found = jupyter_configs.read_as(user, folders, jupyter_configs.traits_of(settings, remedies))

    module.exit_json(
        changed=False,
        conflicts=jupyter_configs.conflicts(found["settings"], settings, remedies),
        problems=found["problems"],
    )


if __name__ == "__main__":
    main()
