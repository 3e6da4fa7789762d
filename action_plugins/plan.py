# SPDX-License-Identifier: Apache-2.0
"""The action plan: brings the thinking together with Ansible, which see module_utils/reachable/plan."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "module_utils"))
from reachable import files, given
from reachable.plan import declaration, lab, refusals

ARGUMENT_SPEC = {
    "values": {"type": "dict", "required": True},
    "names": {"type": "list", "elements": "str", "required": True},
    "specs": {"type": "dict", "required": True},
    "platform": {"type": "str", "choices": ["linux", "macos"], "required": True},
    "scope": {"type": "str", "choices": ["system", "user"], "required": True},
    "home": {"type": "str", "required": True},
    "pulled": {"type": "bool", "default": False},
    "kept": {"type": "dict", "required": True},
    "place": {"type": "str", "required": True},
    "only_kept": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Refuse what cannot be meant."""

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(ARGUMENT_SPEC)
        sentences = problems((task_vars or {})["inventory_hostname"], options)
        if options["only_kept"]:
            sentences = given.about(sentences, options["kept"])
        if sentences:
            raise AnsibleActionFail("\n".join(given.with_place(sentences, options["kept"], options["place"])))
        return result


def problems(host: str, options: dict[str, Any]) -> list[str]:
    """Return what is wrong with the declaration. Values are looked at once all are of the right kind."""
    wrong_kinds = declaration.wrong_kinds(options["values"], options["specs"])
    sentences = wrong_kinds + declaration.unknown_names(options["names"], options["specs"])
    if wrong_kinds:
        return sentences
    wanted = declaration.read(options["values"], options["specs"])
    return [*sentences, *refusals.of_declaration(wanted, surroundings(host, wanted, options))]


def surroundings(host: str, wanted: declaration.Declaration, options: dict[str, Any]) -> refusals.Surroundings:
    """Look at what counts of the controller."""
    folders = [each for each in (wanted.reachable_secrets_dir, wanted.reachable_cards_dir) if os.path.isabs(each or "")]
    file = wanted.jupyter_requirements_file or ""
    # Reading them takes a moment, and most people set nothing of the kind.
    schemas = ROOT / "requirements/server.schemas.json" if lab.plugin_settings(wanted.jupyter_settings) else None
    return refusals.Surroundings(
        host=host,
        platform=options["platform"],
        scope=options["scope"],
        home=options["home"],
        pulled=options["pulled"],
        unwritable=frozenset(each for each in folders if each and not files.is_writable_folder(each)),
        requirements=Path(file).read_text(encoding="utf-8") if os.path.isabs(file) and os.path.isfile(file) else None,
        schemas=json.loads(schemas.read_text(encoding="utf-8")) if schemas else {},
    )
