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
  - Starts supervisord if it does not run, makes it read its files again, and starts, restarts or ends one program.
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
    description: >-
      V(restarted) also starts a program that does not run. V(absent) ends one whose definition is gone, and
      supervisord with the last.
    type: str
    choices: [started, restarted, absent]
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
  description: The process; 0 where there is none, or where check mode could not know it.
  type: int
  returned: success
"""

import time
import xmlrpc.client
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import supervisord

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


def read_again(api: Any, name: str) -> bool:
    """Let supervisord take over the program's definition if it is new or changed, and start it; tell if so."""
    added, changed, _ = api.reloadConfig()[0]
    if name in changed:
        forget(api, name)
    taken_over = name in added or name in changed
    if taken_over:
        api.addProcessGroup(name)
    return taken_over


def settled(api: Any, name: str) -> dict[str, Any]:
    """Wait until it is known whether a program that is being started stays up; return what supervisord says of it."""
    while True:
        info: dict[str, Any] = api.getProcessInfo(name)
        if info["statename"] != "STARTING":
            return info
        time.sleep(0.1)


def ensure(api: Any, name: str, restart: bool) -> dict[str, Any]:
    """Start the program, or stop and start it; return what supervisord says of it then."""
    restart = not read_again(api, name) and restart
    state = settled(api, name)["statename"]
    # BACKOFF waits for its next try and cannot be started before it is stopped.
    if state == "BACKOFF" or (restart and state == "RUNNING"):
        api.stopProcess(name)
    if restart or state != "RUNNING":
        try:
            api.startProcess(name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != supervisord.ALREADY_STARTED:  # supervisord starts what is new to it by itself
                raise
    return settled(api, name)


def forget(api: Any, name: str) -> None:
    """End a program and let supervisord forget it."""
    api.stopProcessGroup(name)
    api.removeProcessGroup(name)


def shut_down(api: Any, socket: str) -> None:
    """End supervisord and wait until it has gone, unless it has other programs, or is what a container runs."""
    if api.getAllProcessInfo() or api.getPID() == 1:
        return
    api.shutdown()
    while supervisord.connect(socket):
        time.sleep(0.1)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"choices": ["started", "restarted", "absent"], "default": "started"},
            "supervisord": {"type": "path", "required": True},
            "config": {"type": "path", "required": True},
            "socket": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    name, state = module.params["name"], module.params["state"]
    restart = state == "restarted"

    api = supervisord.connect(module.params["socket"])
    before = supervisord.program_info(api, name) if api else None
    if state == "absent":
        if before and not module.check_mode:
            forget(api, name)
            shut_down(api, module.params["socket"])
        module.exit_json(changed=before is not None, pid=0)
    changed = restart or before is None or before["statename"] not in ("RUNNING", "STARTING")
    if module.check_mode or not changed:
        module.exit_json(changed=changed, pid=before["pid"] if before else 0)

    try:
        after = ensure(api or start_supervisord(module), name, restart and api is not None)
    except xmlrpc.client.Fault as fault:
        module.fail_json(msg=f"supervisord cannot start {name}, {fault.faultString}: see its log.")
    if after["statename"] != "RUNNING":
        module.fail_json(msg=f"supervisord cannot start {name}, {after['spawnerr']}: see its log.")
    module.exit_json(changed=True, pid=after["pid"])


if __name__ == "__main__":
    main()
