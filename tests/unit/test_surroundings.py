"""What a person has set for an Ansible, a Python, a language or an SSH of theirs, and what of it counts."""

from __future__ import annotations

import configparser
import importlib.util
import locale
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.plugins.loader import become_loader, connection_loader
from imports import imported

ROOT = Path(__file__).resolve().parents[2]
surroundings = imported("surroundings", ROOT / "surroundings.py")

SET = ("ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_HOST_PATTERN_MISMATCH", "LC_ALL")
COUNT = """
ASK_PASS ASK_VAULT_PASS BECOME_ASK_PASS BECOME_EXE BECOME_FLAGS BECOME_METHOD BECOME_PASS BECOME_PASSWORD_FILE
CONNECTION_PASSWORD_FILE FORCE_COLOR LOG_PATH NOCOLOR PKCS11_PROVIDER PRIVATE_KEY PRIVATE_KEY_FILE
PRIVATE_KEY_PASSPHRASE REMOTE_PORT REMOTE_USER SSHPASS_PROMPT SSH_AGENT SSH_AGENT_EXECUTABLE SSH_AGENT_KEY_LIFETIME
SSH_COMMON_ARGS SSH_CONTROL_PATH SSH_CONTROL_PATH_DIR SSH_EXECUTABLE SSH_EXTRA_ARGS SSH_PASSWORD_MECHANISM SSH_RETRIES
SSH_TIMEOUT SSH_VERBOSITY SUDO_EXE SUDO_FLAGS SUDO_PASS SU_EXE SU_FLAGS SU_PASS SU_PROMPT_L10N TIMEOUT VAULT_IDENTITY
VAULT_IDENTITY_LIST VAULT_ID_MATCH VAULT_PASSWORD_FILE
"""


def settled(**given: str) -> dict[str, str]:
    found: dict[str, str] = surroundings.settled(given, lambda _: True)
    return found


def names_known_to_ansible() -> set[str]:
    """Return the variables that Ansible, its SSH and its ways to become root read."""
    core = Path(str(importlib.util.find_spec("ansible") and importlib.import_module("ansible").__file__)).parent
    options = [*yaml.safe_load((core / "config/base.yml").read_text()).values()]
    for plugin in (connection_loader.find_plugin("ssh"), *map(become_loader.find_plugin, ("sudo", "su"))):
        text = Path(plugin).read_text().split('DOCUMENTATION = """')[1].split('"""')[0]
        options += yaml.safe_load(text)["options"].values()
    return {source["name"] for option in options for source in option.get("env") or []}


KNOWN = sorted(name for name in names_known_to_ansible() if surroundings.STEERING.fullmatch(name))


def test_of_the_variables_of_ansible_those_count_that_reach_hosts_become_root_and_open_vaults() -> None:
    kept = {name.removeprefix("ANSIBLE_") for name in KNOWN if settled(**{name: "theirs"}).get(name) == "theirs"}
    assert kept == {*COUNT.split()}


@pytest.mark.parametrize("name", ["ANSIBLE_COLLECTIONS_PATHS", "ANSIBLE_WHATEVER", "_ANSIBLE_COVERAGE_CONFIG"])
def test_what_ansible_once_had_or_will_have_does_not_count(name: str) -> None:
    assert name not in settled(**{name: "theirs"})


def test_what_the_project_sets_wins() -> None:
    found = settled(**dict.fromkeys(SET, "theirs"))
    assert found["ANSIBLE_CONFIG"] == str(ROOT / "ansible.cfg")
    assert found["ANSIBLE_HOST_PATTERN_MISMATCH"] == "error"
    assert (Path(found["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections").is_dir()


def test_everything_else_is_left_alone() -> None:
    others = {"HOME": "/home/ada", "PATH": "/bin", "NGROK_AUTHTOKEN": "t", "https_proxy": "http://p", "NO_COLOR": "1"}
    assert others.items() <= settled(**others).items()


@pytest.mark.parametrize("name", ["PYTHONHOME", "PYTHONPATH", "PYTHONWARNINGS", "CONDA_PREFIX", "VIRTUAL_ENV"])
def test_no_other_python_is_minded(name: str) -> None:
    assert name not in settled(**{name: "/theirs"})


@pytest.mark.parametrize(
    ("there", "chosen"), [({"C.UTF-8", "en_US.UTF-8"}, "C.UTF-8"), ({"en_US.UTF-8"}, "en_US.UTF-8"), (set(), "C.UTF-8")]
)
def test_the_language(there: set[str], chosen: str) -> None:
    given = {"LANG": "de_DE.UTF-8", "LANGUAGE": "de", "LC_ALL": "de_AT.UTF-8", "LC_MESSAGES": "fr_FR"}
    found = surroundings.settled(given, there.__contains__)
    assert {name: value for name, value in found.items() if name.startswith(("LANG", "LC_"))} == {"LC_ALL": chosen}


def test_whether_there_is_a_locale() -> None:
    before = locale.setlocale(locale.LC_ALL)
    try:
        assert surroundings.has_locale("C")
        assert not surroundings.has_locale("xx_XX.UTF-8")
    finally:
        locale.setlocale(locale.LC_ALL, before)


def test_a_verb_starts_whatever_is_set(tmp_path: Path) -> None:
    (tmp_path / "ansible.py").write_text("raise SystemExit('theirs')\n")
    theirs = {
        "ANSIBLE_STDOUT_CALLBACK": "none",
        "ANSIBLE_FORKS": "many",
        "ANSIBLE_INVENTORY": "/nowhere",
        "LC_ALL": "xx_XX.UTF-8",
        "PYTHONPATH": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-I", str(ROOT / "surroundings.py"), "status", "--limit", "nobody"],
        env={**os.environ, **theirs},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == (
        "reachable: --limit nobody: 'nobody' is no host or group of inventory/local.yml. It has this-machine.\n"
    )


OF_A_PERSON = """
Host mine
  HostName 192.0.2.7
  User ada
  Port 2222
  IdentityFile /keys/ada
  ProxyJump bastion
  RequestTTY force
  RemoteCommand tmux attach
  PermitLocalCommand yes
  LocalCommand echo hello
  ForwardX11 yes
  Tunnel yes
  LocalForward 8888 localhost:8888
  ExitOnForwardFailure yes
"""


def test_of_the_configuration_of_ssh_counts_how_a_host_is_reached(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(OF_A_PERSON)
    ours = configparser.ConfigParser()
    ours.read(ROOT / "ansible.cfg")
    theirs = settled(ANSIBLE_SSH_ARGS="-o RequestTTY=yes -o Ciphers=aes256-ctr", ANSIBLE_SSH_COMMON_ARGS="-o Port=23")
    words = [ours["ssh_connection"]["ssh_args"], theirs["ANSIBLE_SSH_COMMON_ARGS"]]
    command = ["ssh", "-G", "-F", str(tmp_path / "config"), *shlex.split(" ".join(words)), "mine"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(line.split(maxsplit=1) for line in said.splitlines() if " " in line)
    assert {name: found[name] for name in ("hostname", "user", "identityfile", "proxyjump", "ciphers", "port")} == {
        "hostname": "192.0.2.7",
        "user": "ada",
        "identityfile": "/keys/ada",
        "proxyjump": "bastion",
        "ciphers": "aes256-ctr",
        "port": "23",
    }
    off = {"requesttty": "false", "permitlocalcommand": "no", "forwardx11": "no", "tunnel": "false"}
    assert {name: found[name] for name in off} == off
    assert found.get("remotecommand", "none") == "none"
    assert found["clearallforwardings"] == "yes"
