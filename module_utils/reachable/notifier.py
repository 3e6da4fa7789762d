# SPDX-License-Identifier: Apache-2.0
"""Keep messages until they are delivered, and deliver them.

The watcher has an ``Outbox``. Separate programs deliver its messages, so that the watcher stays small: the user's
command, or ``python -m reachable.notifier``, which gives one message to Apprise.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from . import files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHILDREN = 3
CHILD_SECONDS = 30.0
STOP_SECONDS = 0.3
FIRST_DELAY_SECONDS = 5.0
LONGEST_DELAY_SECONDS = 600.0
KEEP_SECONDS = 3 * 86400.0


def utc(seconds: float) -> str:
    """Return a time in the published format."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def for_people(moment: str) -> str:
    """Return a published time in the format for people."""
    return f"{moment[:19].replace('T', ' ')} UTC"


def say(text: str) -> None:
    """Write a line into the log."""
    print(f"{utc(time.time())} {text}", flush=True)  # noqa: T201 - the service manager keeps what is printed


def read(path: str) -> Any:
    """Read a JSON object from a file; return an empty dict if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def delay_after(failures: int) -> float:
    """Return the seconds until the next try to deliver a message."""
    doubled = min(failures - 1, 16)  # far beyond the longest delay, and still a finite number
    return min(FIRST_DELAY_SECONDS * 2.0**doubled, LONGEST_DELAY_SECONDS)


def spawn(command: list[str], text: str) -> subprocess.Popen[bytes]:
    """Start a program and write its input, which is small enough for the buffer of a pipe."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0)
    if child.stdin:
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(text.encode())
    return child


@dataclass
class Target:
    """A receiver of messages, with those that wait for it, oldest first. Without ``url`` it is the user's command."""

    key: str
    label: str
    command: list[str]
    url: str | None = None
    waiting: list[str] = field(default_factory=list)
    child: Any = None
    started: float = 0.0
    failures: int = 0
    next_at: float = 0.0


def targets_of(urls: list[str], command: list[str]) -> list[Target]:
    """Return the targets. Their keys do not reveal the addresses, which are secret."""
    notifier = [sys.executable, "-m", "reachable.notifier"]
    found = [
        Target(f"url-{hashlib.sha256(url.encode()).hexdigest()[:16]}", f"notify address {number}", notifier, url)
        for number, url in enumerate(urls, 1)
    ]
    return found + ([Target("command", "the notify command", command)] if command else [])


