# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Run the checks: ./reachable test [--list] [--seed N] [all] [PART...] [-- OPTION...].

Parts are the linters (all of them: `lint`), `unit`, `programs` (those unit tests that start Ansible, Jupyter, uv or
another program, which takes seconds), and the scenarios in molecule/ (all of them: `scenario`). Without a part each of
them runs, and shows every behaviour once. With `all` they also show it in every combination, which takes long; that is
for nights and releases. There chance chooses which faults are injected, and which drift; `--seed` makes the choices of
another run again. Without `all` they are always the same, so that only a change turns a run red. Options after `--` go
to the one part that is named.

`shell` is a shell in which podman and molecule see the test hosts; they are removed when it ends.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / ".cache/test"
LOCK = Path("/run/lock/reachable-test")
# Scenarios wait now and then, for a host that boots or a server that starts: one more than processors keeps these busy.
AT_ONCE = (os.cpu_count() or 1) + 1
SCREENFUL = 80
CONTEXT = 10
# What Molecule says when a step of a scenario begins, and how many of them are shown in the end.
STEP = re.compile(rb"^INFO +\[\w+ > (\w+)\] Executing$", re.MULTILINE)
SLOWEST = 12
# Their hosts start from images that only a registry has, so these scenarios run only when they are named.
ELSEWHERE = {"distributions"}
# All that they show is the same once more, so they run when they are named, and in `all`.
NIGHTLY = {"own_ansible"}
# With it the five faults of a run without `all` are of five kinds.
SEED = "91"
# They start first, and so do the unit tests: then no other part waits for one of them alone in the end.
LONGEST = ("lifecycle", "default", "tunnel", "drift", "launchd", "user")

# A program, and the Debian package that brings it.
LINT_PROGRAMS = {"shellcheck": "shellcheck"}
HOST_PROGRAMS = {
    "podman": "podman",
    "runc": "runc",
    "netavark": "netavark",
    "iptables": "iptables",
    "ip": "iproute2",
    "newuidmap": "uidmap",
    "mmdebstrap": "mmdebstrap",
    "ssh-keygen": "openssh-client",
    # The screens on which Jupyter is used
    "chromium": "chromium",
    "WebKitWebDriver": "webkit2gtk-driver",
    "xvfb-run": "xvfb",
    "xauth": "xauth",
    "zbarimg": "zbar-tools",
    "certutil": "libnss3-tools",
    # The agents that the hosts install
    "npm": "npm",
    "gpg": "gnupg",
    "apt-ftparchive": "apt-utils",
    "dpkg-deb": "dpkg",
}
PROGRAM_FOLDERS = ("/usr/sbin", "/usr/lib/podman", "/usr/libexec/podman")

# A mount namespace of its own, in which this run alone sees the names of the stand-in for ngrok's cloud, and cgroup2
# where the machine has something else: systemd 257 boots in a container on nothing else. The network namespaces of
# hosts of a killed run went with its mounts; podman removes such hosts only when it finds something like them.
NAMES = ROOT / "molecule/hosts"
AGENT = ROOT / ".cache/agents/ngrok"
PRIVATE_MOUNTS = """
mount --bind "$1" /etc/hosts
shift
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
  umount --recursive /sys/fs/cgroup
  mount -t cgroup2 none /sys/fs/cgroup
fi
mkdir -p /run/netns
for name in /run/netns/netns-*; do
  if [ -e "$name" ] && [ "$(stat --file-system --format=%T "$name")" != nsfs ]; then
    unshare --net="$name" ip link add eth0 type veth
  fi
done
exec "$@"
"""


