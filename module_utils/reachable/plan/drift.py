# SPDX-License-Identifier: Apache-2.0
"""What lets a host look for drift by itself, at times: ansible-pull, what runs it, and a timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import network, package, receipts, texts
from . import services as daemons
from .entries import Entry, folder, missing_entries
from .service import Service

if TYPE_CHECKING:
    from .declaration import Declaration
    from .layout import Layout
    from .project import Project
    from .situation import Situation

NAME = "reachable-drift"
# Where systemd keeps when the timer fired last.
STAMP = f"/var/lib/systemd/timers/stamp-{NAME}.timer"

# What Ansible itself keeps; the service has a /tmp of its own, of which nothing is left.
OWN_FOLDER = "/tmp/ansible"  # noqa: S108


def planned(there: Situation) -> dict[str, Any]:
    """Return what the role drift does."""
    if not is_wanted(there.wanted):
        return {"is_to_do": False}
    work = {
        "files_missing": missing_entries(entries(there), there.facts),
        "environments_to_settle": environments_to_settle(there),
    }
    is_to_do = any(work.values()) or any(daemons.work(there, service)["is_to_do"] for service in services(there))
    return {**work, "is_to_do": is_to_do}


def is_wanted(wanted: Declaration) -> bool:
    """Tell whether a host is to look for drift by itself."""
    return wanted.reachable_drift_schedule is not None


def files(layout: Layout, wanted: Declaration) -> list[str]:
    """Return the files and folders that are to be looked at before anything is known of the host."""
    if not is_wanted(wanted):
        return []
    own = [layout.drift_etc, layout.drift_dir, layout.drift_config, layout.drift_variables]
    return [*own, *package.paths(layout.drift_library)]


def receipt(there: Situation) -> receipts.Receipt:
    """Return what the receipt lists of it."""
    if not is_wanted(there.wanted):
        return {}
    return {
        "services": [f"{NAME}.timer", NAME],
        "files": [STAMP],
        "folders": [there.layout.drift_etc, there.layout.drift_dir],
    }


# What it consists of


def environment(layout: Layout, project: Project) -> dict[str, Any]:
    """Return that environment."""
    requirements = project.text("requirements/controller.txt").rstrip()
    return {"path": layout.drift_environment, "requirements": requirements}


def environments_to_settle(there: Situation) -> list[dict[str, Any]]:
    """Return that environment unless it is as it should be. The one in use stays beside it: it may be at work now."""
    wanted = environment(there.layout, there.project)
    return [] if there.environments.get(wanted["path"]) == "settled" else [{**wanted, "replace": True}]


def entries(there: Situation) -> list[Entry]:
    """Return its files and folders."""
    layout = there.layout
    return [
        folder(layout.drift_etc),
        folder(layout.drift_dir, mode="0700"),
        {"path": layout.drift_config, "content": texts.json_text(config(there))},
        {"path": layout.drift_variables, "secret": texts.json_text(variables(there)), "mode": "0600"},
        *package.entries(there.package, layout.drift_library),
    ]


def config(there: Situation) -> dict[str, Any]:
    """Return what the program reads."""
    wanted, layout = there.wanted, there.layout
    vault = wanted.reachable_drift_vault_password_file
    return {
        "host": there.name,
        "action": wanted.reachable_drift_action,
        "folder": layout.drift_dir,
        "environment": layout.drift_environment,
        "options": [
            *("--url", wanted.reachable_drift_repository, "--directory", layout.drift_checkout, "--limit", there.name),
            *(["--checkout", wanted.reachable_drift_ref] if wanted.reachable_drift_ref else []),
            *(["--vault-password-file", vault] if vault else []),
        ],
        "variables": layout.drift_variables,
        "notify_command": wanted.endpoint_notify_command,
    }


def variables(there: Situation) -> dict[str, Any]:
    """Return what beats the inventory. The host keeps its secrets, so that the repository need not have them."""
    return {
        "__reachable_pulled": True,
        "ansible_become": False,  # it is root already
        "jupyter_password": None,
        "ngrok_authtoken": None,
        "endpoint_notify_urls": there.wanted.endpoint_notify_urls,
    }


def services(there: Situation) -> list[Service]:
    """Return the service, which a timer starts."""
    if not is_wanted(there.wanted):
        return []
    layout = there.layout
    return [
        Service(
            name=NAME,
            description="Looks whether Jupyter is as declared",
            command=[f"{layout.tools}/bin/python", "-m", "reachable.drift", "--config", layout.drift_config],
            calendar=there.wanted.reachable_drift_schedule,
            user="root",
            group="root",
            directory=layout.drift_dir,
            environment={
                "PYTHONPATH": package.archive_path(layout.drift_library),
                "LANG": "C.UTF-8",
                "ANSIBLE_CONFIG": f"{layout.drift_checkout}/ansible.cfg",
                # Not as an option: ansible-pull would look for the machine itself in it, too, before there is a
                # checkout.
                "ANSIBLE_INVENTORY": f"{layout.drift_checkout}/{there.wanted.reachable_drift_inventory}",
                "ANSIBLE_HOME": OWN_FOLDER,
                "ANSIBLE_REMOTE_TMP": f"{OWN_FOLDER}/tmp",  # noqa: S108
                **network.trust(there),
            },
            sandbox_profile="administration",
        )
    ]
