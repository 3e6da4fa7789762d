# SPDX-License-Identifier: Apache-2.0
"""Judge a TLS connection as a device does, by the system's authorities and, where there is one, by one of our own.

The system's store stays as it is: an authority of our own counts for the connections of this process only.

Sources: OpenSSL's ``x509_vfy.h`` and ``sslerr.h`` for numbers and reasons; Apple's "Requirements for trusted
certificates in iOS 13 and macOS 10.15" (https://support.apple.com/103769) for how long a certificate may be valid.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import ssl
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

DAY = 86400.0
LONGEST_DAYS = 825
# A certificate ends soon when so much of its life is left, and not more than so many days: those of public authorities
# live for weeks or for days only, and are renewed when a third of that is left.
SOON_DAYS = 30
SOON_SHARE = 0.25

REFUSALS = {
    # The purpose is not that of a server, keys or digests are too weak, or what issued it is no authority.
    **dict.fromkeys((26, 66, 67, 68, 79), "unfit"),
    **dict.fromkeys((62, 64), "other_name"),
    **dict.fromkeys((2, 20, 21), "no_chain"),
    9: "early",
    10: "expired",
}
OLD_PROTOCOL = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION")
# Flags that Python 3.9 has no names for.
PARTIAL_CHAIN = 0x80000
NO_CHECK_TIME = 0x200000


class Certificate(NamedTuple):
    """What a server's certificate says. Times are seconds since 1970.

    ``chain`` is how many certificates the server sends; None where this Python cannot tell. ``has_source`` says that
    the certificate names where that of its issuer can be fetched, which those of public authorities do.
    """

    issuer: str
    names: tuple[str, ...]
    begin: float
    end: float
    has_source: bool = False
    chain: int | None = None

    def is_valid(self, now: float) -> bool:
        """Tell whether a time lies in its life."""
        return self.begin <= now <= self.end

    def is_ending(self, now: float) -> bool:
        """Tell whether it ends soon, and should have been renewed by now."""
        return ends_soon(self.begin, self.end, now)

    def published(self, now: float) -> dict[str, Any]:
        """Return it as plain data, with its times as days for people."""
        return {
            "issuer": self.issuer,
            "names": list(self.names),
            "begin": day(self.begin),
            "end": day(self.end),
            "is_ending": self.is_ending(now),
        }

    @property
    def is_too_long(self) -> bool:
        """Tell whether it is valid for longer than Apple's devices accept."""
        return self.end - self.begin > (LONGEST_DAYS + 1) * DAY  # the last second may belong to the next day


def ends_soon(begin: float, end: float, now: float) -> bool:
    """Tell whether a life ends soon, so that the certificate should have been renewed by now."""
    return end - now < min(SOON_DAYS * DAY, SOON_SHARE * (end - begin))


def ends(end: float, now: float) -> str:
    """Say when a certificate ends, or has ended."""
    return f"{'ends' if now <= end else 'ended'} on {day(end)}"


