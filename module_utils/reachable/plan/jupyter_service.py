# SPDX-License-Identifier: Apache-2.0
"""The service that runs Jupyter: its environment, and what it is kept from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import network, plans
from .jupyter_files import extension_paths
from .sandboxes import sandbox_directives
from .service import Service

if TYPE_CHECKING:
    from .situation import Situation

NAME = "reachable-jupyter"
# As capabilities(7) names the right to listen on any port.
BIND = "CAP_NET_BIND_SERVICE"
# What keeps a machine awake. One that may not sleep does not do so for being idle either, and systemd 252 refuses both
# at once.
AWAKE_COMMANDS = {
    "linux": ["systemd-inhibit", "--what=sleep", "--who=Jupyter", "--why=A kernel computes", "sleep", "infinity"],
    "macos": ["caffeinate", "-i"],
}


def service(there: Situation) -> Service:
    """Return the service."""
    layout, account = there.layout, there.account
    awake = {"REACHABLE_KEEP_AWAKE": json.dumps(AWAKE_COMMANDS[layout.platform])}
    return Service(
        name=NAME,
        description="Jupyter, made reachable",
        command=[f"{layout.server}/bin/jupyter-server"],
        user=account.name,
        group=account.group,
        directory=there.notebook_dir,
        environment={**server_variables(there), **(awake if there.wanted.reachable_keep_awake else {})},
        writable_paths=writable_paths(there),
        account_home=layout.jupyter_account_home,
        home_shows=layout.jupyter_home if account.is_ours else None,
        files=[layout.jupyter_config, layout.server, *extension_paths(layout)],
        # Without its certificate it takes connections and never answers, until that is back.
        port=None if there.certificate.is_to_bring else there.wanted.jupyter_port,
        runtime_variable="JUPYTER_RUNTIME_DIR",
        # Jupyter sets the sticky bit on it; without it here, every run under supervisord would take that back, and
        # restart.
        runtime_mode="1700",
        sandbox={**rights(there), **sandbox(there)},
    )


def server_variables(there: Situation) -> dict[str, str]:
    """Return the environment variables of a server.

    Of the folders with configuration the first beats the next. A person's own folder is read, and what Jupyter itself
    writes into one goes elsewhere: it does so at its very start. Both beat our defaults, for which that second one must
    be named here, too.
    """
    layout, home = there.layout, there.account.home
    config = (layout.jupyter_etc, f"{home}/.jupyter", f"{layout.jupyter_home}/.jupyter", layout.jupyter_defaults)
    return {
        "HOME": home,
        "SHELL": "/bin/bash",
        "LANG": there.distribution.lang,
        # What a terminal in the browser calls python and pip is what notebooks use.
        "PATH": f"{layout.kernel}/bin:{there.distribution.programs}",
        "JUPYTER_CONFIG_PATH": ":".join(dict.fromkeys(config)),
        "JUPYTER_CONFIG_DIR": f"{layout.jupyter_home}/.jupyter",
        "JUPYTER_PATH": layout.jupyter_share,
        "REACHABLE_ENDPOINTS": layout.endpoints,
        **({"REACHABLE_REQUESTS": layout.requests} if plans.requests_a_month(there) else {}),
        **network.trust(there, "PIP_CERT"),
    }


def needs_right(there: Situation) -> bool:
    """Tell whether only root may listen on its port by itself."""
    return bool(there.wanted.jupyter_port < there.facts["first_free_port"])


def rights(there: Situation) -> dict[str, str]:
    """Return the directives that let it listen there. What notebooks start inherits that, and nothing else."""
    return dict.fromkeys(("AmbientCapabilities", "CapabilityBoundingSet"), BIND) if needs_right(there) else {}


def sandbox(there: Situation) -> dict[str, Any]:
    """Return the directives of its sandbox that are not the profile's."""
    return {"MemoryMax": there.wanted.jupyter_memory_max, **there.wanted.jupyter_sandbox}


def writable_paths(there: Situation) -> list[str]:
    """Return the folders in which notebooks may write."""
    counted = [there.layout.requests_dir] if plans.requests_a_month(there) else []
    return list(dict.fromkeys([there.layout.jupyter_home, there.account.home, there.notebook_dir, *counted]))


def programs_sandbox(there: Situation) -> list[str]:
    """Return the sandbox of programs that notebooks could have put something into, where they run as their user.

    A folder may be still to come there, and where SELinux is in use, restorecon asks it.
    """
    if there.scope != "system" or not there.manager.has_sandbox:
        return []
    directives = sandbox_directives(
        sandbox(there),
        "notebooks",
        "system",
        there.facts["nameservers"],
        writable=writable_paths(there),
        home=[there.layout.jupyter_home, there.layout.jupyter_account_home] if there.account.is_ours else [],
        are_there=False,
    )
    return [*directives, *(["ReadWritePaths=/sys/fs/selinux"] if there.facts["system"]["selinux"] else [])]
