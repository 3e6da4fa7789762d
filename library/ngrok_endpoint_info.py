#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Find out under which addresses ngrok's agent makes this machine reachable; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ngrok_endpoint_info
short_description: Find the public addresses of ngrok's agent, and say what keeps them from being online
version_added: "1.0.0"
description:
  - Reads the log that Reachable's keeper of the ngrok agent writes on the same machine, waits until the wanted
    endpoints are online, and returns them. It starts no agent and changes nothing.
  - The agent's own API is switched off, because every user of the machine could command it. Where the log says that the
    agent serves one all the same, that is asked for its endpoints. No proxy is used for it.
  - An agent does not know of all that makes its addresses fail, so each is visited.
  - What waiting cannot heal, such as a wrong authtoken, ends it as soon as two looks in a row have found it. (The first
    may have met what an agent that has just been replaced left in the log.) A refusal that was more than ten seconds
    old at the start does not end it, because the cause may have been removed since, and the agent tries again.
  - Authtokens do not get into the result, although the cloud quotes them.
author: ["Reachable contributors (@reachable)"]
requirements: ["pyngrok >= 9.0", "jmespath"]
attributes:
  check_mode:
    support: full
    description: Nothing is changed in any mode.
  diff_mode:
    support: none
    description: There is nothing to show.
  idempotent:
    support: full
options:
  endpoints:
    description: >-
      The wanted endpoints. Without any, at least one must be online, and everything is returned that the agent lists
      with an address for http, https or TCP.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name in the agent's configuration.
        type: str
        required: true
      transport:
        description: What it carries. V(ssh) is SSH by TCP.
        type: str
        choices: [http, tcp, ssh]
        required: true
      upstream:
        description: Where it must lead, such as V(http://127.0.0.1:8888) or V(tcp://127.0.0.1:22).
        type: str
        required: true
  log_file:
    description: The log, which has entries in the format JSON. One that does not exist says that no agent runs.
    type: path
    required: true
  probe:
    description: >-
      Whether to visit the public addresses: V(http) and V(tcp) must have Jupyter's login page, V(ssh) an SSH server.
    type: bool
    default: true
  jupyter_port:
    description: The port on which Juno finds Jupyter inside of an V(ssh) endpoint.
    type: int
    default: 8888
  wait_for_online:
    description: >-
      Whether all endpoints must come online within O(timeout). If V(false), the module looks once and fails about the
      state of none; what it finds is in the result.
    type: bool
    default: true
  delay:
    description: Seconds between two looks.
    type: float
    default: 0.5
  timeout:
    description: Seconds after which the last answer counts.
    type: float
    default: 30
  query:
    description: A JMESPath expression, applied to the list RV(endpoints).
    type: str
"""

EXAMPLES = r"""
- name: Wait until Jupyter can be reached from anywhere
  ngrok_endpoint_info:
    endpoints:
      - name: jupyter
        transport: http
        upstream: http://127.0.0.1:8888
    log_file: /run/reachable-ngrok/agent.log
  register: tunnel

- name: Look at everything that the agent lists, whatever its state
  ngrok_endpoint_info:
    log_file: /run/reachable-ngrok/agent.log
    wait_for_online: false
    query: "[?state != 'online'].{name: name, problem: problem}"
  register: tunnels
"""

RETURN = r"""
endpoints:
  description: >-
    The endpoints, in the order of the option. One that the agent does not list has no address: the keys from C(url) to
    C(juno_url) are null then.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Its name.
      type: str
    transport:
      description: What it carries.
      type: str
      choices: [http, tcp, ssh]
    url:
      description: The address, as a browser or an SSH client needs it.
      type: str
      sample: https://name.ngrok-free.app
    scheme:
      description: The scheme of C(url).
      type: str
    host:
      description: The host of C(url).
      type: str
    port:
      description: The port of C(url), also where that has none.
      type: int
    safari_url:
      description: What to type in Safari; null for V(ssh).
      type: str
    juno_url:
      description: What to type in Juno.
      type: str
    upstream:
      description: Where it leads, as the agent writes it.
      type: str
    state:
      description: How it is.
      type: str
      choices: [online, connecting, refused, offline]
    code:
      description: >-
        What keeps it from being online: a code of the cloud such as V(ERR_NGROK_107), V(no_agent), V(foreign_api),
        V(wrong_upstream), V(not_listed) or V(stale).
      type: str
    problem:
      description: What is wrong, in one sentence.
      type: str
    fix:
      description: What to do about it.
      type: str
agent:
  description: >-
    What is wrong with the agent as a whole, as C(problem) and C(fix).
  type: dict
  returned: success
  sample: {problem: null, fix: null}
result:
  description: What O(query) has found.
  type: raw
  returned: success, if O(query) is given
last_answer:
  description: C(endpoints) and C(agent) as they were at the end of the time.
  type: dict
  returned: failure, if an endpoint is not online
"""

import datetime as dt
import functools
import re
import time
import traceback
from concurrent import futures
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.reachable import examination, files, ngrok, ssh_tunnel
from ansible.module_utils.reachable.endpoints import Origin, endpoint_value
from ansible.module_utils.reachable.waiting import Clock, within

if TYPE_CHECKING:
    from collections.abc import Callable

JMESPATH_ERROR: str | None = None
try:
    import jmespath  # type: ignore[import-untyped]
except ImportError:
    JMESPATH_ERROR = traceback.format_exc()

# A look is not cut shorter than this, even when the time is up: the last answer must be one.
SHORTEST_LOOK_SECONDS = 1.0
LONGEST_ANSWER_SECONDS = 4.0
LONGEST_VISIT_SECONDS = 10.0
# Agents, or those who keep them running, try again after a refusal, at last every few seconds.
FRESH_SECONDS = 10.0
SSH_PORT = 22
LONGEST_WORDS = 40
TRANSPORTS = {"http": "http", "https": "http", "tcp": "tcp"}
RESTART = "Restart the service reachable-ngrok on the host: an agent goes on listing an address that it has lost."
NOTHING_LISTED = ngrok.Trouble("connecting", "not_listed", "ngrok's agent lists no endpoint.", ngrok.AGENT, heals=True)


class Look(NamedTuple):
    """What one look has found; ``told`` is the time at which the agent's log says what is wrong with it, if it does."""

    findings: list[ngrok.Finding]
    agent: ngrok.Agent | None = None
    hindrance: ngrok.Trouble | None = None
    told: float | None = None

    def obstacles(self) -> list[ngrok.Finding | ngrok.Trouble]:
        """Return what is not as it should be."""
        if not self.findings:
            return [self.hindrance or NOTHING_LISTED]
        return [finding for finding in self.findings if finding.state != "online"]

    def is_hopeless(self, since: float) -> bool:
        """Tell whether something does not heal. A refusal that is older than ``since`` may be overtaken."""
        old = self.told is not None and self.told < since
        return any(not (obstacle.heals or (obstacle.state == "refused" and old)) for obstacle in self.obstacles())


def look(asked: dict[str, Any], seconds: float) -> Look:
    """Look at the agent and its addresses once."""
    log = read(asked["log_file"])
    try:
        agent = ngrok.look(log, min(seconds, LONGEST_ANSWER_SECONDS))
    except ngrok.AgentError as error:
        agent = error
    trouble, when = ngrok.last_trouble(log)
    known = None if isinstance(agent, ngrok.AgentError) else agent
    wanted = asked["endpoints"] or (listed(known.tunnels) if known else [])
    findings = ngrok.assess(wanted, agent, trouble)
    if asked["probe"] and findings:
        with futures.ThreadPoolExecutor(max_workers=len(findings)) as pool:
            findings = list(pool.map(lambda found: visit(found, min(seconds, LONGEST_VISIT_SECONDS)), findings))
    return Look(findings, known, ngrok.hindrance(agent, trouble), moment(when))


def read(path: str) -> str:
    """Return what a log says; nothing if there is none yet. Raises UnreadableError and OSError."""
    try:
        return str(files.read_regular(path).decode(errors="replace"))
    except FileNotFoundError:
        return ""


def moment(when: str) -> float | None:
    """Return the time that an agent's log writes, in seconds since 1970; None where it is none."""
    parts = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)", when)
    return dt.datetime.strptime("".join(parts.groups()), "%Y-%m-%dT%H:%M:%S%z").timestamp() if parts else None


