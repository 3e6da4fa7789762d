"""Keeping the ngrok agent, with small scripts in its place that say what the real one (2.3.41) said."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from reachable import ngrok, ngrok_agent
from reachable.ngrok_agent import Keeper, Lines, Log, Options, Refusals, Rescue, Times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOKEN = "1abcDEF_2ghi"
SESSION = {"id": "d777a9569275", "lvl": "info", "msg": "client session established", "obj": "csess"}
CUT_OFF = {
    "err": "dial tcp 203.0.113.9:443: connect: connection refused",
    "id": "d777a9569275",
    "lvl": "eror",
    "msg": "failed to reconnect session",
    "obj": "csess",
}
JUPYTER = {"name": "jupyter", "transport": "http", "upstream": "http://127.0.0.1:8888"}
OPENED = {
    "addr": "http://127.0.0.1:8888",
    "lvl": "info",
    "msg": "started tunnel",
    "name": "jupyter",
    "obj": "tunnels",
    "url": "https://abc123.ngrok-free.app",
}
FOREIGN = {**OPENED, "name": "page", "addr": "http://127.0.0.1:9999", "url": "https://def456.ngrok-free.app"}
REFUSED = {
    "err": f"The authtoken you specified is invalid.\nYour authtoken: {TOKEN}\n\nERR_NGROK_107",
    "lvl": "crit",
    "msg": "command failed",
}
REQUEST = [
    {"id": "a8ed654e1472b1c7", "lvl": "info", "msg": "start", "pg": "/api/tunnels", "t": "2026-11-26T01:10:57.76Z"},
    {"dur": "517.033µs", "id": "a8ed654e1472b1c7", "lvl": "info", "msg": "end", "pg": "/api/tunnels", "status": 200},
]
QUICK = Times(try_cloud=0.05, grace=0.05, end=5, restart=0.2, refused=0.1, longest=0.4, retry=0.01, longest_retry=0.02)

# What the scripts begin with.
PRELUDE = """
import json, os, signal, sys, time
def say(**entry):
    print(json.dumps(entry), flush=True)
"""


# Waits until it is told to end.
OBEDIENT = """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("ready", os.getpid(), flush=True)
signal.sigwait([signal.SIGTERM])
print("farewell", flush=True)
sys.exit(5)
"""


def agent(folder: Path, body: str) -> list[str]:
    """Write a script that stands for the agent, and return its command."""
    script = folder / "agent.py"
    script.write_text(PRELUDE + body)
    return [sys.executable, "-S", str(script)]


def without_notes(text: str) -> list[str]:
    """Return the lines without the keeper's own entries, which say when the agent starts and has ended."""
    return [line for line in text.splitlines() if '"obj": "keeper"' not in line]


def notes(ear: Ear) -> list[str]:
    """Return what the keeper itself has noted."""
    lines = ear.getvalue().decode().splitlines()
    return [json.loads(line)["msg"] for line in lines if '"obj": "keeper"' in line]


class Ear(io.BytesIO):
    """Hears what is passed on, and does something at a word."""

    def __init__(self, word: str = "", action: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.word = word.encode()
        self.action = action

    def write(self, data: Any) -> int:
        if self.word and self.word in data:
            self.action()
        return super().write(data)

    @property
    def heard(self) -> list[str]:
        return without_notes(self.getvalue().decode())


Keep = Any


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Return a function that makes a keeper of a scripted agent; ``stop_at`` is a word at which it is told to end."""

    def make(
        body: str,
        port: int = 9,
        times: Times = QUICK,
        stop_at: str = "",
        secrets: str = "",
    ) -> tuple[Keeper, Ear]:
        files = []
        if secrets:
            files = [str(tmp_path / "token.yml")]
            (tmp_path / "token.yml").write_text(secrets)
        ear = Ear(stop_at)
        options = Options(agent(tmp_path, body), str(tmp_path / "agent.log"), ("127.0.0.1", port), files, [JUPYTER])
        keeper = Keeper(options, ear, times)
        ear.action = keeper.stop
        return keeper, ear

    return make


@pytest.fixture
def cloud() -> Iterator[int]:
    """Return a port that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


# The parts


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('authtoken: "abc"\n', "abc"),
        ('version: "3"\nagent:\n  web_addr: 127.0.0.1:4040\n  authtoken: "a\\"b"\n', 'a"b'),
        ("web_addr: 127.0.0.1:4040\n", None),
        ('# authtoken: "abc"\n', None),
        ("", None),
    ],
)
def test_the_secret_is_found_in_a_configuration(text: str, secret: str | None) -> None:
    assert ngrok_agent.read_secret(text) == secret


