# SPDX-License-Identifier: Apache-2.0
"""Service managers, and what each of them can do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Manager:
    """What a service manager does for its services. Code asks for a capability, never for a name.

    ``definition`` is what people call what it reads, ``suffix`` how the name of such a file ends. ``is_ours`` says that
    it comes with Reachable, where the system has none that runs; nothing starts that one at boot. ``has_credentials``
    is whether it hands files that only root may read over to services, ``has_journal`` whether it keeps what they
    print, which otherwise they write into log files, ``has_runtime_folders`` whether it makes and removes their folders
    for sockets, ``has_sandbox`` whether it confines them, ``has_timers`` whether it starts them at times, and
    ``has_sessions`` whether a person's end with the last session, unless that person lingers. ``longest_prefix`` is how
    long a prefix may be with sockets below it, and where it ``has_short_paths`` the folders for sockets have short
    names.
    """

    name: str
    platform: str
    definition: str
    suffix: str
    longest_prefix: int
    has_short_paths: bool = False
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
            definition="unit",
            suffix=".service",
            longest_prefix=999,
            has_credentials=True,
            has_journal=True,
            has_runtime_folders=True,
            has_sandbox=True,
            has_sessions=True,
            has_timers=True,
        ),
        Manager(
            "supervisord",
            platform="linux",
            definition="supervisord program",
            suffix=".ini",
            longest_prefix=35,
            is_ours=True,
        ),
        # Paths of sockets have 104 bytes there, with the end, which is less than on Linux.
        Manager(
            "launchd", platform="macos", definition="job", suffix=".plist", longest_prefix=41, has_short_paths=True
        ),
    )
}
