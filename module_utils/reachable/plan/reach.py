# SPDX-License-Identifier: Apache-2.0
"""Why a host could not be looked at, by SSH's and sudo's own words, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWERS_NOW = "it did not answer at first, and does now: run this again."
OF_ANSIBLE = re.compile(
    r"Task failed: |Failed to connect to the host via ssh: |"
    r"Module result deserialization failed: No start of json char found\s*"
)
NO_ANSWER = re.compile("Module result deserialization failed")
# OpenSSH 9.8 and newer close connections from where several were refused, for a quarter of a minute up to ten.
TURNED_AWAY = (
    "its SSH server takes no connection from here now, as after several that failed: wait a minute, or up to ten after "
    "many, and run this again; if that does not help, look there with 'journalctl -u ssh -u sshd'."
)
# What stands in SSH's words, and what follows from it.
SSH = {
    "IDENTIFICATION HAS CHANGED": (
        "its SSH host key is not the one that is known here: if the machine was made anew, run '{forget}'; if not, "
        "somebody may stand in between."
    ),
    "Host key verification failed": (
        "its SSH host key is not known here yet: run 'ssh {target}' once and compare the fingerprint."
    ),
    "Permission denied": (
        "SSH does not let you in: check the user name, and put your key there with 'ssh-copy-id {target}'."
    ),
    "Could not resolve hostname": "its name cannot be found: check how it is spelt.",
    "Connection refused": (
        "nothing answers on its SSH port: check that sshd runs there and the port is right (ansible_port)."
    ),
    "kex_exchange_identification": TURNED_AWAY,
    "Connection reset by": TURNED_AWAY,
    "Connection closed by": TURNED_AWAY,
    "timed out": "it does not answer: check that it is switched on and that no firewall stands between.",
    "No route to host": "there is no way to it: check the address, and that it is switched on.",
    "Network is unreachable": "there is no way to it: check the address and your network.",
}
WANTS_ONE = "it wants a password: add --ask-become-pass."
MAY_NOT = "the user may not use it: connect as root or as a user who may."
# By which sudo, and sudo-rs, say that this user has no rights there, so that auto is for that user alone.
WITHOUT_RIGHTS = {
    "Missing sudo password": WANTS_ONE,
    "a password is required": WANTS_ONE,
    "interactive authentication is required": WANTS_ONE,
    "not in the sudoers": MAY_NOT,
    "not allowed to": MAY_NOT,
    "may not run sudo": MAY_NOT,
    "I'm afraid I can't do that": MAY_NOT,
    "not found": "it is not installed there: connect as root, or install sudo.",
    "no new privileges": "nothing that runs there may become root: connect as root.",
    "effective uid is not 0": "it cannot become root itself, as in some containers: connect as root.",
}
# By which nobody knows whether the user has.
SUDO = {
    "Incorrect sudo password": "the password is wrong, or the user may not use sudo: check both.",
    "must have a tty": (
        "its setting requiretty wants a terminal, which no program has: let an administrator add the line "
        "'Defaults:{user} !requiretty' with visudo, connect as root, or set reachable_scope to user."
    ),
    "waiting for": (
        "it had neither asked for a password nor done anything when the time was up, as where it waits for a finger "
        "or a key: give it longer with -e {patience}=60, or let it ask this user for nothing (NOPASSWD in sudoers)."
    ),
}
ESCALATION = re.compile("sudo|become|privilege")
NO_ESCALATION_IN_TIME = re.compile("waiting for (privilege escalation|become success)")
CHANGED_KEY = re.compile(r"Host key for (\S+) has changed")
OFFENDING_KEY = re.compile(r"Offending (?:\S+ )?key in (.+?):\d+( |$)")


@dataclass(frozen=True)
class Way:
    """The way to a host, as far as it is declared: its name, its address, and as whom.

    ``oldest_python`` is the oldest on which it can be looked at, ``is_local`` whether it is this machine.
    """

    name: str
    host: str
    user: str = ""
    port: str = ""
    interpreter: str = "python3"
    oldest_python: str = ""
    is_local: bool = False

    @property
    def target(self) -> str:
        """Return it as ssh takes it."""
        return f"{f'-p {self.port} ' if self.port else ''}{f'{self.user}@' if self.user else ''}{self.host}"

    @property
    def patience(self) -> str:
        """Return the variable that says how long sudo may take."""
        return "ansible_local_become_success_timeout" if self.is_local else "ansible_timeout"


def words(found: Mapping[str, Any], asked: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what SSH, sudo or Ansible say, in one line.

    ``found`` is the result of the look. Where there was no answer its words are hidden, with all else that may be
    secret: then SSH and sudo were ``asked`` once more, for nothing.
    """
    if found.get("unreachable"):
        heard = [str(each["msg"]) for each in asked.values() if each.get("unreachable") or each.get("failed")]
        told = heard[0] if heard else ANSWERS_NOW
    else:
        told = " ".join(str(found.get(key) or "") for key in ("msg", "module_stderr", "module_stdout"))
    return " ".join(OF_ANSIBLE.sub("", told).split())