@pytest.mark.parametrize(
    ("line", "noise"),
    [
        (json.dumps(REQUEST[0]), True),
        (json.dumps(REQUEST[1]), True),
        (json.dumps(SESSION), False),
        ('{"msg":"start","name":"x"}', False),
        ('{"lvl":"warn","msg":"Not Found","path":"/api/status","pg":"/api/status"}', True),
        ("start", False),
        ("[1]", False),
    ],
)
def test_requests_to_the_api_are_noise(line: str, noise: bool) -> None:
    assert ngrok_agent.is_noise(ngrok.read_entry(line)) is noise


def test_what_is_read_is_cut_into_lines() -> None:
    lines = Lines()
    assert lines.feed(b"one\ntw") == ["one"]
    assert lines.feed(b"o") == []
    assert lines.feed(b"\n\nthr\xffee") == ["two", ""]
    assert lines.end() == ["thr\ufffdee"]
    assert lines.end() == []


def test_a_line_that_is_too_long_is_left_out_and_takes_no_memory() -> None:
    lines = Lines()
    for _ in range(10):
        assert lines.feed(b"x" * ngrok_agent.LONGEST_LINE_BYTES) == []
        assert len(lines.rest) <= ngrok_agent.LONGEST_LINE_BYTES + 1
    assert lines.feed(b"x\nafter\n") == ["(a line that is too long)", "after"]
    assert lines.feed(b"x" * ngrok_agent.LONGEST_LINE_BYTES + b"\n") == ["x" * ngrok_agent.LONGEST_LINE_BYTES]


def test_the_log_begins_anew_and_everybody_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "agent.log"
    path.write_text("old\n")
    before = os.umask(0o077)
    try:
        log = Log(str(path))
    finally:
        os.umask(before)
    assert path.read_text() == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    log.add("new")
    assert path.read_text() == log.text == "new\n"
    assert os.listdir(tmp_path) == ["agent.log"]


def test_the_log_keeps_its_newest_half_when_it_is_full(tmp_path: Path) -> None:
    path = tmp_path / "agent.log"
    log = Log(str(path), longest=100)
    for number in range(10):
        log.add(f"line {number:04}")
    assert path.stat().st_size == 100
    with path.open() as reader:
        log.add("line 0010")
        assert path.read_text() == log.text == "".join(f"line {number:04}\n" for number in range(6, 11))
        assert len(reader.read()) == 100  # who reads meanwhile keeps the old file
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    for number in range(11, 1000):
        log.add(f"line {number:04}")
        assert path.read_text() == log.text
        assert len(log.text) <= 100
        assert log.text.endswith(f"line {number:04}\n")
    log.add("x" * 200)
    assert path.read_text() == log.text == "x" * 200 + "\n"


@pytest.mark.parametrize(("times", "pause"), [(0, 10), (1, 20), (2, 40), (4, 160), (5, 300), (10**9, 300)])
def test_pauses_double_up_to_a_limit(times: int, pause: float) -> None:
    assert ngrok_agent.doubled(10, 300, times) == pause


@pytest.mark.parametrize(("content", "before"), [(None, 0), ("3\n", 3), ("nonsense", 0)])
def test_refusals_are_counted_in_a_file(tmp_path: Path, content: str | None, before: int) -> None:
    path = tmp_path / "refusals"
    if content is not None:
        path.write_text(content)
    assert Refusals(str(path)).add() == before
    assert Refusals(str(path)).add() == before + 1
    Refusals(str(path)).forget()
    Refusals(str(path)).forget()
    assert not path.exists()


# When to start the agent anew


def tried(rescue: Rescue, now: float, reached: bool) -> None:
    assert rescue.wants_try(now)
    rescue.begin_try(now)
    assert not rescue.wants_try(now + 100)
    assert rescue.pause(now) is None or rescue.restart_at < float("inf")
    rescue.end_try(now, reached)


def test_the_cloud_is_tried_at_once_and_then_every_two_seconds() -> None:
    rescue = Rescue(Times())
    assert rescue.pause(100) == 0
    for now in (100.0, 102.0, 104.0):
        tried(rescue, now, reached=False)
        assert rescue.pause(now) == 2
        assert not rescue.wants_try(now + 1.9)
    assert rescue.restart_at == float("inf")


