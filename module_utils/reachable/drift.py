# SPDX-License-Identifier: Apache-2.0
"""Let a host compare itself with its declaration, repair it if that is wanted, and tell people what is new to them.

A timer runs it on the host: ``python -m ansible.module_utils.drift --config FILE``. ansible-pull gets the declaration's
repository and runs the playbooks in it; this program reads what they report.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from . import files
from .notifier import Outbox, read, say, spawn, targets_of, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Run = Callable[[list[str]], "Output"]

PULL_SECONDS = 3600.0
DELIVERY_SECONDS = 60.0
TICK_SECONDS = 0.2
COMPARE = ["--check", "playbooks/drift.yml"]
REPAIR = ["playbooks/up.yml"]
CALM = {"", "fine", "repaired"}


class ConfigError(Exception):
    """The configuration cannot be used; the text is the sentence that says why."""


class Config(NamedTuple):
    """What the configuration says. ``options`` and ``variables`` are for ansible-pull in ``environment``."""

    host: str
    action: str
    folder: str
    environment: str
    options: list[str]
    variables: str
    notify_command: list[str]


class Output(NamedTuple):
    """What a program has said."""

    status: int
    stdout: str
    stderr: str


class Result(NamedTuple):
    """How the host was found.

    ``state`` is ``fine``, ``drift``, ``repaired``, ``unrepaired``, or ``unknown``, and empty before the first time.
    """

    state: str
    differences: list[dict[str, str]] = []  # noqa: RUF012 - a default that nobody changes
    problem: str = ""


# Decisions: plain values in, plain values out


def read_report(output: str, host: str) -> dict[str, Any] | None:
    """Return what a playbook reports of a host, out of all that ansible-pull prints; None where there is no report."""
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
    """Return why there is no report: what the git module, else what Ansible said last."""
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
    """Say how the host is by what the playbook ``drift`` has said."""
    report = read_report(output.stdout, host)
    if report is None:
        return Result("unknown", problem=cause(output))
    state = report["verdict"] if report["verdict"] in ("fine", "drift") else "unknown"
    return Result(state, report.get("drift", []), report["problem"])


def repaired(before: Result, output: Output, host: str) -> Result:
    """Say how it is after the playbook ``up``."""
    if output.status == 0:
        return before._replace(state="repaired")
    report = read_report(output.stdout, host) or {}
    return before._replace(state="unrepaired", problem=report.get("problem") or cause(output))


def identity(result: Result) -> tuple[str, list[tuple[str, str]]]:
    """Return what must change for a result to count as another one. Reasons may differ each time."""
    return result.state, sorted((row["what"], row["where"]) for row in result.differences)


def news(before: Result, now: Result) -> str | None:
    """Say in a few words what people do not know yet and should; None when there is nothing."""
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
    """Write a message. It may be read much later, so it says of when it is."""
    body = [*map(line, result.differences), result.problem, f"Seen {utc(now)[:19].replace('T', ' ')} UTC."]
    data = {"host": host, **described(result, now)}
    return {"created": now, "title": f"Jupyter on {host}: {text}", "body": "\n".join(filter(None, body)), "data": data}


def described(result: Result, now: float) -> dict[str, Any]:
    """Return a result as it is kept and given to programs."""
    return {"time": utc(now), **result._asdict()}


# Doing


def load(path: str) -> Config:
    """Read the configuration. Raises ConfigError."""
    try:
        with open(path, encoding="utf-8") as file:
            return Config(**json.load(file))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} is no configuration of this program ({error}): run './reachable up'.") from error


def pull_with(config: Config) -> Run:
    """Return a function that runs ansible-pull with a playbook."""
    # A repair may put another environment in its place.
    programs = os.path.join(os.path.realpath(config.environment), "bin")
    variables = ["--extra-vars", f"@{config.variables}"]
    command = [f"{programs}/python", f"{programs}/ansible-pull", *config.options, *variables]

    def run(playbook: list[str]) -> Output:
        try:
            done = subprocess.run(
                [*command, *playbook],
                env={**os.environ, "REACHABLE_JSON": "true"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PULL_SECONDS,
                check=False,
            )
        except OSError as error:
            return Output(1, "", f"{error.filename} does not run ({error.strerror}): run './reachable up'.")
        except subprocess.TimeoutExpired:
            return Output(1, "", f"ansible-pull was not done after {PULL_SECONDS / 60:.0f} minutes.")
        return Output(done.returncode, done.stdout, done.stderr)

    return run


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
    """Keep the result, and put a message into the outbox if there is one to send."""
    path = os.path.join(config.folder, "result.json")
    kept = read(path)
    before = Result(*(kept.get(name, default) for name, default in Result("")._asdict().items()))
    targets = targets_of(read(config.variables).get("endpoint_notify_urls", []), config.notify_command)
    outbox = Outbox(os.path.join(config.folder, "outbox"), targets, spawn)
    number = kept.get("number", 0)
    if text := news(before, result):
        number += 1
        outbox.put(number, message(text, config.host, result, now))
    # Afterwards, so that a crash in between tells it twice rather than never.
    content = json.dumps({"number": number, **described(result, now)}, indent=2)
    files.replace(path, f"{content}\n".encode())
    say(f"{result.state} {text or ''}".rstrip())
    return outbox


def deliver(outbox: Outbox, clock: Any = time) -> None:
    """Deliver what waits; what cannot be delivered soon the next run tries again."""
    end = clock.monotonic() + DELIVERY_SECONDS
    while any(target.waiting for target in outbox.targets) and clock.monotonic() < end:
        outbox.tick(clock.monotonic(), clock.time())
        clock.sleep(TICK_SECONDS)
    outbox.stop()


def main(arguments: list[str] | None = None) -> int:
    """Look once. The exit status is 1 where it could not be told how the host is."""
    parser = argparse.ArgumentParser(prog="drift", description="Compare this host with its declaration.")
    parser.add_argument("--config", required=True, help="file with the configuration, in JSON")
    try:
        config = load(parser.parse_args(arguments).config)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    result = look(config, pull_with(config))
    deliver(tell(config, result, time.time()))
    return 1 if result.state == "unknown" else 0


if __name__ == "__main__":
    sys.exit(main())
