# SPDX-License-Identifier: Apache-2.0
"""The module jupyter_password, in Ansible's own process, because a new one takes longer than the work; see library/."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.action import ActionBase

sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import proofs

try:
    from reachable import passwords
except ImportError:
    passwords = None  # type: ignore[assignment]

ARGUMENT_SPEC = {
    "password": {"type": "str", "no_log": True},
    "password_hash": {"type": "str", "no_log": True},
    "password_file": {"type": "path", "required": True, "no_log": False},
    "current_hash": {"type": "str", "default": "", "no_log": True},
    "current_proof_key": {"type": "str", "default": "", "no_log": True},
    "generate": {"type": "bool", "default": True},
    "adopted_hash": {"type": "str", "no_log": True},
    "adopted_from": {"type": "str", "default": ""},
    "allow_weak": {"type": "bool", "default": False},
    "public": {"type": "bool", "default": False},
}

EXCLUSIVE = [("password", "password_hash"), ("password_hash", "adopted_hash")]


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Decide which hash belongs into the configuration."""

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if passwords is None:
            raise AnsibleActionFail(missing_required_lib("libpass"))
        _, options = self.validate_argument_spec(ARGUMENT_SPEC, mutually_exclusive=EXCLUSIVE)
        try:
            return result | settle(options, self._task.check_mode)
        except passwords.RefusedError as error:
            return result | {"failed": True, "msg": str(error)}


def settle(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Decide, keep a password that is new, and return the action's result. Raises RefusedError."""
    path = options["password_file"]
    kept = passwords.read_kept(path, options["current_hash"])
    decision, generated = passwords.resolve(options, kept.password)
    if kept.taken is not None and not check_mode:
        passwords.end_rotation(path, kept.taken)
    if generated and not check_mode:
        passwords.store(path, generated)

    exposed = os.path.exists(path) and stat.S_IMODE(os.stat(path).st_mode) & 0o077 != 0
    if exposed and not check_mode:
        os.chmod(path, 0o600)

    changed = decision.hash != options["current_hash"]
    return {
        "changed": changed or bool(generated) or exposed or kept.taken is not None,
        "diff": {"before": "", "after": f"new hash: {decision.reason}\n" if changed else ""},
        "warnings": passwords.tell_in_force(kept, decision.source, path),
        "proof_key": proofs.kept_or_new(options["current_proof_key"]),
        **decision._asdict(),
    }
