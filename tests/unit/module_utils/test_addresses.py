"""A machine's own addresses are those by which others see it; a responder on loopback stands in for multicast."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from ansible.module_utils import addresses, macos
from ansible.module_utils.addresses import Addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUESTION = b"\x12\x34\0\0\0\1\0\0\0\0\0\0\3vps\5local\0\0\1\x80\1"


def test_a_question_as_it_goes_over_the_wire() -> None:
    assert addresses.mdns_question("vps.local", 0x1234) == QUESTION


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


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda question: question[:2] + b"\x84\0\0\0\0\1\0\0\0\0", True),
        (lambda question: question[:2] + b"\x84\0\0\0\0\0\0\0\0\0", False),
        (lambda question: bytes([question[0] ^ 1, question[1]]) + b"\x84\0\0\0\0\1\0\0\0\0", False),
        (lambda question: question[:2], False),
        (lambda _: b"", False),
    ],
)
def test_an_answer(
    answer: Callable[[bytes], bytes], expected: bool, responder: Callable[[Callable[[bytes], bytes]], None]
) -> None:
    responder(answer)
    assert addresses.mdns_answers("vps.local", wait=5) is expected


@pytest.mark.usefixtures("responder")
def test_silence_is_not_waited_for_long() -> None:
    start = time.monotonic()
    assert not addresses.mdns_answers("vps.local", wait=0.05)
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


@pytest.mark.parametrize(
    ("runs", "answers", "mdns", "asked"),
    [(True, True, "vps.local", ["vps.local"]), (True, False, None, ["vps.local"]), (False, True, None, [])],
)
def test_all_of_a_machine(
    runs: bool, answers: bool, mdns: str | None, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    questions: list[str] = []

    def answer(name: str) -> bool:
        questions.append(name)
        return answers

    own = {socket.AF_INET: "192.0.2.7", socket.AF_INET6: None}
    monkeypatch.setattr(socket, "gethostname", lambda: "vps.example.org")
    monkeypatch.setattr(addresses, "outgoing", own.get)
    monkeypatch.setattr(addresses, "mdns_responder_runs", lambda: runs)
    monkeypatch.setattr(addresses, "mdns_answers", answer)

    assert addresses.discover() == Addresses("vps.example.org", "192.0.2.7", None, mdns)
    assert questions == asked


@pytest.mark.parametrize(("name", "mdns"), [("Adas-Mac", "Adas-Mac.local"), ("", "vps.local")])
def test_the_name_of_a_mac(name: str, mdns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has another one for multicast DNS than for all else."""
    monkeypatch.setattr(macos, "is_here", lambda: True)
    monkeypatch.setattr(macos, "local_name", lambda: name)
    monkeypatch.setattr(socket, "gethostname", lambda: "vps.example.org")
    monkeypatch.setattr(addresses, "mdns_responder_runs", lambda: True)
    monkeypatch.setattr(addresses, "mdns_answers", lambda _: True)
    assert addresses.discover().mdns == mdns
