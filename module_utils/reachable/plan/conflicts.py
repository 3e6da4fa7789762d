# SPDX-License-Identifier: Apache-2.0
"""What was found of a person's own configuration of Jupyter, compared with ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reachable import jupyter_configs
from reachable.lockfile import normalized

from .lab import class_settings
from .settings import ELSEWHERE_REMEDIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .situation import Situation

EFFECTS = {"loses": "has no effect beside Reachable's own", "wins": "wins over Reachable's own"}
# What is now jupyter_server's.
MOVED = ("notebook.auth.", "notebook.base.", "notebook.services.")
NOTHING: dict[str, Any] = {"settings": [], "problems": [], "password": None}


def sentences_of(there: Situation, own: jupyter_configs.Own) -> list[str]:
    """Say what a person's configuration on a host has against ours. One that its next user cannot read yet is none."""
    found = there.facts["jupyter_config"] or NOTHING
    home = there.file(there.layout.jupyter_home)
    is_anothers = home["state"] == "directory" and home["owner"] != there.wanted.jupyter_user
    hidden = f"{there.layout.jupyter_home}/"
    problems = [each for each in found["problems"] if not (is_anothers and each["file"].startswith(hidden))]
    conflicts = config_conflicts(found, own, there.current_hash, there.wanted.jupyter_password_adopt)
    return conflict_sentences(conflicts, problems, there.name)


def config_conflicts(
    found: Mapping[str, Any],
    own: jupyter_configs.Own,
    current_hash: str,
    adopted: bool,
) -> jupyter_configs.Settings:
    """Return the settings in a person's own files that differ from ours, with what becomes of them.

    The password that a server takes without us is no conflict if it is the one in force, or is adopted.
    """
    password = found["password"] or {}
    settings = [
        each
        for each in found["settings"]
        if not stands_at(each, password) or not (adopted or password["hash"] == current_hash)
    ]
    hashed = {"hashed_password": current_hash}
    ours = {**own, "PasswordIdentityProvider": {**own.get("PasswordIdentityProvider", {}), **hashed}}
    return jupyter_configs.conflicts(settings, ours, ELSEWHERE_REMEDIES)


def lacking(there: Situation) -> Iterator[str]:
    """Say which settings name a class that the server lacks, so that it would end as soon as it is started."""
    found = (there.facts["jupyter_config"] or NOTHING)["settings"]
    locked, extensions = there.project.text("requirements/server.txt"), there.wanted.jupyter_server_extensions
    known = set(re.findall(r"(?m)^([\w.-]+)==", locked))
    given = [
        ("jupyter_settings has", section, trait, value)
        for section, traits in class_settings(there.wanted.jupyter_settings).items()
        for trait, value in traits.items()
        if str(trait).endswith(jupyter_configs.IMPORTED) and isinstance(value, str) and "." in value
    ]
    theirs = [
        (f"{place(each)} on {there.name} sets", each["class"], each["trait"], each["value"])
        for each in jupyter_configs.imported(found, there.settings)
    ]
    for where, section, trait, value in [*given, *theirs]:
        module = value.partition(".")[0]
        # What extensions bring is not known; but the server is tried with them, and with these settings.
        may_be_there = normalized(module) in known or module.startswith("reachable_") or extensions
        if value.startswith(MOVED) or not may_be_there:
            yield (
                f"{where} {section}.{trait}, and Jupyter's server, which has no {value}, would not start with that: "
                "take it out, or name its package in jupyter_server_extensions."
            )


def stands_at(setting: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two settings are the same one."""
    return all(setting[key] == other.get(key) for key in ("file", "line", "class", "trait"))


def conflict_sentences(
    conflicts: Iterable[Mapping[str, Any]], problems: Iterable[Mapping[str, Any]], host: str
) -> list[str]:
    """Say each conflict, and each file that cannot be read, in one sentence."""
    return [
        f"{place(each)} on {host} sets {each['class']}.{each['trait']}, which {EFFECTS[each['effect']]}: "
        f"{each['instead']}."
        for each in conflicts
    ] + [f"{place(each)} on {host} is not taken into account: {each['problem']}." for each in problems]


def place(found: Mapping[str, Any]) -> str:
    """Return file and line, where there is one."""
    return f"{found['file']}:{found['line']}" if found["line"] else str(found["file"])
