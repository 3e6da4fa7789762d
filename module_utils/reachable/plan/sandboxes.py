# SPDX-License-Identifier: Apache-2.0
"""What services are kept from, in systemd's own words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Where clouds tell a machine what it is, and hand out keys in its name.
METADATA_ADDRESSES = (
    "169.254.169.254",  # nearly all of them
    "169.254.170.2",  # containers of AWS
    "169.254.170.23",
    "168.63.129.16",  # Azure's agent
    "100.100.100.200",  # Alibaba
    "169.254.0.23",  # Tencent
    "169.254.42.42",  # Scaleway
    "192.0.0.192",  # Oracle
    "fd00:ec2::254",  # AWS
    "fd00:ec2::23",
    "fd20:ce::254",  # Google
    "fd00:42::42",  # Scaleway
    "fd00:a9fe:a9fe::1",  # Akamai
    "fd00:c1::a9fe:a9fe",  # Oracle
    "fe80::a9fe:a9fe",  # OpenStack
)

# The sandbox, in systemd's own words: what every program can bear, and what only one that does nothing but talk to the
# network can. Left out on purpose is PrivateUsers, which together with ProtectProc does not start on hosts without
# CAP_SYS_PTRACE, as some container VPSes are.
SANDBOX: dict[str, Any] = {
    "NoNewPrivileges": True,
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "KeyringMode": "private",
    "RemoveIPC": True,
    "PrivateTmp": True,
    "PrivateDevices": True,
    "PrivateIPC": True,
    "PrivateMounts": True,
    "ProtectSystem": "strict",
    "ProtectHome": True,
    "ProtectClock": True,
    "ProtectHostname": True,
    "ProtectKernelLogs": True,
    "ProtectKernelModules": True,
    "ProtectKernelTunables": True,
    "ProtectControlGroups": True,
    "ProtectProc": "invisible",
    "RestrictNamespaces": True,
    "RestrictRealtime": True,
    "RestrictSUIDSGID": True,
    "LockPersonality": True,
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
    "IPAddressDeny": None,  # the host decides
    # Debian 13 lets everybody write there, and strict does not cover it.
    "ReadOnlyPaths": "-/run/lock",
}
PROFILES: dict[str, dict[str, Any]] = {
    # Kernels, terminals, numba and %pip do not bear SystemCallFilter=~@resources (libzmq aborts),
    # MemoryDenyWriteExecute (numba) and ProcSubset=pid (psutil).
    "notebooks": {
        # Without AF_NETLINK libzmq aborts the kernel.
        "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX AF_NETLINK",
        "SystemCallFilter": "@system-service",
    },
    "network": {
        "MemoryDenyWriteExecute": True,
        "ProcSubset": "pid",
        "RestrictAddressFamilies": "AF_INET AF_INET6",
        "SystemCallFilter": ["@system-service", "~@privileged @resources"],
    },
    # Writes to /etc, installs packages, makes users and folders for them, works as them, and sees who holds a port.
    "administration": {
        # Systemd 257 would take CAP_SETUID away along with it.
        "NoNewPrivileges": None,
        "CapabilityBoundingSet": None,
        "RemoveIPC": None,
        "ProtectSystem": None,
        "ProtectHome": None,
        "ProtectProc": None,
        "RestrictSUIDSGID": None,
        "ReadOnlyPaths": None,
        # What packages bring is for others to read.
        "UMask": "0022",
    },
}
# Notebooks in somebody's home: only that folder is let in. RemoveIPC would take that person's own IPC objects away.
IN_A_HOME = {"ProtectHome": "tmpfs", "RemoveIPC": False}
HOMES = re.compile("/(home|root|run/user)/")
# A user's own systemd may have no namespaces to give; what does not need them is left.
WITHOUT_NAMESPACES = (
    "KeyringMode",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "NoNewPrivileges",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "SystemCallArchitectures",
    "SystemCallErrorNumber",
    "SystemCallFilter",
)


def sandbox_directives(
    own: Mapping[str, Any],
    profile: str,
    scope: str,
    nameservers: Iterable[str],
    *,
    writable: Sequence[str] = (),
    home: Sequence[str] = (),
    are_there: bool = True,
) -> list[str]:
    """Return the sandbox of a service, as the lines of its unit or the properties of a transient one.

    ``own`` replaces directives or comes to them, None leaves one out. ``home`` is empty, or a folder and the home in
    whose place it shows: for the rest of the system the home of such a user is empty, for ssh and the like in there it
    is the one that HOME names. Unless ``are_there``, folders may be missing.
    """
    in_homes = [path for path in writable if HOMES.match(path)]
    known = {**SANDBOX, "IPAddressDeny": " ".join(metadata_to_deny(nameservers))}
    whole = {**known, **PROFILES[profile], **(IN_A_HOME if in_homes else {})}
    folders = []
    if scope == "system":
        mark = "" if are_there else "-"
        folders = [f'{"BindPaths" if path in in_homes else "ReadWritePaths"}="{mark}{path}"' for path in writable]
        folders += [f"BindPaths={mark}{':'.join(home)}"] if home else []
    else:
        whole = {name: value for name, value in whole.items() if name in WITHOUT_NAMESPACES}
    values = {**whole, **own}
    return folders + [f"{name}={text}" for name, value in values.items() for text in texts(value)]


def texts(value: Any) -> list[str]:
    """Return what stands behind the name of a directive, once for each line."""
    if value is None:
        return []
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return [str(value)]


def metadata_to_deny(nameservers: Iterable[str]) -> list[str]:
    """Return the addresses of clouds' metadata that a service is kept from.

    Some clouds answer for names at the very same address. A host that asks there could find nothing any more.
    """
    return [address for address in METADATA_ADDRESSES if address not in nameservers]


def metadata_left_open(nameservers: Iterable[str]) -> list[str]:
    """Return those that a service is not kept from."""
    return [address for address in METADATA_ADDRESSES if address in nameservers]
