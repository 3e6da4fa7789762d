# SPDX-License-Identifier: Apache-2.0
"""Run the ngrok agent: pass on its output without secrets, keep the end of it, and shorten outages.

    python -m reachable.ngrok_agent --log FILE --cloud HOST:PORT [--secret-file FILE ...]
        [--endpoint NAME TRANSPORT UPSTREAM ...] -- COMMAND ...

This keeper is the agent's parent process. Its log is the only source about the agent, whose API is switched off.

In an outage the agent waits longer and longer between its tries, and would reconnect late. So the keeper tries the
cloud itself, and restarts the agent where that is faster. It also restarts an agent that has reconnected by itself,
because the agent logs its addresses at its start only, and an agent that has opened something that nobody declared. An
agent that the cloud refuses ends, and the service manager would restart it at once, so the keeper waits before it ends
too.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, cast
from urllib.parse import urlsplit

from . import ngrok

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_LOG_BYTES = 64 * 1024
LONGEST_LINE_BYTES = 16 * 1024
# The message of each connection through the tunnel, which says nothing about the cloud.
TRAFFIC = "join connections"
# Messages about openings, which stay in the log until the agent is restarted.
LASTING = (ngrok.STARTED, ngrok.SERVES, ngrok.ESTABLISHED, ngrok.OPENED)
TOO_LONG = "(a line that is too long)"


class Times(NamedTuple):
    """Delays and timeouts, in seconds."""

    try_cloud: float = 2.0  # from one try to reach the cloud to the next
    grace: float = 1.5  # for the agent to reconnect by itself once the cloud is there
    end: float = 5.0  # for the agent to end after it was asked to
    restart: float = 10.0  # after the first restart, doubled after each further one without success
    refused: float = 15.0  # after the first refusal, doubled likewise
    longest: float = 300.0
    retry: float = 1.0  # after a refusal that waiting can heal, likewise
    longest_retry: float = 30.0
    settled: float = 10.0  # a session that lasts this long was accepted
    config: float = 10.0  # what opens this soon after a start comes from the agent's configuration


class Options(NamedTuple):
    """The command of the agent, and where its cloud and files are."""

    command: list[str]
    log: str
    cloud: tuple[str, int]
    secret_files: list[str]
    endpoints: list[dict[str, str]] = []  # noqa: RUF012 - nothing is ever added to it


def doubled(first: float, longest: float, times: int) -> float:
    """Return a pause that is doubled this many times."""
    return float(min(longest, first * 2 ** min(times, 30)))


def names(openings: Iterable[tuple[str, str]]) -> str:
    """Return the names of openings for people."""
    return " and ".join(sorted(f"{name} to {upstream}" if upstream else name for name, upstream in openings))


def is_noise(entry: dict[str, object]) -> bool:
    """Tell whether an entry is about a request to the agent's own API; each request writes two or three of them."""
    return "pg" in entry


def read_secret(text: str) -> str | None:
    """Find the authtoken in a configuration that Reachable wrote. A parser for YAML would take more memory."""
    found = re.search(r'^\s*authtoken:\s*("(?:[^"\\]|\\.)*")\s*$', text, re.MULTILINE)
    return str(json.loads(found[1])) if found else None


