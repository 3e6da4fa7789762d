"""What keeps the tunnel's user out of the host's SSH server is named by directive and file."""

from __future__ import annotations

from typing import Any

import pytest
from bare_host import FILE, TOKEN, situation
from reachable.plan import ssh_server

GIVEN = {"ngrok_authtoken": TOKEN, "ngrok_transport": "ssh"}
CONFIG, OURS = "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/50-reachable-tunnel.conf"
PATTERN = "Include /etc/ssh/sshd_config.d/*.conf"
INCLUDE = {"file": CONFIG, "line": 1, "keyword": "include", "values": ["/etc/ssh/sshd_config.d/*.conf"],
           "is_for_some": False}  # fmt: skip
COUNTS = {"pubkeyauthentication": ["yes"], "disableforwarding": ["no"], "allowtcpforwarding": ["yes"],
          "pubkeyacceptedalgorithms": ["rsa-sha2-512,ssh-ed25519"], "authorizedkeysfile": [".ssh/authorized_keys"],
          "authenticationmethods": ["any"]}  # fmt: skip
HEARD = {
    "authorizedkeysfile": ["/opt/reachable/etc/ssh/authorized_keys"],
    "authenticationmethods": ["publickey"],
    "allowtcpforwarding": ["local"],
}
TAKE_OUT = "Take that out there"


def line(keyword: str, number: int = 7, file: str = CONFIG, **more: Any) -> dict[str, Any]:
    """Return a line of the configuration."""
    return {"file": file, "line": number, "keyword": keyword, "values": [], "is_for_some": False, **more}


def refused(counts: dict[str, list[str]], *lines: dict[str, Any], facts: dict[str, Any] | None = None) -> str:
    """Return what is refused of a server for which this counts."""
    seen = {"counts": {**COUNTS, **counts} if counts is not None else {}, "lines": list(lines)}
    return ssh_server.refusal(situation(GIVEN, {**(facts or {}), "sshd": seen}))


def sentence(what: str, remedy: str) -> str:
    """Return the sentence that names it."""
    return (
        f"ngrok_transport is ssh, but the SSH server on vps does not let reachable-tunnel in: {what}. {remedy} and "
        "reload it, or choose http or tcp."
    )


@pytest.mark.parametrize(
    ("counts", "what", "remedy"),
    [
        ({"denyusers": ["reachable-*"]}, f"DenyUsers in {CONFIG}:7 names it", "Take it out there"),
        ({"allowusers": ["ada", "eve"]}, f"AllowUsers in {CONFIG}:7 does not name it", "Add it there"),
        ({"allowusers": ["*@192.0.2.0/24"]}, f"AllowUsers in {CONFIG}:7 does not name it", "Add it there"),
        ({"denygroups": ["x", "reach?ble-tunnel"]}, f"DenyGroups in {CONFIG}:7 names its group reachable-tunnel",
         TAKE_OUT),
        ({"allowgroups": ["ssh-users"]}, f"AllowGroups in {CONFIG}:7 names none of its groups",
         "Add reachable-tunnel there"),
        ({"allowgroups": ["*", "!reachable-*"]}, f"AllowGroups in {CONFIG}:7 names none of its groups",
         "Add reachable-tunnel there"),
        ({"pubkeyauthentication": ["no"]}, f"PubkeyAuthentication in {CONFIG}:7 is no", TAKE_OUT),
        ({"disableforwarding": ["yes"]}, f"DisableForwarding in {CONFIG}:7 is yes", TAKE_OUT),
        ({"pubkeyacceptedalgorithms": ["rsa-sha2-512"]},
         f"PubkeyAcceptedAlgorithms in {CONFIG}:7 has no ssh-ed25519", "Add it there"),
    ],
)  # fmt: skip
def test_what_keeps_everybody_like_it_out(counts: dict[str, list[str]], what: str, remedy: str) -> None:
    [keyword] = counts
    assert refused(counts, INCLUDE, line(keyword)) == sentence(what, remedy)


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {"allowusers": ["ada", "reachable-tunnel"]},
        {"allowusers": ["reachable-*@127.0.0.0/8"]},
        {"allowusers": ["*@localhost"], "denyusers": ["*@192.0.2.7", "*@2001:db8::/32", "*@x/y"]},
        {"allowgroups": ["reachable-tunnel"], "denygroups": ["!x"]},
    ],
)
def test_what_lets_it_in(counts: dict[str, list[str]]) -> None:
    assert refused(counts, INCLUDE) == ""


def test_the_groups_that_it_has() -> None:
    account = {"uid": 999, "group": "tunnel", "groups": ["ssh-users"]}
    facts = {"users": {"reachable-tunnel": account}}
    assert refused({"allowgroups": ["ssh-users"]}, INCLUDE, facts=facts) == ""


def test_each_place_is_named() -> None:
    lines = [INCLUDE, line("allowusers", 2, "/etc/ssh/sshd_config.d/10-hard.conf"), line("allowusers")]
    assert f"AllowUsers in /etc/ssh/sshd_config.d/10-hard.conf:2 and {CONFIG}:7 does" in refused(
        {"allowusers": ["ada"]}, *lines
    )


@pytest.mark.parametrize(
    ("include", "is_read"),
    [
        (INCLUDE, True),
        ({**INCLUDE, "values": ["sshd_config.d/*"]}, True),
        ({**INCLUDE, "values": ["/etc/ssh/other.d/*.conf"]}, False),
        ({**INCLUDE, "is_for_some": True}, False),
        (line("port", 1), False),
    ],
)
def test_a_configuration_that_reads_nothing_else(include: dict[str, Any], is_read: bool) -> None:
    remedy = f"Write the line '{PATTERN}' at its top"
    said = sentence(f"{CONFIG} does not include what lies beside it", remedy)
    assert refused({}, include) == ("" if is_read else said)


@pytest.mark.parametrize(
    ("counts", "what", "remedy"),
    [
        (HEARD, None, ""),
        ({}, f"nothing includes {OURS}", f"Write the line '{PATTERN}' at the top of its configuration"),
        ({**HEARD, "allowtcpforwarding": ["no"]},
         f"AllowTcpForwarding is no for it, which stands in {CONFIG}:7", TAKE_OUT),
        ({**HEARD, "allowusers": ["ada"]}, "AllowUsers in its defaults does not name it", "Add it there"),
    ],
)  # fmt: skip
def test_what_was_written_is_not_what_counts(counts: dict[str, list[str]], what: str | None, remedy: str) -> None:
    said = refused(counts, line("allowtcpforwarding"), facts={"files": {OURS: FILE}})
    assert said == (sentence(what, remedy) if what else "")


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({**GIVEN, "ngrok_transport": "http"}, {"counts": {"allowusers": ["ada"]}, "lines": []}),
        (GIVEN, {"counts": {}, "lines": []}),
        (GIVEN, None),
    ],
)
def test_where_nobody_asks_or_nothing_was_said(given: dict[str, Any], seen: dict[str, Any] | None) -> None:
    assert ssh_server.refusal(situation(given, {"sshd": seen})) == ""
