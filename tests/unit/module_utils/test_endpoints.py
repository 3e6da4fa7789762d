"""An address becomes what people type, be it Jupyter's own or that of a tunnel."""

from __future__ import annotations

import pytest
from ansible.module_utils import endpoints


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
    assert endpoints.endpoint_value(url, "public", "static") == {
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
    assert endpoints.endpoint_value("https://ada.ngrok-free.app", "ngrok-http", "http", 8888) == {
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
    assert endpoints.endpoint_value("tcp://0.tcp.ngrok.io:12345", "ngrok-tcp", "tcp", 8888) == {
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
    assert endpoints.endpoint_value("tcp://0.tcp.ngrok.io:12345", "ngrok-ssh", "ssh", 8889) == {
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
    ("host", "written"),
    [("::1", "[::1]"), ("2001:db8::7", "[2001:db8::7]"), ("192.0.2.7", "192.0.2.7"), ("vps.local", "vps.local")],
)
def test_brackets(host: str, written: str) -> None:
    assert endpoints.bracketed(host) == written
