"""A machine's own addresses are those by which others see it; a responder on loopback stands in for multicast."""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest
from reachable import addresses, macos
from reachable.addresses import Addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

QUESTION = b"\x12\x34\0\0\0\1\0\0\0\0\0\0\3vps\5local\0\0\1\x80\1"


def test_a_question_as_it_goes_over_the_wire() -> None:
    assert addresses.mdns_question("vps.local", addresses.ADDRESS, 0x1234) == QUESTION


@pytest.fixture
def responder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[bytes], bytes]], None]]:
    """Return a function that lets one question be answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        monkeypatch.setattr(addresses, "MDNS_GROUP", "127.0.0.1")
        monkeypatch.setattr(addresses, "MDNS_PORT", server.getsockname()[1])

        def serve(answer: Callable[[bytes], bytes]) -> None:
            question, asker = server.recvfrom(9000)
            server.sendto(answer(question), asker)

        def start(answer: Callable[[bytes], bytes]) -> None:
            threading.Thread(target=serve, args=(answer,), daemon=True).start()

        yield start


def record(address: str, owner: bytes = b"\xc0\x0c", kind: int = 1, family: int = 0x8001) -> bytes:
    """Write one answer; by default for the name in the question."""
    data = socket.inet_aton(address)
    return owner + struct.pack("!2HIH", kind, family, 120, len(data)) + data


def answered(*records: bytes, end: bytes = b"") -> Callable[[bytes], bytes]:
    """Answer a question with these records, after the question itself as RFC 6762, section 6.7, wants it."""

    def answer(question: bytes) -> bytes:
        return (
            question[:2] + struct.pack("!5H", 0x8400, 1, len(records), 0, 0) + question[12:] + b"".join(records) + end
        )

    return answer


def wrong_number(question: bytes) -> bytes:
    return bytes([question[0] ^ 1, *answered(record("192.0.2.7"))(question)[1:]])


LOOP = b"\xc0\x1b"  # points at itself: the first record begins at 27
FULL_NAME = b"\3VPS\5local\0"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (answered(record("192.0.2.7")), {"192.0.2.7"}),
        (answered(record("192.0.2.7", FULL_NAME, family=1)), {"192.0.2.7"}),
        (answered(record("192.0.2.7"), record("192.0.2.8")), {"192.0.2.7", "192.0.2.8"}),
        # Another name, another kind, another family.
        (answered(record("192.0.2.7", b"\5vps-2\xc0\x10")), set()),
        (answered(record("192.0.2.7", kind=28), record("192.0.2.7", family=3)), set()),
        (answered(), set()),
        (wrong_number, set()),
        # What no good machine sends.
        (answered(record("192.0.2.7", LOOP)), set()),
        (answered(record("192.0.2.7")[:-1]), set()),
        (answered(record("192.0.2.7"), b"\xc0"), set()),
        (answered(record("192.0.2.7", b"\3vps")), set()),
        (answered(b"\xc0\x0c" + struct.pack("!2HIH", 1, 1, 120, 3) + b"abc"), set()),
        (lambda question: question[:2] + b"\x84\0\xff\xff\xff\xff\0\0\0\0", set()),
        (lambda question: question[:2], set()),
        (lambda _: b"", set()),
    ],
)  # fmt: skip
def test_an_answer(
    answer: Callable[[bytes], bytes], expected: set[str], responder: Callable[[Callable[[bytes], bytes]], None]
) -> None:
    responder(answer)
    assert addresses.mdns_addresses("vps.local", wait=5) == expected


def pointer(name: bytes, owner: bytes = b"\xc0\x0c") -> bytes:
    """Write one answer that is a name."""
    return owner + struct.pack("!2HIH", 12, 0x8001, 120, len(name)) + name


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (answered(pointer(b"\5vps-2\5local\0")), "vps-2.local"),
        (answered(pointer(b"\5vps-2\5local\0"), pointer(b"\5other\5local\0")), "vps-2.local"),
        (answered(record("192.0.2.7")), None),
        (answered(pointer(b"\5vps-2\5local\0", b"\5other\0")), None),
        (answered(pointer(b"\5vps-2")), None),
        (answered(pointer(b"\5vps-2\5local\0")[:-1]), None),
        (lambda _: b"", None),
    ],
)
def test_the_name_of_an_address(
    answer: Callable[[bytes], bytes], expected: str | None, responder: Callable[[Callable[[bytes], bytes]], None]
) -> None:
    responder(answer)
    assert addresses.mdns_name("192.0.2.7", wait=5) == expected


def test_an_address_is_asked_for_backwards() -> None:
    question = addresses.mdns_question("7.2.0.192.in-addr.arpa", addresses.POINTER, 0x1234)
    assert question[12:] == b"\0017\0012\0010\003192\7in-addr\4arpa\0\0\x0c\x80\1"


@pytest.mark.usefixtures("responder")
def test_silence_is_not_waited_for_long() -> None:
    start = time.monotonic()
    assert addresses.mdns_addresses("vps.local", wait=0.05) == set()
    assert time.monotonic() - start < 1


def test_a_responder_holds_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("", 0))
        monkeypatch.setattr(addresses, "MDNS_PORT", server.getsockname()[1])
        assert addresses.mdns_responder_runs()
    assert not addresses.mdns_responder_runs()


@pytest.mark.parametrize(
    ("family", "elsewhere", "own"),
    [
        (socket.AF_INET, "127.0.0.2", "127.0.0.1"),
        (socket.AF_INET, "255.255.255.255", None),  # a datagram socket may not broadcast unasked
        (socket.AF_INET6, "no address", None),
    ],
)
def test_the_outgoing_address(
    family: socket.AddressFamily, elsewhere: str, own: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(addresses.ELSEWHERE, family, elsewhere)
    assert addresses.outgoing(family) == own


def test_a_link_local_address_is_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    class Socket(socket.socket):
        def connect(self, address: object) -> None:
            pass

        def getsockname(self) -> tuple[str, int, int, int]:
            return ("fe80::1", 9, 0, 2)

    monkeypatch.setattr(socket, "socket", Socket)
    assert addresses.outgoing(socket.AF_INET) is None


OWN = {"192.0.2.7", "10.0.0.7", "fe80::7"}


OTHERS = {"192.0.2.8"}


@pytest.mark.parametrize(
    ("runs", "chosen", "heard", "mdns"),
    [
        (True, None, {"vps.local": {"192.0.2.7"}}, "vps.local"),
        (True, None, {"vps.local": {"192.0.2.7", "10.0.0.7"}}, "vps.local"),
        (True, None, {}, None),
        # Another machine has the name, or both have.
        (True, None, {"vps.local": OTHERS}, None),
        (True, None, {"vps.local": OTHERS | {"192.0.2.7"}}, None),
        (True, "vps-2.local", {"vps.local": OTHERS, "vps-2.local": {"192.0.2.7"}}, "vps-2.local"),
        # Somebody else says what this machine is called, or it is called what no iPad asks for.
        (True, "vps-2.local", {"vps-2.local": OTHERS, "vps.local": {"192.0.2.7"}}, "vps.local"),
        (True, "vps.lan", {"vps.lan": {"192.0.2.7"}, "vps.local": {"192.0.2.7"}}, "vps.local"),
        (True, "a/b.local", {"a/b.local": {"192.0.2.7"}}, None),
        (False, "vps.local", {"vps.local": {"192.0.2.7"}}, None),
    ],
)
def test_all_of_a_machine(
    runs: bool, chosen: str | None, heard: dict[str, set[str]], mdns: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    outgoing = {socket.AF_INET: "192.0.2.7", socket.AF_INET6: "2001:db8::7"}
    monkeypatch.setattr(socket, "gethostname", lambda: "vps.example.org")
    monkeypatch.setattr(addresses, "outgoing", outgoing.get)
    monkeypatch.setattr(addresses, "own_addresses", lambda: OWN)
    monkeypatch.setattr(addresses, "mdns_responder_runs", lambda: runs)
    monkeypatch.setattr(addresses, "mdns_name", {"192.0.2.7": chosen}.get)
    monkeypatch.setattr(addresses, "mdns_addresses", lambda name: heard.get(name, set()))

    own = ["10.0.0.7", "192.0.2.7", "2001:db8::7", "fe80::7"]
    assert addresses.discover() == Addresses("vps.example.org", "192.0.2.7", "2001:db8::7", mdns, own)


TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
        |-- 127.0.0.1
           /32 host LOCAL
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
        |-- 192.0.2.7
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
        |-- 192.0.2.7
           /32 host LOCAL
"""
INTERFACES = """00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000007 02 40 00 80     eth0
fe800000000000000000000000000007 02 40 20 80     eth0
"""
# As macOS 15 writes it.
IFCONFIG = """lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 16384
\tinet 127.0.0.1 netmask 0xff000000
\tinet6 ::1 prefixlen 128
en0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500
\tinet6 fe80::7%en0 prefixlen 64 secured scopeid 0xb
\tinet 192.0.2.7 netmask 0xffffff00 broadcast 192.0.2.255
\tinet6 2001:db8::7 prefixlen 64 autoconf secured
"""


