# SPDX-License-Identifier: Apache-2.0
"""Show at once what the module daemon_log reads on the host."""

from __future__ import annotations

import multiprocessing
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import daemon_logs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PAUSE_SECONDS = 1.0
# What a terminal would obey: colours, which are left out, and all else, which is shown as what it is.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Show the lines, each with the host and the service that it is from where there are several."""

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, asked = self.validate_argument_spec(daemon_logs.ARGUMENT_SPEC)
        variables = task_vars or {}
        if not asked["show"]:
            result.update(self._execute_module(task_vars=variables))
            return result
        self._host = variables["inventory_hostname"]
        labels = {name: asked["labels"].get(name, name) for name in asked["name"]}
        host = column(self._host, variables["ansible_play_hosts_all"])
        heads = {name: host + column(label, labels.values()) for name, label in labels.items()}

        answer: dict[str, Any] = {}
        for answer in self._answers(asked["cursor"], asked["follow"], variables):
            lines = answer.get("lines", [])
            if lines:
                display.display("\n".join(heads[line["daemon"]] + harmless(line["text"]) for line in lines))
            for name in {line["daemon"] for line in lines if asked["since"] and line["time"] is None}:
                display.warning(f"The lines of {labels[name]} on {self._host} have no times, so all of them are shown.")
        return result | {key: value for key, value in answer.items() if key not in ("lines", "more")}

    def _answers(self, cursor: str | None, follow: bool, variables: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield what the module answers, until there is no more, or for ever."""
        has_answered = False
        trouble = ""
        while is_wanted():
            try:
                answer = self._execute_module(module_args={**self._task.args, "cursor": cursor}, task_vars=variables)
            except AnsibleError as error:
                if not has_answered:
                    raise
                answer = {"failed": True, "msg": str(error)}
            if has_answered and answer.get("failed"):
                if not trouble:
                    trouble = " ".join(answer["msg"].split())
                    tell(f"{self._host} does not answer now, and is asked until it does: {trouble}")
            else:
                if trouble:
                    trouble = ""
                    tell(f"{self._host} answers again.")
                yield answer
                if answer.get("failed") or not (follow or answer["more"]):
                    return
                has_answered, cursor = follow, answer["cursor"]
                if answer["more"]:
                    continue
            time.sleep(PAUSE_SECONDS)


def is_wanted() -> bool:
    """Tell whether there is still somebody to show anything to; this process is on its own and would not notice."""
    parent = multiprocessing.parent_process()
    return parent is None or parent.is_alive()


def tell(text: str) -> None:
    """Say something that is no line of a log."""
    display.display(text, stderr=True)


def column(text: str, alternatives: Collection[str]) -> str:
    """Return the column that tells a text from its alternatives; nothing where there are none."""
    return f"{text:{max(map(len, alternatives))}} | " if len(alternatives) > 1 else ""


def harmless(text: str) -> str:
    """Return a line as it can be shown on a terminal."""
    return CONTROL.sub(lambda sign: f"\\x{ord(sign[0]):02x}", COLOUR.sub("", text))
