# SPDX-License-Identifier: Apache-2.0
"""Service managers, and what each of them can do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Manager:
    """What a service manager does for its services. Code asks for a capability, never for a name.

    ``suffix`` is how the name of a definition ends. ``is_ours`` says that it comes with Reachable, where the system has
    none that runs; nothing starts that one at boot. ``has_credentials`` is whether it hands files that only root may
    read over to services, ``has_journal`` whether it keeps what they print, which otherwise they write into log files,
    ``has_runtime_folders`` whether it makes and removes their folders for sockets, ``has_sandbox`` whether it confines
    them, ``has_timers`` whether it starts them at times, and ``has_sessions`` whether a person's end with the last
    session, unless that person lingers. ``longest_prefix`` is how long a prefix may be with sockets below it.
    """

    name: str
    platform: str
    suffix: str
    longest_prefix: int
    is_ours: bool = False
    has_credentials: bool = False
    has_journal: bool = False
    has_runtime_folders: bool = False
    has_sandbox: bool = False
    has_sessions: bool = False
    has_timers: bool = False


MANAGERS = {
    manager.name: manager
    for manager in (
        Manager(
            "systemd",
            platform="linux",
            suffix=".service",
            longest_prefix=999,
            has_credentials=True,
            has_journal=True,
            has_runtime_folders=True,
            has_sandbox=True,
            has_sessions=True,
            has_timers=True,
        ),
        Manager("supervisord", platform="linux", suffix=".ini", longest_prefix=35, is_ours=True),
        # Paths of sockets are shorter there than on Linux, 104 bytes with the end, but so are the names of folders.
        Manager("launchd", platform="macos", suffix=".plist", longest_prefix=41),
    )
}
