"""The watcher: its decisions by tables, its loop with an agent, a cloud and a clock that do as they are told."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from authorities import authority, server_side
from reachable import ngrok, notifier, tls, watcher
from reachable.endpoints import Origin, endpoint_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Changes = list[tuple[float, str, str, str | None]]

ROOT = Path(__file__).resolve().parents[3]
NOON = 1_800_000_000.0  # 2027-01-15T08:00:00+00:00
CONFIG: dict[str, Any] = {
    "host": "vps",
    "log": "/run/reachable-ngrok/agent.log",
    "folder": "/var/lib/reachable/endpoint",
    "jupyter_port": 8888,
    "endpoints": [{"name": "jupyter", "transport": "http", "upstream": "http://127.0.0.1:8888"}],
    "others": [endpoint_value(Origin.of("http://192.0.2.7:8888"), "ipv4", "lan")],
    "notify_command": [],
}
A = "https://a.ngrok.example"
B = "https://b.ngrok.example"


# Reading


def test_a_configuration_needs_no_tunables() -> None:
    config = watcher.read_config(json.dumps(CONFIG))
    assert config == watcher.Config(**CONFIG)
    assert config[7:] == (60, 10, 6, 600, 1000, {}, "", 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"host": None}, "host has a wrong type"),
        ({"jupyter_port": True}, "jupyter_port has a wrong type"),
        ({"jupyter_port": "8888"}, "jupyter_port has a wrong type"),
        ({"flap_changes": 1.5}, "flap_changes has a wrong type"),
        ({"probe_seconds": 0}, "probe_seconds must be more than 0"),
        ({"offline_second": 5}, "offline_second is unknown"),
        ({"endpoints": [{"name": "x", "transport": "http"}]}, "an entry of endpoints lacks upstream"),
        ({"endpoints": ["x"]}, "an entry of endpoints lacks everything"),
        ({"others": [{"name": "x", "transport": "lan"}]}, "an entry of others lacks url"),
        ({"endpoints": CONFIG["endpoints"] * 2}, "two endpoints have the same name"),
        ({"notify_command": ["tell", 1]}, "notify_command has something else than strings"),
    ],
)
def test_a_wrong_configuration_is_explained(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(watcher.ConfigError) as caught:
        watcher.read_config(json.dumps(CONFIG | change))
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
        ("[]", "it is not an object"),
        ("{}", "host is missing"),
    ],
)
def test_what_is_no_configuration(text: str, reason: str) -> None:
    with pytest.raises(watcher.ConfigError) as caught:
        watcher.read_config(text)
    assert str(caught.value) == reason


def test_addresses_for_messages() -> None:
    assert watcher.read_urls("# mine\n ntfy://a \n\njson://b\nntfy://a\n") == ["ntfy://a", "json://b"]


SESSION = '{"lvl":"info","msg":"client session established","obj":"csess"}'
LOST = '{"err":"read EOF","lvl":"eror","msg":"session closed, starting reconnect loop","obj":"csess"}'
INVALID = '{"err":"it is invalid.\\nYour authtoken: 1abc\\n\\nERR_NGROK_107","lvl":"%s","msg":"%s"%s}'
REFUSED = INVALID % ("eror", "failed to auth", ',"obj":"tunnels.session"')
ENDED = INVALID % ("crit", "command failed", "")
STARTING = '{"lvl":"info","msg":"starting the agent","obj":"keeper","pid":1}'


# Judging


@pytest.mark.parametrize(
    ("elapsed", "longest", "seconds"),
    [(0, 5, 0.5), (6, 5, 0.5), (12, 5, 1), (59, 5, 59 / 12), (60, 5, 5), (9999, 5, 5), (240, 60, 20), (9999, 60, 60)],
)
def test_retries_become_rarer(elapsed: float, longest: float, seconds: float) -> None:
    assert watcher.retry_after(elapsed, longest) == seconds


def finding(state: str, code: str | None = None, problem: str = "", fix: str = "") -> ngrok.Finding:
    return ngrok.Finding("jupyter", "http", A, "http://127.0.0.1:8888", state, code, problem, fix, True)


@pytest.mark.parametrize(
    ("found", "verdict", "observation"),
    [
        (None, None, None),
        (None, "", None),
        (finding("online"), None, None),
        (finding("online"), "", watcher.Observation("online")),
        (
            finding("online"),
            "It is broken. Repair it.",
            watcher.Observation("offline", None, "It is broken. Repair it."),
        ),
        (finding("connecting", "stale", "Wait.", ""), "", watcher.Observation("connecting", "stale", "Wait.")),
        (finding("refused", "X", "No.", "Pay."), None, watcher.Observation("refused", "X", "No. Pay.")),
        (
            finding("offline", "no_agent", "Gone.", "Run."),
            None,
            watcher.Observation("offline", "no_agent", "Gone. Run."),
        ),
    ],
)
def test_agent_and_visit_are_judged_together(
    found: Any, verdict: str | None, observation: watcher.Observation | None
) -> None:
    assert watcher.judge(found, verdict) == observation


def test_the_last_address_is_kept_and_dated() -> None:
    nothing = watcher.blank("jupyter", "http", NOON)
    assert nothing == dict.fromkeys(watcher.VALUE_KEYS) | {
        "name": "jupyter",
        "transport": "http",
        "state": "connecting",
        "reachable": False,
        "since": "2027-01-15T08:00:00+00:00",
        "detail": "",
    }
    value = endpoint_value(Origin.of(A), "jupyter", "http")
    online = watcher.entry_after(nothing, value, watcher.Observation("online"), NOON + 5)
    assert online == value | {"state": "online", "reachable": True, "since": "2027-01-15T08:00:05+00:00", "detail": ""}
    assert watcher.entry_after(online, value, watcher.Observation("online"), NOON + 9) == online
    gone = watcher.entry_after(online, None, watcher.Observation("offline", None, "Gone."), NOON + 9)
    assert gone == value | {
        "state": "offline",
        "reachable": False,
        "since": "2027-01-15T08:00:09+00:00",
        "detail": "Gone.",
    }
    other_words = watcher.entry_after(gone, None, watcher.Observation("offline", None, "Away."), NOON + 20)
    assert other_words == gone | {"detail": "Away."}


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, False),
        ({"url": B}, True),
        ({"state": "online"}, True),
        ({"detail": "Other."}, False),
        ({"state": "refused"}, True),
    ],
)
def test_what_counts_as_a_change(change: dict[str, str], counts: bool) -> None:
    before = {"state": "offline", "url": A, "detail": "Gone."}
    assert watcher.is_change(before, before | change) is counts


def test_another_refusal_counts_as_a_change() -> None:
    before = {"state": "refused", "url": A, "detail": "ERR_NGROK_107"}
    assert watcher.is_change(before, before | {"detail": "ERR_NGROK_108"})
    assert not watcher.is_change(before, dict(before))


# Deciding

ONLINE = watcher.NotificationState("online", A)


def decisions(
    notified: watcher.NotificationState, changes: Changes, end: float, entry: dict[str, Any] | None = None
) -> tuple[list[tuple[float, str]], watcher.NotificationState]:
    """Play changes of state and address, and return the messages by time; there is a tick each half second."""
    config = watcher.Config(**CONFIG)
    messages = []
    entry = entry or {}
    code = None
    for step in range(int(end * 2) + 1):
        now = step / 2
        changed = False
        while changes and changes[0][0] <= now:
            _, state, url, code = changes.pop(0)
            entry, changed = {"state": state, "url": url}, True
        notified, news = watcher.decide(notified, entry, code, changed=changed, now=NOON + now, config=config)
        if news:
            messages.append((now, news))
    return messages, notified


@pytest.mark.parametrize(
    ("notified", "changes", "messages"),
    [
        (watcher.NotificationState(), [(0, "online", A, None)], [(0, "new address")]),
        (watcher.NotificationState(), [(0, "connecting", None, None)], []),
        (watcher.NotificationState(), [(0, "offline", None, None), (30, "online", A, None)], [(30, "new address")]),
        (ONLINE, [(0, "online", A, None)], []),
        (ONLINE, [(0, "online", B, None)], [(0, "new address")]),
        (ONLINE, [(0, "offline", A, None), (9, "online", A, None)], []),
        (ONLINE, [(0, "connecting", A, None), (9, "online", B, None)], [(9, "new address")]),
        (ONLINE, [(0, "offline", A, None)], [(10.5, "not reachable")]),
        (ONLINE, [(0, "connecting", A, None), (8, "offline", A, None)], [(10.5, "not reachable")]),
        (
            ONLINE,
            [(0, "offline", A, None), (20, "connecting", A, None), (30, "online", A, None)],
            [(10.5, "not reachable"), (30, "reachable again")],
        ),
        (
            ONLINE,
            [(0, "offline", A, None), (30, "online", B, None)],
            [(10.5, "not reachable"), (30, "reachable again, new address")],
        ),
        (
            ONLINE,
            [(0, "offline", B, None), (30, "online", A, None)],
            [(10.5, "not reachable"), (30, "reachable again")],
        ),
        (
            ONLINE,
            [(0, "offline", A, None), (30, "offline", B, None), (60, "online", B, None)],
            [(10.5, "not reachable"), (60, "reachable again, new address")],
        ),
        (ONLINE, [(0, "refused", A, "ERR_NGROK_107")], [(0, "refused by ngrok (ERR_NGROK_107)")]),
        (
            watcher.NotificationState(),
            [(0, "refused", None, "ERR_NGROK_107")],
            [(0, "refused by ngrok (ERR_NGROK_107)")],
        ),
        (
            ONLINE,
            [(0, "offline", A, None), (20, "refused", A, "ERR_NGROK_107")],
            [(10.5, "not reachable"), (20, "refused by ngrok (ERR_NGROK_107)")],
        ),
        (
            ONLINE,
            [
                (0, "refused", A, "ERR_NGROK_107"),
                (5, "connecting", A, None),
                (20, "refused", A, "ERR_NGROK_107"),
                (25, "refused", A, "ERR_NGROK_108"),
                (40, "online", A, None),
            ],
            [
                (0, "refused by ngrok (ERR_NGROK_107)"),
                (25, "refused by ngrok (ERR_NGROK_108)"),
                (40, "reachable again"),
            ],
        ),
    ],
)
def test_what_people_are_told(
    notified: watcher.NotificationState, changes: Changes, messages: list[tuple[float, str]]
) -> None:
    assert decisions(notified, changes, 60)[0] == messages


def flapping(count: int, seconds: float) -> Changes:
    return [(number * seconds, "online", f"https://{number}.example", None) for number in range(count)]


def test_as_many_messages_as_allowed_are_not_held_back() -> None:
    assert decisions(ONLINE, flapping(6, 5), 60)[0] == [(number * 5, "new address") for number in range(6)]


def test_flapping_is_held_back_until_it_is_quiet() -> None:
    messages, notified = decisions(ONLINE, flapping(10, 5), 120)
    assert messages == [*[(number * 5, "new address") for number in range(6)], (75, "reachable, after 4 changes")]
    assert (notified.url, notified.held, notified.changes) == ("https://9.example", None, 0)
    assert decisions(ONLINE, [*flapping(9, 5), (45, "offline", A, None)], 120)[0][6:] == [
        (75, "not reachable, after 4 changes")
    ]
    assert decisions(ONLINE, [*flapping(9, 5), (45, "refused", A, "ERR_NGROK_107")], 120)[0][6:] == [
        (75, "refused by ngrok (ERR_NGROK_107), after 4 changes")
    ]


def test_a_single_change_may_be_held_back() -> None:
    assert decisions(ONLINE, flapping(7, 5), 90)[0][6:] == [(60, "reachable, after 1 change")]


def test_flapping_without_end_is_told_every_ten_minutes() -> None:
    messages, _ = decisions(ONLINE, flapping(260, 5), 1295)
    assert messages[6:] == [
        (630, "reachable, after 121 changes"),
        *[(635 + number * 5, "new address") for number in range(5)],
        (1260, "reachable, after 121 changes"),
        *[(1265 + number * 5, "new address") for number in range(5)],
    ]


def test_a_clock_that_is_set_back_blocks_nothing() -> None:
    future = watcher.NotificationState("online", A, left=NOON + 9999, changed=NOON + 9999, sent=(NOON + 9999,) * 6)
    assert decisions(future, [(0, "offline", A, None)], 30)[0] == [(10.5, "not reachable")]
    held = watcher.NotificationState("online", A, changed=NOON + 9999, held=NOON + 9999, changes=3)
    assert decisions(held, [(0, "online", A, None)], 60)[0] == [(30, "reachable, after 4 changes")]
    never_quiet: Changes = [(number * 5.0, "online", f"https://{number}.example", None) for number in range(130)]
    assert decisions(held, never_quiet, 640)[0][0] == (600, "reachable, after 124 changes")
    unchanged = held._replace(held=NOON - 1)
    assert decisions(unchanged, [], 60, {"state": "online", "url": A})[0] == [(30, "reachable, after 3 changes")]


@pytest.mark.parametrize(
    ("entry", "published", "value", "notified"),
    [
        ({"state": "connecting", "url": None}, False, None, watcher.NotificationState()),
        ({"state": "connecting", "url": None}, True, None, watcher.NotificationState()),
        ({"state": "online", "url": A}, True, None, watcher.NotificationState("online", A)),
        ({"state": "refused", "url": A}, True, None, watcher.NotificationState("refused", A)),
        ({"state": "connecting", "url": A}, True, None, watcher.NotificationState("down", A)),
        ({"state": "connecting", "url": None}, False, {"url": B}, watcher.NotificationState("online", B)),
        ({"state": "online", "url": A}, True, {"url": B}, watcher.NotificationState("online", A)),
    ],
)
def test_what_people_know_at_first(
    entry: Any, published: bool, value: Any, notified: watcher.NotificationState
) -> None:
    assert watcher.first_notified(entry, published, value) == notified


# Texts


def written(news: str, transport: str, url: str, before: watcher.NotificationState, **change: Any) -> tuple[str, str]:
    entry = endpoint_value(Origin.of(url), "jupyter", transport, 8888) | {
        "state": "online",
        "reachable": True,
        "detail": "",
    }
    entry |= {"since": "2027-01-15T08:00:00+00:00"} | change
    made = watcher.message(news, "Jupyter on vps", entry, before, NOON + 60)
    assert (made["created"], made["data"]) == (NOON + 60, entry)
    return made["title"], made["body"]


def test_messages_say_what_to_type() -> None:
    assert written("new address", "http", A, ONLINE) == (
        "Jupyter on vps: new address",
        f"Safari: {A}/\nJuno: {A}/nbclassic\nSince 2027-01-15 08:00:00 UTC.",
    )
    assert written("new address", "tcp", "tcp://1.tcp.example:12345", ONLINE)[1] == (
        "Safari: http://1.tcp.example:12345/\n"
        "Juno: http://1.tcp.example:12345/nbclassic\n"
        "Since 2027-01-15 08:00:00 UTC."
    )
    assert written("new address", "ssh", "tcp://1.tcp.example:12345", ONLINE)[1] == (
        "SSH: 1.tcp.example port 12345\n"
        "Juno, through SSH: http://localhost:8888/nbclassic\n"
        "Since 2027-01-15 08:00:00 UTC."
    )


def test_messages_say_what_is_wrong() -> None:
    gone = {"state": "offline", "detail": "It is gone. Run it."}
    assert written("not reachable", "http", A, ONLINE._replace(left=NOON + 30), **gone) == (
        "Jupyter on vps: not reachable",
        f"It is gone. Run it.\nLast address: {A}\nSince 2027-01-15 08:00:30 UTC.",
    )
    never = watcher.blank("jupyter", "http", NOON) | {"state": "refused", "detail": "No. Pay."}
    made = watcher.message("refused by ngrok", "Jupyter on vps", never, watcher.NotificationState(), NOON + 60)
    assert made["body"] == "No. Pay.\nSince 2027-01-15 08:01:00 UTC."


def test_messages_after_flapping_say_so() -> None:
    body = written("reachable, after 9 changes", "http", A, ONLINE._replace(held=NOON - 60))[1]
    assert body.endswith(
        "\nSince 2027-01-15 08:00:00 UTC.\nMessages about its changes were held back from 2027-01-15 07:59:00 UTC on."
    )


# Looking


@pytest.fixture
def greeter() -> Iterator[Callable[[bytes], int]]:
    """Return a function that opens a port on which each visitor hears the same words."""
    listeners = []

    def listen(words: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096 if words.startswith(b"HTTP") else 0)
                    connection.sendall(words)

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    yield listen
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_an_ssh_server_greets(greeter: Callable[[bytes], int]) -> None:
    port = greeter(b"Hello there\r\nSSH-2.0-x")
    value = endpoint_value(Origin.of(f"tcp://127.0.0.1:{port}"), "s", "ssh", 8888)
    assert watcher.probe(value) == watcher.Visit()


ADVICE = "Check that the SSH service runs, and start the tunnel again with './reachable up'."


def test_what_greets_otherwise_is_no_ssh_server(greeter: Callable[[bytes], int]) -> None:
    port = greeter(b"220 mail")
    assert watcher.probe_ssh("127.0.0.1", port) == (
        f"No SSH server can be reached at 127.0.0.1 port {port}: what answers there is none. {ADVICE}"
    )


def test_no_ssh_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        assert watcher.probe_ssh("127.0.0.1", port) == (
            f"No SSH server can be reached at 127.0.0.1 port {port}: [Errno 111] Connection refused. {ADVICE}"
        )
        deaf.listen()
        monkeypatch.setattr(watcher, "PROBE_SECONDS", 0.05)
        assert ": it does not answer in time. " in watcher.probe_ssh("127.0.0.1", port)


def test_a_visit_to_jupyter(greeter: Callable[[bytes], int]) -> None:
    answer = b'HTTP/1.0 200 OK\r\nContent-Length: 20\r\n\r\n{"version":"2.21.1"}'
    value = endpoint_value(Origin.of(f"tcp://127.0.0.1:{greeter(answer)}"), "jupyter", "tcp")
    assert watcher.probe(value) == watcher.Visit()


def test_a_visit_to_a_tunnel_without_agent(greeter: Callable[[bytes], int]) -> None:
    answer = b"HTTP/1.0 404 Not Found\r\nNgrok-Error-Code: ERR_NGROK_3200\r\n\r\n"
    value = endpoint_value(Origin.of(f"http://127.0.0.1:{greeter(answer)}"), "jupyter", "http")
    assert "(ERR_NGROK_3200). " in watcher.probe(value).problem


def test_a_visit_by_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = authority(tmp_path, "Our own")
    (tmp_path / "store.pem").write_text(root.pem)
    answer = b'HTTP/1.0 200 OK\r\nContent-Length: 20\r\n\r\n{"version":"2.21.1"}'
    with server_side(root.issue(end=20)).wrap_socket(
        socket.create_server(("127.0.0.1", 0)), server_side=True
    ) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with contextlib.suppress(ssl.SSLError):
                        connection, _ = server.accept()
                        with connection:
                            connection.recv(4096)
                            connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        value = endpoint_value(Origin.of(url), "public", "static")
        assert watcher.probe(value).problem.startswith("The certificate of 127.0.0.1 comes from Our own, an authority ")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "store.pem"))
        trusted = watcher.probe(value)
        assert trusted.problem == ""
        assert trusted.certificate
        assert (trusted.certificate.issuer, trusted.certificate.is_ending(time.time())) == ("Our own", False)
        server.shutdown(socket.SHUT_RDWR)


# The loop


class World:
    """An agent, its log and its cloud, the programs that deliver, and a clock."""

    def __init__(self, folder: Path, **change: Any) -> None:
        self.folder, self.log = folder / "endpoint", folder / "agent.log"
        self.folder.mkdir()
        self.config = watcher.Config(
            **CONFIG | {"folder": str(self.folder), "log": str(self.log), "others": []} | change
        )
        self.now = 0.0
        self.tunnels: dict[str, str] = {}
        self.error: ngrok.AgentError | None = None
        self.broken: dict[str, str] = {}
        self.certificates: dict[str, tls.Certificate] = {}
        self.questions: list[float] = []
        self.visits: list[tuple[float, str]] = []
        self.mails: list[tuple[float, str]] = []
        self.slow = False
        self.late: list[tuple[Future[Any], Callable[[], Any]]] = []
        self.busy = False
        self.lines = 0
        self.urls = ["json://x"]
        self.delivered: list[tuple[str, str]] = []
        self.write(SESSION)
        self.restart()

    def restart(self) -> None:
        self.watcher = watcher.Watcher(
            self.config,
            notifier.targets_of(self.urls, []),
            clock=self,
            ask=self.ask,
            visit=self.visit,
            start=self.start,
            start_child=self.deliver,
        )

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return NOON + self.now

    def sleep(self, seconds: float, /) -> None:
        raise NotImplementedError

    def start(self, work: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self.busy = True
        if self.slow:
            self.late.append((future, work))
        else:
            future.set_result(work())
        return future

    def ask(self, log: str) -> Any:
        assert log == (self.log.read_text() if self.log.exists() else "")
        self.questions.append(self.now)
        upstreams = {each["name"]: each["upstream"] for each in self.config.endpoints}
        listed = [ngrok.Tunnel(name, url, upstreams[name], url.partition(":")[0]) for name, url in self.tunnels.items()]
        return self.error or ngrok.Agent(listed)

    def visit(self, value: dict[str, Any]) -> watcher.Visit:
        self.visits.append((self.now, value["url"]))
        return watcher.Visit(self.broken.get(value["url"], ""), self.certificates.get(value["url"]))

    def deliver(self, _: list[str], text: str) -> Any:
        mail = json.loads(text)
        self.mails.append((self.now, mail["title"]))
        self.delivered.append((mail["url"], mail["title"]))
        return subprocess.CompletedProcess([], 0)

    def write(self, *lines: str) -> None:
        """Add lines to the agent's log, each with a time of its own."""
        with self.log.open("a") as file:
            for line in lines:
                self.lines += 1
                file.write(line.replace("{", f'{{"t":"{self.lines}",', 1) + "\n")

    def run(self, seconds: float) -> None:
        """Let time go by; what is done in the background is done at once, and wakes the loop."""
        end = self.now + seconds
        while self.now < end:
            self.busy = False
            pause = self.watcher.tick()
            self.now += 0.001 if self.busy else pause

    def published(self, name: str = "jupyter") -> dict[str, Any]:
        text = (self.folder / "endpoint.json").read_text()
        found: dict[str, Any] = {entry["name"]: entry for entry in json.loads(text)["endpoints"]}[name]
        return found

    def history(self) -> list[dict[str, Any]]:
        path = self.folder / "history.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def states(self) -> list[tuple[str, str | None]]:
        return [(line["state"], line["url"]) for line in self.history()]

    def titles(self) -> list[str]:
        return [title for _, title in self.mails]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(subprocess.CompletedProcess, "poll", lambda self: self.returncode, raising=False)
    return World(tmp_path)


