# SPDX-License-Identifier: Apache-2.0
"""Run programs as another user in a sandbox of systemd: a transient unit with the directives of a service.

Everybody can see a unit's command line and properties. So the unit runs the source of this file, and receives the
programs and their environment on its standard input.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import queue
import secrets
import select
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Programs = Callable[[Sequence[str], Mapping[str, str], str, float], "Ended"]

BOOTSTRAP = "import json, sys; exec(json.loads(sys.stdin.readline()))"
# How long programs have to end when the sandbox is closed.
STOP_SECONDS = 5
# Longer than the answer takes to arrive after a program has ended.
ANSWER_SECONDS = 30.0
LARGEST_ANSWER = 2**26
LARGEST_REASON = 2**12
REASON_SECONDS = 1.0
# The end of a sandbox that nobody closes, because a program has stopped the process that runs it.
LIFE_SECONDS = 6 * 3600


class SandboxError(Exception):
    """The sandbox cannot be started, or has failed; the text says why."""


class Ended(NamedTuple):
    """The end of a program: its status, negative for a signal, and its output."""

    status: int
    output: str
    errors: str


def run_here(command: Sequence[str], environment: Mapping[str, str], folder: str, seconds: float) -> Ended:
    """Run a program directly, without a sandbox. Raises OSError and subprocess.TimeoutExpired."""
    process = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )
    return Ended(process.returncode, process.stdout, process.stderr)


def told(command: Sequence[str], environment: Mapping[str, str], folder: str, seconds: float) -> dict[str, Any]:
    """Run a program and return its end, or the error, as plain data."""
    try:
        return run_here(command, environment, folder, seconds)._asdict()
    except subprocess.TimeoutExpired:
        return {"late": True}
    except OSError as error:
        return {"problem": [error.errno, error.strerror]}


def understood(answer: Mapping[str, Any], command: Sequence[str], seconds: float) -> Ended:
    """Return the end of a program from the plain data of ``told``. Raises OSError and subprocess.TimeoutExpired."""
    if "late" in answer:
        raise subprocess.TimeoutExpired(command, seconds)
    if "problem" in answer:
        raise OSError(*answer["problem"])
    return Ended(int(answer["status"]), str(answer["output"]), str(answer["errors"]))


class Sandbox:
    """A running sandbox, until it is closed; only root can start one."""

    def __init__(self, user: str, directives: Sequence[str], python: str) -> None:
        """Start the sandbox; the first program shows whether that has worked. Raises OSError."""
        self.user = user
        self.unit = f"reachable-run-{secrets.token_hex(8)}.service"
        self.process = subprocess.Popen(
            command_line(self.unit, user, directives, python),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
        )
        pipes = (self.process.stdin, self.process.stdout, self.process.stderr)
        self.requests, self.answers, self.reasons = cast("tuple[IO[bytes], IO[bytes], IO[bytes]]", pipes)
        self.said = b""
        with contextlib.suppress(SandboxError):  # the first program reports it
            self._tell(inspect.getsource(sys.modules[__name__]))

    def run(self, command: Sequence[str], environment: Mapping[str, str], folder: str, seconds: float) -> Ended:
        """Run a program in the sandbox. Raises OSError, subprocess.TimeoutExpired and SandboxError."""
        self._tell({"command": command, "environment": dict(environment), "folder": folder, "seconds": seconds})
        heard = self._hear(time.monotonic() + seconds + ANSWER_SECONDS)
        try:
            return understood(json.loads(heard), command, seconds)
        except (KeyError, TypeError, ValueError) as error:  # a program in the sandbox may have written it
            raise self._broken() from error

    def close(self) -> None:
        """End the sandbox, with everything that still runs in it."""
        with contextlib.suppress(SandboxError):  # it has ended already
            self._tell(None)
        # Nobody reads its further answers.
        with contextlib.suppress(BrokenPipeError):
            self.requests.close()
        self.answers.close()
        try:
            self.process.wait(3 * STOP_SECONDS)
        except subprocess.TimeoutExpired:
            subprocess.run(["systemctl", "stop", self.unit], stdin=subprocess.DEVNULL, capture_output=True, check=False)
            self.process.kill()
            self.process.wait()
        self.reasons.close()

    def _tell(self, what: Any) -> None:
        """Send one line. Raises SandboxError."""
        try:
            self.requests.write(json.dumps(what).encode() + b"\n")
            self.requests.flush()
        except BrokenPipeError as error:
            raise self._broken() from error

    def _hear(self, deadline: float) -> bytes:
        """Wait for one line. Raises SandboxError."""
        heard = bytearray()
        while not heard.endswith(b"\n"):
            ready, _, _ = select.select([self.answers], [], [], max(0.0, deadline - time.monotonic()))
            part = os.read(self.answers.fileno(), 2**16) if ready else b""
            heard += part
            if not part or len(heard) > LARGEST_ANSWER:
                raise self._broken()
        return bytes(heard)

    def _broken(self) -> SandboxError:
        """Return an error with the known reason why the sandbox does not answer properly."""
        while len(self.said) < LARGEST_REASON and select.select([self.reasons], [], [], REASON_SECONDS)[0]:
            part = os.read(self.reasons.fileno(), LARGEST_REASON)
            if not part:
                break
            self.said += part
        reason = " ".join(self.said.decode(errors="replace").split()) or "it does not answer"
        return SandboxError(
            f"the sandbox for programs of {self.user} does not work: {reason}. Check its directives; "
            f"journalctl --unit={self.unit} on the host may tell more."
        )


def command_line(unit: str, user: str, directives: Sequence[str], python: str) -> list[str]:
    """Return the command that starts a sandbox with a Python that waits for requests."""
    properties = [
        f"User={user}",
        "WorkingDirectory=/",
        f"TimeoutStopSec={STOP_SECONDS}",
        f"RuntimeMaxSec={LIFE_SECONDS}",
        *directives,
    ]
    options = ["--pipe", "--wait", "--collect", f"--unit={unit}", f"--description=Programs of {user}"]
    options += [f"--property={each}" for each in properties]
    return ["systemd-run", *options, "--", python, "-I", "-c", BOOTSTRAP]


# In the sandbox


def serve() -> NoReturn:
    """Run the requested programs, one after another."""
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=listen, args=[requests], daemon=True).start()
    while True:
        print(json.dumps(told(**requests.get())), flush=True)  # noqa: T201 - this is the answer


def listen(requests: queue.SimpleQueue[dict[str, Any]]) -> NoReturn:
    """Receive requests. End at once when they end, so that systemd ends the programs that still run."""
    for line in sys.stdin:
        request = json.loads(line)
        if request is None:
            break
        requests.put(request)
    os._exit(0)


if __name__ == "__main__":
    serve()