def listed(tunnels: list[ngrok.Tunnel]) -> list[dict[str, Any]]:
    """Describe what an agent lists as if it were wanted."""
    names = {tunnel.name for tunnel in tunnels}
    return [
        {"name": tunnel.name, "transport": guess_transport(tunnel), "upstream": tunnel.upstream}
        for tunnel in tunnels
        # An agent 2.x opens http beside https, under the same name with an addition.
        if tunnel.name.removesuffix(ngrok.PLAIN_TWIN) not in names - {tunnel.name}
        and Origin.of(tunnel.url).scheme in TRANSPORTS
    ]


def guess_transport(tunnel: ngrok.Tunnel) -> str:
    """Guess from the addresses what an endpoint carries."""
    transport = TRANSPORTS[Origin.of(tunnel.url).scheme]
    return "ssh" if transport == "tcp" and ngrok.place(tunnel.upstream)[2] == SSH_PORT else transport


def visit(found: ngrok.Finding, seconds: float) -> ngrok.Finding:
    """Visit the address of an endpoint that is online as far as the agent knows; it may be stale."""
    if found.state != "online" or found.url is None:
        return found
    if found.transport == "ssh":
        return visit_ssh(found, seconds)
    address = str(Origin.of(found.url).carried)
    seen = examination.examine(found.name, address, examination.Options(anonymous=True, timeout=seconds))
    if seen["reachable"]:
        return found
    told = ngrok.CODE.search(seen["problem"])
    if told:
        advice = ngrok.explain(told[0])
        problem = f"The cloud answers at {address} in place of Jupyter: {advice.meaning} ({told[0]})."
        return found._replace(state="offline", code=told[0], problem=problem, fix=advice.fix, heals=advice.heals)
    problem = f"The agent lists {address}, but a visit to it fails: {seen['problem']}"
    fix = RESTART if seen["failed_leg"] in ("name", "tcp") else seen["fix"]
    return found._replace(state="offline", code="stale", problem=problem, fix=fix)