@pytest.fixture
def online(world: World) -> World:
    """Let the endpoint be online, which people were told, for a good while."""
    world.tunnels = {"jupyter": A}
    world.run(100)
    assert world.titles() == ["Jupyter on vps: new address"]
    world.mails, world.questions, world.visits = [], [], []
    return world


def test_a_certificate_that_ends_is_told_once(online: World) -> None:
    begin = NOON - 80 * tls.DAY
    online.certificates[A] = tls.Certificate("Our own", ("a.ngrok.example",), begin, begin + 90 * tls.DAY)
    online.run(100)
    online.restart()
    online.run(100)
    assert online.titles() == ["Jupyter on vps: its certificate ends on 2027-01-25"]
    online.certificates[A] = online.certificates[A]._replace(end=begin + 170 * tls.DAY)
    online.run(100)
    online.certificates[A] = online.certificates[A]._replace(end=NOON + tls.DAY)
    online.run(100)
    assert online.titles()[1:] == ["Jupyter on vps: its certificate ends on 2027-01-16"]


PAGE = '{"addr":"http://127.0.0.1:9999","lvl":"info","msg":"started tunnel","name":"page","obj":"tunnels","url":"%s"}'


def count(world: World, month: str, requests: int) -> None:
    """Count as Jupyter does: another file takes the place of the one before."""
    new = world.folder.parent / "month.new"
    new.write_text(json.dumps({"month": month, "requests": requests}))
    new.replace(world.config.requests_file)


