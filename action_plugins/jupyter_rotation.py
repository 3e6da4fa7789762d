# SPDX-License-Identifier: Apache-2.0
"""The module jupyter_rotation, in Ansible's own process; see library/."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.action import ActionBase

sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import examination

try:
    from reachable import passwords, rotation
except ImportError:
    passwords = rotation = None  # type: ignore[assignment]

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["begun", "finished"], "required": True},
    "password_file": {"type": "path", "required": True, "no_log": False},
    "new_password": {"type": "str", "no_log": True},
    "config": {"type": "str", "no_log": True},
    "allow_weak": {"type": "bool", "default": False},
    "public": {"type": "bool", "default": False},
    "endpoints": {"type": "list", "elements": "dict", "options": examination.ADDRESS_SPEC},
    "before": {"type": "dict", "no_log": True},
    "timeout": {"type": "float", "default": 30},
    "wait": {"type": "float", "default": 0},
}
REQUIRED_IF = [("state", "begun", ["config", "endpoints"]), ("state", "finished", ["before"])]


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Begin or finish the change of a password."""

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if rotation is None:
            raise AnsibleActionFail(missing_required_lib("libpass"))
        _, options = self.validate_argument_spec(ARGUMENT_SPEC, required_if=REQUIRED_IF)
        work = rotation.begin if options["state"] == "begun" else rotation.finish
        try:
            result |= work(options, self._task.check_mode)
        except (passwords.RefusedError, rotation.UnprovenError) as error:
            result |= {"failed": True, "msg": str(error)}
        return result
