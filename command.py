# SPDX-License-Identifier: Apache-2.0
"""Run the playbook of a verb: command.py VERB [[USER@]HOST[:PORT]] [OPTION...].

It is ansible-playbook with Reachable's options beside its own. What is wrong with the command line or the inventory
ends in one sentence, before anything runs.
"""

from __future__ import annotations

import contextlib
import difflib
import gc
import json
import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ansible import context
from ansible.cli.playbook import PlaybookCLI
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.manager import split_host_pattern
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv
from ansible.parsing.vault import AnsibleVaultError, EncryptedString
from ansible.template import is_trusted_as_template
from jinja2 import Environment, TemplateSyntaxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent
SHOWN = 5


class Own(NamedTuple):
    """An option of Reachable's own, which sets a variable, --since ``reachable_since``."""

    verbs: tuple[str, ...]
    takes_value: bool = False
    for_people: bool = False  # and no matter of programs, nor of check mode


OWN = {
    "follow": Own(("logs",)),
    "history": Own(("status",)),
    "kernel": Own(("upgrade",)),
    "purge": Own(("down",)),
    "serve": Own(("card",), for_people=True),
    "show-password": Own(("card",), for_people=True),
    "since": Own(("logs",), takes_value=True),
    "unit": Own(("logs",), takes_value=True),
    "yes": Own(("down", "upgrade", "rollback")),
}
# How a value is written that is no template.
AS_TEXT = "as NAME: !unsafe 'VALUE'"
SECTIONS = ("hosts", "children", "vars")


class Mistake(BaseException):
    """What is wrong and what to do, in one sentence. An ``Exception`` Ansible would take for a fault of its own."""


def variable(name: str) -> str:
    """Return the variable that an option of ours sets."""
    return f"reachable_{name.replace('-', '_')}"


def meant(word: str, known: Iterable[str]) -> str:
    """Return a question for what was probably meant, or nothing."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def host_source(word: str) -> tuple[str, str | None]:
    """Return [USER@]HOST[:PORT] as a source of Ansible's inventory, and the user.

    Raises:
        Mistake: It is something else.

    """
    user, _, host = word.rpartition("@")
    if not host or "/" in word:
        raise Mistake(f"'{word}' is no host: write it like ada@192.168.1.20, or name an inventory with -i.")
    return f"{host},", user or None


def variable_problem(given: str) -> str:
    """Return what is wrong with a value of -e, without the value, which may be a password.

    Ansible passes over words that set nothing, and blames the inventory for what cannot be read.
    """
    if given.startswith(("@", "{", "[")):
        return mapping_problem(given)
    try:
        pairs = parse_kv(given)
    except AnsibleError:
        name = given.partition("=")[0]
        return (
            f"-e {name if name.isidentifier() else '...'}=... has a quote, '{{{{' or '{{%' without its end: write it "
            f"into a file, {AS_TEXT}, and give -e @FILE."
        )
    if "_raw_params" not in pairs:
        return ""
    if names := [name for name in pairs if name != "_raw_params"]:
        return (
            f"-e {names[-1]}=... has a space in its value: put it in quotes of its own, -e '{names[-1]}=\"a value\"'."
        )
    return f"-e {given if given.isidentifier() else '...'} sets no variable: write -e NAME=VALUE, or -e @FILE."


def mapping_problem(given: str) -> str:
    """Return what is wrong with a value of -e that is @FILE, or YAML itself."""
    name = given if given.startswith("@") else given[0] + "..."
    if given.startswith("@") and not os.path.exists(given[1:]):
        return f"-e {name}: there is no such file."
    loader = DataLoader()
    values, wrong = read(loader.load_from_file, given[1:]) if given.startswith("@") else read(loader.load, given)
    if isinstance(values, dict):
        return ""
    return (
        f"-e {name} sets no variables: {wrong or 'it is no mapping'}. Write NAME: VALUE in it, or {{NAME: VALUE, ...}}."
    )


def source_problem(source: str) -> str:
    """Return what is wrong with a source of the inventory that is no list of hosts.

    Of one in YAML Ansible would tell at length what is wrong with it as YAML, as INI and as whatever else.
    """
    if "," in source:
        return ""
    if not os.path.exists(source):
        return f"-i {source}: there is no such file or folder."
    if os.path.isdir(source) or not source.endswith((".yml", ".yaml", ".json")):
        return ""
    groups, wrong = read(DataLoader().load_from_file, source)
    wrong = wrong or groups_problem(groups)
    return wrong and f"-i {source} is no inventory: {wrong}. See inventory/example.yml for one that is."


def read(load: Callable[[str], Any], source: str) -> tuple[Any, str]:
    """Return what Ansible reads there, and why it cannot. What is encrypted as a whole has to wait for its password."""
    try:
        return load(source), ""
    except AnsibleParserError as error:
        return None, plain(error)
    except AnsibleError:
        return {}, ""


def plain(error: AnsibleError) -> str:
    """Return what an error says, as a part of a sentence."""
    return " ".join(str(error).split()).rstrip(".")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and those from which it arose."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def groups_problem(groups: Any) -> str:
    """Return what is wrong with the groups of an inventory in YAML."""
    if not isinstance(groups, dict):
        return "it does not begin with a group, such as all:"
    if "plugin" in groups:
        return ""
    for name, group in groups.items():
        for section, value in (group or {}).items() if isinstance(group or {}, dict) else [("", group)]:
            if section not in SECTIONS:
                return f"'{name}' has '{section or value}', where one of hosts, children and vars is expected"
            if not isinstance(value, (dict, str, type(None))):
                return f"'{section}' of '{name}' is no mapping: write each on a line of its own, with a colon after it"
            if section == "children" and isinstance(value, dict) and (wrong := groups_problem(value)):
                return wrong
    return ""


def name_problem(names: Iterable[str]) -> str:
    """Return which name of a host cannot be that of its folders on this machine, and in a line of a terminal."""
    for name in names:
        if name.startswith(".") or "/" in name or "\\" in name or not name.isprintable():
            return f"{name!r} cannot name a host: leave out a dot in front, '/', '\\' and control characters."
    return ""


def limit_problem(inventory: Any, limit: str, where: str) -> str:
    """Return which part of a limit means no host or group, of which Ansible only warns, or that it leaves none."""
    for part in split_host_pattern(limit):
        name = part.lstrip("!&")
        if name.startswith("@"):
            if not os.path.exists(name[1:]):
                return f"--limit {limit}: there is no file {name[1:]}."
            continue
        try:
            inventory.list_hosts(name)
        except AnsibleError:
            groups = {*inventory.groups} - {"all", "ungrouped"}
            hint = meant(name, {*inventory.hosts, *groups}) or f" It has {some(inventory.hosts)}."
            return f"--limit {limit}: '{name}' is no host or group of {where}.{hint}"
    inventory.subset(limit)
    return "" if inventory.list_hosts() else f"--limit {limit} leaves none of the hosts of {where}."


def template_problem(values: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Return which variable looks like a template and is none, without its value, which may be a password.

    What Ansible says of it has a part of the value in it, and no name. ``given`` are the variables of -e.
    """
    for name, value in values.items():
        if any(not is_template(text) for text in texts(value)):
            remedy = f"write it into a file, {AS_TEXT}, and give -e @FILE" if name in given else f"write it {AS_TEXT}"
            return f"{name} has '{{{{', '{{%' or '{{#' in it, as templates have, and is none: {remedy}."
    return ""


def texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value that Ansible takes for templates, however deep."""
    if isinstance(value, EncryptedString):
        with contextlib.suppress(AnsibleError):  # without its password, which is said where it is needed
            yield str(value)
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str) and is_trusted_as_template(value):
        yield value


def is_template(text: str) -> bool:
    """Tell whether a text is a template, or has nothing of one."""
    try:
        Environment().parse(text)  # noqa: S701 - nothing is made of it
    except TemplateSyntaxError:
        return False
    return True


def some(names: Iterable[str]) -> str:
    """Return the names, of many only the first."""
    first, rest = (names := sorted(names))[:SHOWN], len(names) - SHOWN
    return ", ".join(first) + (f" and {rest} more" if rest > 0 else "")


def joined(words: Iterable[str]) -> list[str]:
    """Return the words with --since -2h as one, which argparse would take for two options."""
    parts: list[str] = []
    for word in words:
        if parts and parts[-1] == "--since" and re.match(r"-\d", word):
            parts[-1] += f"={word}"
        else:
            parts.append(word)
    return parts


class VerbCLI(PlaybookCLI):  # type: ignore[misc]  # Ansible has no types
    """The command line of a verb."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Take this program, the verb, and the words that follow it."""
        _, self._verb, *words = arguments
        super().__init__(["ansible-playbook", str(ROOT / f"playbooks/{self._verb}.yml"), *words])
        self._where = "inventory/local.yml"

    def init_parser(self) -> None:
        """Add the options of ours, and refuse in our words what is no option."""
        super().init_parser()
        self.parser.add_argument("--json", action="store_true")
        for name, own in OWN.items():
            action = "store" if own.takes_value else "store_true"
            self.parser.add_argument(f"--{name}", action=action, dest=variable(name))
        self.parser.parse_args = self._parse
        self.parser.error = self._refuse

    def post_process_args(self, options: Any) -> Any:
        """Turn HOST and the options of ours into what Ansible has for it."""
        playbook, *hosts = options.args
        if len(hosts) > 1:
            raise Mistake(f"{' and '.join(hosts)} are {len(hosts)} hosts: give one, or an inventory with -i.")
        if hosts and options.inventory:
            raise Mistake(
                f"{hosts[0]} and -i {options.inventory[0]} both say where: --limit takes a host of an inventory."
            )
        if options.start_at_task:
            raise Mistake(f"--start-at-task: {self._verb} needs each task before that one. Leave --start-at-task out.")
        if hosts:
            source, user = host_source(hosts[0])
            options.inventory, options.remote_user = [source], user or options.remote_user
        if options.inventory:
            self._where = ", ".join(source.rstrip(",") for source in options.inventory)
        problems = [*map(source_problem, options.inventory or []), *map(variable_problem, options.extra_vars)]
        if problem := next(filter(None, problems), ""):
            raise Mistake(problem)
        options.args = [playbook]
        options.check = options.check or self._verb == "drift"
        if own := self._own(options):
            options.extra_vars = [*options.extra_vars, json.dumps(own)]
        if options.json:
            os.environ["REACHABLE_JSON"] = "true"
        return super().post_process_args(options)

    def run(self) -> Any:
        """Run the playbook. Ansible does not say what to do about a file that it cannot decrypt."""
        try:
            return super().run()
        except AnsibleError as error:
            if not any(isinstance(cause, AnsibleVaultError) for cause in causes(error)):
                raise
            raise Mistake(
                f"a file of variables is encrypted: {plain(error)}. Give the vault's password with --ask-vault-pass or "
                "--vault-password-file."
            ) from error

    def _play_prereqs(self) -> Any:  # the only place between the inventory and the first task
        """Look at the inventory before anything runs."""
        loader, inventory, variables = super()._play_prereqs()
        if problem := name_problem(inventory.hosts):
            raise Mistake(problem)
        if not inventory.list_hosts():
            raise Mistake(f"there are no hosts in {self._where}: see inventory/example.yml for how to name them.")
        if (limit := context.CLIARGS["subset"]) and (problem := limit_problem(inventory, limit, self._where)):
            raise Mistake(problem)
        for host in inventory.list_hosts():
            values = variables.get_vars(host=host, include_hostvars=False)
            if problem := template_problem(values, variables.extra_vars):
                raise Mistake(f"{host}: {problem}")
        return loader, inventory, variables

    def _parse(self, words: Sequence[str]) -> Any:
        """Read the options, with HOST anywhere between them."""
        known = {*re.findall(r"--[a-z][a-z-]+", self.parser.format_help())}
        for word in words:
            if word[:2] != "--" and f"-{word}" in known:  # -check would be read as -c heck
                raise self._unknown(word, known)
        options, unknown = self.parser.parse_known_intermixed_args(joined(words))
        if unknown:
            raise self._unknown(unknown[0], known)
        return options

    def _unknown(self, word: str, known: Iterable[str]) -> Mistake:
        """Return the mistake of an option that is none."""
        name = word.partition("=")[0]
        return Mistake(f"there is no option {name}.{meant(name, known)} ./reachable {self._verb} --help says more.")

    def _refuse(self, message: str) -> NoReturn:
        """Say what argparse finds wrong."""
        message = message.removeprefix("argument ").replace(": expected one argument", " needs a value")
        raise Mistake(
            f"{re.sub('invalid .* value', 'invalid value', message)}. ./reachable {self._verb} --help says more."
        )

    def _own(self, options: Any) -> dict[str, Any]:
        """Return the variables that the options of ours set."""
        given = {name: value for name in OWN if (value := getattr(options, variable(name))) not in {None, False}}
        for name in given:
            if self._verb not in OWN[name].verbs:
                raise Mistake(f"{self._verb} has no option --{name}: it belongs to {' and '.join(OWN[name].verbs)}.")
            if OWN[name].for_people and (
                other := next((word for word in ("json", "check") if getattr(options, word)), "")
            ):
                raise Mistake(f"--{name} is for people: leave --{other} out.")
        return {variable(name): value for name, value in given.items()}


def end_workers_with_this_process() -> None:
    """End what Ansible forks once this process has ended, also where it was killed.

    Ansible's workers would go on, and never end with a result that is longer than a pipe: nobody reads it, and they
    have the reading end themselves.
    """
    reader, writing = os.pipe()
    writer = os.fdopen(writing, "wb")

    def end() -> None:
        os.read(reader, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def wait() -> None:
        writer.close()
        threading.Thread(target=end, daemon=True).start()

    os.register_at_fork(after_in_child=wait)


def main() -> None:
    """Run the verb."""
    end_workers_with_this_process()
    # What was imported stays until the end, so neither this process nor its workers look through it for garbage.
    gc.freeze()
    try:
        VerbCLI.cli_executor()
    except Mistake as mistake:
        sys.exit(f"reachable: {mistake}")


if __name__ == "__main__":
    main()
