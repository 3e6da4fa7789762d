# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Say where secrets can be read on this machine: leaks.py [watch FILE].

It prints each place in which it finds one, a file with its mode and owner. Standard input is a JSON object: the
`secrets` by name, the `folders` to look through, there only in what is `newer_than` a file if one is named, and perhaps
the file that was `watched`. They come that way so that they stand in no command line; this program stands in the
argument of python3 -c, and has none of them.

`watch` writes into FILE what each process on this machine is started with, also in containers, until it is ended. The
kernel tells it of each, so it sees those as well that are gone after a few milliseconds.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Process = dict[str, str] | None

# How the kernel tells of processes: <linux/netlink.h>, <linux/connector.h> and <linux/cn_proc.h>
NETLINK_CONNECTOR = 11
SO_RCVBUFFORCE = 33
HEADER = struct.Struct("=IHHII")
DONE = 3
MESSAGE = struct.Struct("=IIIIHH")
PROCESSES = 1
LISTEN = struct.pack("=I", 1)
EVENT = struct.Struct("=IIQII")
EXEC = 2
# Bytes of events that wait while this process does.
WAITING = 1 << 24
# Only journalctl reads all that is in one.
JOURNALS = "*.journal*"
# Nobody writes so much by mistake, and unit tests have sparse files of a terabyte.
LARGEST = "-256M"
# How many of a hundred processes may be gone before they are looked at.
GONE = 2


def forms(secret: str) -> set[bytes]:
    """Return a secret as it stands in a text, in JSON, in an address, and within what was encoded with base64."""
    written = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    written |= {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    encoded = {within_base64(secret.encode(), before) for before in range(3)}
    encoded |= {each.translate(bytes.maketrans(b"+/", b"-_")) for each in encoded}
    return {each.encode() for each in written} | encoded


def within_base64(text: bytes, before: int) -> bytes:
    """Return the characters that depend on nothing but a text, where so many bytes of something else come before it."""
    return base64.b64encode(bytes(before) + text)[-(-before * 8 // 6) : (before + len(text)) * 8 // 6]


def files_with(patterns: set[bytes], folders: list[str], newer_than: str | None) -> list[Path]:
    """Return the files below some folders in which one of the patterns stands."""
    newer = ["-cnewer", newer_than] if newer_than else []
    names = output(["find", *folders, "-type", "f", "-size", LARGEST, "!", "-name", JOURNALS, *newer, "-print0"])
    # The patterns are in a file without a name, and in no argument.
    file = os.memfd_create("patterns")
    os.write(file, b"\n".join(patterns))
    grep = ["grep", "--files-with-matches", "--null", "--text", "--fixed-strings", f"--file=/proc/self/fd/{file}"]
    found = output(["xargs", "--null", *grep], input=names, pass_fds=[file])
    os.close(file)
    return [Path(os.fsdecode(name)) for name in found.split(b"\0") if name]


def output(command: list[str], **options: Any) -> bytes:
    """Return what a program prints; it may miss files, and nothing else may go wrong."""
    ended = subprocess.run(command, check=False, capture_output=True, env={**os.environ, "LC_ALL": "C"}, **options)
    errors = [line for line in ended.stderr.splitlines() if not line.endswith(b": No such file or directory")]
    # xargs ends with 123 where one of the calls found nothing.
    if errors or ended.returncode not in {0, 1, 123}:
        sys.exit(f"{command[0]} ended with {ended.returncode}: {errors}")
    return bytes(ended.stdout)


def described(file: Path) -> str:
    """Return the name of a file, its mode and its owner."""
    return f"{file} {stat.S_IMODE(file.stat().st_mode):04o} {file.owner()}"


def started_with(pid: int | str) -> Process:
    """Return what a process was started with; nothing if it is gone, or one of the kernel's."""
    try:
        command, environment = (Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
    except OSError:
        return None
    if not command:
        return None
    return {"command line": command.decode(errors="replace"), "environment": environment.decode(errors="replace")}


def running() -> Iterator[Process]:
    """Yield what the processes of this moment were started with."""
    yield from (started_with(name) for name in os.listdir("/proc") if name.isdecimal())


def watch(file: str) -> NoReturn:
    """Write what each process is started with, one a line; `null` for one that was gone too soon."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
    kernel.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, WAITING)
    kernel.bind((0, PROCESSES))
    message = MESSAGE.pack(PROCESSES, PROCESSES, 0, 0, len(LISTEN), 0) + LISTEN
    kernel.send(HEADER.pack(HEADER.size + len(message), DONE, 0, 0, 0) + message)
    with Path(file).open("w", buffering=1) as lines:
        while True:
            kind, _, _, _, pid = EVENT.unpack_from(kernel.recv(4096), HEADER.size + MESSAGE.size)
            if kind == EXEC:
                lines.write(json.dumps(started_with(pid)) + "\n")


def texts_of(processes: Iterable[Process]) -> Iterator[tuple[str, bytes]]:
    """Yield what processes were started with, each after what it is called."""
    for process in filter(None, processes):
        program = Path(process["command line"].split("\0")[0]).name
        yield from ((f"the {what} of {program}", text.encode()) for what, text in process.items())


def texts(among: list[Path], watched: str | None) -> Iterator[tuple[str, bytes]]:
    """Yield what can be read in some files, and all that can be read elsewhere, each after the place."""
    yield from ((described(file), file.read_bytes()) for file in among if str(file) != watched)
    yield from texts_of(running())
    if watched:
        processes = [json.loads(line) for line in Path(watched).read_text().splitlines()]
        gone = processes.count(None)
        if gone * 100 > len(processes) * GONE:
            sys.exit(f"{gone} of {len(processes)} processes were gone too soon.")
        yield from texts_of(processes)
    if shutil.which("journalctl"):
        command = ["journalctl", "--all", "--output=export", "--since=-1day"]
        yield "the journal", subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def look() -> None:
    """Print where the secrets are that are given."""
    given = json.load(sys.stdin)
    secrets = {name: forms(secret) for name, secret in given["secrets"].items()}
    among = files_with(set().union(*secrets.values()), given["folders"], given["newer_than"])
    found = {
        f"{name} in {place}"
        for place, text in texts(among, given["watched"])
        for name, patterns in secrets.items()
        if any(pattern in text for pattern in patterns)
    }
    print(*sorted(found), sep="\n")


if sys.argv[1:2] == ["watch"]:
    watch(sys.argv[2])
look()
