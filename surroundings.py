# SPDX-License-Identifier: Apache-2.0
"""Run the playbook of a verb in surroundings of the project's own: surroundings.py VERB [WORD...].

People have variables for an Ansible, a Python or a language of theirs, which mean other things here. What Ansible needs
to reach their hosts counts, see docs/your-machine.md. Python and Ansible read their variables when they start, so what
runs the playbook, command.py, is a new process.
"""

from __future__ import annotations

import locale
import os
import re
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parent
# What steers Ansible, Python and languages.
STEERING = re.compile("_?ANSIBLE_.*|PYTHON.*|CONDA_.*|VIRTUAL_ENV.*|LANG|LANGUAGE|LC_.*")
# Of that, what says how hosts are reached, who becomes root there, what opens a vault, and how it is shown.
KEPT = re.compile(
    "ANSIBLE_("
    "ASK_PASS|CONNECTION_PASSWORD_FILE|PKCS11_PROVIDER|PRIVATE_KEY(_FILE|_PASSPHRASE)?|REMOTE_(PORT|USER)|TIMEOUT"
    "|SSH_(AGENT|AGENT_EXECUTABLE|AGENT_KEY_LIFETIME|COMMON_ARGS|CONTROL_PATH|CONTROL_PATH_DIR|EXECUTABLE|EXTRA_ARGS"
    "|PASSWORD_MECHANISM|RETRIES|TIMEOUT|VERBOSITY)|SSHPASS_PROMPT"
    "|BECOME_(ASK_PASS|EXE|FLAGS|METHOD|PASS|PASSWORD_FILE)|SUDO_(EXE|FLAGS|PASS)|SU_(EXE|FLAGS|PASS|PROMPT_L10N)"
    "|ASK_VAULT_PASS|VAULT_(ID_MATCH|IDENTITY|IDENTITY_LIST|PASSWORD_FILE)"
    "|FORCE_COLOR|LOG_PATH|NOCOLOR"
    ")"
)
# Messages in English, text in UTF-8. macOS had the first of them late.
LOCALES = ("C.UTF-8", "en_US.UTF-8")


def settled(given: Mapping[str, str], has_locale: Callable[[str], bool]) -> dict[str, str]:
    """Return the variables for Ansible: the project's own, and of the person's what does not contradict them."""
    kept = {name: value for name, value in given.items() if not STEERING.fullmatch(name) or KEPT.fullmatch(name)}
    # The project's arguments come first, and of several values ssh takes the first.
    arguments = [given.get("ANSIBLE_SSH_ARGS"), given.get("ANSIBLE_SSH_COMMON_ARGS")]
    return {
        **kept,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        # The collections of the lock, not those that somebody has in their home.
        "ANSIBLE_COLLECTIONS_PATH": sysconfig.get_path("purelib"),
        # A limit that means nothing is a mistake.
        "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
        "ANSIBLE_SSH_COMMON_ARGS": " ".join(filter(None, arguments)),
        "LC_ALL": next(filter(has_locale, LOCALES), LOCALES[0]),
        # macOS would end processes that Ansible forks once they ask it for proxies.
        "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
    }


def has_locale(name: str) -> bool:
    """Tell whether this machine has a locale."""
    try:
        locale.setlocale(locale.LC_ALL, name)
    except locale.Error:
        return False
    return True


def main() -> None:
    """Run the verb."""
    command = [sys.executable, "-P", str(ROOT / "command.py"), *sys.argv[1:]]
    os.execve(sys.executable, command, settled(os.environ, has_locale))  # noqa: S606 - it needs no shell


if __name__ == "__main__":
    main()