def is_without_rights(found: Mapping[str, Any], said: str) -> bool:
    """Tell whether somebody has no rights of root there for certain, and is not to be kept out for another reason."""
    return not found.get("unreachable") and bool(ESCALATION.search(said)) and bool(among(WITHOUT_RIGHTS, said))


def among(remedies: Mapping[str, str], said: str) -> str:
    """Return what to do about some words; nothing where nobody knows."""
    return next((remedy for sign, remedy in remedies.items() if sign in said), "")


def refusal(found: Mapping[str, Any], said: str, way: Way) -> str:
    """Say why the host cannot be looked at."""
    name = way.name
    if found.get("unreachable") and not NO_ESCALATION_IN_TIME.search(said):
        remedy = among(SSH, said).format(target=way.target, forget=forget(said, way))
        return f"{name} cannot be reached, {remedy or said}"
    if problem := python_refusal(found, said, way):
        return problem
    if ESCALATION.search(said):
        remedy = among({**SUDO, **WITHOUT_RIGHTS}, said).format(user=way.user or "USER", patience=way.patience)
        return f"sudo does not let you in on {name}, {remedy or said}"
    return f"{name} cannot be looked at: {said}"


def python_refusal(found: Mapping[str, Any], said: str, way: Way) -> str:
    """Say what is wrong with the host's Python; nothing where it is something else."""
    name = way.name
    if re.search("interpreter .* was not found|No python interpreters found", said):
        return (
            f"{name} has no Python at {way.interpreter}: install python3 there, or name another one in "
            "ansible_python_interpreter."
        )
    if re.search("xcode-select|developer tools", said):
        return (
            f"{name} has no Python but a stand-in of macOS: install one with 'brew install python3', and name it in "
            "ansible_python_interpreter if it is not found, or its developer tools with xcode-select --install at its "
            "screen."
        )
    if re.search("requires a minimum of Python|SyntaxError", said):
        return (
            f"{name} has a Python that is too old for Ansible: install {way.oldest_python} or newer there (openSUSE "
            "Leap has python312), and name it in ansible_python_interpreter if it is not found."
        )
    if is_without_answer(found) and not re.search(f"Traceback|{ESCALATION.pattern}", said):
        python = (found.get("ansible_facts") or {}).get("discovered_interpreter_python") or way.interpreter
        return (
            f"{name} has a Python at {python} that does not run ({said or 'it says nothing'}): name one that does in "
            "ansible_python_interpreter, such as /usr/bin/python3."
        )
    return ""


def is_without_answer(found: Mapping[str, Any]) -> bool:
    """Tell whether what should have been Python has ended without an answer.

    Ansible takes the first name of a Python that exists: for one, what pyenv leaves of each that was ever installed.
    """
    return bool(NO_ANSWER.search(str(found.get("msg"))))


def forget(said: str, way: Way) -> str:
    """Return the command that forgets a host's key, by the name and in the file that SSH itself names.

    That name has the port in it where that is not 22, and is another one where somebody's SSH knows an alias.
    """
    known_as, file = CHANGED_KEY.search(said), OFFENDING_KEY.search(said)
    of_file = f"-f {shell_word(file[1])} " if file else ""
    return f"ssh-keygen {of_file}-R {shell_word(known_as[1] if known_as else way.host)}"


def shell_word(text: str) -> str:
    """Return a text as one word of a shell, inside of the quotes of a sentence."""
    return text if re.fullmatch(r"[\w.:@%+/~-]+", text) else f'"{text}"'
