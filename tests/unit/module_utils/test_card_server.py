"""What a visitor of the served cards sees, over a real socket."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from reachable import card_server

if TYPE_CHECKING:
    from collections.abc import Iterator

CARD = (
    "<title>Studio</title><style>a { color: red }</style><h1>Ünicode</h1><!-- password -->\n<script>\n1 < 2\n</script>"
)
TEMPLATE = Path(__file__).resolve().parents[3] / "roles/endpoint/templates/card.html.j2"


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_server, "outgoing", {socket.AF_INET: "127.0.0.1"}.get)


@pytest.fixture
def addresses() -> Iterator[dict[str, str]]:
    files = {"card.html": CARD, "reachable.mobileconfig": "<plist/>"}
    with card_server.served({"studio": files, "vps": {"card.html": "<p>Another</p>"}}) as addresses:
        yield addresses


def visit(address: str, path: str | None = None, method: str = "GET") -> http.client.HTTPResponse:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    connection.request(method, parts.path if path is None else path)
    return connection.getresponse()


def test_each_card_stands_at_an_address_of_its_own(addresses: dict[str, str]) -> None:
    answer = visit(addresses["studio"])
    assert (answer.status, answer.read().decode()) == (200, CARD)
    assert visit(addresses["vps"]).read() == b"<p>Another</p>"
    secret = [urlsplit(address).path for address in addresses.values()]
    assert all(re.fullmatch(r"/[\w-]{22}/card\.html", path) for path in secret)
    assert secret[0] != secret[1]


def test_a_profile_stands_beside_its_card_only(addresses: dict[str, str]) -> None:
    folders = {name: urlsplit(address).path.rpartition("/")[0] for name, address in addresses.items()}
    beside = {name: f"{folder}/reachable.mobileconfig" for name, folder in folders.items()}
    answer = visit(addresses["studio"], beside["studio"])
    assert (answer.status, answer.read()) == (200, b"<plist/>")
    assert answer.headers["Content-Type"] == "application/x-apple-aspen-config"
    assert visit(addresses["vps"], beside["vps"]).status == 404
    assert visit(addresses["studio"], "/reachable.mobileconfig").status == 404


@pytest.mark.parametrize(("card", "is_allowed"), [(CARD, False), ('<p data-probe="https://x/favicon.ico">', True)])
def test_only_a_card_that_tries_https_may_ask_for_a_picture(card: str, is_allowed: bool) -> None:
    assert ("img-src https:;" in card_server.security_policy(card)) is is_allowed


def test_a_card_may_do_what_stands_in_it_and_is_kept_nowhere(addresses: dict[str, str]) -> None:
    answer = visit(addresses["studio"])
    digest = base64.b64encode(hashlib.sha256(b"\n1 < 2\n").digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Server" not in answer.headers


def test_a_look_at_the_headers_has_no_content(addresses: dict[str, str]) -> None:
    answer = visit(addresses["studio"], method="HEAD")
    assert (answer.status, answer.headers["Content-Length"], answer.read()) == (200, str(len(CARD.encode())), b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "{card}/.."),
        ("GET", "{card}/../"),
        ("GET", "{card}/../reachable.mobileconfig/../../"),
        ("GET", "/favicon.ico"),
        ("GET", "{card}/"),
        ("GET", "{card}?x"),
        ("GET", "/../../etc/passwd"),
        ("POST", "{card}"),
        ("DELETE", "{card}"),
        ("OPTIONS", "*"),
    ],
)
def test_all_else_is_a_bare_404(method: str, path: str, addresses: dict[str, str]) -> None:
    answer = visit(addresses["studio"], path.format(card=urlsplit(addresses["studio"]).path), method)
    assert (answer.status, answer.read(), answer.getheaders()) == (404, b"", [("Content-Length", "0")])


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00\x01\n", b"GET " + b"/x" * 40000 + b" HTTP/1.1\r\n\r\n", b"\n"]
)
def test_what_is_no_request_gets_no_card_and_disturbs_nobody(
    noise: bytes, addresses: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(addresses["studio"]).port or 0), 5) as visitor:
        visitor.sendall(noise)
        assert b"Studio" not in visitor.recv(9999)
    assert visit(addresses["studio"]).status == 200
    assert capfd.readouterr() == ("", "")


def test_who_stays_silent_keeps_nobody_out_and_is_left(
    addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_server.Visit, "timeout", card_server.Visit.timeout / 20)
    with socket.create_connection(("127.0.0.1", urlsplit(addresses["studio"]).port or 0), 5) as silent:
        assert visit(addresses["studio"]).status == 200
        assert silent.recv(1) == b""


def test_there_are_only_so_many_visitors_at_once(addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_server, "MOST_THREADS", 1)
    with socket.create_connection(("127.0.0.1", urlsplit(addresses["studio"]).port or 0), 5) as visitor:
        assert visitor.recv(1) == b""


def test_nothing_is_there_afterwards() -> None:
    with card_server.served({"studio": {"card.html": CARD}}) as addresses:
        pass
    with pytest.raises(ConnectionRefusedError):
        visit(addresses["studio"])


def test_ipv6_where_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_server, "outgoing", {socket.AF_INET6: "::1"}.get)
    with card_server.served({"studio": {"card.html": CARD}}) as addresses:
        assert addresses["studio"].startswith("http://[::1]:")
        assert visit(addresses["studio"]).status == 200


def test_a_machine_without_a_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_server, "outgoing", {}.get)
    with pytest.raises(card_server.NoNetworkError), card_server.served({"studio": {"card.html": CARD}}):
        pass


def test_the_password_is_text_on_the_page_whatever_is_in_it() -> None:
    page = card_server.with_password(CARD, "<b>\"a' & b")
    assert page.count("&lt;b&gt;&quot;a&#x27; &amp; b") == 2
    assert "<b>" not in page


def test_the_card_has_a_place_for_the_password() -> None:
    assert TEMPLATE.read_text().count(card_server.PASSWORD_PLACE) == 1
