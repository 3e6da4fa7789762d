# SPDX-License-Identifier: Apache-2.0
"""The watcher on the host: it follows tunnels, publishes their addresses, and tells people when one changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import network, package, plans, published, texts
from .accounts import Ours
from .entries import Entry, file_paths, folder
from .service import Service

if TYPE_CHECKING:
    from reachable.endpoints import Endpoint

    from .layout import Layout
    from .situation import Situation

DAEMON = "reachable-endpoint"


def files(layout: Layout) -> list[str]:
    """Return the files and folders to look at."""
    return [
        *(layout.watcher_config, layout.notify_urls, layout.endpoint_dir, layout.endpoints),
        *package.paths(layout.library),
    ]


# What whoever only looks asks the agent for, in the watcher's stead.
ASKED = {"endpoints": list, "log": str, "jupyter_port": int}


def found_config(there: Situation) -> dict[str, Any]:
    """Return the configuration with which the watcher on the host runs; one that nobody can read watches nothing."""
    is_there = there.facts["daemons"][DAEMON]["state"] != "absent"
    try:
        found = json.loads(there.content(there.layout.watcher_config)) if is_there else {}
    except ValueError:
        return {}
    return (
        found
        if isinstance(found, dict) and all(isinstance(found.get(key), kind) for key, kind in ASKED.items())
        else {}
    )


def is_watched(there: Situation) -> bool:
    """Tell whether there are tunnels to know of. For whoever only looks what is there counts, not what is declared."""
    return bool(found_config(there)) if there.only_looks else there.has_tunnel


def followed(there: Situation) -> list[dict[str, Any]]:
    """Return the endpoints that it follows, or is to follow."""
    if there.only_looks:
        entries = found_config(there).get("endpoints", [])
        return [each for each in entries if isinstance(each, dict) and isinstance(each.get("name"), str)]
    return [endpoint for way in there.ways for endpoint in way.declared()]


def watched(there: Situation) -> list[Endpoint]:
    """Return the endpoints as it has published them."""
    if not is_watched(there):
        return []
    names = [each["name"] for each in followed(there)]
    return published.tunnels(there.content(there.layout.endpoints), names, there.wanted.jupyter_port)


def config(there: Situation) -> dict[str, Any]:
    """Return its configuration."""
    wanted = there.wanted
    others = [endpoint for way in there.ways if not way.is_tunnel for endpoint in way.endpoints()]
    return {
        "host": there.name,
        "log": there.layout.ngrok_log,
        "folder": there.layout.endpoint_dir,
        "jupyter_port": wanted.jupyter_port,
        "endpoints": followed(there),
        "others": others,
        "notify_command": wanted.endpoint_notify_command,
        "probe_seconds": wanted.endpoint_probe_seconds,
        "offline_seconds": wanted.endpoint_offline_seconds,
        "flap_changes": wanted.endpoint_flap_changes,
        "flap_seconds": wanted.endpoint_flap_seconds,
        "history_length": wanted.endpoint_history_length,
        **plans.for_watcher(there),
        **({"variables": variables} if (variables := network.proxies(there)) else {}),
    }


def config_entry(there: Situation, user: str) -> Entry:
    """Return its file. A proxy may have a password in its address."""
    entry, text = {"path": there.layout.watcher_config}, texts.json_text(config(there))
    if not network.proxies(there):
        return {**entry, "content": text}
    return {**entry, "secret": text, "owner": user, "mode": "0600"}


def configuration(there: Situation) -> list[Entry]:
    """Return its configuration, and whom it tells, which is secret."""
    user = there.runs_as("endpoint")[0]
    return [
        folder(there.layout.endpoint_dir, owner=user),
        config_entry(there, user),
        {
            "path": there.layout.notify_urls,
            "secret": "".join(f"{url}\n" for url in there.wanted.endpoint_notify_urls),
            "owner": there.user["name"] if there.manager.has_credentials else user,
            "mode": "0600",
        },
    ]


def account(there: Situation) -> Ours:
    """Return the account as which it runs for the whole machine."""
    comment = "Watches Jupyter's tunnel for Reachable"
    return Ours(there.layout.user("endpoint"), "the watcher's user", comment, services=[DAEMON])


def service(there: Situation) -> Service:
    """Return its service."""
    layout = there.layout
    user, group = there.runs_as("endpoint")
    return Service(
        name=DAEMON,
        description="The watcher of Jupyter's tunnel",
        command=[
            *(f"{layout.tools}/bin/python", "-m", "reachable.watcher"),
            *("--config", layout.watcher_config, "--notify-urls", layout.notify_urls),
        ],
        credentials=[layout.notify_urls],
        files=file_paths([*configuration(there), *package.tunnel_entries(there)]),
        user=user,
        group=group,
        directory=layout.endpoint_dir,
        environment={
            **package.environment(layout.library),
            **network.trust(there),
        },
        writable_paths=[layout.endpoint_dir],
        sandbox_profile="network",
    )
