# SPDX-License-Identifier: Apache-2.0
"""What people ask of a tunnel, and the configuration of the ngrok agent that it becomes."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .declaration import Declaration

Wanted = dict[str, Any]
Settings = dict[str, Any]

TRANSPORTS = ("http", "tcp", "ssh")
# What an entry of ngrok_endpoints may say, and for which transports.
ENTRY_KEYS = {"name": TRANSPORTS, "transport": TRANSPORTS, "domain": ("http",), "remote_addr": ("tcp", "ssh")}
# Where a single entry comes from that is not in ngrok_endpoints.
ENTRY_VARIABLES = {"transport": "ngrok_transport", "domain": "ngrok_domain", "remote_addr": "ngrok_remote_addr"}
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
# What the addresses are called that are no tunnel's.
OTHER_NAMES = ("public", "loopback", "mdns", "name", "ssh", "ipv4", "ipv6")
DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.IGNORECASE)
REMOTE_ADDR = re.compile(r"([a-z0-9-]+\.)+[a-z]+:([0-9]{1,5})", re.IGNORECASE)
# Account and credential identifiers, API keys and the words of manuals are no authtokens.
AUTHTOKEN = re.compile(r"[A-Za-z0-9_-]{16,}")
NO_AUTHTOKEN = re.compile(r"(?i)(cr|ak|ac|usr|ep|ngrok_api)_|.*(your|auth|ngrok)[_-]?token|(.)\3+\Z")
AUTHTOKEN_PAGE = "https://dashboard.ngrok.com/get-started/your-authtoken"

# The agent's own settings that may be passed on, with their types, by the generation of the agent. For 3 they stand
# below `agent` (https://ngrok.com/docs/agent/config/v3/), for 2 at the top level.
AGENT_SETTINGS: dict[int, dict[str, type]] = {
    3: {
        "connect_cas": str,
        "connect_interface": str,
        "connect_timeout": str,
        "connect_url": str,
        "crl_noverify": bool,
        "crl_url": str,
        "dns_resolver_ips": list,
        "heartbeat_interval": str,
        "heartbeat_tolerance": str,
        "metadata": str,
        "proxy_url": str,
        "web_allow_hosts": list,
    },
    2: {
        "compress_conn": bool,
        "connect_timeout": str,
        "dns_resolver_ips": list,
        "heartbeat_interval": str,
        "heartbeat_tolerance": str,
        "http_proxy": str,
        "metadata": str,
        "region": str,
        "root_cas": str,
        "server_addr": str,
        "socks5_proxy": str,
    },
}
NOT_PASSED_ON = {
    "api_key": "leave it out, a tunnel needs none",
    "authtoken": "use ngrok_authtoken",
    "console_ui": "leave it out, there is no screen",
    "console_ui_color": "leave it out, there is no screen",
    "endpoints": "use ngrok_endpoints",
    "inspect_db_size": "leave it out, any user of the machine could read the login password in captured requests",
    "local_storage": "leave it out, no request is captured",
    "log": "leave it out, Reachable reads the agent's log",
    "log_format": "leave it out, Reachable reads the agent's log",
    "log_level": "leave it out, Reachable reads the agent's log",
    "remote_management": "leave it out, nobody else should restart or update the agent",
    "tunnels": "use ngrok_endpoints",
    "update": "leave it out, up installs the agent",
    "update_channel": "leave it out, up installs the agent",
    "update_check": "leave it out, up installs the agent",
    "version": "leave it out, it follows the agent that is installed",
    "web_addr": "leave it out, any user of the machine could command the agent by its API",
}
TYPE_WORDS = {str: "text: put it in quotes", bool: "true or false", list: 'a list: write it like ["192.0.2.53"]'}
POLICY_PHASES = ("on_tcp_connect", "on_http_request", "on_http_response")
# Where an agent finds the cloud by itself.
CLOUDS = {3: "connect.ngrok-agent.com", 2: "tunnel.us.ngrok.com"}
CLOUD_PORT = 443
CLOUD_SETTINGS = {3: "connect_url", 2: "server_addr"}


def generation(version: str | None) -> int:
    """Return the generation of an agent; one that is still to come is of the newest."""
    return 2 if str(version or "").startswith("2.") else 3


def tunnel_endpoints(entries: Iterable[Mapping[str, Any]], jupyter_port: int, ssh_port: int) -> list[Wanted]:
    """Complete the wanted endpoints: each with its name and where on the host it leads."""
    upstreams = {
        "http": f"http://127.0.0.1:{jupyter_port}",
        "tcp": f"tcp://127.0.0.1:{jupyter_port}",
        "ssh": f"tcp://127.0.0.1:{ssh_port}",
    }
    return [
        {
            "name": entry_name(entry),
            "transport": entry["transport"],
            "upstream": upstreams[entry["transport"]],
            "domain": entry.get("domain"),
            "remote_addr": entry.get("remote_addr"),
        }
        for entry in entries
    ]


def to_watch(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Return of the wanted endpoints what is compared with those that there are."""
    return [{key: each[key] for key in ("name", "transport", "upstream")} for each in wanted]


