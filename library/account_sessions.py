#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""End whatever an account has open that is to have no session; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: account_sessions
short_description: End the sessions of an account that is to have none
version_added: "1.0.0"
description:
  - Lets the account expire, so that no way in opens another session, then ends those that are open, with all that runs
    in them, and takes lingering away. Services that run as the account go on.
  - For Linux. Where no logind runs, there are no sessions to end.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    description: Shows what the account has open.
  idempotent:
    support: full
options:
  name:
    description: The account. Without one of this name there is nothing to end.
    type: str
    required: true
  processes:
    description: >-
      Whether all its processes are to end, wherever they run, also what has detached itself from a service. That is so
      before root moves what they could write to, and where its home is another one now, which usermod(8) refuses to
      write down while there are any. Its services have to be stopped beforehand.
    type: bool
    default: false
  services:
    description: >-
      The services that are stopped beforehand. Where systemd or supervisord still keeps one alive, as in check mode,
      its processes are not counted.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: End what the notebook user has open
  account_sessions:
    name: jupyter
"""

RETURN = r"""
open:
  description: What the account had open, of C(lingering), C(session) and C(processes).
  type: list
  elements: str
  returned: success
  sample: [lingering, session]
"""

import time
from typing import TYPE_CHECKING

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import accounts, processes

if TYPE_CHECKING:
    import pwd
    from collections.abc import Callable

END_SECONDS = 20.0


def what_is_open(account: pwd.struct_passwd, with_processes: bool, services: list[str]) -> list[str]:
    """Name what an account has open, beside some services."""
    found = {
        "lingering": accounts.lingers(account.pw_name),
        "session": accounts.has_session(account.pw_uid),
        "processes": with_processes and bool(processes.of_user(account.pw_uid, services)),
    }
    return [name for name, is_open in found.items() if is_open]


def end(module: AnsibleModule, account: pwd.struct_passwd, is_open: list[str]) -> None:
    """End what is open. Fails where something goes on."""

    def run(program: str, *arguments: str, check: bool = False) -> None:
        module.run_command([module.get_bin_path(program, True), *arguments], check_rc=check)

    run("usermod", "--expiredate", accounts.EXPIRED_ON, account.pw_name, check=True)
    if "lingering" in is_open:
        run("loginctl", "disable-linger", account.pw_name, check=True)
    if {"lingering", "session"} & {*is_open}:
        # Who has just ended the last one himself is not known any more, which is no error.
        run("loginctl", "terminate-user", account.pw_name)
        if not comes_true(lambda: not accounts.has_session(account.pw_uid)):
            module.fail_json(
                msg=f"The sessions of {account.pw_name} do not end: look at loginctl user-status {account.pw_name}."
            )
        # It has failed where only the lingering of an account that had expired already tried to start it.
        run("systemctl", "reset-failed", f"user@{account.pw_uid}.service")
    if "processes" in is_open and (left := processes.end_all(account.pw_uid, END_SECONDS)):
        module.fail_json(
            msg=f"Processes of {account.pw_name} do not end, {left}: restart the host, and run this again."
        )


def comes_true(condition: Callable[[], bool]) -> bool:
    """Wait for a condition for some time, and tell whether it came true."""
    deadline = time.monotonic() + END_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(processes.PAUSE_SECONDS)
    return condition()


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "processes": {"type": "bool", "default": False},
            "services": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    name = module.params["name"]
    account = accounts.find(name)
    if account and account.pw_uid == 0:
        module.fail_json(msg=f"name: {name} is root, whose sessions are not ended.")
    is_open = what_is_open(account, module.params["processes"], module.params["services"]) if account else []
    if account and is_open and not module.check_mode:
        end(module, account, is_open)
    before = "".join(f"{name}: {each}\n" for each in is_open)
    module.exit_json(changed=bool(is_open), open=is_open, diff={"before": before, "after": ""})


if __name__ == "__main__":
    main()
