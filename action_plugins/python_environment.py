# SPDX-License-Identifier: Apache-2.0
"""Bring the controller's pip along with the module python_environment, for a host that has neither uv nor pip."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.action import ActionBase

sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable.portable_pip import portable_pip


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Run the module, with pip where uv may have to be installed."""

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self._task.args
        if any(Path(arguments["uv"]).is_relative_to(each["path"]) for each in arguments["environments"]):
            try:
                arguments = {**arguments, "pip": base64.b64encode(portable_pip()).decode()}
            except ImportError as error:
                raise AnsibleActionFail(missing_required_lib("pip")) from error
        result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        return result
