# SPDX-License-Identifier: Apache-2.0
"""The module doctor_info, on the controller in Ansible's own process, because a new one takes half a second."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.action import ActionBase

sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import examination, visitor


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Examine addresses from here, or let the module do so on the host."""

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._connection.transport != "local":
            result.update(self._execute_module(task_vars=task_vars))
            return result
        _, asked = self.validate_argument_spec(examination.ARGUMENT_SPEC)
        options = examination.options_of(asked)
        if options.password and not options.anonymous and visitor.WEBSOCKET_ERROR:
            raise AnsibleActionFail(missing_required_lib("websocket-client"))
        return {**result, "changed": False, "endpoints": examination.examine_all(asked["endpoints"], options)}