@dataclass
class Part:
    """One check, which runs as a process of its own with its output in a log, or as so many as it is wide."""

    group: str
    name: str
    command: list[str]
    width: int = 1
    passed: bool = False
    processor: float = 0
    steps: list[tuple[str, float]] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """Return the file with its output."""
        return LOGS / f"{self.name}.log"

    def start(self) -> None:
        """Start the process, in a process group of its own, so that it can be ended with all its children."""
        print(f"started  {self.name}", flush=True)
        self.started = time.monotonic()
        self.looked_at = 0
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                close_fds=False,
                start_new_session=True,
            )

    def ended(self) -> bool:
        """Return whether the process has ended; if so, print how, and the output of a failure."""
        ended, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        self.note_steps()
        if not ended:
            return False
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.passed = self.process.returncode == 0
        self.processor = usage.ru_utime + usage.ru_stime
        verdict = "passed" if self.passed else "FAILED"
        self.steps.append(("", time.monotonic()))
        seconds = time.monotonic() - self.started
        # Of a scenario it is the controller's; its hosts are nobody's children.
        print(f"{verdict:8} {self.name:20} {seconds:6.1f} s, {self.processor:6.1f} s of a processor", flush=True)
        if not self.passed:
            lines = self.log.read_text(errors="replace").splitlines()
            print(*telling(lines), f"(log: {self.log})", sep="\n", flush=True)
        return True

    def note_steps(self) -> None:
        """Note when which step of a scenario has begun; a part of another kind has none."""
        with self.log.open("rb") as log:
            log.seek(self.looked_at)
            news = log.read()
        whole_lines = news[: news.rfind(b"\n") + 1]
        self.looked_at += len(whole_lines)
        self.steps += [(step.decode(), time.monotonic()) for step in STEP.findall(whole_lines)]

    def seconds(self) -> list[tuple[float, str]]:
        """Return how long each step took, with its name."""
        return [
            (end - begin, f"{self.name} > {step}")
            for (step, begin), (_, end) in zip(self.steps, self.steps[1:], strict=False)
        ]

    def stop(self) -> None:
        """End the process and its children."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def telling(lines: list[str]) -> list[str]:
    """Return the lines that tell why a part failed: the end, and before it the task on which a scenario failed.

    After that a scenario removes its hosts, which alone takes more lines than people read.
    """
    end = max(0, len(lines) - SCREENFUL)
    failures = [number for number, line in enumerate(lines[:end]) if line.startswith(("fatal: [", "failed: ["))]
    if not failures:
        return lines[end:]
    start = max(0, failures[-1] - CONTEXT)
    return [*lines[start : min(start + SCREENFUL, end)], "[...]", *lines[end:]]


def main() -> None:
    """Run what the command line names; exit with 1 if a part fails."""
    names, options = split(sys.argv[1:])
    names, seed = with_seed(names)
    is_exhaustive = "all" in names
    names = [name for name in names if name != "all"]
    parts = [*unit_parts(is_exhaustive), *lint_parts(is_exhaustive), *scenario_parts()]
    if names == ["--list"]:
        print(*(part.name for part in parts), "all", "shell", sep="\n")
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("Stopped."))
    set_environment()
    os.environ["REACHABLE_TEST_SEED"] = seed
    if is_exhaustive:
        os.environ |= {"REACHABLE_TEST_HOSTS": "all", "REACHABLE_TEST_LEAVES_OUT": "nothing"}
    if names == ["shell"]:
        with hosts():
            run(image_parts({part.name for part in parts if part.group == "scenario"} - ELSEWHERE))
            sys.exit(subprocess.call([os.environ.get("SHELL", "/bin/sh"), *options]))

    chosen = choose(parts, names, is_exhaustive)
    if options:
        if len(chosen) != 1:
            sys.exit("Options after -- go to one part: name it before them.")
        chosen[0].command += options
    run_and_exit(chosen)


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the arguments before and after `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:end], arguments[end + 1 :]


def with_seed(names: list[str]) -> tuple[list[str], str]:
    """Take `--seed NUMBER` out of the arguments; without it, chance decides in `all`."""
    if "--seed" not in names:
        return names, str(secrets.randbelow(10**6)) if "all" in names else SEED
    place = names.index("--seed")
    if not "".join(names[place + 1 : place + 2]).isdecimal():
        sys.exit("Give a number after --seed.")
    return names[:place] + names[place + 2 :], names[place + 1]


def choose(parts: list[Part], names: list[str], is_exhaustive: bool) -> list[Part]:
    """Return the parts with these names or in these groups; without a name those that show each behaviour, or all."""
    known = {name for part in parts for name in (part.name, part.group)}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"There is no part {unknown[0]!r}; ./reachable test --list shows them all.")
    if not names:
        left_out = ELSEWHERE if is_exhaustive else ELSEWHERE | NIGHTLY
        return [part for part in parts if part.name not in left_out]
    return [part for part in parts if {part.name, part.group} & {*names}]


def set_environment() -> None:
    """Let the checks see the project's own settings, and none of the person who runs them."""
    for name in [*os.environ]:
        if name.startswith(("ANSIBLE_", "JUPYTER_", "MOLECULE_", "NGROK_", "REACHABLE_")):
            del os.environ[name]
    os.environ["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")
    os.environ["NO_COLOR"] = "1"
    os.environ["CONTAINERS_CONF"] = str(ROOT / "molecule/images/containers.conf")
    os.chdir(ROOT)
    name_agent()


