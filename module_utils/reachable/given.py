# SPDX-License-Identifier: Apache-2.0
"""Variables given with -e: those that are kept for the next run, and those in the receipt on the host.

A kept value counts if neither -e nor the inventory has the variable. It is kept after templating, so nothing in the
file is a template.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from .secrecy import has_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Values = dict[str, Any]
    Specs = Mapping[str, Mapping[str, Any]]

# Ansible's own variables that connect to a host in the same way as before.
CONNECTION: Specs = {"ansible_become_user": {"type": "str"}, "ansible_python_interpreter": {"type": "path"}}
# Variables that are meant for one run.
ONCE = {"reachable_purge", "reachable_yes"}
# Secrets that the host keeps itself once they were given.
KEPT_THERE = {"acme_eab_hmac_key", "jupyter_password", "jupyter_password_hash", "ngrok_authtoken", "reachable_proxy"}
# Variables about this machine, or that are needed to find the receipt. What a host says of them is ignored.
OF_THIS_MACHINE = {
    "acme_ca_certificate",
    "jupyter_requirements_file",
    "reachable_bundle",
    "reachable_ca_certificate",
    "reachable_ca_dir",
    "reachable_cards_dir",
    "reachable_scope",
    "reachable_secrets_dir",
    "reachable_state_dir",
    "tls_certificate",
    "tls_key",
}
LONGEST_SHOWN = 60


class GivenError(Exception):
    """The kept values cannot be used; the text is the sentence that says why."""


class MadeWith(NamedTuple):
    """The values in a receipt, with which the host was made, and the names of those that were given with -e."""

    values: Values
    given: list[str]


class ToKeep(NamedTuple):
    """The values to keep, and a sentence for each variable that is not kept and that the next run would miss."""

    values: Values
    sentences: list[str]


def file_for(host: str, sources: Iterable[str], own: str) -> str:
    """Return the file for a host's values: beside the inventory, or in the folder ``own`` if the inventory is no file.

    Raises GivenError.
    """
    if os.sep in host or host.startswith("."):
        raise GivenError(f"'{host}' cannot be the name of a file: give the host another name in the inventory.")
    places = (source for source in sources if "," not in source and os.path.exists(source))
    place = next(places, os.path.join(own, ""))
    return os.path.join(place if os.path.isdir(place) else os.path.dirname(place), "given", f"{host}.yml")


def is_public(name: str, specs: Specs) -> bool:
    """Tell whether a variable may be kept: it is ours or is needed to connect, and it is no secret."""
    return name in CONNECTION or (name in specs and name not in ONCE and not specs[name].get("no_log", False))


def check_kept(content: Any, specs: Specs, file: str) -> Values:
    """Check and return the content of a file, which anybody may have edited. Raises GivenError."""
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise GivenError(f"{file} must be a list of variables: write each like jupyter_port: 8822.")
    for name in content:
        if name in specs and not is_public(name, specs):
            why = "is meant for one run" if name in ONCE else "is a secret"
            raise GivenError(f"{file} has {name}, which {why}: take it out{'' if name in ONCE else ', use a vault'}.")
        if not is_public(name, specs):
            close = difflib.get_close_matches(name, [*specs, *CONNECTION], n=1)
            advice = f"did you mean {close[0]}?" if close else "take it out."
            raise GivenError(f"{file} has {name}, and there is no such variable: {advice}")
    return content


def as_kind(value: Any, spec: Mapping[str, Any]) -> Any:
    """Return a value as plain data of its type, because every value of -e NAME=VALUE is text."""
    kind, text = spec["type"], str(value).strip()
    if kind == "int" and re.fullmatch(r"-?[0-9]+", text) and not isinstance(value, bool):
        return int(text)
    if kind == "bool" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return json.loads(json.dumps(value))


def made_with(values: Values, specs: Specs, given: Iterable[str]) -> dict[str, Any]:
    """Return the part of a receipt with the values with which a host is made."""
    made = {
        name: as_kind(values[name], spec)
        for name, spec in sorted(specs.items())
        if name in values and is_of_the_host(name, specs) and not has_secret(values[name])
    }
    return {"made_with": made, "given": sorted(name for name in given if name in made)}


def is_of_the_host(name: str, specs: Specs) -> bool:
    """Tell whether the receipt on the host may contain a variable."""
    return is_public(name, specs) and name not in CONNECTION and name not in OF_THIS_MACHINE


def read_made_with(text: str | None, specs: Specs) -> MadeWith:
    """Read the values in a receipt. Variables that it may not contain are ignored."""
    try:
        found = json.loads(text or "")
    except ValueError:
        return MadeWith({}, [])
    made, given = (found.get("made_with"), found.get("given")) if isinstance(found, dict) else (None, None)
    if not isinstance(made, dict) or not isinstance(given, list):
        return MadeWith({}, [])
    values = {name: value for name, value in made.items() if is_of_the_host(name, specs)}
    return MadeWith(values, [name for name in values if name in given])


def taken_up(recalled: Mapping[str, Any], there: MadeWith) -> Values:
    """Return the values given according to the receipt, if no kept file is here and nothing else sets them."""
    if recalled["is_there"]:
        return {}
    return {name: there.values[name] for name in there.given if name not in known_here(recalled)}


def as_found(recalled: Mapping[str, Any], there: MadeWith, values: Values) -> Values:
    """Return the values with which the host was made that would differ now, except for those in -e."""
    specs = recalled["specs"]
    return {
        name: value
        for name, value in there.values.items()
        if name not in recalled["given"] and (name not in values or as_kind(values[name], specs[name]) != value)
    }


def known_here(recalled: Mapping[str, Any]) -> set[str]:
    """Return the names of variables in -e or in the inventory."""
    return {*recalled["given"], *recalled["declared"]}


def to_keep(recalled: Mapping[str, Any], taken: Values, values: Values, is_writable: bool) -> ToKeep:
    """Decide which given values are added to the kept ones. ``values`` are those of this run."""
    specs: Specs = {**recalled["specs"], **CONNECTION}
    kept, sentences = {**recalled["found"], **taken}, []
    for name in recalled["given"]:
        if name not in specs or name in ONCE | KEPT_THERE or name not in values:
            continue
        why = reason_against(name, values[name], recalled, is_writable)
        if why:
            sentences.append(f"{name} is not kept for the next run, because {why}.")
        else:
            kept[name] = as_kind(values[name], specs[name])
    return ToKeep(kept, sentences)


def reason_against(name: str, value: Any, recalled: Mapping[str, Any], is_writable: bool) -> str:
    """Return why a value cannot be kept, and what to do; an empty text if it can."""
    specs: Specs = recalled["specs"]
    if not is_public(name, specs):
        return "it is a secret: give it in the inventory, best in a vault"
    if has_secret(value):
        return "it has what looks like a secret: give it in the inventory, best in a vault"
    if name in recalled["declared"]:
        return "the inventory has it, too, which counts then: change it there"
    if not is_writable:
        return f"{os.path.dirname(recalled['file'])} cannot be written: give it in the inventory"
    return ""


def in_force(kept: Values, recalled: Mapping[str, Any]) -> Values:
    """Return the kept values that the next run will use."""
    return {name: value for name, value in kept.items() if name not in recalled["declared"]}


def shown(values: Values) -> list[str]:
    """Return values as people give them. They may come from a host, so nothing in them moves the cursor."""
    lines = []
    for name, value in sorted(values.items()):
        text = value if isinstance(value, str) and value.isprintable() else json.dumps(value)
        lines.append(f"{name}={text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + '…'}")
    return lines


def about(sentences: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the sentences that name one of the variables."""
    words = set(names)
    return [sentence for sentence in sentences if words.intersection(re.findall(r"\w+", sentence))]


def with_place(sentences: Iterable[str], names: Iterable[str], place: str) -> list[str]:
    """Append the place of the kept value to each sentence about one of the variables."""
    sentences, words = list(sentences), list(names)
    concerned = about(sentences, words)
    return [f"{sentence} It is kept in {place}." if sentence in concerned else sentence for sentence in sentences]
