# SPDX-License-Identifier: Apache-2.0
"""The module file_tree, on the controller in Ansible's own process, because a new one takes half a second."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import file_trees, files


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Keep files and folders of this machine as whoever runs Ansible, or let the module do so."""

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._connection.transport != "local" or self._connection.become:
            result.update(self._execute_module(task_vars=task_vars))
            return result
        _, asked = self.validate_argument_spec(file_trees.ARGUMENT_SPEC)
        try:
            result.update(file_trees.keep(asked["entries"], self._task.check_mode))
        except (files.FilesError, OSError) as error:
            raise AnsibleActionFail(str(error)) from error
        return result
