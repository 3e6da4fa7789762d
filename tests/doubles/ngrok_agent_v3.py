#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for ngrok's agent 3.39, which cannot be had for tests: put it somewhere as an executable `ngrok`.

It keeps the contract that the vendor documents for configuration files of version 3 and for the local API, as far as
Reachable uses them, and talks to no cloud. It needs PyYAML: its first line must name a Python that has it. How things
go for it stands in a JSON file, which is read again five times a second: the one named by NGROK_SITUATION or, without
that, the executable's own name with `.situation.json` behind it. Without a file it is online.

    {"state": "online", "urls": {"jupyter": "https://name.ngrok-free.test"}, "region": "eu"}
    {"state": "connecting", "error": "dial tcp: lookup connect.ngrok-agent.com: no such host"}
    {"state": "refused", "code": 107}

An address that is not named is the endpoint's own `url`, or an invented one. Refused before it was ever online, it
exits with 1; later it goes on trying and lists what it had. Both, the log's lines, and all that /api/status says but
"online", are not documented and as observed with agent 2.3.41.
"""
# ruff: noqa: T201  (a program for the command line prints)

from __future__ import annotations

import argparse
import datetime as dt
import http.server
import json
import os
import signal
import sys
import threading
import time
from typing import Any, NoReturn

import yaml

VERSION = "3.39.10"
POLL_SECONDS = 0.2


def keys(names: str, **nested: Any) -> dict[str, Any]:
    """Return the keys of a map in a configuration file, with the type and the keys of those that are maps."""
    return dict.fromkeys(names.split()) | nested


# The documented keys. The names of types are those in the agent's own messages.
UPSTREAM = "config.Upstream", keys("url protocol proxy_protocol")
SCHEMA = keys(
    "version tunnels",
    agent=(
        "config.Agent",
        keys(
            "api_key authtoken connect_cas connect_interface connect_timeout connect_url console_ui console_ui_color "
            "crl_noverify dns_resolver_ips heartbeat_interval heartbeat_tolerance inspect_db_size local_storage log "
            "log_format log_level metadata proxy_url remote_management update_channel update_check web_addr "
            "web_allow_hosts"
        ),
    ),
    endpoints=(
        "config.Endpoint",
        keys(
            "name url bindings metadata description traffic_policy pooling_enabled agent_tls_termination",
            upstream=UPSTREAM,
        ),
    ),
)
METRICS = {"count": 0, "rate1": 0, "rate5": 0, "rate15": 0, "p50": 0, "p90": 0, "p95": 0, "p99": 0}
TEXTS = {
    105: "The authtoken you specified does not look like a proper ngrok tunnel authtoken.\nYour authtoken: {authtoken}",
    107: "The authtoken you specified is properly formed, but it is invalid.\nYour authtoken: {authtoken}",
    4018: "Usage of ngrok requires a verified account and authtoken.",
}


def fail(text: str) -> NoReturn:
    """End as the agent does when it cannot even start."""
    sys.exit("\n".join(f"ERROR:  {line}" for line in text.splitlines()))


def log(level: str, message: str, **known: object) -> None:
    """Write one line of the log."""
    now = dt.datetime.now(dt.timezone.utc).isoformat().replace("+00:00", "Z")
    print(json.dumps({**known, "lvl": level, "msg": message, "t": now}, sort_keys=True), flush=True)


# Configuration


def unknown_keys(node: yaml.Node | None, kind: str, known: dict[str, Any] | None) -> list[str]:
    """Return what the agent says about the keys that it does not know."""
    if known is None or node is None:
        return []
    if isinstance(node, yaml.SequenceNode):
        return [said for item in node.value for said in unknown_keys(item, kind, known)]
    if not isinstance(node, yaml.MappingNode):
        return [f"  line {node.start_mark.line + 1}: cannot unmarshal {node.tag.split(':')[-1]} into {kind}"]
    said = []
    for key, value in node.value:
        if key.value not in known:
            said.append(f"  line {key.start_mark.line + 1}: field {key.value} not found in type {kind}")
        elif known[key.value]:
            said += unknown_keys(value, *known[key.value])
    return said


def read_file(path: str) -> dict[str, Any]:
    """Read one configuration file; exit if it is not valid."""
    wrong = f"Error reading configuration file '{path}': "
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        node, config = yaml.compose(text), yaml.safe_load(text) or {}
    except (OSError, yaml.YAMLError) as error:
        fail(f"{wrong}{error}")
    if said := unknown_keys(node, "config.v3yamlConfig", SCHEMA):
        fail("\n".join([f"{wrong}YAML parsing error: yaml: unmarshal errors:", *said]))
    if "version" not in config:
        fail(f"{wrong}`version` property is required.")
    if str(config["version"]) != "3":
        fail(f"{wrong}this stand-in reads version 3 only.")
    for endpoint in config.get("endpoints") or []:
        if not endpoint.get("name") or not (endpoint.get("upstream") or {}).get("url"):
            fail(f"{wrong}an endpoint needs a name and an upstream url.")
    return dict(config)


def merge(first: Any, second: Any) -> Any:
    """Merge maps; of anything else, lists too, the later one counts."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first | {key: merge(first.get(key), value) for key, value in second.items()}
    return second


