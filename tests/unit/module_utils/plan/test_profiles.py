"""The profile for an iPad, by what Apple says of one."""

from __future__ import annotations

import hashlib
import plistlib
import re
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from bare_host import situation
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from reachable.plan import certificates, profiles
from reachable.plan.situation import Authority, Controller

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def root(key: ec.EllipticCurvePrivateKey = KEY, name: str = "Reachable on studio", year: int = 2026) -> str:
    """Return the certificate of an authority, in PEM."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    begin = datetime(year, 1, 1, tzinfo=timezone.utc)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), year, begin, begin + timedelta(3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def made(pem: str) -> tuple[profiles.Profile, dict[str, Any], dict[str, Any]]:
    """Return a profile, and what its two levels say."""
    profile = profiles.profile(pem)
    assert profile
    outer = plistlib.loads(profile.text.encode(), fmt=plistlib.FMT_XML)
    [inner] = outer["PayloadContent"]
    return profile, outer, inner


def test_it_has_what_apple_asks_for() -> None:
    profile, outer, inner = made(root())
    for level in (outer, inner):
        assert level["PayloadVersion"] == 1
        assert re.fullmatch(r"[A-Za-z0-9.-]+", level["PayloadIdentifier"])
        assert uuid.UUID(level["PayloadUUID"]).version == 5
        assert level["PayloadDisplayName"] == "Reachable on studio"
    assert outer["PayloadType"] == "Configuration"
    assert outer["PayloadRemovalDisallowed"] is False
    assert inner["PayloadType"] == "com.apple.security.root"
    assert inner["PayloadIdentifier"].startswith(f"{outer['PayloadIdentifier']}.")
    assert inner["PayloadUUID"] != outer["PayloadUUID"]
    assert profile.name == "Reachable on studio"


def test_it_carries_the_certificate_and_no_more() -> None:
    key = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    profile, _, inner = made(root() + key)
    assert x509.load_der_x509_certificate(inner["PayloadContent"]).public_key() == KEY.public_key()
    digest = hashlib.sha256(inner["PayloadContent"]).digest()
    assert profile.fingerprint == digest.hex(" ").upper()
    assert "PRIVATE" not in profile.text


def test_it_is_the_same_each_time() -> None:
    pem = root()
    assert profiles.profile(pem) == profiles.profile(pem)


def test_a_renewed_certificate_replaces_the_one_of_before() -> None:
    (_, before, old), (_, after, new) = made(root()), made(root(year=2035))
    assert [before[key] for key in ("PayloadIdentifier", "PayloadUUID")] == [
        after[key] for key in ("PayloadIdentifier", "PayloadUUID")
    ]
    # Its content counts as another one, so that no device keeps the old one for the same.
    assert old["PayloadUUID"] != new["PayloadUUID"]


def test_another_authority_replaces_nothing() -> None:
    (_, ours, mine), (_, theirs, other) = made(root()), made(root(OTHER_KEY))
    for key in ("PayloadIdentifier", "PayloadUUID"):
        assert ours[key] != theirs[key]
        assert mine[key] != other[key]


@pytest.mark.parametrize("name", ["Reachable on Ünïcode <&>", ""])
def test_whatever_the_authority_is_called(name: str) -> None:
    profile, outer, _ = made(root(name=name))
    assert profile.name == outer["PayloadDisplayName"] == (name or "Reachable")


@pytest.mark.parametrize("text", ["", "no certificate", root().replace("MII", "AII", 1)])
def test_there_is_none_without_a_certificate(text: str) -> None:
    assert profiles.profile(text) is None


WAY_OUT = "Settings > General > VPN & Device Management > Reachable on studio > Remove Profile"


@pytest.mark.parametrize(("kind", "has_words"), [("ca", True), ("off", False)])
def test_down_says_how_the_profile_goes(kind: str, has_words: bool) -> None:
    controller = Controller(authority=Authority("/secrets/ca", root=root()))
    words = certificates.planned(situation({"reachable_tls": kind}, controller=controller))["farewell"]
    assert words.endswith(f"take it off the iPad: {WAY_OUT}.") if has_words else words == ""
