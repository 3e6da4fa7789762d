"""sudo and sudo-rs are understood in the words that they were heard to say."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.loader import become_loader

FOLDER = Path(__file__).parents[3] / "become_plugins"
PROMPT = "[sudo via ansible, key=abc] password:"


@pytest.fixture
def sudo() -> Any:
    """Return the plugin as Ansible loads it, with a password."""
    become_loader.add_directory(str(FOLDER))
    plugin = become_loader.get("any_sudo")
    plugin.set_options(direct={"become_pass": "secret", "become_user": "root"})
    plugin._id, plugin.prompt = "abc", PROMPT
    return plugin


def test_the_command_keeps_its_prompt_and_speaks_english(sudo: Any) -> None:
    shell = SimpleNamespace(ECHO="echo", COMMAND_SEP=";", SHELL_FAMILY="sh", executable="/bin/sh", command_sep=";")
    command = sudo.build_become_command("id", shell)
    assert command.startswith("LANGUAGE=en sudo -H -S ")
    assert sudo.prompt in command
    assert "secret" not in command
    assert sudo.build_become_command("", shell) == ""


@pytest.mark.parametrize(
    ("output", "asks"),
    [
        (PROMPT, True),
        (f"warning: something\n{PROMPT} ", True),
        (f"[sudo: {PROMPT}] Password: ", True),
        ("[sudo] password for ada:", False),
        ("", False),
    ],
)
def test_whether_it_asks_for_the_password(output: str, asks: bool, sudo: Any) -> None:
    assert sudo.check_password_prompt(output.encode()) is asks


@pytest.mark.parametrize(
    ("output", "is_incorrect", "is_missing"),
    [
        ("Sorry, try again.", True, False),
        ("sudo: Authentication failed, try again.", True, False),
        ("sudo: a password is required", False, True),
        ("sudo-rs: interactive authentication is required", False, True),
        ("BECOME-SUCCESS-abc", False, False),
    ],
)
def test_what_it_refuses(output: str, is_incorrect: bool, is_missing: bool, sudo: Any) -> None:
    assert sudo.check_incorrect_password(output.encode()) is is_incorrect
    assert sudo.check_missing_password(output.encode()) is is_missing


def test_it_is_what_our_verbs_use() -> None:
    text = (FOLDER.parent / "ansible.cfg").read_text()
    assert "become_plugins = become_plugins" in text
    assert "become_method = any_sudo" in text
