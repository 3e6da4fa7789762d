# SPDX-License-Identifier: Apache-2.0
"""Watch how Jupyter can be reached, publish every change, and notify people of the changes that matter to them.

The watcher is a small daemon that serves nothing on the network: ``python -m reachable.watcher --config
FILE``. The agent's log tells it what has happened, and a visit to the public address whether that is true.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import queue
import signal
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from . import allowance, examination, files, ngrok, ssh_tunnel, tls
from .endpoints import Origin, endpoint_value
from .notifier import Outbox, Target, for_people, read, say, spawn, targets_of, utc
from .visitor import Visitor
from .waiting import Clock, in_background, within

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

Endpoint = dict[str, Any]

TICK_SECONDS = 0.5
# An agent that has lost the cloud tries again after half a second, so the watcher looks often in the first minute.
QUICK_TICK_SECONDS = 0.1
QUICK_FOR_SECONDS = 60.0
CALM_ASK_SECONDS = 30.0  # the agent may have ended without logging it
PROBE_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 5.0
LONGEST_LOG_BYTES = 256 * 1024
QUIET_FACTOR = 3  # an endpoint that has not changed for this many times ``offline_seconds`` no longer flaps

VALUE_KEYS = ("name", "transport", "url", "scheme", "host", "port", "safari_url", "juno_url")


class ConfigError(Exception):
    """The watcher cannot start; the text is the sentence that says why."""


class Config(NamedTuple):
    """The watcher's configuration. ``others`` are endpoints without an agent, in the form of ``endpoint_value``."""

    host: str
    log: str
    folder: str
    jupyter_port: int
    endpoints: list[dict[str, str]]
    others: list[Endpoint]
    notify_command: list[str]
    probe_seconds: float = 60
    offline_seconds: float = 10
    flap_changes: int = 6
    flap_seconds: float = 600
    history_length: int = 1000
    variables: dict[str, str] = {}  # noqa: RUF012 - nobody changes it
    requests_file: str = ""
    requests_a_month: int = 0


KINDS: dict[str, Any] = (
    dict.fromkeys(("host", "log", "folder", "requests_file"), str)
    | dict.fromkeys(("variables",), dict)
    | dict.fromkeys(("endpoints", "others", "notify_command"), list)
    | dict.fromkeys(("jupyter_port", "flap_changes", "history_length", "requests_a_month"), int)
    | dict.fromkeys(("probe_seconds", "offline_seconds", "flap_seconds"), (int, float))
)


class Observation(NamedTuple):
    """The state of an endpoint, as the agent and a visit to its address show it."""

    state: str
    code: str | None = None
    detail: str = ""


class Visit(NamedTuple):
    """What a visit to an address has found: the problem there with its fix, empty where there is none, and more."""

    problem: str = ""
    certificate: tls.Certificate | None = None


class NotificationState(NamedTuple):
    """What people know of an endpoint from messages, and which messages are held back. Times are seconds since 1970.

    ``state`` is empty before the first message, then ``online``, ``down`` or ``refused``. ``left`` is when the endpoint
    left the state online, ``sent`` when the last messages were sent, ``held`` since when messages are held back.
    """

    state: str = ""
    url: str | None = None
    code: str | None = None
    left: float | None = None
    changed: float = 0.0
    sent: tuple[float, ...] = ()
    held: float | None = None
    changes: int = 0


# Decisions: plain values in, plain values out