def test_the_agent_is_started_anew_a_moment_after_the_cloud_is_back() -> None:
    rescue = Rescue(Times())
    tried(rescue, 100, reached=True)
    assert rescue.restart_at == 101.5
    assert rescue.pause(100) == 1.5
    tried(rescue, 102, reached=True)
    assert rescue.restart_at == 101.5
    tried(rescue, 104, reached=False)
    assert rescue.restart_at == float("inf")


@pytest.mark.parametrize("relief", [Rescue.rest, Rescue.succeed])
def test_an_agent_that_came_back_is_left_alone(relief: Callable[[Rescue], None]) -> None:
    rescue = Rescue(Times())
    tried(rescue, 100, reached=True)
    relief(rescue)
    assert rescue.restart_at == float("inf")
    assert rescue.wants_try(100)


def test_restarts_in_vain_become_rare() -> None:
    rescue = Rescue(Times())
    now, gaps = 100.0, []
    for _ in range(7):
        tried(rescue, now, reached=True)
        start, now = now, rescue.restart_at
        rescue.restarted(now)
        gaps.append(now - start)
        assert not rescue.wants_try(rescue.try_at - 0.1)
        assert rescue.pause(now) == rescue.try_at - now  # nothing is asked of the cloud until then
        now = rescue.try_at
    assert gaps == [1.5] * 7
    rescue.rest()  # as when the agent that was just started has said nothing yet
    assert rescue.try_at + 1.5 == rescue.not_before
    pauses = []
    for restarts in range(7):
        rescue.restarts = restarts
        rescue.restarted(1000)
        pauses.append(rescue.not_before - 1000)
    assert pauses == [10, 20, 40, 80, 160, 300, 300]
    rescue.succeed()
    rescue.restarted(2000)
    assert rescue.not_before == 2010
    rescue.succeed()
    tried(rescue, 2001, reached=True)
    assert rescue.restart_at == 2002.5


def test_the_pause_is_kept_when_the_cloud_is_found_before_its_end() -> None:
    rescue = Rescue(Times())
    rescue.begin_try(100)
    rescue.restarted(100)
    rescue.end_try(101, reached=True)
    assert rescue.restart_at == 110


# The keeper


def test_what_the_agent_says_is_passed_on_without_secrets_and_noise(keep: Keep, tmp_path: Path) -> None:
    other = "2another_TOKEN_of_a_second_file"
    keeper, ear = keep(
        f"""
for entry in {[SESSION, *REQUEST, REFUSED]!r}:
    say(**entry)
sys.stderr.write("ERROR: Your authtoken: {TOKEN}\\n and {other}")
""",
        secrets=f'agent:\n  authtoken: "{other}"\n',
    )
    assert keeper.run() == 0
    *lines, farewell = ear.heard
    assert farewell == "The cloud refuses the agent: waiting 0.1 s before the next try"
    assert [json.loads(line)["msg"] for line in lines[:2]] == ["client session established", "command failed"]
    assert json.loads(lines[0]) == SESSION
    assert [line[:5] for line in lines[2:]] == ["ERROR", " and "]
    assert TOKEN not in "".join(lines)
    assert other not in "".join(lines)
    assert "ERR_NGROK_107" in lines[1]
    assert without_notes((tmp_path / "agent.log").read_text()) == lines


@pytest.mark.parametrize(
    ("body", "status"), [("", 0), ("sys.exit(3)", 3), ("os.kill(os.getpid(), signal.SIGKILL)", 128 + 9)]
)
def test_the_end_of_the_agent_is_the_end_of_the_keeper(keep: Keep, body: str, status: int) -> None:
    keeper, ear = keep(body)
    assert keeper.run() == status
    assert ear.heard == []


def test_an_agent_that_is_told_to_end_may_say_farewell(keep: Keep) -> None:
    keeper, ear = keep(OBEDIENT, stop_at="ready")
    assert keeper.run() == 0
    assert [line.split()[0] for line in ear.heard] == ["ready", "farewell"]
    assert keeper.agent.returncode == 5


def test_an_agent_that_does_not_end_is_killed(keep: Keep) -> None:
    body = 'signal.signal(signal.SIGTERM, signal.SIG_IGN); print("ready", flush=True); time.sleep(20)'
    keeper, _ = keep(body, times=QUICK._replace(end=0.1), stop_at="ready")
    assert keeper.run() == 0
    assert keeper.agent.returncode == -signal.SIGKILL


