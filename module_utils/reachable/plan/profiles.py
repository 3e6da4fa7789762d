# SPDX-License-Identifier: Apache-2.0
"""The profile with which an iPad takes the certificate of an authority, and what people compare before they do.

Sources: Apple's "Configuring Multiple Devices Using Profiles" and "Certificates" of its Device Management
documentation (https://developer.apple.com/documentation/devicemanagement/certificateroot).
"""

from __future__ import annotations

import hashlib
import plistlib
import uuid
from typing import NamedTuple

from .certificates import x509

FILE = "reachable.mobileconfig"


class Profile(NamedTuple):
    """A profile: what it is called in Settings, its text, and the fingerprint of the certificate in it."""

    name: str
    text: str
    fingerprint: str


def profile(root: str) -> Profile | None:
    """Make the profile for an authority's certificate in PEM; None where that is none.

    Devices replace a profile by one with the same identifier. So it follows from the authority's key, which stays when
    its certificate is renewed, while the certificate inside counts as a new one.
    """
    certificate = next(iter(x509.read(root)), None)
    if not certificate:
        return None
    identifier, content = f"reachable.authority.{certificate.key_digest.hex()}", certificate.der
    name = certificate.common_name or certificate.organization or "Reachable"
    inner = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{identifier}.root",
        "PayloadUUID": unique(f"{identifier}.root.{hashlib.sha256(content).hexdigest()}"),
        "PayloadDisplayName": name,
        "PayloadDescription": "The certificate by which this device knows your own Jupyter.",
        "PayloadCertificateFileName": "root.cer",
        "PayloadContent": content,
    }
    outer = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": unique(identifier),
        "PayloadDisplayName": name,
        "PayloadDescription": (
            "Lets this device trust the https of your own Jupyter, once it is switched on in General > About > "
            "Certificate Trust Settings. It sets nothing else."
        ),
        "PayloadOrganization": "Reachable",
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [inner],
    }
    digest = hashlib.sha256(content).hexdigest().upper()
    return Profile(
        name=name,
        text=plistlib.dumps(outer).decode(),
        fingerprint=" ".join(digest[place : place + 2] for place in range(0, len(digest), 2)),
    )


def removal(name: str) -> str:
    """Say where a profile is taken away."""
    return f"Settings > General > VPN & Device Management > {name} > Remove Profile"


def unique(name: str) -> str:
    """Return a UUID that is always the same for a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name)).upper()
