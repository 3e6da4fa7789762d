"""Strangers guess so many passwords an hour, and keep nobody out who is known."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import hashlib
import http.client
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import websocket
from imports import imported
from jupyter_server.serverapp import ServerApp
from reachable import proofs

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = Path(__file__).resolve().parents[5] / "roles/jupyter/files"
PASSWORD = "correct horse battery"
HASH = "sha256:salt:" + hashlib.sha256(f"{PASSWORD}salt".encode()).hexdigest()
KEY = "5e" * 32
HOUR = 3600.0
PATIENCE_SECONDS = 60
PAUSE_SECONDS = 2.0

sys.path.append(str(FILES))  # as our configuration of Jupyter does
reachable_login = imported("reachable_login", FILES / "reachable_login.py")
Visitor = reachable_login.Visitor


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def guess(gate: Any, visitor: Any) -> bool:
    """Send a wrong password; tell whether it was looked at."""
    if gate.seconds(visitor):
        return False
    for budget in gate.budgets(visitor):
        budget.take()
    return True


def guesses(gate: Any, clock: Clock, visitors: list[Any], seconds: float) -> list[float]:
    """Let visitors guess every second; return when their passwords were looked at."""
    moments = []
    end = clock.now + seconds
    while clock.now < end:
        moments += [clock.now for visitor in visitors if guess(gate, visitor)]
        clock.now += 1
    return moments


@pytest.mark.parametrize("hourly", [12, 13, 132, 1000])
def test_in_no_hour_there_are_more_guesses_than_are_given(hourly: int) -> None:
    clock = Clock()
    gate = reachable_login.Gate(hourly, clock)
    visitors = [Visitor(f"192.0.2.{number}", "") for number in range(20)]
    moments = guesses(gate, clock, visitors, 3 * HOUR)
    most = max(sum(1 for moment in moments if start <= moment < start + HOUR) for start in range(1000, 9000, 10))
    assert hourly - 2 <= most <= hourly


def test_some_at_once_then_one_after_the_other() -> None:
    clock = Clock()
    gate = reachable_login.Gate(132, clock)
    visitors = [Visitor(f"192.0.2.{number}", "") for number in range(20)]
    assert len(guesses(gate, clock, visitors, 1)) == 12
    assert gate.seconds(visitors[0]) == 29
    moments = guesses(gate, clock, visitors, 300)
    gaps = {round(later - earlier) for earlier, later in itertools.pairwise(moments)}
    assert gaps == {30}


@pytest.mark.parametrize(
    ("attackers", "others"),
    [
        (["192.0.2.1"], ["192.0.2.2", "127.0.0.1", "2001:db8::1"]),
        (["127.0.0.1"], ["192.0.2.2"]),
        # somebody with a whole network of IPv6
        ([f"2001:db8:0:1::{number:x}" for number in range(1, 30)], ["2001:db8:0:2::1", "192.0.2.2"]),
    ],
)
def test_who_guesses_from_one_address_does_not_keep_others_out(attackers: list[str], others: list[str]) -> None:
    clock = Clock()
    gate = reachable_login.Gate(132, clock)
    moments = guesses(gate, clock, [Visitor(address, "") for address in attackers], 600)
    assert 15 <= len(moments) <= 16
    assert {gate.seconds(Visitor(address, "")) for address in others} == {0}


def test_guessers_at_many_addresses_keep_strangers_out_and_nobody_who_is_known() -> None:
    clock = Clock()
    gate = reachable_login.Gate(132, clock)
    crowd = [Visitor(f"10.0.{number // 250}.{number % 250}", "") for number in range(2000)]
    assert len(guesses(gate, clock, crowd, 60)) == 12 + 1
    assert gate.seconds(Visitor("192.0.2.1", "")) > 0
    assert gate.seconds(Visitor("192.0.2.1", "a-mark")) == 0
    assert gate.seconds(Visitor("10.0.0.0", "another-mark")) == 0
    assert len(gate._budgets) <= reachable_login.MOST_BUDGETS


def test_right_passwords_use_nothing_up() -> None:
    clock = Clock()
    gate = reachable_login.Gate(132, clock)
    visitor = Visitor("192.0.2.1", "")
    for _ in range(100):
        assert guess(gate, visitor)
        for budget in gate.budgets(visitor):
            budget.give_back()


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "a second"), (30, "30 seconds"), (120, "120 seconds"), (121, "3 minutes")]
)
def test_the_page_says_how_long_it_takes(seconds: int, words: str) -> None:
    assert reachable_login.in_words(seconds) == words


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::1"),
        ("", "127.0.0.1"),
    ],
)
def test_addresses(address: Any, plain: str) -> None:
    assert reachable_login.plain_address(address) == plain


# Where passwords are checked


class Checks:
    """In place of argon2: takes a while, and counts how many run at once."""

    def __init__(self) -> None:
        self.running, self.most, self.threads = 0, 0, set[int]()
        self.lock = threading.Lock()

    def __call__(self, password: str) -> bool:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.threads.add(threading.get_ident())
        time.sleep(0.1)
        with self.lock:
            self.running -= 1
        return password == PASSWORD


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    server = ServerApp(cookie_secret_file=str(tmp_path / "cookie_secret"))
    provider = reachable_login.ReachableIdentityProvider(parent=server, hashed_password=HASH)
    monkeypatch.setattr(provider, "passwd_check", Checks(), raising=False)
    return provider


def test_passwords_of_strangers_are_checked_one_at_a_time_and_the_server_goes_on(provider: Any) -> None:
    async def all_at_once() -> tuple[list[bool], int]:
        strangers = [Visitor(f"192.0.2.{number}", "") for number in range(6)]
        checked = asyncio.gather(*(provider.is_right("guess", each) for each in strangers))
        turns = 0
        while not checked.done():
            await asyncio.sleep(0.01)
            turns += 1
        return await checked, turns

    results, turns = asyncio.run(all_at_once())
    assert results == [False] * 6
    assert provider.passwd_check.most == 1
    assert threading.get_ident() not in provider.passwd_check.threads
    assert turns >= 20


def test_who_is_known_does_not_stand_in_line_behind_strangers(provider: Any) -> None:
    async def all_at_once() -> tuple[float, bool]:
        strangers = [provider.is_right("guess", Visitor(f"192.0.2.{number}", "")) for number in range(10)]
        line = asyncio.gather(*strangers)
        await asyncio.sleep(0.05)
        started = time.monotonic()
        assert await provider.is_right(PASSWORD, Visitor("192.0.2.1", "a-mark"))
        taken, is_in_line = time.monotonic() - started, not line.done()
        await line
        return taken, is_in_line

    taken, is_in_line = asyncio.run(all_at_once())
    assert taken < 0.5
    assert is_in_line
    assert provider.passwd_check.most == 2


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux only")
def test_strangers_come_last(provider: Any) -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert provider._strangers_worker.submit(priority).result() == 5
    assert provider._known_worker.submit(priority).result() == priority() < 19


def test_a_password_of_no_use_is_not_hashed(provider: Any) -> None:
    assert not asyncio.run(provider.is_right("x" * 4097, Visitor("192.0.2.1", "")))
    assert provider.passwd_check.most == 0


# The real server


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    page: str


class Browser:
    """A browser at one of the many addresses of the loopback."""

    def __init__(self, port: int, address: str = "127.0.0.1", cookies: dict[str, str] | None = None) -> None:
        self.port, self.address, self.cookies = port, address, dict(cookies or {})

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, PATIENCE_SECONDS, (self.address, 0))
        with contextlib.closing(connection):
            form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            connection.request(method, path, body, {"Cookie": cookies, **form, **headers})
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read().decode())
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def log_in(self, password: str, **headers: str) -> Answer:
        self.ask("GET", "/login")
        form = urllib.parse.urlencode({"_xsrf": self.cookies["_xsrf"], "password": password})
        return self.ask("POST", "/login", form, **headers)

    def marks(self) -> dict[str, str]:
        return {name: value for name, value in self.cookies.items() if name.startswith("known-")}


class Server(NamedTuple):
    port: int
    log: Path
    command: list[str]
    environment: dict[str, str]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Start a server with our folder of configuration and its defaults."""
    ours = tmp_path / "etc"
    (ours / "defaults").mkdir(parents=True)
    for name in ("jupyter_server_config.py", "reachable_login.py", "reachable_proof.py"):
        shutil.copy(FILES / name, ours)
    # Shorter than people are made to wait, or an attempt would be left again before the last guess.
    with (ours / "jupyter_server_config.py").open("a") as config:
        config.write(f"import reachable_login\nreachable_login.PAUSE_SECONDS = {PAUSE_SECONDS}\n")
    # The login page is as the server has it.
    shutil.copytree(FILES / "pages", ours / "pages")
    port = free_port()
    settings = {
        "ServerApp": {
            "port": port,
            "port_retries": 0,
            "root_dir": str(ours),
            "open_browser": False,
            "allow_root": True,
            "extra_template_paths": [str(ours / "pages")],
            "jpserver_extensions": {"reachable_hostnames": False, "reachable_login": True, "reachable_proof": False},
        },
        "PasswordIdentityProvider": {"hashed_password": HASH, "token": ""},
        "ReachableIdentityProvider": {"login_days": 5},
        "Reachable": {"proof_key": KEY},
    }
    (ours / "jupyter_server_config.json").write_text(json.dumps(settings))
    default = {"ServerApp": {"identity_provider_class": "reachable_login.ReachableIdentityProvider"}}
    (ours / "defaults/jupyter_server_config.json").write_text(json.dumps(default))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "JUPYTER_CONFIG_PATH": f"{ours}:{ours}/defaults",
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"),
    }
    server = Server(port, tmp_path / "log", [sys.executable, "-m", "jupyter_server"], environment)
    with running(server):
        yield server