def name_agent() -> None:
    """Let the unit tests find the real agent, once it is here."""
    if AGENT.exists():
        os.environ["NGROK_2X"] = str(AGENT)


def unit_parts(is_exhaustive: bool) -> list[Part]:
    """Return the unit tests, and apart from them those that start programs; as many at once as keep processors busy."""
    some = "" if is_exhaustive else " and not exhaustive"
    # What a file has started for its tests is started once.
    programs = ["pytest", "--numprocesses=auto", "--dist=loadfile", "-m", f"programs{some}"]
    # Some of them wait: for a clock, or a connection that is not to come.
    units = ["pytest", f"--numprocesses={2 * (os.cpu_count() or 1)}", "-m", f"not programs{some}"]
    width = AT_ONCE - 1
    return [
        Part("unit", "unit", units, width),
        Part("programs", "programs", programs, width),
    ]


def lint_parts(is_exhaustive: bool) -> list[Part]:
    """Return one part per linter. Whether scenarios can be run is seen without ansible-lint, which takes a minute."""
    modules = [file.stem for file in sorted(ROOT.glob("library/*.py"))]
    # The longest first.
    commands = {
        "ansible-lint": ["ansible-lint", "--offline", *([] if is_exhaustive else ["playbooks", "roles", "inventory"])],
        "mypy": ["mypy", "."],
        "yamllint": ["yamllint", "--strict", "."],
        "ruff": ["ruff", "check"],
        "ruff-format": ["ruff", "format", "--diff"],
        "shellcheck": ["shellcheck", *shell_scripts()],
        "argument-specs": [sys.executable, "tests/check_argument_specs.py"],
        "docs": [sys.executable, "tests/docs.py", "--check"],
        "module-docs": ["ansible-doc", "--type=module", *modules],
    }
    return [Part("lint", name, command) for name, command in commands.items()]


def shell_scripts() -> list[str]:
    """Return the project's shell scripts; they are told by their first line."""
    files = [file for pattern in ("*", ".ci/*", "[!.]*/**/*") for file in ROOT.glob(pattern) if file.is_file()]
    return sorted({str(file.relative_to(ROOT)) for file in files if file.read_bytes().startswith(b"#!/bin/sh\n")})


def image_parts(scenarios: Iterable[str]) -> list[Part]:
    """Return one part per image from which these scenarios' hosts start, and one for what has their agents."""
    kinds = image_kinds(scenarios)
    images = [Part("image", f"image-{kind}", [sys.executable, "tests/images.py", kind]) for kind in kinds]
    return [*images, Part("image", "agents", [sys.executable, "tests/agents.py"])]


def image_kinds(scenarios: Iterable[str]) -> list[str]:
    """Return the kinds of images that inventories name: of hosts, and of the stand-in for ngrok's cloud beside them."""
    files = [file for name in scenarios for file in ROOT.glob(f"molecule/{name}/inventory/*.yml")]
    texts = [file.read_text() for file in files]
    if any("cloud_name:" in text for text in texts):
        texts.append((ROOT / "molecule/inventory/hosts.yml").read_text())
    return sorted({*re.findall(r"_image: reachable-test-(\w+)", "".join(texts))})


