"""What people ask of a tunnel becomes the agent's configuration, and what cannot be is said in whole sentences."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from reachable.plan import tunnels

OLD = "2.3.41"
NEW = "3.39.10"

HTTP = {
    "name": "ngrok-http",
    "transport": "http",
    "upstream": "http://127.0.0.1:8888",
    "domain": None,
    "remote_addr": None,
}
TCP = {**HTTP, "name": "ngrok-tcp", "transport": "tcp", "upstream": "tcp://127.0.0.1:8888"}
SSH = {**HTTP, "name": "ngrok-ssh", "transport": "ssh", "upstream": "tcp://127.0.0.1:22"}
OWN_DOMAIN = {**HTTP, "name": "lab", "domain": "notebooks.ngrok.app"}
RESERVED = {**SSH, "name": "way", "remote_addr": "1.tcp.ngrok.io:12345"}


@pytest.mark.parametrize(
    ("version", "generation"),
    [("2.3.41", 2), ("2.0", 2), ("3.0.0", 3), ("3.39.10", 3), ("4.0.0", 3), ("20.1", 3), ("", 3), (None, 3)],
)
def test_generations(version: str | None, generation: int) -> None:
    assert tunnels.generation(version) == generation


# What is wanted


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ({"transport": "http", "domain": None, "remote_addr": None}, HTTP),
        ({"transport": "http"}, HTTP),
        ({"transport": "tcp"}, TCP),
        ({"transport": "ssh"}, SSH),
        ({"transport": "http", "name": "lab", "domain": "notebooks.ngrok.app"}, OWN_DOMAIN),
        ({"transport": "ssh", "name": "way", "remote_addr": "1.tcp.ngrok.io:12345"}, RESERVED),
    ],
)
def test_an_entry_is_completed(entry: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert tunnels.tunnel_endpoints([entry], 8888, 22) == [wanted]


def test_each_leads_to_its_port() -> None:
    entries = [{"transport": "ssh"}, {"transport": "http"}, {"transport": "tcp"}]
    upstreams = ["tcp://127.0.0.1:2222", "http://127.0.0.1:9999", "tcp://127.0.0.1:9999"]
    assert [each["upstream"] for each in tunnels.tunnel_endpoints(entries, 9999, 2222)] == upstreams


# The configuration


ON_CONNECT = [{"actions": [{"type": "restrict-ips", "config": {"enforce": True, "allow": ["192.0.2.0/24"]}}]}]
ON_REQUEST = [{"expressions": ["req.url.path == '/metrics'"], "actions": [{"type": "deny"}]}]
ON_RESPONSE = [{"actions": [{"type": "remove-headers", "config": {"headers": ["server"]}}]}]
POLICY = {"on_tcp_connect": ON_CONNECT, "on_http_request": ON_REQUEST, "on_http_response": ON_RESPONSE}


@pytest.mark.parametrize(
    ("wanted", "policy", "written"),
    [
        (HTTP, {}, {"name": "ngrok-http", "upstream": {"url": "http://127.0.0.1:8888"}}),
        (TCP, {}, {"name": "ngrok-tcp", "url": "tcp://", "upstream": {"url": "tcp://127.0.0.1:8888"}}),
        (SSH, {}, {"name": "ngrok-ssh", "url": "tcp://", "upstream": {"url": "tcp://127.0.0.1:22"}}),
        (
            OWN_DOMAIN,
            POLICY,
            {
                "name": "lab",
                "url": "https://notebooks.ngrok.app",
                "upstream": {"url": "http://127.0.0.1:8888"},
                "traffic_policy": POLICY,
            },
        ),
        # requests and responses are not seen where only bytes are carried
        (
            RESERVED,
            POLICY,
            {
                "name": "way",
                "url": "tcp://1.tcp.ngrok.io:12345",
                "upstream": {"url": "tcp://127.0.0.1:22"},
                "traffic_policy": {"on_tcp_connect": ON_CONNECT},
            },
        ),
        (
            TCP,
            {"on_http_request": ON_REQUEST},
            {"name": "ngrok-tcp", "url": "tcp://", "upstream": {"url": "tcp://127.0.0.1:8888"}},
        ),
        (
            HTTP,
            {"on_tcp_connect": [], "on_http_request": ON_REQUEST},
            {
                "name": "ngrok-http",
                "upstream": {"url": "http://127.0.0.1:8888"},
                "traffic_policy": {"on_http_request": ON_REQUEST},
            },
        ),
    ],
)
def test_an_endpoint_for_agent_3(wanted: dict[str, Any], policy: dict[str, Any], written: dict[str, Any]) -> None:
    settings = {"web_addr": False, "connect_url": "tunnels.example.org:443"}
    config = {"version": 3, "agent": settings, "endpoints": [written]}
    assert tunnels.agent_config([wanted], NEW, settings, policy) == config
    assert tunnels.agent_config([wanted], None, settings, policy) == config


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (HTTP, {"ngrok-http": {"proto": "http", "addr": "127.0.0.1:8888", "bind_tls": True, "inspect": False}}),
        (TCP, {"ngrok-tcp": {"proto": "tcp", "addr": "127.0.0.1:8888", "inspect": False}}),
        (SSH, {"ngrok-ssh": {"proto": "tcp", "addr": "127.0.0.1:22", "inspect": False}}),
        (
            OWN_DOMAIN,
            {
                "lab": {
                    "proto": "http",
                    "addr": "127.0.0.1:8888",
                    "bind_tls": True,
                    "inspect": False,
                    "hostname": "notebooks.ngrok.app",
                }
            },
        ),
        (
            RESERVED,
            {
                "way": {
                    "proto": "tcp",
                    "addr": "127.0.0.1:22",
                    "inspect": False,
                    "remote_addr": "1.tcp.ngrok.io:12345",
                }
            },
        ),
    ],
)
def test_a_tunnel_for_agent_2(wanted: dict[str, Any], expected: dict[str, Any]) -> None:
    settings = {"web_addr": False, "server_addr": "tunnels.example.org:443"}
    assert tunnels.agent_config([wanted], OLD, settings, POLICY) == {**settings, "tunnels": expected}


def test_several_stay_in_their_order() -> None:
    wanted = [SSH, HTTP, TCP]
    names = ["ngrok-ssh", "ngrok-http", "ngrok-tcp"]
    assert list(tunnels.agent_config(wanted, OLD, {}, {})["tunnels"]) == names
    assert [each["name"] for each in tunnels.agent_config(wanted, NEW, {}, {})["endpoints"]] == names


def test_what_the_watcher_compares() -> None:
    wanted = tunnels.tunnel_endpoints([{"transport": "ssh"}, {"transport": "http", "domain": "a.example"}], 8888, 22)

    assert tunnels.to_watch(wanted) == [
        {"name": "ngrok-ssh", "transport": "ssh", "upstream": "tcp://127.0.0.1:22"},
        {"name": "ngrok-http", "transport": "http", "upstream": "http://127.0.0.1:8888"},
    ]


def test_what_the_keeper_is_told() -> None:
    wanted = tunnels.tunnel_endpoints([{"transport": "ssh"}, {"transport": "http", "domain": "a.example"}], 8888, 22)

    assert tunnels.keeper_options(wanted) == [
        *["--endpoint", "ngrok-ssh", "ssh", "tcp://127.0.0.1:22"],
        *["--endpoint", "ngrok-http", "http", "http://127.0.0.1:8888"],
    ]


def test_the_file_has_no_references_in_it() -> None:
    config = tunnels.agent_config([HTTP, TCP], NEW, {}, POLICY)
    text = yaml.safe_dump(config)
    assert yaml.safe_load(text) == config
    assert "&" not in text
    assert "*" not in text


OURS = {
    "web_addr": False,
    "inspect_db_size": -1,
    "log": "stdout",
    "log_format": "json",
    "remote_management": False,
    "update_check": False,
}


@pytest.mark.parametrize(("version", "settings"), [(NEW, OURS), (None, OURS), (OLD, {**OURS, "console_ui": False})])
def test_our_settings(version: str | None, settings: dict[str, Any]) -> None:
    assert tunnels.common_settings(version) == settings


@pytest.mark.parametrize(
    ("version", "settings", "address"),
    [
        (NEW, {}, "connect.ngrok-agent.com:443"),
        (None, {}, "connect.ngrok-agent.com:443"),
        (OLD, {}, "tunnel.us.ngrok.com:443"),
        (NEW, {"connect_url": "tunnels.example.org:4443"}, "tunnels.example.org:4443"),
        (NEW, {"connect_url": "tunnels.example.org"}, "tunnels.example.org:443"),
        (OLD, {"server_addr": "127.0.0.1:4443"}, "127.0.0.1:4443"),
        # as the other generation calls it
        (NEW, {"server_addr": "127.0.0.1:4443"}, "connect.ngrok-agent.com:443"),
        (OLD, {"connect_url": "127.0.0.1:4443"}, "tunnel.us.ngrok.com:443"),
    ],
)
def test_where_the_cloud_is(version: str | None, settings: dict[str, Any], address: str) -> None:
    assert tunnels.cloud_address(settings, version) == address


# The policy


def test_the_ready_rules() -> None:
    assert tunnels.ready_policy(5, ["192.0.2.0/24", "198.51.100.7", "2001:db8::7"]) == {
        "on_tcp_connect": [
            {
                "actions": [
                    {
                        "type": "restrict-ips",
                        "config": {
                            "enforce": True,
                            "allow": ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::7/128"],
                        },
                    }
                ]
            }
        ],
        "on_http_request": [
            {
                "expressions": ["req.method == 'POST' && req.url.path.endsWith('/login')"],
                "actions": [
                    {
                        "type": "rate-limit",
                        "config": {
                            "name": "Logins",
                            "algorithm": "sliding_window",
                            "capacity": 5,
                            "rate": "60s",
                            "bucket_key": ["conn.client_ip"],
                        },
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("limit", "networks", "phases"),
    [(0, [], []), (1, [], ["on_http_request"]), (0, ["192.0.2.0/24"], ["on_tcp_connect"])],
)
def test_ready_rules_that_nobody_asked_for(limit: int, networks: list[str], phases: list[str]) -> None:
    ready = tunnels.ready_policy(limit, networks)
    assert list(tunnels.joined_policy({}, ready)) == phases
    assert tunnels.joined_policy(POLICY, ready).keys() == POLICY.keys()


def test_the_ready_rules_come_first() -> None:
    ready = {"on_tcp_connect": ["a"], "on_http_request": []}
    own = {"on_http_response": ["d"], "on_http_request": ["c"], "on_tcp_connect": ["b"]}
    joined = tunnels.joined_policy(own, ready)
    assert list(joined.items()) == [
        ("on_tcp_connect", ["a", "b"]),
        ("on_http_request", ["c"]),
        ("on_http_response", ["d"]),
    ]


# What is wrong


COPY = "copy it from https://dashboard.ngrok.com/get-started/your-authtoken."
MALFORMED = (
    "ngrok_authtoken cannot be an authtoken, which has at least 16 letters, digits and underscores and nothing else: "
    + COPY
)
ANOTHER = f"ngrok_authtoken is not an authtoken but another identifier of ngrok's, or a placeholder: {COPY}"


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("4nq9771bPxe8ctg7LKr_2ClH7Y15Zqe4bWLWF9p", None),
        ("2abcdefghijklmnopqrstuvwxyz_0123456789ABCDEFGHIJK", None),
        ("acrobatsAndUsers_2345", None),
        ("a" * 8 + "b" * 8, None),
        ("", f"ngrok_authtoken is empty: leave it out, or {COPY}"),
        (" \n", f"ngrok_authtoken is empty: leave it out, or {COPY}"),
        ("2abcdefghijklmn", MALFORMED),
        ("4nq9771bPxe8ctg7LKr_2ClH7Y15Zqe4bWLWF9p\n", MALFORMED),
        ("ngrok config add-authtoken 4nq9771bPxe8ctg7LKr", MALFORMED),
        ("<YOUR_AUTHTOKEN_HERE>", MALFORMED),
        ("4nq9771bPxe8ctg7Löwe", MALFORMED),
        ("cr_2abcdefghijklmnopqrstuvwxyz", ANOTHER),
        ("ak_2abcdefghijklmnopqrstuvwxyz", ANOTHER),
        ("AC_2abcdefghijklmnopqrstuvwxyz", ANOTHER),
        ("usr_2abcdefghijklmnopqrstuvwxyz", ANOTHER),
        ("ep_2abcdefghijklmnopqrstuvwxyz", ANOTHER),
        ("YOUR_NGROK_AUTHTOKEN", ANOTHER),
        ("YOUR_NGROK_TOKEN", ANOTHER),
        ("paste-your-token-here", ANOTHER),
        ("MY_AUTH_TOKEN_GOES_HERE", ANOTHER),
        ("xxxxxxxxxxxxxxxx", ANOTHER),
    ],
)
def test_what_cannot_be_an_authtoken(token: str, sentence: str | None) -> None:
    assert tunnels.authtoken_problem(token) == sentence


FROM_VARIABLES = {"transport": "ngrok_transport", "domain": "ngrok_domain", "remote_addr": "ngrok_remote_addr"}
LIKE_THIS = "write each entry like {transport: http}, with http, tcp or ssh."
NAMES = "a letter first, 31 at most, and none of the names public, loopback, mdns, name, ssh, ipv4, ipv6"


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [{"transport": "http"}],
        [{"transport": "http", "domain": None, "remote_addr": None}],
        [{"transport": "http", "domain": "notebooks.ngrok.app"}, {"transport": "tcp"}, {"transport": "ssh"}],
        [{"transport": "http", "domain": "Ada-1.Example.ORG"}, {"transport": "http", "name": "second"}],
        [{"transport": "http", "domain": "xn--bcher-kva.example.xn--p1ai"}],
        [{"transport": "tcp", "remote_addr": "1.tcp.eu.ngrok.io:1"}],
        [{"transport": "ssh", "remote_addr": "1.tcp.ngrok.io:65535", "name": "a" * 31}],
    ],
)
def test_right_entries(entries: list[Any]) -> None:
    assert tunnels.endpoint_entry_problems(entries, {}) == []


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("http", f"ngrok_endpoints has 'http': {LIKE_THIS}"),
        (
            {"domain": "a.example"},
            f"ngrok_endpoints has '{{'domain': 'a.example'}}': {LIKE_THIS}",
        ),
        (
            {"transport": "quic"},
            f"ngrok_endpoints has '{{'transport': 'quic'}}': {LIKE_THIS}",
        ),
        (
            {"transport": "tcp", "port": 8888},
            "ngrok_endpoints has an entry with 'port': there are only name, transport, domain, remote_addr.",
        ),
        (
            {"transport": "ssh", "domain": "a.example"},
            "ngrok_endpoints: domain is for http only, and the transport is ssh: leave it out.",
        ),
        (
            {"transport": "http", "remote_addr": "1.tcp.ngrok.io:12345"},
            "ngrok_endpoints: remote_addr is for tcp and ssh only, and the transport is http: leave it out.",
        ),
        *(
            (
                {"transport": "http", "name": name},
                f"ngrok_endpoints: name is '{name}': use small letters, digits and '-', {NAMES}.",
            )
            for name in ("", "Lab", "1st", "my lab", "a" * 32, "ssh", "public", 5)
        ),
        *(
            (
                {"transport": "http", "domain": domain},
                f"ngrok_endpoints: domain is '{domain}': give the name alone, like notebooks.ngrok.app.",
            )
            for domain in (
                "",
                "notebooks",
                "https://notebooks.ngrok.app",
                "notebooks.ngrok.app:443",
                "notebooks.ngrok.app/lab",
                "notebooks.ngrok.app\n",
                "-a.example",
                "a..example",
                "192.0.2.7",
                "*.example.org",
                "a." * 126 + "bc",
            )
        ),
        *(
            (
                {"transport": "tcp", "remote_addr": address},
                (
                    f"ngrok_endpoints: remote_addr is '{address}': write the reserved address with its port, like "
                    "1.tcp.ngrok.io:12345."
                ),
            )
            for address in (
                "",
                "1.tcp.ngrok.io",
                "1.tcp.ngrok.io:0",
                "1.tcp.ngrok.io:65536",
                "1.tcp.ngrok.io:1\u0662",
                "tcp://1.tcp.ngrok.io:12345",
                12345,
            )
        ),
    ],
)
def test_wrong_entries(entry: Any, sentence: str) -> None:
    assert tunnels.endpoint_entry_problems([{"transport": "http", "name": "right"}, entry], {}) == [sentence]


@pytest.mark.parametrize(
    ("entry", "sentences"),
    [
        ({"transport": "http", "domain": "notebooks.ngrok.app", "remote_addr": None}, []),
        (
            {"transport": "tcp", "domain": "notebooks.ngrok.app", "remote_addr": "1.tcp.ngrok.io"},
            [
                "ngrok_domain is for http only, and the transport is tcp: leave it out.",
                (
                    "ngrok_remote_addr is '1.tcp.ngrok.io': write the reserved address with its port, like "
                    "1.tcp.ngrok.io:12345."
                ),
            ],
        ),
    ],
)
def test_an_entry_that_is_made_of_variables(entry: dict[str, Any], sentences: list[str]) -> None:
    assert tunnels.endpoint_entry_problems([entry], FROM_VARIABLES) == sentences


def test_every_name_is_there_once() -> None:
    entries = [{"transport": "http"}, {"transport": "tcp", "name": "ngrok-http"}] + [{"transport": "ssh"}] * 3
    assert tunnels.endpoint_entry_problems(entries, {}) == [
        "ngrok_endpoints has two entries called 'ngrok-http': give each a name of its own.",
        "ngrok_endpoints has two entries called 'ngrok-ssh': give each a name of its own.",
    ]


OF_2 = (
    "correct or remove it; there are compress_conn, connect_timeout, dns_resolver_ips, heartbeat_interval, "
    "heartbeat_tolerance, http_proxy, metadata, region, root_cas, server_addr, socks5_proxy."
)
OF_3 = (
    "correct or remove it; there are connect_cas, connect_interface, connect_timeout, connect_url, crl_noverify, "
    "crl_url, dns_resolver_ips, heartbeat_interval, heartbeat_tolerance, metadata, proxy_url, web_allow_hosts."
)
OF_BOTH = (
    "correct or remove it; there are compress_conn, connect_cas, connect_interface, connect_timeout, connect_url, "
    "crl_noverify, crl_url, dns_resolver_ips, heartbeat_interval, heartbeat_tolerance, http_proxy, metadata, "
    "proxy_url, region, root_cas, server_addr, socks5_proxy, web_allow_hosts."
)
RIGHT_SETTINGS: dict[type, Any] = {str: "x", bool: True, list: ["192.0.2.53"]}


@pytest.mark.parametrize(("number", "version"), [(2, OLD), (3, NEW)])
def test_right_agent_settings(number: int, version: str) -> None:
    settings = {name: RIGHT_SETTINGS[kind] for name, kind in tunnels.AGENT_SETTINGS[number].items()}
    assert tunnels.agent_setting_problems(settings, version) == []
    assert tunnels.agent_setting_problems(settings, None) == []


@pytest.mark.parametrize(
    ("settings", "version", "sentence"),
    [
        (
            {"web_addr": "0.0.0.0:4040"},
            None,
            f"ngrok_agent_settings has web_addr, which does not belong there: {tunnels.NOT_PASSED_ON['web_addr']}.",
        ),
        (
            {"update": True},
            OLD,
            "ngrok_agent_settings has update, which does not belong there: leave it out, up installs the agent.",
        ),
        (
            {"api_key": "24yRd5U3DestCQapJrrVHLOqiAC_7RviwRqpd3wc9dKLujQZN"},
            NEW,
            "ngrok_agent_settings has api_key, which does not belong there: leave it out, a tunnel needs none.",
        ),
        # what it was may be secret
        (
            {"proxy_url": ["http://ada:secret@proxy.example"]},
            NEW,
            "ngrok_agent_settings has proxy_url, which must be text: put it in quotes.",
        ),
        (
            {"crl_noverify": "yes"},
            NEW,
            "ngrok_agent_settings has crl_noverify, which must be true or false.",
        ),
        (
            {"dns_resolver_ips": "192.0.2.53"},
            OLD,
            'ngrok_agent_settings has dns_resolver_ips, which must be a list: write it like ["192.0.2.53"].',
        ),
        (
            {"connect_url": "tunnels.example.org:443"},
            OLD,
            f"ngrok_agent_settings has connect_url, which agent 2.3.41 does not know: {OF_2}",
        ),
        (
            {"root_cas": "/etc/ca.pem"},
            NEW,
            f"ngrok_agent_settings has root_cas, which agent 3.39.10 does not know: {OF_3}",
        ),
        (
            {"colour": "blue"},
            None,
            f"ngrok_agent_settings has colour, which no agent knows: {OF_BOTH}",
        ),
    ],
)
def test_wrong_agent_settings(settings: dict[str, Any], version: str | None, sentence: str) -> None:
    assert tunnels.agent_setting_problems({"metadata": "x", **settings}, version) == [sentence]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_what_reachable_sets_is_not_passed_on(version: str) -> None:
    ours = tunnels.common_settings(version)
    config = tunnels.agent_config([HTTP], version, ours, {})
    assert ours.keys() | config.keys() - {"agent"} <= tunnels.NOT_PASSED_ON.keys()
    assert not tunnels.NOT_PASSED_ON.keys() & tunnels.AGENT_SETTINGS[tunnels.generation(version)].keys()


# https://ngrok.com/docs/agent/config/v3/ (2026-08); local_storage and crl_url are in the changelog only
DOCUMENTED = (
    "api_key authtoken connect_cas connect_interface connect_timeout connect_url console_ui console_ui_color "
    "crl_noverify crl_url dns_resolver_ips heartbeat_interval heartbeat_tolerance inspect_db_size local_storage log "
    "log_format log_level metadata proxy_url remote_management update_channel update_check web_addr web_allow_hosts"
)


def test_every_documented_setting_has_an_answer() -> None:
    documented = set(DOCUMENTED.split())
    assert tunnels.AGENT_SETTINGS[3].keys() <= documented
    assert documented <= tunnels.AGENT_SETTINGS[3].keys() | tunnels.NOT_PASSED_ON.keys()


PHASES = "there are only on_tcp_connect, on_http_request, on_http_response."


@pytest.mark.parametrize(
    ("policy", "version", "sentences"),
    [
        ({}, NEW, []),
        ({}, OLD, []),
        (POLICY, NEW, []),
        (POLICY, None, []),
        ({"inbound": []}, None, [f"ngrok_traffic_policy has 'inbound': {PHASES}"]),
        (
            {"on_http_request": {"actions": []}, "on_tcp_connect": None},
            NEW,
            [
                f"ngrok_traffic_policy has '{phase}', which must be a list of rules: begin each rule with '- '."
                for phase in ("on_http_request", "on_tcp_connect")
            ],
        ),
        (
            {"on_http_request": ON_REQUEST},
            OLD,
            [
                (
                    "The ngrok agent is 2.3.41, which knows no traffic policies: leave out ngrok_traffic_policy, "
                    "ngrok_login_rate_limit and ngrok_allowed_networks, or install agent 3."
                )
            ],
        ),
    ],
)
def test_wrong_policies(policy: dict[str, Any], version: str | None, sentences: list[str]) -> None:
    assert tunnels.policy_problems(policy, version) == sentences


def test_what_is_no_network() -> None:
    right = ["192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "2001:db8::7", "0.0.0.0/0"]
    wrong = ["", "192.0.2.7/24", "192.0.2", "192.0.2.0/33", "ada.example", "192.0.2.0-192.0.2.9"]
    assert tunnels.no_networks(right + wrong) == wrong
