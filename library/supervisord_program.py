#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Keep a program running under supervisord; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: supervisord_program
short_description: Keep a program running under a supervisord of our own
version_added: "1.0.0"
description:
  - Starts supervisord if it does not run, makes it read its files again, and starts or restarts one program.
  - M(community.general.supervisorctl) needs a supervisord that runs already, and cannot predict anything where
    supervisord is still to be installed.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
    description: Does not compare a definition that changed on disk; whoever wrote it knows that it changed.
  diff_mode:
    support: none
  idempotent:
    support: partial
    description: V(restarted) always changes.
options:
  name:
    description: The program's name in supervisord's files.
    type: str
    required: true
  state:
    description: V(restarted) also starts a program that does not run.
    type: str
    choices: [started, restarted]
    default: started
  supervisord:
    description: The executable.
    type: path
    required: true
  config:
    description: The file that supervisord reads.
    type: path
    required: true
  socket:
    description: The socket that this file names.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Start Jupyter
  supervisord_program:
    name: reachable-jupyter
    supervisord: /opt/reachable/tools/bin/supervisord
    config: /opt/reachable/etc/supervisord.conf
    socket: /opt/reachable/etc/supervisord.sock
"""

RETURN = r"""
pid:
  description: The process; 0 where check mode could not know it.
  type: int
  returned: success
"""

import xmlrpc.client
from typing import Any

from ansible.module_utils import supervisord
from ansible.module_utils.basic import AnsibleModule

# Everything else that a program should have in its environment stands in its definition.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def start_supervisord(module: AnsibleModule) -> Any:
    """Start supervisord with a bare environment, which its programs inherit; return its API."""
    bare = ["env", "-i", *(f"{name}={value}" for name, value in ENVIRONMENT.items())]
    module.run_command([*bare, module.params["supervisord"], "-c", module.params["config"]], check_rc=True)
    api = supervisord.connect(module.params["socket"])
    if api is None:
        module.fail_json(msg=f"supervisord started, but nothing answers at {module.params['socket']}: see its log.")
    return api


def read_again(api: Any, name: str) -> None:
    """Let supervisord take over the program's definition if it is new or changed."""
    added, changed, _ = api.reloadConfig()[0]
    if name in changed:
        api.stopProcessGroup(name)
        api.removeProcessGroup(name)
    if name in added or name in changed:
        api.addProcessGroup(name)


def ensure(api: Any, name: str, restart: bool) -> None:
    """Start the program, or stop and start it; returns once it has been up for a second."""
    read_again(api, name)
    if restart and api.getProcessInfo(name)["statename"] == "RUNNING":
        api.stopProcess(name)
    if api.getProcessInfo(name)["statename"] not in ("RUNNING", "STARTING"):
        api.startProcess(name)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"choices": ["started", "restarted"], "default": "started"},
            "supervisord": {"type": "path", "required": True},
            "config": {"type": "path", "required": True},
            "socket": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    name = module.params["name"]
    restart = module.params["state"] == "restarted"

    api = supervisord.connect(module.params["socket"])
    before = supervisord.program_info(api, name) if api else None
    changed = restart or before is None or before["statename"] != "RUNNING"
    if module.check_mode or not changed:
        module.exit_json(changed=changed, pid=before["pid"] if before else 0)

    try:
        ensure(api or start_supervisord(module), name, restart)
        after = supervisord.program_info(supervisord.connect(module.params["socket"]), name)
    except xmlrpc.client.Fault as fault:
        module.fail_json(msg=f"supervisord cannot start {name}, {fault.faultString}: see its log.")
    module.exit_json(changed=True, pid=after["pid"] if after else 0)


if __name__ == "__main__":
    main()
