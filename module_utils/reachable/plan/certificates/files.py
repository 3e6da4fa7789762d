# SPDX-License-Identifier: Apache-2.0
"""A certificate that somebody has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reachable import tls

from . import x509
from .certificate import Provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reachable.plan.situation import Given

    from .parsed import Certificate


class Files(Provider):
    """The files that ``tls_certificate`` and ``tls_key`` name."""

    kind = "files"
    remedy = "give another tls_certificate"

    @property
    def given(self) -> Given:
        """Return what is in them."""
        return self.there.controller.given

    @property
    def wanted(self) -> list[Certificate]:
        """Return the certificates that are given, that of the host first."""
        return x509.read(self.given.certificate)

    @property
    def served(self) -> list[Certificate]:
        """Return those that are served in the end. A host that pulls has no files of the controller."""
        return self.wanted or self.chain

    @property
    def reason(self) -> str:
        """Say what is wrong with the one that the host has; empty where nothing is."""
        is_another = [each.pem for each in self.chain] != [each.pem for each in self.wanted]
        return super().reason or ("It is another one than tls_certificate." if is_another else "")

    @property
    def trust(self) -> dict[str, str]:
        """Return the authority, where its certificate is among those that are given."""
        roots = [each.pem for each in self.served if each.is_root]
        return {"authority": "".join(roots)} if roots else {}

    @property
    def trust_here(self) -> dict[str, str]:
        """Return the same, and a name of the certificate's: it need not be valid for the loopback."""
        names = self.served[0].names if self.served else []
        return {**self.trust, **({"certificate_name": names[0].replace("*", "any")} if names else {})}

    def refusals(self) -> Iterator[str]:
        """Refuse what cannot be served, or what no device takes."""
        file, key, now = self.there.wanted.tls_certificate, self.there.wanted.tls_key, self.there.controller.now
        if self.there.pulled:
            return
        if not self.wanted:
            yield (
                f"tls_certificate is '{file or ''}', where no certificate in the form PEM is: give the absolute path "
                "of a file on this machine that has one."
            )
            return
        leaf = self.wanted[0]
        if not self.given.key_fits:
            yield (
                f"tls_key is '{key or ''}', which is not the key of tls_certificate, or has a passphrase: give the "
                "absolute path of the one that is, without a passphrase."
            )
        if not leaf.is_valid(now):
            when = f"ended on {tls.day(leaf.end)}" if now > leaf.end else f"begins on {tls.day(leaf.begin)}"
            yield f"tls_certificate {when}: give one that is valid."
        if not leaf.names:
            yield "tls_certificate has no subjectAltName, without which no device takes it: have one issued that has."
        if any(not one.is_issued_by(other) for one, other in zip(self.wanted, self.wanted[1:])):
            yield (
                "tls_certificate has certificates that did not issue each other: write that of the host first, then "
                "that of its issuer, and so on."
            )
