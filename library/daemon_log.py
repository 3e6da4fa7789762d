#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Read the logs of services; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: daemon_log
short_description: Read and follow the logs of services, whoever keeps them
version_added: "1.0.0"
description:
  - Returns what services have written, merged by time, and what their service manager says of them. That is the journal
    where systemd runs, else the files of supervisord or launchd, with those that were put aside when they had become
    too long. launchd itself says nothing of its services.
  - The answer has a cursor. Asking again with it gives exactly what came after, also when services, files or the host
    were changed in between.
  - A line of a file has the time that stands at its head, or else that of the line before. It counts as soon as it is
    complete.
  - The action of the same name runs it and, unless O(show) says otherwise, shows the lines instead of returning them.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
    description: Nothing is changed in any mode.
  diff_mode:
    support: none
    description: There is nothing to show.
  idempotent:
    support: full
options:
  name:
    description: The services.
    type: list
    elements: str
    required: true
  since:
    description: >-
      Where to begin, in the words of C(journalctl --since), such as V(10 min ago), V(today), V(10:00) or
      V(2026-11-26 10:00), by the host's clock. Lines whose time is not known are among what is returned.
    type: str
  lines:
    description: How many of the last lines are wanted where neither O(since) nor O(cursor) says where to begin.
    type: int
    default: 200
  cursor:
    description: Where an earlier answer ended. O(since) then has no meaning.
    type: str
  folder:
    description: The folder with the files, which are named after the services. By default the journal is read.
    type: path
  labels:
    description: For the action, what to call the services where there are several. By default it is their names.
    type: dict
    default: {}
  follow:
    description: >-
      For the action, whether to go on with what is written from now on, until it is interrupted. Connections that break
      are said and made anew.
    type: bool
    default: false
  show:
    description: For the action, whether it shows the lines, or returns them as the module does.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Show what the server has written since yesterday
  daemon_log:
    name: [reachable-jupyter]
    since: yesterday

- name: Show what it and its tunnel write from now on
  daemon_log:
    name: [reachable-jupyter, reachable-ngrok]
    labels: {reachable-jupyter: jupyter, reachable-ngrok: ngrok}
    lines: 0
    follow: true
"""

RETURN = r"""
lines:
  description: What was written, the oldest first, of a long log at most 5000 lines at once.
  type: list
  elements: dict
  returned: success, except from the action that shows them
  contains:
    daemon:
      description: The service.
      type: str
    time:
      description: When it was written, in seconds since 1970; null where that is not known.
      type: float
    text:
      description: The line. Of a long one, its beginning.
      type: str
  sample: [{daemon: reachable-jupyter, time: 1795692746.13, text: Kernel started}]
cursor:
  description: Where this answer ended.
  type: str
  returned: success
more:
  description: Whether there was more to return.
  type: bool
  returned: success, except from the action
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import daemon_logs


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=daemon_logs.ARGUMENT_SPEC, supports_check_mode=True)
    try:
        answer = daemon_logs.answer(module.params)
    except daemon_logs.LogError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **answer)


if __name__ == "__main__":
    main()
