# SPDX-License-Identifier: Apache-2.0
"""Disturb verbs at random on a test host, and see that the next `up` mends it: python tests/faults.py --help.

A fault is survived if the next plain `up` ends with 0, a further one changes nothing, a client logs in, runs code and
opens /lab and /nbclassic, and the notebook is still what it was, byte for byte. Each fault has a number, which is the
seed of what is chosen for it.
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
# Verbs that change something and ask nothing, and within how many seconds from their start they are disturbed. Where
# one had ended by then, that is said.
VERBS: dict[tuple[str, ...], float] = {
    ("up",): 5,
    ("upgrade", "--yes"): 5,
    ("rollback", "--yes"): 5,
    ("password",): 15,
    ("down", "--yes"): 15,
}
# They change nothing, whatever they find.
LOOKS = ("card", "doctor", "drift", "logs", "status")
LOOK_SECONDS = 4
# What up has to do, and how many seconds longer that takes.
WORK = {
    "the server is gone": (f"rm -rf {PREFIX}/server {PREFIX}/server.d", 30),
    "the kernel is gone": (f"rm -rf {STATE}/jupyter/kernel", 20),
    "the settings are gone": (f"rm -rf {PREFIX}/etc", 5),
    "all is gone": (f"rm -rf {PREFIX}; systemctl disable --now reachable-jupyter", 50),
}
# Where Jupyter is before and after each fault, and where it may move, within how many seconds.
HOME = {"reachable_scope": "system", "jupyter_notebook_dir": f"{STATE}/jupyter/notebooks"}
PLACES = {
    "another folder": (HOME | {"jupyter_notebook_dir": "/srv/notebooks"}, 15),
    "a person alone": ({"reachable_scope": "user", "jupyter_notebook_dir": "/home/ada/notebooks"}, 50),
}
SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}
FILES = {
    "the receipt": f"{STATE}/receipt.json",
    "the settings": f"{PREFIX}/etc/jupyter/jupyter_server_config.json",
    "the unit": "/etc/systemd/system/reachable-jupyter.service",
    "the server's marker": f"{PREFIX}/server/reachable.json",
    "the server's lock": f"{PREFIX}/server/lock.txt",
    "the server's pyvenv.cfg": f"{PREFIX}/server/pyvenv.cfg",
    "the front ends' defaults": f"{PREFIX}/etc/jupyter/defaults/labconfig/default_setting_overrides.json",
    "the kernel's marker": f"{STATE}/jupyter/kernel/reachable.json",
    "the kernel's pyvenv.cfg": f"{STATE}/jupyter/kernel/pyvenv.cfg",
    "the kernel's description": f"{STATE}/jupyter/kernel/share/jupyter/kernels/python3/kernel.json",
    "the tools' marker": f"{PREFIX}/tools/reachable.json",
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
    "Jupyter is stopped": "systemctl disable --now reachable-jupyter",
    "the tools are gone": f"rm -rf {PREFIX}/tools",
    "all is from the future": f"find {PREFIX} {STATE} -exec touch --no-dereference --date='3 days' {{}} +; {RESTART}",
}
# Files of ours on this machine, and what may be in them. A password that is lost here nobody can know.
FILES_HERE = {
    "scopes.json": ["", '{"system": {"pre', "[[1], null]", "{}", '{"user": 1, "other": {}}'],
    "card.json": ["", '{"na', "[]"],
    "card.txt": [""],
}


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

    @property
    def address(self) -> str:
        """Return the host's address."""
        return self.url.rpartition("/")[2].partition(":")[0]

    @property
    def gateway(self) -> str:
        """Return the controller's address as the host sees it."""
        return f"{self.address.rpartition('.')[0]}.1"

    def network(self, *arguments: str) -> None:
        """Change the routes of the host from outside."""
        shown = ["podman", "inspect", "--format={{.State.Pid}}", self.container]
        pid = subprocess.run(shown, capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["nsenter", f"--target={pid}", "--net", "ip", "route", *arguments], check=True)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a verb in a process group of its own."""
        command = [sys.executable, "-P", "surroundings.py", *words, *self.options]
        with self.log.open("ab") as log:
            log.write(f"\n=== {' '.join(words)}\n".encode())
            log.flush()
            return subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def run(self, *words: str) -> tuple[int, str]:
        """Run a verb to its end, and return its exit status and what it printed."""
        begin = self.log.stat().st_size if self.log.exists() else 0
        process = self.start(*words)
        with ended(process):
            status = process.wait()
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
    # Unlike a real one it comes back with another network card.
    subprocess.run(["ip", "neigh", "flush", "to", host.address], check=True)


def drop_packets(host: Host, _: subprocess.Popen[bytes]) -> None:
    """Let nothing of the host reach the controller for a while."""
    host.network("add", "blackhole", host.gateway)
    time.sleep(20)
    host.network("del", "blackhole", host.gateway)


def lose_the_registry(host: Host, process: subprocess.Popen[bytes]) -> None:
    """Let the host reach nothing but its neighbours until the verb has ended."""
    host.network("replace", "unreachable", "default", "metric", "1")
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_SECONDS)
    host.network("del", "unreachable", "default", "metric", "1")
    host.network("replace", "default", "via", host.gateway)


def run_another(host: Host, _: subprocess.Popen[bytes]) -> None:
    """Let a second controller do its work at the same time."""
    host.run("up")


KINDS: dict[str, Callable[[Host, subprocess.Popen[bytes]], None]] = {
    **{name: signalled(number) for name, number in SIGNALS.items()},
    "cut connection": cut_connection,
    "reboot": reboot,
    "dropped packets": drop_packets,
    "registry gone": lose_the_registry,
    "another up": run_another,
}


@dataclass(frozen=True)
class Fault:
    """What is done to a host, and in words; it may come too late to disturb anything."""

    words: str
    inject: Callable[[], bool]


def disturbed(host: Host, choice: random.Random) -> Fault:
    """Choose a verb, what it has to do, and what disturbs it when."""
    looks = {(choice.choice(LOOKS),): LOOK_SECONDS}
    verb, longest = choice.choice([*(VERBS | looks).items()])
    return disturb(host, choice, verb, longest)


def disturbed_at_work(host: Host, choice: random.Random) -> Fault:
    """Choose what up has to do, and what disturbs it when."""
    work, (script, longer) = choice.choice([*WORK.items()])
    return disturb(host, choice, ("up",), VERBS["up",] + longer, first=lambda: host.does(script), where=f", {work}")


def disturbed_move(host: Host, choice: random.Random) -> Fault:
    """Choose where everything moves, and what disturbs it on its way there or back."""
    name, (place, longest) = choice.choice([*PLACES.items()])
    if choice.choice((True, False)):
        return disturb(host, choice, moved(place), longest, where=f" to {name}")
    return disturb(
        host, choice, moved(HOME), longest, first=lambda: host.run(*moved(place)), where=f" back from {name}"
    )


def moved(place: dict[str, str]) -> tuple[str, ...]:
    """Return the verb that moves everything to a place."""
    return "up", f"--extra-vars={json.dumps(place)}"


def disturb(
    host: Host,
    choice: random.Random,
    verb: tuple[str, ...],
    longest: float,
    *,
    first: Callable[[], object] = lambda: None,
    where: str = "",
) -> Fault:
    """Choose what disturbs a verb, and when."""
    kind, after = choice.choice([*KINDS]), choice.uniform(0, longest)

    def inject() -> bool:
        first()
        process = host.start(*verb)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after)
        is_in_time = process.poll() is None
        KINDS[kind](host, process)
        with ended(process):
            process.wait()
        return is_in_time

    return Fault(f"{verb[0]}{where}: {kind} after {after:.1f} s", inject)


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave nothing behind of a verb that does not end."""
    watch = threading.Timer(PATIENCE_SECONDS, lambda: os.killpg(process.pid, signal.SIGKILL))
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def damaged(host: Host, choice: random.Random) -> Fault:
    """Choose a state that something has damaged, and which verb is run first in it; up comes next anyhow."""
    state, verb = choice.choice([*STATES]), choice.choice([(), *VERBS, *((look,) for look in LOOKS)])

    def inject() -> bool:
        host.does(STATES[state])
        if verb:
            host.run(*verb)
        return True

    return Fault(f"{verb[0] if verb else 'up'}, where {state}", inject)