class Outbox:
    """The undelivered messages, in one file for each message and target, so that a restart loses none."""

    def __init__(self, folder: str, targets: list[Target], start_child: Callable[[list[str], str], Any]) -> None:
        """Take over the messages that an earlier run has left."""
        self.folder, self.targets, self.start_child = folder, targets, start_child
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        by_key = {target.key: target for target in targets}
        for name in sorted(os.listdir(folder)):
            target = by_key.get(name.partition("-")[2].removesuffix(".json"))
            if target:
                target.waiting.append(name)
            else:
                os.unlink(os.path.join(folder, name))
                say(f"{name} is dropped: nobody is left who should get it")

    def since(self, number: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the messages after one with a number, in order."""
        names = {name[:8]: name for target in self.targets for name in target.waiting if int(name[:8]) > number}
        found = [(int(key), read(os.path.join(self.folder, names[key]))) for key in sorted(names)]
        return [(key, content) for key, content in found if content]

    def put(self, number: int, content: Mapping[str, Any]) -> None:
        """Add a message. The same number again is the same message, from before a crash."""
        for target in self.targets:
            name = f"{number:08d}-{target.key}.json"
            files.replace(os.path.join(self.folder, name), json.dumps(content).encode())
            if name not in target.waiting:
                target.waiting.append(name)

    def tick(self, now: float, wall: float) -> None:
        """Check the programs that deliver, and start those that are due."""
        for target in self.targets:
            if target.child:
                self.see_to(target, now, wall)
        for target in self.targets:
            busy = sum(bool(each.child) for each in self.targets)
            if target.waiting and not target.child and now >= target.next_at and busy < CHILDREN:
                self.start(target, now, wall)

    def start(self, target: Target, now: float, wall: float) -> None:
        """Start a program for the oldest message of a target."""
        content = read(os.path.join(self.folder, target.waiting[0]))
        if not content:
            self.remove(target, "it cannot be read")
            return
        mail = {"url": target.url, "title": content["title"], "body": content["body"]}
        try:
            target.child = self.start_child(target.command, json.dumps(mail if target.url else content["data"]))
        except OSError as error:
            self.failed(target, f"it cannot be started: {error.strerror}", now, wall)
        target.started = now

    def see_to(self, target: Target, now: float, wall: float) -> None:
        """Handle the end of a program, and end one that takes too long."""
        code = target.child.poll()
        if code is None:
            if now - target.started > CHILD_SECONDS:
                target.child.kill()
            return
        target.child = None
        if code == 0:
            target.failures = 0
            self.remove(target)
        else:
            self.failed(target, f"it ended with {code}", now, wall)

    def failed(self, target: Target, reason: str, now: float, wall: float) -> None:
        """Schedule another try; drop a message that is too old."""
        target.failures += 1
        target.next_at = now + delay_after(target.failures)
        say(f"message {target.waiting[0][:8]} did not reach {target.label}: {reason}")
        created = read(os.path.join(self.folder, target.waiting[0])).get("created", 0)
        if wall - created > KEEP_SECONDS:
            self.remove(target, "it has failed for three days")

    def remove(self, target: Target, reason: str = "") -> None:
        """Remove the oldest message of a target."""
        name = target.waiting.pop(0)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.folder, name))
        say(f"message {name[:8]} to {target.label} " + (f"is dropped: {reason}" if reason else "is delivered"))

    def stop(self) -> None:
        """Give running programs a moment to end. The next run sends again what they do not deliver."""
        end = time.monotonic() + STOP_SECONDS
        for target in filter(lambda each: each.child, self.targets):
            try:
                code = target.child.wait(max(end - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                target.child.kill()
                code = target.child.wait()
            if code == 0:
                self.remove(target)


# The program that delivers one message


class Remarks(logging.Handler):
    """Collects what Apprise logs. That may contain the address, so it is never printed."""

    def __init__(self) -> None:
        """Start with nothing."""
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a remark."""
        self.text += f"{record.getMessage()}\n"


def deliver(url: str, title: str, body: str) -> str:
    """Give a message to Apprise, and return the problem; an empty text if the message was delivered."""
    import apprise  # noqa: PLC0415 - it needs 30 MB, which the watcher must not

    remarks = Remarks()
    logging.basicConfig(handlers=[remarks], level=logging.WARNING, force=True)
    warnings.simplefilter("ignore")
    # Of a message that is sent elsewhere most receivers would get an empty question, and answer that all is well.
    asset = apprise.AppriseAsset(app_id="Reachable", app_desc="Reachable", http_redirects=False)
    receiver = apprise.Apprise(asset=asset)
    if not receiver.add(url):
        return "Apprise does not know this kind of address, or a part of it is missing"
    if receiver.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT):
        return ""
    status = re.search(r"error=(\d{3})", remarks.text)
    if not status:
        return "the receiver cannot be reached, or does not take it"
    elsewhere = ", that it is at another address: give that one" if status[1].startswith("3") else ""
    return f"the receiver answers HTTP {status[1]}{elsewhere}"


def main() -> int:
    """Deliver the message on the standard input. Errors of libraries are not shown, as they may contain the address."""
    try:
        mail = json.load(sys.stdin)
        problem = deliver(mail["url"], mail["title"], mail["body"])
    except Exception as error:  # noqa: BLE001 - whatever it is, the watcher tries again
        problem = type(error).__name__
    if problem:
        print(f"not delivered: {problem}", file=sys.stderr)  # noqa: T201 - it goes into the watcher's log
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
