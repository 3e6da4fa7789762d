# SPDX-License-Identifier: Apache-2.0
"""Jupyter on a host: what of it is missing, and what there is to tell about it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from . import bundle, environments, jupyter_files, jupyter_service, network, plans, receipts, settings, texts
from .accounts import JUPYTER_COMMENT, Ours
from .accounts import planned as planned_accounts
from .entries import missing_entries
from .moves import moves_of
from .sandboxes import metadata_left_open

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .declaration import Declaration
    from .entries import Entry
    from .layout import Layout
    from .moves import Moves
    from .service import Service
    from .situation import Situation


def planned(there: Situation) -> dict[str, Any]:
    """Return what roles need of it as plain data."""
    moves = moves_of(there)
    service = jupyter_service.service(there)
    folders = folders_missing(there, moves)
    missing: dict[str, Any] = {
        "awake_rules_missing": missing_entries(jupyter_files.awake_rules(there), there.facts),
        "environments_to_settle": environments.to_settle(there),
        "extension_missing": missing_entries(jupyter_files.extension(there), there.facts),
        "folders_missing": [each for each in folders if not moves.hand_over_the_way_to(each["path"])],
        # Whoever decides there until then cannot make what is another user's.
        "folders_missing_afterwards": [each for each in folders if moves.hand_over_the_way_to(each["path"])],
        "groups_missing": groups_missing(there),
        "lingering_is_missing": may_linger(there) and not there.user["lingers"],
    }
    differs = bool(planned_accounts(there, accounts(there)))
    comes = moves.is_needed or there.python.is_to_come or bundle.differs(there)
    is_installed = not (differs or any(missing.values()) or comes)
    return {
        **missing,
        "adopted_from": adopted_from(there),
        "adopted_hash": there.adopted_hash if there.adopts else None,
        "config": config(there),
        "config_differs": config_differs(there),
        "config_found": dict(there.file(there.layout.jupyter_config)),
        "current_hash": there.current_hash,
        "current_proof_key": there.current_proof_key,
        "hints": hints(there),
        "is_held": environments.is_held(there),
        "is_installed": is_installed,
        "kernel": environments.kernel_wanted(there),
        "kernel_refused": environments.kernel_refused(there),
        "lab": environments.lab_version(there.project),
        "network": {"proxies": network.for_pip(there), "trust": network.trust_for_pip(there)},
        "password_file": password_file(there),
        "password_variable": password_variable(there.wanted),
        "rollback_refused": environments.rollback_refused(there),
        # The server is the only one that a restart is for; kernels of notebooks that are open shall not end for others.
        "restart_handlers": [] if there.layout.server in environments.settled(there) else [f"Restart {service.name}"],
        "server_before": environments.server_before(there),
        "server_upgrades": environments.server_upgrades(there),
        "service": dataclasses.asdict(service),
        "upgrade_refused": environments.upgrade_refused(there) or next(bundle.refusals(there), ""),
        "uv": f"{there.layout.tools}/bin/uv",
        "warnings": warnings(there),
    }


def accounts(there: Situation) -> dict[str, Ours]:
    """Return the account that is made for it, by what it is for. A person's is left as it is."""
    if not there.account.is_ours:
        return {}
    name, home = there.account.name, there.layout.jupyter_account_home
    return {"jupyter": Ours(name, "the notebook user", JUPYTER_COMMENT, [jupyter_service.NAME], home)}


def services(there: Situation) -> list[Service]:
    """Return the services."""
    return [jupyter_service.service(there)]


def receipt(there: Situation) -> receipts.Receipt:
    """Return what the receipt lists of it."""
    package = there.distribution.python
    has_package = there.python.is_to_come or package in there.receipt.get("packages", [])
    listed = {
        "services": [jupyter_service.NAME],
        "users": [there.account.name] if there.account.is_ours else [],
        "packages": [package] if has_package else [],
        "files": [entry["path"] for entry in jupyter_files.awake_rules(there)],
        "folders": [
            *(there.layout.prefix, there.layout.state_dir),
            *([there.layout.requests_dir] if plans.requests_a_month(there) else []),
        ],
        "notebooks": [there.notebook_dir] if there.notebooks_are_ours else [],
        "lingering": [there.account.name] if may_linger(there) else [],
    }
    return {kind: names for kind, names in listed.items() if names}


def files(layout: Layout, wanted: Declaration) -> list[str]:
    """Return the files and folders that are to be looked at before anything is known of the host."""
    return jupyter_files.files(layout, wanted)


def other_config(layout: Layout, wanted: Declaration) -> dict[str, Any]:
    """Return where else somebody may have configured Jupyter: the user, and who administers the machine."""
    return {
        "user": wanted.jupyter_user,
        "folders": [
            "~/.jupyter",
            f"{layout.jupyter_home}/.jupyter",
            f"{layout.server}/etc/jupyter",
            "/usr/local/etc/jupyter",
            "/etc/jupyter",
        ],
        "traits": settings.watched_traits(wanted.jupyter_settings),
    }


