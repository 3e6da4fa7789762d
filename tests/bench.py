# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Measure what Reachable costs: ./reachable bench [PART...].

Parts are `fresh` (from a bare host to the first executed cell), `again` (a run without drift), `size` (memory and disk
of the host), `venv` (the controller's own environment), `tunnel` (changes of its address, an outage, idle minutes, a
run without drift), `drift`, `upgrade` (seconds in which Jupyter does not answer) and `down`; without one all of them
run, one after the other. The figures are for comparison within one run, on a machine that does nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import ansible.module_utils
import requests
import yaml
from test import ROOT, hosts, image_parts, run, set_environment

ansible.module_utils.__path__.append(str(ROOT / "module_utils"))
from ansible.module_utils.doctor import Options, examine
from ansible.module_utils.portable_pip import portable_pip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
FRESH_ROUNDS = 6
AGAIN_ROUNDS = 5

# An upgrade to another version of a small package.
UPGRADE_ROUNDS = 3
OTHER_PACKAGE = "json5==0.12.0 --hash=sha256:6d37aa6c08b0609f16e1ec5ff94697e2cbbfbad5ac112afa05794da9ab7810db\n"

# The stand-in for ngrok's cloud, as molecule/bench/inventory has it.
CLOUD = "10.98.9.5"
CHANGES = 30
OUTAGE_SECONDS = 60
# After trouble the watcher looks more often for a while.
SETTLE_SECONDS = 90
IDLE_SECONDS = 300


class Seconds(NamedTuple):
    """How long it took from a bare host until the first cell had run, and until the command ended."""

    cell: float
    end: float


def main() -> None:
    """Print the figures of the parts that the command line names."""
    parts = {"fresh": fresh, "again": again, "size": size, "venv": venv, "tunnel": tunnel, "drift": drift}
    parts |= {"upgrade": upgrade, "down": down}
    names = sys.argv[1:] or [*parts]
    if unknown := [name for name in names if name not in parts]:
        sys.exit(f"There is no part {unknown[0]!r}; there are {', '.join(parts)}.")
    set_environment()
    os.environ |= {"MOLECULE_PROJECT_DIRECTORY": str(ROOT), "MOLECULE_SCENARIO_NAME": "bench"}
    with contextlib.ExitStack() as stack:
        if names != ["venv"]:
            stack.enter_context(hosts())
            run(image_parts(["bench"]))
            create_hosts()
        for name in names:
            for what, value, goal in parts[name]():
                print(f"{what:58}{value:>10}  {goal}".rstrip(), flush=True)


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
    yield "  ratio", f"{seconds['up'] / seconds['locked']:.2f}", "at most 1.5"
    yield "  by what people type today, as a script", f"{seconds['manual']:.1f} s", ""
    yield "  ratio", f"{seconds['up'] / seconds['manual']:.2f}", "at most 0.7"


def again() -> Iterator[Figure]:
    """Run once more where nothing has drifted, in turns with Ansible's ping."""
    provisioned()
    yield from run_without_drift("A run without drift", UP, "bench-reachable", "at most 5")


def run_without_drift(what: str, up: list[str | Path], host: str, goal: str) -> Iterator[Figure]:
    """Compare a run without drift on a host with Ansible's ping there, in turns."""
    ping: list[str | Path] = [".venv/bin/ansible", "--module-name=ping", *INVENTORIES, host]
    for command in (up, ping):
        timed(command)
    rounds = [(timed(up), timed(ping)) for _ in range(AGAIN_ROUNDS)]
    up_seconds, ping_seconds = (statistics.median(column) for column in zip(*rounds, strict=True))
    yield what, f"{up_seconds:.2f} s", ""
    yield "  ansible -m ping", f"{ping_seconds:.2f} s", ""
    yield "  ratio", f"{up_seconds / ping_seconds:.2f}", goal
    # Both begin with a look for Python there; a ping is one task.
    remote_tasks = ssh_commands(up) - ssh_commands(ping) + 1
    yield "  remote tasks in it", str(remote_tasks), ""


def drift() -> Iterator[Figure]:
    """Compare drift with a run of up, where nothing has drifted, in turns."""
    provisioned()
    look = ["./reachable", "drift", *UP[2:]]
    for command in (UP, look):
        timed(command)
    rounds = [(timed(look), timed(UP)) for _ in range(AGAIN_ROUNDS)]
    look_seconds, up_seconds = (statistics.median(column) for column in zip(*rounds, strict=True))
    yield "Drift, where there is none", f"{look_seconds:.2f} s", ""
    yield "  ratio to a run without drift", f"{look_seconds / up_seconds:.2f}", "at most 1.2"


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
        variables.write_text(json.dumps({"__jupyter_server_lock": lock.strip()}))
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


