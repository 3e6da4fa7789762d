# SPDX-License-Identifier: Apache-2.0
"""The environments: the tools of the modules, the server, and the kernel in which notebooks run."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from reachable import front_ends
from reachable.lockfile import normalized, with_additions

from . import package
from .jupyter_service import programs_sandbox, server_variables
from .packages import name_of, no_requirements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .declaration import Declaration
    from .layout import Layout
    from .project import Project
    from .situation import Situation

Environment = dict[str, Any]
"""One environment, with the keys that python_environment or host_info have for it."""

TRIAL = ("{path}/bin/python", "trial.py", "trial.json")
# In which nothing can be upgraded.
DAMAGED = {"incomplete", "absent"}


def looked_at(wanted: Declaration, layout: Layout, project: Project) -> list[Environment]:
    """Return what is to be looked at: how the environments are, whatever of it is wanted."""
    tools = {"path": layout.tools, "requirements": lock(project, "tools"), "alternative": lock(project, "tunnel")}
    server = {"path": layout.server, "requirements": server_lock(wanted, project), "replace": True}
    kernel = {"path": layout.kernel, "requirements": lock(project, "kernel"), "exact": False}
    return [tools, server, kernel]


def looked_at_for_upgrade(wanted: Declaration, layout: Layout, project: Project) -> list[Environment]:
    """Return what an upgrade looks at, whatever lock a rollback has declined."""
    return [{**each, "replace": False} for each in looked_at(wanted, layout, project) if each["path"] != layout.tools]


def lock(project: Project, name: str) -> str:
    """Return a lock of the project. Its hash, by which a rollback declines it, is that of the text without its end."""
    return project.text(f"requirements/{name}.txt").rstrip()


def server_lock(wanted: Declaration, project: Project) -> str:
    """Return the lock of the server, with the extensions that people want in it."""
    return with_additions(lock(project, "server"), wanted.jupyter_server_extensions)


def excluded(there: Situation) -> str:
    """Return what extensions do not bring into the server, as its own lock does without it, unless it is asked for."""
    asked = {normalized(name_of(each)) for each in there.wanted.jupyter_server_extensions}
    lines = there.project.text("requirements/server.excludes.txt").splitlines()
    return "\n".join(line for line in lines if line.split("#")[0].strip() not in asked)


def tools_wanted(there: Situation) -> Environment:
    """Return the tools, with what a tunnel takes where there is one."""
    name = "tunnel" if there.needs_tunnel_tools else "tools"
    return {"path": there.layout.tools, "requirements": lock(there.project, name)}


def server_wanted(there: Situation) -> Environment:
    """Return the server. A new one is tried before it takes the place of the old one."""
    return {
        "path": there.layout.server,
        "requirements": server_lock(there.wanted, there.project),
        "excludes": excluded(there),
        "replace": True,
        "check_command": [*TRIAL],
        "check_files": trial_files(there),
        "check_user": there.account.name,
        "check_lock_file": there.layout.kernel_lock,
        "sandbox": programs_sandbox(there),
    }


def server_before(there: Situation) -> Environment:
    """Return the server to which a rollback goes back."""
    server = {"path": there.layout.server, "requirements": server_lock(there.wanted, there.project)}
    return {**server, "replace": True, "lock": "previous"}


def kernel_wanted(there: Situation) -> Environment:
    """Return the kernel, to which its user may add."""
    return {
        "path": there.layout.kernel,
        "requirements": lock(there.project, "kernel"),
        "exact": False,
        "packages": there.wanted.jupyter_packages,
        "user_requirements": (there.requirements or "").rstrip(),
        "owner": there.account.name,
        "lock_file": there.layout.kernel_lock,
        "sandbox": programs_sandbox(there),
        "shown_by": there.layout.server,
    }


def settled(there: Situation) -> list[str]:
    """Return those for which there is nothing to do.

    Only uv can tell whether packages are missing that people want in the kernel.
    """
    adds = there.wanted.jupyter_packages or there.wanted.jupyter_requirements_file
    paths = [path for path, state in there.environments.items() if state == "settled"]
    return [path for path in paths if path != there.layout.kernel or not adds]


def to_settle(there: Situation) -> list[Environment]:
    """Return those for which there is something to do. Whoever only looks at a host has not looked at them."""
    unsettled = there.facts["environments"].keys() - {*settled(there)}
    paths = (there.layout.tools, there.layout.server, there.layout.kernel)
    makers = (tools_wanted, server_wanted, kernel_wanted)
    return [make(there) for path, make in zip(paths, makers) if path in unsettled]


def server_upgrades(there: Situation) -> list[Environment]:
    """Return the server, if an upgrade changes it."""
    state = there.facts["environments"].get(there.layout.server, "settled")
    return [] if state == "settled" else [{**server_wanted(there), "lock": "declared"}]


def is_held(there: Situation) -> bool:
    """Tell whether a rollback has declined the lock that is declared."""
    declined = hashlib.sha256(server_lock(there.wanted, there.project).encode()).hexdigest()
    return there.content(there.layout.server_hold) == declined


def rollback_refused(there: Situation) -> str:
    """Say why there is nothing to go back from; empty where there is."""
    return "" if there.was_installed else there.missing_words


def upgrade_refused(there: Situation) -> str:
    """Say why nothing can be upgraded; empty where it can."""
    if refused := rollback_refused(there):
        return refused
    if DAMAGED.intersection(there.environment_states):
        python = (there.facts["python"] or {}).get("version") or there.facts["system"]["python"]
        return (
            f"The environments on {there.name} are damaged, or were made for another Python than its {python}: "
            "run './reachable up', which makes them anew, and then upgrade."
        )
    if not there.current_proof_key:
        return (
            f"Jupyter on {there.name} cannot prove yet that it is this host's, before it gets the password: "
            "run './reachable up', and then upgrade."
        )
    return ""


def trial_files(there: Situation) -> dict[str, str]:
    """Return what tries a new server: the program, its environment, and the package, of which the doctor is a part."""
    program = there.project.text("roles/jupyter/files/trial.py")
    own = {"trial.py": program, "trial.json": json.dumps(server_variables(there))}
    return {**own, **package.files(there.project.modules())}


def kernel_refused(there: Situation) -> str:
    """Say why the kernel cannot be upgraded; empty where it can."""
    file = there.wanted.jupyter_requirements_file
    return no_requirements(file) if file and there.requirements is None else ""


def extension_warnings(environments: Iterable[Mapping[str, Any]], lab: str) -> list[str]:
    """Say of what python_environment found in the kernel's environment which parts for Jupyter have no effect there."""
    found = [each["extensions"] for each in environments if each["extensions"]]
    parts = [
        f"The kernel's environment has {package}, whose part for the server is not used there: name it in "
        "jupyter_server_extensions."
        for each in found
        for package in each["server"]
    ]
    misfits = [
        f"The kernel's environment has {name}, which is for JupyterLab {' and '.join(needs)} and not for {lab}: "
        "choose another version of its package."
        for each in found
        for name, needs in each["pages"].items()
        if not front_ends.fits(needs, lab)
    ]
    return [*parts, *misfits]


def lab_version(project: Project) -> str:
    """Return the version of JupyterLab that is declared."""
    found = re.search(r"(?m)^jupyterlab==([\w.]+)", lock(project, "server"))
    return found[1] if found else ""


def packages_changed(environments: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return of what python_environment did which packages it changed, each with its environment."""
    return [{**package, "environment": each["path"]} for each in environments for package in each["packages_changed"]]
