# SPDX-License-Identifier: Apache-2.0
"""Compare this host with its declaration, repair it if that is wanted, and notify people of changes.

A timer runs this program on the host: ``python -m reachable.drift --config FILE``. ansible-pull fetches the
declaration's repository and runs the playbooks in it; this program reads their reports.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from . import files, timed
from .notifier import Outbox, for_people, read, say, spawn, targets_of, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .timed import Output

    Run = Callable[[list[str]], Output]

PULL_SECONDS = 3600.0
DELIVERY_SECONDS = 60.0
TICK_SECONDS = 0.2
COMPARE = ["--check", "playbooks/drift.yml"]
REPAIR = ["playbooks/up.yml"]
CALM = {"", "fine", "repaired"}


class Config(NamedTuple):
    """The program's configuration. ``options`` and ``variables`` are for ansible-pull in ``environment``."""

    host: str
    action: str
    folder: str
    environment: str
    options: list[str]
    variables: str
    notify_command: list[str]


class Result(NamedTuple):
    """The result of a comparison.

    ``state`` is ``fine``, ``drift``, ``repaired``, ``unrepaired``, or ``unknown``, and empty before the first time.
    """

    state: str
    differences: list[dict[str, str]] = []  # noqa: RUF012 - a default that nobody changes
    problem: str = ""


# Decisions: plain values in, plain values out


def read_report(output: str, host: str) -> dict[str, Any] | None:
    """Return a playbook's report on a host from the output of ansible-pull; None if there is no report."""
    for match in re.finditer(r"^\{$", output, re.MULTILINE):
        try:
            found, _ = json.JSONDecoder().raw_decode(output, match.start())
        except ValueError:
            continue
        if host in found.get("hosts", {}):
            report: dict[str, Any] = found["hosts"][host]
            return report
    return None


def cause(output: Output) -> str:
    """Return why there is no report: the error of the git module, or the last error of Ansible."""
    failed = re.search(r"FAILED! => (\{.*\})", output.stdout, re.DOTALL)
    if failed:
        try:
            return " ".join(str(json.loads(failed[1])["msg"]).split())
        except (ValueError, KeyError):
            pass
    lines = [line.strip() for line in f"{output.stdout}\n{output.stderr}".splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"\[?ERROR\]?\W", line)]
    last = (errors or lines or [f"ansible-pull ended with {output.status}"])[-1]
    return re.sub(r"^\[?ERROR\]?\W+", "", last)


def compared(output: Output, host: str) -> Result:
    """Return the result from the output of the playbook ``drift``."""
    report = read_report(output.stdout, host)
    if report is None:
        return Result("unknown", problem=cause(output))
    state = report["verdict"] if report["verdict"] in ("fine", "drift") else "unknown"
    return Result(state, report.get("drift", []), report["problem"])


def repaired(before: Result, output: Output, host: str) -> Result:
    """Return the result after the playbook ``up``."""
    if output.status == 0:
        return before._replace(state="repaired")
    report = read_report(output.stdout, host) or {}
    return before._replace(state="unrepaired", problem=report.get("problem") or cause(output))


def identity(result: Result) -> tuple[str, list[tuple[str, str]]]:
    """Return the parts of a result that make it a new one when they change. Reasons may differ each time."""
    return result.state, sorted((row["what"], row["where"]) for row in result.differences)


def news(before: Result, now: Result) -> str | None:
    """Return the news for people in a few words; None if they know everything that matters."""
    if identity(before) == identity(now):
        return None
    number = f"{len(now.differences)} difference{'' if len(now.differences) == 1 else 's'}"
    if now.state == "fine":
        return None if before.state in CALM else "as declared again"
    return {
        "drift": f"{number} from what is declared",
        "repaired": f"{number} from what is declared, repaired",
        "unrepaired": f"{number} from what is declared, not repaired",
        "unknown": "cannot be compared with what is declared",
    }[now.state]


def line(row: Mapping[str, str]) -> str:
    """Write one difference for people."""
    about = " ".join(filter(None, (row["what"], row["where"])))
    if row["expected"]:
        return f"{about}: found {row['found']}, expected {row['expected']}"
    return f"{about}: {row['found']}"


def message(text: str, host: str, result: Result, now: float) -> dict[str, Any]:
    """Write a message. People may read it much later, so it says when the host was seen."""
    body = [*map(line, result.differences), result.problem, f"Seen {for_people(utc(now))}."]
    data = {"host": host, **described(result, now)}
    return {"created": now, "title": f"Jupyter on {host}: {text}", "body": "\n".join(filter(None, body)), "data": data}


def described(result: Result, now: float) -> dict[str, Any]:
    """Return a result in the form that is kept, and given to the notify command."""
    return {"time": utc(now), **result._asdict()}


# Doing


def pull_with(config: Config) -> Run:
    """Return a function that runs ansible-pull with a playbook."""
    # A repair may switch the symlink to another environment, so the path is resolved once.
    programs = os.path.join(os.path.realpath(config.environment), "bin")
    variables = ["--extra-vars", f"@{config.variables}"]
    command = [f"{programs}/python", f"{programs}/ansible-pull", *config.options, *variables]
    return lambda playbook: timed.run("ansible-pull", [*command, *playbook], {"REACHABLE_JSON": "true"}, PULL_SECONDS)


def look(config: Config, run: Run) -> Result:
    """Compare the host, and repair it if that is wanted."""
    output = run(COMPARE)
    result = compared(output, config.host)
    if result.state == "drift" and config.action == "repair":
        output = run(REPAIR)
        result = repaired(result, output, config.host)
    if result.problem:
        print(output.stdout, output.stderr, sep="\n", flush=True)  # noqa: T201 - whoever reads the log wants it whole
    return result


def tell(config: Config, result: Result, now: float) -> Outbox:
    """Keep the result, and put a message into the outbox if there is news."""
    path = os.path.join(config.folder, "result.json")
    kept = read(path)
    before = Result(*(kept.get(name, default) for name, default in Result("")._asdict().items()))
    targets = targets_of(read(config.variables).get("endpoint_notify_urls", []), config.notify_command)
    outbox = Outbox(os.path.join(config.folder, "outbox"), targets, spawn)
    number = kept.get("number", 0)
    if text := news(before, result):
        number += 1
        outbox.put(number, message(text, config.host, result, now))
    # The result is kept afterwards, so that a crash in between repeats a message rather than losing it.
    content = json.dumps({"number": number, **described(result, now)}, indent=2)
    files.replace(path, f"{content}\n".encode())
    say(f"{result.state} {text or ''}".rstrip())
    return outbox


def deliver(outbox: Outbox, clock: Any = time) -> None:
    """Deliver the waiting messages; the next run tries those again that cannot be delivered soon."""
    end = clock.monotonic() + DELIVERY_SECONDS
    while any(target.waiting for target in outbox.targets) and clock.monotonic() < end:
        outbox.tick(clock.monotonic(), clock.time())
        clock.sleep(TICK_SECONDS)
    outbox.stop()


def compare(config: Config) -> int:
    """Compare the host once. The exit status is 1 if that was not possible."""
    result = look(config, pull_with(config))
    deliver(tell(config, result, time.time()))
    return 1 if result.state == "unknown" else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the program, and return its exit status."""
    return timed.start("drift", "Compare this host with its declaration.", Config, compare, arguments)


if __name__ == "__main__":
    sys.exit(main())
