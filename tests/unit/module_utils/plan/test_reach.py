"""Why a host could not be looked at is said in SSH's and sudo's words, as they were heard, with what helps."""

from __future__ import annotations

from typing import Any

import pytest
from reachable.plan import reach
from reachable.plan.reach import Way

VPS = Way("vps", "192.0.2.7", "ada")
CHANGED = """Task failed: Failed to connect to the host via ssh: @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
The fingerprint for the ED25519 key sent by the remote host is
SHA256:hH8O1vfws1w5Mo+Zn4k5eakhDv8D+wjGePQghG4JITA.
Offending ED25519 key in {file}:3
Host key for {known_as} has changed and you have requested strict checking.
Host key verification failed."""
KEX = "Failed to connect to the host via ssh: kex_exchange_identification: read: Connection reset by peer"
TIMEOUT = "Timeout (12s) waiting for privilege escalation prompt:"
TURNED_AWAY = (
    "its SSH server takes no connection from here now, as after several that failed: wait a minute, or up to ten after "
    "many, and run this again; if that does not help, look there with 'journalctl -u ssh -u sshd'."
)
NO_JSON = "Module result deserialization failed: No start of json char found"


def refused(found: dict[str, Any], way: Way = VPS, **asked: dict[str, Any]) -> str:
    """Return why a host cannot be looked at."""
    return reach.refusal(found, reach.words(found, asked), way)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "Permission denied (publickey).",
            "SSH does not let you in: check the user name, and put your key there with 'ssh-copy-id ada@192.0.2.7'.",
        ),
        (
            "Host key verification failed.",
            ("its SSH host key is not known here yet: run 'ssh ada@192.0.2.7' once and compare the fingerprint."),
        ),
        (KEX, TURNED_AWAY),
        ("Connection closed by 192.0.2.7 port 22", TURNED_AWAY),
        ("Could not resolve hostname sudo: no", "its name cannot be found: check how it is spelt."),
        ("Something new", "Something new"),
    ],
)
def test_a_host_that_ssh_does_not_reach(said: str, sentence: str) -> None:
    assert (
        refused({"unreachable": True}, ssh={"unreachable": True, "msg": said}) == f"vps cannot be reached, {sentence}"
    )


@pytest.mark.parametrize(
    ("known_as", "file", "command"),
    [
        ("192.0.2.7", "/home/ada/.ssh/known_hosts", "ssh-keygen -f /home/ada/.ssh/known_hosts -R 192.0.2.7"),
        ("[192.0.2.7]:2222", "/home/ada/known", 'ssh-keygen -f /home/ada/known -R "[192.0.2.7]:2222"'),
        ("my-vps", "/etc/ssh/ssh_known_hosts", "ssh-keygen -f /etc/ssh/ssh_known_hosts -R my-vps"),
        ("vps", "/home/ada/my keys/known", 'ssh-keygen -f "/home/ada/my keys/known" -R vps'),
    ],
)
def test_a_changed_key_is_forgotten_by_the_name_that_ssh_knows(known_as: str, file: str, command: str) -> None:
    said = CHANGED.format(known_as=known_as, file=file)
    assert refused({"unreachable": True}, ssh={"unreachable": True, "msg": said}) == (
        f"vps cannot be reached, its SSH host key is not the one that is known here: if the machine was made anew, run "
        f"'{command}'; if not, somebody may stand in between."
    )


def test_a_host_that_answers_the_second_time() -> None:
    assert refused({"unreachable": True}, ssh={"rc": 0}, sudo={"rc": 0}) == (
        "vps cannot be reached, it did not answer at first, and does now: run this again."
    )


SLOW = (
    "sudo does not let you in on vps, it had neither asked for a password nor done anything when the time was up, as "
    "where it waits for a finger or a key: give it longer with -e {}=60, or let it ask this user for nothing (NOPASSWD "
    "in sudoers)."
)


@pytest.mark.parametrize(
    ("way", "said", "variable"),
    [
        (VPS, TIMEOUT, "ansible_timeout"),
        (
            Way("vps", "vps", is_local=True),
            "Timed out waiting for become success or become password prompt.",
            "ansible_local_become_success_timeout",
        ),
    ],
)
def test_a_sudo_that_takes_its_time(way: Way, said: str, variable: str) -> None:
    heard = {"unreachable": True, "msg": said}
    assert refused({"unreachable": True}, way, ssh={"rc": 0}, sudo=heard) == SLOW.format(variable)


MAY_NOT = "the user may not use it: connect as root or as a user who may."
NO_PASSWORD = "it wants a password: add --ask-become-pass."


