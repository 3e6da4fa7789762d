# SPDX-License-Identifier: Apache-2.0
"""A certificate of an authority of one's own, whose key is on the controller.

Sources: Apple's "Requirements for trusted certificates in iOS 13 and macOS 10.15" (https://support.apple.com/103769)
for what a device takes, and OpenSSL's strict verification (``X509_V_FLAG_X509_STRICT``), which Python 3.13 asks for.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reachable import tls
from reachable.endpoints import is_address
from reachable.plan import profiles, ways_in
from reachable.plan.entries import folder

from . import x509
from .certificate import Provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reachable.plan.entries import Entry
    from reachable.plan.situation import Authority

    from .parsed import Certificate

DAY = 86400.0
# Apple takes 825 at most.
LEAF_DAYS = 397
ROOT_DAYS = 3650
# A certificate is renewed when a third of its life is left, and an authority's so early that none which it issued
# outlives it.
LEAF_RENEWAL = LEAF_DAYS * DAY / 3
ROOT_RENEWAL = 2 * LEAF_DAYS * DAY
# Clocks are not all the same.
BEGIN = "-1d"
# An underscore is none of a host name's, but stands in many.
DNS_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*")
LOOPBACKS = ("localhost", "127.0.0.1", "::1")


class Ca(Provider):
    """A certificate that a device trusts which trusts the authority."""

    kind = "ca"

    @property
    def authority(self) -> Authority:
        """Return what the controller has of the authority."""
        return self.there.controller.authority

    @cached_property
    def root(self) -> Certificate | None:
        """Return the authority's certificate; None where there is none."""
        return next(iter(x509.read(self.authority.root)), None)

    @property
    def is_of_the_authority(self) -> bool:
        """Tell whether the authority has issued the certificate that the host has.

        A host that pulls does not have the authority, but its certificate behind its own.
        """
        if not self.chain:
            return False
        root = self.chain[-1] if self.there.pulled else self.root
        return bool(root and root.is_root and self.chain[0].is_issued_by(root))

    @cached_property
    def names(self) -> list[str]:
        """Return the names and addresses for which it is to be valid: those on the card, and those of the machine."""
        there = self.there
        hosts = [endpoint["host"] for _, endpoint in ways_in.candidates(there)]
        names = [*hosts, there.facts["addresses"]["hostname"], *there.wanted.tls_names, *LOOPBACKS]
        lower = [str(name or "").partition("%")[0].lower() for name in names]
        return list(dict.fromkeys(name for name in lower if is_address(name) or DNS_NAME.fullmatch(name)))

    @property
    def reason(self) -> str:
        """Say what is wrong with the one that the host has; empty where nothing is."""
        if not self.is_in_place:
            return super().reason
        now, leaf = self.there.controller.now, self.chain[0]
        if not (self.authority.key_fits and self.is_of_the_authority):
            return "It is not from the authority that this machine has."
        if leaf.begin > now:
            return f"It begins on {tls.day(leaf.begin)}."
        if now > leaf.end - LEAF_RENEWAL:
            return f"It {tls.ends(leaf.end, now)}."
        missing = [name for name in self.names if name not in leaf.names]
        return f"It does not count for {', '.join(missing)}." if missing else ""

    @property
    def behind(self) -> str:
        """Return the authority's certificate, by which the host itself trusts its server."""
        return self.authority.root

    @property
    def is_to_prepare(self) -> bool:
        """Tell whether one is to be issued, or something of the authority is missing."""
        return self.is_to_bring or (self.authority_is_to_make and not self.there.pulled)

    @property
    def authority_is_to_make(self) -> bool:
        """Tell whether something of the authority is missing, or ends before what it would issue."""
        return not (self.authority.is_complete and self.root_is_fresh)

    @property
    def root_is_fresh(self) -> bool:
        """Tell whether the authority's certificate is valid for longer than any of its own."""
        now, root = self.there.controller.now, self.root
        return bool(root and root.begin <= now <= root.end - ROOT_RENEWAL)

    @property
    def trust(self) -> dict[str, str]:
        """Return the authority's certificate. A host that pulls has it behind its own."""
        roots = [each.pem for each in self.chain if each.is_root]
        return {"authority": self.authority.root or "".join(roots)}

    def refusals(self) -> Iterator[str]:
        """Refuse it where nobody can issue one."""
        if self.there.pulled and not self.is_in_place:
            yield (
                f"reachable_tls is ca, and {self.there.name} has no certificate that can be served: run ./reachable up "
                "on the machine that has the authority's key."
            )

    def notes(self) -> Iterator[str]:
        """Say also when a device has to take another certificate of the authority."""
        yield from super().notes()
        before, now = next(iter(x509.read(self.authority.before)), None), self.there.controller.now
        if before and self.root and before.is_valid(now) and now < self.root.begin + ROOT_RENEWAL:
            yield (
                "The authority has a new certificate: every iPad has to take it, as it did the one of before, at the "
                f"latest on {tls.day(before.end)}."
                if before.x509.public_key() == self.root.x509.public_key()
                else "The authority is another one than before: every iPad has to take its certificate."
            )

    @property
    def farewell(self) -> str:
        """Say how the profile goes, which serves all hosts of the authority."""
        profile = profiles.profile(self.authority.root)
        if not profile:
            return ""
        return f"If no other host needs the profile, take it off the iPad: {profiles.removal(profile.name)}."

    def planned(self) -> dict[str, Any]:
        """Return what its tasks need."""
        return {
            "common_name": self.names[0],
            "names": [f"{'IP' if is_address(name) else 'DNS'}:{name}" for name in self.names],
            "begin": BEGIN,
            "end": f"+{LEAF_DAYS}d",
            "authority": {
                "is_to_make": self.authority_is_to_make,
                # With the key of before. Where that is lost, its certificate is another one in any case.
                "is_to_renew": self.authority.key_fits and not self.root_is_fresh,
                "common_name": self.root.common_name if self.root else f"Reachable on {self.authority.controller}",
                "root_file": self.authority.root_file,
                "key_file": self.authority.key_file,
                "begin": BEGIN,
                "end": f"+{ROOT_DAYS}d",
                "entries": self.authority_entries(),
            },
        }

    def authority_entries(self) -> list[Entry]:
        """Return its folder, and its certificate of before where it gets a new one."""
        own = folder(self.authority.folder, mode="0700")
        if self.root and not (self.authority.key_fits and self.root_is_fresh):
            return [own, {"path": self.authority.before_file, "content": self.authority.root}]
        return [own]
