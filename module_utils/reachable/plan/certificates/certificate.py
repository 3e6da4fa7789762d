# SPDX-License-Identifier: Apache-2.0
"""What each way to have a certificate says of itself."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from reachable import tls

from . import x509

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reachable.plan.entries import Entry
    from reachable.plan.receipts import Receipt
    from reachable.plan.service import Service
    from reachable.plan.situation import Situation

    from .parsed import Certificate

ABSENT: dict[str, Any] = {"state": "absent", "pem": "", "fits": False}


class Provider:
    """One way to have a certificate for Jupyter. What it does not say, it does not have."""

    kind: ClassVar[str]
    """As ``reachable_tls`` names it, and the file of tasks in the role that brings it."""
    scheme: ClassVar[str] = "https"
    """How its addresses begin."""
    remedy: ClassVar[str] = "run ./reachable up on the machine that brings it"
    """Who renews it."""

    def __init__(self, there: Situation) -> None:
        """Keep what is declared and how the host is."""
        self.there = there

    @property
    def entry(self) -> Entry:
        """Return the file on the host, with key, certificate and chain, but for its content."""
        account = self.there.account
        rights = {"owner": account.name, "group": account.group, "mode": "0600"}
        return {"path": self.there.layout.certificate, **rights}

    @property
    def found(self) -> Mapping[str, Any]:
        """Return what host_info says of that file."""
        found: Mapping[str, Any] = self.there.facts["certificates"].get(self.there.layout.certificate, ABSENT)
        return found

    @cached_property
    def chain(self) -> list[Certificate]:
        """Return the certificates in it, that of the host first; nothing where there is none that can be served."""
        return x509.read(self.found["pem"]) if self.found["fits"] else []

    @property
    def is_in_place(self) -> bool:
        """Tell whether it is there, its key fits, and nobody else can read it."""
        return bool(self.chain) and self.entry.items() <= {**self.found, "path": self.entry["path"]}.items()

    @property
    def is_to_bring(self) -> bool:
        """Tell whether the host has none, or not the right one. One that pulls gets it from the controller alone."""
        return bool(self.reason) and not self.there.pulled

    @property
    def reason(self) -> str:
        """Say what is wrong with the one that the host has; empty where nothing is."""
        if self.is_in_place:
            return ""
        if self.found["state"] == "absent":
            return "There is none."
        if not self.chain:
            return "There is none that can be served with the key beside it."
        return f"Not {self.entry['owner']} alone can read and replace it."

    @property
    def behind(self) -> str:
        """Return what is written behind it."""
        return ""

    @property
    def overdue(self) -> str:
        """Say that it ends soon, to whoever cannot renew it; empty where it does not."""
        leaf, now = next(iter(self.chain), None), self.there.controller.now
        if leaf is None or not tls.ends_soon(leaf.begin, leaf.end, now) or self.is_to_bring:
            return ""
        return (
            f"The certificate of {self.there.name} {tls.ends(leaf.end, now)} and has not been renewed: {self.remedy}."
        )

    @property
    def is_to_prepare(self) -> bool:
        """Tell whether there is something to do on the controller."""
        return self.is_to_bring

    @property
    def is_to_get(self) -> bool:
        """Tell whether there is something to do on the host, which gets its certificate by itself."""
        return False

    @property
    def is_surplus(self) -> bool:
        """Tell whether the host has one that it is not to have."""
        return False

    @property
    def settings(self) -> dict[str, Any]:
        """Return what Jupyter is told of it."""
        return {"certfile": self.there.layout.certificate}

    @property
    def trust(self) -> dict[str, str]:
        """Return whom the doctor trusts beside whom its machine does, and for which name, if for another one."""
        return {}

    @property
    def trust_here(self) -> dict[str, str]:
        """Return the same for a visit to the loopback."""
        return self.trust

    @property
    def certified(self) -> list[str]:
        """Return the only names and addresses under which a device takes it; nothing where it is right for all."""
        return []

    def services(self) -> list[Service]:
        """Return what runs for it."""
        return []

    def receipt(self) -> Receipt:
        """Return what it makes on the host, beside itself."""
        return {}

    def refusals(self) -> Iterator[str]:
        """Say why it cannot be, on this host."""
        yield from ()

    def notes(self) -> Iterator[str]:
        """Say what people should know of it."""
        if self.scheme == "https":
            yield "Type the address with its https://: there is no answer to plain http."

    @property
    def farewell(self) -> str:
        """Say what people do on their own devices once it is gone; empty where that is nothing."""
        return ""

    def planned(self) -> dict[str, Any]:
        """Return what its tasks need."""
        return {}