@contextlib.contextmanager
def running(server: Server) -> Iterator[None]:
    with server.log.open("a") as log:
        process = subprocess.Popen(server.command, env=server.environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while socket.socket().connect_ex(("127.0.0.1", server.port)):
            assert process.poll() is None, server.log.read_text()
            assert time.monotonic() < deadline, server.log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def use_up(server: Server, addresses: list[str]) -> list[int]:
    """Guess from addresses until there is no attempt left."""
    browsers = [Browser(server.port, address) for address in addresses]
    statuses: list[int] = []
    while (status := browsers[len(statuses) % len(browsers)].log_in("guess").status) == 401:
        statuses.append(status)
    return [*statuses, status]


@pytest.mark.programs
def test_strangers_are_held_up_and_browsers_that_have_logged_in_are_not(server: Server) -> None:
    known = Browser(server.port)
    known.ask("GET", "/login")
    form = urllib.parse.urlencode({"_xsrf": known.cookies["_xsrf"]})
    assert known.ask("POST", f"/login?password={urllib.parse.quote(PASSWORD)}", form).status == 401
    assert known.log_in(PASSWORD).status == 302
    assert known.ask("GET", "/api/contents").status == 200
    known = Browser(server.port, cookies=known.marks())
    assert known.ask("GET", "/api/contents").status == 403

    assert use_up(server, ["127.0.0.2"]) == [401] * 6 + [429]
    assert Browser(server.port, "127.0.0.3").log_in(PASSWORD).status == 302
    assert use_up(server, ["127.0.0.4", "127.0.0.5"]) == [401] * 5 + [429]

    started = time.monotonic()
    answer = Browser(server.port, "127.0.0.6").log_in(PASSWORD)
    assert time.monotonic() - started > PAUSE_SECONDS
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) in range(1, 61)
    seconds = answer.headers["Retry-After"]
    assert re.search(
        rf'role="alert">Too many wrong passwords were tried. Try again in {seconds} seconds.<', answer.page
    ), answer.page

    started = time.monotonic()
    assert known.log_in("wrong").status == 401
    assert known.log_in(PASSWORD).status == 302
    assert time.monotonic() - started < PAUSE_SECONDS
    assert known.ask("GET", "/api/contents").status == 200