def scenario_parts() -> list[Part]:
    """Return one part per Molecule scenario."""
    # Molecule finds the base config by itself in a git repository only; without it, it passes without any host.
    command = ["molecule", "--base-config=.config/molecule/config.yml", "test", "--no-command-borders"]
    others = sorted({file.parent.name for file in ROOT.glob("molecule/*/molecule.yml")} - {*LONGEST})
    names = [*LONGEST, *others]
    return [Part("scenario", name, [*command, f"--scenario-name={name}"]) for name in names]


def run_and_exit(parts: list[Part]) -> None:
    """Run the parts, print a summary and exit with 1 if one of them failed."""
    started = time.monotonic()
    scenarios = [part for part in parts if part.group == "scenario"]
    others = [part for part in parts if part.group != "scenario"]
    if any(part.group == "lint" for part in others):
        require(LINT_PROGRAMS)
    if scenarios:
        with hosts():
            # Not before, as what provides hosts may have begun this program anew, and with another seed.
            print(f"--seed {os.environ['REACHABLE_TEST_SEED']} makes the same choices again.", flush=True)
            images = image_parts(part.name for part in scenarios)
            run(images)
            name_agent()
            # A scenario that finds no image would only fail more slowly.
            run([*others, *scenarios] if all(image.passed for image in images) else others)
            others = [*images, *others]
    else:
        run(others)

    failed = [part.name for part in [*others, *scenarios] if not part.passed]
    slowest = sorted((each for part in scenarios for each in part.seconds()), reverse=True)[:SLOWEST]
    print(*(f"{seconds:6.1f} s  {step}" for seconds, step in slowest), sep="\n")
    print(f"{time.monotonic() - started:.0f} s, logs in {LOGS.relative_to(ROOT)}/")
    print(*(f"failed: {name}" for name in failed), sep="\n", end="\n" if failed else "")
    print(f"{len(others) + len(scenarios) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


def run(parts: list[Part]) -> None:
    """Run the parts side by side, as many as there is room for."""
    LOGS.mkdir(parents=True, exist_ok=True)
    waiting = [*parts]
    running: list[Part] = []
    try:
        while waiting or running:
            while part := first_that_fits(waiting, running):
                waiting.remove(part)
                running.append(part)
                part.start()
            time.sleep(0.1)
            running = [part for part in running if not part.ended()]
    finally:
        for part in running:
            part.stop()


def first_that_fits(waiting: list[Part], running: list[Part]) -> Part | None:
    """Return the first part for which there is room beside those that run."""
    room = AT_ONCE - sum(part.width for part in running)
    return next((part for part in waiting if part.width <= room), None)


@contextmanager
def hosts() -> Iterator[None]:
    """Provide what test hosts need, wait for other runs on this machine, and leave no host behind."""
    if os.geteuid() != 0:
        sys.exit(
            "Test hosts have addresses of their own, which takes root: run it with sudo, or name lint and unit only."
        )
    require(HOST_PROGRAMS)
    names, known = NAMES.read_text(), Path("/etc/hosts").read_text()
    if names not in known:
        table = LOGS.parent / "hosts"
        table.parent.mkdir(exist_ok=True)
        table.write_text(known + names)
        os.execvp("unshare", ["unshare", "--mount", "sh", "-ec", PRIVATE_MOUNTS, "sh", str(table), *sys.orig_argv])
    with LOCK.open("w") as lock:
        # The parts hold the lock, too: should this process be killed, the next run waits until they have cleaned up.
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another test run on this machine to end.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        remove_hosts()
        try:
            yield
        finally:
            remove_hosts()


def remove_hosts() -> None:
    """Remove the networks of all scenarios with the hosts on them."""
    listing = ["podman", "network", "ls", "--quiet", "--filter=name=^reachable-"]
    networks = subprocess.run(listing, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    if networks:
        command = ["podman", "network", "rm", "--force", "--time=0", *networks]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def require(programs: dict[str, str]) -> None:
    """Install the packages of programs that are missing where that is possible, else exit and name them."""
    path = os.pathsep.join([os.environ["PATH"], *PROGRAM_FOLDERS])
    missing = [package for program, package in programs.items() if not shutil.which(program, path=path)]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"Please install {', '.join(missing)}: the tests need it. On Debian as root this command does it.")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        subprocess.run(["apt-get", "--quiet", *command], check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
