"""What a host says of its addresses is read, and not believed further than that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reachable.endpoints import Origin, endpoint_value
from reachable.plan import published

TUNNEL = {
    **endpoint_value(Origin.of("https://ada.ngrok-free.app"), "ngrok", "http"),
    "state": "online",
    "reachable": True,
}


def test_a_hosts_tunnels_are_those_that_are_wanted() -> None:
    waiting = {"name": "tcp", "url": None, "host": None}
    tunnels = published.tunnels(
        json.dumps({"endpoints": [TUNNEL, {}, {"name": "lan"}, waiting]}), ["ngrok", "tcp"], 8888
    )
    assert tunnels == [TUNNEL, waiting]


@pytest.mark.parametrize(
    "tunnel", [TUNNEL, endpoint_value(Origin.of("tcp://5.tcp.eu.ngrok.io:12345"), "ngrok", "ssh", 8888)]
)
def test_of_a_tunnel_only_the_address_is_believed(tunnel: dict[str, Any]) -> None:
    claims = dict.fromkeys(("host", "port", "scheme", "safari_url", "juno_url"), "javascript:alert(1)")
    assert [published.believed({**tunnel, **claims}, 8888)] == [tunnel]


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://192.168.1.20:8888"},
        {"url": "javascript:alert(1)"},
        {"url": "https://ada.ngrok-free.app:port"},
        {"url": "tcp://5.tcp.eu.ngrok.io", "transport": "ssh"},
        {"url": ["https://ada.ngrok-free.app"]},
    ],
)
def test_a_tunnel_that_can_be_none_is_not_believed(change: dict[str, Any]) -> None:
    found = published.believed({**TUNNEL, **change}, 8888)
    assert found["safari_url"] is None
    assert (found["url"], found["state"], found["reachable"]) == (None, "offline", False)
    assert "192.168" not in found["detail"]


ENTRY = {"name": "ipv4", "url": "http://192.0.2.7:8888"}


@pytest.mark.parametrize(
    ("text", "endpoints"),
    [
        (json.dumps({"endpoints": [ENTRY, {}], "more": 1}), [ENTRY, {}]),
        (json.dumps({"endpoints": ["x", ENTRY, None]}), [ENTRY]),
        *(
            (text, [])
            for text in (
                None,
                "",
                "{",
                "null",
                "1",
                '"endpoints"',
                "[]",
                "{}",
                '{"endpoints": null}',
                '{"endpoints": 1}',
                '{"endpoints": "x"}',
            )
        ),
    ],
)
def test_what_a_host_publishes(text: str | None, endpoints: list[dict[str, str]]) -> None:
    assert published.endpoints(text) == endpoints


LAST_YEAR = "2025-01-02T03:04:05+00:00"
PAGE = {"name": "page", "url": "https://x.example", "detail": "Nobody declared that.", "since": LAST_YEAR}


@pytest.mark.parametrize(
    ("text", "openings"),
    [
        (json.dumps({"endpoints": [], "undeclared": [PAGE | {"upstream": "tcp://127.0.0.1:22"}]}), [PAGE]),
        ('{"endpoints": []}', []),
        ('{"undeclared": [{"name": "page"}]}', []),
        ('{"undeclared": 5}', []),
        ("no JSON", []),
        (None, []),
    ],
)
def test_what_a_host_publishes_that_nobody_declared(text: str | None, openings: list[dict[str, str]]) -> None:
    assert published.undeclared(text) == openings


def test_which_addresses_are_online() -> None:
    states = {"b": "online", "c": "offline", "a": "online"}
    assert published.online([{"url": url, "state": state} for url, state in states.items()]) == ["a", "b"]
