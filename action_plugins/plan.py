# SPDX-License-Identifier: Apache-2.0
"""The action plan: brings the thinking together with Ansible, which see module_utils/reachable/plan."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.plugins.action import ActionBase

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "module_utils"))
from reachable import bundles, file_trees, files, given, proofs
from reachable.plan import bundle, declaration, former, lab, looks, make, refusals, requirements_files, steps
from reachable.plan import layout as layouts
from reachable.plan.certificates import acme, x509
from reachable.plan.situation import Authority, Controller, Former, Given, Situation

ARGUMENT_SPEC = {
    "values": {"type": "dict", "default": {}},
    "specs": {"type": "dict", "required": True},
    "platform": {"type": "str", "choices": ["linux", "macos"], "required": True},
    "scope": {"type": "str", "choices": ["system", "user"], "required": True},
    "home": {"type": "str", "required": True},
    "pulled": {"type": "bool", "default": False},
    "kept": {"type": "dict", "default": {}},
    "place": {"type": "str", "default": ""},
    "only_kept": {"type": "bool", "default": False},
    "checks": {"type": "bool", "default": False},
    "host": {"type": "dict"},
    "former": {"type": "dict"},
    "moves": {"type": "dict", "default": {}},
    "since": {"type": "dict", "default": {}},
    "connected_to": {"type": "str"},
    "ssh_args": {"type": "str", "default": ""},
    "only_looks": {"type": "bool", "default": False},
    "bundles": {"type": "bool", "default": False},
    "recalled": {"type": "dict"},
    "takes": {"type": "str", "choices": ["given", "all"], "default": "given"},
    "scopes": {"type": "dict", "default": {}},
    "depth": {"type": "str", "choices": ["all", "upgrade", "little"], "default": "little"},
    "with_history": {"type": "bool", "default": False},
    "server_lock": {"type": "str"},
}
PATIENCE = 3.0  # for an answer of a host that SSH has just reached
SERVER_LOCK = "requirements/server.txt"
# Names that look like ours, among which are misspelt ones.
OURS = re.compile("(reachable|preflight|jupyter|endpoint|ngrok|acme|tls)_", re.IGNORECASE)


class Checkout:
    """The files of this project, in the place of which others may be given."""

    def __init__(self, others: dict[str, str]) -> None:
        """Keep the texts of the others, by path."""
        self.others = others

    def text(self, path: str) -> str:
        """Return a text, as it is."""
        return self.others[path] if path in self.others else (ROOT / path).read_text(encoding="utf-8")

    def base64(self, path: str) -> str:
        """Return in base64 what is no text."""
        return base64.b64encode((ROOT / path).read_bytes()).decode()

    def modules(self) -> dict[str, str]:
        """Return the modules of the package that runs on hosts, without Ansible, by their names."""
        return {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "module_utils/reachable").glob("*.py")}


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Refuse what cannot be meant, look at the host, and work out what follows from how it is."""

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(ARGUMENT_SPEC)
        variables = task_vars or {}
        if options["host"] is None:
            return result | self._look(options, variables)
        options["values"] = self._values(options, variables)
        there = situation(variables["inventory_hostname"], options, self._task.check_mode)
        plan = make.make(there, record(options, variables))
        if options["bundles"]:
            plan["bundle"] |= bundle.contents(there)
        plan["kept"]["differs"] = not there.pulled and differs(plan["kept"]["entries"])
        # One that is still to come is not there in check mode, which makes nothing; there any other does.
        is_missing = plan["python"]["is_to_come"] and self._task.check_mode
        plan["python"]["at_hand"] = None if is_missing else plan["python"]["path"]
        return result | plan | {"since": options["since"]}

    def _look(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Look at the host, unless something is wrong with the declaration.

        That is no failure, as after one of the look itself a run goes on.
        """
        try:
            options["values"] = self._values(options, variables)
            refused = check(variables, options) if options["checks"] else []
        except AnsibleError as error:
            refused = [str(error)]
        if refused:
            return {"skipped": True, "refused": refused}
        found: dict[str, Any] = self._execute_module("host_info", look(options), task_vars=variables)
        return found

    def _values(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Return the values of what people set. One that refers to what nobody has defined is undefined itself.

        A template with a lookup for each of them takes five times as long.
        """
        values = {}
        for name in [each for each in (*options["specs"], *given.CONNECTION) if each in variables]:
            with contextlib.suppress(AnsibleUndefinedVariable):
                values[name] = self._templar.template(variables[name])
        return {**values, **options["values"]}


def check(variables: dict[str, Any], options: dict[str, Any]) -> list[str]:
    """Return what is wrong with a declaration that cannot be meant, and with names that look like ours."""
    names = [each for each in variables if OURS.match(each)]
    sentences = problems(variables["inventory_hostname"], names, options)
    if options["only_kept"]:
        sentences = given.about(sentences, options["kept"])
    return given.with_place(sentences, options["kept"], options["place"])


def look(options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of host_info. A value of the wrong kind, which nobody has checked, counts as not given."""
    values, specs = options["values"], options["specs"]
    wrong = [
        name for name, spec in specs.items() if name in values and declaration.wrong_kind(name, values[name], spec)
    ]
    wanted = declaration.read({**values, **{name: specs[name].get("default") for name in wrong}}, specs)
    places = wanted.reachable_prefix, wanted.reachable_state_dir
    layout = layouts.layout_before(options["scope"], options["home"], *places)
    return looks.look(wanted, layout, checkout(options), options["depth"], options["with_history"])


def problems(host: str, names: list[str], options: dict[str, Any]) -> list[str]:
    """Return what is wrong with the declaration. Values are looked at once all are of the right kind."""
    wrong_kinds = declaration.wrong_kinds(options["values"], options["specs"])
    sentences = wrong_kinds + declaration.unknown_names(names, options["specs"])
    if wrong_kinds:
        return sentences
    wanted = declaration.read(options["values"], options["specs"])
    return [*sentences, *refusals.of_declaration(wanted, surroundings(host, wanted, options))]


def surroundings(host: str, wanted: declaration.Declaration, options: dict[str, Any]) -> refusals.Surroundings:
    """Look at what counts of the controller."""
    folders = [each for each in (wanted.reachable_secrets_dir, wanted.reachable_cards_dir) if os.path.isabs(each or "")]
    # Reading them takes a moment, and most people set nothing of the kind.
    schemas = ROOT / "requirements/server.schemas.json" if lab.plugin_settings(wanted.jupyter_settings) else None
    return refusals.Surroundings(
        host=host,
        platform=options["platform"],
        scope=options["scope"],
        home=options["home"],
        pulled=options["pulled"],
        unwritable=frozenset(each for each in folders if each and not files.is_writable_folder(each)),
        requirements=text_named(wanted.jupyter_requirements_file),
        ca_certificate=text_named(wanted.reachable_ca_certificate),
        acme_certificate=text_named(wanted.acme_ca_certificate),
        schemas=json.loads(schemas.read_text(encoding="utf-8")) if schemas else {},
    )


def text_named(file: str | None) -> str | None:
    """Return the text of a file that the declaration names; None where there is no such file."""
    file = file or ""
    return requirements_files.text_of(Path(file).read_bytes()) if os.path.isabs(file) and os.path.isfile(file) else None


def bundle_named(file: str | None) -> tuple[str | None, str]:
    """Return what a bundle says of itself, or why it is none."""
    if file is None:
        return None, ""
    try:
        return bundles.read(Path(file)), ""
    except bundles.BundleError as error:
        return None, str(error)


def facts(options: dict[str, Any]) -> dict[str, Any]:
    """Return how the host is. The ports of a scope that is left are free once it is gone."""
    found: dict[str, Any] = lab.laid_over(options["host"], options["since"])
    before = options["former"] or {}
    if seen := (before.get("facts") or {}).get("port_holders"):
        found["port_holders"] = former.without_holders(found["port_holders"], seen, before["prefix"])
    return found


def checkout(options: dict[str, Any]) -> Checkout:
    """Return the files of the project, with another lock of the server where one is given."""
    return Checkout({} if options["server_lock"] is None else {SERVER_LOCK: options["server_lock"]})


def situation(host: str, options: dict[str, Any], check_mode: bool) -> Situation:
    """Bring together what is declared and what was found."""
    wanted = declaration.read(options["values"], options["specs"])
    brought, problem = bundle_named(wanted.reachable_bundle)
    there = Situation(
        name=host,
        wanted=wanted,
        scope=options["scope"],
        facts=facts(options),
        former=Former(**options["former"]) if options["former"] else None,
        # Whatever only looks has not looked there.
        moves={"paths": {}, "files": {}, **options["moves"]},
        check_mode=check_mode,
        project=checkout(options),
        requirements=text_named(wanted.jupyter_requirements_file),
        ca_certificate=text_named(wanted.reachable_ca_certificate),
        bundle=brought,
        bundle_problem=problem,
        acme_certificate=text_named(wanted.acme_ca_certificate),
        pulled=options["pulled"],
        only_looks=options["only_looks"] or options["bundles"],
    )
    there = dataclasses.replace(there, controller=controller(there, options["connected_to"], options["ssh_args"]))
    if not acme.is_to_be_reached(there):
        return there
    reaches_http = takes_connections(str(there.controller.address), acme.PORT)
    return dataclasses.replace(there, controller=dataclasses.replace(there.controller, reaches_http=reaches_http))


def record(options: dict[str, Any], variables: dict[str, Any]) -> make.Record:
    """Bring together what is said of the values, and where they came from."""
    return make.Record(
        values=options["values"],
        specs=options["specs"],
        recalled=options["recalled"],
        scopes=options["scopes"],
        takes=options["takes"],
        is_writable=files.is_writable_folder(os.path.dirname(options["recalled"]["file"])),
        steps=steps.chosen(variables["ansible_run_tags"], variables["ansible_skip_tags"]),
    )


def controller(there: Situation, connected_to: str | None, ssh_args: str) -> Controller:
    """Look at what only the controller has and sees."""
    way = way_of_ssh(connected_to, ssh_args) if connected_to else {}
    addresses, key = there.facts["addresses"], Path(there.tunnel_key)
    public_key = key.with_name(f"{key.name}.pub")
    # A name may be one that nobody but SSH knows.
    name = way.get("hostname", connected_to or "")
    is_behind_another = any(way.get(each, "none") != "none" for each in ("proxyjump", "proxycommand"))
    # Only then they count.
    is_in_the_open = bool(name) and not is_behind_another and there.listens_to == "lan" and not there.only_looks
    return Controller(
        connected_to=name or None,
        is_behind_another=is_behind_another,
        reached_at=tuple(sorted(found_under(name))) if is_in_the_open else (),
        # Only then the name counts, and it may take a while until nobody answers for it.
        finds_hostname=bool(connected_to and there.listens_to == "lan" and addresses["hostname"])
        and resolves_to(addresses["hostname"], addresses["own"]),
        has_tunnel_key=key.is_file(),
        tunnel_public_key=text_of(public_key),
        seconds_ahead=there.facts["clock"] - time.time(),
        now=time.time(),
        authority=authority(there.wanted.reachable_ca_dir or ""),
        given=given_certificate(there.wanted.tls_certificate or "", there.wanted.tls_key or ""),
    )


def authority(folder: str) -> Authority:
    """Look at the authority that this machine has, if it has one."""
    there = Authority(folder, controller=socket.gethostname())
    key = Path(there.key_file)
    root = text_of(Path(there.root_file))
    return dataclasses.replace(
        there,
        root=f"{root}\n" if root else "",
        before=text_of(Path(there.before_file)),
        key_fits=key_fits(key, root),
        is_private=key.is_file() and key.stat().st_mode & 0o077 == 0,
    )


def given_certificate(certificate: str, key: str) -> Given:
    """Look at a certificate that somebody has. Its key stays where it is until it is needed."""
    text = (text_named(certificate) or "") if certificate else ""
    return Given(text, key_fits=bool(text and key) and key_fits(Path(key), text))


def key_fits(key: Path, certificate: str) -> bool:
    """Tell whether a file has the key of the first certificate in a text."""
    found = x509.read(certificate)
    try:
        return bool(found) and found[0].has_key(key.read_bytes())
    except OSError:
        return False


def way_of_ssh(name: str, arguments: str) -> dict[str, str]:
    """Return how SSH gets to a host, as somebody has configured it; nothing where there is no SSH."""
    command = ["ssh", "-G", *shlex.split(arguments), name]
    try:
        said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
    except OSError:
        return {}
    return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)


def text_of(file: Path) -> str:
    """Return the text of a file without its last line's end; empty where there is none that anybody can read."""
    try:
        return file.read_text(encoding="utf-8").rstrip()
    except (OSError, ValueError):
        return ""


def takes_connections(address: str, port: int) -> bool:
    """Tell whether a port answers, be it that nobody is there. What a firewall drops has no answer."""
    try:
        socket.create_connection((address, port), PATIENCE).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def resolves_to(name: str, addresses: list[str]) -> bool:
    """Tell whether this machine finds under a name some of the addresses, and nothing else."""
    found = found_under(name)
    return bool(found) and found <= set(addresses)


def found_under(name: str) -> set[str]:
    """Return the addresses that this machine finds under a name; nothing where it finds none."""
    try:
        return {proofs.plain(str(entry[4][0])) for entry in socket.getaddrinfo(name, None)}
    except OSError:
        return set()


def differs(wanted: list[dict[str, Any]]) -> bool:
    """Tell whether files and folders of this machine are other than they should be."""
    try:
        return bool(file_trees.keep([file_trees.completed(entry) for entry in wanted], check_mode=True)["changed"])
    except (files.FilesError, OSError):
        return True  # the task that writes them says what is wrong
