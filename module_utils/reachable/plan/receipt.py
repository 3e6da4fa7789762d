# SPDX-License-Identifier: Apache-2.0
"""What is written down of a host before it is made, and what goes again: what nobody wants any more, or all of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from posixpath import dirname
from typing import TYPE_CHECKING, Any

from . import drift, jupyter, network, package, receipts, services, texts, ways_in
from .entries import folder, missing_entries
from .host_refusals import no_users
from .ways_in import ngrok

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .entries import Entry
    from .receipts import Receipt
    from .situation import Situation

# How a package of a distribution goes again, and the file by which it is known. dnf would remove what needs it as well,
# which is a person's own.
PACKAGES = {
    "ngrok": (ngrok.PACKAGE_FILES, ["dpkg", "--purge", "ngrok"]),
    "python3.12": (
        "/usr/bin/python3.12",
        ["sh", "-c", "rpm --erase --test python3.12 && dnf remove --assumeyes python3.12"],
    ),
}
# Where nobody has looked yet there may be notebooks.
NOT_SEEN = {"empty": False}
SEEN_OPEN = {"writable": True}


@dataclass(frozen=True)
class Removal:
    """What the tasks of a removal act on; ``user`` is whoever runs them.

    Services go first, and what else runs as the users of notebooks (``users_to_end``, ``sessions_to_end``), so that
    nobody makes new files meanwhile. Users go last: until then what is theirs can be told by their names. ``orphans``
    are the folders of notebooks whose user goes. What is in ``keep`` stays, although a folder above it goes.
    """

    user: str
    services: list[dict[str, Any]]
    lingering: list[str]
    users_to_end: list[str]
    sessions_to_end: list[str]
    packages: list[dict[str, Any]]
    python_goes: bool
    files: list[str]
    contents: list[str]
    keep: list[str]
    reloads_sshd: bool
    orphans: list[str]
    users: list[str]
    groups: list[str]


def wanted(there: Situation) -> Receipt:
    """Return what the host is to have, by kind. Folders go with all that is in them; notebooks are a person's own."""
    parents = {"parents": there.layout.parents}
    parts = [
        *(jupyter.receipt(there), ways_in.receipt(there), there.certificate.receipt(), drift.receipt(there)),
        *(services.receipt(there), parents),
    ]
    return {kind: [name for part in parts for name in part.get(kind, [])] for kind in receipts.KINDS}


def made(there: Situation) -> Receipt:
    """Return what the host has, and is about to get, as far as Reachable made it.

    A receipt that is lost while the rest is there is written anew from what there is.
    """
    known = {**there.receipt, "notebooks": there.notebooks_made}
    return receipts.with_what_is_to_come(known, wanted(there), there.facts, there.receipt_is_lost)


def all_there(there: Situation) -> Receipt:
    """Return what there is, for the end. Notebooks are also where Jupyter serves them, whatever the receipt says."""
    served = [folder for folder in there.served_folders if there.is_own_room(folder)]
    if there.receipt:
        return {**there.receipt, "notebooks": list(dict.fromkeys([*there.receipt["notebooks"], *served]))}
    is_lost = there.receipt_is_lost
    return receipts.with_what_is_to_come(
        {"notebooks": served} if is_lost else {}, wanted(there) if is_lost else {}, there.facts, is_lost=is_lost
    )


