# SPDX-License-Identifier: Apache-2.0
"""Whether the host's own SSH server lets the tunnel's user in: which line keeps it out, and what helps."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from .ways_in import ngrok

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .situation import Situation

# From where the agent comes.
NAMES, ADDRESS = ("localhost", "127.0.0.1"), ipaddress.ip_address("127.0.0.1")
INCLUDE = f"Include {ngrok.SSHD_CONFIG.rpartition('/')[0]}/*.conf"
# What counts for everybody, whatever stands below a Match of ours.
FOR_EVERYBODY = {
    "pubkeyauthentication": ("PubkeyAuthentication", "no"),
    "disableforwarding": ("DisableForwarding", "yes"),
}
KEY = "ssh-ed25519"


def refusal(there: Situation) -> str:
    """Say what keeps the tunnel's user out; empty where nothing does, or the server did not say."""
    seen = there.facts.get("sshd")
    if "ssh" not in there.transports or not seen or not seen["counts"]:
        return ""
    problem = next(problems(there, seen), None)
    if problem is None:
        return ""
    what, remedy = problem
    return (
        f"ngrok_transport is ssh, but the SSH server on {there.name} does not let {ngrok.SSH_USER} in: {what}. "
        f"{remedy} and reload it, or choose http or tcp."
    )


def problems(there: Situation, seen: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what keeps the user out, and what to do about it, in the server's own order."""
    counts: Mapping[str, list[str]] = seen["counts"]

    def where(keyword: str) -> str:
        found = [line for line in seen["lines"] if line["keyword"] == keyword]
        return " and ".join(dict.fromkeys(f"{line['file']}:{line['line']}" for line in found)) or "its defaults"

    yield from unwelcome(counts, where, groups_of(there))
    for keyword, (name, value) in FOR_EVERYBODY.items():
        if counts.get(keyword) == [value]:
            yield f"{name} in {where(keyword)} is {value}", "Take that out there"
    if KEY not in ",".join(counts.get("pubkeyacceptedalgorithms", [KEY])).split(","):
        yield f"PubkeyAcceptedAlgorithms in {where('pubkeyacceptedalgorithms')} has no {KEY}", "Add it there"
    if there.is_there(ngrok.SSHD_CONFIG):
        yield from unheard(there, counts, where)
    elif not is_included(seen["lines"]):
        main = seen["lines"][0]["file"] if seen["lines"] else "/etc/ssh/sshd_config"
        yield f"{main} does not include what lies beside it", f"Write the line '{INCLUDE}' at its top"


def unwelcome(
    counts: Mapping[str, list[str]], where: Callable[[str], str], groups: list[str]
) -> Iterator[tuple[str, str]]:
    """Yield which lists of users and groups keep it out."""

    def is_user(pattern: str) -> bool:
        return matches_user(pattern, ngrok.SSH_USER)

    if any(map(is_user, counts.get("denyusers", []))):
        yield f"DenyUsers in {where('denyusers')} names it", "Take it out there"
    if (allowed := counts.get("allowusers")) and not any(map(is_user, allowed)):
        yield f"AllowUsers in {where('allowusers')} does not name it", "Add it there"
    if denied := [group for group in groups if is_among(counts.get("denygroups", []), group)]:
        yield f"DenyGroups in {where('denygroups')} names its group {denied[0]}", "Take that out there"
    if (allowed := counts.get("allowgroups")) and not any(is_among(allowed, group) for group in groups):
        yield f"AllowGroups in {where('allowgroups')} names none of its groups", f"Add {groups[0]} there"


def unheard(
    there: Situation, counts: Mapping[str, list[str]], where: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    """Yield why what we wrote is not what counts: another line comes first, or nobody reads the file."""
    wanted = {
        "authorizedkeysfile": ("AuthorizedKeysFile", [there.layout.ssh_keys]),
        "authenticationmethods": ("AuthenticationMethods", ["publickey"]),
        "allowtcpforwarding": ("AllowTcpForwarding", ["local"]),
    }
    others = {keyword for keyword, (_, values) in wanted.items() if counts.get(keyword, values) != values}
    if len(others) == len(wanted):
        yield f"nothing includes {ngrok.SSHD_CONFIG}", f"Write the line '{INCLUDE}' at the top of its configuration"
    for keyword in wanted:
        if keyword in others:
            name = wanted[keyword][0]
            yield (
                f"{name} is {' '.join(counts[keyword])} for it, which stands in {where(keyword)}",
                "Take that out there",
            )


def groups_of(there: Situation) -> list[str]:
    """Return the groups of the tunnel's user; the one that it will have where it is still to come."""
    account = there.facts["users"].get(ngrok.SSH_USER)
    return [account["group"], *account["groups"]] if account else [ngrok.SSH_USER]


def is_included(lines: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether a line includes the file that is still to be written, and for everybody."""
    folder, _, name = ngrok.SSHD_CONFIG.rpartition("/")
    patterns = [
        pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
        for line in lines
        if line["keyword"] == "include" and not line["is_for_some"]
        for pattern in line["values"]
    ]
    return any(matches(pattern, f"{folder}/{name}") for pattern in patterns)


def matches(pattern: str, text: str) -> bool:
    """Tell whether a text is like a pattern with ``*`` and ``?``, as sshd compares them."""
    parts = ["." if sign == "?" else ".*" if sign == "*" else re.escape(sign) for sign in pattern]
    return re.fullmatch("".join(parts), text) is not None


def matches_user(pattern: str, user: str) -> bool:
    """Tell whether an entry USER or USER@HOST means a user who comes from the host itself."""
    name, _, host = pattern.partition("@")
    return matches(name, user) and (not host or is_here(host))


def is_here(host: str) -> bool:
    """Tell whether a part of an entry after its @ means the host itself: by name, by address, or by network."""
    if "/" not in host:
        return any(matches(host, name) for name in NAMES)
    try:
        return ADDRESS in ipaddress.ip_network(host, strict=False)
    except (TypeError, ValueError):
        return False


def is_among(patterns: Iterable[str], group: str) -> bool:
    """Tell whether a list means a group; one with an exclamation mark takes it out."""
    patterns = list(patterns)
    if any(pattern.startswith("!") and matches(pattern[1:], group) for pattern in patterns):
        return False
    return any(matches(pattern, group) for pattern in patterns)
