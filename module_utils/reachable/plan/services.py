# SPDX-License-Identifier: Apache-2.0
"""Services on a host: what there is to do so that one runs as it should, and so that it is stopped and removed."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import definitions
from .entries import Entry, folder, missing_entries
from .managers import MANAGERS
from .sandboxes import sandbox_directives

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .layout import Layout
    from .receipts import Receipt
    from .service import Service
    from .situation import Situation

# All that may be on a host. The last one shortens the logs of the others, where launchd runs them.
LOGS = "reachable-logs"
NAMES = (
    "reachable-jupyter",
    "reachable-ngrok",
    "reachable-endpoint",
    "reachable-acme",
    "reachable-acme.timer",
    "reachable-drift",
    "reachable-drift.timer",
    LOGS,
)
# By so many seconds a file may be ahead of the clock without being from the future.
LARGEST_LEAD = 2
NOT_THERE = {"state": "absent", "drop_ins": []}
VALIDATE_JOB = ["/usr/bin/plutil", "-lint", "{path}"]


def planned(there: Situation, wanted: list[Service], gone: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Return what the role daemon does about each service, by name, with more about those that are wanted.

    What is ``gone`` until then, because it is removed before, is to come back.
    """
    services = {service.name: work(there, service, gone) for service in wanted}
    return {name: named(there, name) | services.get(name, {}) for name in NAMES}


def files(layout: Layout) -> list[str]:
    """Return the files and folders to look at, whichever manager the host has."""
    paths = [layout.log_dir]
    for manager in MANAGERS.values():
        there = replace(layout, manager=manager, runtime_dir=f"{layout.prefix}/run")
        paths += [there.definition(name) for name in NAMES]
        paths += [there.runtime_dir, *map(there.runtime_folder, NAMES)]
    return [*paths, *supervisord_paths(layout)]


def named(there: Situation, name: str) -> dict[str, Any]:
    """Return what it takes to stop and to remove a service that may be on a host, by its name alone."""
    # A receipt may name one that nobody knows.
    layout, found = there.layout, there.facts["daemons"].get(name, NOT_THERE)
    definition = layout.definition(name)
    return {
        "name": name,
        "scope": layout.scope,
        "manager": layout.manager.name,
        "definition": definition,
        "kind": layout.manager.definition,
        "unit": name,
        "is_known": found["state"] != "absent",
        "is_there": there.is_there(definition) or found["state"] != "absent",
        "has_definition": there.is_there(definition),
        "drop_ins": list(dict.fromkeys(map(posixpath.dirname, found["drop_ins"]))),
        "options": options(layout, name),
    }


def of_former(there: Situation) -> dict[str, dict[str, Any]]:
    """Return what it takes to stop the services of the scope of before; nothing where there was none."""
    return {name: named(there.before, name) for name in NAMES} if there.before else {}


def receipt(there: Situation) -> Receipt:
    """Return what the receipt lists beside services themselves: what all of them have in common."""
    manager = there.manager
    return {
        **({"services": [LOGS]} if manager.name == "launchd" else {}),
        **({} if manager.has_journal else {"folders": [there.layout.log_dir]}),
    }


def options(layout: Layout, name: str) -> dict[str, str]:
    """Return what launchd_service and supervisord_program are told of a service, whatever becomes of it."""
    if not layout.manager.is_ours:
        return {"name": name, "path": layout.definition(name)}
    return {
        "name": name,
        "supervisord": f"{layout.tools}/bin/supervisord",
        "config": supervisord_paths(layout)[0],
        "socket": layout.supervisord_socket,
    }


def work(there: Situation, service: Service, gone: Collection[str] = ()) -> dict[str, Any]:
    """Return what there is to do so that a service runs as it should.

    Its definition ``differs`` where something of it is missing or changes it. After that the service is restarted,
    which enables and starts it as well. ``is_to_start`` is about one whose definition is as it should be. Files that
    are ``from_the_future`` would be newer than any process until then. One that ``is_silent`` takes connections, and
    never answers.
    """
    unit = f"{service.name}.timer" if service.calendar else service.name
    daemons = there.facts["daemons"]
    before = daemons[unit]
    drop_ins = [path for name in dict.fromkeys([service.name, unit]) for path in daemons[name]["drop_ins"]]
    wanted = entries(there, service)
    differing = missing_entries(wanted, there.facts)
    missing = [entry for entry in wanted if entry in differing or entry["path"] in gone]
    logs_job = missing_logs_job(there, service)
    logs_are_to_start = bool(logs_job) or logs_are_neglected(there, service)
    differs = bool(missing or drop_ins or logs_are_to_start)
    newer = newer_files(there, service, before["uptime"]) if before["state"] == "running" else []
    is_silent = before["state"] == "running" and service.port in there.facts["silent_ports"]
    is_to_start = not missing and not (before["state"] == "running" and before["at_boot"])
    return {
        "unit": unit,
        "missing": missing,
        "drop_ins": list(dict.fromkeys(map(posixpath.dirname, drop_ins))),
        "logs_job": logs_job,
        "logs_are_to_start": logs_are_to_start,
        "differs": differs,
        "is_outdated": bool(newer),
        "from_the_future": [path for path in newer if there.file(path)["age"] < -LARGEST_LEAD],
        "is_silent": is_silent,
        "is_to_start": is_to_start,
        "is_to_do": bool(differs or newer or is_silent or is_to_start),
    }