def read_config(text: str) -> Config:
    """Read the configuration; raise ConfigError, whose text says what is wrong with it."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"it is not JSON ({error})") from error
    if not isinstance(given, dict):
        raise ConfigError("it is not an object")
    for key in Config._fields:
        if key not in given and key not in Config._field_defaults:
            raise ConfigError(f"{key} is missing")
    for key, value in given.items():
        check_setting(key, value)
    config = Config(**given)
    check_entries("endpoints", config.endpoints, ("name", "transport", "upstream"))
    check_entries("others", config.others, VALUE_KEYS)
    names = [entry["name"] for entry in config.endpoints + config.others]
    if len(set(names)) < len(names):
        raise ConfigError("two endpoints have the same name")
    if not all(isinstance(word, str) for word in config.notify_command):
        raise ConfigError("notify_command has something else than strings")
    return config


def check_setting(key: str, value: Any) -> None:
    """Check one setting by itself; raise ConfigError."""
    if key not in KINDS:
        raise ConfigError(f"{key} is unknown")
    if not isinstance(value, KINDS[key]) or isinstance(value, bool):
        raise ConfigError(f"{key} has a wrong type")
    if isinstance(value, (int, float)) and value <= 0:
        raise ConfigError(f"{key} must be more than 0")


def check_entries(key: str, entries: list[Any], wanted: tuple[str, ...]) -> None:
    """Check that each endpoint has its parts; raise ConfigError."""
    for entry in entries:
        missing = [part for part in wanted if part not in entry] if isinstance(entry, dict) else ["everything"]
        if missing:
            raise ConfigError(f"an entry of {key} lacks {missing[0]}")


def read_urls(text: str) -> list[str]:
    """Return the addresses for messages, one a line; empty lines and comments are skipped."""
    lines = [line.strip() for line in text.splitlines()]
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def retry_after(elapsed: float, longest: float = LONGEST_RETRY_SECONDS) -> float:
    """Return the delay before the next look at an endpoint that has not been online for ``elapsed`` seconds.

    The delay is a twelfth of that time: half a second at first, five seconds after a minute.
    """
    return min(max(elapsed / 12, 0.5), longest)


def judge(finding: Any, verdict: str | None) -> Observation | None:
    """Return the state of an endpoint from the agent's finding and a visit to its address; None while it is unknown.

    ``verdict`` is the problem that the visit found, empty if there was none. Only a visit proves that an endpoint is
    online.
    """
    if finding is None:
        return None
    if finding.state != "online":
        return Observation(finding.state, finding.code, " ".join(filter(None, (finding.problem, finding.fix))))
    if verdict is None:
        return None
    return Observation("offline", None, verdict) if verdict else Observation("online")


def blank(name: str, transport: str, now: float) -> Endpoint:
    """Return the entry of an endpoint about which nothing is known yet."""
    value = dict.fromkeys(VALUE_KEYS) | {"name": name, "transport": transport}
    return value | {"state": "connecting", "reachable": False, "since": utc(now), "detail": ""}


def entry_after(before: Endpoint, value: Endpoint | None, observation: Observation, now: float) -> Endpoint:
    """Return the new entry of an endpoint. It keeps the last known address until there is another one."""
    address = {key: (value or before)[key] for key in VALUE_KEYS}
    state = {
        "state": observation.state,
        "reachable": observation.state == "online",
        "since": utc(now),
        "detail": observation.detail,
    }
    after = address | state
    return after if is_change(before, after) else after | {"since": before["since"]}


def is_change(before: Endpoint, after: Endpoint) -> bool:
    """Tell whether an endpoint counts as changed: another state or address, or refused for another reason."""
    keys = ("state", "url", "detail") if after["state"] == "refused" else ("state", "url")
    return any(before[key] != after[key] for key in keys)


def first_notified(entry: Endpoint, published: bool, value: Endpoint | None) -> NotificationState:
    """Return what people know of an endpoint for which no messages are on record.

    They know what was published before, and an address that does not come from a tunnel.
    """
    if published and entry["url"]:
        return NotificationState({"online": "online", "refused": "refused"}.get(entry["state"], "down"), entry["url"])
    return NotificationState("online", value["url"]) if value else NotificationState()


def recall(kept: dict[str, Any], now: float) -> NotificationState:
    """Restore what people knew before a restart. An outage counts from now on, as the host may have just booted."""
    known = {key: kept[key] for key in NotificationState._fields if key in kept}
    left = None if kept.get("left") is None else now
    return NotificationState(**known)._replace(left=left, sent=tuple(kept.get("sent", ())))


def news_for_people(
    notified: NotificationState, entry: Endpoint, code: str | None, now: float, patience: float
) -> str | None:
    """Return the news for people in a few words; None if they know everything that matters."""
    if entry["state"] == "online":
        fresh = entry["url"] != notified.url
        if notified.state in ("", "online"):
            return "new address" if fresh else None
        return "reachable again, new address" if fresh else "reachable again"
    if entry["state"] == "refused":
        return None if (notified.state, notified.code) == ("refused", code) else refusal(code)
    if notified.state == "online" and notified.left is not None and now - notified.left > patience:
        return "not reachable"
    return None


def refusal(code: str | None) -> str:
    """Return the words for a refusal, which waiting does not end."""
    return f"refused by ngrok ({code})" if code else "refused by ngrok"


def summary(entry: Endpoint, code: str | None, changes: int) -> str:
    """Return the words for an endpoint's state after messages about it were held back."""
    words = {"online": "reachable", "refused": refusal(code)}.get(entry["state"], "not reachable")
    return f"{words}, after {changes} {'change' if changes == 1 else 'changes'}"


