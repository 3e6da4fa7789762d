# SPDX-License-Identifier: Apache-2.0
"""Where everything lies by default, and how folders may be called."""

from __future__ import annotations

import re
from typing import NamedTuple

# Programs fail on other signs, and sockets below a long path.
PLAIN_FOLDER = re.compile(r"/(?!.*/\.{1,2}(/|\Z))[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
LONGEST_PREFIX = 35
ANY_FOLDER = re.compile(r'/(?!.*/\.{0,2}(/|\Z))(?!\.{1,2}(/|\Z))[^"\\%$:;\x00-\x20/][^"\\%$:;\x00-\x1f]*(?<! )')
# What is there is gone after a reboot, or hidden from services.
PASSING = re.compile(r"/(tmp|var/tmp|run|dev|proc|sys)(/|\Z)")
# What is there is hidden from services of the system.
HOMES = re.compile(r"/(home|root)/")


class Places(NamedTuple):
    """Where programs lie by default, and what belongs to the notebook user."""

    prefix: str
    state_dir: str


def default_places(platform: str, scope: str, home: str) -> Places:
    """Return the default folders. ``home`` is that of the person for whom alone it is made.

    Not in "Application Support" on macOS: programs fail on spaces, and sockets on long paths.
    """
    if scope == "system":
        return Places("/opt/reachable", "/var/db/reachable" if platform == "macos" else "/var/lib/reachable")
    if platform == "macos":
        return Places(f"{home}/Library/reachable", f"{home}/Library/reachable-state")
    return Places(f"{home}/.local/share/reachable", f"{home}/.local/state/reachable")


def is_lasting(folder: str, rule: re.Pattern[str]) -> bool:
    """Tell whether a folder is named by a rule, and is where something lasts."""
    return bool(rule.fullmatch(folder)) and not PASSING.match(folder)
