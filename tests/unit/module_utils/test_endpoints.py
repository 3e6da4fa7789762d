"""An address becomes what people type, be it Jupyter's own or that of a tunnel."""

from __future__ import annotations

import pytest
from reachable import endpoints
from reachable.endpoints import Origin


@pytest.mark.parametrize(
    ("url", "base", "scheme", "host", "port"),
    [
        ("http://192.0.2.7:8888", "http://192.0.2.7:8888", "http", "192.0.2.7", 8888),
        ("http://[2001:db8::7]:8888/", "http://[2001:db8::7]:8888", "http", "2001:db8::7", 8888),
        ("https://ada.example.org/", "https://ada.example.org", "https", "ada.example.org", 443),
        ("http://ada.example.org", "http://ada.example.org", "http", "ada.example.org", 80),
        ("https://ada.example.org/hub/", "https://ada.example.org/hub", "https", "ada.example.org", 443),
    ],
)
def test_an_address(url: str, base: str, scheme: str, host: str, port: int) -> None:
    assert endpoints.endpoint_value(Origin.of(url), "public", "static") == {
        "name": "public",
        "transport": "static",
        "url": base,
        "scheme": scheme,
        "host": host,
        "port": port,
        "safari_url": f"{base}/",
        "juno_url": f"{base}/nbclassic",
    }


def test_what_a_browser_needs_of_an_http_tunnel() -> None:
    assert endpoints.endpoint_value(Origin.of("https://ada.ngrok-free.app"), "ngrok-http", "http", 8888) == {
        "name": "ngrok-http",
        "transport": "http",
        "url": "https://ada.ngrok-free.app",
        "scheme": "https",
        "host": "ada.ngrok-free.app",
        "port": 443,
        "safari_url": "https://ada.ngrok-free.app/",
        "juno_url": "https://ada.ngrok-free.app/nbclassic",
    }


def test_what_a_browser_needs_of_a_tcp_tunnel() -> None:
    assert endpoints.endpoint_value(Origin.of("tcp://0.tcp.ngrok.io:12345"), "ngrok-tcp", "tcp", 8888) == {
        "name": "ngrok-tcp",
        "transport": "tcp",
        "url": "http://0.tcp.ngrok.io:12345",
        "scheme": "http",
        "host": "0.tcp.ngrok.io",
        "port": 12345,
        "safari_url": "http://0.tcp.ngrok.io:12345/",
        "juno_url": "http://0.tcp.ngrok.io:12345/nbclassic",
    }


def test_what_juno_needs_of_an_ssh_tunnel() -> None:
    assert endpoints.endpoint_value(Origin.of("tcp://0.tcp.ngrok.io:12345"), "ngrok-ssh", "ssh", 8889) == {
        "name": "ngrok-ssh",
        "transport": "ssh",
        "url": "tcp://0.tcp.ngrok.io:12345",
        "scheme": "tcp",
        "host": "0.tcp.ngrok.io",
        "port": 12345,
        "safari_url": None,
        "juno_url": "http://localhost:8889/nbclassic",
    }


@pytest.mark.parametrize(
    ("url", "origin", "again"),
    [
        ("http://vps:8888", Origin("http", "vps", 8888), "http://vps:8888"),
        ("http://vps:80/", Origin("http", "vps", 80), "http://vps:80"),
        ("HTTP://Studio.local", Origin("http", "Studio.local"), "http://Studio.local"),
        ("https://ada.example/hub/", Origin("https", "ada.example", None, "/hub"), "https://ada.example/hub"),
        ("http://[fe80::7%eth0]:8888", Origin("http", "fe80::7%eth0", 8888), "http://[fe80::7%eth0]:8888"),
        ("http://[2001:DB8::7]", Origin("http", "2001:DB8::7"), "http://[2001:DB8::7]"),
        # what stands before the host is nobody's address
        ("https://ada@192.168.1.20", Origin("https", "192.168.1.20"), "https://192.168.1.20"),
    ],
)
def test_an_origin(url: str, origin: Origin, again: str) -> None:
    assert Origin.of(url) == origin
    assert str(origin) == again
    assert (origin.safari, origin.juno) == (f"{again}/", f"{again}/nbclassic")


@pytest.mark.parametrize(
    ("origin", "hostname", "port", "carried"),
    [
        (Origin("http", "Studio.local", 8888), "studio.local", 8888, "http://Studio.local:8888"),
        (Origin("https", "FE80::7%Eth0"), "fe80::7%Eth0", 443, "https://[FE80::7%Eth0]"),
        (Origin("tcp", "0.tcp.ngrok.io", 12345), "0.tcp.ngrok.io", 12345, "http://0.tcp.ngrok.io:12345"),
    ],
)
def test_what_an_origin_becomes_for_a_browser(origin: Origin, hostname: str, port: int, carried: str) -> None:
    assert (origin.hostname, origin.tcp_port, str(origin.carried)) == (hostname, port, carried)


def test_a_port_that_nobody_says() -> None:
    with pytest.raises(KeyError):
        _ = Origin("tcp", "0.tcp.ngrok.io").tcp_port


@pytest.mark.parametrize(
    ("host", "written"),
    [("::1", "[::1]"), ("2001:db8::7", "[2001:db8::7]"), ("192.0.2.7", "192.0.2.7"), ("vps.local", "vps.local")],
)
def test_brackets(host: str, written: str) -> None:
    assert endpoints.bracketed(host) == written


PRIVATE = [
    *("127.0.0.1", "10.0.0.7", "192.168.1.20", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fd00::7", "::ffff:192.168.1.20", "255.255.255.255"),
    *(
        "localhost",
        "studio",
        "studio.local",
        "studio.local.",
        "STUDIO.LOCAL",
        "a.localhost",
        "router.lan",
        "x.internal",
    ),
    # What resolvers take for an address.
    *("127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "", ".", ".app", "None"),
]
PUBLIC = ["ada.ngrok-free.app", "0.tcp.eu.ngrok.io", "name.example", "a.b.xn--p1ai", "8.8.8.8", "2606:4700::1111"]


@pytest.mark.parametrize(
    ("host", "expected"), [*((each, False) for each in PRIVATE), *((each, True) for each in PUBLIC)]
)
def test_what_can_be_on_the_internet(host: str, expected: bool) -> None:
    assert endpoints.is_public(host) is expected


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ({"url": "https://ada.ngrok-free.app", "host": "ada.ngrok-free.app"}, True),
        ({"url": "tcp://0.tcp.ngrok.io:12345", "host": "0.tcp.ngrok.io"}, True),
        ({"url": "http://0.tcp.ngrok.io:12345", "host": "0.tcp.ngrok.io"}, True),
        ({"url": "https://ada.ngrok-free.app@192.168.1.20/", "host": "ada.ngrok-free.app"}, False),
        ({"url": "https://ada.ngrok-free.app", "host": "10.0.0.7"}, False),
        ({"url": "https://ada.ngrok-free.app"}, False),
        ({"host": "ada.ngrok-free.app"}, False),
        ({"url": "file://ada.ngrok-free.app/x", "host": "ada.ngrok-free.app"}, False),
        ({"url": "http://[::1", "host": "ada.ngrok-free.app"}, False),
        ({"url": None, "host": None}, False),
    ],
)
def test_what_can_be_a_tunnel(endpoint: dict[str, str | None], expected: bool) -> None:
    assert endpoints.is_tunnel(endpoint) is expected