def trusting(authority: str = "") -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and the given one, a root in PEM."""
    context = ssl.create_default_context()
    # As devices do: they refuse older protocols, look at the alternative names only, and do not mind what Python 3.13
    # began to ask for, so that all versions of Python judge alike.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if authority:
        context.load_verify_locations(cadata=authority)
    return context


def trusting_anybody() -> ssl.SSLContext:
    """Return a context for a look at a server to which nothing is said."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def trusting_only(certificate: bytes) -> ssl.SSLContext:
    """Return a context for the server that has this certificate, whoever issued it, to whom, and for what time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=certificate)
    context.verify_flags |= PARTIAL_CHAIN | NO_CHECK_TIME
    return context


def encrypt(connection: socket.socket, context: ssl.SSLContext, name: str = "") -> ssl.SSLSocket:
    """Encrypt a connection to a server that has this name, or this address, in its certificate."""
    return context.wrap_socket(connection, server_hostname=name.partition("%")[0] or None)


def certificate_of(secure: ssl.SSLSocket) -> Certificate:
    """Return the certificate of a server that a context has verified: Python reads no other."""
    return read(secure.getpeercert() or {})


def read(found: Mapping[str, Any]) -> Certificate:
    """Return what Python has read of a certificate."""
    issuer = dict(pair for part in found["issuer"] for pair in part)
    return Certificate(
        issuer=issuer.get("organizationName") or issuer.get("commonName") or "an issuer without a name",
        names=tuple(name for kind, name in found.get("subjectAltName", ()) if kind in ("DNS", "IP Address")),
        begin=ssl.cert_time_to_seconds(found["notBefore"]),
        end=ssl.cert_time_to_seconds(found["notAfter"]),
        has_source=bool(found.get("caIssuers")),
    )


class Look(NamedTuple):
    """What a server shows to whoever does not trust it: its certificate, and the time on its clock if it says so."""

    certificate: Certificate
    clock: float | None


def look(reach: Callable[[], socket.socket], name: str, host: str) -> Look | None:
    """Look at a server whose certificate was refused; None where it shows nothing.

    Python reads only certificates that it trusts. So the first connection fetches the server's, and the second one
    trusts just that. ``reach`` opens a connection, ``host`` is what an HTTP request names.
    """
    with contextlib.suppress(OSError, http.client.HTTPException):
        with reach() as first, encrypt(first, trusting_anybody(), name) as secure:
            own = secure.getpeercert(binary_form=True)
            chain = len(secure.get_unverified_chain()) if hasattr(secure, "get_unverified_chain") else None
        with reach() as second, encrypt(second, trusting_only(own or b""), name) as secure:
            found = certificate_of(secure)._replace(chain=chain)
            return Look(found, ask_clock(secure, host))
    return None


def ask_clock(secure: ssl.SSLSocket, host: str) -> float | None:
    """Return the time on a server's clock, as it stands in an answer to a request that says nothing."""
    try:
        secure.sendall(f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(secure, method="HEAD")
        answer.begin()
    except (OSError, http.client.HTTPException):
        return None
    return clock_of(answer.headers.get("Date"))


def clock_of(date: str | None) -> float | None:
    """Return the time that an HTTP answer says it was made at; None where it does not."""
    try:
        return email.utils.parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError):
        return None


def are_clocks_apart(certificate: Certificate, here: float, there: float | None) -> bool:
    """Tell whether a certificate is valid by one of two clocks only, so that one of them must be wrong."""
    return there is not None and certificate.is_valid(here) != certificate.is_valid(there)


def judge(error: ssl.SSLError, seen: Look | None, now: float, *, has_authority: bool = False) -> str:
    """Return what is wrong, as a key of ``advice.ADVICE``, about a server that a context has refused."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return "old_tls" if error.reason in OLD_PROTOCOL else "tls_refused"
    code = REFUSALS.get(error.verify_code, "untrusted")
    if code in ("early", "expired") and seen and are_clocks_apart(seen.certificate, now, seen.clock):
        return "wrong_clock"
    if code == "no_chain" and not (seen and seen.certificate.has_source and seen.certificate.chain in (None, 1)):
        code = "untrusted"
    return "other_authority" if code == "untrusted" and has_authority else code


def facts(seen: Look | None, now: float) -> dict[str, str]:
    """Return what fills the placeholders of the advice about a certificate."""
    if not seen:
        return dict.fromkeys(("issuer", "names", "begin", "end", "days"), "unknown")
    found, there = seen
    return {
        "issuer": found.issuer,
        "names": ", ".join(found.names) or "no name",
        "begin": day(found.begin),
        "end": day(found.end),
        "days": str(round(abs((now if there is None else there) - now) / DAY)),
    }


def day(seconds: float) -> str:
    """Write a day for people."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def note(url: str, published: Mapping[str, Any]) -> str:
    """Say that a certificate ends soon, and what to do."""
    return (
        f"The certificate of {url} ends on {published['end']} and has not been renewed: './reachable up' renews one of "
        "ours; one of yours has to be renewed by whoever issued it."
    )
