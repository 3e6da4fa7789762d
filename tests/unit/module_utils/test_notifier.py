"""The outbox with programs that do as they are told, and Apprise against a real receiver."""

from __future__ import annotations

import http.server
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from reachable import notifier

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
NOTIFIER = [sys.executable, "-m", "reachable.notifier"]
URLS = ["json://one.example/secret-1", "json://two.example/secret-2"]
START = 1_800_000_000.0


def message(title: str, created: float = START) -> dict[str, Any]:
    return {"created": created, "title": title, "body": "Since then.", "data": {"name": "jupyter"}}


class Child:
    """A program that ends when the test says so."""

    def __init__(self, command: list[str], text: str) -> None:
        self.command, self.input = command, json.loads(text)
        self.code: int | None = None
        self.killed = False

    def poll(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.killed = True
        self.code = -9

    def wait(self, timeout: float = 0) -> int:
        if self.code is None:
            raise subprocess.TimeoutExpired(self.command, timeout)
        return self.code


class Post:
    """An outbox, the programs that it started, and its clock."""

    def __init__(self, folder: Path, urls: list[str] = URLS, command: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.now = 0.0
        self.children: list[Child] = []
        self.missing: set[str] = set()
        self.outbox = notifier.Outbox(str(folder), notifier.targets_of(urls, list(command)), self.start)

    def start(self, command: list[str], text: str) -> Child:
        if command[0] in self.missing:
            raise FileNotFoundError(2, "No such file or directory")
        self.children.append(Child(command, text))
        return self.children[-1]

    def tick(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.outbox.tick(self.now, START + self.now)

    def end(self, number: int, code: int) -> None:
        self.children[number].code = code
        self.tick()

    def started(self) -> list[tuple[str, str]]:
        return [(child.input["url"], child.input["title"]) for child in self.children]

    def files(self) -> list[str]:
        return sorted(os.listdir(self.folder))


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path / "outbox")


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 5), (2, 10), (3, 20), (7, 320), (8, 600), (9, 600), (100_000, 600)]
)
def test_delays_grow_up_to_ten_minutes(failures: int, seconds: float) -> None:
    assert notifier.delay_after(failures) == seconds


def test_each_target_gets_its_own_copy_that_others_cannot_read(post: Post) -> None:
    post.outbox.put(7, message("new address"))
    assert len(post.files()) == 2
    assert all(name.startswith("00000007-url-") and name.endswith(".json") for name in post.files())
    assert stat.S_IMODE(post.folder.stat().st_mode) == 0o700
    for name in post.files():
        path = post.folder / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert json.loads(path.read_text()) == message("new address")
        assert "secret" not in name + path.read_text()


