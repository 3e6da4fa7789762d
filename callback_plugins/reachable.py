# SPDX-License-Identifier: Apache-2.0
"""What people see while a playbook runs, and the report at its end."""

from __future__ import annotations

DOCUMENTATION = r"""
name: reachable
type: stdout
short_description: One line for each task, and a report at the end
description:
  - Shows one line for each task that did something or failed, what runs now on the last line of a terminal, each
    failure once but for those that the playbook ignores, and at the end the reports that hosts handed over as
    C(reachable_report) with M(ansible.builtin.set_stats).
  - With C(-v) it shows everything, as the callback P(ansible.builtin.default#callback) does, and then the reports.
  - Where no task ran on any host it says why, and the exit status is 1.
  - The report of a single host is its C(text), whose last paragraph is what people look for. On a terminal with colours
    the address C(code) of the report stands above that as a QR code. The reports of several hosts are one C(table).
  - Where a report names a card as C(page) it is served to an iPad for ten minutes, or until Ctrl-C, with the C(profile)
    beside it, of whose certificate the terminal shows the C(fingerprint). The password that a
    host has in C(__reachable_shown) is shown on the terminal, but not in Ansible's log, and added to the page that is
    served.
  - In a play with the variable C(__reachable_verdict_exit) the exit status is 0 if Jupyter answers on all hosts, 2 if
    it does not on one of them, and 1 if that could not be told.
  - In a play with the variable C(__reachable_drift), which is for check mode, the report of a host is a table of what
    would be changed. The exit status is 0 if that is nothing, 2 if it is something, and 1 if it could not be told. A
    failure of a task with the variable C(__reachable_is_drift) counts as a difference.
  - In a play with the variable C(__reachable_bare_output) nothing is on standard output but what tasks themselves show,
    at once. Failures are on standard error. A reader who does not want any more, such as C(head), ends it.
version_added: "1.0.0"
author: ["Reachable contributors (@reachable)"]
extends_documentation_fragment:
  - default_callback
  - result_format_callback
options:
  json:
    description:
      - Print the reports to standard output as one JSON document, and failures to standard error.
    type: bool
    default: false
    env:
      - name: REACHABLE_JSON
    ini:
      - section: callback_reachable
        key: json
requirements:
  - rich
"""

import atexit
import contextlib
import json
import os
import re
import signal
import sys
import textwrap
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible import context
from ansible.playbook.handler import Handler
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import CallbackBase
from ansible.plugins.callback.default import CallbackModule as DefaultCallback
from ansible.utils.color import ANSIBLE_COLOR
from ansible.utils.display import Display

try:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text
except ImportError:
    HAS_RICH = False
else:
    HAS_RICH = True

# Ansible looks there by itself for modules only.
sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable import card_server
from reachable.plain_text import printable
from reachable.qr_codes import qr_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TextIO

Report = dict[str, Any]
# What a report has where a host says nothing.
BLANK: Report = {
    "problem": "",
    "text": "",
    "code": "",
    "page": "",
    "profile": "",
    "fingerprint": "",
    "table": [],
    "notes": [],
    "warnings": [],
    "hints": [],
    "data": {},
}

# Work of the playbook for itself, of which only a failure is of interest.
# Ansible's own words before the cause.
WHERE_IT_FAILED = re.compile(
    r"\A(Task failed: )?(Finalization of task args for '\w+' failed: )?(Error while resolving value for '\w+': )?"
)
INTERNAL = {
    "add_host",
    "assert",
    "given",
    "group_by",
    "include_vars",
    "set_fact",
    "set_stats",
    "validate_argument_spec",
}
STYLES = {"ok": "dim", "changed": "yellow", "failed": "red", "rescued": "dim", "running": "cyan"}
MARKS = {"ok": "✓", "changed": "●", "failed": "✗", "rescued": "-", "running": "▸"}
ASCII_MARKS = {"ok": ".", "changed": "*", "failed": "x", "rescued": "-", "running": ">"}
TICK = 0.25
UNLIMITED = 100_000
SHORT = 60
GAP = 2  # between the columns of a table
SERVE_SECONDS = 600
FINGERPRINT_WIDTH = 48
COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


