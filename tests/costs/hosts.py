# SPDX-License-Identifier: Apache-2.0
"""Machines that are alike, for comparisons, and commands on this one and on those."""

from __future__ import annotations

import functools
import http
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, NamedTuple

import requests
import yaml
from client import Browser, run, started
from test import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Figure = tuple[str, str, str]
"""What was measured, the value with its unit, and the goal."""

BENCH = ROOT / "molecule/bench"
CACHE = ROOT / ".cache/molecule/bench"
# People's inventories have constants where those of the tests look for the folder of their scenario.
INVENTORIES = [
    "--inventory=molecule/inventory",
    "--inventory=molecule/bench/inventory",
    f"--extra-vars={json.dumps({'molecule_cache': str(CACHE), 'molecule_project': str(ROOT)})}",
]
UP: list[str | Path] = ["./reachable", "up", *INVENTORIES, "--limit=bench-reachable"]
# The task that runs a cell. What ./reachable up does after it, such as writing the card, no script does.
FIRST_CELL = "Open Jupyter as an iPad would"
PASSWORD = "no secret, only for the scripts"
PATIENCE_SECONDS = 60.0


class Seconds(NamedTuple):
    """How long it took from a bare host until the first cell had run, and until the command ended."""

    cell: float
    end: float


class Cost(NamedTuple):
    """What a command took of this machine: time, time of a processor, and the memory of its largest process in MiB."""

    seconds: float
    processor: float
    memory: float


def create_hosts() -> None:
    """Start new hosts and wait until they have booted.

    Those of before are stopped and stay until the end: once so many files have been deleted, a file system without a
    journal is several times slower for minutes (ext4 does not use their inodes again at once).
    """
    for host in output(["podman", "ps", "--quiet", "--filter=network=reachable-bench"]).split():
        output(["podman", "stop", "--time=0", host])
        output(["podman", "rename", host, f"bench-past-{host}"])
    for step in ("create", "prepare"):
        # No connection stays open, from which the first run after this would profit.
        output(
            ["ansible-playbook", *INVENTORIES, f"molecule/playbooks/{step}.yml"], ANSIBLE_SSH_ARGS="-o ControlPath=none"
        )


def provision() -> Seconds:
    """Let Reachable provision its host."""
    started = time.monotonic()
    cell, lines = 0.0, []
    with subprocess.Popen(UP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            if not cell and FIRST_CELL in line:
                cell = time.monotonic() - started
            lines.append(line)
    if process.returncode or not cell:
        sys.exit(f"{''.join(lines)}\n{' '.join(map(str, UP))} failed.")
    return Seconds(cell, time.monotonic() - started)


@functools.cache
def provisioned() -> None:
    """Make sure that Reachable has provisioned its host."""
    provision()


def await_jupyter(host: str, port: int) -> float:
    """Wait until a Jupyter that a script has made has run a cell, and return when that was, by the monotonic clock."""
    url, deadline = f"http://{address(host)}:{port}", time.monotonic() + PATIENCE_SECONDS
    while True:
        browser = Browser(url)
        try:
            status = browser.log_in(PASSWORD)
            break
        except requests.ConnectionError as error:
            if time.monotonic() > deadline:
                sys.exit(f"There is no Jupyter at {url}: {error}")
            time.sleep(0.1)
    if status != http.HTTPStatus.FOUND:
        sys.exit(f"The Jupyter at {url} answers the login with {status}.")
    with started(browser) as kernel:
        run(kernel, "1+1")
        return time.monotonic()


def on_host(host: str, command: str, given: bytes = b"") -> str:
    """Run a command on a host, in a connection of its own, and return its output."""
    options = ["-o", "IdentitiesOnly=yes", "-o", f'UserKnownHostsFile="{CACHE}/known_hosts"']
    return output(["ssh", "-i", CACHE / "id_ed25519", *options, f"ada@{address(host)}", command], given)


def address(host: str) -> str:
    """Return the address of a host."""
    inventory = yaml.safe_load((BENCH / "inventory/hosts.yml").read_text())
    return str(inventory["hosts"]["hosts"][host]["container_ip"])


def cost(command: list[str | Path]) -> Cost:
    """Run a command and return what it cost here, with all that it starts; if it fails, print what it said and exit."""
    # Programs that were run before have been compiled, whatever this shell says of it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{said.read().decode(errors='replace')}\n{' '.join(map(str, command))} failed.")
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def median(costs: Iterable[Cost]) -> Cost:
    """Return the median of each."""
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))


def timed(command: list[str | Path], **variables: str) -> float:
    """Run a command and return the seconds it took."""
    started = time.monotonic()
    output(command, **variables)
    return time.monotonic() - started


def output(command: list[str | Path], given: bytes = b"", /, **variables: str) -> str:
    """Run a command and return its output; if it fails, print that and exit."""
    process = subprocess.run(
        command,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **variables},
        check=False,
    )
    text = process.stdout.decode(errors="replace")
    if process.returncode:
        sys.exit(f"{text}\n{' '.join(map(str, command))} failed.")
    return text
