"""Where people find Jupyter on a host, how each address is examined, and when a tunnel is waited for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bare_host import TOKEN, situation
from reachable.endpoints import Origin, endpoint_value
from reachable.plan import endpoint, watcher
from reachable.plan.situation import Authority, Controller, Situation

AWAY = Controller("203.0.113.9")
HERE = Controller(None)
PUBLISHED = "/var/lib/reachable/endpoint/endpoint.json"
CONFIG = "/opt/reachable/etc/watcher.json"
HTTP = endpoint_value(Origin.of("https://ada.ngrok-free.app"), "ngrok-http", "http", 8888) | {"state": "online"}
SSH = endpoint_value(Origin.of("tcp://5.tcp.ngrok.io:12345"), "ngrok-ssh", "ssh", 8888) | {"state": "online"}
BOTH = {"ngrok_authtoken": TOKEN, "ngrok_endpoints": [{"transport": "http"}, {"transport": "ssh"}]}
RUNNING = {f"reachable-{name}": {"state": "running"} for name in ("ngrok", "endpoint")}
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ/PQn5/2NaXd3LTztfwpsK7yS4y6G5HbgCl3cf1SWsJ root@vps"


def host(given: dict[str, Any], *endpoints: Any, files: dict[str, Any] | None = None, **more: Any) -> Situation:
    """Return a host that publishes some endpoints."""
    text = json.dumps({"endpoints": list(endpoints)})
    found = {PUBLISHED: {"content": text}, **(files or {})}
    facts = {"files": found, "daemons": more.pop("daemons", RUNNING)}
    return situation(given, facts, **{"controller": AWAY, **more})


@pytest.mark.parametrize(
    ("given", "names", "transports"),
    [
        ({}, ["ssh", "ipv4"], {"lan"}),
        ({"jupyter_listen": "loopback"}, ["loopback"], {"loopback"}),
        ({"endpoint_public_url": "https://notebooks.example.org"}, ["public", "ssh", "ipv4"], {"static", "lan"}),
        # what was declared is the one that counts, where it is one of the machine's own, too
        ({"endpoint_public_url": "http://192.0.2.7:8888"}, ["public", "ssh"], {"static", "lan"}),
        (BOTH, ["ngrok-http", "ngrok-ssh"], {"http", "ssh"}),
        ({**BOTH, "jupyter_listen": "lan"}, ["ngrok-http", "ngrok-ssh", "ssh", "ipv4"], {"http", "ssh", "lan"}),
        # of a tunnel that nobody wants nothing is believed
        ({"ngrok_transport": "none"}, ["ssh", "ipv4"], {"lan"}),
    ],
)
def test_where_jupyter_is_found(given: dict[str, Any], names: list[str], transports: set[str]) -> None:
    planned = endpoint.planned(host(given, HTTP, SSH))
    assert [each["name"] for each in planned["candidates"]] == names
    assert {each["transport"] for each in planned["candidates"]} == transports


def test_a_name_with_capitals_is_the_same_address() -> None:
    there = situation(
        {"endpoint_public_url": "http://Studio.local:8888"},
        {"addresses": {"mdns": "studio.local", "ipv4": None}},
        controller=HERE,
    )
    assert [each["url"] for each in endpoint.planned(there)["candidates"]] == ["http://Studio.local:8888"]


@pytest.mark.parametrize(
    ("given", "controller", "expected"),
    [
        ({}, AWAY, True),
        ({"jupyter_listen": "loopback"}, AWAY, False),
        ({"jupyter_listen": "loopback"}, HERE, True),
        (BOTH, AWAY, True),
    ],
)
def test_from_where_it_is_seen(given: dict[str, Any], controller: Controller, expected: bool) -> None:
    assert endpoint.planned(host(given, HTTP, controller=controller))["is_seen_from_here"] is expected


def test_how_the_doctor_gets_there() -> None:
    files = {"/etc/ssh/ssh_host_ed25519_key.pub": {"content": f"{HOST_KEY}\n"}}
    planned = endpoint.planned(host(BOTH, HTTP, SSH, files=files))
    assert planned["visits"] == [
        {"name": "ngrok-http", "tunnel": True, "own": [], "url": "https://ada.ngrok-free.app"},
        {
            "name": "ngrok-ssh",
            "tunnel": True,
            "own": [],
            "url": "http://localhost:8888/",
            "ssh": {
                "user": "reachable-tunnel",
                "key_file": "/tmp/secrets/vps/tunnel_ssh_key",
                "host_keys": [HOST_KEY],
                "target": "127.0.0.1:8888",
                "host": "5.tcp.ngrok.io",
                "port": 12345,
            },
        },
    ]
    # On the host there is no key, but the server itself.
    assert planned["visits_there"] == [
        planned["visits"][0],
        {"name": "loopback", "url": "http://127.0.0.1:8888", "tunnel": False},
    ]
    assert planned["ssh"]["host_keys"] == ["ssh-ed25519 SHA256:d3uWe7yxyP/AoDokQ8u3Epfz3tmLhB7BPvqbXuLmCzA"]


@pytest.mark.parametrize(("controller", "more"), [(AWAY, []), (HERE, endpoint.LOOPBACKS)])
def test_what_counts_as_the_machine_itself(controller: Controller, more: list[str]) -> None:
    planned = endpoint.planned(host({}, controller=controller))
    assert {tuple(each["own"]) for each in planned["visits"]} == {("10.0.0.7", "192.0.2.7", *more)}
    assert {tuple(each["own"]) for each in planned["visits_there"]} == {()}


@pytest.mark.parametrize(
    ("given", "scheme", "trusted"),
    [({"reachable_tls": "ca"}, "https", "PEM"), ({"reachable_tls": "off"}, "http", None), ({}, "http", None)],
)
def test_an_authority_of_our_own_counts_where_it_certifies(
    given: dict[str, Any], scheme: str, trusted: str | None
) -> None:
    controller = Controller("203.0.113.9", authority=Authority("/secrets/ca", root="PEM"))
    planned = endpoint.planned(
        host({**given, "endpoint_public_url": "https://notebooks.example.org"}, controller=controller)
    )
    found = {each["name"]: (each["url"], each.get("authority")) for each in [*planned["visits"], planned["server"]]}
    assert found == {
        "public": ("https://notebooks.example.org", trusted),
        "ssh": (f"{scheme}://203.0.113.9:8888", trusted),
        "ipv4": (f"{scheme}://192.0.2.7:8888", trusted),
        "loopback": (f"{scheme}://127.0.0.1:8888", trusted),
    }


def test_a_host_that_pulls_has_no_key_for_ssh() -> None:
    planned = endpoint.planned(host(BOTH, HTTP, SSH, pulled=True))
    assert [each["name"] for each in planned["candidates"]] == ["ngrok-http"]
    assert [each["name"] for each in planned["watched"]] == ["ngrok-http", "ngrok-ssh"]


@pytest.mark.parametrize(
    ("endpoints", "daemons", "expected"),
    [
        ([HTTP, SSH], {}, False),
        ([HTTP], {}, True),
        ([HTTP, {**SSH, "state": "offline"}], {}, True),
        ([HTTP, SSH], {"reachable-ngrok": {"state": "failed"}}, True),
        ([HTTP, SSH], {"reachable-endpoint": {"state": "absent"}}, True),
    ],
)
def test_when_a_tunnel_is_waited_for(endpoints: list[Any], daemons: dict[str, Any], expected: bool) -> None:
    planned = endpoint.planned(host(BOTH, *endpoints, daemons={**RUNNING, **daemons}))
    assert planned["must_wait"] is expected


# Where somebody only looks

THERE = {
    "endpoints": [{"name": "old", "transport": "http", "upstream": "x"}],
    "log": "/run/agent.log",
    "jupyter_port": 8888,
}


@pytest.mark.parametrize(
    ("given", "config", "daemon", "names"),
    [
        ({}, THERE, "running", ["old"]),
        (BOTH, THERE, "failed", ["old"]),
        ({}, THERE, "absent", []),
        (BOTH, None, "running", []),
        (BOTH, "no JSON", "running", []),
        (BOTH, [], "running", []),
    ],
)
def test_who_only_looks_takes_what_is_there(given: dict[str, Any], config: Any, daemon: str, names: list[str]) -> None:
    content = config if isinstance(config, str) else json.dumps(config) if config is not None else None
    old = {**HTTP, "name": "old"}
    files = {CONFIG: {"content": content}}
    daemons = {"reachable-endpoint": {"state": daemon}}
    there = host(given, HTTP, old, files=files, daemons=daemons, only_looks=True)
    planned = endpoint.planned(there)
    assert [each["name"] for each in planned["watched"]] == names
    assert planned["is_watched"] is planned["is_public"] is bool(names) or given is BOTH


def test_what_the_watcher_is_told() -> None:
    there = host({**BOTH, "jupyter_listen": "lan", "endpoint_public_url": "https://notebooks.example.org"}, HTTP)
    told = watcher.config(there)
    assert [each["name"] for each in told["endpoints"]] == ["ngrok-http", "ngrok-ssh"]
    assert [each["name"] for each in told["others"]] == ["public", "ssh", "ipv4"]
    assert (told["log"], told["jupyter_port"]) == ("/run/reachable-ngrok/agent.log", 8888)
    assert endpoint.planned(there)["observation"] == {key: told[key] for key in ("endpoints", "log", "jupyter_port")}


@pytest.mark.parametrize("folder", ["/var/lib/reachable", "/var/lib/reachable/jupyter/notebooks"])
def test_a_disk_that_is_full(folder: str) -> None:
    plan = endpoint.planned(situation(facts={"paths": {folder: {"free_bytes": 10_000}}}))
    assert plan["no_room"] == (
        f"The disk of vps with {folder} is full, so that notebooks cannot be saved: remove something there, or make it "
        "larger."
    )
    assert endpoint.planned(situation())["no_room"] == ""