def duration(seconds: float) -> str:
    """Return a time as people say it: 0.4 s, 41 s, 3 min 5 s."""
    if seconds < 10:  # noqa: PLR2004  (from then on tenths are noise)
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def count(number: int, noun: str) -> str:
    """Return a number with its noun: no changes, 1 change, 7 changes."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def names(hosts: Iterable[str]) -> str:
    """Return the hosts' names, of many only the first three."""
    hosts = sorted(hosts)
    return ", ".join(hosts[:3]) + (f" and {len(hosts) - 3} more" if hosts[3:] else "")


def action(task: Any) -> str:
    """Return the short name of the task's module or action."""
    return str(task.action).rpartition(".")[2]


def lineage(task: Any) -> Iterator[Any]:
    """Yield the task and the blocks and includes in which it stands, from the inside out."""
    while task:
        yield task
        task = task._parent  # noqa: SLF001  (ansible-core has no other way up)


def is_rescued(task: Any) -> bool:
    """Return whether a failure of the task is dealt with by the rescue of a block around it."""
    chain = list(lineage(task))
    return any(
        getattr(block, "rescue", None) and child._uuid in {sibling._uuid for sibling in block.block}  # noqa: SLF001  (copies of a task share only this)
        for child, block in pairwise(chain)
    )


def section(task: Any, play: Any) -> str:
    """Return the heading for a task: its outermost role, or else its play.

    A handler belongs to its own role, whichever other role brought that in first.
    """
    roles = [ancestor._role for ancestor in lineage(task) if getattr(ancestor, "_role", None)]  # noqa: SLF001  (as above)
    if not roles:
        return str(play.get_name())
    role = roles[0 if isinstance(task, Handler) else -1]
    return str(role.get_name(include_role_fqcn=False)).replace("_", " ").capitalize()


def reason(result: dict[str, Any]) -> str:
    """Return why the result of a task, or of one item of its loop, is a failure: a sentence, or more lines."""
    if "censored" in result:
        return str(result["censored"])
    result = printable(result)
    text = WHERE_IT_FAILED.sub("", str(result.get("msg") or result.get("reason") or "").strip())
    if "no vault secrets found" in text:
        return "A value is encrypted, and there is no password for it: add --ask-vault-pass or --vault-password-file."
    if "module_stderr" in result:
        last_line = (result["module_stderr"] or result.get("module_stdout") or text).strip().rpartition("\n")[2]
        return f"The module crashed (-v shows all): {last_line}"
    if text.startswith("Module failed: "):
        return f"The module crashed (-v shows all): {text.removeprefix('Module failed: ')}"
    if "non-zero return code" in text and "rc" in result:
        text = f"exit status {result['rc']}"
    lines = str(result.get("stderr") or result.get("stdout") or "").strip().splitlines()[-5:]
    if "rc" in result and lines and lines[-1] not in text:
        text = "\n".join([text or "its output counts as a failure (failed_when):", *lines])
    return text or "It does not say why (-v shows all)."


def one_line(text: str) -> str:
    """Return the text without line breaks."""
    return " ".join(text.split())


def indented(text: str) -> Text:
    """Return the text, which may be coloured, as it stands below a task."""
    block = Text.from_ansi(textwrap.indent(text, "    "))
    block.rstrip()
    return block


def table(reports: dict[str, Report], width: int) -> Table:
    """Return one table with the rows of all hosts; a host without rows has a question mark in each column."""
    columns = list(dict.fromkeys(column for report in reports.values() for row in report["table"] for column in row))
    rows = [["Host", *columns]] + [
        [host, *(str(row.get(column, "")) for column in columns)]
        for host, report in sorted(reports.items())
        for row in report["table"] or [dict.fromkeys(columns, "?")]
    ]
    grid = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for column, room in zip(rows[0], column_widths(rows, width), strict=True):
        grid.add_column(Text(column), overflow="fold", width=room)
    for row in rows[1:]:
        grid.add_row(*map(Text, row))
    return grid


def column_widths(rows: list[list[str]], width: int) -> list[int]:
    """Return how wide each column is, so that lines break between words, and only if they must inside the longest."""
    texts = [[*column] for column in zip(*rows, strict=True)]
    lines = [max(len(line) for text in column for line in text.splitlines() or [""]) for column in texts]
    words = [max((len(word) for text in column for word in text.split()), default=1) for column in texts]
    room = max(width - GAP * (len(texts) - 1), len(texts))
    if sum(lines) <= room:
        return lines
    word_limit = max(limit for limit in range(1, room + 1) if sum(min(word, limit) for word in words) <= room)
    least = [min(word, word_limit) for word in words]

    def shared(limit: int) -> list[int]:
        return [max(low, min(line, limit)) for low, line in zip(least, lines, strict=True)]

    return shared(max(limit for limit in range(room + 1) if sum(shared(limit)) <= room))


