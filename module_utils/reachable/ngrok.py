# SPDX-License-Identifier: Apache-2.0
"""Find the state of the endpoints of ngrok's agent on this machine, and explain in plain words what keeps one offline.

The state comes from the agent's log. The agent's API is switched off, because it takes commands from every user of the
machine. Where the log says that an agent serves its API all the same, the API is asked, because the log may lack what
others have opened through it. Only ``ask`` loads pyngrok and jmespath: they take 15 MB, and the program that keeps the
agent's log does not need them.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import traceback
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

# The modules that ``ask`` loads, by the name of their package.
LIBRARIES = {"jmespath": "jmespath", "pyngrok": "pyngrok.ngrok"}
# Agents since 3.30 list ``endpoints``, older ones ``tunnels``, with other names for the same fields.
LISTING = (
    "(endpoints || tunnels)[]"
    ".{name: name, public_url: url || public_url, proto: proto, upstream: {url: upstream.url || config.addr}}"
)
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
LONGEST_DETAIL_CHARACTERS = 300
HIDDEN = "********"
# ANNOUNCED is a token after a word that announces it, up to the end of the line, also in a line that is a JSON string;
# addresses of ngrok's own pages about tokens do not count. TOKEN is the form of a token, wherever it stands.
ANNOUNCED = re.compile(
    r"""(authtoken["']?\s*[:=](?!\s*["']?https?:)\s*["']?)(?:(?!\s*ERR_NGROK_)(?:\\[^n\r\n]|[^\\"'\r\n]))+""",
    re.IGNORECASE,
)
TOKEN = re.compile(r"\b[0-9][0-9A-Za-z]{24,30}_[0-9A-Za-z]{18,30}\b")
CODE = re.compile(r"ERR_NGROK_(\d+)")

# Messages of the agent's log, verified with 2.3.41. "tunnel session started" is no success: it also precedes refusals.
SERVES, ESTABLISHED, ENDED = "starting web service", "client session established", "crit"
OPENED, CLOSING = "started tunnel", "session closing"
# Messages that the agent's keeper adds to the log.
STARTED, GONE = "starting the agent", "the agent has ended"
# An agent 2.x may open an http address beside the https one, under the same name with this suffix.
PLAIN_TWIN = " (http)"
# The name of the API in messages to people.
API = "the agent's API"
# The parts of the agent whose errors concern the connection to the cloud. Others are the updater's and the API's.
SPEAKERS = ("app", "csess", "tunnels", "tunnels.session", "")


class Advice(NamedTuple):
    """What an ERR_NGROK code means, in one clause, what to do, and whether waiting can heal it."""

    meaning: str
    fix: str
    heals: bool = False


AUTHTOKEN = (
    "Copy the authtoken from https://dashboard.ngrok.com/get-started/your-authtoken into ngrok_authtoken or"
    " NGROK_AUTHTOKEN, and run './reachable up'."
)
ACCOUNT = "Put the account in order at https://dashboard.ngrok.com, and run './reachable up'."
FEWER = (
    "Ask for fewer endpoints in ngrok_transport and ngrok_endpoints, or take a larger plan at"
    " https://dashboard.ngrok.com/billing."
)
UPGRADE = "Install a newer agent: ngrok_install_method and its variables say from where, './reachable up' does it."
JUPYTER = "Start Jupyter with './reachable up'; './reachable doctor' shows whether it answers on its own machine."
AGENT = "Start the agent again with './reachable up'; the log of the service reachable-ngrok tells what it says."
NETWORK = "Check the host's internet connection, and let its firewall pass connections to ngrok's cloud on port 443."
INSPECTED = (
    "Something on the way opens TLS connections: name its certificate authority in ngrok_agent_settings, as"
    " connect_cas (root_cas for an agent 2.x)."
)

# Source: https://ngrok.com/docs/errors, in our words. Which errors heal by waiting is our judgement: faults of the
# cloud itself, and the remains of a session that has just ended.
ERRORS = {
    102: Advice("the last payment for the account failed", ACCOUNT),
    103: Advice("the account is suspended", "Write to support@ngrok.com, or use the authtoken of another account."),
    105: Advice("the authtoken does not look like one", AUTHTOKEN),
    106: Advice("the authtoken is one of ngrok 1, which is not accepted any more", AUTHTOKEN),
    107: Advice("the authtoken has the right form but is not valid: it was reset or revoked", AUTHTOKEN),
    108: Advice(
        "the account runs as many agents as it may",
        "Stop another agent, which https://dashboard.ngrok.com/agents lists, or take a larger plan.",
        heals=True,
    ),
    120: Advice("the agent is too old for a use without an account", UPGRADE),
    121: Advice("the agent is too old for the account", UPGRADE),
    123: Advice(
        "the e-mail address of the account is not verified",
        "Verify it at https://dashboard.ngrok.com/user/settings, and run './reachable up'.",
    ),
    128: Advice("the cloud has a fault of its own at the moment", "Wait, and run './reachable up' again.", heals=True),
    300: Advice("the authtoken has been revoked", AUTHTOKEN),
    307: Advice(
        "the TCP address is not reserved for the account",
        "Reserve the address in ngrok_remote_addr at https://dashboard.ngrok.com/tcp-addresses, or leave"
        " ngrok_remote_addr empty to get one that changes.",
    ),
    313: Advice(
        "a subdomain of one's own needs a paid plan",
        "Leave ngrok_domain empty to get the account's own domain, or take a paid plan.",
    ),
    314: Advice(
        "a domain of one's own needs a paid plan",
        "Leave ngrok_domain empty to get the account's own domain, or take a paid plan.",
    ),
    319: Advice(
        "the domain is not reserved for the account",
        "Correct ngrok_domain, or reserve the domain at https://dashboard.ngrok.com/domains.",
    ),
    320: Advice(
        "the domain belongs to another account",
        "Correct ngrok_domain, or use the authtoken of the account to which the domain belongs.",
    ),
    324: Advice("the agent has as many endpoints as the account allows", FEWER),
    334: Advice(
        "the address is already online elsewhere",
        "Stop the other agent that has it, which https://dashboard.ngrok.com/endpoints lists, or set another"
        " ngrok_domain or ngrok_remote_addr.",
        heals=True,
    ),
    337: Advice("the last payment for the account failed", ACCOUNT),
    350: Advice("the agent has as many endpoints as the account allows", FEWER),
    727: Advice(
        "the account has used up its HTTP requests for this month",
        "Take a larger plan at https://dashboard.ngrok.com/billing, or use ngrok_transport: tcp or ssh until then.",
    ),
    802: Advice("the cloud has a fault of its own at the moment", "Wait, and run './reachable up' again.", heals=True),
    3004: Advice(
        "Jupyter's answer is invalid or incomplete",
        "Start both anew with './reachable up': the agent must speak https with Jupyter where Jupyter does, else http.",
        heals=True,
    ),
    3200: Advice("no agent serves this address", AGENT, heals=True),
    3208: Advice("the account has been banned", "Write to support@ngrok.com, or use the authtoken of another account."),
    4018: Advice("the agent has no authtoken", AUTHTOKEN),
    6022: Advice("pages are shown for agents with an authtoken only", AUTHTOKEN),
    6024: Advice(
        "a page of warning stands before it, as free plans show it to browsers",
        "Open the address in a browser and confirm once; programs pass with a User-Agent of their own.",
    ),
    6030: Advice(
        "other agents have the same address, and not all of them with pooling",
        "Stop the other agents, which https://dashboard.ngrok.com/endpoints lists, or set another ngrok_domain.",
    ),
    8012: Advice("Jupyter does not take the agent's connection", JUPYTER, heals=True),
    8013: Advice(
        "a TCP address needs a payment card on file, also in the free plan",
        "Add a card at https://dashboard.ngrok.com/settings#id-verification (it is not charged), or use"
        " ngrok_transport: http.",
    ),
    9009: Advice(
        "the use of a proxy needs another plan",
        "Take proxy_url out of ngrok_agent_settings, and http_proxy and https_proxy out of the agent's environment.",
    ),
    9040: Advice(
        "the cloud does not accept the host's IP address",
        "Reach the internet by another address, or write to support@ngrok.com.",
    ),
}


class AgentError(Exception):
    """No agent can be found. ``code`` is ``no_agent`` or ``foreign_api``, the text is the technical detail."""

    def __init__(self, code: str, detail: object) -> None:
        """Keep the code, and the detail without secrets and control characters."""
        super().__init__(clean(str(detail)))
        self.code = code


class Tunnel(NamedTuple):
    """An endpoint as the agent lists it."""

    name: str
    url: str
    upstream: str
    proto: str


class Agent(NamedTuple):
    """The agent's open endpoints. ``session`` is the status in /api/status, which an agent 3 with an API has."""

    tunnels: list[Tunnel]
    session: str | None = None


class Opening(NamedTuple):
    """Something that an agent has opened, according to its log. ``time`` is in the log's own format."""

    name: str
    url: str
    upstream: str
    time: str
    is_open: bool

    @property
    def tunnel(self) -> Tunnel:
        """The opening as the API would list it."""
        return Tunnel(self.name, self.url, self.upstream, self.url.partition(":")[0])


class Story(NamedTuple):
    """The agent's openings according to its log.

    ``pid`` is the process of the agent's keeper, None if none runs. ``is_astray`` tells that the agent has reconnected
    to the cloud: 2.3.41 does not log the addresses then, and they may be others.
    """

    pid: int | None = None
    api: Opening | None = None
    openings: list[Opening] = []  # noqa: RUF012 - nothing is ever added to it
    is_astray: bool = False


class Trouble(NamedTuple):
    """A reason why the agent's endpoints are not online. ``state`` is one of the states of a Finding."""

    state: str
    code: str | None
    problem: str
    fix: str
    heals: bool


class Finding(NamedTuple):
    """The state of a wanted endpoint, ``online``, ``connecting``, ``refused`` or ``offline``, and how to fix it.

    ``code`` is one of the cloud's (``ERR_NGROK_107``) or ``no_agent``, ``foreign_api``, ``wrong_upstream``,
    ``not_listed`` or ``stale``.
    """

    name: str
    transport: str
    url: str | None
    upstream: str
    state: str
    code: str | None
    problem: str
    fix: str
    heals: bool


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Remove the given secrets, also in the forms that JSON gives them, and everything that looks like an authtoken."""
    for secret in filter(None, secrets):
        written = json.dumps(secret, ensure_ascii=False)[1:-1]
        for form in (as_go(written), json.dumps(secret)[1:-1], written, secret):
            text = text.replace(form, HIDDEN)
    return TOKEN.sub(HIDDEN, ANNOUNCED.sub(rf"\1{HIDDEN}", text))


def as_go(written: str) -> str:
    """Escape the signs of HTML's markup in JSON, as the agent does."""
    return re.sub("[<>&]", lambda sign: f"\\u{ord(sign[0]):04x}", written)


def clean(text: str) -> str:
    """Return a foreign text on one line, shortened and without secrets."""
    words = " ".join(redact(text).split())
    return "".join(sign for sign in words if sign.isprintable())[:LONGEST_DETAIL_CHARACTERS]


def missing() -> tuple[str, str] | None:
    """Return the first library that ``ask`` lacks here, with the error of its import; None if none is missing."""
    name = ""
    try:
        for name, module in LIBRARIES.items():  # noqa: B007 - the last name is the one that is missing
            importlib.import_module(module)
    except ImportError:
        return name, traceback.format_exc()
    return None


def spare_loopback_the_proxy() -> None:
    """Make this process reach its own machine directly, whatever proxy is in the environment."""
    spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if spared != "*":
        hosts = [host.strip() for host in spared.split(",") if host.strip()]
        os.environ["no_proxy"] = ",".join(dict.fromkeys([*hosts, *LOOPBACK]))


def look(log: str, timeout: float = 4.0) -> Agent:
    """Return the agent's open endpoints according to its log; raise AgentError if there is no agent."""
    story = read_story(log)
    if story.api:
        return ask(story.api.url, timeout)
    if story.pid is None or not is_alive(story.pid):
        raise AgentError("no_agent", "it does not run")
    return Agent([opening.tunnel for opening in story.openings if opening.is_open])


def is_alive(pid: int) -> bool:
    """Tell whether there is a process with this number, of whichever user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def ask(api_url: str, timeout: float = 4.0) -> Agent:
    """Ask the agent's API for its endpoints; raise AgentError if there is no API or another program answers.

    Each request leaves two lines in the agent's log, so no needless one is sent: an agent without /api/status (before
    3.9) has no /api/endpoints (since 3.30) either.
    """
    jmespath, pyngrok = (importlib.import_module(module) for module in LIBRARIES.values())
    spare_loopback_the_proxy()
    status = request(pyngrok, api_url, "/api/status", timeout)
    listing = None if status is None else request(pyngrok, api_url, "/api/endpoints", timeout)
    if listing is None:
        listing = request(pyngrok, api_url, "/api/tunnels", timeout)
    if listing is None or not {"endpoints", "tunnels"} & set(listing):
        raise AgentError("foreign_api", f"{api_url} has no list of endpoints")
    settings = pyngrok.PyngrokConfig()
    items = [pyngrok.NgrokTunnel(item, settings, api_url) for item in jmespath.search(LISTING, listing) or []]
    tunnels = [
        Tunnel(item.name, item.public_url, item.upstream["url"] or "", item.proto or "")
        for item in items
        if item.name and item.public_url
    ]
    return Agent(tunnels, jmespath.search("status", status))


def request(pyngrok: Any, api_url: str, path: str, timeout: float) -> dict[str, Any] | None:
    """Return the API's answer; None if it does not know the path."""
    from http.client import HTTPException  # noqa: PLC0415 - pyngrok has loaded it, others need not

    try:
        answer = pyngrok.api_request(api_url.rstrip("/") + path, timeout=timeout)
    except pyngrok.PyngrokNgrokHTTPError as error:
        if error.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise AgentError("foreign_api", f"{api_url} answers with HTTP {error.status_code}") from error
    except pyngrok.PyngrokNgrokURLError as error:
        raise AgentError("no_agent", f"{api_url}: {getattr(error.reason, 'strerror', None) or error.reason}") from error
    except OSError as error:
        raise AgentError("no_agent", f"{api_url}: {error.strerror or error}") from error
    except (ValueError, HTTPException, pyngrok.PyngrokError) as error:
        raise AgentError("foreign_api", f"{api_url} answers with something else than JSON: {error}") from error
    if not isinstance(answer, dict):
        raise AgentError("foreign_api", f"{api_url} has no list of endpoints")
    return answer


def read_log(text: str) -> Trouble | None:
    """Return the last trouble between agent and cloud in the agent's log (``log_format: json``).

    It is None after a session was established without an error since, and while the agent has only just started.
    """
    return last_trouble(text)[0]


def last_trouble(text: str) -> tuple[Trouble | None, str]:
    """Return the same as ``read_log``, and when it was logged, in the log's own format (empty if that is not known).

    Lines that are no JSON are the last words of an agent that ends at once; they count if the log has nothing better.
    """
    trouble, when = None, ""
    last_words: list[str] = []
    for line in text.splitlines():
        entry = read_entry(line)
        if not entry:
            last_words += [line] if line.startswith("ERROR") else []
        elif entry.get("msg") in (STARTED, SERVES, ESTABLISHED):
            trouble, when = None, ""
            last_words = []
        elif is_complaint(entry):
            trouble, when = diagnose(str(entry["err"]), ended=entry["lvl"] == ENDED), str(entry.get("t", ""))
    if last_words and trouble is None:
        trouble = diagnose("\n".join(line.removeprefix("ERROR:") for line in last_words), ended=True)
    return trouble, when


def is_complaint(entry: dict[str, Any]) -> bool:
    """Tell whether an entry of the log is an error between agent and cloud."""
    return entry.get("lvl") in ("eror", ENDED) and bool(entry.get("err")) and entry.get("obj", "") in SPEAKERS


def read_story(text: str) -> Story:
    """Return the agent's openings according to its log."""
    story = Story()
    connected = hurt = False
    for line in text.splitlines():
        entry = read_entry(line)
        message = entry.get("msg")
        if message in (STARTED, GONE):
            story = Story(pid=entry.get("pid"), openings=closed(story.openings))
            connected = hurt = False
        elif message == SERVES:
            api = Opening(API, f"http://{entry.get('addr')}", "", str(entry.get("t", "")), is_open=True)
            story = story._replace(api=api)
        elif message == OPENED:
            name, url, upstream, moment = (str(entry.get(key, "")) for key in ("name", "url", "addr", "t"))
            opening = Opening(name, url, upstream, moment, is_open=True)
            story = story._replace(openings=[*closed(story.openings, name), opening], is_astray=False)
        elif message == ESTABLISHED:
            if connected and hurt:
                story = story._replace(openings=closed(story.openings), is_astray=True)
            connected, hurt = True, False
        elif message == CLOSING:
            story = story._replace(openings=closed(story.openings))
            connected = hurt = False
        else:
            hurt |= is_complaint(entry)
    return story


def read_entry(line: str) -> dict[str, Any]:
    """Read a line of the agent's log; return an empty dict for plain text."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def closed(openings: list[Opening], name: str | None = None) -> list[Opening]:
    """Return the openings, all of them closed, or only the one with this name."""
    return [each._replace(is_open=False) if name in (None, each.name) else each for each in openings]


def undeclared(story: Story, listed: list[Tunnel], wanted: list[dict[str, Any]]) -> list[Opening]:
    """Return the openings that nobody declared, including closed ones, and the agent's API if it serves one.

    ``listed`` are the endpoints that this API lists, because an agent may not log what was opened through it. A tunnel
    with a wanted name that leads elsewhere was not declared either.
    """
    declared = {each["name"]: each for each in wanted}
    logged = {opening.tunnel for opening in story.openings}
    others = [Opening(each.name, each.url, each.upstream, "", is_open=True) for each in listed if each not in logged]
    found = [each for each in story.openings + others if not is_declared(each.tunnel, declared)]
    return [*found, story.api] if story.api else found


def describe(opening: Opening) -> str:
    """Describe an opening that nobody declared, and what to do about it."""
    if opening.name == API:
        said = f"ngrok's agent serves its API at {opening.url}, where every user of the machine can command it"
    else:
        said = f"ngrok's agent has opened {opening.name} from {opening.url} to {opening.upstream}"
    return f"{clean(said)}. Nobody declared that: find out who could, and run './reachable up'."


def is_declared(tunnel: Tunnel, declared: dict[str, dict[str, Any]]) -> bool:
    """Tell whether a tunnel is one of the wanted ones, which are given by name."""
    wanted = declared.get(tunnel.name.removesuffix(PLAIN_TWIN))
    return wanted is not None and leads_to(tunnel, wanted["transport"], wanted["upstream"])


def diagnose(words: str, ended: bool) -> Trouble:
    """Explain an error in the agent's own words."""
    code = CODE.search(words)
    if code:
        advice = explain(code[0], CODE.sub("", words))
        problem = f"ngrok's cloud refuses the agent: {advice.meaning} ({code[0]})."
        return Trouble("refused", code[0], problem, advice.fix, advice.heals)
    if ended:
        return Trouble("connecting", None, f"ngrok's agent ended with: {clean(words)}.", AGENT, heals=True)
    fix = INSPECTED if "x509" in words else NETWORK
    return Trouble("connecting", None, f"ngrok's agent does not reach its cloud: {clean(words)}.", fix, heals=True)


def explain(code: str, words: str = "") -> Advice:
    """Return the advice for a code; for an unknown one, the agent's own words and where to look it up.

    An unknown error counts as one that may heal, because waiting in vain costs less than giving up too early.
    """
    known = ERRORS.get(int(code.rpartition("_")[2]))
    meaning = clean(words).rstrip(".") or "it gives no reason"
    return known or Advice(meaning, f"Look it up at https://ngrok.com/docs/errors/{code.lower()}.", heals=True)


def hindrance(agent: Agent | AgentError, trouble: Trouble | None) -> Trouble | None:
    """Return the trouble that keeps all endpoints of an agent offline; None if there is none."""
    if isinstance(agent, AgentError) and agent.code == "foreign_api":
        problem = f"What answers in place of ngrok's agent is another program: {agent}."
        fix = "Stop that program, and run './reachable up'."
        return Trouble("offline", agent.code, problem, fix, heals=False)
    if isinstance(agent, AgentError):
        if trouble is None:
            return Trouble("offline", agent.code, f"ngrok's agent cannot be found: {agent}.", AGENT, heals=True)
        if trouble.state == "refused":  # an agent that is refused at its start ends
            return trouble
        problem = f"ngrok's agent cannot be found: {agent}. The last in its log: {trouble.problem}"
        return Trouble("offline", agent.code, problem, trouble.fix, heals=True)
    if trouble is None and agent.session not in (None, "online"):
        problem = f"ngrok's agent has no session with its cloud: it is {clean(str(agent.session))}."
        return Trouble("connecting", None, problem, NETWORK, heals=True)
    return trouble


def assess(wanted: list[dict[str, Any]], agent: Agent | AgentError, trouble: Trouble | None) -> list[Finding]:
    """Return the state of every wanted endpoint as far as the agent knows it; their addresses are not visited."""
    tunnels = [] if isinstance(agent, AgentError) else agent.tunnels
    obstacle = hindrance(agent, trouble)
    return [judge(each, find(each["name"], tunnels), obstacle) for each in wanted]


def find(name: str, tunnels: list[Tunnel]) -> Tunnel | None:
    """Find an endpoint by its name, of an agent 2.x the https one of two."""
    named = [tunnel for tunnel in tunnels if tunnel.name in (name, name + PLAIN_TWIN)]
    return max(named, key=lambda tunnel: tunnel.url.startswith("https:"), default=None)


def judge(wanted: dict[str, Any], tunnel: Tunnel | None, obstacle: Trouble | None) -> Finding:
    """Return the state of a wanted endpoint; ``tunnel`` is what the agent lists under its name."""
    name, transport = wanted["name"], wanted["transport"]
    if tunnel and not leads_to(tunnel, transport, wanted["upstream"]):
        url, upstream = tunnel.url, tunnel.upstream
        problem = f"The endpoint {name} leads from {url} to {upstream or 'nowhere'} instead of {wanted['upstream']}."
        fix = "Run './reachable up', which gives the agent its configuration; if it stays, stop the other agent."
        found = Trouble("offline", "wrong_upstream", problem, fix, heals=False)
    elif obstacle:
        found = obstacle._replace(code=obstacle.code or ("stale" if tunnel else "not_listed"))
    elif tunnel:
        found = Trouble("online", None, "", "", heals=True)
    else:
        problem = f"ngrok's agent does not list the endpoint {name}."
        found = Trouble("connecting", "not_listed", problem, AGENT, heals=True)
    return Finding(name, transport, tunnel and tunnel.url, tunnel.upstream if tunnel else wanted["upstream"], *found)


def leads_to(tunnel: Tunnel, transport: str, upstream: str) -> bool:
    """Tell whether an endpoint has the wanted transport and leads to the wanted upstream."""
    kind = "http" if transport == "http" else "tcp"
    return tunnel.proto.startswith(kind) and place(tunnel.upstream) == place(upstream)


def place(upstream: str) -> tuple[bool, str | None, int | None]:
    """Split an upstream in any form that the agent writes, such as ``//localhost:22`` or ``8888``, into its parts."""
    address = f"localhost:{upstream}" if upstream.isdigit() else upstream
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.scheme == "https", "127.0.0.1" if parts.hostname == "localhost" else parts.hostname, port
