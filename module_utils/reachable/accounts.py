# SPDX-License-Identifier: Apache-2.0
"""What the system knows of accounts, beyond their names: whether anybody gets a session as them."""

from __future__ import annotations

import contextlib
import grp
import pwd
import time
from pathlib import Path

SHADOW = Path("/etc/shadow")
LINGERING = Path("/var/lib/systemd/linger")
# Where logind keeps what it knows of users who have a session, or linger.
SESSIONS = Path("/run/systemd/users")

DAY_SECONDS = 86400
# The second day of all, for shadow(5) leaves open what the first means.
EXPIRED_ON = "1970-01-02"


def find(name: str) -> pwd.struct_passwd | None:
    """Return an account; None where there is none of this name."""
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name)
    return None


def find_group(name: str) -> int | None:
    """Return the number of a group; None where there is none of this name."""
    with contextlib.suppress(KeyError):
        return grp.getgrnam(name).gr_gid
    return None


def has_expired(name: str) -> bool | None:
    """Tell whether an account has expired, shadow(5). Then sshd, su, cron, at and systemd open no session for it.

    None where only root may know, or the system keeps no such thing (macOS).
    """
    try:
        lines = SHADOW.read_text(errors="replace").splitlines()
    except (FileNotFoundError, PermissionError):
        return None
    for line in lines:
        fields = line.split(":")
        if fields[0] == name:
            return 0 < int(fields[7] or 0) < time.time() // DAY_SECONDS
    return None


def lingers(name: str) -> bool:
    """Tell whether an account's own services run without a session."""
    return (LINGERING / name).exists()


def has_session(uid: int) -> bool:
    """Tell whether an account has a session, or services of its own."""
    return (SESSIONS / str(uid)).exists()
