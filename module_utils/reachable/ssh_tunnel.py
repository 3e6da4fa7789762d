# SPDX-License-Identifier: Apache-2.0
"""The greeting of SSH servers, and connections to a port behind one, as Juno Connect opens them, by the program ssh."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import tempfile
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# Enough for a child that was told to end, or whose connection is gone.
END_SECONDS = 2.0
# What ssh says, and the doctor's code for it. The first that fits counts: some of them have others in their wake.
TROUBLES = (
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", "ssh_host_changed"),
    ("host key is known for|Host key verification failed", "ssh_host_unknown"),
    ("Load key|Identity file .* not accessible", "ssh_key_file"),
    ("Permission denied|Too many authentication failures", "ssh_key_refused"),
    ("administratively prohibited", "ssh_forward_refused"),
    ("open failed", "ssh_target_closed"),
)


# How a server of protocol 2 begins the line with which it greets (RFC 4253, sections 4.2 and 5.1).
GREETING = re.compile(rb"^SSH-(2\.0|1\.99)-", re.MULTILINE)
LONGEST_GREETING_BYTES = 4096
# A server may say other lines before it greets. What pauses for so long after its first words is another one.
PAUSE_SECONDS = 1.0


def is_greeting(words: bytes) -> bool:
    """Tell whether what a server said first is how SSH servers greet."""
    return GREETING.search(words) is not None


def first_words(connection: socket.socket) -> bytes:
    """Return what a server says by itself, until it has greeted as SSH servers do; empty where it hangs up.

    Raises TimeoutError where it says nothing within the connection's own timeout.
    """
    words = connection.recv(LONGEST_GREETING_BYTES)
    connection.settimeout(PAUSE_SECONDS)
    with contextlib.suppress(TimeoutError):
        while not is_greeting(words) and len(words) < LONGEST_GREETING_BYTES and (more := connection.recv(1024)):
            words += more
    return words


def first_words_at(host: str, port: int, seconds: float) -> bytes:
    """Connect to a server and return what it says first. Raises TimeoutError and other OSErrors."""
    with socket.create_connection((host, port), seconds) as connection:
        return first_words(connection)


class Way(NamedTuple):
    """How to get in: the SSH server, the user and key, and the port behind it as HOST:PORT.

    The server must have one of ``host_keys``, written as in its own files (``ssh-ed25519 AAAA...``), or one that
    ``known_hosts_file`` has for this host and port.
    """

    host: str
    port: int
    user: str
    key_file: str
    target: str
    known_hosts_file: str | None = None
    host_keys: Sequence[str] | None = None


def literal(path: str) -> str:
    """Write a path as ssh needs it, which would put something else in the place of a percent sign."""
    return path.replace("%", "%%")


def command(way: Way, known_hosts: str, seconds: float) -> list[str]:
    """Return the command that opens one connection. No configuration of the user takes part, nothing is asked."""
    options = {
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": f'"{literal(known_hosts)}"',
        "GlobalKnownHostsFile": "none",
        "ConnectTimeout": str(max(1, int(seconds))),
    }
    settings = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    there = ["-p", str(way.port), f"{way.user}@{way.host}"]
    return ["ssh", "-F", "none", "-i", literal(way.key_file), *settings, "-W", way.target, *there]


def diagnose(words: str) -> tuple[str, str]:
    """Find the doctor's code for what ssh said, and the line that says it; the last one where it is unknown."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    for pattern, code in TROUBLES:
        for line in lines:
            if re.search(pattern, line):
                return code, line.strip("@ ")
    return "ssh_failed", lines[-1] if lines else "ssh says nothing"


class Dialler:
    """Opens connections, each by a child of its own, and ends them all."""

    def __init__(self, way: Way) -> None:
        """Keep the way."""
        self.way = way
        self.children: list[subprocess.Popen[bytes]] = []
        self.file: IO[str] | None = None

    def known_hosts(self) -> str:
        """Return the file with the server's keys, made for the time being where there are only the keys."""
        if self.way.known_hosts_file:
            return self.way.known_hosts_file
        if not self.file:
            self.file = tempfile.NamedTemporaryFile("w", prefix="known_hosts_")  # noqa: SIM115 - until close
            self.file.writelines(f"* {key}\n" for key in self.way.host_keys or ())
            self.file.flush()
        return self.file.name

    def dial(self, seconds: float) -> socket.socket:
        """Open a connection; whether it leads anywhere shows only when something comes back."""
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            try:
                child = subprocess.Popen(
                    command(self.way, self.known_hosts(), seconds), stdin=number, stdout=number, stderr=subprocess.PIPE
                )
            except OSError:
                ours.close()
                raise
        self.children.append(child)
        return ours

    def last_words(self) -> str | None:
        """Return what ssh said when the latest connection failed; None where it did not fail."""
        child = self.children[-1]
        try:
            words = child.communicate(timeout=END_SECONDS)[1]
        except subprocess.TimeoutExpired:
            return None
        return words.decode(errors="replace") if child.returncode else None

    def close(self) -> None:
        """End all connections. Others may be opened afterwards."""
        for child in self.children:
            child.terminate()
        for child in self.children:
            end(child)
        self.children.clear()
        if self.file:
            self.file.close()
            self.file = None


def end(child: subprocess.Popen[bytes]) -> None:
    """Wait for a child that was told to end, but not for ever."""
    try:
        child.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
