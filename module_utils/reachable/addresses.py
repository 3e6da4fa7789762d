# SPDX-License-Identifier: Apache-2.0
"""Under which names and addresses others can find this machine."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import secrets
import socket
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from . import macos, proofs

if TYPE_CHECKING:
    from collections.abc import Iterator

MDNS_PORT = 5353
MDNS_GROUP = "224.0.0.251"
# RFC 5737 and RFC 3849 keep these for documentation: they stand for "somewhere else", and nothing is sent to them.
ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
# Where Linux lists the machine's addresses, of the one kind and of the other (proc(5)); macOS has a program.
ROUTES = Path("/proc/net/fib_trie")
INTERFACES = Path("/proc/net/if_inet6")
IFCONFIG = Path("/sbin/ifconfig")
# RFC 1035, section 3.2: an address (A) and a name (PTR), both of the internet (IN, here without the bit of RFC 6762,
# section 10.2).
ADDRESS, POINTER, INTERNET = 1, 12, 1
LONGEST_CHAIN = 16
# What an iPad asks for by multicast DNS.
MDNS_NAME = re.compile(r"[a-z0-9-]+\.local")


class Addresses(NamedTuple):
    """What a machine is called and where it is; None for what it does not have.

    ``own`` are all its addresses but those of the loopback.
    """

    hostname: str
    ipv4: str | None
    ipv6: str | None
    mdns: str | None
    own: list[str]


def outgoing(family: socket.AddressFamily) -> str | None:
    """Return the address from which this machine would speak to others; None without a route."""
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((ELSEWHERE[family], 9))  # a datagram socket: connecting only asks the routing table
        address: str = probe.getsockname()[0]
        return None if address.startswith("fe80:") else address
    return None


def mdns_question(name: str, kind: int, number: int) -> bytes:
    """Write a DNS question for the records of a name (RFC 6762), answered straight to us (5.4, the QU bit)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 0x8000 | INTERNET)


def mdns_answer(name: str, kind: int, wait: float) -> tuple[bytes, list[tuple[int, int]]]:
    """Ask the network by multicast DNS; return the first answer, and in it the start and the end of each record."""
    number = secrets.randbelow(0xFFFF)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(wait)
        try:
            asker.sendto(mdns_question(name, kind, number), (MDNS_GROUP, MDNS_PORT))
            answer, _ = asker.recvfrom(9000)
        except OSError:
            return b"", []
    if answer[:2] != struct.pack("!H", number):
        return b"", []
    try:
        return answer, list(records(answer, name, kind))
    except (IndexError, struct.error):  # it is no DNS, or was cut off
        return b"", []


def mdns_addresses(name: str, wait: float = 0.3) -> set[str]:
    """Return the IPv4 addresses that are answered first when the network is asked for a name."""
    answer, found = mdns_answer(name, ADDRESS, wait)
    try:
        return {str(ipaddress.IPv4Address(answer[start:end])) for start, end in found}
    except ValueError:  # it has another length
        return set()


def mdns_name(address: str, wait: float = 0.3) -> str | None:
    """Return the name that is answered first when the network is asked who has an IPv4 address; None without one."""
    answer, found = mdns_answer(f"{ipaddress.IPv4Address(address).reverse_pointer}", POINTER, wait)
    with contextlib.suppress(IndexError, struct.error):
        names = [read_name(answer, start)[0] for start, _ in found]
        return names[0] if names else None
    return None


def records(answer: bytes, name: str, kind: int) -> Iterator[tuple[int, int]]:
    """Yield where the records of a name lie in a DNS message (RFC 1035, 4). Raises IndexError, struct.error."""
    questions, answers = struct.unpack("!2H", answer[4:8])
    position = 12
    for _ in range(questions):
        position = read_name(answer, position)[1] + 4
    for _ in range(answers):
        owner, position = read_name(answer, position)
        found, family, _, length = struct.unpack("!2HIH", answer[position : position + 10])
        position += 10
        if position + length > len(answer):
            raise IndexError("the record is cut off")
        if (found, family & 0x7FFF) == (kind, INTERNET) and owner == name.lower():
            yield position, position + length
        position += length


def read_name(message: bytes, position: int) -> tuple[str, int]:
    """Return a name in a DNS message, and where it ends. It may go on elsewhere (RFC 1035, section 4.1.4)."""
    labels, end = [], None
    for _ in range(LONGEST_CHAIN):
        length = message[position]
        if length >= 0xC0:  # noqa: PLR2004 - the mark of a pointer
            end = end or position + 2
            position = struct.unpack("!H", message[position : position + 2])[0] & 0x3FFF
        elif length:
            labels.append(message[position + 1 : position + 1 + length].decode(errors="replace").lower())
            position += 1 + length
        else:
            return ".".join(labels), end or position + 1
    raise IndexError("the name has no end")


def own_addresses() -> set[str]:
    """Return the addresses of this machine, but for those of the loopback."""
    found: list[str] = []
    if ROUTES.exists():
        found += re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", ROUTES.read_text())
    if INTERFACES.exists():
        rows = INTERFACES.read_text().splitlines()
        found += [str(ipaddress.IPv6Address(int(row.split()[0], 16))) for row in rows]
    if not found and IFCONFIG.exists():
        told = subprocess.run([str(IFCONFIG)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        found += re.findall(r"\sinet6? (\S+)", told.stdout)
    return {plain for plain in map(proofs.plain, found) if not ipaddress.ip_address(plain).is_loopback}


def mdns_responder_runs() -> bool:
    """Tell whether anything listens on the port of multicast DNS, so that nobody waits for an answer in vain."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", MDNS_PORT))
        except OSError:
            return True
    return False


def mdns_names(hostname: str, ipv4: str | None) -> Iterator[str]:
    """Yield under which names this machine may answer to multicast DNS, the likeliest first.

    Whatever answers there has chosen one, which people may have set, or which has a number where another machine of
    the same name was first.
    """
    if (chosen := ipv4 and mdns_name(ipv4)) and MDNS_NAME.fullmatch(chosen):
        yield chosen
    yield f"{(macos.is_here() and macos.local_name()) or hostname.partition('.')[0]}.local"


def discover() -> Addresses:
    """Find this machine's name and addresses."""
    hostname = socket.gethostname()
    ipv4, ipv6 = outgoing(socket.AF_INET), outgoing(socket.AF_INET6)
    own = own_addresses() | {address for address in (ipv4, ipv6) if address}
    names = mdns_names(hostname, ipv4) if mdns_responder_runs() else iter(())
    # Another machine may have the same name: the first to come keeps it, and the others call themselves otherwise.
    mdns = next((name for name in names if (heard := mdns_addresses(name)) and heard <= own), None)
    return Addresses(hostname, ipv4, ipv6, mdns, sorted(own))
