# SPDX-License-Identifier: Apache-2.0
"""A certificate that was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from cryptography.x509 import ObjectIdentifier


@dataclass(frozen=True)
class Certificate:
    """A certificate. Times are seconds since 1970, names and addresses as browsers write them."""

    pem: str
    x509: x509.Certificate

    @property
    def begin(self) -> float:
        """Return from when it is valid."""
        return self.x509.not_valid_before_utc.timestamp()

    @property
    def end(self) -> float:
        """Return until when it is valid."""
        return self.x509.not_valid_after_utc.timestamp()

    @property
    def names(self) -> list[str]:
        """Return for which names and addresses it is valid."""
        try:
            found = self.x509.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (x509.ExtensionNotFound, ValueError):
            return []
        addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
        return [*map(str.lower, found.get_values_for_type(x509.DNSName)), *addresses]

    @property
    def common_name(self) -> str:
        """Return what it is called; empty where it is not."""
        return self.said_of(NameOID.COMMON_NAME)

    @property
    def organization(self) -> str:
        """Return whose it is; empty where it does not say so."""
        return self.said_of(NameOID.ORGANIZATION_NAME)

    def said_of(self, kind: ObjectIdentifier) -> str:
        """Return a part of its subject; empty where that is not in it."""
        found = self.x509.subject.get_attributes_for_oid(kind)
        return str(found[0].value) if found else ""

    @property
    def der(self) -> bytes:
        """Return it as devices take it."""
        return self.x509.public_bytes(serialization.Encoding.DER)

    @property
    def key_digest(self) -> bytes:
        """Return by what its key is known, which stays when it is renewed."""
        return x509.SubjectKeyIdentifier.from_public_key(self.x509.public_key()).digest

    @property
    def is_root(self) -> bool:
        """Tell whether it is signed by its own key."""
        return self.is_issued_by(self)

    def is_issued_by(self, other: Certificate) -> bool:
        """Tell whether another one's key has signed it."""
        try:
            self.x509.verify_directly_issued_by(other.x509)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True

    def is_valid(self, now: float) -> bool:
        """Tell whether a time lies in its life."""
        return self.begin <= now <= self.end

    def has_key(self, key: bytes) -> bool:
        """Tell whether a key in PEM without a passphrase is its own."""
        try:
            return serialization.load_pem_private_key(key, None).public_key() == self.x509.public_key()
        except (ValueError, TypeError):
            return False


def parse(pem: str) -> Certificate:
    """Read one certificate. Raises ValueError."""
    return Certificate(f"{pem}\n", x509.load_pem_x509_certificate(pem.encode()))