def tunnel() -> Iterator[Figure]:
    """Follow a tunnel to the stand-in for the cloud through other addresses, an outage and idle minutes."""
    up: list[str | Path] = ["./reachable", "up", *INVENTORIES, "--limit=bench-tunnel"]
    output(up)
    changes = [change_address() for _ in range(CHANGES)]
    for what, column in zip(
        ("Another address to endpoint.json", "  to the message"), zip(*changes, strict=True), strict=True
    ):
        slowest = sorted(column)[round(0.95 * CHANGES) - 1]
        yield f"{what}, 95 % of {CHANGES}", f"{slowest:.2f} s", "at most 2 s"

    cloud("outage", on=True)
    time.sleep(OUTAGE_SECONDS)
    cloud("outage", on=False)
    ended = time.time()
    yield f"Outage of {OUTAGE_SECONDS} s, back after", f"{published_online() - ended:.1f} s", "at most 5 s"

    time.sleep(SETTLE_SECONDS)
    watcher = on_host("bench-tunnel", "systemctl show --property=MainPID --value reachable-endpoint").strip()
    before = processor_seconds(watcher)
    time.sleep(IDLE_SECONDS)
    share = (processor_seconds(watcher) - before) / IDLE_SECONDS
    resident = int(on_host("bench-tunnel", f"ps --no-headers -o rss {watcher}")) / 1024
    yield f"The watcher in {IDLE_SECONDS} idle seconds: processor", f"{share:.2%}", "at most 0.3 %"
    yield "  memory", f"{resident:.0f} MiB", "at most 40 MB"

    yield from run_without_drift("A run without drift, with a tunnel", up, "bench-tunnel", "at most 7")


def change_address() -> tuple[float, float]:
    """Have the cloud give another address; return the seconds until the host published it, and until it was told."""
    known = len(messages())
    started = time.time()
    cloud("restart")
    while len(messages()) == known:
        if time.time() - started > PATIENCE_SECONDS:
            sys.exit("There was no message about a new address.")
        time.sleep(0.05)
    return published_online() - started, messages()[-1]["arrived"] - started


def published_online() -> float:
    """Wait until the host publishes that its tunnel is online, and return since when it does."""
    look = "cd /var/lib/reachable/endpoint && stat --format=%.Y endpoint.json && cat endpoint.json"
    while True:
        changed, _, text = on_host("bench-tunnel", look).partition("\n")
        if all(endpoint["state"] == "online" for endpoint in json.loads(text)["endpoints"]):
            return float(changed)


def processor_seconds(process: str) -> float:
    """Return the processor time of a process on the host (proc(5): fields 14 and 15 of stat, in hundredths)."""
    fields = on_host("bench-tunnel", f"cat /proc/{process}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def cloud(action: str, **body: bool) -> None:
    """Control the stand-in for ngrok's cloud."""
    requests.post(f"http://{CLOUD}:4480/{action}", json=body, timeout=PATIENCE_SECONDS).raise_for_status()


def messages() -> list[dict[str, Any]]:
    """Return the messages that have arrived."""
    received: list[dict[str, Any]] = requests.get(f"http://{CLOUD}:8025", timeout=PATIENCE_SECONDS).json()
    return received


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


def run_script(name: str) -> Seconds:
    """Let a script provision its host, and run a cell there."""
    host = f"bench-{name}"
    started = time.monotonic()
    on_host(host, f"mkdir bench && tar x -C bench && sudo sh bench/{name}.sh", package(name))
    url = f"http://{address(host)}:8888"
    finding = examine(name, url, Options(password=PASSWORD, timeout=PATIENCE_SECONDS, wait=PATIENCE_SECONDS))
    if not finding["reachable"]:
        sys.exit(f"{name}.sh made no Jupyter that works: {finding['problem']}")
    seconds = time.monotonic() - started
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


def on_host(host: str, command: str, given: bytes = b"") -> str:
    """Run a command on a host, in a connection of its own, and return its output."""
    options = ["-o", "IdentitiesOnly=yes", "-o", f'UserKnownHostsFile="{CACHE}/known_hosts"']
    return output(["ssh", "-i", CACHE / "id_ed25519", *options, f"ada@{address(host)}", command], given)


def snapshot(host: str) -> set[str]:
    """Return a line about each thing that is on a host."""
    return {*on_host(host, "sudo python3 -", (ROOT / "molecule/tasks/snapshot.py").read_bytes()).splitlines()}


def ssh_commands(command: list[str | Path]) -> int:
    """Count what Ansible runs over SSH."""
    return output([*command, "-vvv"]).count("SSH: EXEC")


def address(host: str) -> str:
    """Return the address of a host."""
    inventory = yaml.safe_load((BENCH / "inventory/hosts.yml").read_text())
    return str(inventory["hosts"]["hosts"][host]["container_ip"])


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


if __name__ == "__main__":
    main()
