# SPDX-License-Identifier: Apache-2.0
"""The module given, in Ansible's own process, which alone knows where a variable comes from; see library/."""

from __future__ import annotations

import copy
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.action import ActionBase
from yaml import YAMLError

sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import given
from reachable.plan import steps

ROOT = Path(__file__).resolve().parents[1]
# What requirements/libraries.in names, as it is imported.
LIBRARIES = ("argon2", "jmespath", "jsonschema", "passlib", "rich", "segno", "websocket")

ARGUMENT_SPEC = {
    "folder": {"type": "path", "default": str(ROOT / "inventory")},
    "specs": {"type": "list", "elements": "path", "required": True},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Recall what is kept for a host, and tell who else sets variables."""

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(ARGUMENT_SPEC)
        variables = task_vars or {}
        known = sorted({*self._task.tags} - {"always"})
        chosen, left_out = variables["ansible_run_tags"], variables["ansible_skip_tags"]
        if is_ours():
            check_tags("--tags", chosen, known)
            check_tags("--skip-tags", left_out, known)
        elif not steps.match(chosen, known):
            return result | {"skipped": True, "skip_reason": "The tags are those of another playbook."}
        check_libraries()
        specs = read_specs(options["specs"])
        try:
            file = given.file_for(
                variables["inventory_hostname"], variables["ansible_inventory_sources"], options["folder"]
            )
            found = read_kept(file, specs)
        except given.GivenError as error:
            raise AnsibleActionFail(str(error)) from error
        by_option, declared = self._origins(variables["inventory_hostname"])
        names = [name for name in (*specs, *given.CONNECTION) if name in declared]
        recalled = {"given": [name for name in by_option if name in {**specs, **given.CONNECTION}], "declared": names}
        kept = {name: value for name, value in found.items() if name not in given.known_here(recalled)}
        # Without a single sign in it, it is no file that somebody has edited, but what a crash has left of one.
        is_there = os.path.exists(file) and os.path.getsize(file) > 0
        kept_here = {"file": file, "is_there": is_there, "found": found, "kept": kept}
        return result | recalled | kept_here | {"specs": specs, "project": str(ROOT)}

    def _origins(self, host: str) -> tuple[list[str], set[str]]:
        """Return the names that -e has, and those that the inventory has.

        Without a play and a task Ansible leaves the defaults of roles out.
        """
        manager = copy.copy(self._task.get_variable_manager())
        by_option = [*manager.extra_vars]
        manager._extra_vars = {}  # noqa: SLF001  (it would be among those of the inventory)
        inventory = manager._inventory  # noqa: SLF001  (Ansible has no other way to a host by its name)
        return by_option, {*manager.get_vars(host=inventory.get_host(host), include_hostvars=False)}


def check_tags(option: str, tags: list[str], known: list[str]) -> None:
    """Refuse tags that match none of a playbook's steps. Raises AnsibleActionFail."""
    if tags and not steps.match(tags, known):
        remedy = f"choose from {', '.join(known)}" if known else f"this is done whole, so leave {option} out"
        raise AnsibleActionFail(f"{option}: {', '.join(tags)} matches no step: {remedy}.")


def is_ours() -> bool:
    """Tell whether Ansible was given a playbook of this project, and not one that imports it."""
    return any(Path(playbook).resolve().is_relative_to(ROOT / "playbooks") for playbook in context.CLIARGS["args"])


def check_libraries() -> None:
    """Refuse an Ansible that lacks libraries, which is one that somebody brought. Raises AnsibleActionFail."""
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        raise AnsibleActionFail(
            f"The Python of this Ansible, {sys.executable}, has no {', '.join(missing)}: run '{sys.executable} -m pip"
            f" install -r {ROOT}/requirements/libraries.txt', or use ./reachable, which brings an Ansible of its own."
        )


def read_specs(files: list[str]) -> dict[str, Any]:
    """Return the variables that people set, from the specs of roles."""
    specs: dict[str, Any] = {}
    for file in files:
        specs |= yaml_load(Path(file).read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    return specs


def read_kept(file: str, specs: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept in a file. Raises GivenError."""
    try:
        content = yaml_load(Path(file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise given.GivenError(
            f"{file} cannot be read, {error.strerror}: make it a file that you may read, or move it away."
        ) from error
    except (YAMLError, ValueError) as error:
        words = " ".join(str(getattr(error, "problem", None) or error).split())
        raise given.GivenError(f"{file} is no YAML ({words}): correct it, or remove it.") from error
    kept: dict[str, Any] = given.check_kept(content, specs, file)
    return kept