class Lines:
    """Splits output into lines. A line that is too long is dropped, because half a secret could not be recognised."""

    def __init__(self) -> None:
        """Start at the beginning of a line."""
        self.rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that are complete now."""
        *lines, rest = (self.rest + data).split(b"\n")
        self.rest = rest[: LONGEST_LINE_BYTES + 1]
        return [line.decode(errors="replace") if len(line) <= LONGEST_LINE_BYTES else TOO_LONG for line in lines]

    def end(self) -> list[str]:
        """Return the rest, which has no end of line."""
        return self.feed(b"\n") if self.rest else []


class Line(NamedTuple):
    """A line of the log; a lasting one is kept when the log is shortened."""

    data: bytes
    is_lasting: bool = False


class Log:
    """The last lines of output, in a file that everybody may read."""

    def __init__(self, path: str, longest: int = LONGEST_LOG_BYTES) -> None:
        """Start with an empty log."""
        self.path = path
        self.longest = longest
        self.lines: deque[Line] = deque()
        self.size = 0
        self.file = self.replace()

    @property
    def text(self) -> str:
        """The content of the file."""
        return b"".join(line.data for line in self.lines).decode()

    def add(self, text: str, is_lasting: bool = False) -> None:
        """Append a line; the older half of a full log is dropped."""
        data = f"{text}\n".encode()
        self.lines.append(Line(data, is_lasting))
        self.size += len(data)
        if self.size <= self.longest:
            self.file.write(data)
            return
        self.shorten()
        self.file.close()
        self.file = self.replace()

    def shorten(self) -> None:
        """Drop the oldest lines, but neither a lasting one nor the newest."""
        lines, self.lines = self.lines, deque()
        for line in lines:
            if self.size <= self.longest // 2 or line.is_lasting or line is lines[-1]:
                self.lines.append(line)
            else:
                self.size -= len(line.data)

    def let_go(self) -> None:
        """Let every line be dropped when the log is shortened."""
        self.lines = deque(line._replace(is_lasting=False) for line in self.lines)

    def replace(self) -> IO[bytes]:
        """Replace the file by one with the present lines, and return it open for more."""
        new = f"{self.path}.new"
        file = open(new, "wb", buffering=0)  # noqa: SIM115 - it stays open
        os.fchmod(file.fileno(), 0o644)
        file.write(self.text.encode())
        os.replace(new, self.path)
        return file


class Refusals:
    """The number of consecutive refusals by the cloud, in a file that survives this process."""

    def __init__(self, path: str) -> None:
        """Keep the path."""
        self.path = Path(path)

    def add(self) -> int:
        """Count one more, and return the number before."""
        try:
            before = int(self.path.read_text())
        except (OSError, ValueError):
            before = 0
        self.path.write_text(f"{before + 1}\n")
        return before

    def forget(self) -> None:
        """Reset the number to 0."""
        self.path.unlink(missing_ok=True)


class Rescue:
    """Decides when to try the cloud, and when to restart an agent that does not reach it. It only calculates."""

    def __init__(self, times: Times) -> None:
        """Start with an agent that needs no help."""
        self.times = times
        self.restarts = 0
        self.not_before = -math.inf
        self.trying = False
        self.next_try = -math.inf
        self.reached_at: float | None = None

    def rest(self) -> None:
        """Note that the agent needs no help."""
        self.next_try = -math.inf
        self.reached_at = None

    def succeed(self) -> None:
        """Note that the agent has a session."""
        self.rest()
        self.restarts = 0
        self.not_before = -math.inf

    @property
    def try_at(self) -> float:
        """When to try the cloud; that is useless before the agent may be restarted."""
        return max(self.next_try, self.not_before - self.times.grace)

    def wants_try(self, now: float) -> bool:
        """Tell whether it is time to try the cloud."""
        return not self.trying and now >= self.try_at

    def begin_try(self, now: float) -> None:
        """Note that a try begins."""
        self.trying = True
        self.next_try = now + self.times.try_cloud

    def end_try(self, now: float, reached: bool) -> None:
        """Note the end of a try."""
        self.trying = False
        if not reached:
            self.reached_at = None
        elif self.reached_at is None:
            self.reached_at = now

    @property
    def restart_at(self) -> float:
        """When to restart the agent; never, as long as the cloud is not reached."""
        return math.inf if self.reached_at is None else max(self.reached_at + self.times.grace, self.not_before)

    def restarted(self, now: float) -> None:
        """Note that the agent was restarted."""
        self.not_before = now + doubled(self.times.restart, self.times.longest, self.restarts)
        self.restarts += 1
        self.reached_at = None

    def pause(self, now: float) -> float | None:
        """Return the seconds until something is due; None if only events decide that."""
        due = min(math.inf if self.trying else self.try_at, self.restart_at)
        return None if due == math.inf else max(0.0, due - now)


class Keeper:
    """Runs the agent until it ends, or until this process is asked to end."""

    def __init__(self, options: Options, out: IO[bytes], times: Times | None = None) -> None:
        """Prepare everything; ``out`` receives all output of the agent."""
        self.options = options
        self.out = out
        self.times = times or Times()
        self.log = Log(options.log)
        self.refusals = Refusals(f"{options.log}.refusals")
        self.rescue = Rescue(self.times)
        self.secrets: list[str] = []
        self.trouble: ngrok.Trouble | None = None
        self.story = ngrok.Story()
        # Undeclared openings: those that were judged already, and those that a restart has closed.
        self.judged: set[ngrok.Opening] = set()
        self.closed: set[tuple[str, str]] = set()
        self.started_at = 0.0
        self.session_at: float | None = None
        self.stopping = self.silent = False
        self.selector = selectors.DefaultSelector()
        # Signals and the thread that tries the cloud write to the button, which wakes the main loop.
        self.bell, self.button = socket.socketpair()
        self.bell.setblocking(False)
        self.button.setblocking(False)
        self.selector.register(self.bell, selectors.EVENT_READ)

    @property
    def cut_off(self) -> bool:
        """Whether the agent does not reach the cloud."""
        return self.trouble is not None and self.trouble.state == "connecting"

    def run(self) -> int:
        """Keep the agent running, and return the exit status of this process."""
        self.start()
        try:
            while not self.silent and not self.stopping:
                self.listen(self.rescue.pause(time.monotonic()) if self.cut_off else None)
                self.help()
        finally:
            self.end()
            self.note(ngrok.GONE)
        self.sleep(self.pause_before_end())
        status = self.agent.returncode
        return 0 if self.stopping else int(status if status >= 0 else 128 - status)

    def stop(self, *_: object) -> None:
        """Handle a signal to end."""
        self.stopping = True

    def say(self, text: str) -> None:
        """Write a line to the output, among those of the agent."""
        self.out.write(f"{text}\n".encode())
        self.out.flush()

    def note(self, message: str, **known: object) -> None:
        """Write an entry of our own into the log."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.take_in([json.dumps({"lvl": "info", "msg": message, "obj": "keeper", "t": moment, **known})])

    def start(self) -> None:
        """Start the agent."""
        texts = [Path(path).read_text() for path in self.options.secret_files]
        self.secrets = [secret for text in texts if (secret := read_secret(text))]
        self.agent = subprocess.Popen(
            self.options.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        self.output = cast("IO[bytes]", self.agent.stdout)
        os.set_blocking(self.output.fileno(), False)
        self.selector.register(self.output, selectors.EVENT_READ)
        self.lines = Lines()
        self.silent = False
        self.started_at = time.monotonic()
        self.log.let_go()
        self.note(ngrok.STARTED, pid=os.getpid())

    def end(self) -> None:
        """End the agent if it still runs, and take in the rest of its output."""
        if self.output.closed:
            return
        if not self.silent:
            self.agent.terminate()
        try:
            self.agent.wait(self.times.end)
        except subprocess.TimeoutExpired:
            self.agent.kill()
            self.agent.wait()
        while self.read():
            pass
        self.take_in(self.lines.end())
        self.selector.unregister(self.output)
        self.output.close()

    def listen(self, seconds: float | None) -> None:
        """Wait for output or a wake-up, for some seconds at most."""
        for key, _ in self.selector.select(seconds):
            if key.fileobj is self.output:
                self.read()
            else:
                self.bell.recv(4096)

    def read(self) -> bool:
        """Take in output of the agent; return whether there may be more. An agent that closes its output ends."""
        data = self.output.read(65536)
        self.silent = data == b""
        self.take_in(self.lines.feed(data or b""))
        return bool(data)

    def take_in(self, lines: Iterable[str]) -> None:
        """Pass lines on, log them, and update the state that they tell."""
        news = False
        for line in lines:
            entry = ngrok.read_entry(line)
            if is_noise(entry):
                continue
            clean = ngrok.redact(line, self.secrets)
            self.say(clean)
            if entry.get("msg") == TRAFFIC:
                continue
            self.log.add(clean, entry.get("msg") in LASTING)
            news = True
            if entry.get("msg") == ngrok.ESTABLISHED:
                self.session_at = self.session_at or time.monotonic()
                self.rescue.succeed()
        if news:
            self.trouble, self.story = ngrok.read_log(self.log.text), ngrok.read_story(self.log.text)

    def help(self) -> None:
        """Do what is due for an agent that does not reach the cloud, or does not do what was declared."""
        now = time.monotonic()
        if self.silent:
            return
        if self.story.is_astray:
            self.start_anew("The agent is back, and does not say at which addresses")
        elif undeclared := self.undeclared(now):
            self.start_anew(f"The agent has opened what nobody declared, {undeclared}")
        elif not self.cut_off:
            self.rescue.rest()
        elif now >= self.rescue.restart_at:
            self.start_anew("The cloud can be reached, but the agent waits")
            self.rescue.restarted(now)
        elif self.rescue.wants_try(now):
            self.rescue.begin_try(now)
            # A thread, because nothing can interrupt a name lookup.
            threading.Thread(target=self.try_cloud, daemon=True).start()

    def start_anew(self, reason: str) -> None:
        """Restart the agent."""
        self.say(f"{reason}: starting it anew")
        self.end()
        if not self.stopping:
            self.start()

    def undeclared(self, now: float) -> str:
        """Return the names of new openings that nobody declared and that a restart closes; an empty text without them.

        Openings that come back after a restart are in the agent's configuration, which only a run corrects.
        """
        opened = ngrok.undeclared(self.story, [], self.options.endpoints)
        found = {each for each in opened if each.is_open} - self.judged
        self.judged |= found
        new = {(each.name, each.upstream) for each in found}
        is_at_start = now - self.started_at < self.times.config
        if again := new & self.closed if is_at_start else set():
            self.say(f"The agent opens again what nobody declared, {names(again)}: './reachable up' corrects that")
        self.closed |= new
        return names(new - again)

    def try_cloud(self) -> None:
        """Find out whether the cloud can be reached."""
        try:
            socket.create_connection(self.options.cloud, self.times.try_cloud).close()
            reached = True
        except OSError:
            reached = False
        self.rescue.end_try(time.monotonic(), reached)
        self.button.send(b"\0")

    def pause_before_end(self) -> float:
        """Return how long to wait before this process ends, because the service manager restarts it at once."""
        refused = self.trouble if self.trouble and self.trouble.state == "refused" else None
        settled = self.session_at is not None and time.monotonic() - self.session_at >= self.times.settled
        if settled or not refused:
            self.refusals.forget()
        if self.stopping or not refused:
            return 0.0
        before = self.refusals.add()
        if refused.heals:
            pause = doubled(self.times.retry, self.times.longest_retry, before)
        else:
            pause = doubled(self.times.refused, self.times.longest, before)
        self.say(f"The cloud refuses the agent: waiting {pause:g} s before the next try")
        return pause

    def sleep(self, seconds: float) -> None:
        """Wait, unless this process is asked to end."""
        end = time.monotonic() + seconds
        while not self.stopping and (left := end - time.monotonic()) > 0:
            self.listen(left)


def parse(arguments: list[str]) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="ngrok_agent", description="Run the ngrok agent.")
    parser.add_argument("--log", required=True, help="the file that keeps what the agent said last")
    parser.add_argument("--cloud", required=True, metavar="HOST:PORT", help="to what the agent connects")
    parser.add_argument("--secret-file", nargs="+", action="extend", default=[], help="a configuration of the agent")
    parser.add_argument("--endpoint", nargs=3, action="append", default=[], metavar=("NAME", "TRANSPORT", "UPSTREAM"))
    parser.add_argument("command", nargs="+", help="the agent and its arguments, after --")
    asked = parser.parse_args(arguments)
    try:
        cloud = urlsplit(f"//{asked.cloud}")
        host, port = cloud.hostname, cloud.port
    except ValueError:
        host = port = None
    if not host or not port:
        parser.error("--cloud needs HOST:PORT")
    endpoints = [dict(zip(("name", "transport", "upstream"), endpoint)) for endpoint in asked.endpoint]
    return Options(asked.command, asked.log, (host, port), asked.secret_file, endpoints)


def main() -> None:
    """Run as a service."""
    keeper = Keeper(parse(sys.argv[1:]), sys.stdout.buffer)
    signal.set_wakeup_fd(keeper.button.fileno())
    signal.signal(signal.SIGTERM, keeper.stop)
    signal.signal(signal.SIGINT, keeper.stop)
    try:
        status = keeper.run()
    except OSError as error:  # of a file that cannot be read or a program that is not there
        sys.exit(f"The agent cannot be kept running: {error}")
    sys.exit(status)


if __name__ == "__main__":
    main()
