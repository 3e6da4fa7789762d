# SPDX-License-Identifier: Apache-2.0
"""Filters for the definitions of services."""

from __future__ import annotations

import plistlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MANAGED = "<!-- Written by Reachable. A change here is taken back by the next run. -->\n"

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


def metadata_to_deny(nameservers: Iterable[str]) -> list[str]:
    """Return the addresses of clouds' metadata that a service is kept from.

    Some clouds answer for names at the very same address. A host that asks there could find nothing any more.
    """
    return [address for address in METADATA_ADDRESSES if address not in nameservers]


def metadata_left_open(nameservers: Iterable[str]) -> list[str]:
    """Return those that a service is not kept from."""
    return [address for address in METADATA_ADDRESSES if address in nameservers]


def property_list(definition: Mapping[str, Any]) -> str:
    """Write a definition as launchd reads it, launchd.plist(5)."""
    text = plistlib.dumps(plain(definition), sort_keys=False).decode()
    return text.replace("<plist ", f"{MANAGED}<plist ", 1)


def plain(value: Any) -> Any:
    """Return a value without what Ansible adds to its type, which plistlib does not know."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value if isinstance(value, (bool, int)) else str(value)


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "metadata_left_open": metadata_left_open,
            "metadata_to_deny": metadata_to_deny,
            "property_list": property_list,
        }