def decide(
    notified: NotificationState, entry: Endpoint, code: str | None, *, changed: bool, now: float, config: Config
) -> tuple[NotificationState, str | None]:
    """Decide whether to send a message about an endpoint; return what people know afterwards, and the news.

    After ``flap_changes`` messages in ``flap_seconds`` further ones are held back. One message then sums them up, once
    the endpoint has been quiet for a while, after ``flap_seconds`` at the latest.
    """
    left = None if entry["state"] == "online" else min(now if notified.left is None else notified.left, now)
    sent = tuple(moment for moment in notified.sent if 0 <= now - moment < config.flap_seconds)
    notified = notified._replace(left=left, sent=sent, changed=now if changed else min(notified.changed, now))
    if notified.held is None:
        news = news_for_people(notified, entry, code, now, config.offline_seconds)
        if news is None:
            return notified, None
        if len(sent) >= config.flap_changes:
            return notified._replace(held=now, changes=1), None
    else:
        held = min(notified.held, now)
        notified = notified._replace(held=held, changes=notified.changes + changed)
        if now - notified.changed < config.offline_seconds * QUIET_FACTOR and now - held < config.flap_seconds:
            return notified, None
        news = summary(entry, code, notified.changes)
    state = {"online": "online", "refused": "refused"}.get(entry["state"], "down")
    url = entry["url"] if state == "online" else notified.url
    return notified._replace(state=state, url=url, code=code, sent=(*sent, now), held=None, changes=0), news


def message(news: str, subject: str, entry: Endpoint, before: NotificationState, now: float) -> dict[str, Any]:
    """Write a message. People may read it much later, so it says since when the state has lasted.

    ``before`` is what people knew before; it has the times when the outage began and when messages were held back.
    """
    if entry["state"] != "online":
        since = utc(now if before.left is None else before.left)
        lines = [entry["detail"], f"Last address: {entry['url']}" if entry["url"] else ""]
    elif entry["transport"] == "ssh":
        since = entry["since"]
        lines = [f"SSH: {entry['host']} port {entry['port']}", f"Juno, through SSH: {entry['juno_url']}"]
    else:
        since = entry["since"]
        lines = [f"Safari: {entry['safari_url']}", f"Juno: {entry['juno_url']}"]
    lines.append(f"Since {for_people(since)}.")
    if before.held is not None:
        lines.append(f"Messages about its changes were held back from {for_people(utc(before.held))} on.")
    body = "\n".join(filter(None, lines))
    return {"created": now, "title": f"{subject}: {news}", "body": body, "data": entry}


def warning(opening: ngrok.Opening, host: str, now: float) -> dict[str, Any]:
    """Write a message about an opening of the agent that nobody declared."""
    data = undeclared_entry(opening, now)
    body = f"{data['detail']}\nSince {for_people(data['since'])}."
    return {"created": now, "title": f"Jupyter on {host}: a way in that nobody declared", "body": body, "data": data}


def warning_of_end(entry: Endpoint, certificate: tls.Certificate, host: str, now: float) -> dict[str, Any]:
    """Write a message about a certificate that ends soon."""
    known = certificate.published(now)
    return {
        "created": now,
        "title": f"Jupyter on {host}: its certificate ends on {known['end']}",
        "body": tls.note(entry["url"], known),
        "data": {"name": entry["name"], "url": entry["url"], "certificate": known},
    }


