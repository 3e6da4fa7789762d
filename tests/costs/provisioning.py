# SPDX-License-Identifier: Apache-2.0
"""What provisioning, looking, upgrading and removing cost."""

from __future__ import annotations

import functools
import io
import json
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from costs.hosts import (
    BENCH,
    CACHE,
    INVENTORIES,
    PASSWORD,
    UP,
    Cost,
    Figure,
    Seconds,
    address,
    await_jupyter,
    cost,
    create_hosts,
    median,
    on_host,
    output,
    provision,
    provisioned,
    timed,
)
from test import ROOT

sys.path.insert(0, str(ROOT / "module_utils"))
from reachable.portable_pip import portable_pip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FRESH_ROUNDS = 6
AGAIN_ROUNDS = 5
TEN = 10

# An upgrade to another version of a small package.
UPGRADE_ROUNDS = 3
OTHER_PACKAGE = "json5==0.12.0 --hash=sha256:6d37aa6c08b0609f16e1ec5ff94697e2cbbfbad5ac112afa05794da9ab7810db\n"


def fresh() -> Iterator[Figure]:
    """Go from a bare host to the first executed cell: by Reachable, by a script with its locks, by hand."""
    output(["./reachable", "up", "--version"])  # makes .venv, which is a part of its own
    ways: dict[str, Callable[[], Seconds]] = {
        "up": provision,
        "locked": functools.partial(run_script, "locked"),
        "manual": functools.partial(run_script, "manual"),
    }
    rounds = []
    for number in range(FRESH_ROUNDS):
        if number:
            create_hosts()
        # Whoever goes first pays for what is not in the caches of the network, so each of them does as often.
        first = number % len(ways)
        order = [*ways][first:] + [*ways][:first]
        rounds.append({name: ways[name]() for name in order})
    seconds = {name: statistics.median(each[name].cell for each in rounds) for name in ways}
    end = statistics.median(each["up"].end for each in rounds)
    yield "Bare host to first cell, by ./reachable up", f"{seconds['up']:.1f} s", ""
    yield "  until it has written the card and ended", f"{end:.1f} s", ""
    yield "  by a plain script with the same locks", f"{seconds['locked']:.1f} s", ""
    yield "  ratio", f"{seconds['up'] / seconds['locked']:.2f}", "at most 1.25"
    yield "  by what people type today, as a script", f"{seconds['manual']:.1f} s", ""
    yield "  ratio", f"{seconds['up'] / seconds['manual']:.2f}", "at most 0.6"


def again() -> Iterator[Figure]:
    """Run once more where nothing has drifted, in turns with Ansible's ping."""
    provisioned()
    yield from run_without_drift("A run without drift", UP, "bench-reachable", "at most 2.5")


def run_without_drift(what: str, up: list[str | Path], host: str, goal: str) -> Iterator[Figure]:
    """Compare a run without drift on a host with Ansible's ping there, in turns."""
    ping: list[str | Path] = [".venv/bin/ansible", "--module-name=ping", *INVENTORIES, host]
    up_cost, ping_cost = in_turns(up, ping)
    yield what, f"{up_cost.seconds:.2f} s", ""
    yield "  ansible -m ping", f"{ping_cost.seconds:.2f} s", ""
    yield "  ratio", f"{up_cost.seconds / ping_cost.seconds:.2f}", goal
    yield "  its time of a processor here", f"{up_cost.processor:.2f} s", ""
    yield "  ratio to that of ansible -m ping", f"{up_cost.processor / ping_cost.processor:.2f}", "at most 2"
    # Both begin with a look for Python there; a ping is one task.
    remote_tasks = ssh_commands(up) - ssh_commands(ping) + 1
    yield "  remote tasks in it", str(remote_tasks), ""


def in_turns(*commands: list[str | Path]) -> list[Cost]:
    """Return what each of some commands costs, run in turns, after a first run that does not count."""
    for command in commands:
        cost(command)
    rounds = [[cost(command) for command in commands] for _ in range(AGAIN_ROUNDS)]
    return [median(column) for column in zip(*rounds, strict=True)]


def ten() -> Iterator[Figure]:
    """Run once more for one host and for ten, where nothing has drifted, in turns.

    All ten are names of one host, as what counts is what they cost the machine that runs the command.
    """
    provisioned()
    names, inventory = [f"bench-ten-{number}" for number in range(TEN)], CACHE / "ten.json"
    password = (CACHE / "secrets/bench-reachable/jupyter_password").read_text().strip()
    host = {"container_ip": address("bench-reachable"), "jupyter_password": password}
    inventory.write_text(json.dumps({"hosts": {"hosts": dict.fromkeys(names, host)}}))
    up = [*UP[:-1], f"--inventory={inventory}"]
    one, all_ten = in_turns([*up, f"--limit={names[0]}"], [*up, f"--limit={','.join(names)}"])
    yield "Ten hosts without drift", f"{all_ten.seconds:.2f} s", ""
    yield "  ratio to one", f"{all_ten.seconds / one.seconds:.2f}", "at most 3"
    yield "  memory of the largest process here", f"{all_ten.memory:.0f} MiB", ""
    yield "  ratio to one", f"{all_ten.memory / one.memory:.2f}", "at most 2"