# What is missing


def groups_missing(there: Situation) -> list[str]:
    """Return the groups of all accounts that are still to be made, where they do not come with these."""
    users = there.facts["users"]
    return [] if there.distribution.user_groups else [name for name in there.users_wanted if not users.get(name)]


def needs_lingering(there: Situation) -> bool:
    """Tell whether services would end with a person's last session."""
    return there.scope == "user" and there.manager.has_sessions


def may_linger(there: Situation) -> bool:
    """Tell whether that person may linger, so that they go on."""
    return needs_lingering(there) and bool(there.user["lingers"] or there.user["may_linger"])


def folders_missing(there: Situation, moves: Moves) -> list[Entry]:
    """Return the folders that are missing once what belongs to another user was handed over."""
    found = there.facts["files"]
    owned = {path: {**found[path], **owner} for path, owner in moves.owners.items()}
    notebooks = [jupyter_files.notebooks(there)] if there.notebooks_are_ours and not moves.arrive else []
    facts = {**there.facts, "files": {**found, **owned}}
    return missing_entries([*jupyter_files.folders(there), *notebooks], facts)


def config(there: Situation) -> dict[str, Any]:
    """Return the configuration as jupyter_config writes it, without hash and key."""
    owner = {"owner": there.account.name, "group": there.account.group}
    return {"path": there.layout.jupyter_config, "settings": there.settings, **owner}


def config_differs(there: Situation) -> bool:
    """Tell whether the host has another configuration, but for the hash and the key, which are settled afterwards."""
    provider = {**there.settings["PasswordIdentityProvider"], "hashed_password": there.current_hash}
    prover = {**there.settings.get("Reachable", {}), "proof_key": there.current_proof_key}
    whole = {**there.settings, "PasswordIdentityProvider": provider, "Reachable": prover}
    entry = {
        "path": there.layout.jupyter_config,
        "content": texts.json_text(whole),
        "owner": there.account.name,
        "group": there.account.group,
        "mode": "0600",
    }
    return bool(missing_entries([entry], there.facts))


# The password


def password_file(there: Situation) -> str:
    """Return the file on the controller that keeps a generated password."""
    return f"{there.wanted.reachable_secrets_dir}/{there.name}/jupyter_password"


def password_variable(wanted: Declaration) -> str:
    """Return where people have set the password themselves, so that it can only be changed there; empty for nowhere."""
    if wanted.jupyter_password is not None:
        return "jupyter_password"
    return "jupyter_password_hash" if wanted.jupyter_password_hash is not None else ""


def adopted_from(there: Situation) -> str:
    """Return file and line of the password in a person's own configuration; empty where there is none."""
    password = there.adopted_password
    return f"{password['file']}:{password['line']}" if there.adopted_hash else ""


# What there is to tell


def warnings(there: Situation) -> list[str]:
    """Say what has no effect, or another one than people may think."""
    adopts_too_late = (
        there.wanted.jupyter_password_adopt
        and there.wanted.jupyter_password is None
        and there.current_hash
        and there.adopted_hash not in {"", there.current_hash}
    )
    too_late = (
        f"jupyter_password_adopt has no effect: Jupyter on {there.name} has another password than the one in "
        f"{adopted_from(there)}. Leave it out."
    )
    return [*there.conflicts, *([too_late] if adopts_too_late else [])]


def hints(there: Situation) -> list[str]:
    """Say of what the card has nothing to say, below it."""
    return [*metadata_hints(there), *root_hints(there)]


def metadata_hints(there: Situation) -> Iterator[str]:
    """Say that a sandbox leaves the cloud's metadata open."""
    is_open = metadata_left_open(there.facts["nameservers"])
    is_confined = there.scope == "system" and there.manager.has_sandbox
    if is_open and is_confined and "IPAddressDeny" not in there.wanted.jupyter_sandbox:
        yield (
            f"Notebooks on {there.name} can ask for the cloud's metadata, and for keys in the machine's name, at "
            f"{' and '.join(is_open)}, where it also asks for names: let systemd-resolved ask for them (Debian: apt "
            "install systemd-resolved), and run ./reachable up again."
        )


def root_hints(there: Situation) -> Iterator[str]:
    """Say that notebooks of a person can become root. A sandbox holds only what does not leave it by systemd-run."""
    if there.scope == "user" and there.user["becomes_root"]:
        yield (
            f"Notebooks on {there.name} can become root, because sudo asks {there.account.name} for no password: have "
            "it ask for one, or set reachable_scope to system."
        )
