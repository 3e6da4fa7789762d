# SPDX-License-Identifier: Apache-2.0
"""What people should know of a host, beside its addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import jupyter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .situation import Situation


def of_way(there: Situation) -> Iterator[str]:
    """Say from where addresses count that the controller may have no way to."""
    if there.controller.is_behind_another:
        yield (
            f"SSH gets to {there.name} through another machine. An address that does not answer here was tried on "
            f"{there.name} itself."
        )


def of_session(there: Situation) -> Iterator[str]:
    """Say when Jupyter ends by itself."""
    if jupyter.needs_lingering(there) and not jupyter.may_linger(there):
        name = there.account.name
        yield (
            f"Jupyter ends when {name} logs out. So that it stays, an administrator has to run: loginctl enable-linger "
            f"{name}"
        )
    elif there.scope == "user" and there.manager.is_ours:
        yield "After a restart of the machine, ./reachable up brings Jupyter back; nothing else does."


def of_clock(there: Situation) -> Iterator[str]:
    """Say that one of two clocks is wrong."""
    if days := there.days_ahead:
        yield (
            f"The clock of {there.name} is {abs(days)} days {'ahead of' if days > 0 else 'behind'} this machine's: set "
            "the one that is wrong, as with 'timedatectl set-ntp true'. Logins and certificates count by the clock."
        )


def of_wsl(there: Situation) -> Iterator[str]:
    """Say what Windows does to its Linux."""
    if not there.facts["system"]["wsl"]:
        return
    if there.manager.is_ours:
        yield (
            "WSL runs no systemd here, so Jupyter does not start by itself: run ./reachable up again after Windows was "
            "restarted, or ./reachable down, then write systemd=true below [boot] into /etc/wsl.conf, run wsl "
            "--shutdown in Windows, and ./reachable up."
        )
    yield "Windows ends WSL, and Jupyter with it, soon after the last window of WSL was closed: keep one open."
    if not there.has_tunnel:
        yield (
            "Windows lets only itself into WSL: for an iPad a tunnel is the easy way (NGROK_AUTHTOKEN). Or write "
            "networkingMode=mirrored below [wsl2] into .wslconfig, or forward the port with netsh interface portproxy, "
            "and let it through Windows' firewall."
        )


def of_macos(there: Situation) -> Iterator[str]:
    """Say what macOS keeps from Jupyter."""
    macos = there.facts["macos"]
    if there.layout.platform != "macos":
        return
    if macos["domain"].startswith("user/"):
        yield (
            "Nobody is logged in at the screen of this Mac, so Jupyter does not come back after a restart: log in "
            "there once and run ./reachable up again, or run it with root."
        )
    if macos["domain"].startswith("gui/"):
        name = there.account.name
        yield f"Jupyter starts when {name} logs in at the screen of this Mac, and ends at the logout."
    if there.layout.home == there.notebook_dir:
        yield "macOS does not let Jupyter look into Desktop, Documents, Downloads and iCloud: keep notebooks elsewhere."
    if there.listens_to == "lan" and macos["firewall"] != "off":
        blocked = ", and take back that it blocks all incoming connections" if macos["firewall"] == "blocking" else ""
        yield (
            f"The firewall of this Mac is on: where the addresses do not answer, let {there.python.path} in, in System "
            f"Settings, Network, Firewall, Options{blocked}."
        )