def visit_ssh(found: ngrok.Finding, seconds: float) -> ngrok.Finding:
    """Wait for the greeting of an SSH server."""
    origin = Origin.of(found.url or "")
    fix = f"Check that sshd runs at {found.upstream}; the agent passes the connection on to it."
    listen = functools.partial(ssh_tunnel.first_words_at, origin.host, origin.port or SSH_PORT, seconds)
    try:
        words = within(seconds, listen)
    except OSError as error:
        seen, fix = ngrok.clean(error.strerror or str(error)), RESTART
    else:
        if ssh_tunnel.is_greeting(words):
            return found
        seen = f"it says {words[:LONGEST_WORDS]!r}" if words else "it hangs up"
    problem = f"The agent lists {found.url}, but no SSH server greets there: {seen}."
    return found._replace(state="offline", code="stale", problem=problem, fix=fix)


def wait(look_once: Callable[[float], Look], delay: float, timeout: float, clock: Clock = time) -> Look:
    """Look until nothing is in the way, until waiting cannot help, or until the time is up; return the last look."""
    end = clock.monotonic() + timeout
    since = clock.time() - FRESH_SECONDS
    hopeless = False
    while True:
        seen = look_once(max(end - clock.monotonic(), SHORTEST_LOOK_SECONDS))
        before, hopeless = hopeless, seen.is_hopeless(since)
        left = end - clock.monotonic()
        if not seen.obstacles() or (before and hopeless) or left <= 0:
            return seen
        clock.sleep(min(delay, left))


def shape(seen: Look, jupyter_port: int) -> dict[str, Any]:
    """Make the result of a look."""
    return {
        "endpoints": [shape_endpoint(found, jupyter_port) for found in seen.findings],
        "agent": {
            "problem": seen.hindrance and seen.hindrance.problem,
            "fix": seen.hindrance and seen.hindrance.fix,
        },
    }


def shape_endpoint(found: ngrok.Finding, jupyter_port: int) -> dict[str, Any]:
    """Make an endpoint's part of the result; without an address, its parts are null."""
    origin = Origin.of(found.url or "tcp://nowhere:1")
    value = endpoint_value(origin, found.name, found.transport, jupyter_port)
    if found.url is None:
        value = dict.fromkeys(value) | {"name": found.name, "transport": found.transport}
    return {
        **value,
        "upstream": found.upstream,
        "state": found.state,
        "code": found.code,
        "problem": found.problem or None,
        "fix": found.fix or None,
    }


def wrong_option(asked: dict[str, Any]) -> str | None:
    """Say which option makes no sense; None when all do."""
    if asked["delay"] <= 0:
        return f"delay is {asked['delay']}. It must be more than 0 seconds."
    try:
        read(asked["log_file"])
    except (OSError, files.UnreadableError) as error:
        return f"log_file cannot be read: {error}. The user who runs this module must be able to."
    try:
        jmespath.compile(asked["query"] or "@")
    except jmespath.exceptions.JMESPathError as error:
        return f"query is no JMESPath expression: {ngrok.clean(str(error))}"
    return None


def main() -> None:
    """Run the module."""
    endpoint = {
        "name": {"type": "str", "required": True},
        "transport": {"type": "str", "choices": ["http", "tcp", "ssh"], "required": True},
        "upstream": {"type": "str", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "endpoints": {"type": "list", "elements": "dict", "default": [], "options": endpoint},
            "log_file": {"type": "path", "required": True},
            "probe": {"type": "bool", "default": True},
            "jupyter_port": {"type": "int", "default": 8888},
            "wait_for_online": {"type": "bool", "default": True},
            "delay": {"type": "float", "default": 0.5},
            "timeout": {"type": "float", "default": 30},
            "query": {"type": "str"},
        },
        supports_check_mode=True,
    )
    asked = module.params
    missing = ("jmespath", JMESPATH_ERROR) if JMESPATH_ERROR else ngrok.missing()
    if missing:
        module.fail_json(msg=missing_required_lib(missing[0]), exception=missing[1])
    wrong = wrong_option(asked)
    if wrong:
        module.fail_json(msg=wrong)

    look_once = functools.partial(look, asked)
    if asked["wait_for_online"]:
        seen = wait(look_once, asked["delay"], asked["timeout"])
    else:
        seen = look_once(LONGEST_VISIT_SECONDS)
    result = shape(seen, asked["jupyter_port"])

    if asked["wait_for_online"] and seen.obstacles():
        advice = dict.fromkeys(f"{obstacle.problem} {obstacle.fix}" for obstacle in seen.obstacles())
        module.fail_json(msg=" ".join(advice), last_answer=result)

    if asked["query"]:
        try:
            result["result"] = jmespath.search(asked["query"], result["endpoints"])
        except jmespath.exceptions.JMESPathError as error:
            module.fail_json(msg=f"query cannot be applied to the endpoints: {ngrok.clean(str(error))}", **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
