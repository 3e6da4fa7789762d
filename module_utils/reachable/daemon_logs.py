# SPDX-License-Identifier: Apache-2.0
"""Read the logs of services on from where they were read before, whoever keeps them."""

from __future__ import annotations

import heapq
import json
import os
import re
import subprocess
import time
from collections import deque
from contextlib import ExitStack, suppress
from functools import partial
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from . import daemons, files, moments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Cursor = dict[str, Any]
Place = tuple[int, int]  # a part of a log by its inode, and how many bytes of it come before
Mark = tuple[int, int, float | None]  # the same, and the time of the line before

ARGUMENT_SPEC = {
    "name": {"type": "list", "elements": "str", "required": True},
    "since": {"type": "str"},
    "lines": {"type": "int", "default": 200},
    "cursor": {"type": "str"},
    "folder": {"type": "path"},
    "labels": {"type": "dict", "default": {}},
    "follow": {"type": "bool", "default": False},
    "show": {"type": "bool", "default": True},
}
LONGEST_ANSWER_LINES = 5000
LONGEST_LINE_CHARACTERS = 4096
LONGEST_LINE_BYTES = 4 * LONGEST_LINE_CHARACTERS
SUPERVISORD = "supervisord"  # the log in which it says of its programs that they were started, died and so on
OLDEST_PART = 10  # of that one; of others it keeps fewer
# Where the journal says to which unit an entry belongs: its own words, what systemd says of it, and crashes.
UNIT_FIELDS = ("_SYSTEMD_UNIT", "UNIT", "OBJECT_SYSTEMD_UNIT", "COREDUMP_UNIT")
# The same of the units of a user's own systemd.
USER_UNIT_FIELDS = ("_SYSTEMD_USER_UNIT", "USER_UNIT", "OBJECT_SYSTEMD_USER_UNIT", "COREDUMP_USER_UNIT")


class Line(NamedTuple):
    """What was written; of a file also in which log, with the mark after it."""

    daemon: str
    time: float | None
    text: str
    log: str = ""
    mark: Mark | None = None


class LogError(Exception):
    """The logs cannot be read; the text is the sentence that says why."""


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Answer what ARGUMENT_SPEC describes. Raises LogError."""
    cursor: Cursor = json.loads(asked["cursor"] or "{}")
    if asked["since"] is not None and not cursor:
        cursor = {"since": moments.since(asked["since"], time.time())}
        if cursor["since"] is None:
            raise LogError(f"since is '{asked['since']}': write it like {moments.EXAMPLES}.")
    try:
        if asked["folder"]:
            lines, cursor, more = ask_files(asked["folder"], asked["name"], cursor, asked["lines"])
        else:
            lines, cursor, more = ask_journal(asked["name"], cursor, asked["lines"])
    except OSError as error:
        raise LogError(f"The logs cannot be read: {error}.") from error
    shown = [{"daemon": line.daemon, "time": line.time, "text": shortened(line.text)} for line in lines]
    return {"lines": shown, "cursor": json.dumps(cursor), "more": more}


def shortened(text: str) -> str:
    """Return the beginning of a long line, and any other as it is."""
    return text if len(text) <= LONGEST_LINE_CHARACTERS else f"{text[:LONGEST_LINE_CHARACTERS]} ..."


def ask_journal(names: list[str], cursor: Cursor, last: int) -> tuple[list[Line], Cursor, bool]:
    """Return what systemd's journal has after a cursor, a new cursor, and whether there is more."""
    now = time.time()
    if "journal" in cursor:
        begin, most = f"--after-cursor={cursor['journal']}", LONGEST_ANSWER_LINES
    elif "since" in cursor:
        begin, most = f"--since=@{cursor['since']:.6f}", LONGEST_ANSWER_LINES
    else:
        begin, most = f"--lines={last}", last
    entries = read_journal(names, begin, most)
    lines = [line for entry in entries for line in read_entry(entry, names)]
    after = {"journal": entries[-1]["__CURSOR"]} if entries else cursor or {"since": now}
    return lines, after, bool(cursor) and len(entries) == most