def warning_of_use(found: allowance.Allowance, host: str, now: float) -> dict[str, Any]:
    """Write a message about a plan of which most is used."""
    percent = 100 * found.used // found.allowed
    return {
        "created": now,
        "title": f"Jupyter on {host}: {percent} % of the month's requests are used",
        "body": f"{found.words} {allowance.ADVICE}",
        "data": {"allowance": found._asdict()},
    }


def undeclared_entry(opening: ngrok.Opening, since: float) -> dict[str, Any]:
    """Return the published entry of an opening that nobody declared."""
    entry = {"name": opening.name, "url": opening.url, "upstream": opening.upstream, "since": utc(since)}
    return {key: ngrok.clean(value) for key, value in entry.items()} | {"detail": ngrok.describe(opening)}


def identity(opening: ngrok.Opening) -> str:
    """Return a text that identifies an opening."""
    return json.dumps([opening.name, opening.upstream, opening.time])


def warnings(
    opened: list[ngrok.Opening], before: dict[str, float], now: float, quiet: float
) -> tuple[dict[str, float], list[ngrok.Opening]]:
    """Return since when each opening is known, and those of which people must be warned.

    An opening from the agent's configuration comes back as soon as it is closed; people are warned of it once.
    """
    known: dict[str, float] = {}
    fresh = []
    for opening in opened:
        kind = json.loads(identity(opening))[:2]
        last = max((at for key, at in (before | known).items() if json.loads(key)[:2] == kind), default=-math.inf)
        if identity(opening) not in before and not 0 <= now - last < quiet:
            fresh.append(opening)
        known[identity(opening)] = before.get(identity(opening), now)
    return known, fresh


# Looking


def probe(value: Endpoint) -> Visit:
    """Visit an address."""
    is_ssh = value["transport"] == "ssh"
    return Visit(probe_ssh(value["host"], value["port"])) if is_ssh else probe_http(value["url"])


def probe_http(url: str) -> Visit:
    """Ask Jupyter for its version. The doctor's later legs are skipped, because tunnel plans count every request."""
    visitor = Visitor(url, None, time.monotonic() + PROBE_SECONDS, time)
    found = examination.Examination(visitor, examination.Options(anonymous=True, timeout=PROBE_SECONDS), url)
    found.walk({leg: examination.ARRIVAL[leg] for leg in ("name", "tcp", "tls", "http")})
    visitor.close()
    return Visit(" ".join(filter(None, (found.problem, found.fix))), visitor.certificate)


def probe_ssh(host: str, port: int) -> str:
    """Listen to the greeting of an SSH server, and return the problem; an empty text if there is none."""
    listen = partial(ssh_tunnel.first_words_at, host, port, PROBE_SECONDS)
    try:
        is_ssh = ssh_tunnel.is_greeting(within(PROBE_SECONDS, listen))
        seen = "" if is_ssh else "what answers there is none"
    except TimeoutError:
        seen = "it does not answer in time"
    except OSError as error:
        seen = str(error)
    advice = "Check that the SSH service runs, and start the tunnel again with './reachable up'."
    return seen and f"No SSH server can be reached at {host} port {port}: {seen}. {advice}"