def planned(there: Situation, made_with: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the role receipt acts on. ``made_with`` is what a receipt says of the values."""
    having = made(there)
    surplus = receipts.receipt_without(having, wanted(there))
    rest = receipts.receipt_without(having, surplus)
    surplus["folders"] += package.former_folders(there)
    surplus["files"] += network.former_files(there)
    entries = written(there, {**having, **made_with})
    return {
        "entries": entries if missing_entries(entries, there.facts) else [],
        "surplus": asdict(removal(there, surplus)) if any(surplus.values()) else None,
        "rest": written(there, {**rest, **made_with}),
        "end": end(there),
        "is_known": bool(there.receipt),
        "former": of_former(there),
    }


def end(there: Situation) -> dict[str, Any]:
    """Return what goes at the end: all that is there, but for notebooks, which are a person's own unless they purge."""
    all_of_it = all_there(there)
    purges = there.wanted.reachable_purge
    rooms = there.facts["paths"]
    places = [f"{path}{suffix}" for path in all_of_it["notebooks"] for suffix in receipts.IN_A_MOVE]
    notebooks = [] if purges else [path for path in places if not rooms.get(path, NOT_SEEN)["empty"]]
    listed = [
        path for path in all_of_it["notebooks"] if any(f"{path}{each}" in notebooks for each in receipts.IN_A_MOVE)
    ]
    going = {**all_of_it, "folders": [*all_of_it["folders"], *(places if purges else [])]}
    users = receipts.notebook_users(all_of_it["users"])
    return {
        **all_of_it,
        "notebooks": places,
        "refused": end_refused(there, all_of_it),
        "is_any": any(all_of_it.values()),
        "removal": asdict(removal(there, going, notebooks, users)),
        "kept": notebooks,
        "entries": written(there, receipts.what_stays(all_of_it, listed, there.layout.receipt)),
        "locks": locks(there) if all_of_it["folders"] else [],
    }


def end_refused(there: Situation, all_of_it: Receipt) -> str:
    """Say why nothing is removed; empty where it can be. Where nobody knows where notebooks are, it stays."""
    macos = there.facts["macos"]
    if macos and all_of_it["users"] and not macos["may_make_users"]:
        return no_users(there.name)
    rooms = there.facts["paths"]
    shut = [
        path for path in (there.layout.prefix, there.layout.state_dir) if not rooms.get(path, SEEN_OPEN)["writable"]
    ]
    if shut and any(all_of_it.values()):
        return (
            f"{' and '.join(shut)} on {there.name} cannot be written, so nothing is removed: see whether the disk is "
            "mounted read-only there (findmnt), mount it for writing, and run this again."
        )
    if there.receipt_is_lost and not there.served_folders:
        return (
            f"The receipt {there.layout.receipt} on {there.name} is damaged or lost, and nothing else says where "
            "notebooks are: run ./reachable up first, which writes it anew."
        )
    return ""


def of_former(there: Situation) -> dict[str, Any] | None:
    """Return what goes of the scope of before, from where the notebooks have moved on; None where there was none.

    The Python on which the environments of a person are based stays: only root could bring it back.
    """
    before = there.before
    if before is None:
        return None
    all_of_it = all_there(before)
    packages = [name for name in all_of_it["packages"] if not name.startswith("python")]
    return {
        **all_of_it,
        "removal": asdict(removal(before, {**all_of_it, "packages": packages})),
        "locks": locks(before) if all_of_it["folders"] else [],
    }


def removal(there: Situation, going: Receipt, kept: Iterable[str] = (), users_to_end: Iterable[str] = ()) -> Removal:
    """Return what is removed of a receipt."""
    users_to_end, home = [*users_to_end], there.layout.jupyter_home
    orphans = [home if path.startswith(f"{home}/") else path for path in kept] if users_to_end else []
    return Removal(
        user=there.user["name"],
        services=[services.named(there, name) for name in going["services"]],
        lingering=going["lingering"],
        users_to_end=users_to_end,
        sessions_to_end=users_to_end if there.layout.platform == "linux" else [],
        packages=[package for name in going["packages"] if (package := system_package(there, name))],
        # Ansible takes the newest Python for its modules, which may be this one.
        python_goes=any(name.startswith("python") for name in going["packages"]),
        files=[*going["files"], *going["folders"]],
        contents=going["contents"],
        keep=[*kept, there.layout.receipt],
        reloads_sshd=ngrok.SSHD_CONFIG in going["files"],
        orphans=list(dict.fromkeys(orphans)),
        users=going["users"],
        groups=[] if there.distribution.user_groups else going["users"],
    )


def system_package(there: Situation, name: str) -> dict[str, Any] | None:
    """Return the command that removes a package, and the file by which it is known; None where nobody can remove it.

    Homebrew's own goes with Homebrew, and a package that Reachable never installs is none of its own.
    """
    if name == "ngrok-cask" and there.brew:
        brew = there.brew["path"]
        command = [brew, "uninstall", "--cask", "ngrok"]
        # It refuses to work for root.
        as_owner = ["sudo", "-u", there.brew["owner"], *command] if there.scope == "system" else command
        return {"file": f"{dirname(dirname(brew))}/Caskroom/ngrok", "command": as_owner}
    if name not in PACKAGES:
        return None
    file, command = PACKAGES[name]
    return {"file": file, "command": command}


def locks(there: Situation) -> list[str]:
    """Return the locks of environments. One who was cut short here may still be at work there."""
    layout = there.layout
    return [
        f"{layout.tools}.lock",
        f"{layout.server}.lock",
        layout.kernel_lock,
        f"{layout.acme_environment}.lock",
        f"{layout.drift_environment}.lock",
    ]


def written(there: Situation, content: Mapping[str, Any]) -> list[Entry]:
    """Return the entries that write the receipt."""
    parents = [path for path in there.layout.parents if not there.is_there(path)]
    return [
        *(folder(path, mode="0700") for path in parents),
        folder(there.layout.state_dir),
        {"path": there.layout.receipt, "content": texts.json_text(content), "mode": "0600"},
    ]