def read_config(paths: list[str]) -> dict[str, Any]:
    """Read and merge the configuration files; the environment overrides the authtoken."""
    config: dict[str, Any] = {}
    for path in paths:
        config = merge(config, read_file(path))
    if token := os.environ.get("NGROK_AUTHTOKEN"):
        config = merge(config, {"agent": {"authtoken": token}})
    names = [endpoint["name"] for endpoint in config.get("endpoints") or []]
    if len(names) != len(set(names)):
        fail("The names of endpoints must be unique.")
    return config


# The agent


class Agent:
    """What the agent knows, and how it goes."""

    def __init__(self, config: dict[str, Any], names: list[str] | None) -> None:
        """Take the endpoints with these names, or all of them."""
        self.settings = config.get("agent") or {}
        defined = {endpoint["name"]: endpoint for endpoint in config.get("endpoints") or []}
        if unknown := [name for name in names or [] if name not in defined]:
            fail(f"Endpoint '{unknown[0]}' is not defined in the config files.")
        if names is None and not defined:
            fail("Your configuration file must define at least one endpoint when using --all.")
        self.wanted = [defined[name] for name in (defined if names is None else names)]
        self.file = os.environ.get("NGROK_SITUATION") or f"{os.path.abspath(__file__)}.situation.json"
        self.situation: dict[str, Any] = {}
        self.urls: dict[str, str] = {}

    def follow(self) -> None:
        """Read the situation, and act on it if it is another one."""
        try:
            with open(self.file, encoding="utf-8") as file:
                situation = json.load(file)
        except FileNotFoundError:
            situation = {"state": "online"}
        except ValueError:  # it is being written
            return
        if not self.settings.get("authtoken"):
            situation = {"state": "refused", "code": 4018}
        if situation != self.situation:
            self.situation = situation
            {"online": self.go_online, "connecting": self.connect, "refused": self.be_refused}[situation["state"]]()

    def go_online(self) -> None:
        """Have a session, and endpoints in it."""
        log("info", "tunnel session started", obj="tunnels.session")
        log("info", "client session established", obj="csess", id="0123456789ab")
        self.urls = {one["name"]: self.situation.get("urls", {}).get(one["name"]) or invent(one) for one in self.wanted}
        for one in self.wanted:
            address = upstream(one)["url"]
            log("info", "started tunnel", obj="tunnels", name=one["name"], addr=address, url=self.urls[one["name"]])

    def connect(self) -> None:
        """Try to reach the cloud. What was listed stays so."""
        error = self.situation.get("error", "dial tcp 127.0.0.1:9: connect: connection refused")
        log("eror", "failed to reconnect session", obj="csess", id="0123456789ab", err=error)

    def be_refused(self) -> None:
        """Be refused; for good, unless there was a session once."""
        code = self.situation["code"]
        text = TEXTS.get(code, "The cloud refuses.").format(authtoken=self.settings.get("authtoken"))
        error = f"authentication failed: {text}\r\n\r\nERR_NGROK_{code}\r\n"
        log("eror", "failed to reconnect session", obj="csess", id="0123456789ab", err=error)
        if not self.urls:
            log("eror", "session closing", obj="tunnels.session", err=error)
            log("eror", "terminating with error", obj="app", err=error)
            log("crit", "command failed", err=error)
            fail(error)

    def answer(self, path: str) -> dict[str, Any] | None:
        """Return what the local API answers to a GET; None for a path that it does not have."""
        listed = [one for one in self.wanted if one["name"] in self.urls]
        kind, _, name = path.removeprefix("/api/").partition("/")
        if path == "/api/status":
            legs = [{"region": self.situation.get("region", "us"), "latency": "20ms"}]
            online = self.situation["state"] == "online"
            session = {"legs": legs if online else []}
            state = "online" if online else "reconnecting"
            return {"status": state, "agent_version": VERSION, "session": session, "uri": "/api/status"}
        if kind not in ("endpoints", "tunnels"):
            return None
        shape = self.endpoint if kind == "endpoints" else self.tunnel
        if name:
            found = [shape(one) for one in listed if one["name"] == name]
            return found[0] | {"metrics": {"conns": METRICS | {"gauge": 0}, "http": METRICS}} if found else None
        answer: dict[str, Any] = {kind: [shape(one) for one in listed]}
        return answer if kind == "endpoints" else answer | {"uri": "/api/tunnels"}

    def endpoint(self, one: dict[str, Any]) -> dict[str, Any]:
        """Return an endpoint as /api/endpoints shows it."""
        policy = one.get("traffic_policy") or ""
        return {
            "name": one["name"],
            "uri": f"/api/endpoints/{one['name']}",
            "url": self.urls[one["name"]],
            "upstream": upstream(one),
            "inspect": self.settings.get("inspect_db_size") != -1,
            "traffic_policy": policy if isinstance(policy, str) else yaml.safe_dump(policy),
            "pooling_enabled": bool(one.get("pooling_enabled")),
        }

    def tunnel(self, one: dict[str, Any]) -> dict[str, Any]:
        """Return an endpoint as the deprecated /api/tunnels shows it."""
        url = self.urls[one["name"]]
        return {
            "name": one["name"],
            "uri": f"/api/tunnels/{one['name']}",
            "public_url": url,
            "proto": url.partition(":")[0],
            "config": {"addr": upstream(one)["url"], "inspect": self.settings.get("inspect_db_size") != -1},
            "metrics": {"conns": METRICS | {"gauge": 0}, "http": METRICS},
        }