def newer_files(there: Situation, service: Service, uptime: int) -> list[str]:
    """Return the files of a service that are newer than its process. What starts counts in whole seconds.

    A run that was interrupted may have written them and not come to the restart.
    """
    timer = [there.layout.definition(f"{service.name}.timer")] if service.calendar else []
    paths = [there.layout.definition(service.name), *timer, *service.files]
    found = {path: there.file(path) for path in paths if there.is_there(path)}
    return [path for path, file in found.items() if file["age"] is not None and file["age"] < uptime - 1]


# Definitions


def entries(there: Situation, service: Service) -> list[Entry]:
    """Return the files and folders that make a service known to its manager."""
    return ENTRIES[there.manager.name](there, service)


def systemd_entries(there: Situation, service: Service) -> list[Entry]:
    """Return its units."""
    text = definitions.systemd_service(service, there.layout, sandbox(there, service))
    timer = f"{service.name}.timer"
    return [
        {"path": there.layout.definition(service.name), "content": text},
        *(
            [{"path": there.layout.definition(timer), "content": definitions.systemd_timer(service)}]
            if service.calendar
            else []
        ),
    ]


def supervisord_entries(there: Situation, service: Service) -> list[Entry]:
    """Return its program, and supervisord's own configuration.

    supervisord gives its own log whatever mode its umask leaves, which with -n is that of the container.
    """
    layout = there.layout
    config, programs = supervisord_paths(layout)
    return [
        folder(layout.log_dir, mode="0700"),
        folder(f"{layout.prefix}/run"),
        {"path": config, "content": definitions.supervisord_config(layout)},
        folder(programs),
        *runtime_folders(layout, service),
        {"path": layout.definition(service.name), "content": definitions.supervisord_program(service, layout)},
    ]


def supervisord_paths(layout: Layout) -> tuple[str, str]:
    """Return supervisord's configuration, and the folder of its programs."""
    return f"{layout.etc}/supervisord.conf", f"{layout.etc}/supervisord.d"


def launchd_entries(there: Situation, service: Service) -> list[Entry]:
    """Return its job."""
    text = definitions.launchd_job(service, there.layout, there.facts["macos"]["domain"])
    return [
        folder(there.layout.log_dir),
        folder(f"{there.layout.prefix}/run"),
        *runtime_folders(there.layout, service),
        {"path": there.layout.definition(service.name), "content": text, "validate": VALIDATE_JOB},
    ]


ENTRIES: dict[str, Callable[[Situation, Service], list[Entry]]] = {
    "systemd": systemd_entries,
    "supervisord": supervisord_entries,
    "launchd": launchd_entries,
}


def runtime_folders(layout: Layout, service: Service) -> list[Entry]:
    """Return the folder for its sockets, which systemd makes by itself."""
    if not service.runtime_variable:
        return []
    rights = {"owner": service.user, "group": service.group, "mode": service.runtime_mode}
    return [folder(layout.runtime_folder(service.name), **rights)]


def sandbox(there: Situation, service: Service) -> list[str]:
    """Return the lines of its unit that confine it."""
    shows = [service.home_shows, service.account_home or there.distribution.no_home] if service.home_shows else []
    return sandbox_directives(
        service.sandbox,
        service.sandbox_profile,
        there.scope,
        there.facts["nameservers"],
        writable=service.writable_paths,
        home=shows,
    )


# The logs of all services, which come with the first of them.


def missing_logs_job(there: Situation, service: Service) -> list[Entry]:
    """Return the job that keeps logs short, where launchd has none that is right."""
    if service.name != NAMES[0] or there.manager.name != "launchd":
        return []
    text = definitions.launchd_logs_job(LOGS, there.layout)
    job = {"path": there.layout.definition(LOGS), "content": text, "validate": VALIDATE_JOB}
    return missing_entries([job], there.facts)


def logs_are_neglected(there: Situation, service: Service) -> bool:
    """Tell whether that job is not at work. Between two starts it waits, which of a service would be a failure."""
    found = there.facts["daemons"][LOGS]
    is_at_work = found["state"] not in {"absent", "stopped"} and found["at_boot"]
    return service.name == NAMES[0] and there.manager.name == "launchd" and not is_at_work