def stamp_of(path: str) -> tuple[int, ...] | None:
    """Return the attributes of a file that change with every write; None if there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode, found.st_uid


def ask_agent(log: str) -> Any:
    """Return what the agent has open according to its log, or the error that prevents an answer."""
    try:
        return ngrok.look(log)
    except ngrok.AgentError as error:
        return error


# Keeping


class History:
    """A file with the last changes, one JSON object per line."""

    def __init__(self, path: str, length: int) -> None:
        """Count the lines, and drop an incomplete last line that a crash may have left."""
        self.path, self.length = path, length
        lines = self.lines()
        self.count = len(lines)
        if lines and not lines[-1].endswith("\n"):
            self.rewrite(lines[:-1])

    def lines(self) -> list[str]:
        """Read the lines."""
        if not os.path.exists(self.path):
            return []
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return list(file)

    def rewrite(self, lines: list[str]) -> None:
        """Keep these lines only."""
        files.replace(self.path, "".join(lines).encode(), 0o644)
        self.count = len(lines)

    def append(self, before: Endpoint, after: Endpoint) -> None:
        """Append a change."""
        line = {key: after[key] for key in ("name", "transport", "state", "url", "detail")}
        previous = {"previous_url": before["url"], "previous_state": before["state"]}
        self.add({"time": after["since"]} | line | previous)

    def warn(self, entry: dict[str, Any]) -> None:
        """Append an opening that nobody declared."""
        line = {"name": entry["name"], "transport": "", "state": "undeclared", "url": entry["url"]}
        self.add({"time": entry["since"]} | line | {"detail": entry["detail"]})

    def add(self, line: dict[str, Any]) -> None:
        """Write a line."""
        with open(self.path, "a", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(json.dumps(line) + "\n")
        self.count += 1
        if self.count >= 2 * self.length:
            self.rewrite(self.lines()[-self.length :])


class TrackedEndpoint:
    """An endpoint with its published entry, its present state, and what people know of it."""

    def __init__(self, entry: Endpoint, notified: NotificationState, now: float) -> None:
        """Start with what an earlier run left. ``unsettled`` is the time of the last change."""
        self.entry, self.notified = entry, notified
        self.unsettled = now
        self.finding: Any = None
        self.value: Endpoint | None = None
        self.code: str | None = None
        self.settled: tuple[Observation, Endpoint | None] | None = None
        self.forget_visit()

    def forget_visit(self) -> None:
        """Forget the last visit, which says nothing about another address or another connection to the cloud."""
        self.verdict: str | None = None
        self.certificate: tls.Certificate | None = None
        self.visit: Future[Visit] | None = None
        self.visited = 0.0
        self.in_doubt = False

    def learn(self, finding: Any, value: Endpoint | None, now: float) -> None:
        """Take over the agent's finding."""
        if finding.state != "online" or value != self.value:
            self.forget_visit()
        if self.finding is None or (finding.state, value) != (self.finding.state, self.value):
            self.unsettled = now
        self.finding, self.value = finding, value

    def should_be_visited(self, now: float, calm: float, longest: float) -> bool:
        """Tell whether it is time to visit the address."""
        if self.finding is None or self.finding.state != "online" or self.visit:
            return False
        if self.verdict is None:
            return True
        if self.verdict:
            return now - self.visited >= retry_after(now - self.unsettled, longest)
        return now - self.visited >= (min(LONGEST_RETRY_SECONDS, calm) if self.in_doubt else calm)