def keeper_options(wanted: Iterable[Wanted]) -> list[str]:
    """Tell the agent's keeper, on its command line, which endpoints are declared."""
    return [word for each in to_watch(wanted) for word in ("--endpoint", *each.values())]


def entry_name(entry: Mapping[str, Any]) -> str:
    """Return how an endpoint is called."""
    return str(entry.get("name") or f"ngrok-{entry['transport']}")


def agent_config(wanted: Iterable[Wanted], version: str | None, settings: Settings, policy: Settings) -> Settings:
    """Make the agent's configuration, without the authtoken, in the format of its version.

    ``settings`` are those of the agent as a whole. Formats: https://ngrok.com/docs/agent/config/v3/; for 2.x the
    documentation of that time, and what agent 2.3.41 accepts.
    """
    if generation(version) == 2:  # noqa: PLR2004 - the agent's generation
        return {**settings, "tunnels": {each["name"]: tunnel_of_2(each) for each in wanted}}
    return {"version": 3, "agent": settings, "endpoints": [endpoint_of_3(each, policy) for each in wanted]}


def endpoint_of_3(wanted: Wanted, policy: Settings) -> Settings:
    """Write one endpoint for agent 3. Without a URL an http endpoint gets the account's own domain."""
    if wanted["transport"] == "http":
        url = f"https://{wanted['domain']}" if wanted["domain"] else None
    else:
        url = f"tcp://{wanted['remote_addr'] or ''}"
    phases = POLICY_PHASES if wanted["transport"] == "http" else POLICY_PHASES[:1]
    rules = {phase: apart(policy[phase]) for phase in phases if policy.get(phase)}
    return {
        "name": wanted["name"],
        **({"url": url} if url else {}),
        "upstream": {"url": wanted["upstream"]},
        **({"traffic_policy": rules} if rules else {}),
    }


def apart(value: Any) -> Any:
    """Copy a value with all that is in it: what stands in two places, YAML would write once, with references to it."""
    if isinstance(value, dict):
        return {key: apart(part) for key, part in value.items()}
    return [apart(part) for part in value] if isinstance(value, list) else value


def tunnel_of_2(wanted: Wanted) -> Settings:
    """Write one tunnel for agent 2. Only the address with TLS is opened, and no request is kept."""
    addr = wanted["upstream"].partition("://")[2]
    if wanted["transport"] == "http":
        hostname = {"hostname": wanted["domain"]} if wanted["domain"] else {}
        return {"proto": "http", "addr": addr, "bind_tls": True, "inspect": False, **hostname}
    remote_addr = {"remote_addr": wanted["remote_addr"]} if wanted["remote_addr"] else {}
    return {"proto": "tcp", "addr": addr, "inspect": False, **remote_addr}


def common_settings(version: str | None) -> Settings:
    """Return the settings of the agent that are ours: its log, no local API, and nothing that nobody asked for.

    The API would take commands from every user of the machine. Agent 2.3.41 knows remote_management and update_check
    too; with ``update: false`` it would still ask for updates.
    """
    common: Settings = {
        "web_addr": False,
        "inspect_db_size": -1,
        "log": "stdout",
        "log_format": "json",
        "remote_management": False,
        "update_check": False,
    }
    if generation(version) == 2:  # noqa: PLR2004 - the agent's generation
        common["console_ui"] = False
    return common


def ready_policy(login_rate_limit: int, allowed_networks: list[str]) -> Settings:
    """Make the rules that are offered as variables: a limit for logins, and a list of addresses that may visit.

    Source: https://ngrok.com/docs/traffic-policy/actions/, rate-limit and restrict-ips.
    """
    allowed = [str(ipaddress.ip_network(network)) for network in allowed_networks]  # it takes no bare addresses
    networks = {"type": "restrict-ips", "config": {"enforce": True, "allow": allowed}}
    limit = {
        "type": "rate-limit",
        "config": {
            "name": "Logins",
            "algorithm": "sliding_window",
            "capacity": login_rate_limit,
            "rate": "60s",
            "bucket_key": ["conn.client_ip"],
        },
    }
    is_login = "req.method == 'POST' && req.url.path.endsWith('/login')"
    return {
        "on_tcp_connect": [{"actions": [networks]}] if allowed else [],
        "on_http_request": [{"expressions": [is_login], "actions": [limit]}] if login_rate_limit else [],
    }


def joined_policy(own: Settings, ready: Settings) -> Settings:
    """Put the ready rules before the user's own, phase by phase."""
    return {phase: rules for phase in POLICY_PHASES if (rules := [*ready.get(phase, []), *own.get(phase, [])])}


def whole_policy(wanted: Declaration) -> Settings:
    """Return the traffic policy that a declaration asks for."""
    ready = ready_policy(wanted.ngrok_login_rate_limit, wanted.ngrok_allowed_networks)
    return joined_policy(wanted.ngrok_traffic_policy, ready)


def cloud_address(settings: Settings, version: str | None) -> str:
    """Return host and port where the agent looks for the cloud."""
    number = generation(version)
    address = str(settings.get(CLOUD_SETTINGS[number], CLOUDS[number]))
    return address if re.search(r":[0-9]+\Z", address) else f"{address}:{CLOUD_PORT}"


