#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for macOS's launchd and launchctl, which run nowhere else. It reads real files and starts real programs.

    macos_launchd.py --serve [--root FOLDER] [--macos NUMBER]     be launchd
    launchctl ARGUMENT...                                   the same file under that name, asks it

It keeps the contract that launchctl(1), launchd.plist(5) and measurements on Macs describe, as far as it is used here:
domains, exit codes, which differ for root and others, the store of what is disabled, asynchronous starts and ends,
throttling, the users as whom jobs run, and logs that are opened once, for append. Of the environment it gives a job no
more than is certain. Below FOLDER, which is / by default, are /Library/LaunchDaemons, what it keeps in
/var/db/com.apple.xpc.launchd, its socket in /var/run, and in /var/run/console the number of whoever is logged in at the
screen; nobody is where that file is missing. A file /var/run/launchd.pending keeps jobs from starting by themselves.

What would end a person's whole session, or uses the old commands, ends this program, so that a test cannot miss it.
"""
# ruff: noqa: T201  (a program for the command line prints)

from __future__ import annotations

import argparse
import contextlib
import json
import os
import plistlib
import pwd
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers.expat import ExpatError

TICK_SECONDS = 0.05
# Even a job that does not run is not gone at once.
TEARDOWN_SECONDS = 0.4
THROTTLE_SECONDS = 10
EXIT_SECONDS = 5
FIRST_PERSON = 500
PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
CONFIG_EXIT = 78
WRITABLE = 0o022
DISABLED_WORDS_SINCE = 13
WAIT_SINCE = 26

OK, EPERM, NO_FILE, ESRCH, EIO = 0, 1, 2, 3, 5
ALREADY, BAD_LIST, NO_LABEL, NO_PROGRAM, NO_DOMAIN, NO_SERVICE = 37, 109, 110, 111, 112, 113
IS_DISABLED, BAD_OWNER, NO_ACTION, WRONG_SESSION, USAGE = 119, 122, 125, 134, 64
TEXTS = {
    EPERM: "Operation not permitted",
    NO_FILE: "No such file or directory",
    ESRCH: "No such process",
    EIO: "Input/output error",
    ALREADY: "Operation already in progress",
    BAD_LIST: "Invalid property list",
    NO_LABEL: "Invalid or missing service identifier",
    NO_PROGRAM: "Invalid or missing Program/ProgramArguments",
    NO_DOMAIN: "Could not find specified domain",
    NO_SERVICE: "Could not find specified service",
    IS_DISABLED: "Service is disabled",
    BAD_OWNER: "Path had bad ownership/permissions",
    NO_ACTION: "Domain does not support specified action",
    WRONG_SESSION: "Service cannot load in requested session",
}
SESSIONS = {"gui": "Aqua", "user": "Background"}


class Refusal(Exception):  # noqa: N818 - launchctl's own word is an answer, not an error
    """What launchctl says instead of doing something."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class Job:
    """A job that is registered in a domain."""

    label: str
    path: str
    definition: dict[str, Any]
    uid: int
    process: subprocess.Popen[bytes] | None = None
    runs: int = 0
    started: float = 0
    due: float | None = None
    last_exit: str = "(never exited)"
    ends_by: float | None = None
    was_killed: bool = False
    forget_at: float | None = None

    @property
    def state(self) -> str:
        """Its state, in launchd's words."""
        if self.ends_by is not None:
            return "SIGKILLed" if self.was_killed else "SIGTERMed"
        if self.process:
            return "running"
        return "spawn scheduled" if self.due and self.runs else "not running"

    def wants_to_run(self) -> bool:
        """Tell whether it is started again after it ended."""
        keep = self.definition.get("KeepAlive", False)
        if isinstance(keep, dict):
            return bool(keep.get("SuccessfulExit") is False and self.last_exit != "0")
        return bool(keep)

    def throttle(self) -> int:
        """Return how many seconds lie between two starts at least."""
        return int(self.definition.get("ThrottleInterval", THROTTLE_SECONDS))

    def exit_seconds(self) -> int:
        """Return how long it may take to end."""
        return int(self.definition.get("ExitTimeOut", EXIT_SECONDS))

    def spawn(self) -> None:
        """Start its program; what keeps it from starting counts as an exit with 78."""
        self.runs += 1
        self.started, self.due = time.monotonic(), None
        definition = self.definition
        account = pwd.getpwnam(definition["UserName"]) if "UserName" in definition else pwd.getpwuid(self.uid)
        words = [str(word) for word in definition.get("ProgramArguments", [definition.get("Program")])]
        variables = definition.get("EnvironmentVariables", {})
        given = {name: value for name, value in variables.items() if isinstance(value, str)}

        def prepare() -> None:
            if os.geteuid() == 0:
                os.initgroups(account.pw_name, account.pw_gid)
                os.setgid(account.pw_gid)
                os.setuid(account.pw_uid)
            umask = definition.get("Umask", 0o22)
            os.umask(int(umask, 8) if isinstance(umask, str) else umask)
            os.chdir(definition.get("WorkingDirectory", "/"))
            for number, key in ((1, "StandardOutPath"), (2, "StandardErrorPath")):
                if key in definition:
                    log = os.open(definition[key], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
                    os.dup2(log, number)
                    os.close(log)

        try:
            self.process = subprocess.Popen(
                words,
                executable=definition.get("Program"),
                env={"PATH": PATH, **given, "XPC_SERVICE_NAME": self.label},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=prepare,  # noqa: PLW1509 - there is one thread only
                start_new_session=True,
            )
        except (OSError, subprocess.SubprocessError):
            self.ended(CONFIG_EXIT)

    def ended(self, status: int) -> None:
        """Note how its program ended, and when it is due again."""
        self.process = None
        if status < 0:
            self.last_exit = f"{status}: {signal.Signals(-status).name}"
        else:
            self.last_exit = f"{status}: EX_CONFIG" if status == CONFIG_EXIT else str(status)
        if self.ends_by is None and self.wants_to_run():
            self.due = max(time.monotonic(), self.started + self.throttle())

    def signal(self, number: int) -> None:
        """Send a signal to its process."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def kill_group(self) -> None:
        """End what its process has left behind."""
        if self.process and not self.definition.get("AbandonProcessGroup"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Begin to end it for good."""
        self.due = None
        self.ends_by = time.monotonic() + self.exit_seconds()
        self.forget_at = time.monotonic() + TEARDOWN_SECONDS
        self.signal(signal.SIGTERM)

    def tick(self, may_start: bool) -> None:
        """Do what is due."""
        now = time.monotonic()
        if self.process and (status := self.process.poll()) is not None:
            self.kill_group()
            self.ended(status)
        if self.ends_by is not None and now > self.ends_by and not self.was_killed:
            self.was_killed = True
            self.signal(signal.SIGKILL)
        if self.due is not None and now >= self.due and may_start:
            self.spawn()

    def is_gone(self) -> bool:
        """Tell whether it was ended, and is to be forgotten now."""
        return self.forget_at is not None and self.process is None and time.monotonic() > self.forget_at


@dataclass
class Domain:
    """A domain, and what is registered in it."""

    name: str
    uid: int
    jobs: dict[str, Job] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What kind of domain it is: system, user or gui."""
        return self.name.partition("/")[0]

    @property
    def printed(self) -> str:
        """Its name as launchctl prints it."""
        return {"system": "system", "user": f"uid: {self.uid}", "gui": f"user gui: {self.uid}"}[self.kind]


class Launchd:
    """launchd itself."""

    def __init__(self, root: Path, macos: int) -> None:
        self.root = root
        self.macos = macos
        self.store = root / "var/db/com.apple.xpc.launchd"
        self.store.mkdir(parents=True, exist_ok=True)
        self.run = root / "var/run"
        self.run.mkdir(parents=True, exist_ok=True)
        self.domains = {"system": Domain("system", 0)}
        self.load_folder(self.domains["system"], root / "Library/LaunchDaemons")

    # Domains

    def at_screen(self) -> int | None:
        """Return the number of whoever is logged in at the screen."""
        try:
            return int((self.run / "console").read_text())
        except (OSError, ValueError):
            return None

    def notice_logins(self) -> None:
        """Let the domain of a login at the screen come, with what is in the person's folder, and go."""
        uid = self.at_screen()
        for domain in [each for each in self.domains.values() if each.kind == "gui" and each.uid != uid]:
            for job in domain.jobs.values():
                if job.ends_by is None:
                    job.end()
            if not domain.jobs:
                del self.domains[domain.name]
        if uid is not None and f"gui/{uid}" not in self.domains:
            domain = self.domains[f"gui/{uid}"] = Domain(f"gui/{uid}", uid)
            self.load_folder(domain, Path(pwd.getpwuid(uid).pw_dir, "Library/LaunchAgents"))

    def load_folder(self, domain: Domain, folder: Path) -> None:
        """Load what a folder has for a domain; what cannot be loaded is passed over."""
        for path in sorted(folder.glob("*.plist")):
            with contextlib.suppress(Refusal):
                self.load(domain, str(path))

    def domain(self, name: str, caller: int) -> Domain:
        """Return a domain by its name."""
        if name in self.domains:
            return self.domains[name]
        kind, _, number = name.partition("/")
        if kind not in SESSIONS or not number.isdigit():
            raise Refusal(USAGE, f"Unrecognized target specifier: {name}")
        uid = int(number)
        # What logs in by SSH has one; nobody else needs it here.
        if uid == caller and uid >= FIRST_PERSON and kind == "user":
            return self.domains.setdefault(name, Domain(name, uid))
        has_any = f"user/{uid}" in self.domains or uid == caller
        code = NO_ACTION if kind == "gui" and has_any else NO_DOMAIN
        raise Refusal(code, f"Could not find domain for user {kind}: {uid}" if code == NO_DOMAIN else TEXTS[code])

    def split(self, name: str, caller: int) -> tuple[Domain, str]:
        """Return the domain and the label of a service target."""
        parts = name.split("/")
        wanted = 2 if parts[0] == "system" else 3
        if len(parts) != wanted or not parts[-1]:
            usage = "<service-target> takes a form of <domain-target>/<service-id>."
            raise Refusal(USAGE, f"Unrecognized target specifier. {usage}")
        return self.domain("/".join(parts[:-1]), caller), parts[-1]

    def job(self, name: str, caller: int) -> Job:
        """Return a job by its service target."""
        domain, label = self.split(name, caller)
        if label not in domain.jobs:
            raise Refusal(NO_SERVICE, f'Could not find service "{label}" in domain for {domain.printed}')
        return domain.jobs[label]

    @staticmethod
    def check_right(domain: Domain, caller: int, text: str) -> None:
        """Refuse who may not change a domain."""
        if caller not in (0, domain.uid):
            raise Refusal(EPERM, f"{text}: {EPERM}: {TEXTS[EPERM]}")

    # What is disabled

    def overrides(self, domain: Domain) -> dict[str, bool]:
        """Return what was enabled or disabled in a domain. Both domains of a user share it."""
        try:
            found: dict[str, bool] = json.loads(self.override_file(domain).read_text())
        except FileNotFoundError:
            return {}
        return found

    def override_file(self, domain: Domain) -> Path:
        """Return the file that keeps it."""
        return self.store / ("disabled.json" if domain.kind == "system" else f"disabled.{domain.uid}.json")

    def override(self, domain: Domain, label: str, is_disabled: bool) -> None:
        """Keep that something is enabled or disabled."""
        self.override_file(domain).write_text(json.dumps({**self.overrides(domain), label: is_disabled}))

    # Jobs

    def load(self, domain: Domain, path: str) -> None:
        """Register what a file defines."""
        definition = self.read(domain, path)
        label = definition["Label"]
        if self.overrides(domain).get(label, definition.get("Disabled", False)):
            raise Refusal(IS_DISABLED, f"{path}: {TEXTS[IS_DISABLED]}")
        if label in domain.jobs:
            raise Refusal(ALREADY, f"{path}: service already bootstrapped")
        job = domain.jobs[label] = Job(label, path, definition, domain.uid)
        if definition.get("RunAtLoad") or definition.get("KeepAlive"):
            job.due = time.monotonic()

    def read(self, domain: Domain, path: str) -> dict[str, Any]:
        """Read and check what a file defines."""
        try:
            found = os.stat(path)
            with open(path, "rb") as file:
                definition: dict[str, Any] = plistlib.load(file)
        except OSError as error:
            raise Refusal(NO_FILE, f"{path}: {TEXTS[NO_FILE]}") from error
        except (ValueError, ExpatError) as error:
            raise Refusal(BAD_LIST, f"{path}: {TEXTS[BAD_LIST]}") from error
        owner = domain.uid if os.geteuid() == 0 else os.geteuid()
        if found.st_uid != owner or found.st_mode & WRITABLE:
            raise Refusal(BAD_OWNER, f"{path}: {TEXTS[BAD_OWNER]}")
        for key, code in (("Label", NO_LABEL), ("ProgramArguments", NO_PROGRAM)):
            if not definition.get(key) and not (key == "ProgramArguments" and definition.get("Program")):
                raise Refusal(code, f"{path}: {TEXTS[code]}")
        sessions = definition.get("LimitLoadToSessionType", "Aqua")
        allowed = [sessions] if isinstance(sessions, str) else sessions
        if domain.kind in SESSIONS and SESSIONS[domain.kind] not in allowed:
            raise Refusal(WRONG_SESSION, f"{path}: {TEXTS[WRONG_SESSION]}")
        return definition

    def tick(self) -> None:
        """Do what is due."""
        self.notice_logins()
        may_start = not (self.run / "launchd.pending").exists()
        for domain in self.domains.values():
            for job in list(domain.jobs.values()):
                job.tick(may_start)
                if job.is_gone():
                    del domain.jobs[job.label]

    def shut_down(self) -> None:
        """End all jobs, as at the end of the machine's day."""
        jobs = [job for domain in self.domains.values() for job in domain.jobs.values()]
        for job in jobs:
            job.end()
        while any(job.process for job in jobs):
            for job in jobs:
                job.tick(may_start=False)
            time.sleep(TICK_SECONDS)

    # launchctl's subcommands. Each returns what it prints.

    def answer(self, arguments: list[str], caller: int) -> tuple[int, str, str]:
        """Answer launchctl: exit code, output, errors."""
        verb, *rest = arguments or ["help"]
        subcommand = getattr(self, f"do_{verb.replace('-', '_')}", None)
        if subcommand is None:
            return EPERM, "", f"Unrecognized subcommand: {verb}\n"
        try:
            return OK, subcommand(caller, *rest), ""
        except TypeError:
            return USAGE, "", f"Usage: launchctl {verb} ...\n"
        except Refusal as refusal:
            return refusal.code, "", f"{refusal}\n"

    def do_bootstrap(self, caller: int, name: str, path: str) -> str:
        """Register a job. What is wrong with it is not told to everybody."""
        domain = self.domain(name, caller)
        try:
            self.check_right(domain, caller, "Bootstrap failed")
            self.load(domain, path)
        except Refusal as refusal:
            if caller:
                words = f"Bootstrap failed: {EIO}: {TEXTS[EIO]}\nTry re-running the command as root for richer errors."
                raise Refusal(EIO, words) from refusal
            words = f"{refusal}\nBootstrap failed: {refusal.code}: {TEXTS[refusal.code]}"
            raise Refusal(refusal.code, words) from refusal
        return ""

    def do_bootout(self, caller: int, *rest: str) -> str:
        """Begin to end a job."""
        if rest[:1] == ("--wait",) and self.macos < WAIT_SINCE:
            raise Refusal(USAGE, "Usage: launchctl bootout <domain-target> [service-path1, ...] | <service-target>")
        name = rest[-1]
        if name in self.domains or name.count("/") < (1 if name.startswith("system") else 2):
            self.fail_loudly(f"bootout {name} ends the whole session")
        domain, label = self.split(name, caller)
        self.check_right(domain, caller, "Boot-out failed")
        if label not in domain.jobs:
            raise Refusal(ESRCH, f"Boot-out failed: {ESRCH}: {TEXTS[ESRCH]}")
        if domain.jobs[label].ends_by is None:
            domain.jobs[label].end()
        return ""

    def do_enable(self, caller: int, name: str) -> str:
        """Allow a job, also an unknown one, to be registered."""
        return self.set_override(caller, name, is_disabled=False)

    def do_disable(self, caller: int, name: str) -> str:
        """Keep a job from being registered from now on. One that is goes on."""
        return self.set_override(caller, name, is_disabled=True)

    def set_override(self, caller: int, name: str, is_disabled: bool) -> str:
        """Keep that something is enabled or disabled, if the caller may."""
        domain, label = self.split(name, caller)
        self.check_right(domain, caller, f"Could not {'disable' if is_disabled else 'enable'} service")
        self.override(domain, label, is_disabled)
        return ""

    def do_kickstart(self, caller: int, *rest: str) -> str:
        """Start a job now; with -k end the one that runs before, without mercy."""
        *options, name = rest
        domain, label = self.split(name, caller)
        self.check_right(domain, caller, f'Could not kickstart service "{label}"')
        job = self.job(name, caller)
        if job.process and "-k" in options:
            job.kill_group()
            job.process.wait()
            job.ended(-signal.SIGKILL)
        if not job.process and job.ends_by is None:
            job.spawn()
        return f"{job.process.pid if job.process else 0}\n" if "-p" in options else ""

    def do_kill(self, caller: int, number: str, name: str) -> str:
        """Send a signal."""
        domain, _ = self.split(name, caller)
        if caller not in (0, domain.uid):
            raise Refusal(EPERM, "Not privileged to signal service.")
        job = self.job(name, caller)
        if not job.process:
            raise Refusal(ESRCH, "No process to signal.")
        job.signal(int(number) if number.isdigit() else signal.Signals[f"SIG{number.removeprefix('SIG')}"])
        return ""

    def do_print(self, caller: int, name: str) -> str:
        """Say how a domain or a job is."""
        if name == "system" or (name.count("/") == 1 and not name.startswith("system")):
            return f"{self.domain(name, caller).name} = {{\n\ttype = {name.partition('/')[0]}\n}}\n"
        try:
            job = self.job(name, caller)
        except Refusal as refusal:
            raise Refusal(refusal.code, f"Bad request.\n{refusal}") from refusal
        header = name if self.macos >= DISABLED_WORDS_SINCE else job.label
        return f"{header} = {{\n{self.properties(job, name)}}}\n"

    @staticmethod
    def properties(job: Job, name: str) -> str:
        """Return what is printed of a job."""
        definition = job.definition

        def block(title: str, lines: list[str]) -> str:
            return f"\t{title} = {{\n" + "".join(f"\t\t{line}\n" for line in lines) + "\t}\n\n"

        words = definition.get("ProgramArguments", [])
        variables = {**definition.get("EnvironmentVariables", {}), "XPC_SERVICE_NAME": job.label}
        return "".join(
            [
                "\tactive count = 1\n",
                f"\tpath = {job.path}\n",
                f"\ttype = {'LaunchDaemon' if name.startswith('system') else 'LaunchAgent'}\n",
                f"\tstate = {job.state}\n\n",
                f"\tprogram = {definition.get('Program', words[0] if words else '')}\n",
                block("arguments", words),
                f"\tworking directory = {definition.get('WorkingDirectory', '/')}\n\n",
                f"\tstdout path = {definition.get('StandardOutPath', '/dev/null')}\n",
                block("default environment", [f"PATH => {PATH}"]),
                block("environment", [f"{each} => {value}" for each, value in variables.items()]),
                f"\tdomain = {name.rpartition('/')[0]}\n",
                f"\tminimum runtime = {job.throttle()}\n\texit timeout = {job.exit_seconds()}\n",
                f"\truns = {job.runs}\n",
                f"\tpid = {job.process.pid}\n" if job.process else "",
                f"\tlast exit code = {job.last_exit}\n\n",
                '\tevent channels = {\n\t\t"com.example.port" = {\n\t\t\tpid = 1\n\t\t}\n\t}\n',
                "\tspawn type = daemon (3)\n",
                f"\tproperties = {'keepalive | ' if definition.get('KeepAlive') else ''}runatload\n",
            ]
        )

    def do_print_disabled(self, caller: int, name: str) -> str:
        """Say what is disabled in a domain."""
        words = ("disabled", "enabled") if self.macos >= DISABLED_WORDS_SINCE else ("true", "false")
        overrides = self.overrides(self.domain(name, caller))
        lines = "".join(f'\t"{label}" => {words[not value]}\n' for label, value in overrides.items())
        return f"\n\tdisabled services = {{\n{lines}\t}}\n"

    def do_list(self, caller: int) -> str:
        """List the jobs of the caller's own domain."""
        domain = self.domain(f"user/{caller}" if caller else "system", caller)
        rows = (f"{job.process.pid if job.process else '-'}\t0\t{job.label}\n" for job in domain.jobs.values())
        return "PID\tStatus\tLabel\n" + "".join(rows)

    def do_managername(self, caller: int) -> str:
        """Name the caller's session; whoever comes by SSH has this one."""
        return "Background\n" if caller else "System\n"

    def do_manageruid(self, caller: int) -> str:
        """Return the number of the caller's session."""
        return f"{caller}\n"

    def do_error(self, _: int, number: str) -> str:
        """Explain an exit code."""
        return f"{number}: {TEXTS.get(int(number), 'unknown error code')}\n"

    def do_load(self, _: int, *__: str) -> str:
        """Refuse what reports success whatever happens."""
        self.fail_loudly("load and unload are not to be used")

    do_unload = do_load

    def fail_loudly(self, text: str) -> NoReturn:
        """End all that runs, and this program."""
        self.shut_down()
        sys.exit(f"launchd: {text}")


def serve(root: Path, macos: int) -> None:
    """Be launchd, until a signal says that the machine is shut down."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    launchd = Launchd(root, macos)
    path = launchd.run / "launchd.sock"
    # Whoever sees the socket may ask at once.
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as selector:
        server.bind(str(unfinished))
        unfinished.chmod(0o666)
        server.listen()
        unfinished.rename(path)
        selector.register(server, selectors.EVENT_READ)
        try:
            while True:
                for _ in selector.select(TICK_SECONDS):
                    with server.accept()[0] as connection:
                        attend(launchd, connection)
                launchd.tick()
        finally:
            launchd.shut_down()


def attend(launchd: Launchd, connection: socket.socket) -> None:
    """Answer one launchctl, which the kernel says is whose."""
    _, caller, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    with connection.makefile("rw") as stream:
        arguments = json.loads(stream.readline())
        launchd.tick()
        stream.write(json.dumps(launchd.answer(arguments, caller)))


def ask(root: Path, arguments: list[str]) -> NoReturn:
    """Be launchctl."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(root / "var/run/launchd.sock"))
        with connection.makefile("rw") as stream:
            stream.write(json.dumps(arguments) + "\n")
            stream.flush()
            code, output, errors = json.loads(stream.read())
    print(output, end="")
    print(errors, end="", file=sys.stderr)
    sys.exit(code)


def main() -> None:
    """Be what the command line says."""
    if sys.argv[1:2] != ["--serve"]:
        ask(Path(os.environ.get("LAUNCHD_ROOT", "/")), sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--macos", type=int, default=15)
    options = parser.parse_args()
    serve(options.root, options.macos)


if __name__ == "__main__":
    main()