def test_a_delivered_message_is_gone(post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    post.outbox.put(1, message("new address"))
    post.tick()
    assert post.started() == [(url, "new address") for url in URLS]
    assert [child.command for child in post.children] == [NOTIFIER] * 2
    assert set(post.children[0].input) == {"url", "title", "body"}
    assert len(post.files()) == 2
    post.end(0, 0)
    assert len(post.files()) == 1
    post.end(1, 0)
    assert post.files() == []
    lines = [line.partition(" ")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines == [f"message 00000001 to notify address {number} is delivered" for number in (1, 2)]


def test_a_failure_delays_its_own_target_only_and_nothing_overtakes(
    post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    post.outbox.put(1, message("first"))
    post.outbox.put(2, message("second"))
    post.tick()
    post.end(1, 1)
    post.end(0, 0)
    assert post.started()[2:] == [(URLS[0], "second")]
    post.end(2, 0)
    post.tick(4.9)
    assert len(post.children) == 3
    post.tick(0.1)
    assert post.started()[3:] == [(URLS[1], "first")]
    post.end(3, 1)
    post.tick(9.9)
    assert len(post.children) == 4
    post.tick(0.1)
    post.end(4, 0)
    post.tick()
    assert post.started()[4:] == [(URLS[1], "first"), (URLS[1], "second")]
    post.end(5, 1)
    post.tick(5)
    assert len(post.children) == 7  # the delay began anew after a success
    out = capsys.readouterr().out
    assert "message 00000001 did not reach notify address 2: it ended with 1\n" in out
    assert "secret" not in out


def test_a_restart_loses_nothing_and_repeats_nothing(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.outbox.put(9, message("ninth"))
    post.outbox.put(10, message("tenth"))
    listed = post.files()[::-1]
    monkeypatch.setattr(os, "listdir", lambda _: [name for name in listed if (post.folder / name).exists()])
    post.tick()
    post.end(0, 0)
    again = Post(post.folder)
    again.tick()
    again.end(0, 0)
    again.end(1, 0)
    again.tick()
    again.end(2, 0)
    assert again.started() == [(URLS[0], "tenth"), (URLS[1], "ninth"), (URLS[1], "tenth")]
    assert again.files() == []


def test_a_message_that_is_made_again_after_a_crash_is_one_message(post: Post) -> None:
    post.outbox.put(1, message("new address"))
    again = Post(post.folder)
    again.outbox.put(1, message("new address"))
    assert [len(target.waiting) for target in again.outbox.targets] == [1, 1]
    again.tick()
    again.end(0, 0)
    again.end(1, 0)
    again.tick(1000)
    assert len(again.children) == 2


def test_the_latest_messages_can_be_read_again(post: Post) -> None:
    for number in (8, 9, 10):
        post.outbox.put(number, message(str(number)))
    (post.folder / f"00000009-{post.outbox.targets[1].key}.json").write_text("{")
    assert Post(post.folder).outbox.since(8) == [(10, message("10"))]
    assert Post(post.folder).outbox.since(7)[0] == (8, message("8"))


def test_messages_survive_another_order_of_the_addresses_but_not_the_loss_of_theirs(
    post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    post.outbox.put(1, message("new address"))
    (post.folder / ".reachable-half").write_text("{")
    again = Post(post.folder, ["json://new.example", URLS[1]])
    again.tick()
    assert again.started() == [(URLS[1], "new address")]
    assert len(again.files()) == 1
    assert capsys.readouterr().out.count("is dropped: nobody is left who should get it") == 2


def test_after_three_days_of_failures_a_message_is_dropped(post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    post.outbox.put(1, message("old"))
    post.outbox.put(2, message("young", START + 86400))
    post.tick(3 * 86400)
    post.end(0, 1)
    assert len(post.files()) == 4
    post.tick(5)
    post.end(2, 1)
    assert len(post.files()) == 3
    assert "message 00000001 to notify address 1 is dropped: it has failed for three days" in capsys.readouterr().out
    post.tick(600)
    assert post.started()[3] == (URLS[0], "young")


def test_a_program_that_hangs_is_ended(post: Post) -> None:
    post.outbox.put(1, message("new address"))
    post.tick()
    post.tick(30)
    assert not post.children[0].killed
    post.tick(0.5)
    assert post.children[0].killed
    post.tick(0.5)
    post.tick(4.9)
    assert len(post.children) == 2
    post.tick(0.1)
    assert len(post.children) == 4


def test_only_a_few_programs_run_at_once(tmp_path: Path) -> None:
    post = Post(tmp_path / "outbox", [f"json://{number}.example" for number in range(5)])
    post.outbox.put(1, message("new address"))
    post.tick()
    assert len(post.children) == 3
    post.end(1, 1)
    assert len(post.children) == 4
    post.end(0, 0)
    assert len(post.children) == 5


def test_a_command_gets_the_endpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    post = Post(tmp_path / "outbox", [], ("/usr/local/bin/tell", "--me"))
    post.missing = {"/usr/local/bin/tell"}
    post.outbox.put(1, message("new address"))
    assert post.files() == ["00000001-command.json"]
    post.tick()
    assert post.children == []
    expected = "message 00000001 did not reach the notify command: it cannot be started: No such file or directory\n"
    assert capsys.readouterr().out.endswith(expected)
    post.missing = set()
    post.tick(5)
    assert (post.children[0].command, post.children[0].input) == (["/usr/local/bin/tell", "--me"], {"name": "jupyter"})


def test_a_message_that_cannot_be_read_does_not_block_the_others(post: Post) -> None:
    post.outbox.put(1, message("first"))
    post.outbox.put(2, message("second"))
    for name in post.files()[:2]:
        (post.folder / name).write_text("{")
    post.tick()
    post.tick()
    assert post.started() == [(url, "second") for url in URLS]


def test_an_end_keeps_what_is_not_delivered(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "STOP_SECONDS", 0.0)
    post.outbox.put(1, message("new address"))
    post.tick()
    post.children[1].code = 0
    post.outbox.stop()
    assert post.children[0].killed
    assert not post.children[1].killed
    assert post.files() == [f"00000001-{post.outbox.targets[0].key}.json"]


def test_a_real_program_gets_its_input(tmp_path: Path) -> None:
    copy = "import shutil, sys; shutil.copyfileobj(sys.stdin, open(sys.argv[1], 'w'))"
    child = notifier.spawn([sys.executable, "-c", copy, str(tmp_path / "copy")], "überall")
    assert child.wait(20) == 0
    assert (tmp_path / "copy").read_text() == "überall"


def test_a_real_program_may_ignore_its_input() -> None:
    assert notifier.spawn(["true"], "x" * 60_000).wait(20) == 0


# Apprise


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes notes, and answers with the status that the path asks for."""

    notes: list[dict[str, Any]]

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.notes.append(json.loads(content))
        wanted = self.path.rpartition("/")[2]
        self.send_response(int(wanted) if wanted.isdigit() else 200)
        self.send_header("Location", "/moved")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    notes: list[dict[str, Any]] = []
    handler = type("Handler", (Receiver,), {"notes": notes})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"json://user:geheim@127.0.0.1:{server.server_port}/secret", notes
        server.shutdown()


@pytest.fixture
def environment(tmp_path: Path, shipped: dict[str, str]) -> dict[str, str]:
    return {**shipped, "HOME": str(tmp_path)}


def run(environment: dict[str, str], text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        NOTIFIER, input=text, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_apprise_delivers(receiver: tuple[str, list[dict[str, Any]]], environment: dict[str, str]) -> None:
    url, notes = receiver
    mail = {"url": url, "title": "Jupyter on vps: new address", "body": "Safari: https://a.example/\nSince then."}
    done = run(environment, json.dumps(mail))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [(note["title"], note["message"]) for note in notes] == [(mail["title"], mail["body"])]


def test_a_refusal_is_named(receiver: tuple[str, list[dict[str, Any]]], environment: dict[str, str]) -> None:
    url, notes = receiver
    done = run(environment, json.dumps({"url": f"{url}/503", "title": "t", "body": "b"}))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "not delivered: the receiver answers HTTP 503\n"
    assert len(notes) >= 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_message_that_is_sent_elsewhere_is_not_delivered(
    status: int, receiver: tuple[str, list[dict[str, Any]]], environment: dict[str, str]
) -> None:
    url, _ = receiver
    done = run(environment, json.dumps({"url": f"{url}/{status}", "title": "t", "body": "b"}))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"not delivered: the receiver answers HTTP {status}, that it is at another address: give that one\n"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '{"url": "json://user:geheim@127.0.0.1:1/secret", "title": "t", "body": "b"}',
            "the receiver cannot be reached, or does not take it",
        ),
        (
            '{"url": "nonsense://geheim", "title": "t", "body": "b"}',
            "Apprise does not know this kind of address, or a part of it is missing",
        ),
        ('{"url": "json://geheim"', "JSONDecodeError"),
        ('{"url": "json://geheim"}', "KeyError"),
    ],
)
def test_failures_do_not_give_the_address_away(environment: dict[str, str], text: str, words: str) -> None:
    done = run(environment, text)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"not delivered: {words}\n"


def test_the_package_may_be_missing(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "apprise.py").write_text("raise ModuleNotFoundError")
    environment["PYTHONPATH"] += f":{tmp_path}"
    done = run(environment, '{"url": "json://geheim", "title": "t", "body": "b"}')
    assert (done.returncode, done.stderr) == (1, "not delivered: ModuleNotFoundError\n")
