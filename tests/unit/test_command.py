"""What follows a verb, as it is understood and refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import trust_as_template
from imports import imported

ROOT = Path(__file__).resolve().parents[2]
command = imported("reachable_command", ROOT / "command.py")


def understood(*words: str) -> Any:
    """Return what Ansible would be told."""
    cli = command.VerbCLI(["command.py", *words])
    cli.init_parser()
    return cli.post_process_args(cli.parser.parse_args(cli.args[1:]))


def refused(*words: str) -> str:
    with pytest.raises(command.Mistake) as mistake:
        understood(*words)
    return str(mistake.value)


@pytest.fixture(autouse=True)
def no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACHABLE_JSON", "false")


@pytest.mark.parametrize(
    ("given", "inventory", "user"),
    [
        ("up ada@host", "host,", "ada"),
        ("up host", "host,", None),
        ("up host:2222 --check", "host:2222,", None),
        ("up ada@[::1]:22", "[::1]:22,", "ada"),
        ("up ada@example.org@host", "host,", "ada@example.org"),
        ("up --check ada@host -v", "host,", "ada"),
        ("up -e a=b host", "host,", None),
        ("up -- host", "host,", None),
        ("up host -u eve", "host,", "eve"),
    ],
)
def test_the_host(given: str, inventory: str, user: str | None) -> None:
    options = understood(*given.split())
    assert (options.inventory, options.remote_user) == ([inventory], user)
    assert options.args == [str(ROOT / "playbooks/up.yml")]


def test_an_inventory_and_other_options_of_ansible() -> None:
    options = understood("up", "-i", "a,", "-i", "b,", "--limit", "vps", "-vC", "-e", 'a="b c"', "-e", '{"x": 1}')
    assert (options.inventory, options.subset, options.verbosity, options.check) == (["a,", "b,"], "vps", 1, True)
    assert options.extra_vars == ['a="b c"', '{"x": 1}']


@pytest.mark.parametrize(
    ("given", "variables"),
    [
        (["status", "--history"], {"reachable_history": True}),
        (["down", "-v", "--yes", "--purge"], {"reachable_yes": True, "reachable_purge": True}),
        (["upgrade", "--kernel"], {"reachable_kernel": True}),
        (["card", "--serve", "--show-password"], {"reachable_serve": True, "reachable_show_password": True}),
        (["logs", "--unit", "watcher", "--follow"], {"reachable_unit": "watcher", "reachable_follow": True}),
        (["logs", "--since", "it's 10 min ago"], {"reachable_since": "it's 10 min ago"}),
        (["logs", "--since", "-2h"], {"reachable_since": "-2h"}),
        (["logs", "--since="], {"reachable_since": ""}),
    ],
)
def test_options_of_ours(given: list[str], variables: dict[str, Any]) -> None:
    options = understood(*given, "-e", "a=b")
    assert options.extra_vars[0] == "a=b"
    assert json.loads(options.extra_vars[1]) == variables


def test_every_option_of_ours_is_in_the_help_of_its_verbs() -> None:
    for name, own in command.OWN.items():
        for verb in own.verbs:
            assert f"--{name}" in (ROOT / f"playbooks/{verb}.yml").read_text(), (name, verb)


@pytest.mark.parametrize("words", ["--json", "-v --json", "host --json"])
def test_json(words: str) -> None:
    understood("status", *words.split())
    assert command.os.environ["REACHABLE_JSON"] == "true"


def test_drift_only_looks() -> None:
    assert understood("drift").check
    assert not understood("up").check


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("--chek", "there is no option --chek. Did you mean --check? ./reachable up --help says more."),
        ("ada@host --chek=1 -v", "there is no option --chek. Did you mean --check? ./reachable up --help says more."),
        ("-check", "there is no option -check. Did you mean --check? ./reachable up --help says more."),
        ("-limit vps", "there is no option -limit. Did you mean --limit? ./reachable up --help says more."),
        ("--qqq", "there is no option --qqq. ./reachable up --help says more."),
        ("--purge", "up has no option --purge: it belongs to down."),
        ("--yes", "up has no option --yes: it belongs to down and upgrade and rollback."),
        ("--limit", "-l/--limit needs a value. ./reachable up --help says more."),
        ("-f many", "-f/--forks: invalid value: 'many'. ./reachable up --help says more."),
        ("--start-at-task x", "--start-at-task: up needs each task before that one. Leave --start-at-task out."),
        ("ada@a ada@b", "ada@a and ada@b are 2 hosts: give one, or an inventory with -i."),
        ("host -i a,", "host and -i a, both say where: --limit takes a host of an inventory."),
        ("ada@", "'ada@' is no host: write it like ada@192.168.1.20, or name an inventory with -i."),
        ("mine.yml/", "'mine.yml/' is no host: write it like ada@192.168.1.20, or name an inventory with -i."),
        ("-i a, -i /nowhere.yml", "-i /nowhere.yml: there is no such file or folder."),
        ("-e jupyter_port 8822", "-e jupyter_port sets no variable: write -e NAME=VALUE, or -e @FILE."),
        ("-e ./values.yml", "-e ... sets no variable: write -e NAME=VALUE, or -e @FILE."),
        ("-e @/nowhere.yml", "-e @/nowhere.yml: there is no such file."),
        (
            "-e [a]",
            "-e [... sets no variables: it is no mapping. Write NAME: VALUE in it, or {NAME: VALUE, ...}.",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(given: str, sentence: str) -> None:
    assert refused("up", *given.split()) == sentence


@pytest.mark.parametrize("option", ["serve", "show-password"])
def test_what_is_for_people_is_not_for_programs_and_check_mode(option: str) -> None:
    assert refused("card", f"--{option}", "--json") == f"--{option} is for people: leave --json out."
    assert refused("card", f"--{option}", "--check") == f"--{option} is for people: leave --check out."


def test_a_value_with_a_space_is_not_repeated() -> None:
    assert refused("up", "-e", "jupyter_port=1 jupyter_password=correct horse") == (
        "-e jupyter_password=... has a space in its value: put it in quotes of its own, "
        "-e 'jupyter_password=\"a value\"'."
    )
    assert "horse" not in refused("up", "-e", "{jupyter_password: [horse}")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("all: {hosts: [a", "YAML parsing failed: While parsing a flow sequence did not find expected ',' or ']'"),
        ("", "it does not begin with a group, such as all:"),
        ("- a\n", "it does not begin with a group, such as all:"),
        ("all: 3\n", "'all' has '3', where one of hosts, children and vars is expected"),
        ("all:\n  host:\n    a:\n", "'all' has 'host', where one of hosts, children and vars is expected"),
        (
            "all:\n  children:\n    web:\n      hosts: [a]\n",
            "'hosts' of 'web' is no mapping: write each on a line of its own, with a colon after it",
        ),
    ],
)
def test_an_inventory_that_is_none(text: str, wrong: str, tmp_path: Path) -> None:
    inventory = tmp_path / "mine.yml"
    inventory.write_text(text)
    assert refused("up", "-i", str(inventory)) == (
        f"-i {inventory} is no inventory: {wrong}. See inventory/example.yml for one that is."
    )


@pytest.mark.parametrize(
    "text",
    [
        "all:\n  hosts:\n    a:\n  children:\n    web:\n    db: {hosts: b}\n  vars: {x: 1}\n",
        "plugin: constructed\nstrict: true\n",
        "$ANSIBLE_VAULT;1.1;AES256\n33\n",
    ],
)
def test_an_inventory_that_is_one(text: str, tmp_path: Path) -> None:
    inventory = tmp_path / "mine.yml"
    inventory.write_text(text)
    assert understood("up", "-i", str(inventory)).inventory == [str(inventory)]


@pytest.mark.parametrize("path", ["inventory/example.yml", "inventory/local.yml"])
def test_inventories_of_the_project_are_some(path: str) -> None:
    assert understood("up", "-i", str(ROOT / path))


@pytest.mark.parametrize(
    ("limit", "problem"),
    [
        ("vps", ""),
        ("home:!vps", ""),
        ("*", ""),
        ("~v.*", ""),
        ("@{here}", ""),
        ("vsp", "'vsp' is no host or group of mine.yml. Did you mean vps?"),
        ("hoem", "'hoem' is no host or group of mine.yml. Did you mean home?"),
        ("all:!vsp", "'vsp' is no host or group of mine.yml. Did you mean vps?"),
        ("vps,zzz", "'zzz' is no host or group of mine.yml. It has laptop, vps."),
        ("@/nowhere", "there is no file /nowhere."),
    ],
)
def test_a_limit(limit: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible.constants.HOST_PATTERN_MISMATCH", "error")
    source, here = tmp_path / "mine.yml", tmp_path / "retry"
    here.write_text("vps\n")
    source.write_text("all:\n  hosts:\n    vps:\n  children:\n    home: {hosts: laptop}\n")
    limit = limit.replace("{here}", str(here))
    found = command.limit_problem(InventoryManager(DataLoader(), [str(source)]), limit, "mine.yml")
    assert found == (problem and f"--limit {limit}: {problem}")


@pytest.mark.parametrize("name", ["../away", ".hidden", "a/b", "a\\b", "a\x1b[31mred", "a\nb"])
def test_a_name_that_leads_out_of_its_folder(name: str) -> None:
    assert command.name_problem(["vps", name]) == (
        f"{name!r} cannot name a host: leave out a dot in front, '/', '\\' and control characters."
    )


@pytest.mark.parametrize("name", ["vps", "192.168.1.20", "fe80::1%eth0", "studio.local", "büro"])
def test_a_name_for_a_host(name: str) -> None:
    assert not command.name_problem([name])


def test_a_limit_that_leaves_nothing() -> None:
    inventory = InventoryManager(DataLoader(), ["a,b,"])
    assert command.limit_problem(inventory, "a:!a", "a, b") == "--limit a:!a leaves none of the hosts of a, b."


def test_many_names() -> None:
    assert command.some("fedcba") == "a, b, c, d, e and 1 more"


UNREAD = "a file of variables is encrypted: Attempting to decrypt but no vault secrets found. "


@pytest.mark.parametrize(
    "given", ["jupyter_password=ge{{heim wort", "jupyter_password='geheim", "jupyter_password={%geheim"]
)
def test_a_value_without_its_end_is_not_repeated(given: str) -> None:
    assert refused("up", "-e", given) == (
        "-e jupyter_password=... has a quote, '{{' or '{%' without its end: write it into a file, as NAME: !unsafe "
        "'VALUE', and give -e @FILE."
    )


@pytest.mark.parametrize("text", ["ge{{heim", "ge{%heim", "ge{%heim%}", "ge{#heim", "{{ a"])
def test_what_looks_like_a_template_and_is_none_is_named_wherever_it_is(text: str) -> None:
    wrong, as_it_stands = trust_as_template(text), text
    right = {"a": trust_as_template("{{ b }}"), "b": as_it_stands, "c": [{"d": as_it_stands}, 1, None]}
    assert command.template_problem(right, {}) == ""
    for value in (wrong, [wrong], {"d": [{"e": wrong}]}):
        problem = command.template_problem({**right, "f": value}, {})
        assert problem == f"f {LIKE_ONE}: write it as NAME: !unsafe 'VALUE'."


LIKE_ONE = "has '{{', '{%' or '{#' in it, as templates have, and is none"
BRACES = """
all:
  hosts:
    mine:
      jupyter_password: "{{ vault_password }}"
      vault_password: "ge{{heim"
      other: !unsafe "ge{{heim"
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("up --chek", "there is no option --chek. Did you mean --check? ./reachable up --help says more."),
        ("up a --limit b", "--limit b: 'b' is no host or group of a. It has a."),
        ("up -i none.ini", "there are no hosts in none.ini: see inventory/example.yml for how to name them."),
        (
            "up -i away.yml",
            "'../away' cannot name a host: leave out a dot in front, '/', '\\' and control characters.",
        ),
        ("up -i braces.yml", f"mine: vault_password {LIKE_ONE}: write it as NAME: !unsafe 'VALUE'."),
        (
            "password -i a, -e @braces.json",
            f"a: jupyter_new_password {LIKE_ONE}: write it into a file, as NAME: !unsafe 'VALUE', and give -e @FILE.",
        ),
        ("up -i vps.yml", f"{UNREAD}Give the vault's password with --ask-vault-pass or --vault-password-file."),
    ],
)
def test_from_outside_it_is_one_sentence_and_1(words: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "none.ini").write_text("[web]\n")
    (tmp_path / "vps.yml").write_text("all: {hosts: {vps: {}}}\n")
    (tmp_path / "braces.yml").write_text(BRACES)
    (tmp_path / "braces.json").write_text('{"jupyter_new_password": "ge{%heim"}')
    (tmp_path / "away.yml").write_text("all: {hosts: {../away: {ansible_connection: local}}}\n")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars/vps.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n3333\n")
    settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOST_PATTERN_MISMATCH": "error"}
    done = subprocess.run(
        [sys.executable, "-P", ROOT / "command.py", *words.split()],
        env={**settings, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"reachable: {said}\n")


WORKER = """
import multiprocessing, os, signal, sys
sys.path.insert(0, sys.argv[1])
import command

def report():
    signal.alarm(30)
    _, writer = os.pipe()
    print("at work", flush=True)
    os.write(writer, bytes(1 << 20))

command.end_workers_with_this_process()
worker = multiprocessing.get_context("fork").Process(target=report)
worker.start()
worker.join()
"""


def test_a_worker_with_a_long_result_ends_with_the_controller_that_was_killed() -> None:
    controller = subprocess.Popen([sys.executable, "-c", WORKER, ROOT], stdout=subprocess.PIPE)
    assert controller.stdout
    assert controller.stdout.readline() == b"at work\n"
    controller.kill()
    # The worker has this end of the pipe, too.
    assert controller.communicate(timeout=10)[0] == b""