@pytest.mark.parametrize(
    ("said", "remedy", "is_for_a_person"),
    [
        ("Missing sudo password", NO_PASSWORD, True),
        (f"{NO_JSON} sudo: a password is required", NO_PASSWORD, True),
        (f"{NO_JSON} sudo-rs: interactive authentication is required", NO_PASSWORD, True),
        ("eve is not in the sudoers file. sudo", MAY_NOT, True),
        ("Sorry, user eve may not run sudo on vps.", MAY_NOT, True),
        (f"{NO_JSON} sudo-rs: I'm sorry eve. I'm afraid I can't do that", MAY_NOT, True),
        ("/bin/sh: 1: sudo: not found", "it is not installed there: connect as root, or install sudo.", True),
        ('sudo: The "no new privileges" flag', "nothing that runs there may become root: connect as root.", True),
        ("Incorrect sudo password", "the password is wrong, or the user may not use sudo: check both.", False),
        (
            f"{NO_JSON} sudo: sorry, you must have a tty to run sudo",
            (
                "its setting requiretty wants a terminal, which no program has: let an administrator add the line "
                "'Defaults:ada !requiretty' with visudo, connect as root, or set reachable_scope to user."
            ),
            False,
        ),
        (f"{NO_JSON} sudo: PAM account management error", "sudo: PAM account management error", False),
    ],
)
def test_a_sudo_that_does_not_let_in(said: str, remedy: str, is_for_a_person: bool) -> None:
    found = {"failed": True, "msg": f"Task failed: {said}"}
    assert refused(found) == f"sudo does not let you in on vps, {remedy}"
    assert reach.is_without_rights(found, reach.words(found, {})) == is_for_a_person


def test_nobody_has_no_rights_because_nobody_answers() -> None:
    assert not reach.is_without_rights({"unreachable": True}, "sudo: a password is required")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "The module interpreter '/x' was not found.",
            ("vps has no Python at python3: install python3 there, or name another one in ansible_python_interpreter."),
        ),
        (
            "xcode-select: note: no developer tools were found",
            (
                "vps has no Python but a stand-in of macOS: install one with 'brew install python3', and name it in "
                "ansible_python_interpreter if it is not found, or its developer tools with xcode-select --install at "
                "its screen."
            ),
        ),
        (
            "ansible-core requires a minimum of Python version 3.9",
            (
                "vps has a Python that is too old for Ansible: install 3.10 or newer there (openSUSE Leap has "
                "python312), and name it in ansible_python_interpreter if it is not found."
            ),
        ),
        ("Something new", "vps cannot be looked at: Something new"),
    ],
)
def test_a_host_without_a_python(said: str, sentence: str) -> None:
    found = {"failed": True, "msg": "Module failed", "module_stderr": said, "module_stdout": None}
    assert refused(found, Way("vps", "vps", oldest_python="3.10")) == sentence.replace(
        "looked at: ", "looked at: Module failed "
    )


@pytest.mark.parametrize(
    ("found", "python", "said"),
    [
        (
            {"module_stderr": "pyenv: python3.13: command not found", "rc": 127},
            "/home/ada/.pyenv/shims/python3.13",
            "pyenv: python3.13: command not found",
        ),
        ({"module_stderr": "", "module_stdout": "", "rc": 1}, "/opt/conda/bin/python3.12", "it says nothing"),
        (
            {"module_stderr": "python: error while loading shared libraries: libpython3.so"},
            None,
            "python: error while loading shared libraries: libpython3.so",
        ),
    ],
)
def test_a_python_that_does_not_run_is_named(found: dict[str, Any], python: str | None, said: str) -> None:
    facts = {"ansible_facts": {"discovered_interpreter_python": python}} if python else {}
    sentence = refused({"failed": True, "msg": NO_JSON, **found, **facts}, Way("vps", "vps", interpreter="/mine"))
    assert sentence == (
        f"vps has a Python at {python or '/mine'} that does not run ({said}): name one that does in "
        "ansible_python_interpreter, such as /usr/bin/python3."
    )


@pytest.mark.parametrize("said", ["Traceback (most recent call last): File x, NameError: y", "sudo: unknown user: x"])
def test_what_runs_and_fails_is_no_python_that_does_not(said: str) -> None:
    assert "that does not run" not in refused({"failed": True, "msg": NO_JSON, "module_stderr": said})


@pytest.mark.parametrize(
    ("way", "target"),
    [(VPS, "ada@192.0.2.7"), (Way("vps", "vps.test", port="2222"), "-p 2222 vps.test"), (Way("vps", "vps"), "vps")],
)
def test_a_way_as_ssh_takes_it(way: Way, target: str) -> None:
    assert way.target == target
