"""Logs are read on from where they were read before: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import daemon_log
import pytest
from ansible.module_utils.reachable import daemon_logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import RunModule

JUPYTER, NGROK = "reachable-jupyter", "reachable-ngrok"
SECONDS = 1_795_692_746
MANAGER = {"SYSLOG_IDENTIFIER": "systemd", "_SYSTEMD_UNIT": "init.scope"}


def texts(answer: dict[str, Any]) -> list[str]:
    return [line["text"] for line in answer["lines"]]


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


# The journal


def entry(message: Any, second: int = 0, unit: str = JUPYTER, **fields: str) -> str:
    return json.dumps(
        {
            "__CURSOR": f"c{second}",
            "__REALTIME_TIMESTAMP": f"{SECONDS + second}000500",
            "_SYSTEMD_UNIT": f"{unit}.service",
            "SYSLOG_IDENTIFIER": "program",
            "MESSAGE": message,
            **fields,
        }
    )


class Journal:
    """A journalctl that writes down how it was called."""

    def __init__(self, folder: Path) -> None:
        """Have no entries."""
        self.program = folder / "journalctl"
        self.has()

    def has(self, *entries: str, then: str = "") -> None:
        """Answer with these entries, then do something."""
        (self.program.parent / "entries").write_text("".join(f"{each}\n" for each in entries))
        self.program.write_text(
            f'#!/bin/sh\nfor word; do echo "$word"; done >"$0.argv"\ncat "${{0%/*}}/entries"\n{then}\n'
        )
        self.program.chmod(0o755)

    @property
    def begin(self) -> str:
        """Where it was last told to begin."""
        [begin] = [word for word in self.argv if word.startswith(("--after-cursor", "--since", "--lines"))]
        return begin

    @property
    def argv(self) -> list[str]:
        """How it was last called."""
        return Path(f"{self.program}.argv").read_text().splitlines()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return Journal(tmp_path)


@pytest.mark.parametrize("check", [True, False])
def test_the_journal(run_module: RunModule, journal: Journal, check: bool) -> None:
    journal.has(
        entry("Starting it", 1, **MANAGER, UNIT="reachable-ngrok.service"),
        entry("[I] up", 2),
        entry("two\nlines\n", 3),
        entry([27, 91, 255], 4, NGROK),
        entry(None, 5),
    )
    answer = run_module(daemon_log, check=check, name=[JUPYTER, NGROK])
    assert answer["lines"] == [
        {"daemon": NGROK, "time": SECONDS + 1.0005, "text": "2026-11-26 11:32:27 systemd: Starting it"},
        {"daemon": JUPYTER, "time": SECONDS + 2.0005, "text": "[I] up"},
        {"daemon": JUPYTER, "time": SECONDS + 3.0005, "text": "two"},
        {"daemon": JUPYTER, "time": SECONDS + 3.0005, "text": "lines"},
        {"daemon": NGROK, "time": SECONDS + 4.0005, "text": "\x1b[\N{REPLACEMENT CHARACTER}"},
        {"daemon": JUPYTER, "time": SECONDS + 5.0005, "text": ""},
    ]
    assert (answer["changed"], answer["more"]) == (False, False)
    assert journal.argv == [
        *("--quiet", "--no-pager", "--all", "--output=json"),
        "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_SYSTEMD_UNIT,UNIT,OBJECT_SYSTEMD_UNIT,COREDUMP_UNIT",
        *("--lines=200", "--unit=reachable-jupyter.service", "--unit=reachable-ngrok.service"),
    ]


def test_the_journal_of_a_person(run_module: RunModule, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    unit = "reachable-jupyter.service"
    journal.has(
        entry("Starting it", 1, "user@1000", SYSLOG_IDENTIFIER="systemd", USER_UNIT=unit),
        entry("[I] up", 2, "user@1000", _SYSTEMD_USER_UNIT=unit),
    )
    answer = run_module(daemon_log, name=[JUPYTER])
    assert [line["text"] for line in answer["lines"]] == ["2026-11-26 11:32:27 systemd: Starting it", "[I] up"]
    assert journal.argv[-3:] == [
        f"--output-fields=MESSAGE,SYSLOG_IDENTIFIER,{','.join(daemon_logs.USER_UNIT_FIELDS)}",
        "--lines=200",
        "--user-unit=reachable-jupyter.service",
    ]


def test_the_journal_goes_on(run_module: RunModule, journal: Journal) -> None:
    journal.has(entry("a", 1), entry("b", 2))
    cursor = run_module(daemon_log, name=[JUPYTER], lines=2)["cursor"]
    assert journal.begin == "--lines=2"
    journal.has()
    answer = run_module(daemon_log, name=[JUPYTER], since="today", cursor=cursor)
    assert (journal.begin, answer["lines"]) == ("--after-cursor=c2", [])
    run_module(daemon_log, name=[JUPYTER], cursor=answer["cursor"])
    assert journal.begin == "--after-cursor=c2"


def test_a_journal_without_entries_goes_on_from_when_it_was_asked(run_module: RunModule, journal: Journal) -> None:
    before = time.time()
    cursor = run_module(daemon_log, name=[JUPYTER])["cursor"]
    run_module(daemon_log, name=[JUPYTER], cursor=cursor)
    assert before <= float(journal.begin.removeprefix("--since=@")) + 1e-6 <= time.time()
    began = journal.begin
    journal.has(entry("a", 1))
    cursor = run_module(daemon_log, name=[JUPYTER], cursor=cursor)["cursor"]
    assert journal.begin == began
    run_module(daemon_log, name=[JUPYTER], cursor=cursor)
    assert journal.begin == "--after-cursor=c1"


def test_a_long_journal_comes_in_parts(
    run_module: RunModule, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_logs, "LONGEST_ANSWER_LINES", 2)
    journal.has(entry("a", 1), entry("b", 2), entry("c", 3), then="exec sleep 30")
    began = time.monotonic()
    answer = run_module(daemon_log, name=[JUPYTER], since="2026-11-26 11:32")
    assert (texts(answer), answer["more"], journal.begin) == (["a", "b"], True, "--since=@1795692720.000000")
    assert time.monotonic() - began < 20, "the rest is not waited for"
    journal.has(entry("c", 3))
    answer = run_module(daemon_log, name=[JUPYTER], since="2026-11-26 11:32", cursor=answer["cursor"])
    assert (texts(answer), answer["more"], journal.begin) == (["c"], False, "--after-cursor=c2")


def test_a_journal_that_cannot_be_read(
    run_module: RunModule, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.has(then="echo 'No journal files.' >&2; exit 1")
    assert run_module(daemon_log, name=[JUPYTER])["msg"] == "The journal cannot be read: No journal files."
    journal.has(then="exit 3")
    message = "The journal cannot be read: journalctl ended with exit status 3."
    assert run_module(daemon_log, name=[JUPYTER])["msg"] == message
    monkeypatch.setenv("PATH", "/nowhere")
    message = "The logs cannot be read: [Errno 2] No such file or directory: 'journalctl'."
    assert run_module(daemon_log, name=[JUPYTER])["msg"] == message


# The files


class Folder:
    """The logs of a supervisord."""

    def __init__(self, path: Path) -> None:
        """Have none."""
        self.path = path

    def write(self, text: str, log: str = JUPYTER) -> None:
        """Append to a log."""
        with (self.path / f"{log}.log").open("a") as file:
            file.write(text)

    def put_aside(self, log: str = JUPYTER, keep: int = 3) -> None:
        """Begin a new log, as supervisord does."""
        base = f"{self.path}/{log}.log"
        for number in range(keep - 1, 0, -1):
            if os.path.exists(f"{base}.{number}"):
                os.rename(f"{base}.{number}", f"{base}.{number + 1}")
        os.rename(base, f"{base}.1")
        self.write("", log)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


class Reader:
    """Reads on and on."""

    def __init__(self, run_module: RunModule, folder: Folder) -> None:
        """Begin."""
        self.run, self.folder, self.cursor = run_module, folder, None

    def read(self, **options: Any) -> list[str]:
        """Return what is new."""
        options = {"name": [JUPYTER], "folder": str(self.folder.path), "cursor": self.cursor, **options}
        answer = self.run(daemon_log, **options)
        self.cursor = answer["cursor"]
        return texts(answer)


@pytest.fixture
def reader(run_module: RunModule, folder: Folder) -> Reader:
    return Reader(run_module, folder)


def at(clock: str, text: str = "x") -> str:
    return f"[I 2026-11-26 {clock}.000 ServerApp] {text}"


def test_files_are_merged_by_time(run_module: RunModule, folder: Folder) -> None:
    folder.write(f"{at('10:00:00')}\n  goes on\n{at('10:00:03')}\n")
    folder.write('{"t":"2026-11-26T10:00:01Z"}\n', NGROK)
    folder.write(
        "2026-11-26 10:00:02,000 INFO exited: reachable-ngrok (exit status 1; not expected)\n"
        "2026-11-26 10:00:02,000 INFO exited: reachable-endpoint (exit status 1; not expected)\n"
        "2026-11-26 10:00:04,000 INFO spawned: 'reachable-jupyter-2' with pid 5\n"
        "2026-11-26 10:00:05,000 INFO spawned: 'un-reachable-jupyter' with pid 6\n",
        "supervisord",
    )
    answer = run_module(daemon_log, name=[JUPYTER, NGROK], folder=str(folder.path))
    ten = 1_795_687_200
    assert answer["lines"] == [
        {"daemon": JUPYTER, "time": ten, "text": at("10:00:00")},
        {"daemon": JUPYTER, "time": ten, "text": "  goes on"},
        {"daemon": NGROK, "time": ten + 1, "text": '{"t":"2026-11-26T10:00:01Z"}'},
        {
            "daemon": NGROK,
            "time": ten + 2,
            "text": "2026-11-26 10:00:02,000 INFO exited: reachable-ngrok (exit status 1; not expected)",
        },
        {"daemon": JUPYTER, "time": ten + 3, "text": at("10:00:03")},
    ]
    assert (answer["changed"], answer["more"]) == (False, False)


def test_files_go_on_through_rotation_and_with_what_was_cut_by_it(reader: Reader, folder: Folder) -> None:
    assert reader.read() == []
    folder.write("1\n2\nha")
    assert reader.read() == ["1", "2"]
    assert reader.read() == []
    folder.put_aside()
    assert reader.read() == []
    folder.write("lf\n3\n")
    assert reader.read() == ["half", "3"]
    folder.write("4\n")
    folder.put_aside()
    folder.write("5\n")
    folder.put_aside()
    folder.write("6\n")
    assert reader.read() == ["4", "5", "6"]
    with (folder.path / f"{JUPYTER}.log").open():  # so that no other file gets its number
        for number in range(7, 12):  # more than is kept
            folder.put_aside()
            folder.write(f"{number}\n")
    assert reader.read() == ["8", "9", "10", "11"]
    assert reader.read() == []


def test_a_file_that_was_emptied(reader: Reader, folder: Folder) -> None:
    folder.write("1\n2\n")
    assert reader.read() == ["1", "2"]
    for text in ("3", "long"):
        os.truncate(folder.path / f"{JUPYTER}.log", 0)
        folder.write(f"{text}\n")
        assert reader.read() == [text]
    os.truncate(folder.path / f"{JUPYTER}.log", 0)
    os.truncate(folder.path / f"{JUPYTER}.log", 1000)
    folder.write("4\r\n")
    assert reader.read() == ["4"]


@pytest.mark.parametrize("last", [0, 1, 3, 9])
def test_the_last_lines_of_all_parts(reader: Reader, folder: Folder, last: int) -> None:
    folder.write("1\n2\n")
    folder.put_aside()
    folder.write("3\n4\n5\n")
    assert reader.read(lines=last) == ["1", "2", "3", "4", "5"][5 - min(last, 5) :]
    folder.write("6\n")
    assert reader.read(lines=last) == ["6"]


def test_files_since_a_time(reader: Reader, folder: Folder) -> None:
    folder.write(f"untimed\n{at('10:00:00', 'a')}\n")
    folder.put_aside()
    folder.write(f"  of a\n{at('10:00:10', 'b')}\n  of b\n{at('09:00:00', 'the clock was set back')}\n")
    wanted = [at("10:00:10", "b"), "  of b", at("09:00:00", "the clock was set back")]
    assert reader.read(since="2026-11-26 10:00:10") == wanted
    folder.write(f"  of b\n{at('09:00:01', 'c')}\n")
    assert reader.read(since="2026-11-26 10:00:10") == ["  of b", at("09:00:01", "c")]


def test_a_log_that_comes_later_is_read_since_then(reader: Reader, folder: Folder) -> None:
    assert reader.read(since="2026-11-26 10:00:10") == []
    folder.write(f"{at('10:00:00')}\n{at('10:00:10', 'b')}\n")
    assert reader.read() == [at("10:00:10", "b")]


def test_lines_without_any_time_are_not_kept_back(run_module: RunModule, folder: Folder) -> None:
    folder.write("1\n2\n")
    answer = run_module(daemon_log, name=[JUPYTER], folder=str(folder.path), since="now")
    assert answer["lines"] == [{"daemon": JUPYTER, "time": None, "text": text} for text in "12"]


def test_long_files_come_in_parts(reader: Reader, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_logs, "LONGEST_ANSWER_LINES", 3)
    both = [JUPYTER, NGROK]
    for second in range(0, 8, 2):
        folder.write(f"{at(f'10:00:0{second}', str(second))}\n")
        folder.write(f'{{"t":"2026-11-26T10:00:0{second + 1}Z"}}\n', NGROK)
    seen = []
    while new := reader.read(name=both, since="2026-11-26"):
        assert len(new) <= 3
        seen += new
    assert seen == [
        text
        for second in range(0, 8, 2)
        for text in (at(f"10:00:0{second}", str(second)), f'{{"t":"2026-11-26T10:00:0{second + 1}Z"}}')
    ]


def test_a_long_line_is_shortened(reader: Reader, folder: Folder) -> None:
    folder.write("x" * 5000 + "\n" + "y" * 4096 + "\n")
    assert reader.read() == ["x" * 4096 + " ...", "y" * 4096]


@pytest.mark.parametrize("place", [{}, {"folder": "/var/log"}])
def test_a_time_that_is_none(run_module: RunModule, place: dict[str, str]) -> None:
    assert run_module(daemon_log, name=[JUPYTER], since="soon", **place)["msg"] == (
        "since is 'soon': write it like '10 min ago', 'today', '10:00' or '2026-11-26 10:00'."
    )


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_log(make: Callable[[Path], None], run_module: RunModule, folder: Folder) -> None:
    log = folder.path / f"{JUPYTER}.log"
    make(log)
    message = run_module(daemon_log, name=[JUPYTER], folder=str(folder.path))["msg"]
    assert message == f"The log {log} cannot be read: it is no file."


def test_a_line_without_an_end_takes_no_memory(reader: Reader, folder: Folder) -> None:
    folder.write("x" * 5_000_000)
    tracemalloc.start()
    assert reader.read() == []
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