def wrapped(text: str, width: int) -> str:
    """Return a text whose lines break between words where a terminal ends, and go on below their start."""
    lines = []
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        wrap = textwrap.TextWrapper(
            width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        lines += wrap.wrap(line.strip()) or [""]
    return "\n".join(lines)


def exit_status(reports: Iterable[Report]) -> int:
    """Return 0 if all verdicts are fine, 2 if one is unreachable or drift, else 1."""
    verdicts = {report["verdict"] for report in reports}
    if verdicts & {"unreachable", "drift"}:
        return 2
    return 0 if verdicts == {"fine"} else 1


def nothing_left(options: Mapping[str, Any]) -> str:
    """Return why a run had no task on any host, and what to do."""
    given = {
        "--tags": [tag for tag in options["tags"] if tag != "all"],
        "--skip-tags": options["skip_tags"],
        "--start-at-task": [options["start_at_task"]],
        "--limit": [options["subset"]],
    }
    words = [f"{name} {','.join(values)}" for name, values in given.items() if any(values)]
    if words:
        return f"{' and '.join(words)} left no task on any host. Leave {'it' if len(words) == 1 else 'them'} out."
    return f"there are no hosts in {', '.join(options['inventory'])}."


def drift_rows(task: Any, result: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield what, where, expected and found for each thing that a task would change, in check mode."""
    for item in map(printable, filter(is_change, result.get("results", [result]))):
        diffs = item.get("diff") or {}
        rows = [
            {"where": str(diff.get("after_header") or place(item)), **sides(diff["before"], diff["after"])}
            for diff in (diffs if isinstance(diffs, list) else [diffs])
            if "before" in diff
        ]
        for row in rows or [{"where": place(item), **states(item)}]:
            yield {"what": str(task.name), **row, "where": row["where"] + (" (here)" if task.delegate_to else "")}


def is_change(result: dict[str, Any]) -> bool:
    """Tell whether a task, or an item of its loop, changes anything."""
    return bool(result.get("changed"))


def place(result: dict[str, Any]) -> str:
    """Return the path or the name of what a task is about."""
    about = {**result.get("invocation", {}).get("module_args", {}), **result}
    return str(next((about[key] for key in ("path", "dest", "name", "creates", "removes") if about.get(key)), ""))


def states(result: dict[str, Any]) -> dict[str, str]:
    """Return what is expected and found where a module tells no difference."""
    status = result.get("status") or {}
    if "ActiveState" in status:
        found = ", ".join(filter(None, (status.get(key) for key in ("ActiveState", "UnitFileState"))))
        return {"expected": "active, enabled", "found": found}
    return {"expected": "as declared", "found": str(result.get("msg") or "otherwise")}


def sides(before: Any, after: Any) -> dict[str, str]:
    """Return of two texts, or of other values, what each has that the other has not, as short as a table needs it."""
    lines = [
        (value if isinstance(value, str) else json.dumps(value, indent=1, sort_keys=True)).splitlines()
        for value in (before, after)
    ]
    there, wanted = ([line for line in own if line not in other] for own, other in (lines, lines[::-1]))
    return {
        "expected": brief(wanted) or ("absent" if not lines[1] else "without that"),
        "found": brief(there) or ("absent" if not lines[0] else "without that"),
    }


def handed(report: Report, password: str | None) -> dict[str, str]:
    """Return the files that an iPad gets of a host, by their names."""
    card, *others = (Path(report[key]) for key in ("page", "profile") if report[key])
    page = card.read_text(encoding="utf-8")
    return {
        card.name: card_server.with_password(page, password) if password else page,
        **{other.name: other.read_text(encoding="utf-8") for other in others},
    }


def fingerprint_lines(fingerprint: str) -> list[str]:
    """Return a fingerprint in lines that fit on a terminal, and what it is for; nothing where there is none."""
    if not fingerprint:
        return []
    lines = textwrap.wrap(fingerprint, FINGERPRINT_WIDTH)
    return [
        *(f"  {'SHA-256' if number == 0 else '':9} {line}" for number, line in enumerate(lines)),
        "  Install the profile only if the iPad shows the same for its certificate.",
    ]


def brief(lines: list[str]) -> str:
    """Return the first of several lines, cut where it is long."""
    first = textwrap.shorten(lines[0].strip(" ,"), SHORT, placeholder=" ...") if lines else ""
    return f"{first} (+{len(lines) - 1})" if lines[1:] else first


class LiveLine:
    """The last line of a terminal, redrawn by a thread of its own. Whatever else is printed appears above it.

    All drawing happens under the lock of Ansible's Display. Ansible holds the same lock while it forks a worker and
    while it waits for an answer to a prompt: so no worker inherits a stream in the middle of a write, and no prompt is
    overdrawn. (A second lock, taken before each fork, would be taken in the opposite order there: a deadlock.)
    """

    def __init__(self, lock: threading.RLock, render: Callable[[], str]) -> None:
        """Take over the terminal; render returns what the line should say, or nothing."""
        self.lock = lock
        self._render = render
        self._terminal = sys.stdout.stream if isinstance(sys.stdout, Harmless) else sys.stdout
        self._shown = ""
        self._closed = threading.Event()
        self.at_line_start = True
        sys.stdout = AboveLine(self, sys.stdout)
        if sys.stderr.isatty():
            sys.stderr = AboveLine(self, sys.stderr)
        atexit.register(self._close)
        threading.Thread(target=self._tick, daemon=True).start()

    def draw(self, text: str) -> None:
        """Show the text instead of what the line says now."""
        with self.lock:
            if text != self._shown and self.at_line_start:
                self._terminal.write(f"\r{text}\x1b[K")
                self._terminal.flush()
                self._shown = text

    def _tick(self) -> None:
        while not self._closed.wait(TICK):
            with self.lock:
                self.draw(self._render())

    def _close(self) -> None:
        self._closed.set()
        self.draw("")


class Stream:
    """A standard stream that is another one in every respect but what writing to it does."""

    def __init__(self, stream: TextIO) -> None:
        """Stand before the stream."""
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        """Be the stream in every other respect."""
        return getattr(self.stream, name)


class Harmless(Stream):
    """One on which a terminal is told nothing but colours, whatever a host has Ansible say."""

    def write(self, text: str) -> int:
        """Write the text, without what is neither printable nor a colour."""
        parts = COLOUR.split(text)
        return self.stream.write("".join(part if number % 2 else printable(part) for number, part in enumerate(parts)))


class AboveLine(Stream):
    """One that makes room for what is written to it."""

    def __init__(self, line: LiveLine, stream: TextIO) -> None:
        """Write to the stream above the line."""
        super().__init__(stream)
        self._line = line

    def write(self, text: str) -> int:
        """Write the text; the line comes back with the next tick."""
        with self._line.lock:
            self._line.draw("")
            self._line.at_line_start = text.endswith("\n") if text else self._line.at_line_start
            return self.stream.write(text)


class Outlet(Stream):
    """One that leads to another program, as long as that reads."""

    def write(self, text: str) -> int:
        """Write the text at once; where nobody reads any more, end everything."""
        try:
            count = self.stream.write(text)
            self.stream.flush()
        except BrokenPipeError:
            # Ansible's thread for what workers show would stop without a word. This signal ends the workers, too.
            os.kill(os.getpid(), signal.SIGTERM)
            return 0
        return count


@dataclass
class Progress:
    """What is known so far about the task that runs now."""

    task: Any
    section: str
    note: str = ""
    running: frozenset[str] = frozenset()
    hosts: dict[str, list[str]] = field(default_factory=dict)  # by outcome, see STYLES
    failures: dict[str, list[str]] = field(default_factory=dict)  # the places by reason
    details: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    ended: float = 0.0

    @property
    def name(self) -> str:
        """The task's name, without its role."""
        return str(self.task.name or action(self.task))


class Reporting(CallbackBase):  # type: ignore[misc]  # ansible-core has no types
    """The reports and the exit status, at any verbosity."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "reachable"
    plugin_type = "callback"  # or Ansible would take it from the name of the class

    def __init__(self) -> None:
        """Start the clock."""
        super().__init__()
        self._started = time.monotonic()
        self._play: Any = None
        self._hosts: list[str] = []
        self._must_report: dict[str, None] = {}
        self._exit_by_verdict = False
        self._drift: dict[str, list[dict[str, str]]] | None = None  # by host, in a play that looks for it
        self._bare = False
        self._failures: dict[str, str] = {}  # of hosts that are out of the play
        self._item_reasons: dict[str, list[tuple[str, str]]] = {}  # by host: an item's label, and why it failed
        self._reasons: list[tuple[str, str]] = []  # of the last failure

    def set_options(self, *args: Any, **options: Any) -> None:
        """Read the options and see what can be printed where."""
        super().set_options(*args, **options)
        sys.stdout, sys.stderr = Harmless(sys.stdout), Harmless(sys.stderr)
        self._json = self.get_option("json")
        self._stdout = sys.stdout
        if self._json:
            sys.stdout = sys.stderr
        self._console = Console(
            color_system="standard" if ANSIBLE_COLOR else None,
            force_terminal=ANSIBLE_COLOR,
            width=None if sys.stdout.isatty() else UNLIMITED,
            highlight=False,
        )
        speaks_unicode = "utf" in (sys.stdout.encoding or "").lower()
        self._marks = MARKS if speaks_unicode else ASCII_MARKS
        self._draws = speaks_unicode and ANSIBLE_COLOR

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Remember who takes part, and whether it is about a verdict."""
        super().v2_playbook_on_play_start(play)
        variables = play.get_variable_manager().get_vars(play=play)
        self._play = play
        self._hosts = list(variables["ansible_play_hosts_all"])
        if variables.get("__reachable_drift"):
            self._drift = {host: [] for host in self._hosts}
        if self._drift is not None or variables.get("__reachable_verdict_exit"):
            self._exit_by_verdict = True
            self._must_report.update(dict.fromkeys(self._hosts))
        if variables.get("__reachable_bare_output"):
            self._bare = True
            if not sys.stdout.isatty():
                sys.stdout = Outlet(sys.stdout)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note what differs. Handlers only follow from that."""
        if self._drift is not None and not isinstance(result.task, Handler):
            self._drift[result.host.get_name()] += drift_rows(result.task, result.result)
        super().v2_runner_on_ok(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Remember why, until the loop ends: its result says only that items failed."""
        reasons = self._item_reasons.setdefault(result.host.get_name(), [])
        reasons.append((f" (item={self._get_item_label(result.result)})", reason(result.result)))
        super().v2_runner_item_on_failed(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Remember why."""
        if self._drift is not None and result.task.vars.get("__reachable_is_drift"):
            row = {"what": str(result.task.name), "where": "", "expected": "", "found": reason(result.result)}
            self._drift[result.host.get_name()].append(row)
        self._remember(result, matters=not ignore_errors and not is_rescued(result.task))
        super().v2_runner_on_failed(result, ignore_errors=ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Remember why."""
        self._remember(result, matters=not result.task.ignore_unreachable)
        super().v2_runner_on_unreachable(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the reports and the totals.

        Raises:
            SystemExit: With 1 if no host took part, and with the verdicts' exit status, if a play asked for it. A
                callback has no other way to set it; Ansible cleans up on its way out.

        """
        super().v2_playbook_on_stats(stats)
        reports = self._reports(stats)
        if self._json:
            hosts = {
                host: {key: report[key] for key in ("verdict", "problem")}
                | {"warnings": report["warnings"] + report["hints"]}
                | report["data"]
                for host, report in sorted(reports.items())
            }
            print(json.dumps({"hosts": hosts}, indent=2, default=str), file=self._stdout, flush=True)
        else:
            self._print_reports(reports)
            self._print_passwords()
            if not self._bare:
                self._print_totals(stats)
            self._serve({host: report for host, report in reports.items() if report["page"]})
        if not stats.processed:
            self._display.display(f"Nothing was done: {nothing_left(context.CLIARGS)}", stderr=True)
            raise SystemExit(1)
        if self._exit_by_verdict:
            raise SystemExit(exit_status(reports.values()))

    def _remember(self, result: Any, matters: bool) -> None:
        host = result.host.get_name()
        self._reasons = self._item_reasons.pop(host, []) or [("", reason(result.result))]
        if matters:
            self._failures[host] = one_line("; ".join(dict.fromkeys(why for _, why in self._reasons)))

    def _reports(self, stats: Any) -> dict[str, Report]:
        """Return each host's complete report, also of hosts which owe one."""
        if self._drift is not None:
            return {host: self._drift_report(host, rows) for host, rows in self._drift.items()}
        handed = {
            host: stats.custom[host]["reachable_report"]
            for host in stats.processed
            if "reachable_report" in stats.custom.get(host, {})
        }
        owed = {
            host: {"verdict": "unknown", "problem": self._failures.get(host, "No report came from this host.")}
            # A program that reads them has nothing else to learn of failures from.
            for host in {**self._must_report, **(self._failures if self._json else {})}
        }
        return {host: {**BLANK, **printable(report)} for host, report in {**owed, **handed}.items()}

    def _drift_report(self, host: str, rows: list[dict[str, str]]) -> Report:
        """Return what differs on a host as its report; what failed before all was seen leaves that open."""
        problem = "" if any(row["found"] == self._failures.get(host) for row in rows) else self._failures.get(host, "")
        verdict = "unknown" if problem else "drift" if rows else "fine"
        table = [{key.capitalize(): value for key, value in row.items()} for row in rows]
        return {
            **BLANK,
            "verdict": verdict,
            "problem": problem,
            "table": table,
            "data": {"drift": rows},
        }

    def _print_reports(self, reports: dict[str, Report]) -> None:
        notes = [
            f"{f'{host}: ' if len(reports) > 1 else ''}{note}"
            for host, report in sorted(reports.items())
            for note in report["notes"]
        ]
        if notes:
            self._print("", *(Text(note, "dim") for note in notes))
        self._print_sentences(reports, "warnings")
        texts = [report for report in reports.values() if report["text"]]
        if len(reports) == 1 and texts:
            self._print_text(texts[0])
        elif any(report["table"] for report in reports.values()):
            self._print("", table(reports, self._console.width))
        self._print_sentences(reports, "hints")
        for host, report in sorted(reports.items()):
            if report["problem"] and report["problem"] != self._failures.get(host):
                self._print(Text(f"{self._marks['failed']} {host}: {report['problem']}", STYLES["failed"]))

    def _print_sentences(self, reports: dict[str, Report], kind: str) -> None:
        sentences = [sentence for _, report in sorted(reports.items()) for sentence in report[kind]]
        if sentences:
            self._print("", *(Text(f"! {sentence}", STYLES["changed"]) for sentence in sentences))

    def _print_text(self, report: Report) -> None:
        """Print a text as it is, with its code above the last paragraph, so that both are on the screen at the end."""
        paragraphs = wrapped(report["text"].rstrip(), self._console.width).split("\n\n")
        if report["code"] and self._draws and not report["page"]:  # two codes on one screen would be one too many
            paragraphs.insert(-1, qr_terminal(report["code"]))
        self._display.display("\n" + "\n\n".join(paragraphs))

    def _passwords(self) -> dict[str, str | None]:
        """Return the passwords that are to be shown, None for one that is not known here."""
        if not self._hosts:
            return {}
        hostvars = self._play.get_variable_manager().get_vars(play=self._play)["hostvars"]
        shown = {host: hostvars[host].get("__reachable_shown") for host in self._hosts}
        return {host: known.get("password") for host, known in sorted(shown.items()) if known is not None}

    def _print_passwords(self) -> None:
        for host, password in self._passwords().items():
            label = "It is" if len(self._hosts) == 1 else host
            words = password or "not known here, only its hash is"
            self._display.display(f"  {label:9} {words}", screen_only=True)  # not into Ansible's log

    def _serve(self, reports: dict[str, Report]) -> None:
        """Hand cards to an iPad, until their time is over or somebody has had enough."""
        if not reports:
            return
        secrets = {host: password for host, password in self._passwords().items() if password and host in reports}
        cards = {host: handed(report, secrets.get(host)) for host, report in reports.items()}
        try:
            with contextlib.suppress(KeyboardInterrupt), card_server.served(cards) as addresses:
                for host, address in addresses.items():
                    if self._draws:
                        self._display.display(f"\n{qr_terminal(address)}")
                    lines = [f"  {host if len(addresses) > 1 else 'Card':9} {address}"]
                    self._print("", *map(Text, lines + fingerprint_lines(reports[host]["fingerprint"])))
                until = time.strftime("%H:%M", time.localtime(time.time() + SERVE_SECONDS))
                self._print(
                    f"  For the iPad, in the same network, until {until} or Ctrl-C.",
                    *(["  It has the password, in plain http: only in a network that you trust."] if secrets else []),
                )
                time.sleep(SERVE_SECONDS)
        except card_server.NoNetworkError:
            self._print(
                Text(
                    f"{self._marks['failed']} This machine is in no network, so no iPad can open the card: "
                    "join the iPad's and run it again.",
                    STYLES["failed"],
                )
            )
            raise SystemExit(1) from None

    def _print_totals(self, stats: Any) -> None:
        changes = count(sum(stats.changed.values()), "change")
        failed = len({*stats.failures, *stats.dark})
        totals = [
            count(len(stats.processed), "host"),
            f"{changes} would be made" if context.CLIARGS["check"] else changes,
            *([f"{failed} failed"] if failed else []),
            duration(time.monotonic() - self._started),
        ]
        self._print("", Text(", ".join(totals), STYLES["failed" if failed else "ok"]))

    def _print(self, *parts: Any, stderr: bool = False) -> None:
        """Print each part on lines of its own, at once."""
        with self._console.capture() as capture:
            for part in parts:
                self._console.print(part, soft_wrap=not isinstance(part, Table))
        lines = capture.get().splitlines()
        self._display.display("".join(f"{line.rstrip()}\n" for line in lines), stderr=stderr or self._bare)
        sys.stdout.flush()


class Verbose(Reporting, DefaultCallback):  # type: ignore[misc]  # ansible-core has no types
    """Everything that Ansible's default callback shows, and the reports."""


class Brief(Reporting):
    """One line for each task."""

    def __init__(self) -> None:
        """Begin without a task."""
        super().__init__()
        self._progress: Progress | None = None
        self._section = ""

    def set_options(self, *args: Any, **options: Any) -> None:
        """Take the terminal's last line, if there is one."""
        super().set_options(*args, **options)
        if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not self._json:
            LiveLine(self._display._lock, self._now)  # noqa: SLF001  (see LiveLine)

    def v2_playbook_on_start(self, playbook: Any) -> None:  # noqa: ARG002  (Ansible's signature)
        """Say that nothing will be changed, if so."""
        if context.CLIARGS["check"] and not self._json:
            self._print(Text("Check mode: nothing is changed.", "bold"), "")

    def v2_playbook_on_vars_prompt(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  (Ansible's signature)
        """Show the last task before the question."""
        self._finish()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Show the last task of the play before."""
        self._finish()
        super().v2_playbook_on_play_start(play)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002  (Ansible's signature)
        """Begin with a task."""
        self._begin(task)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Begin with a handler."""
        self._begin(task)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Note that a host is at work."""
        progress = self._begin(task)
        progress.running |= {host.get_name()}

    def v2_runner_retry(self, result: Any) -> None:
        """Say on the live line how often it was tried."""
        self._begin(result.task).note = f"attempt {result.result['attempts'] + 1} of {result.result['retries']}"

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note a success."""
        super().v2_runner_on_ok(result)
        outcome = "changed" if result.result.get("changed") else "ok"
        if action(result.task) == "debug":
            self._clean_results(result.result, result.task.action)
            text = result.result.get("msg")
            self._begin(result.task).details.append(
                printable(text if isinstance(text, str) else self._dump_results(result.result))
            )
        self._end(result, outcome)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Note that there was nothing to do."""
        self._end(result, "skipped")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Note a failure."""
        super().v2_runner_on_failed(result, ignore_errors)
        self._end(result, "ignored" if ignore_errors else "rescued" if is_rescued(result.task) else "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Note that the host could not be reached."""
        super().v2_runner_on_unreachable(result)
        self._end(result, "ignored" if result.task.ignore_unreachable else "failed")

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Show the warnings of an item; all else comes with the result of the loop."""
        self._handle_warnings(result.result)

    v2_runner_item_on_skipped = v2_runner_item_on_ok

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Show the warnings of an item, and remember why it failed."""
        self._handle_warnings(result.result)
        super().v2_runner_item_on_failed(result)

    def v2_on_file_diff(self, result: Any) -> None:
        """Keep the differences for the task's line. Where drift is looked for, they are asked for only by --diff."""
        if self._drift is not None and not context.CLIARGS["diff"]:
            return
        for item in result.result.get("results", [result.result]) if result.task.loop else [result.result]:
            if item.get("changed") and item.get("diff") and (diff := self._get_diff(printable(item["diff"]))):
                label = f"{self.host_label(result)}:\n" if len(self._hosts) > 1 else ""
                self._begin(result.task).details.append(label + diff)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Show the last task, then the reports."""
        self._finish()
        super().v2_playbook_on_stats(stats)

    def _begin(self, task: Any) -> Progress:
        """Return the progress of the task, which is a new one if it is not the current one."""
        if self._progress is None or self._progress.task._uuid != task._uuid:  # noqa: SLF001  (copies of a task share only this)
            self._finish()
            self._progress = Progress(task, section(task, self._play))
        return self._progress

    def _end(self, result: Any, outcome: str) -> None:
        """Note the outcome for a host. The last host's outcome shows the task."""
        self._handle_warnings(result.result)
        progress = self._begin(result.task)
        host = result.host.get_name()
        progress.running -= {host}
        progress.ended = time.monotonic()
        progress.hosts.setdefault(outcome, []).append(host)
        if outcome == "failed":
            for label, why in self._reasons:
                progress.failures.setdefault(why, []).append(self.host_label(result) + label)
        if {host for hosts in progress.hosts.values() for host in hosts} >= set(self._hosts) - set(self._failures):
            self._finish()

    def _finish(self) -> None:
        """Show the task that ended, if it is worth a line."""
        progress, self._progress = self._progress, None
        if progress is None:
            return
        outcome = next((outcome for outcome in ("failed", "changed", "ok", "rescued") if outcome in progress.hosts), "")
        internal = isinstance(progress.task, TaskInclude) or action(progress.task) in INTERNAL
        if not outcome or ((internal or self._json or self._bare) and outcome != "failed"):
            return
        parts: list[Any] = []
        if progress.section != self._section:
            parts = [*([""] if self._section else []), Text(progress.section, "bold")]
            self._section = progress.section
        parts.append(self._line(progress, outcome))
        parts += [indented(detail) for detail in progress.details]
        for why, places in progress.failures.items():
            where = ", ".join(sorted(places))  # a sentence that begins with it does not need it twice
            parts += self._explanation(why if why.startswith(f"{where} ") else f"{where}: {why}")
        self._print(*parts, stderr=outcome == "failed" and self.get_option("display_failed_stderr"))

    def _line(self, progress: Progress, outcome: str) -> Text:
        """Return the line of a task that ended."""
        line = Text.assemble((f"  {self._marks[outcome]} {progress.name}", STYLES[outcome]))
        if (took := progress.ended - progress.started) >= 0.1:  # noqa: PLR2004  (less is of no interest)
            line.append(f"  {duration(took)}", "dim")
        total = sum(map(len, progress.hosts.values()))
        for note, ending in (("changed", ""), ("rescued", ", rescued")):
            hosts = progress.hosts.get(note, [])
            where = f" on {names(hosts)}" if 0 < len(hosts) < total else ""
            if where or (hosts and ending):
                line.append(f"  {'failed' if ending else note}{where}{ending}", "dim")
        return line

    def _explanation(self, text: str) -> list[Text]:
        """Return the lines of a failure, indented and as wide as the terminal."""
        first, *others = text.splitlines()
        wrap = textwrap.TextWrapper(
            self._console.width, subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False
        )
        return [Text(wrap.fill(f"    {first}")), *(Text(wrap.fill(f"      {other}")) for other in others)]

    def _now(self) -> str:
        """Return what the live line says: the task that runs now, for how long, and where."""
        progress = self._progress
        if progress is None or not progress.running or action(progress.task) == "pause":
            return ""
        seconds = time.monotonic() - progress.started
        if seconds < TICK:
            return ""
        line = Text.assemble((f"  {self._marks['running']} {progress.name}", STYLES["running"]))
        where = names(progress.running) if len(self._hosts) > 1 else ""
        line.append("  ".join(["", duration(seconds), *filter(None, (where, progress.note))]), "dim")
        line.truncate(self._console.width - 1)
        with self._console.capture() as capture:
            self._console.print(line, end="", soft_wrap=True)
        return capture.get()


# Without rich, Ansible's own callback shows what the first task says is missing.
CallbackModule = DefaultCallback if not HAS_RICH else Verbose if Display().verbosity else Brief
