# SPDX-License-Identifier: Apache-2.0
"""The addresses at which people find Jupyter on a host, and how each is examined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import jupyter, notes, package, plans, published, say, texts, watcher, ways_in
from .entries import Entry, folder, missing_entries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reachable.endpoints import Endpoint

    from .layout import Layout
    from .situation import Situation
    from .ways_in import WayIn

LOOPBACKS = ["127.0.0.1", "127.0.1.1", "::1"]
# In bytes; an autosaved notebook with pictures takes as much.
LEAST_ROOM = 20_000_000


def files(layout: Layout, with_history: bool = False) -> list[str]:
    """Return the files and folders to look at. The history is long, and seldom asked for."""
    history = [layout.endpoint_history] if with_history else []
    return [layout.endpoint_dir, layout.endpoints, layout.drift_result, *history]


def planned(there: Situation) -> dict[str, Any]:
    """Return what the role endpoint does."""
    candidates = ways_in.candidates(there)
    tunnels = [endpoint for way, endpoint in candidates if way.is_tunnel]
    watched = watcher.watched(there)
    is_watched = watcher.is_watched(there)
    is_loopback = isinstance(candidates[0][0], ways_in.Loopback)
    places = (there.layout.endpoint_dir, there.layout.endpoints)
    visits = [visit(there, way, endpoint) for way, endpoint in candidates]
    return {
        "only_looks": there.only_looks,
        "is_pulled": there.pulled,
        "hostname": there.facts["addresses"]["hostname"],
        "service": {key: there.facts["daemons"]["reachable-jupyter"][key] for key in ("state", "uptime")},
        "drift": say.drift_seen(there.content(there.layout.drift_result)),
        "history": there.content(there.layout.endpoint_history),
        "no_card": no_card(there),
        "password_variable": jupyter.password_variable(there.wanted),
        "folder": there.layout.endpoint_dir,
        "file": there.layout.endpoints,
        "folder_found": {"files": {path: dict(there.file(path)) for path in places}, "user": dict(there.user)},
        "candidates": [endpoint for _, endpoint in candidates],
        "tunnels": tunnels,
        # Jupyter itself, as its own machine finds it.
        "server": server(there),
        "watched": watched,
        "watched_names": [each["name"] for each in watcher.followed(there)] if is_watched else [],
        "online": published.online(watched),
        "undeclared": published.undeclared(there.content(there.layout.endpoints)) if is_watched else [],
        "published": published.endpoints(there.content(there.layout.endpoints)),
        "requests": {**found._asdict(), "left": found.left} if (found := plans.allowance(there)) else {},
        "is_watched": is_watched,
        "no_room": no_room(there),
        "is_public": is_watched or ways_in.is_public(there),
        # The controller sees what the iPad sees; only a server on a remote loopback must be examined from there.
        "is_seen_from_here": there.controller.connected_to is None or not is_loopback,
        "is_behind_another": there.controller.is_behind_another,
        "visits": visits,
        "visits_there": visits_there(there, visits, bool(tunnels)),
        "has_refused_tunnel": any(entry["state"] == "refused" for entry in watched),
        "must_wait": must_wait(there, watched),
        "observation": observation(there) if is_watched else {},
        "notes": [*there.certificate.notes(), *ways_in.notes(there), *notes.of_way(there), *notes.of_session(there)],
        "system_notes": [*notes.of_clock(there), *notes.of_wsl(there), *notes.of_macos(there)],
        "ssh": ways_in.ngrok.ssh_card(there) if any(each["transport"] == "ssh" for each in tunnels) else None,
        "tunnel_transports": sorted(ways_in.TUNNELS),
        "watcher": watcher_work(there) if there.has_tunnel else {},
    }


def no_room(there: Situation) -> str:
    """Say that notebooks cannot be saved, because a disk is full; empty where they can."""
    places = (there.notebook_dir, there.layout.state_dir)
    rooms = there.facts["paths"]
    full = [each for each in places if each in rooms and rooms[each]["free_bytes"] < LEAST_ROOM]
    if not full:
        return ""
    return (
        f"The disk of {there.name} with {full[0]} is full, so that notebooks cannot be saved: remove something there, "
        "or make it larger."
    )


def no_card(there: Situation) -> str:
    """Say why no card is written from a guess: one that was right stays better."""
    if not there.was_installed:
        return there.missing_words
    return (
        f"The receipt on {there.name} does not say with which values it was made, and with those that are set now "
        "Jupyter does not answer, so the card stays as it is: run ./reachable up, with all that it was given."
    )


def visit(there: Situation, way: WayIn, endpoint: Endpoint) -> dict[str, Any]:
    """Return how the doctor opens an address. A machine may find itself under its own name on the loopback."""
    is_here = there.controller.connected_to is None
    own = [*there.facts["addresses"]["own"], *(LOOPBACKS if is_here else [])] if way.is_of_the_host else []
    trust = {} if way.is_tunnel else there.certificate.trust
    return {"name": endpoint["name"], "tunnel": way.is_tunnel, "own": own, **trust, **way.visit(endpoint)}


def visits_there(there: Situation, visits: list[dict[str, Any]], has_tunnel: bool) -> list[dict[str, Any]]:
    """Return how the doctor opens them from the host itself.

    There is no key for SSH there, but the server itself, whose answer tells it apart from its tunnels.
    """
    return [*({**each, "own": []} for each in visits if "ssh" not in each), *([server(there)] if has_tunnel else [])]


def server(there: Situation) -> dict[str, Any]:
    """Return how the doctor opens Jupyter on its own machine."""
    return {"name": "loopback", "url": str(ways_in.here(there)), "tunnel": False, **there.certificate.trust_here}


def must_wait(there: Situation, watched: list[Endpoint]) -> bool:
    """Tell whether the agent has to be asked. Where the watcher finds all well, it need not."""
    services = ways_in.receipt(there).get("services", [])
    runs = all(there.facts["daemons"][name]["state"] == "running" for name in services)
    return not runs or len(published.online(watched)) < len(watcher.followed(there))


def observation(there: Situation) -> dict[str, Any]:
    """Return what the agent is asked. Where somebody only looks, as the watcher on the host was told."""
    told = watcher.found_config(there) if there.only_looks else watcher.config(there)
    return {key: told[key] for key in ("endpoints", "log", "jupyter_port")}


def watcher_work(there: Situation) -> dict[str, Any]:
    """Return what there is to do for the watcher."""
    return {
        "programs_missing": missing_entries(package.tunnel_entries(there), there.facts),
        "configuration_missing": missing_entries(watcher.configuration(there), there.facts),
    }


def unpublished(plan: Mapping[str, Any], endpoints: list[Endpoint]) -> list[Entry]:
    """Return what is still to be published on a host, which where there is a tunnel its watcher does.

    Both or none: the folder may have gone with a tunnel since the host was looked at.
    """
    if plan["is_watched"] or plan["is_pulled"]:
        return []
    text = texts.json_text({"endpoints": endpoints})
    entries = [folder(plan["folder"]), {"path": f"{plan['folder']}/endpoint.json", "content": text}]
    return entries if missing_entries(entries, plan["folder_found"]) else []