# Finds no cloud at first, and is lucky when it is started the second time.
LUCKY_AT_LAST = f"""
second = os.path.exists(__file__ + ".started")
open(__file__ + ".started", "w").close()
say(**({SESSION!r} if second else {CUT_OFF!r}))
time.sleep(0 if second else 20)
sys.exit(4)
"""


def test_an_agent_that_waits_is_started_anew_once_the_cloud_can_be_reached(keep: Keep, cloud: int) -> None:
    keeper, ear = keep(LUCKY_AT_LAST, cloud)
    begin = time.monotonic()
    assert keeper.run() == 4
    assert time.monotonic() - begin < 2
    assert [json.loads(line) for line in (ear.heard[0], ear.heard[2])] == [CUT_OFF, SESSION]
    assert ear.heard[1] == "The cloud can be reached, but the agent waits: starting it anew"
    assert keeper.rescue.restarts == 0
    assert without_notes(keeper.log.text) == [ear.heard[0], ear.heard[2]]
    assert notes(ear) == [ngrok.STARTED, ngrok.STARTED, ngrok.GONE]


# Comes back after an outage, of which it says everything but its addresses.
ASTRAY = f"""
if not os.path.exists(__file__ + ".started"):
    open(__file__ + ".started", "w").close()
    for entry in {[SESSION, OPENED, CUT_OFF, SESSION]!r}:
        say(**entry)
    time.sleep(20)
for entry in {[SESSION, OPENED]!r}:
    say(**entry)
"""


def test_an_agent_that_does_not_say_at_which_addresses_it_is_back_is_started_anew(keep: Keep) -> None:
    keeper, ear = keep(ASTRAY)
    begin = time.monotonic()
    assert keeper.run() == 0
    assert time.monotonic() - begin < 2
    assert "The agent is back, and does not say at which addresses: starting it anew" in ear.heard
    assert notes(ear) == [ngrok.STARTED, ngrok.STARTED, ngrok.GONE]


# Opens something foreign ``times`` starts in a row.
HIJACKED = f"""
with open(__file__ + ".started", "a+") as file:
    file.write("x")
    file.seek(0)
    count = len(file.read())
entries = {[SESSION, OPENED]!r} + ([dict({FOREIGN!r}, t=str(count))] if count <= TIMES else [])
for entry in entries:
    say(**entry)
time.sleep(20 if count == 1 and TIMES else 0.3)
"""
AGAIN = "The agent opens again what nobody declared, page to http://127.0.0.1:9999: './reachable up' corrects that"


@pytest.mark.parametrize(("times", "told"), [(0, []), (1, ["starting it anew"]), (9, ["starting it anew", AGAIN])])
def test_what_nobody_declared_is_closed_by_a_new_start(keep: Keep, times: int, told: list[str]) -> None:
    body = HIJACKED.replace("TIMES", str(times))
    keeper, ear = keep(body)
    assert keeper.run() == 0
    words = [line for line in ear.heard if not line.startswith("{")]
    assert len(words) == len(told)
    assert all(line.endswith(end) for line, end in zip(words, told, strict=True))
    assert notes(ear).count(ngrok.STARTED) == (2 if times else 1)


def test_an_api_that_is_on_was_not_declared_either(keep: Keep) -> None:
    serves = {"addr": "127.0.0.1:4040", "lvl": "info", "msg": "starting web service", "obj": "web"}
    keeper, ear = keep(f"say(**{serves!r}); time.sleep(0.3)")
    assert keeper.run() == 0
    assert "The agent has opened what nobody declared, the agent's API: starting it anew" in ear.heard
    assert notes(ear).count(ngrok.STARTED) == 2


def test_what_is_open_stays_in_a_full_log_until_the_next_start(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "agent.log"), longest=100)
    log.add("what is open", is_lasting=True)
    for number in range(50):
        log.add(f"line {number:04}")
        assert log.text.startswith("what is open\n")
        assert len(log.text) <= 100
        assert (tmp_path / "agent.log").read_text() == log.text
    log.let_go()
    for number in range(20):
        log.add(f"line {number:04}")
    assert "what is open" not in log.text


