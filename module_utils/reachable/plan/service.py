# SPDX-License-Identifier: Apache-2.0
"""A service: one command that is kept alive, or that a timer starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Service:
    """One service, whichever manager runs it.

    ``files`` are read at its start: where one is newer than its process, it is restarted. ``credentials`` are files
    that only root may read; where the command names one, systemd hands over a copy. ``calendar`` is when a timer of
    systemd's starts it, as systemd.time(7) writes it. ``home_shows`` is the folder that its sandbox shows in the place
    of ``account_home``. ``port`` is where it answers to HTTP, if it does. ``sandbox`` replaces directives of the
    profile, or adds some; None leaves one out.
    """

    name: str
    description: str
    command: list[str]
    user: str
    group: str
    directory: str
    calendar: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    writable_paths: list[str] = field(default_factory=list)
    account_home: str | None = None
    account_is_closed: bool = True
    home_shows: str | None = None
    files: list[str] = field(default_factory=list)
    port: int | None = None
    credentials: list[str] = field(default_factory=list)
    runtime_variable: str | None = None
    runtime_mode: str = "0700"
    sandbox_profile: str = "notebooks"
    sandbox: Mapping[str, Any] = field(default_factory=dict)
