"""Where a host can be found in its own network."""

from __future__ import annotations

from typing import Any

import pytest
from bare_host import situation
from reachable.plan.situation import Controller
from reachable.plan.ways_in import lan

HOST = {"hostname": "vps", "ipv4": "192.0.2.7", "ipv6": None, "mdns": None, "own": ["10.0.0.7", "192.0.2.7"]}


@pytest.mark.parametrize(
    ("known", "connected_to", "expected"),
    [
        ({}, None, {"ipv4": "http://192.0.2.7:8888"}),
        ({"ipv4": None}, None, {}),
        # what cannot be typed as an address is none
        ({"mdns": "a/../b.local", "ipv6": "::1]/", "ipv4": "\x1b[2J"}, None, {}),
        ({"ipv6": "fe80::7%eth0"}, None, {"ipv4": "http://192.0.2.7:8888", "ipv6": "http://[fe80::7%eth0]:8888"}),
        ({"ipv6": "2001:db8::7"}, None, {"ipv4": "http://192.0.2.7:8888", "ipv6": "http://[2001:db8::7]:8888"}),
        ({"mdns": "vps.local"}, None, {"mdns": "http://vps.local:8888", "ipv4": "http://192.0.2.7:8888"}),
        ({}, "203.0.113.9", {name: f"http://{host}:8888" for name, host in
            (("name", "vps"), ("ssh", "203.0.113.9"), ("ipv4", "192.0.2.7"))}),
        # the same host under two names stands where the easier one does, and is called that
        ({}, "vps", {"name": "http://vps:8888", "ipv4": "http://192.0.2.7:8888"}),
        ({}, "192.0.2.7", {"name": "http://vps:8888", "ssh": "http://192.0.2.7:8888"}),
        ({"mdns": "vps.local"}, "vps.local", {name: f"http://{host}:8888" for name, host in
            (("mdns", "vps.local"), ("name", "vps"), ("ipv4", "192.0.2.7"))}),
        ({"hostname": ""}, "2001:db8::9", {"ssh": "http://[2001:db8::9]:8888", "ipv4": "http://192.0.2.7:8888"}),
    ],
)  # fmt: skip
def test_where_a_host_can_be_found(known: dict[str, Any], connected_to: str | None, expected: dict[str, str]) -> None:
    controller = Controller(connected_to=connected_to, finds_hostname=True)
    found = lan.lan_endpoints({**HOST, **known}, "http", 8888, controller)
    assert [(each["name"], each["url"]) for each in found] == list(expected.items())
    assert {each["transport"] for each in found} <= {"lan"}


def test_a_name_that_the_controller_does_not_find_is_of_no_use() -> None:
    found = lan.lan_endpoints(HOST, "http", 8888, Controller(connected_to="203.0.113.9", finds_hostname=False))
    assert [each["name"] for each in found] == ["ssh", "ipv4"]


@pytest.mark.parametrize(("listens", "count"), [("lan", 1), ("loopback", 0), ("auto", 1)])
def test_it_is_a_way_in_where_jupyter_listens_to_others(listens: str, count: int) -> None:
    way = lan.Lan(situation({"jupyter_listen": listens}))
    assert (way.is_wanted, len(way.endpoints())) == (bool(count), count)
