"""Whether strangers find a host by its own address."""

from __future__ import annotations

from typing import Any

import bare_host
import pytest
from reachable.plan import public
from reachable.plan.situation import Controller


@pytest.mark.parametrize(
    ("reached", "own", "address"),
    [
        # A laptop, a machine in a cloud, one with a public address on its interface, and the host itself
        ("192.168.1.5", ["192.168.1.5", "2a01:4f8::1", "fe80::1"], ""),
        ("8.8.8.8", ["10.0.0.4"], "8.8.8.8"),
        ("10.0.0.4", ["10.0.0.4", "9.9.9.9"], "9.9.9.9"),
        (None, ["9.9.9.9"], "9.9.9.9"),
        (None, ["10.0.0.4", "2a01:4f8::1"], ""),
        ("2a01:4f8::1", ["10.0.0.4"], ""),
        ("2a01:4f8::1", ["2a01:4f8::1", "fe80::1"], "2a01:4f8::1"),
        # What a VPN or a carrier's NAT has, and what is for documentation
        ("100.64.0.1", ["100.64.0.1", "203.0.113.7"], ""),
    ],
)
@pytest.mark.parametrize("listen", ["auto", "loopback"])
def test_who_is_exposed(reached: str | None, own: list[str], address: str, listen: str) -> None:
    facts: dict[str, Any] = {"addresses": {**bare_host.FACTS["addresses"], "own": own}}
    controller = Controller(connected_to="vps" if reached else None, reached_at=(reached,) if reached else ())
    there = bare_host.situation({"jupyter_listen": listen}, facts, controller=controller)
    assert public.public_address(there) == address
    assert public.is_exposed(there) is (bool(address) and listen == "auto")