def allowance(world: World) -> dict[str, Any]:
    """Return what is published of the plan."""
    found: dict[str, Any] = json.loads((world.folder / "endpoint.json").read_text())["allowance"]
    return found


def test_what_is_left_of_a_plan_is_published_and_people_are_warned_once_a_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess.CompletedProcess, "poll", lambda self: self.returncode, raising=False)
    world = World(tmp_path, requests_file=str(tmp_path / "month.json"), requests_a_month=20000)
    left = {"month": "2027-01", "used": 0, "allowed": 20000}
    assert allowance(world) == left
    count(world, "2027-01", 15999)
    world.run(10)
    assert (allowance(world), world.titles()) == (left | {"used": 15999}, [])
    count(world, "2027-01", 16000)
    world.run(10)
    told = "Jupyter on vps: 80 % of the month's requests are used"
    assert (allowance(world)["used"], world.titles()) == (16000, [told])
    count(world, "2027-01", 20001)
    world.restart()
    world.run(10)
    assert (allowance(world)["used"], world.titles()) == (20001, [told])
    world.now += 20 * 86400
    world.run(10)
    assert allowance(world) == {"month": "2027-02", "used": 0, "allowed": 20000}
    count(world, "2027-02", 19000)
    world.run(10)
    assert world.titles() == [told, "Jupyter on vps: 95 % of the month's requests are used"]


