"""Authorities and certificates for tests, by Apple's rules and the strict ones of Python 3.13 unless told otherwise."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

PEM = serialization.Encoding.PEM
Extensions = list[tuple[x509.ExtensionType, bool]]
CLEAR = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()


def general_name(name: str) -> x509.GeneralName:
    """Return an IP address or a name in the form of a certificate."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def usage(**kinds: bool) -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign"
    )
    return x509.KeyUsage(**dict.fromkeys([*names.split(), "encipher_only", "decipher_only"], False) | kinds)


@dataclass
class Authority:
    """An authority that issues certificates into a folder."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """Return its certificate."""
        return self.certificate.public_bytes(PEM).decode()

    def intermediate(self, name: str) -> Authority:
        """Return an authority for which this one vouches."""
        return authority(self.folder, name, self)

    def issue(
        self,
        *names: str,
        begin: float = -10,
        end: float = 60,
        source: str = "",
        behind: tuple[Authority, ...] = (),
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        is_strict: bool = True,
    ) -> Path:
        """Issue a certificate, ``begin`` and ``end`` in days from now; return the file with key and chain."""
        key = ec.generate_private_key(ec.SECP256R1())
        extensions: Extensions = [
            (x509.SubjectAlternativeName([general_name(name) for name in names or ("127.0.0.1",)]), False),
            (x509.BasicConstraints(False, None), True),
            (usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage([purpose]), False),
        ]
        if source:
            where = x509.UniformResourceIdentifier(source)
            access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)
            extensions.append((x509.AuthorityInformationAccess([access]), False))
        if is_strict:
            extensions.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False))
        built = certificate_builder("A server", key, self.name, (begin, end), extensions).sign(
            self.key, hashes.SHA256()
        )
        path = self.folder / f"{built.serial_number}.pem"
        chain = "".join(each.pem for each in behind).encode()
        path.write_bytes(key.private_bytes(PEM, *CLEAR) + built.public_bytes(PEM) + chain)
        return path


def certificate_builder(
    name: str, key: Any, issuer: str, life: tuple[float, float], extensions: Extensions
) -> x509.CertificateBuilder:
    subject, above = (x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, each)]) for each in (name, issuer))
    now = dt.datetime.now(dt.timezone.utc)
    built = (
        x509.CertificateBuilder(above, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=life[0]))
        .not_valid_after(now + dt.timedelta(days=life[1], hours=1))
    )
    for extension, is_critical in extensions:
        built = built.add_extension(extension, is_critical)
    return built


def authority(folder: Path, name: str = "Made for a test", above: Authority | None = None) -> Authority:
    """Make an authority, a root unless another one is above it."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer, issuer_key = (above.name, above.key) if above else (name, key)
    extensions: Extensions = [
        (x509.BasicConstraints(True, None), True),
        (usage(key_cert_sign=True, crl_sign=True), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False),
    ]
    built = certificate_builder(name, key, issuer, (-900, 3650), extensions)
    return Authority(folder, name, key, built.sign(issuer_key, hashes.SHA256()))


def server_side(path: Path) -> ssl.SSLContext:
    """Return the context of a server with the key and the chain in a file."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context