@pytest.mark.programs
def test_a_mark_that_guesses_is_lost(server: Server) -> None:
    known = Browser(server.port)
    assert known.log_in(PASSWORD).status == 302
    thief = Browser(server.port, "127.0.0.9", known.marks())
    assert {thief.log_in("guess").status for _ in range(12)} == {401}
    assert thief.log_in(PASSWORD).status == 429
    # What is left is an address like any other.
    assert thief.log_in(PASSWORD).status == 302
    forged = {name: value.replace(value[-4:], "0000") for name, value in known.marks().items()}
    use_up(server, ["127.0.0.2", "127.0.0.3", "127.0.0.4"])
    assert Browser(server.port, cookies=forged).log_in(PASSWORD).status == 429


@pytest.mark.programs
def test_a_burst_is_logged_once_and_who_has_the_key_of_the_installation_gets_in_all_the_same(server: Server) -> None:
    use_up(server, ["127.0.0.2"])
    use_up(server, ["127.0.0.2"])
    use_up(server, ["127.0.0.3", "127.0.0.4"])
    introduced = {proofs.INTRODUCTION: proofs.introduction(KEY)}
    assert Browser(server.port).log_in(PASSWORD, **introduced).status == 302
    mark, _, code = introduced[proofs.INTRODUCTION].partition(" ")
    for wrong in (proofs.introduction("00" * 32), f"other {code}", mark, f" {code}"):
        assert Browser(server.port).log_in(PASSWORD, **{proofs.INTRODUCTION: wrong}).status == 429

    lines = [line.partition("] ")[2] for line in server.log.read_text().splitlines() if "[W" in line]
    assert [line for line in lines if "ogin" in line] == [
        "Login refused: wrong password from 127.0.0.2",
        "Login refused: too many wrong passwords from 127.0.0.2",
        "Login refused: wrong password from 127.0.0.3",
        "Login refused: wrong password from 127.0.0.4",
        "Logins of browsers that are not known have to wait: too many wrong passwords",
    ]
    assert "guess" not in server.log.read_text()


