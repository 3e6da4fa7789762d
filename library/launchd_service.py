#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Keep a program running under launchd; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: launchd_service
short_description: Keep a program running under launchd
version_added: "1.0.0"
description:
  - Lets launchd take over the definition of a job, starts, restarts or ends it, and waits until that is so.
  - Root's jobs are in the domain C(system). Those of others are in C(gui/UID), or while that user is not logged in at
    the screen in C(user/UID), from which they are gone after a restart of the machine.
  - M(community.general.launchd) uses the old commands of launchctl, which report success whatever happens, and cannot
    name a domain.
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
    description: The job's label.
    type: str
    required: true
  state:
    description: >-
      V(started) leaves a job alone that runs as it is defined. V(restarted) lets launchd read the definition anew, and
      also starts what does not run. Both enable a job that was disabled. V(absent) ends a job, whether its definition
      is there or not.
    type: str
    choices: [started, restarted, absent]
    default: started
  path:
    description: >-
      The property list that defines the job. The file for its output is made if it is missing, for the user as whom it
      runs, because launchd opens it with no more than that user's rights.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Start Jupyter
  launchd_service:
    name: reachable-jupyter
    path: /Library/LaunchDaemons/reachable-jupyter.plist
"""

RETURN = r"""
pid:
  description: The process; 0 where there is none, or where check mode could not know it.
  type: int
  returned: success
domain:
  description: The domain in which the job is, or is to be.
  type: str
  returned: success
"""

import grp
import os
import pwd
import stat
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import launchd

POLL_SECONDS = 0.2
START_SECONDS = 10.0
# A program that cannot work ends at once.
SETTLE_SECONDS = 1.0
# What launchd has on top of a job's own time to end, and that time where the job does not say.
GRACE_SECONDS = 10.0
EXIT_SECONDS = 20.0
ALREADY_RUNNING = 37
OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Failure(Exception):  # noqa: N818 - the outcome of a task, in Ansible's own word
    """launchd does not do what it should; the text is the sentence that says why."""


def is_up(job: launchd.Job | None, domain: str, path: str) -> bool:
    """Tell whether a job is where it belongs, as it is defined, and runs if it is to be kept alive."""
    return (
        job is not None
        and job.domain == domain
        and launchd.is_defined_by(job, path)
        and (job.runs or (job.state not in launchd.ENDING and not launchd.definition(path).get("KeepAlive")))
    )


def end(name: str, seconds: float) -> None:
    """Let launchd forget a job, in whichever domain, and wait until it has: bootout answers before that."""
    while job := launchd.find(name):
        launchd.launchctl("bootout", launchd.target(job.domain, name))
        deadline = time.monotonic() + seconds + GRACE_SECONDS
        while (found := launchd.find(name)) and found.domain == job.domain:
            if time.monotonic() > deadline:
                words = f"which is {found.state} still: see what process {found.pid} does"
                raise Failure(f"launchd cannot end {name}, {words}.")
            time.sleep(POLL_SECONDS)


def make_log(definition: dict[str, Any]) -> None:
    """Make the file for a job's output if it is missing, for the user as whom it runs."""
    path, user, group = (definition.get(key) for key in ("StandardOutPath", "UserName", "GroupName"))
    if path and not os.path.lexists(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        if user:
            os.fchown(descriptor, pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid if group else -1)
        os.close(descriptor)


def take_over(name: str, domain: str, path: str) -> None:
    """Let launchd read a definition. It may need a moment to get over the job of before."""
    if name in launchd.disabled(domain):
        launchd.launchctl("enable", launchd.target(domain, name))
    deadline = time.monotonic() + START_SECONDS
    while (answer := launchd.launchctl("bootstrap", domain, path)).code:
        if launchd.find(name):
            return
        if time.monotonic() > deadline:
            raise Failure(f"launchd does not take {path}, {reason(name, domain, path) or answer.error}.")
        time.sleep(POLL_SECONDS)


def reason(name: str, domain: str, path: str) -> str:
    """Say why launchd does not take a definition, where that can be seen; it often says no more than "5"."""
    found = os.stat(path)
    if name in launchd.disabled(domain):
        return f"because {name} is disabled and must not be enabled"
    if found.st_uid != os.geteuid() or found.st_mode & OF_OTHERS:
        return "because it belongs to somebody else, or others may write to it"
    return ""


def start(name: str, domain: str, path: str) -> int:
    """Start what launchd has taken over, if it has not done so, and return its process once it is seen to stay."""
    answer = launchd.launchctl("kickstart", launchd.target(domain, name))
    if answer.code not in (0, ALREADY_RUNNING):
        raise Failure(f"launchd cannot start {name}: {answer.error}")
    definition = launchd.definition(path)
    if not definition.get("KeepAlive"):
        return 0
    deadline = time.monotonic() + START_SECONDS
    pid, since = 0, time.monotonic()
    while pid == 0 or time.monotonic() < since + SETTLE_SECONDS:
        job = launchd.find(name)
        if job is None or time.monotonic() > deadline:
            words = f"{job.state}, last exit code {job.last_exit}" if job else "it has forgotten it"
            raise Failure(f"launchd cannot start {name} ({words}): see {definition.get('StandardOutPath')}.")
        if job.pid != pid:
            pid, since = job.pid, time.monotonic()
        time.sleep(POLL_SECONDS)
    return pid


def reload(name: str, domain: str, path: str) -> int:
    """Let launchd read a definition anew; return the process."""
    definition = launchd.definition(path)
    if definition.get("Label") != name:
        raise Failure(f"{path} does not define {name}: write it first.")
    end(name, definition.get("ExitTimeOut", EXIT_SECONDS))
    make_log(definition)
    take_over(name, domain, path)
    return start(name, domain, path)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"choices": ["started", "restarted", "absent"], "default": "started"},
            "path": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    name, state, path = (module.params[option] for option in ("name", "state", "path"))

    domain = launchd.lasting_domain()
    job = launchd.find(name)
    is_disabled = name in launchd.disabled(domain)
    if state == "absent":
        changed = job is not None
    else:
        changed = state == "restarted" or is_disabled or not is_up(job, domain, path)
    pid = 0 if state == "absent" or job is None else job.pid

    if changed and not module.check_mode:
        try:
            if state == "absent":
                end(name, launchd.definition(path).get("ExitTimeOut", EXIT_SECONDS))
            else:
                pid = reload(name, domain, path)
        except Failure as failure:
            module.fail_json(msg=str(failure))
    if is_disabled and state == "absent" and not module.check_mode:
        # What launchd keeps of it cannot be removed, but be made to say nothing.
        launchd.launchctl("enable", launchd.target(domain, name))
    module.exit_json(changed=changed, pid=pid, domain=domain)


if __name__ == "__main__":
    main()
