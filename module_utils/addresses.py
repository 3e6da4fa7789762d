# SPDX-License-Identifier: Apache-2.0
"""Under which names and addresses others can find this machine."""

from __future__ import annotations

import contextlib
import secrets
import socket
import struct
from typing import NamedTuple

from ansible.module_utils import macos

MDNS_PORT = 5353
MDNS_GROUP = "224.0.0.251"
# RFC 5737 and RFC 3849 keep these for documentation: they stand for "somewhere else", and nothing is sent to them.
ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


class Addresses(NamedTuple):
    """What a machine is called and where it is; None for what it does not have."""

    hostname: str
    ipv4: str | None
    ipv6: str | None
    mdns: str | None


def outgoing(family: socket.AddressFamily) -> str | None:
    """Return the address from which this machine would speak to others; None without a route."""
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((ELSEWHERE[family], 9))  # a datagram socket: connecting only asks the routing table
        address: str = probe.getsockname()[0]
        return None if address.startswith("fe80:") else address
    return None


def mdns_question(name: str, number: int) -> bytes:
    """Write a DNS question for the IPv4 address of a name (RFC 6762), answered straight to us (5.4, the QU bit)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 0x8001)


def mdns_answers(name: str, wait: float = 0.3) -> bool:
    """Tell whether this machine answers to a name by multicast DNS within ``wait`` seconds."""
    number = secrets.randbelow(0xFFFF)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(wait)
        try:
            asker.sendto(mdns_question(name, number), (MDNS_GROUP, MDNS_PORT))
            answer, _ = asker.recvfrom(9000)
        except OSError:
            return False
    answer_count = struct.unpack("!H", answer[6:8])[0] if len(answer) >= 12 else 0  # noqa: PLR2004 - a DNS header
    return bool(answer_count) and answer[:2] == struct.pack("!H", number)


def mdns_responder_runs() -> bool:
    """Tell whether anything listens on the port of multicast DNS, so that nobody waits for an answer in vain."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", MDNS_PORT))
        except OSError:
            return True
    return False


def discover() -> Addresses:
    """Find this machine's name and addresses."""
    hostname = socket.gethostname()
    local = f"{(macos.is_here() and macos.local_name()) or hostname.partition('.')[0]}.local"
    return Addresses(
        hostname=hostname,
        ipv4=outgoing(socket.AF_INET),
        ipv6=outgoing(socket.AF_INET6),
        mdns=local if mdns_responder_runs() and mdns_answers(local) else None,
    )