def undeclared(world: World) -> list[tuple[str, str]]:
    published = json.loads((world.folder / "endpoint.json").read_text())
    return [(each["name"], each["url"]) for each in published["undeclared"]]


def test_what_nobody_declared_is_published_and_told(online: World) -> None:
    opened = online.now
    online.write(STARTING, PAGE % B)
    online.run(1)
    assert undeclared(online) == [("page", B)]
    assert online.titles() == ["Jupyter on vps: a way in that nobody declared"]
    assert online.mails[0][0] - opened <= 0.6
    assert online.history()[-1]["state"] == "undeclared"
    assert online.history()[-1]["url"] == B
    online.restart()
    online.run(20)
    assert undeclared(online) == [("page", B)]
    assert len(online.mails) == 1
    online.write(STARTING)
    online.run(1)
    assert undeclared(online) == []
    online.write(PAGE % B)
    online.run(1)
    assert len(online.mails) == 2


def test_what_the_keeper_has_closed_already_is_told_too(online: World) -> None:
    online.write(STARTING, PAGE % B, STARTING)
    online.run(1)
    assert undeclared(online) == []
    assert online.titles() == ["Jupyter on vps: a way in that nobody declared"]
    online.write(PAGE % A)  # as it stands in the configuration
    online.run(1)
    assert undeclared(online) == [("page", A)]
    assert len(online.mails) == 1