# Sessions


def attributes(answer: Answer) -> dict[str, set[str]]:
    """Return the attributes of the cookies in an answer, those with a moment without it."""
    lines = [re.sub(r"expires=[^;]*", "expires", line).split("; ") for line in answer.headers.get_all("Set-Cookie", [])]
    return {re.sub(r"-127.*", "", name.partition("=")[0]): {*rest} for name, *rest in lines}


@pytest.mark.programs
def test_sessions(server: Server) -> None:
    common = {"Path=/", "SameSite=Lax", "expires"}
    for headers, more in (({}, set()), ({"X-Forwarded-Proto": "https"}, {"Secure"})):
        browser = Browser(server.port)
        assert attributes(browser.ask("GET", "/login", **headers)) == {"_xsrf": common | more}
        answer = browser.log_in(PASSWORD, **headers)
        private = common | more | {"HttpOnly"}
        assert attributes(answer) == {"username": private, "known-username": private}
    [login] = [line for line in answer.headers.get_all("Set-Cookie", []) if line.startswith("username")]
    expires = email.utils.parsedate_to_datetime(re.findall("expires=([^;]*)", login)[0]).timestamp()
    assert abs(expires - time.time() - 5 * 24 * 3600) < 60

    # What is elsewhere cannot log out, but the browser asks its owner.
    here, elsewhere = f"http://127.0.0.1:{server.port}/lab", "http://192.0.2.1/"
    for headers in ({}, {"Referer": elsewhere}, {"Sec-Fetch-Site": "cross-site", "Referer": here}):
        assert 'id="logout_submit"' in browser.ask("GET", "/logout", **headers).page
        assert browser.ask("GET", "/api/contents").status == 200
    assert browser.ask("POST", "/logout", "x=1").status == 403
    assert browser.ask("GET", "/api/contents").status == 200

    events = websocket.create_connection(
        f"ws://127.0.0.1:{server.port}/api/events/subscribe",
        cookie="; ".join(f"{name}={value}" for name, value in browser.cookies.items()),
        timeout=PATIENCE_SECONDS,
    )
    other, copy = Browser(server.port), Browser(server.port, cookies=browser.cookies)
    assert other.log_in(PASSWORD).status == 302
    assert ">You are logged out.<" in browser.ask("GET", "/logout", Referer=here).page
    assert events.recv_data()[0] == websocket.ABNF.OPCODE_CLOSE
    assert [each.ask("GET", "/api/contents").status for each in (browser, copy, other)] == [403, 403, 200]
    assert copy.log_in(PASSWORD).status == 302

    left = Browser(server.port, cookies=other.cookies)
    form = urllib.parse.urlencode({"_xsrf": other.cookies["_xsrf"]})
    assert ">You are logged out.<" in other.ask("POST", "/logout", form).page
    assert [each.ask("GET", "/api/contents").status for each in (left, copy)] == [403, 200]
    assert server.log.parent.joinpath("run/revoked_logins").stat().st_mode & 0o777 == 0o600


def test_what_has_ended_stays_so(tmp_path: Path) -> None:
    file = tmp_path / "revoked"
    revoked = reachable_login.Revoked(file)
    revoked.add("long ago", -1)
    revoked.add("ada", 1)
    revoked.add("eve", 1)
    again = reachable_login.Revoked(file)
    assert [name in again for name in ("long ago", "ada", "eve", "bob")] == [False, True, True, False]
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("")
    assert "ada" not in reachable_login.Revoked(file)