def test_an_agent_that_reaches_the_cloud_by_itself_is_not_started_anew(keep: Keep, cloud: int) -> None:
    body = f"say(**{CUT_OFF!r}); time.sleep(0.02); say(**{SESSION!r}); time.sleep(0.18)"
    keeper, ear = keep(body, cloud, QUICK._replace(grace=0.15))
    assert keeper.run() == 0
    assert [json.loads(line) for line in ear.heard] == [CUT_OFF, SESSION]


def test_without_a_cloud_the_agent_is_left_alone(keep: Keep, cloud: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def refuse(address: tuple[str, int], timeout: float) -> socket.socket:
        tries.append((address, timeout))
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    keeper, ear = keep(f"say(**{CUT_OFF!r}); time.sleep(0.18)", cloud)
    assert keeper.run() == 0
    assert [json.loads(line) for line in ear.heard] == [CUT_OFF]
    assert 2 <= len(tries) <= 6
    assert set(tries) == {(("127.0.0.1", cloud), 0.05)}


def test_a_keeper_that_is_told_to_end_meanwhile_does_not_start_the_agent_anew(
    keep: Keep, cloud: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    start = Keeper.start

    def count(keeper: Keeper) -> None:
        started.append(keeper)
        start(keeper)

    monkeypatch.setattr(Keeper, "start", count)
    keeper, ear = keep(LUCKY_AT_LAST, cloud, stop_at="starting it anew")
    assert keeper.run() == 0
    assert len(ear.heard) == 2
    assert len(started) == 1


def test_a_try_that_ends_when_all_is_well_again_has_no_effect_later(keep: Keep) -> None:
    keeper, _ = keep("")
    keeper.rescue.end_try(time.monotonic(), reached=True)
    keeper.help()
    assert keeper.rescue.restart_at == float("inf")


def test_no_thread_tries_the_cloud_while_all_is_well(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("the cloud was tried"))
    keeper, _ = keep(f"say(**{SESSION!r}); time.sleep(0.1)")
    assert keeper.run() == 0
    assert not keeper.rescue.trying


def test_traffic_is_not_examined_for_trouble(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    monkeypatch.setattr(ngrok, "read_log", texts.append)
    keeper, _ = keep("")
    keeper.take_in([json.dumps(SESSION)])
    keeper.take_in([json.dumps({"lvl": "info", "msg": "join connections"})] * 3)
    assert len(texts) == 1
    assert len(keeper.log.lines) == 1


# Refusals


def trouble(state: str = "refused", heals: bool = False) -> ngrok.Trouble:
    return ngrok.Trouble(state, "ERR_NGROK_107", "The cloud refuses the authtoken.", "Set another one.", heals)


@pytest.mark.parametrize(
    ("heals", "pauses"),
    [(False, [15, 30, 60, 120, 240, 300, 300]), (True, [1, 2, 4, 8, 16, 30, 30])],
)
def test_refusals_one_after_another_are_answered_by_longer_pauses(keep: Keep, heals: bool, pauses: list[float]) -> None:
    for pause in pauses:
        keeper, ear = keep("", times=Times())
        keeper.trouble = trouble(heals=heals)
        assert keeper.pause_before_end() == pause
        assert ear.heard == [f"The cloud refuses the agent: waiting {pause} s before the next try"]


@pytest.mark.parametrize(
    ("before", "session", "expected"),
    [
        (trouble(), None, (60, "3\n")),
        (trouble(), 1, (60, "3\n")),  # as an endpoint that is refused: the session before it proves nothing
        (trouble(), 11, (15, "1\n")),
        (trouble("connecting"), None, (0, None)),
        (None, None, (0, None)),
        (None, 11, (0, None)),
    ],
)
def test_a_session_that_holds_ends_the_row_of_refusals(
    keep: Keep, tmp_path: Path, before: ngrok.Trouble | None, session: float | None, expected: tuple[float, str | None]
) -> None:
    count = tmp_path / "agent.log.refusals"
    count.write_text("2\n")
    keeper, _ = keep("", times=Times())
    keeper.trouble = before
    keeper.session_at = session and time.monotonic() - session
    pause = keeper.pause_before_end()
    assert (pause, count.read_text() if count.exists() else None) == expected


def test_who_ends_the_keeper_does_not_wait(keep: Keep, tmp_path: Path) -> None:
    keeper, ear = keep("", times=Times())
    keeper.trouble = trouble()
    keeper.stop()
    assert keeper.pause_before_end() == 0
    assert ear.heard == []
    assert not (tmp_path / "agent.log.refusals").exists()


def test_a_refused_agent_ends_after_the_pause_with_its_own_status(keep: Keep, tmp_path: Path) -> None:
    keeper, _ = keep(f"say(**{REFUSED!r}); sys.exit(1)")
    begin = time.monotonic()
    assert keeper.run() == 1
    assert time.monotonic() - begin > 0.1
    assert (tmp_path / "agent.log.refusals").read_text() == "1\n"


# As a service


@pytest.fixture
def service(tmp_path: Path, shipped: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that runs the keeper as a host does: without Ansible, and without anything installed."""
    with contextlib.ExitStack() as stack:

        def start(body: str, *options: str, cloud: str = "127.0.0.1:9") -> subprocess.Popen[str]:
            keeper = [sys.executable, "-S", "-m", "reachable.ngrok_agent"]
            command = [*keeper, "--log", str(tmp_path / "agent.log"), "--cloud", cloud]
            process = stack.enter_context(
                subprocess.Popen(
                    [*command, *options, "--", *agent(tmp_path, body)],
                    env=shipped,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            return process

        yield start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_agent_and_the_service(
    service: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = service(OBEDIENT)
    assert process.stdout
    assert ngrok.STARTED in process.stdout.readline()
    agent_pid = int(process.stdout.readline().split()[1])
    process.send_signal(number)
    out, errors = process.communicate()
    assert (without_notes(out), errors) == (["farewell"], "")
    assert process.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(agent_pid, 0)


def test_a_signal_ends_the_pause_after_a_refusal(service: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    process = service(f"say(**{REFUSED!r}); sys.exit(1)")
    assert process.stdout
    heard = [process.stdout.readline() for _ in range(4)]
    assert heard[-1] == "The cloud refuses the agent: waiting 15 s before the next try\n"
    found = ngrok.read_log((tmp_path / "agent.log").read_text())
    assert found is not None
    assert (found.state, found.code) == ("refused", "ERR_NGROK_107")
    process.terminate()
    assert process.communicate(timeout=5) == ("", "")
    assert process.returncode == 0


def test_a_service_ends_with_the_status_of_the_agent(
    service: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    (tmp_path / "a.yml").write_text('authtoken: "alpha_token"\n')
    (tmp_path / "b.yml").write_text('authtoken: "beta_token"\n')
    files = ["--secret-file", str(tmp_path / "a.yml"), str(tmp_path / "b.yml")]
    process = service('print("alpha_token beta_token"); sys.exit(7)', *files)
    out, errors = process.communicate()
    assert (process.returncode, errors) == (7, "")
    assert "alpha" not in out
    assert "beta" not in out


def test_without_its_secrets_the_agent_is_not_started(
    service: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = service('print("started")', "--secret-file", str(tmp_path / "missing.yml"))
    assert process.communicate() == (
        "",
        f"The agent cannot be kept running: [Errno 2] No such file or directory: '{tmp_path}/missing.yml'\n",
    )
    assert process.returncode == 1


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    options = Options([str(tmp_path / "ngrok")], str(tmp_path / "agent.log"), ("127.0.0.1", 9), [])
    with pytest.raises(FileNotFoundError, match="ngrok"):
        Keeper(options, io.BytesIO()).run()


@pytest.mark.parametrize(
    ("cloud", "address"),
    [
        ("connect.example:443", ("connect.example", 443)),
        ("[::1]:4443", ("::1", 4443)),
        ("connect.example", None),
        ("connect.example:https", None),
        (":443", None),
        ("[::1", None),
    ],
)
def test_the_command_line(cloud: str, address: tuple[str, int] | None, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--log", "l", "--cloud", cloud, "--secret-file", "a", "--secret-file", "b", "c"]
    arguments += ["--endpoint", "jupyter", "http", "http://127.0.0.1:8888", "--"]
    arguments += ["ngrok", "start", "--all", "--config", "x"]
    if address:
        command = ["ngrok", "start", "--all", "--config", "x"]
        endpoints = [{"name": "jupyter", "transport": "http", "upstream": "http://127.0.0.1:8888"}]
        assert ngrok_agent.parse(arguments) == Options(command, "l", address, ["a", "b", "c"], endpoints)
    else:
        with pytest.raises(SystemExit):
            ngrok_agent.parse(arguments)
        assert capsys.readouterr().err.endswith("error: --cloud needs HOST:PORT\n")
