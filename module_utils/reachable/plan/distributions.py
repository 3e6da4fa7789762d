# SPDX-License-Identifier: Apache-2.0
"""What differs between Linux distributions, and on macOS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reachable.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Mapping

# For others some of the locked packages are there as source only.
ARCHITECTURES = ("x86_64", "aarch64", "arm64")


@dataclass(frozen=True)
class Distribution:
    """A distribution: how it is called, and where it differs from most.

    ``oldest`` is the oldest release on which this can work, ``sshd`` the unit of the SSH server, ``repository`` whether
    ngrok's repository, which is apt's, is for it, ``user_groups`` whether a user is made with a group of the same name
    (USERGROUPS_ENAB in login.defs(5)), ``python`` the package with a Python that is new enough, where the system's own
    is not, and ``python_advice`` what to do without one. ``no_home`` and ``no_shell`` are what users of services have,
    ``lang`` is the locale, and ``programs`` where a terminal finds programs.
    """

    oldest: str = "0"
    sshd: str = "sshd"
    repository: bool = False
    user_groups: bool = True
    python: str = ""
    python_advice: str = "install one there and name it in ansible_python_interpreter"
    no_home: str = "/nonexistent"
    no_shell: str = "/usr/sbin/nologin"
    lang: str = "C.UTF-8"
    programs: str = "/usr/local/bin:/usr/bin:/bin"


RHEL = Distribution(oldest="9", python="python3.12")
# By the ID that os-release(5) gives them.
DISTRIBUTIONS = {
    "debian": Distribution(oldest="12", sshd="ssh", repository=True),
    "ubuntu": Distribution(oldest="22.04", sshd="ssh", repository=True),
    "fedora": Distribution(oldest="41"),
    "rhel": RHEL,
    "rocky": RHEL,
    "almalinux": RHEL,
    "centos": RHEL,
    "opensuse-leap": Distribution(oldest="15.6", user_groups=False),
    "suse": Distribution(oldest="15.6", user_groups=False),
    "arch": Distribution(),
    "macos": Distribution(
        oldest="13",
        user_groups=False,
        python_advice="install one with 'brew install python3', and name it in ansible_python_interpreter if it is not "
        "found",
        no_home="/var/empty",
        no_shell="/usr/bin/false",
        lang="en_US.UTF-8",
        programs="/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    ),
}
SUPPORTED = (
    f"Debian {DISTRIBUTIONS['debian'].oldest}, Ubuntu {DISTRIBUTIONS['ubuntu'].oldest}, "
    f"Fedora {DISTRIBUTIONS['fedora'].oldest}, RHEL, Rocky Linux or AlmaLinux {RHEL.oldest}, "
    f"openSUSE Leap {DISTRIBUTIONS['opensuse-leap'].oldest} or Tumbleweed, Arch Linux, "
    f"macOS {DISTRIBUTIONS['macos'].oldest}, or a newer release of them"
)


def kin_of(system: Mapping[str, Any]) -> str:
    """Return under which name a system is known: its own, or the first that it says it is like; empty for none."""
    return next((name for name in (system["distribution"], *system["like"]) if name in DISTRIBUTIONS), "")


def distribution_of(system: Mapping[str, Any]) -> Distribution:
    """Return what is known of a system."""
    return DISTRIBUTIONS.get(kin_of(system), Distribution())


def is_supported(system: Mapping[str, Any]) -> bool:
    """Tell whether this can work on a system.

    One that is only like another has releases with numbers of its own, so there only its Python can be too old. A
    release without a number is the next one, still being made, or there is only one.
    """
    kin = kin_of(system)
    if kin != system["distribution"] or not system["release"]:
        return bool(kin)
    return version_key(system["release"]) >= version_key(DISTRIBUTIONS[kin].oldest)


@dataclass(frozen=True)
class Python:
    """The Python of the environments, which is not always the one that runs modules."""

    path: str
    version: str
    is_to_come: bool


def python_of(facts: Mapping[str, Any], scope: str) -> Python:
    """Return the Python for environments of a host as host_info found it; one that is to come brings a package."""
    found, package = facts["python"], distribution_of(facts["system"]).python
    if found:
        return Python(found["path"], found["version"], is_to_come=False)
    number = re.search("[0-9.]+", package)
    if number and scope == "system":
        return Python(f"/usr/bin/{package}", number[0], is_to_come=True)
    return Python(f"/usr/bin/{package}", facts["system"]["python"], is_to_come=False)