class Watcher:
    """The main loop, one ``tick`` at a time. It never blocks: questions and visits run in the background."""

    def __init__(
        self,
        config: Config,
        targets: list[Target],
        *,
        clock: Clock = time,
        ask: Callable[[str], Any] = ask_agent,
        visit: Callable[[Endpoint], Visit] = probe,
        start: Callable[[Callable[[], Any]], Future[Any]],
        start_child: Callable[[list[str], str], Any] = spawn,
    ) -> None:
        """Continue from the files of an earlier run."""
        self.config, self.clock, self.ask, self.visit, self.start = config, clock, ask, visit, start
        self.several = len(config.endpoints) + len(config.others) > 1
        self.outbox = Outbox(os.path.join(config.folder, "outbox"), targets, start_child)
        self.history = History(os.path.join(config.folder, "history.jsonl"), config.history_length)
        self.log_stamp: Any = ()
        self.log = ""
        self.trouble: Any = None
        self.story = ngrok.Story()
        self.listed: list[ngrok.Tunnel] = []
        self.undeclared: list[dict[str, Any]] = []
        self.question: Future[Any] | None = None
        self.asked = float("-inf")
        self.must_ask = self.urgent = True
        self.take_over(clock.monotonic(), clock.time())

    def take_over(self, now: float, wall: float) -> None:
        """Restore the state of an earlier run, so that a restart changes nothing and sends no message."""
        published = read(self.path("endpoint.json")).get("endpoints", [])
        keys = list(blank("", "", 0))
        entries = {e["name"]: {key: e[key] for key in keys} for e in published if set(keys) <= set(e)}
        kept = read(self.path("told.json"))
        self.number = kept.get("number", 0)
        notified = {name: recall(known, wall) for name, known in kept.get("told", {}).items()}
        for number, content in self.outbox.since(self.number):  # a crash came before told.json was written
            self.outbox.put(number, content)
            self.number = number
            if "told" in content:
                notified[content["data"]["name"]] = recall(content["told"], wall)
        self.tracked: dict[str, TrackedEndpoint] = {}
        for wanted in self.config.endpoints + self.config.others:
            value = wanted if wanted in self.config.others else None
            name, transport = wanted["name"], wanted["transport"]
            before = entries.get(name)
            known = before is not None and before["transport"] == transport
            entry = before if before and known else blank(name, transport, wall)
            endpoint = TrackedEndpoint(entry, notified.get(name) or first_notified(entry, known, value), now)
            if value:
                fine = ngrok.Finding(name, transport, value["url"], "", "online", None, "", "", True)
                endpoint.learn(fine, value, now)
            self.tracked[name] = endpoint
        self.tunnels = [self.tracked[wanted["name"]] for wanted in self.config.endpoints]
        self.warned: dict[str, float] = kept.get("warned", {})
        self.ends: dict[str, float] = kept.get("ends", {})
        self.nearly_used: str = kept.get("nearly_used", "")
        self.requests_stamp: Any = ()
        self.allowance: allowance.Allowance | None = None
        self.look_at_allowance(wall)
        self.written: dict[str, Any] = {}
        self.stamp: Any = None
        self.kept: Any = None
        self.publish()
        self.keep()

    def path(self, name: str) -> str:
        """Return the path of one of our files."""
        return os.path.join(self.config.folder, name)

    def tick(self) -> float:
        """Do what is due, and return the seconds until the next time."""
        now, wall = self.clock.monotonic(), self.clock.time()
        self.look_at_log()
        self.look_at_agent(now)
        self.warn(wall)
        self.hear_visits()
        self.warn_of_ends(wall)
        self.look_at_allowance(wall)
        changed = {name for name, endpoint in self.tracked.items() if self.settle(endpoint, now, wall)}
        self.publish()
        self.visit_addresses(now)
        for name, endpoint in self.tracked.items():
            if endpoint.settled:
                self.tell(endpoint, name in changed, wall)
        self.keep()
        self.outbox.tick(now, wall)
        return self.pause(now)

    def look_at_log(self) -> None:
        """Read the agent's log if it has changed."""
        try:
            found = os.stat(self.config.log)
            stamp: Any = (found.st_ino, found.st_size, found.st_mtime_ns)
            if stamp == self.log_stamp:
                return
            with open(self.config.log, "rb") as file:
                file.seek(max(found.st_size - LONGEST_LOG_BYTES, 0))
                text = file.read().decode(errors="replace")
        except OSError:
            stamp, text = None, ""
        self.log_stamp, self.log, self.must_ask = stamp, text, True
        self.trouble, self.story = ngrok.read_log(text), ngrok.read_story(text)

    def look_at_agent(self, now: float) -> None:
        """Take over the agent's last answer, and ask it again when that is due."""
        if self.question and self.question.done():
            answer, self.question = self.question.result(), None
            self.listed = [] if isinstance(answer, ngrok.AgentError) else answer.tunnels
            for finding in ngrok.assess(self.config.endpoints, answer, self.trouble):
                self.tracked[finding.name].learn(finding, self.value_of(finding), now)
                self.tracked[finding.name].in_doubt |= self.urgent
        broken = [endpoint.unsettled for endpoint in self.tunnels if endpoint.entry["state"] != "online"]
        wait = retry_after(now - max(broken)) if broken else CALM_ASK_SECONDS
        if self.tunnels and not self.question and (self.must_ask or now - self.asked >= wait):
            self.asked, self.urgent, self.must_ask = now, self.must_ask, False
            self.question = self.start(partial(self.ask, self.log))

    def value_of(self, finding: ngrok.Finding) -> Endpoint | None:
        """Return what is published of an address; None where the agent has none."""
        if not finding.url:
            return None
        return endpoint_value(Origin.of(finding.url), finding.name, finding.transport, self.config.jupyter_port)

    def warn(self, wall: float) -> None:
        """Record and report openings that nobody declared, including those that the keeper has closed already."""
        opened = ngrok.undeclared(self.story, self.listed if self.story.api else [], self.config.endpoints)
        self.warned, fresh = warnings(opened, self.warned, wall, self.config.offline_seconds)
        for opening in fresh:
            content = warning(opening, self.config.host, wall)
            self.history.warn(content["data"])
            self.send(content)
        self.undeclared = [undeclared_entry(each, self.warned[identity(each)]) for each in opened if each.is_open]

    def warn_of_ends(self, wall: float) -> None:
        """Report certificates that end soon, each once."""
        for name, endpoint in self.tracked.items():
            found = endpoint.certificate
            if found and found.is_ending(wall) and self.ends.get(name) != found.end:
                self.ends[name] = found.end
                self.send(warning_of_end(endpoint.entry, found, self.config.host, wall))

    def look_at_allowance(self, wall: float) -> None:
        """Read what Jupyter has counted if that or the month has changed; report once a month that most is used."""
        month, allowed, path = allowance.month_of(wall), self.config.requests_a_month, self.config.requests_file
        if not allowed or self.requests_stamp == (stamp := (month, stamp_of(path))):
            return
        self.requests_stamp = stamp
        self.allowance = allowance.Allowance(month, allowance.counted(path, month), allowed)
        if self.allowance.is_nearly_used and self.nearly_used != month:
            self.nearly_used = month
            self.send(warning_of_use(self.allowance, self.config.host, wall))

    def send(self, content: dict[str, Any]) -> None:
        """Queue a message."""
        self.number += 1
        say(f"message {self.number:08d}: {content['title']}")
        self.outbox.put(self.number, content)

    def hear_visits(self) -> None:
        """Take over the results of finished visits."""
        for endpoint in self.tracked.values():
            if endpoint.visit and endpoint.visit.done():
                found, endpoint.visit = endpoint.visit.result(), None
                endpoint.verdict, endpoint.certificate = found.problem, found.certificate or endpoint.certificate

    def visit_addresses(self, now: float) -> None:
        """Visit the addresses that are due. They are published first, as Jupyter answers to published names only."""
        calm = self.config.probe_seconds
        for endpoint in self.tracked.values():
            # Tunnel plans count visits; visits in the local network cost nothing.
            longest = max(calm, LONGEST_RETRY_SECONDS) if endpoint in self.tunnels else LONGEST_RETRY_SECONDS
            if endpoint.should_be_visited(now, calm, longest):
                endpoint.visited, endpoint.in_doubt = now, False
                endpoint.visit = self.start(partial(self.visit, endpoint.value or endpoint.entry))

    def settle(self, endpoint: TrackedEndpoint, now: float, wall: float) -> bool:
        """Update an endpoint's entry, record a change, and return whether there was one."""
        observation = judge(endpoint.finding, endpoint.verdict)
        if observation is None or (observation, endpoint.value) == endpoint.settled:
            return False
        # A refused agent ends, is restarted and connects, only to be refused again. That is no change.
        trying = endpoint.entry["state"] == "refused" and observation.state == "connecting"
        if trying and now - endpoint.unsettled < self.config.offline_seconds:
            return False
        endpoint.settled, endpoint.code = (observation, endpoint.value), observation.code
        observation = observation._replace(detail=ngrok.redact(observation.detail))
        before = endpoint.entry
        endpoint.entry = after = entry_after(before, endpoint.value, observation, wall)
        if not is_change(before, after):
            return False
        endpoint.unsettled = now
        self.history.append(before, after)
        say(f"{after['name']}: {after['state']} {after['url'] or ''} {after['detail']}".rstrip())
        return True

    def tell(self, endpoint: TrackedEndpoint, changed: bool, wall: float) -> None:
        """Queue a message about an endpoint if there is one to send."""
        entry, config = endpoint.entry, self.config
        notified, news = decide(endpoint.notified, entry, endpoint.code, changed=changed, now=wall, config=config)
        if news:
            subject = f"Jupyter on {config.host}" + (f" ({entry['name']})" if self.several else "")
            self.send(message(news, subject, entry, endpoint.notified, wall) | {"told": notified._asdict()})
        endpoint.notified = notified

    def publish(self) -> None:
        """Write the endpoints' entries if they have changed, or somebody else has changed the file."""
        endpoints = self.tracked.values()
        # Jupyter answers to published names only, so an address is published before its first visit.
        unvisited = {each.value["host"] for each in endpoints if each.value and each.verdict is None}
        publication = {
            "endpoints": [each.entry for each in endpoints],
            "unvisited_hosts": sorted(unvisited),
            "undeclared": self.undeclared,
            **({"allowance": self.allowance._asdict()} if self.allowance else {}),
        }
        path = self.path("endpoint.json")
        if publication != self.written or stamp_of(path) != self.stamp:
            files.replace(path, f"{json.dumps(publication, indent=2)}\n".encode(), 0o644)
            self.written, self.stamp = publication, stamp_of(path)

    def keep(self) -> None:
        """Write what people know if it has changed."""
        notified = {name: endpoint.notified._asdict() for name, endpoint in self.tracked.items()}
        content = {"told": notified, "warned": self.warned, "ends": dict(self.ends), "nearly_used": self.nearly_used}
        if content != self.kept:
            files.replace(self.path("told.json"), json.dumps({"number": self.number, **content}).encode())
            self.kept = content

    def pause(self, now: float) -> float:
        """Return the seconds until the next tick."""
        broken = [endpoint.unsettled for endpoint in self.tracked.values() if endpoint.entry["state"] != "online"]
        return QUICK_TICK_SECONDS if broken and now - max(broken) < QUICK_FOR_SECONDS else TICK_SECONDS