def test_nothing_is_known_at_first(world: World) -> None:
    assert world.published() == watcher.blank("jupyter", "http", NOON)
    assert stat.S_IMODE((world.folder / "endpoint.json").stat().st_mode) == 0o644
    assert stat.S_IMODE((world.folder / "told.json").stat().st_mode) == 0o600
    assert world.history() == []


def test_an_endpoint_comes_online(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.tunnels = {"jupyter": A}
    world.run(1)
    value = endpoint_value(Origin.of(A), "jupyter", "http")
    since = "2027-01-15T08:00:00+00:00"
    assert world.published() == value | {"state": "online", "reachable": True, "since": since, "detail": ""}
    assert world.history() == [
        {
            "time": since,
            "name": "jupyter",
            "transport": "http",
            "state": "online",
            "url": A,
            "detail": "",
            "previous_url": None,
            "previous_state": "connecting",
        }
    ]
    assert stat.S_IMODE((world.folder / "history.jsonl").stat().st_mode) == 0o644
    assert world.titles() == ["Jupyter on vps: new address"]
    assert os.listdir(world.folder / "outbox") == []
    lines = [line.partition(" ")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        f"jupyter: online {A}",
        "message 00000001: Jupyter on vps: new address",
        "message 00000001 to notify address 1 is delivered",
    ]


def test_an_address_changes(online: World) -> None:
    changed = online.now
    online.tunnels = {"jupyter": B}
    online.write(LOST, SESSION)
    online.run(1)
    assert online.published()["url"] == B
    assert online.states() == [("online", A), ("online", B)]
    assert online.titles() == ["Jupyter on vps: new address"]
    assert online.mails[0][0] - changed <= 0.6
    assert [url for _, url in online.visits] == [B]


def test_jupyter_knows_a_new_name_before_it_is_visited(online: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unvisited() -> list[str]:
        hosts: list[str] = json.loads((online.folder / "endpoint.json").read_text())["unvisited_hosts"]
        return hosts

    found: list[list[str]] = []

    def visit(value: dict[str, Any]) -> watcher.Visit:
        found.append(unvisited())
        return online.visit(value)

    monkeypatch.setattr(online.watcher, "visit", visit)
    online.tunnels = {"jupyter": B}
    online.write(LOST, SESSION)
    online.run(1)
    assert found == [[urlsplit(B).hostname]]
    assert unvisited() == []


@pytest.mark.parametrize("harm", [Path.unlink, lambda file: file.write_text("{}"), lambda file: file.chmod(0o600)])
def test_what_others_do_to_the_file_is_taken_back(harm: Callable[[Path], Any], online: World) -> None:
    file = online.folder / "endpoint.json"
    before = file.read_text()
    harm(file)
    online.run(2)
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (before, 0o644)


def test_the_calm_is_not_disturbed(online: World) -> None:
    before = os.stat(online.folder / "endpoint.json")
    online.run(600)
    assert 19 <= len(online.questions) <= 20
    assert 9 <= len(online.visits) <= 10
    assert os.stat(online.folder / "endpoint.json") == before
    assert online.mails == []
    assert len(online.history()) == 1


def test_news_that_change_nothing_cost_one_question_and_one_visit_in_five_seconds(online: World) -> None:
    online.run(20)
    online.questions, online.visits = [], []
    for number in range(20):
        online.write(f'{{"lvl":"warn","msg":"failed to open private leg","id":"{number}"}}')
        online.run(0.5)
    assert len(online.questions) == 20
    assert 1 <= len(online.visits) <= 3


def test_news_have_an_address_visited_that_was_thought_to_be_fine(online: World) -> None:
    online.broken = {A: "It is dead. Repair it."}
    online.write('{"lvl":"warn","msg":"something else"}')
    online.run(1)
    assert online.published()["state"] == "offline"


def test_a_log_that_is_as_before_is_not_read(online: World, monkeypatch: pytest.MonkeyPatch) -> None:
    online.run(1)
    monkeypatch.setattr(ngrok, "read_story", lambda _: pytest.fail("it was read"))
    online.run(10)


def test_secrets_in_what_is_found_are_taken_out(online: World) -> None:
    online.broken = {A: "It says: Your authtoken: 1abcDEF_2ghi"}
    online.run(30)
    assert online.published()["state"] == "offline"
    assert "1abcDEF_2ghi" not in (online.folder / "endpoint.json").read_text() + str(online.history())


def test_what_is_broken_is_looked_at_more_often(online: World) -> None:
    assert online.watcher.tick() == 0.5
    online.write(LOST)
    online.run(2)
    assert online.watcher.tick() == 0.1
    online.run(60)
    assert online.watcher.tick() == 0.5


def test_an_outage_makes_the_address_be_visited_anew(online: World) -> None:
    online.write(LOST)
    online.run(2)
    online.broken = {A: "It is dead. Repair it."}
    online.write(SESSION)
    online.run(2)
    assert online.states()[1:] == [("connecting", A), ("offline", A)]


def test_a_short_outage_stands_in_the_history_only(online: World) -> None:
    online.write(LOST)
    online.run(8)
    assert online.published()["state"] == "connecting"
    assert online.published()["url"] == A
    assert online.published()["detail"].startswith("ngrok's agent does not reach its cloud: read EOF.")
    online.write(SESSION)
    online.run(30)
    assert online.states() == [("online", A), ("connecting", A), ("online", A)]
    assert online.mails == []


def test_a_long_outage_is_told_twice(online: World) -> None:
    start = online.now
    online.write(LOST)
    online.run(60)
    assert online.titles() == ["Jupyter on vps: not reachable"]
    assert 10 < online.mails[0][0] - start < 11
    assert online.visits == []
    back = online.now
    online.write(SESSION)
    online.run(5)
    assert online.titles()[1:] == ["Jupyter on vps: reachable again"]
    assert online.mails[1][0] - back < 0.6


def test_the_agent_is_asked_ever_more_rarely(online: World) -> None:
    online.write(LOST)
    online.run(60)
    assert 15 <= len(online.questions) <= 45
    gaps = [after - before for before, after in zip(online.questions, online.questions[1:], strict=False)]
    assert gaps[-1] > 4
    online.questions = []
    online.run(300)
    assert 58 <= len(online.questions) <= 61


def test_an_address_that_is_listed_but_dead_is_offline(online: World) -> None:
    online.broken = {A: "It is dead. Repair it."}
    online.run(21)
    assert (online.published()["state"], online.published()["detail"]) == ("offline", "It is dead. Repair it.")
    online.visits = []
    online.run(60)
    assert online.titles() == ["Jupyter on vps: not reachable"]
    assert 20 <= len(online.visits) <= 45
    online.run(3600)
    assert len(online.visits) <= 160  # plans of tunnels count them
    online.broken = {}
    online.run(60)
    assert online.titles()[1:] == ["Jupyter on vps: reachable again"]


def test_other_words_for_the_same_trouble_are_published_without_a_new_date(online: World) -> None:
    online.broken = {A: "It is dead. Repair it."}
    online.run(61)
    since = online.published()["since"]
    online.broken = {A: "It is slow. Wait."}
    online.run(5)
    assert (online.published()["since"], online.published()["detail"]) == (since, "It is slow. Wait.")
    assert len(online.history()) == 2


def test_a_refusal_is_told_at_once_and_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.write(REFUSED, ENDED)
    world.error = ngrok.AgentError("no_agent", "refused")
    world.run(0.5)
    assert world.published()["state"] == "refused"
    assert "ERR_NGROK_107" in world.published()["detail"]
    assert world.titles() == ["Jupyter on vps: refused by ngrok (ERR_NGROK_107)"]
    for _ in range(20):  # the service manager starts it again and again
        world.error = None
        world.write(STARTING)
        world.run(1)
        world.write(REFUSED, ENDED)
        world.error = ngrok.AgentError("no_agent", "refused")
        world.run(14)
    assert world.states() == [("refused", None)]
    assert len(world.mails) == 1
    assert "1abc" not in capsys.readouterr().out + (world.folder / "endpoint.json").read_text()


def test_after_a_refusal_it_may_really_connect(world: World) -> None:
    world.write(REFUSED, ENDED)
    world.run(1)
    world.write(STARTING)
    world.run(9)
    assert world.published()["state"] == "refused"
    world.run(2)
    assert world.published()["state"] == "connecting"
    world.tunnels = {"jupyter": A}
    world.write(SESSION)
    world.run(1)
    assert world.titles()[1:] == ["Jupyter on vps: reachable again, new address"]


def test_no_agent(online: World) -> None:
    online.log.unlink()
    online.error = ngrok.AgentError("no_agent", "connection refused")
    online.run(1)
    assert online.published()["state"] == "offline"
    assert online.published()["url"] == A
    assert online.published()["detail"].startswith("ngrok's agent cannot be found: connection refused.")


def test_a_restart_changes_nothing_and_tells_nobody(online: World) -> None:
    before = {path.name: path.read_bytes() for path in online.folder.glob("*.json*")}
    online.restart()
    online.run(60)
    assert {path.name: path.read_bytes() for path in online.folder.glob("*.json*")} == before
    assert online.mails == []


def test_a_restart_notices_what_happened_meanwhile(online: World) -> None:
    online.tunnels = {"jupyter": B}
    online.restart()
    online.run(1)
    assert online.states() == [("online", A), ("online", B)]
    assert online.titles() == ["Jupyter on vps: new address"]


def test_after_a_boot_everybody_gets_time_to_come_up(online: World) -> None:
    online.write(LOST)
    online.run(3)
    online.now += 3600
    online.error = ngrok.AgentError("no_agent", "refused")
    online.restart()
    online.run(8)
    online.error = None
    online.write(STARTING, SESSION)
    online.run(5)
    assert online.states() == [("online", A), ("connecting", A), ("offline", A), ("online", A)]
    assert online.mails == []


def test_a_restart_in_an_outage_does_not_tell_it_twice(online: World) -> None:
    online.write(LOST)
    online.run(30)
    online.restart()
    online.run(30)
    assert online.titles() == ["Jupyter on vps: not reachable"]
    online.write(SESSION)
    online.run(5)
    assert online.titles()[1:] == ["Jupyter on vps: reachable again"]


def test_a_crash_between_message_and_record_makes_no_second_message(
    online: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(unkept: watcher.Watcher) -> None:
        if unkept.number > 1:
            raise KeyboardInterrupt

    online.tunnels = {"jupyter": B}
    online.write(LOST, SESSION)
    with monkeypatch.context() as patch:
        patch.setattr(watcher.Watcher, "keep", crash)
        with pytest.raises(KeyboardInterrupt):
            online.run(2)
    assert len(os.listdir(online.folder / "outbox")) == 1
    online.urls.append("json://y")  # as if the crash had come between the copies for two targets
    online.restart()
    online.run(30)
    assert online.titles() == ["Jupyter on vps: new address"] * 2
    assert [url for url, _ in online.delivered[1:]] == ["json://x", "json://y"]
    online.restart()
    online.run(30)
    assert len(online.mails) == 2


def test_a_crash_before_the_message_does_not_lose_it(online: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    online.tunnels = {"jupyter": B}
    online.write(LOST, SESSION)
    with monkeypatch.context() as patch:
        patch.setattr(notifier.Outbox, "put", crash)
        with pytest.raises(KeyboardInterrupt):
            online.run(2)
    online.restart()
    online.run(30)
    assert online.titles() == ["Jupyter on vps: new address"]


def test_the_loop_does_not_wait_for_answers(online: World) -> None:
    online.slow = True
    online.tunnels = {"jupyter": B}
    online.write(LOST, SESSION)
    online.run(3)
    assert online.published()["url"] == A
    assert len(online.late) == 1
    for future, work in online.late:
        future.set_result(work())
    online.run(1)
    assert online.published()["url"] == A
    future, work = online.late[1]
    future.set_result(work())
    online.run(0.5)
    assert online.published()["url"] == B


def test_the_visit_to_an_old_address_says_nothing_about_the_new_one(online: World) -> None:
    online.slow = True
    online.broken = {A: "It is dead."}
    online.run(61)
    visits = [(future, work) for future, work in online.late if "visit" in repr(work)]
    assert len(visits) == 1
    online.slow = False
    online.tunnels = {"jupyter": B}
    for future, work in online.late:
        if "ask" in repr(work):
            future.set_result(work())
    online.write(LOST, SESSION)
    online.run(1)
    visits[0][0].set_result(visits[0][1]())
    online.run(1)
    assert online.states() == [("online", A), ("online", B)]


def test_the_history_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess.CompletedProcess, "poll", lambda self: self.returncode, raising=False)
    world = World(tmp_path, history_length=3)
    lengths = []
    for number in range(8):
        world.tunnels = {"jupyter": f"https://{number}.example"}
        world.write(LOST, SESSION)
        world.run(1)
        lengths.append(len(world.history()))
    assert lengths == [1, 2, 3, 4, 5, 3, 4, 5]
    assert [line["url"] for line in world.history()] == [f"https://{number}.example" for number in range(3, 8)]
    path = world.folder / "history.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    with path.open("a") as file:
        file.write('{"time": "20')
    world.restart()
    assert len(world.history()) == 5
    world.tunnels = {"jupyter": A}
    world.run(1)
    assert [line["url"] for line in world.history()] == ["https://6.example", "https://7.example", A]


def test_endpoints_without_tunnel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess.CompletedProcess, "poll", lambda self: self.returncode, raising=False)
    lan = endpoint_value(Origin.of("http://192.0.2.7:8888"), "ipv4", "lan")
    world = World(tmp_path, endpoints=[], others=[lan | {"state": "online", "more": 1}])
    world.run(60)
    assert world.questions == []
    assert world.mails == []
    assert set(world.published("ipv4")) == set(watcher.blank("", "", 0))
    world.broken = {"http://192.0.2.7:8888": "Nothing listens. Start it."}
    world.run(70)
    assert world.published("ipv4")["state"] == "offline"
    assert world.titles() == ["Jupyter on vps: not reachable"]
    world.run(3600)
    world.visits = []
    world.run(60)
    assert 11 <= len(world.visits) <= 13
    world.broken = {}
    world.run(6)
    assert world.titles()[1:] == ["Jupyter on vps: reachable again"]


def test_several_endpoints_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess.CompletedProcess, "poll", lambda self: self.returncode, raising=False)
    ssh = {"name": "shell", "transport": "ssh", "upstream": "tcp://127.0.0.1:22"}
    world = World(tmp_path, endpoints=[*CONFIG["endpoints"], ssh])
    world.tunnels = {"jupyter": A, "shell": "tcp://1.tcp.example:12345"}
    world.run(10)
    assert world.titles() == ["Jupyter on vps (jupyter): new address", "Jupyter on vps (shell): new address"]
    assert world.published("shell")["juno_url"] == "http://localhost:8888/nbclassic"
    assert world.published("shell")["url"] == "tcp://1.tcp.example:12345"
    del world.tunnels["shell"]
    world.write(SESSION.replace("client", "other"))
    world.run(1)
    assert world.published("shell")["state"] == "connecting"
    assert world.published("jupyter")["state"] == "online"


def test_an_endpoint_that_is_no_longer_wanted_is_forgotten(online: World) -> None:
    online.config = online.config._replace(
        endpoints=[{"name": "other", "transport": "http", "upstream": "http://127.0.0.1:8888"}]
    )
    online.restart()
    assert online.published("other")["url"] is None
    assert '"jupyter"' not in (online.folder / "endpoint.json").read_text()


# The process


@pytest.fixture
def environment(tmp_path: Path, shipped: dict[str, str]) -> dict[str, str]:
    return {**shipped, "HOME": str(tmp_path)}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "reachable.watcher", *arguments]