def read_only(host: Host, choice: random.Random) -> Fault:
    """Choose what cannot be written to while a verb runs."""
    folder, verb = choice.choice([PREFIX, STATE, "/etc/systemd/system"]), choice.choice([*VERBS])

    def inject() -> bool:
        host.does(f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}")
        host.run(*verb)
        host.does(f"umount --lazy {folder}")
        return True

    return Fault(f"{verb[0]}, where {folder} is read-only", inject)


def damaged_here(host: Host, choice: random.Random) -> Fault:
    """Choose what has become of a file on this machine."""
    name = choice.choice([*FILES_HERE])
    content = choice.choice(FILES_HERE[name])

    def inject() -> bool:
        (host.cards / name).write_text(content)
        return True

    return Fault(f"up, where {name} is {content!r}", inject)


FAULTS = {disturbed: 30, disturbed_at_work: 15, disturbed_move: 10, damaged: 35, read_only: 5, damaged_here: 5}


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
    parser.add_argument("--seed", type=int, default=None, help="the number of the first fault")
    parser.add_argument("--count", type=int, default=5, help="how many faults")
    parser.add_argument("options", nargs="*", help="what every verb is given, after --")
    given = parser.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    say(f"The faults are those from {seed} on; --seed=NUMBER begins with one of them again.")
    host = Host(given.container, given.url, given.password_file, given.cards, given.options, given.log)
    content = begin(host)
    survived = late = 0
    for number in range(seed, seed + given.count):
        choice = random.Random(number)
        kind = choice.choices([*FAULTS], weights=[*FAULTS.values()])[0]
        fault = kind(host, choice)
        since = time.monotonic()
        is_in_time = fault.inject()
        late += not is_in_time
        words = f"{number}: {fault.words}{'' if is_in_time else ', after its end'}"
        try:
            check(host, content)
        except NotSurvivedError as error:
            say(f"{words}: NOT SURVIVED, {error}")
            content = begin(host)
        else:
            survived += 1
            say(f"{words}: survived, {time.monotonic() - since:.0f} s")
            if kind is disturbed_move:
                go_home(host)
    say(json.dumps({"seed": seed, "injected": given.count, "survived": survived, "late": late}))
    return 0 if survived == given.count else 1


def say(text: str) -> None:
    """Tell whoever waits for it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def begin(host: Host) -> bytes:
    """Begin with a host that is as it should be, and return what is in its notebook. Raises NotSurvivedError."""
    until_booted(host)
    host.does("loginctl enable-linger ada")
    go_home(host)
    return save_notebook(host)


def go_home(host: Host) -> None:
    """Let Jupyter be where it is before and after each fault. Raises NotSurvivedError."""
    for _ in range(3):
        status, said = host.run(*moved(HOME))
        if status == 0:
            return
    raise NotSurvivedError(f"There is nothing to begin with, up ended with {status}:\n{said[-3000:]}")


if __name__ == "__main__":
    sys.exit(main())
