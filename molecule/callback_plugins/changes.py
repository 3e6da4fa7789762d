# SPDX-License-Identifier: Apache-2.0
"""Keep what a playbook changed, so that what check mode predicted can be compared with what was done."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no types
    """Write `changes/PLAYBOOK.check` or `.run`: the names of the tasks that changed something, by host."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "changes"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Settle where to write."""
        cache = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"], ".cache/molecule", os.environ["MOLECULE_SCENARIO_NAME"])
        kind = "check" if context.CLIARGS["check"] else "run"
        self._file = cache / "changes" / f"{Path(playbook._file_name).stem}.{kind}"  # noqa: SLF001  (it has no public name)
        self._changes: dict[str, list[str]] = {}

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note a task that changed something."""
        tasks = self._changes.setdefault(result.host.get_name(), [])
        if result.is_changed():
            tasks.append(result.task.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ARG002  (Ansible's signature)
        """Write the changes."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self._changes, indent=2) + "\n")