def drift() -> Iterator[Figure]:
    """Compare drift with a run of up, where nothing has drifted, in turns."""
    provisioned()
    look = ["./reachable", "drift", *UP[2:]]
    look_cost, up_cost = in_turns(look, UP)
    yield "Drift, where there is none", f"{look_cost.seconds:.2f} s", ""
    yield "  ratio to a run without drift", f"{look_cost.seconds / up_cost.seconds:.2f}", "at most 1"


def upgrade() -> Iterator[Figure]:
    """Upgrade and roll back, and fail to upgrade, and count the seconds in which Jupyter does not answer."""
    provisioned()
    lock = (ROOT / "requirements/server.txt").read_text()
    other = re.sub(r"(?m)^json5==.*\n( +--hash.*\n)+", OTHER_PACKAGE, lock)
    lifeless = re.sub(r"(?m)^tornado==.*\n( +--hash.*\n)+", "", lock)
    rounds = [(silent_seconds("upgrade", other), silent_seconds("rollback", lock)) for _ in range(UPGRADE_ROUNDS)]
    yield (
        f"An upgrade without an answer, the longest of {UPGRADE_ROUNDS}",
        f"{max(up for up, _ in rounds):.2f} s",
        "at most 3 s",
    )
    yield "  a rollback", f"{max(back for _, back in rounds):.2f} s", ""
    yield (
        "  an upgrade to a server that does not start",
        f"{silent_seconds('upgrade', lifeless, status=1):.2f} s",
        "0 s",
    )


def silent_seconds(verb: str, lock: str, status: int = 0) -> float:
    """Run a verb with another lock of the server, and return for how many seconds Jupyter did not answer meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        variables, figure = Path(folder, "lock.json"), Path(folder, "seconds")
        variables.write_text(json.dumps({"__reachable_server_lock": lock.strip()}))
        measured: list[str | Path] = [
            sys.executable,
            "molecule/tasks/outage.py",
            f"http://{address('bench-reachable')}:8888",
            figure,
        ]
        process = subprocess.run(
            [*measured, "./reachable", verb, *UP[2:], f"--extra-vars=@{variables}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode != status:
            sys.exit(f"{process.stdout}{process.stderr}\n{verb} ended with status {process.returncode}.")
        return float(figure.read_text())


def down() -> Iterator[Figure]:
    """Take Reachable away from a host that was bare, and count what is another than before."""
    create_hosts()
    bare = snapshot("bench-reachable")
    provision()
    seconds = timed(["./reachable", "down", "--yes", "--purge", *UP[2:]])
    yield "Down", f"{seconds:.1f} s", ""
    yield "  files, users, units and listeners that are left or gone", str(len(bare ^ snapshot("bench-reachable"))), "0"


def size() -> Iterator[Figure]:
    """Look at what lies and runs on the host."""
    provisioned()
    process = on_host("bench-reachable", "systemctl show --property=MainPID --value reachable-jupyter").strip()
    resident = on_host("bench-reachable", f"ps --no-headers -o rss {process}")
    yield "Memory of the idle server", f"{int(resident) / 1024:.0f} MiB", ""
    for folder in ("/opt/reachable", "/var/lib/reachable"):
        used = on_host("bench-reachable", f"sudo du --summarize --block-size=1M {folder}").split()[0]
        yield f"Disk used by {folder}", f"{used} MiB", ""


def venv() -> Iterator[Figure]:
    """Make the controller's environment in a copy of the project, with empty caches."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(ROOT, Path(folder, "copy"), ignore=shutil.ignore_patterns(".?*"))
        seconds = timed([copy / "reachable", "up", "--version"], XDG_CACHE_HOME=f"{folder}/cache")
    yield ".venv from nothing, up to Ansible's first word", f"{seconds:.1f} s", ""


def run_script(name: str) -> Seconds:
    """Let a script provision its host, and run a cell there."""
    host = f"bench-{name}"
    started = time.monotonic()
    on_host(host, f"mkdir bench && tar x -C bench && sudo sh bench/{name}.sh", package(name))
    seconds = await_jupyter(host, 8888) - started
    return Seconds(seconds, seconds)


def package(name: str) -> bytes:
    """Return an archive of a script and what lies beside it."""
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode="w") as archive:
        archive.add(BENCH / f"{name}.sh", f"{name}.sh")
        for lock in ("tools.txt", "server.txt", "kernel.txt"):
            archive.add(ROOT / "requirements" / lock, lock)
        for file, content in {"password": PASSWORD.encode(), "pip.zip": portable_pip()}.items():
            entry = tarfile.TarInfo(file)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return result.getvalue()


def snapshot(host: str) -> set[str]:
    """Return a line about each thing that is on a host."""
    return {*on_host(host, "sudo python3 -", (ROOT / "molecule/tasks/snapshot.py").read_bytes()).splitlines()}


def ssh_commands(command: list[str | Path]) -> int:
    """Count what Ansible runs over SSH."""
    return output([*command, "-vvv"]).count("SSH: EXEC")
