# SPDX-License-Identifier: Apache-2.0
"""Speak with launchd, through launchctl (launchctl(1), launchd.plist(5)).

Exit codes depend on who asks, and 0 does not mean done: what counts is what ``print`` says afterwards.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any, NamedTuple

from . import files

LAUNCHCTL = "/bin/launchctl"

# What `print` says of a job, indented by one tab. Endpoints and the like have a "pid" of their own, deeper in.
PROPERTY = re.compile(r"\t([^\t].*?) = (.*)")
BLOCK = re.compile(r"\t([^\t].*?) = \{")
OVERRIDE = re.compile(r'\s*"(.*)" => (disabled|enabled|true|false)')
NUMBERS = re.compile(r"\d+")
# The states of a job that was booted out, and may take a while to end.
ENDING = ("SIGTERMed", "SIGKILLed")


class Job(NamedTuple):
    """A job that launchd knows: in which domain, by which file, what it runs, and how that is.

    ``pid`` is 0 when nothing runs. ``state`` and ``last_exit`` are in launchd's own words.
    """

    domain: str
    path: str
    arguments: tuple[str, ...]
    state: str
    pid: int = 0
    last_exit: str = ""

    @property
    def runs(self) -> bool:
        """Tell whether it runs, and goes on doing so."""
        return self.pid > 0 and self.state not in ENDING


class Answer(NamedTuple):
    """What launchctl answered."""

    code: int
    output: str
    error: str


def launchctl(*arguments: str) -> Answer:
    """Run launchctl."""
    run = subprocess.run([LAUNCHCTL, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return Answer(run.returncode, run.stdout, run.stderr.strip())


def is_here() -> bool:
    """Tell whether this is a system with launchd."""
    return os.path.exists(LAUNCHCTL)


def domains() -> list[str]:
    """Return the domains in which jobs of whoever asks can be, the one that lasts first."""
    uid = os.geteuid()
    return [f"gui/{uid}", f"user/{uid}"] if uid else ["system"]


def lasting_domain() -> str:
    """Return the domain to which a job of whoever asks belongs.

    Root's is there from boot on. A person's is there from a login at the screen on; over SSH with nobody at the screen
    there is only one that ends at the next restart.
    """
    first, *others = domains()
    return next((domain for domain in others if launchctl("print", first).code), first)


def target(domain: str, label: str) -> str:
    """Name a job to launchctl. To boot out a domain without a label would end the whole session of a person."""
    if not label:
        raise ValueError("A job must have a label.")
    return f"{domain}/{label}"


def find(label: str) -> Job | None:
    """Return the job of this name, in whichever domain it is; None where there is none."""
    answers = ((domain, launchctl("print", target(domain, label))) for domain in domains())
    return next((read_job(domain, answer.output) for domain, answer in answers if answer.code == 0), None)


def read_job(domain: str, text: str) -> Job:
    """Read what ``launchctl print`` says of a job. Its first line differs between releases of macOS."""
    properties: dict[str, str] = {}
    blocks: dict[str, list[str]] = {}
    block = None
    for line in text.splitlines():
        if begin := BLOCK.fullmatch(line):
            block = begin[1]
        elif line == "\t}":
            block = None
        elif block and line.startswith("\t\t"):
            blocks.setdefault(block, []).append(line[2:])
        elif found := PROPERTY.fullmatch(line):
            properties[found[1]] = found[2]
    return Job(
        domain,
        properties.get("path", ""),
        tuple(blocks.get("arguments", [])),
        properties.get("state", ""),
        int(properties.get("pid", 0)),
        properties.get("last exit code", ""),
    )


def disabled(domain: str) -> set[str]:
    """Return the names of what must not start in a domain, whether launchd knows it now or not."""
    found = (OVERRIDE.fullmatch(line) for line in launchctl("print-disabled", domain).output.splitlines())
    return {match[1] for match in found if match and match[2] in ("disabled", "true")}


def definition(path: str) -> dict[str, Any]:
    """Read the file that defines a job; empty where there is none that can be read."""
    # Whoever looks at a host without launchd need not wait for them.
    import plistlib  # noqa: PLC0415
    from xml.parsers.expat import ExpatError  # noqa: PLC0415

    try:
        found: dict[str, Any] = plistlib.loads(files.read_regular(path, follow_links=True))
    except (OSError, ValueError, ExpatError):  # InvalidFileException is a ValueError
        return {}
    return found


def is_defined_by(job: Job, path: str) -> bool:
    """Tell whether a job is what a file says. launchd reads that once, so it may have another one, or an older one."""
    return job.path == path and list(job.arguments) == definition(path).get("ProgramArguments")


def uptime(pid: int) -> int:
    """Return for how many seconds a process has run; 0 where it has ended."""
    run = subprocess.run(["ps", "-o", "etime=", "-p", str(pid)], capture_output=True, text=True, check=False)
    numbers = [int(number) for number in reversed(NUMBERS.findall(run.stdout))]  # [[days-]hours:]minutes:seconds
    return sum(number * unit for number, unit in zip(numbers, (1, 60, 3600, 86400)))