def configure(place: Path, **change: Any) -> str:
    path = place / "watcher.json"
    mine = {"folder": str(place), "log": str(place / "agent.log"), "others": []}
    path.write_text(json.dumps(CONFIG | mine | change))
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--config", "{0}/none"], "{0}/none cannot be read: No such file or directory."),
        (["--config", "{0}"], "{0} cannot be read: Is a directory."),
        (["--config", "{0}/wrong"], "{0}/wrong is no configuration of the watcher: it is not an object."),
        (
            ["--config", "{0}/watcher.json", "--notify-urls", "{0}/urls"],
            "{0}/urls cannot be read: No such file or directory.",
        ),
    ],
)
def test_without_its_files_it_ends_with_a_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    configure(tmp_path)
    (tmp_path / "wrong").write_text("[]")
    words = [word.format(tmp_path) for word in arguments]
    done = subprocess.run(command(*words), env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence.format(tmp_path) + "\n")


def test_without_its_folder_it_ends_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ngrok, "missing", lambda: None)
    assert watcher.main(["--config", configure(tmp_path, folder=str(tmp_path / "none"))]) == 2
    expected = f"The watcher cannot keep its files: [Errno 2] No such file or directory: '{tmp_path}/none/outbox'.\n"
    assert capsys.readouterr().err == expected


def test_without_its_packages_it_ends_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ngrok, "missing", lambda: ("pyngrok", "Traceback"))
    assert watcher.main(["--config", configure(tmp_path)]) == 2
    assert capsys.readouterr().err == f"{sys.executable} lacks the package pyngrok: run './reachable up'.\n"


def test_it_ends_when_it_is_told_to(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "outbox").mkdir()
    kept = tmp_path / "outbox" / "00000001-command.json"
    kept.write_text(json.dumps({"created": time.time(), "title": "t", "body": "b", "data": {}}))
    (tmp_path / "told.json").write_text('{"number": 1}')
    config = configure(tmp_path, notify_command=["sleep", "60"])
    with subprocess.Popen(command("--config", config), env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().endswith(" watching jupyter\n")
        assert "jupyter: offline" in process.stdout.readline()  # the first round is done
        process.send_signal(signal.SIGTERM)
        start = time.monotonic()
        assert process.wait(20) == 0
        assert time.monotonic() - start < 5
    assert kept.exists()
    assert json.loads((tmp_path / "endpoint.json").read_text())["endpoints"][0]["state"] == "offline"
