# SPDX-License-Identifier: Apache-2.0
"""Whether strangers find a host by its own address: then the login is not to cross the network in plain text."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .situation import Situation


def public_address(there: Situation) -> str:
    """Return an address by which the internet reaches a host; empty for none. A cloud may keep it outside of the host.

    Nearly every machine has a public address of IPv6, and a router that keeps others out. It counts where there is no
    other.
    """
    known = map(ip_address, [*there.controller.reached_at, *there.facts["addresses"]["own"]])
    found = [each for each in known if not each.is_link_local]
    counting = [each for each in found if each.version == 4] or found  # noqa: PLR2004 - the protocol's number
    return next((str(each) for each in counting if each.is_global), "")


def is_exposed(there: Situation) -> bool:
    """Tell whether Jupyter listens where the internet finds the host."""
    return there.listens_to == "lan" and bool(public_address(there))