def read_journal(names: list[str], begin: str, most: int) -> list[dict[str, Any]]:
    """Return entries of the journal. Raises LogError."""
    fields = ",".join(("MESSAGE", "SYSLOG_IDENTIFIER", *unit_fields()))
    option = "--user-unit" if daemons.whose() else "--unit"
    how = ["--quiet", "--no-pager", "--all", "--output=json", f"--output-fields={fields}"]
    command = ["journalctl", *how, begin, *(f"{option}={name}.service" for name in names)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        entries = [json.loads(entry) for entry in islice(run.stdout or (), most)]
        if len(entries) == most:
            run.terminate()
        words = run.stderr.read().decode(errors="replace") if run.stderr else ""
    if run.returncode > 0:
        reason = " ".join(words.split()) or f"journalctl ended with exit status {run.returncode}."
        raise LogError(f"The journal cannot be read: {reason}")
    return entries


def unit_fields() -> tuple[str, ...]:
    """Return the fields for the units of whoever asks."""
    return USER_UNIT_FIELDS if daemons.whose() else UNIT_FIELDS


def read_entry(entry: dict[str, Any], names: list[str]) -> list[Line]:
    """Return the lines of an entry, which are several where a program wrote them at once."""
    units = {f"{name}.service": name for name in names}
    fields = unit_fields()
    field = next(field for field in fields if entry.get(field) in units)
    seconds = int(entry["__REALTIME_TIMESTAMP"]) / 1_000_000
    message = entry.get("MESSAGE") or ""
    # What is no plain text comes as a list of bytes.
    text = bytes(message).decode(errors="replace") if isinstance(message, list) else message
    if field != fields[0]:
        # A program writes the time if it cares for it; what others say of it has none.
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
        text = f"{when} {entry.get('SYSLOG_IDENTIFIER', '')}: {text}"
    return [Line(units[entry[field]], seconds, line) for line in text.rstrip("\n").split("\n")]


def ask_files(folder: str, names: list[str], cursor: Cursor, last: int) -> tuple[list[Line], Cursor, bool]:
    """Return what the files of supervisord or launchd have after a cursor, a new cursor, and whether there is more."""
    marks = dict(cursor.get("files", {}))
    logs = [read_log(folder, log, names, marks, cursor.get("since")) for log in (*names, SUPERVISORD)]
    merged = heapq.merge(*logs, key=lambda line: line.time or 0.0)
    lines = list(islice(merged, LONGEST_ANSWER_LINES) if cursor else deque(merged, maxlen=last))
    more = bool(cursor) and len(lines) == LONGEST_ANSWER_LINES
    if more:
        marks |= {line.log: line.mark for line in lines}
    return lines, {**cursor, "files": marks}, more


def read_log(folder: str, log: str, names: list[str], marks: dict[str, Any], since: float | None) -> Iterator[Line]:
    """Yield the lines after the mark of a log; without a mark, those from a time on. At its end it gets a new mark."""
    inode, place, known = marks.get(log, (0, 0, None))
    since = None if log in marks else since
    mark = None
    for moment, text, after in dated(read_parts(f"{folder}/{log}.log", inode, place), known):
        if moment is None or moment >= (since or 0):
            since = None  # from here on all
        mark = (*after, moment)
        daemon = log if log in names else named(text, names)
        if daemon and since is None:
            yield Line(daemon, moment, text, log, mark)
    if mark:
        marks[log] = mark


def named(text: str, names: list[str]) -> str | None:
    """Return the service that a line of supervisord's own log is about."""
    return next((name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)), None)


def dated(lines: Iterable[tuple[str, Place]], moment: float | None) -> Iterator[tuple[float | None, str, Place]]:
    """Give each line its time.

    That is the one at its head, or else that of the line before; at the very beginning, that of the first that has one.
    """
    waiting = []
    for text, place in lines:
        moment = moments.of_line(text) or moment
        if moment is None:
            waiting.append((text, place))
            continue
        yield from ((moment, *line) for line in waiting)
        waiting = []
        yield moment, text, place
    yield from ((None, *line) for line in waiting)


def read_parts(path: str, inode: int, place: int) -> Iterator[tuple[str, Place]]:
    """Yield each complete line after a place, with the place after it, through all parts of a log.

    A line that was cut when a part was put aside is put together again.
    """
    with ExitStack() as stack:
        parts: dict[int, IO[bytes]] = {}
        # The newest first: one that is put aside meanwhile is met twice, rather than not at all.
        for name in (path, *(f"{path}.{number}" for number in range(1, OLDEST_PART + 1))):
            with suppress(FileNotFoundError):
                file = stack.enter_context(open_log(name))
                parts.setdefault(os.fstat(file.fileno()).st_ino, file)
        order = list(reversed(parts))
        rest = b""
        for part in order[order.index(inode) :] if inode in parts else order:
            end = place if part == inode and ends_line(parts[part], place) else 0
            parts[part].seek(end)
            for data in iter(partial(parts[part].readline, LONGEST_LINE_BYTES), b""):
                end += len(data)
                # One that was emptied behind its writer's back begins with a hole.
                rest = (rest + data).lstrip(b"\0")[:LONGEST_LINE_BYTES]
                if data.endswith(b"\n"):
                    yield rest.rstrip(b"\r\n").decode(errors="replace"), (part, end)
                    rest = b""


def open_log(path: str) -> IO[bytes]:
    """Open a log. A person's own notebooks may have put anything in its place. Raises OSError and LogError."""
    try:
        log: IO[bytes] = files.open_regular(path, follow_links=True)
    except files.UnreadableError as error:
        raise LogError(f"The log {path} cannot be read: {error}.") from error
    return log


def ends_line(file: IO[bytes], place: int) -> bool:
    """Tell whether a line still ends at a place that was read; if not, the file was emptied meanwhile."""
    file.seek(max(0, place - 1))
    return file.read(1) == b"\n"