@pytest.mark.parametrize("system", ["linux", "macos", "neither"])
def test_all_addresses(system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROUTES", "INTERFACES", "IFCONFIG"):
        monkeypatch.setattr(addresses, name, tmp_path / name)
    if system == "linux":
        addresses.ROUTES.write_text(TRIE)
        addresses.INTERFACES.write_text(INTERFACES)
    elif system == "macos":
        addresses.IFCONFIG.write_text(f"#!/bin/sh\ncat <<'END'\n{IFCONFIG}END\n")
        addresses.IFCONFIG.chmod(0o755)
    expected = set() if system == "neither" else {"192.0.2.7", "2001:db8::7", "fe80::7"}
    assert addresses.own_addresses() == expected


def test_all_addresses_of_this_machine() -> None:
    found = addresses.own_addresses()
    assert {addresses.outgoing(socket.AF_INET)} - {None} <= found
    assert not {"127.0.0.1", "::1"} & found


@pytest.mark.parametrize(("name", "mdns"), [("Adas-Mac", "Adas-Mac.local"), ("", "vps.local")])
def test_the_name_of_a_mac(name: str, mdns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has another one for multicast DNS than for all else."""
    monkeypatch.setattr(macos, "is_here", lambda: True)
    monkeypatch.setattr(macos, "local_name", lambda: name)
    monkeypatch.setattr(socket, "gethostname", lambda: "vps.example.org")
    monkeypatch.setattr(addresses, "own_addresses", lambda: OWN)
    monkeypatch.setattr(addresses, "mdns_responder_runs", lambda: True)
    monkeypatch.setattr(addresses, "mdns_name", lambda _: None)
    monkeypatch.setattr(addresses, "mdns_addresses", lambda _: OWN)
    assert addresses.discover().mdns == mdns