def upstream(one: dict[str, Any]) -> dict[str, str]:
    """Return an endpoint's upstream in full."""
    url, scheme = str(one["upstream"]["url"]), "tcp" if str(one.get("url", "")).startswith("tcp:") else "http"
    url = f"localhost:{url}" if url.isdigit() else url
    url = url if "://" in url else f"{scheme}://{url}"
    return {"url": url, "protocol": one["upstream"].get("protocol") or ("http1" if url.startswith("http") else "tcp")}


def invent(one: dict[str, Any]) -> str:
    """Return an address for an endpoint: its own, if it asks for one."""
    scheme, separator, rest = str(one.get("url") or "").rpartition("://")
    scheme = scheme if separator else "https"
    given = "1.tcp.ngrok.test:12345" if scheme == "tcp" else "example-dev-domain.ngrok-free.test"
    return f"{scheme}://{rest or given}"


def serve(agent: Agent, address: str) -> None:
    """Serve the local API, beside everything else."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            answer = agent.answer(path)
            missing = {"status_code": 404, "msg": "Not Found", "details": {"path": path}}
            body = json.dumps(missing if answer is None else answer).encode()
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    host, _, port = address.rpartition(":")
    try:
        server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    except OSError as error:
        log("crit", "command failed", err=f"listen tcp {address}: {error}")
        fail(str(error))
    log("info", "starting web service", obj="web", addr=address)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="ngrok", description=f"A stand-in for ngrok's agent {VERSION}.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("version")
    check = commands.add_parser("config").add_subparsers(dest="task", required=True).add_parser("check")
    start = commands.add_parser("start")
    for command in (check, start):
        command.add_argument("--config", action="append", default=[])
    start.add_argument("--all", action="store_true")
    start.add_argument("--none", action="store_true")
    start.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.command == "version":
        print(f"ngrok version {VERSION}")
        return
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    given = [path for paths in options.config for path in paths.split(",")]
    config = read_config(given or [os.path.join(home, "ngrok", "ngrok.yml")])
    if options.command == "config":
        print(f"Valid configuration file at {', '.join(given) or os.path.join(home, 'ngrok', 'ngrok.yml')}")
        return
    agent = Agent(config, None if options.all else options.names)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    address = agent.settings.get("web_addr", "127.0.0.1:4040")
    if address is not False:
        serve(agent, address)
    while True:
        agent.follow()
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
