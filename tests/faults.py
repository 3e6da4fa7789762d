# SPDX-License-Identifier: Apache-2.0
"""Disturb verbs at random on a test host, and see that the next `up` mends it: python tests/faults.py --help.

A fault is survived if the next plain `up` ends with 0, a further one changes nothing, a client logs in, runs code and
opens /lab and /nbclassic, and the notebook is still what it was, byte for byte. The same seed makes the same choices.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from client import Browser, run
from jupyter_kernel_client import JupyterKernelClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = "Kept through all faults.ipynb"
# Longer than any verb takes, also on a machine that does other things meanwhile.
PATIENCE_SECONDS = 1200
BOOT_SECONDS = 120
STATE, PREFIX = "/var/lib/reachable", "/opt/reachable"
# Verbs, with what they are given, and within how many seconds from their start they are disturbed.
VERBS: dict[str, tuple[list[str], float]] = {
    "up": ([], 10),
    "upgrade": ([], 12),
    "rollback": ([], 8),
    "password": ([], 16),
    "down": (['--extra-vars={"reachable_yes": true}'], 20),
}
# They change nothing, whatever they find; each with its options.
LOOKS: dict[str, list[str]] = {"drift": ["--check", "--diff"], "doctor": []}
# What is done before, so that there is something to do.
WORK = {
    "nothing": (":", 0),
    "the server is gone": (f"rm -rf {PREFIX}/server {PREFIX}/server.d", 60),
    "the kernel is gone": (f"rm -rf {STATE}/jupyter/kernel", 40),
    "the settings are gone": (f"rm -rf {PREFIX}/etc", 0),
}
SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}
FILES = {
    "the receipt": f"{STATE}/receipt.json",
    "the settings": f"{PREFIX}/etc/jupyter/jupyter_server_config.json",
    "the unit": "/etc/systemd/system/reachable-jupyter.service",
    "the server's marker": f"{PREFIX}/server/reachable.json",
    "the server's lock": f"{PREFIX}/server/lock.txt",
    "the kernel's marker": f"{STATE}/jupyter/kernel/reachable.json",
    "the key of cookies": f"{STATE}/jupyter/cookie_secret",
    "the key of logins that count no more": f"{STATE}/jupyter/revoked_logins",
}
DAMAGES = {
    "is gone": "rm -rf {}",
    "is empty": "truncate --size=0 {}",
    "is cut short": "truncate --size=40 {}",
    "is a folder": "rm -f {0} && mkdir {0}",
    "is of another type": "echo '[[1], null]' > {}",
    "cannot be read": "chmod 0 {}",
    "is from the future": "touch -d '3 days' {}",
}
PACKAGES = {
    "jupyterlab": f"{PREFIX}/server/lib/python3*/site-packages/jupyterlab",
    "jupyter_server": f"{PREFIX}/server/lib/python3*/site-packages/jupyter_server",
    "nbclassic": f"{PREFIX}/server/lib/python3*/site-packages/nbclassic",
    "ipykernel": f"{STATE}/jupyter/kernel/lib/python3*/site-packages/ipykernel",
}
RESTART = "systemctl restart --no-block reachable-jupyter"
STATES = {
    **{
        f"{name} {damage}": f"{command.format(path)}; {RESTART}"
        for name, path in FILES.items()
        for damage, command in DAMAGES.items()
    },
    **{f"{name} is gone": f"rm -rf {path}; {RESTART}" for name, path in PACKAGES.items()},
    **{f"{name} is half gone": f"find {path} -name '*.py' -delete" for name, path in PACKAGES.items()},
    **{f"{name} is empty": f"find {path} -type f -exec truncate --size=0 {{}} +" for name, path in PACKAGES.items()},
    "Jupyter hangs": "systemctl kill --signal=STOP --kill-whom=main reachable-jupyter",
    "the tools are gone": f"rm -rf {PREFIX}/tools",
}


def options_of(verb: str) -> list[str]:
    """Return the options with which a verb asks nothing."""
    return LOOKS[verb] if verb in LOOKS else VERBS[verb][0]


class NotSurvivedError(Exception):
    """The host did not come back to what it should be; the text says how it differs."""


@dataclass(frozen=True)
class Host:
    """A container with a Jupyter of ours, and how verbs are run for it."""

    container: str
    url: str
    password_file: Path
    cards: Path
    options: list[str]
    log: Path

    def does(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script on the host as root."""
        command = ["podman", "exec", self.container, "sh", "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def network(self, *arguments: str) -> None:
        """Change the routes of the host from outside."""
        shown = ["podman", "inspect", "--format={{.State.Pid}}", self.container]
        pid = subprocess.run(shown, capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["nsenter", f"--target={pid}", "--net", "ip", "route", *arguments], check=True)

    def start(self, verb: str) -> subprocess.Popen[bytes]:
        """Start a verb in a process group of its own."""
        command = ["ansible-playbook", f"playbooks/{verb}.yml", *self.options, *options_of(verb)]
        with self.log.open("ab") as log:
            log.write(f"\n=== {verb}\n".encode())
            log.flush()
            return subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def run(self, verb: str) -> tuple[int, str]:
        """Run a verb to its end, and return its exit status and what it printed."""
        begin = self.log.stat().st_size if self.log.exists() else 0
        status = self.start(verb).wait(PATIENCE_SECONDS)
        return status, self.log.read_bytes()[begin:].decode(errors="replace")


# Faults


def signalled(number: int) -> Callable[[Host, subprocess.Popen[bytes]], None]:
    """Return a disturbance: a signal for the whole process group of the controller."""

    def disturb(_: Host, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    return disturb


def cut_connection(host: Host, _: subprocess.Popen[bytes]) -> None:
    """Let the host cut all connections for a while: one that is cut between two tasks is just opened anew."""
    host.does("for _ in $(seq 40); do pkill --uid ada sshd; sleep 0.05; done")


def reboot(host: Host, _: subprocess.Popen[bytes]) -> None:
    """Take the power away, and give it back."""
    for command in ("kill", "wait", "start"):
        subprocess.run(["podman", command, host.container], capture_output=True, check=command == "start")


def drop_packets(host: Host, _: subprocess.Popen[bytes]) -> None:
    """Let nothing of the host reach the controller for a while."""
    gateway = f"{host.url.rpartition('/')[2].rpartition('.')[0]}.1"
    host.network("add", "blackhole", gateway)
    time.sleep(20)
    host.network("del", "blackhole", gateway)


def lose_the_registry(host: Host, process: subprocess.Popen[bytes]) -> None:
    """Let the host reach nothing but its neighbours until the verb has ended."""
    gateway = f"{host.url.rpartition('/')[2].rpartition('.')[0]}.1"
    host.network("replace", "unreachable", "default", "metric", "1")
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_SECONDS)
    host.network("del", "unreachable", "default", "metric", "1")
    host.network("replace", "default", "via", gateway)


KINDS: dict[str, Callable[[Host, subprocess.Popen[bytes]], None]] = {
    **{name: signalled(number) for name, number in SIGNALS.items()},
    "cut connection": cut_connection,
    "reboot": reboot,
    "dropped packets": drop_packets,
    "registry gone": lose_the_registry,
}


def disturbed(host: Host, choice: random.Random) -> tuple[str, Callable[[], None]]:
    """Choose a verb, what it has to do, and what disturbs it when."""
    verb, kind, work = choice.choice([*VERBS]), choice.choice([*KINDS]), choice.choice([*WORK])
    script, longer = WORK[work] if verb == "up" else (":", 0)
    after = choice.uniform(0, VERBS[verb][1] + longer)

    def inject() -> None:
        host.does(script)
        process = host.start(verb)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after)
        KINDS[kind](host, process)
        with ended(process):
            process.wait(PATIENCE_SECONDS)

    return f"{verb}, {work if verb == 'up' else 'as it is'}: {kind} after {after:.1f} s", inject


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave nothing behind of a verb that does not end."""
    watch = threading.Timer(PATIENCE_SECONDS, lambda: os.killpg(process.pid, signal.SIGKILL))
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def damaged(host: Host, choice: random.Random) -> tuple[str, Callable[[], None]]:
    """Choose a state that something has damaged, and which verb is run first in it."""
    state, verb = choice.choice([*STATES]), choice.choice(["up", "down", "password", *LOOKS])

    def inject() -> None:
        host.does(STATES[state])
        if verb != "up":  # which comes next anyhow
            host.run(verb)

    return f"{verb}, where {state}", inject


def damaged_here(host: Host, choice: random.Random) -> tuple[str, Callable[[], None]]:
    """Choose what has become of the file that says in which scopes it is installed."""
    content = choice.choice(["", '{"system": {"pre', "[[1], null]", "{}", '{"user": 1, "other": {}}'])

    def inject() -> None:
        next(host.cards.glob("scopes.json")).write_text(content)

    return f"up, where scopes.json is {content!r}", inject


# What has to hold afterwards


def until_booted(host: Host) -> None:
    """Wait until the host lets people in."""
    deadline = time.monotonic() + BOOT_SECONDS
    while host.does("systemctl is-system-running --wait").stdout.strip() not in {"running", "degraded"}:
        if time.monotonic() > deadline:
            raise NotSurvivedError("the host does not boot")
        time.sleep(1)


def check(host: Host, content: bytes) -> None:
    """See that all is well, after one `up`. Raises NotSurvivedError."""
    until_booted(host)
    for words in ("", "no changes"):
        status, said = host.run("up")
        if status or words not in said:
            raise NotSurvivedError(f"up ended with {status}:\n{said[-3000:]}")
    try:
        visit(host, content)
    except (AssertionError, OSError, ValueError) as error:
        raise NotSurvivedError(f"a visitor found: {error}") from error


def visit(host: Host, content: bytes) -> None:
    """Log in, open the pages, run code, and compare the notebook."""
    browser = logged_in(host)
    for page in ("/lab", "/nbclassic"):
        answer = browser.ask("GET", page)
        assert answer.status_code == 200, f"{page}: {answer.status_code}"
        assert "/login" not in answer.url, answer.url
    with JupyterKernelClient(server_url=browser.base, token="", headers=browser.headers_of_login()) as kernel:
        assert run(kernel, "6 * 7") == "42"
    answer = browser.ask("GET", f"/files/{NOTEBOOK}")
    assert answer.content == content, f"the notebook is {answer.content[:200]!r}, HTTP {answer.status_code}"


def logged_in(host: Host) -> Browser:
    """Return a browser that has logged in."""
    browser = Browser(host.url)
    status = browser.log_in(host.password_file.read_text().rstrip("\n"))
    assert status == 302, f"the login ended with {status}"
    return browser


def save_notebook(host: Host) -> bytes:
    """Save a notebook that has to stay as it is, and return what is in it."""
    browser = logged_in(host)
    cell: dict[str, Any] = {
        "cell_type": "code",
        "source": "1+1",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "id": "a",
    }
    content = {"cells": [cell], "metadata": {"for": secrets.token_hex(8)}, "nbformat": 4, "nbformat_minor": 5}
    answer = browser.ask("PUT", f"/api/contents/{NOTEBOOK}", json={"type": "notebook", "content": content})
    assert answer.ok, answer.text
    return browser.ask("GET", f"/files/{NOTEBOOK}").content


def main() -> int:
    """Inject the faults, and say which were survived."""
    parser = argparse.ArgumentParser(description="Disturb verbs at random, and see that the next up mends it.")
    parser.add_argument("--container", required=True, help="the container of the host")
    parser.add_argument("--url", required=True, help="the address of its Jupyter")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--cards", type=Path, required=True, help="the folder with its card")
    parser.add_argument("--log", type=Path, required=True, help="the file for what verbs print")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--count", type=int, default=5, help="how many faults")
    parser.add_argument("options", nargs="*", help="what every verb is given, after --")
    given = parser.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    say(f"--seed={seed} makes the same choices again.")
    choice = random.Random(seed)
    host = Host(given.container, given.url, given.password_file, given.cards, given.options, given.log)
    check_first(host)
    content = save_notebook(host)
    survived = 0
    for number in range(1, given.count + 1):
        kinds = choice.choices([disturbed, damaged, damaged_here], weights=[6, 3, 1])
        words, inject = kinds[0](host, choice)
        begin = time.monotonic()
        inject()
        try:
            check(host, content)
        except NotSurvivedError as error:
            say(f"{number}: {words}: NOT SURVIVED, {error}")
            check_first(host)
            content = save_notebook(host)
        else:
            survived += 1
            say(f"{number}: {words}: survived, {time.monotonic() - begin:.0f} s")
    say(json.dumps({"seed": seed, "injected": given.count, "survived": survived}))
    return 0 if survived == given.count else 1


def say(text: str) -> None:
    """Tell whoever waits for it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def check_first(host: Host) -> None:
    """Begin with a host that is as it should be. Raises NotSurvivedError."""
    until_booted(host)
    for _ in range(3):
        status, said = host.run("up")
        if status == 0:
            return
    raise NotSurvivedError(f"There is nothing to begin with, up ended with {status}:\n{said[-3000:]}")


if __name__ == "__main__":
    sys.exit(main())
