# SPDX-License-Identifier: Apache-2.0
"""What certificates and keys in PEM say."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


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
        found = self.x509.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value) if found else ""

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


def read(text: str) -> list[Certificate]:
    """Read the certificates in a text; nothing where one of them is none."""
    try:
        return [Certificate(f"{pem}\n", x509.load_pem_x509_certificate(pem.encode())) for pem in PEM.findall(text)]
    except ValueError:
        return []


def fits(key: bytes, certificate: Certificate) -> bool:
    """Tell whether a key without a passphrase is that of a certificate."""
    try:
        public = serialization.load_pem_private_key(key, None).public_key()
        return public == certificate.x509.public_key()
    except (ValueError, TypeError):
        return False


def is_address(name: str) -> bool:
    """Tell whether a name is an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def day(seconds: float) -> str:
    """Write a day for people."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