def authtoken_problem(token: str) -> str | None:
    """Say why a text cannot be an authtoken, without repeating it; None if it can."""
    advice = f"copy it from {AUTHTOKEN_PAGE}."
    if not token.strip():
        return f"ngrok_authtoken is empty: leave it out, or {advice}"
    if not AUTHTOKEN.fullmatch(token):
        return (
            "ngrok_authtoken cannot be an authtoken, which has at least 16 letters, digits and underscores and nothing "
            f"else: {advice}"
        )
    if NO_AUTHTOKEN.match(token):
        return f"ngrok_authtoken is not an authtoken but another identifier of ngrok's, or a placeholder: {advice}"
    return None


def endpoint_entry_problems(entries: Iterable[Any], variable: Mapping[str, str]) -> list[str]:
    """Return a sentence for each thing that is wrong with the wanted endpoints.

    ``variable`` says which variable an entry's key comes from where it is not ngrok_endpoints itself.
    """
    problems: list[str] = []
    names: list[str] = []
    for entry in entries:
        where = variable.get("transport", "ngrok_endpoints")
        if not isinstance(entry, dict) or entry.get("transport") not in TRANSPORTS:
            problems.append(f"{where} has '{entry}': write each entry like {{transport: http}}, with http, tcp or ssh.")
            continue
        names.append(entry_name(entry))
        problems += [
            sentence
            for key, value in entry.items()
            if value is not None
            and (sentence := entry_problem(key, value, entry["transport"], variable.get(key, f"{where}: {key}")))
        ]
    twice = sorted({name for name in names if names.count(name) > 1})
    return problems + [
        f"ngrok_endpoints has two entries called '{name}': give each a name of its own." for name in twice
    ]


def entry_problem(key: str, value: Any, transport: str, variable: str) -> str | None:
    """Say what is wrong with one key of a wanted endpoint; None if nothing is."""
    if key not in ENTRY_KEYS:
        return f"ngrok_endpoints has an entry with '{key}': there are only {', '.join(ENTRY_KEYS)}."
    if transport not in ENTRY_KEYS[key]:
        fitting = " and ".join(ENTRY_KEYS[key])
        return f"{variable} is for {fitting} only, and the transport is {transport}: leave it out."
    if key == "name" and (value in OTHER_NAMES or not NAME.fullmatch(str(value))):
        rules = f"a letter first, 31 at most, and none of the names {', '.join(OTHER_NAMES)}"
        return f"{variable} is '{value}': use small letters, digits and '-', {rules}."
    if key == "domain" and not DOMAIN.fullmatch(str(value)):
        return f"{variable} is '{value}': give the name alone, like notebooks.ngrok.app."
    if key == "remote_addr":
        found = REMOTE_ADDR.fullmatch(str(value))
        if not found or int(found[2]) not in range(1, 65536):
            return f"{variable} is '{value}': write the reserved address with its port, like 1.tcp.ngrok.io:12345."
    return None


def agent_setting_problems(settings: Settings, version: str | None) -> list[str]:
    """Return a sentence for each setting that the agent does not know, or that is not passed on.

    Before there is an agent (``version`` is None), settings of any generation may pass.
    """
    known: dict[str, type] = {}
    for number, types in AGENT_SETTINGS.items():
        if version is None or number == generation(version):
            known |= types
    sentences = []
    for name, value in settings.items():
        if name in NOT_PASSED_ON:
            sentences.append(f"ngrok_agent_settings has {name}, which does not belong there: {NOT_PASSED_ON[name]}.")
        elif name not in known:
            agent = f"agent {version} does not know" if version else "no agent knows"
            remedy = f"correct or remove it; there are {', '.join(sorted(known))}"
            sentences.append(f"ngrok_agent_settings has {name}, which {agent}: {remedy}.")
        elif not isinstance(value, known[name]):
            sentences.append(f"ngrok_agent_settings has {name}, which must be {TYPE_WORDS[known[name]]}.")
    return sentences


def policy_problems(policy: Settings, version: str | None) -> list[str]:
    """Return a sentence for each thing that is wrong with a traffic policy, but for what the agent itself checks."""
    sentences = [
        f"ngrok_traffic_policy has '{phase}': there are only {', '.join(POLICY_PHASES)}."
        for phase in policy
        if phase not in POLICY_PHASES
    ] + [
        f"ngrok_traffic_policy has '{phase}', which must be a list of rules: begin each rule with '- '."
        for phase, rules in policy.items()
        if phase in POLICY_PHASES and not isinstance(rules, list)
    ]
    if policy and generation(version) == 2:  # noqa: PLR2004 - the agent's generation
        sentences.append(
            f"The ngrok agent is {version}, which knows no traffic policies: leave out ngrok_traffic_policy, "
            "ngrok_login_rate_limit and ngrok_allowed_networks, or install agent 3."
        )
    return sentences


def no_networks(entries: Iterable[str]) -> list[str]:
    """Return the entries that are no network or address."""

    def is_network(text: str) -> bool:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            return False
        return True

    return [entry for entry in entries if not is_network(entry)]