def load(arguments: list[str] | None) -> tuple[Config, list[Target]]:
    """Read the command line and the files that it names; raise ConfigError."""
    parser = argparse.ArgumentParser(prog="watcher", description="Follow how Jupyter can be reached.")
    parser.add_argument("--config", required=True, help="file with the configuration, in JSON")
    parser.add_argument("--notify-urls", help="file with one Apprise address a line")
    given = parser.parse_args(arguments)
    path = given.config
    try:
        with open(path, encoding="utf-8") as file:
            config = read_config(file.read())
        urls = []
        if path := given.notify_urls:
            with open(path, encoding="utf-8") as file:
                urls = read_urls(file.read())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except ConfigError as error:
        raise ConfigError(f"{path} is no configuration of the watcher: {error}.") from error
    os.environ.update(config.variables)
    if config.endpoints and (lacking := ngrok.missing()):
        raise ConfigError(f"{sys.executable} lacks the package {lacking[0]}: run './reachable up'.")
    return config, targets_of(urls, config.notify_command)


def wait(wake: queue.SimpleQueue[bool], seconds: float) -> bool:
    """Wait until something happens or the time is up, and return whether to stop."""
    try:
        return wake.get(timeout=seconds)
    except queue.Empty:
        return False


def main(arguments: list[str] | None = None) -> int:
    """Watch until the service manager stops this process."""
    wake: queue.SimpleQueue[bool] = queue.SimpleQueue()  # the only queue that a signal handler may fill
    start = partial(in_background, done=partial(wake.put, False))
    try:
        config, targets = load(arguments)
        watcher = Watcher(config, targets, start=start)
    except (ConfigError, OSError) as error:
        known = isinstance(error, ConfigError)
        print(error if known else f"The watcher cannot keep its files: {error}.", file=sys.stderr)  # noqa: T201
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: wake.put(True))
    say(f"watching {', '.join(watcher.tracked)}")
    while not wait(wake, watcher.tick()):
        pass
    watcher.outbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
