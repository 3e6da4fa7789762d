# SPDX-License-Identifier: Apache-2.0
"""Ansible's own sudo, which also gets along with sudo-rs and with a sudo that speaks the host's language.

Ansible waits for a line that begins with its prompt. Since Ubuntu 25.10 sudo is sudo-rs, which writes
``[sudo: PROMPT] Password:``, and has words of its own for what it refuses.
"""

from __future__ import annotations

from ansible.module_utils.common.text.converters import to_bytes
from ansible.plugins.become.sudo import DOCUMENTATION
from ansible.plugins.become.sudo import BecomeModule as Sudo

__all__ = ["DOCUMENTATION", "BecomeModule"]


class BecomeModule(Sudo):  # type: ignore[misc]  # Ansible has no types
    """Become another user with sudo, of whichever make."""

    fail = (*Sudo.fail, "Authentication failed, try again", "incorrect authentication attempt")
    missing = (*Sudo.missing, "interactive authentication is required")

    def build_become_command(self, cmd: str, shell: object) -> str:
        """Return the command, with sudo's words in English. Of all that says so, only this leaves the locale alone."""
        command: str = super().build_become_command(cmd, shell)
        return f"LANGUAGE=en {command}" if cmd else command

    def check_password_prompt(self, b_output: bytes) -> bool:
        """Tell whether sudo asks for the password, whatever it writes around our prompt."""
        return bool(self.prompt) and to_bytes(self.prompt).strip() in b_output

    def _check_password_error(self, b_out: bytes, msg: str) -> bool:
        """Tell whether sudo said this, in English as it is told to."""
        return to_bytes(msg) in b_out
