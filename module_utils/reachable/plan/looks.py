# SPDX-License-Identifier: Apache-2.0
"""What the module host_info is to look at: all that some part of the plan asks for, so that nothing is listed twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reachable.sources import CA_BUNDLES

from . import bundle, certificates, drift, endpoint, environments, jupyter, network, services, ways_in
from .host_refusals import BUS
from .layout import OLDEST_PYTHON, on_macos

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .declaration import Declaration
    from .layout import Layout
    from .project import Project

# By which an installation for the whole machine is noticed by a person who has no rights there, and a person's by root.
TRACES_OF_SYSTEM = ["/opt/reachable/etc/jupyter", "/etc/systemd/system/reachable-jupyter.service"]
TRACES_OF_PERSONS = [".local/state/reachable/receipt.json", "Library/reachable-state/receipt.json"]


def is_for_all(files: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether there is an installation for the whole machine, by what host_info says of files."""
    return any(files[path]["state"] != "absent" for path in TRACES_OF_SYSTEM)


def look(wanted: Declaration, layout: Layout, project: Project, depth: str, with_history: bool) -> dict[str, Any]:
    """Return the arguments of host_info.

    ``depth`` says for what it is: to act on ``all``, for an ``upgrade``, or, with ``little``, for what is there only.
    """
    schedule = wanted.reachable_drift_schedule if depth == "all" else None
    folders = [layout.prefix, layout.state_dir, wanted.jupyter_notebook_dir, wanted.reachable_drift_vault_password_file]
    return {
        "paths": [*filter(None, folders)],
        "files": files(wanted, layout, with_history),
        "certificates": [layout.certificate],
        "invoker_files": TRACES_OF_PERSONS,
        "on_macos": on_macos(layout.scope, layout.home),
        "environments": looked_at(wanted, layout, project, depth),
        "daemons": list(services.NAMES),
        "supervisord_folder": layout.etc,
        "ports": [port for port in (wanted.jupyter_port, *ways_in.ports(wanted), *certificates.ports(wanted)) if port],
        "http_ports": [wanted.jupyter_port] if depth == "all" else [],
        "users": [wanted.jupyter_user, *ways_in.users(layout)],
        "oldest_python": OLDEST_PYTHON,
        "programs": [*ways_in.programs(layout, wanted), *(["git"] if wanted.reachable_drift_schedule else [])],
        "calendars": [schedule] if schedule else [],
        "sshd": ways_in.ngrok.sshd_question(wanted, layout) if depth == "all" else None,
        "jupyter_config": jupyter.other_config(layout, wanted) if depth == "all" else None,
    }


def files(wanted: Declaration, layout: Layout, with_history: bool) -> list[str]:
    """Return the files and folders to look at."""
    paths = [
        *jupyter.files(layout, wanted),
        *ways_in.files(layout, wanted),
        *drift.files(layout, wanted),
        *certificates.files(layout, wanted),
        *endpoint.files(layout, with_history),
        *services.files(layout),
        layout.receipt,
        *layout.parents,
        *network.files(layout, wanted, CA_BUNDLES),
        *bundle.files(layout),
        *TRACES_OF_SYSTEM,
        BUS,
    ]
    return list(dict.fromkeys(paths))


def looked_at(wanted: Declaration, layout: Layout, project: Project, depth: str) -> list[dict[str, Any]]:
    """Return the environments to look at. It takes a moment, so whoever has no use for it does not."""
    if depth == "upgrade":
        return environments.looked_at_for_upgrade(wanted, layout, project)
    if depth == "little":
        return []
    own = [drift.environment(layout, project)] if drift.is_wanted(wanted) else []
    return [*environments.looked_at(wanted, layout, project), *certificates.looked_at(wanted, layout, project), *own]
