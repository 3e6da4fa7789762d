#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Find out what must be known of a host before it is changed; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host_info
short_description: Find out what must be known of a host before it is changed
version_added: "1.0.0"
description:
  - Looks at the system, at room on the disks, at files, at programs, at who holds ports, at users, at services, at a
    person's own configuration of Jupyter, and under which addresses others find the host. All in one step, because
    every remote task takes a noticeable part of a second; tasks that would change nothing are then skipped.
  - Run it as whoever is to own what is made. Others than root see of a port that is taken only by whom.
    It returns what files say, so use C(no_log).
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  paths:
    description: Folders, existing or still to be made.
    type: list
    elements: path
    default: []
  files:
    description: Small files and folders whose content and rights are wanted.
    type: list
    elements: path
    default: []
  certificates:
    description: >-
      Files with certificates in PEM and a key, of which is wanted whether it fits. The key itself is told to nobody.
    type: list
    elements: path
    default: []
  invoker_files:
    description: >-
      Files in the home of whoever has become another user through sudo, of which is wanted whether they are there.
    type: list
    elements: str
    default: []
  on_macos:
    description: >-
      What takes the place of folders and users on macOS, by what they are called elsewhere. What is asked for below a
      folder is there looked for below the other one, too, and the same goes for users, so that whoever asks need not
      know beforehand which system it is.
    type: dict
    default: {}
  daemons:
    description: The names of services that are wanted.
    type: list
    elements: str
    default: []
  supervisord_folder:
    description: The folder with the configuration and the socket of supervisord, which has the services where no
      systemd runs.
    type: path
  environments:
    description: Python environments, each with the lock that it should have.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The environment.
        type: path
        required: true
      requirements:
        description: The content of the lock.
        type: str
        required: true
      alternative:
        description: The content of another lock, where only what is found tells which of the two it should be.
        type: str
      exact:
        description: Whether it should have nothing else.
        type: bool
        default: true
      replace:
        description: >-
          Whether it is one that M(python_environment) replaces. If a rollback has declined the lock, the one of before
          counts.
        type: bool
        default: false
  ports:
    description: The TCP ports whose holders are wanted.
    type: list
    elements: int
    default: []
  http_ports:
    description: >-
      The TCP ports where a server answers to HTTP, if it runs. Of one that hangs it takes half a minute to be sure.
    type: list
    elements: int
    default: []
  users:
    description: The names of the users that are wanted.
    type: list
    elements: str
    default: []
  calendars:
    description: Calendar expressions of systemd's, of which is wanted whether it understands them.
    type: list
    elements: str
    default: []
  oldest_python:
    description: The oldest Python that the environments can be based on.
    type: str
    default: "3.0"
  programs:
    description: Programs that tell their version when they are run with the argument C(version), by path or by name.
    type: list
    elements: str
    default: []
  sshd:
    description: The user of whom is wanted what the SSH server allows them, and at which port.
    type: dict
    suboptions:
      user:
        description: The user, who need not exist yet.
        type: str
        required: true
      port:
        description: The port of the server.
        type: int
        required: true
  jupyter_config:
    description: Whose configuration of Jupyter is wanted, and which settings of it.
    type: dict
    suboptions:
      user:
        description: The user as whom the server runs. One that does not exist yet has nothing of its own.
        type: str
        required: true
      folders:
        description: >-
          The folders, the first beats the next. C(~) is the home of O(jupyter_config.user). Root reads them as that
          user, so that a link in a home leads no further than that user may go.
        type: list
        elements: str
        required: true
      traits:
        description: The names of the settings that are of interest.
        type: list
        elements: str
        required: true
"""

EXAMPLES = r"""
- name: Look at the host
  host_info:
    paths: [/opt/reachable, /var/lib/reachable]
    ports: [8888]
    users: [jupyter]
    supervisord_folder: /opt/reachable/etc
  register: host
"""

RETURN = r"""
paths:
  description: >-
    For each of O(paths), the nearest one that exists, the bytes free there, whether it is a folder that can be written,
    whether programs may run from there, and whether there is nothing in O(paths) itself yet.
  type: dict
  returned: success
  sample: {/opt/reachable: {nearest: /opt, free_bytes: 8589934592, writable: true, executable: true, empty: true}}
system:
  description: >-
    The distribution (V(macos) for that), those that it is like, its release, the processor that its programs are for,
    whether it runs in WSL, whether SELinux enforces its policy, and the version of the Python that runs this module.
  type: dict
  returned: success
  sample:
    distribution: rocky
    like: [rhel, centos, fedora]
    release: "9.6"
    name: Rocky Linux 9.6
    architecture: x86_64
    wsl: false
    selinux: true
    python: "3.9"
python:
  description: >-
    The Python for environments. It is the one that runs this module, or where that is older than O(oldest_python) the
    newest one in C(/usr/bin), and on macOS Homebrew's or the one of python.org; null where that is too old as well.
  type: dict
  returned: success
  sample: {path: /usr/bin/python3.12, version: "3.12"}
files:
  description: >-
    For each of O(files), what is there, in the words of M(file_tree), and its C(age) in seconds; C(state) is V(hidden)
    where only somebody else may look. Of what is no text there is the
    C(sha256), and where it has a null byte no C(content).
  type: dict
  returned: success
  sample: {/etc/motd: {state: file, owner: root, group: root, mode: "0644", content: Welcome, age: 3600.5}}
environments:
  description: >-
    For each of O(environments), V(settled) if it has what its lock names, V(alternative) if it has what the other lock
    names, V(different) if it has other packages, V(incomplete) if it is damaged, half built or made for another Python
    than the one that runs this module, or V(absent).
  type: dict
  returned: success
  sample: {/opt/reachable/server: settled}
daemons:
  description: >-
    For each of O(daemons), its C(state) (V(running), V(stopped), V(failed) or V(absent)), whether it starts C(at_boot),
    its C(uptime) in seconds, and the files that change its unit (C(drop_ins)).
  type: dict
  returned: success
  sample: {reachable-jupyter: {state: running, at_boot: true, uptime: 3600, drop_ins: []}}
port_holders:
  description: >-
    For each of O(ports), the process that listens on it, and the next port that is free; null when the port itself is
    free, C(pid) 0 when the process cannot be seen. How it was started is in C(origin) (V(service), V(user_service),
    V(container), V(tmux), V(screen), V(supervisord), V(session) or V(unknown)) and, of a service or a container, in
    C(unit).
  type: dict
  returned: success
  sample:
    "8888":
      pid: 4711
      user: ada
      command: python3 -m http.server 8888
      origin: user_service
      unit: jupyter.service
      next_free: 8889
silent_ports:
  description: Those of O(http_ports) that take connections, but give no answer.
  type: list
  elements: int
  returned: success
clock:
  description: The time on the host's clock, in seconds since 1970.
  type: float
  returned: success
first_free_port:
  description: The lowest port on which others than root may listen.
  type: int
  returned: success
user:
  description: >-
    Who runs this module. C(lingers) says whether this user's services go on without a session of theirs, C(may_linger)
    whether the user may change that without root, C(becomes_root) whether sudo asks for no password.
  type: dict
  returned: success
  sample: {name: ada, uid: 1000, group: ada, home: /home/ada, lingers: false, may_linger: true, becomes_root: false}
users:
  description: >-
    For each of O(users), and whoever runs this module, what the system knows, whether the home is there, whether the
    account has C(expired) (null where only root may know, and on macOS), whether it C(lingers), and whether it is
    C(in_session); null when there is no such user.
  type: dict
  returned: success
  sample:
    jupyter:
      uid: 999
      comment: Runs Jupyter for Reachable
      group: jupyter
      groups: []
      home: /var/lib/reachable/home
      home_exists: true
      shell: /usr/sbin/nologin
      expired: true
      lingers: false
      in_session: false
programs:
  description: >-
    For each of O(programs), its path, what that leads to when all links are followed, its checksums, and its version,
    which is null when it cannot be run by everybody; null when there is no such program.
  type: dict
  returned: success
  sample:
    ngrok:
      path: /usr/local/bin/ngrok
      target: /usr/local/bin/ngrok
      version: 3.39.10
      sha256: 0123abcd
      md5: 4567cdef
calendars:
  description: >-
    For each of O(calendars), what systemd says is wrong with it; empty where it understands it or does not run.
  type: dict
  returned: success
  sample: {daily: "", never: "Failed to parse calendar specification 'never': Invalid argument"}
service_manager:
  description: >-
    V(launchd) on macOS. V(systemd) where it runs, that of the system for root and that of the user for others; else,
    and where it has its configuration already, V(supervisord).
  type: str
  returned: success
macos:
  description: >-
    On macOS, the domain of launchd in which services of whoever runs this module are, C(user/UID) while that user is
    not logged in at the screen; whether the application firewall is V(off), V(on) or V(blocking) all; and whether users
    can be made and removed. Null elsewhere.
  type: dict
  returned: success
  sample: {domain: gui/501, firewall: "off", may_make_users: false}
certificates:
  description: >-
    What is at each of O(certificates), by its path: C(state), C(owner), C(group) and C(mode) as in RV(files), the
    certificates in C(pem), and in C(fits) whether the key of the first one is there as well.
  type: dict
  returned: success
invoker_files:
  description: Which of O(invoker_files) are there, by their path.
  type: list
  returned: success
ca_bundle:
  description: The certificates that the system trusts, in one file; null where there is none.
  type: str
  returned: success
proxies:
  description: >-
    The proxy that the environment has, or C(/etc/environment), as C(http_proxy), C(https_proxy) and C(no_proxy). There
    may be a password in it.
  type: dict
  returned: success
  sample: {https_proxy: "http://proxy.example.org:3128", no_proxy: localhost}
jupyter_config:
  description: >-
    What O(jupyter_config) asks for, C(settings), C(problems), and as C(password) the C(hash) that a server would take,
    with where it stands, or null. No other secret is in it.
  type: dict
  returned: when O(jupyter_config) is given
sshd:
  description: >-
    What the SSH server C(counts) for O(sshd.user) who comes from the host itself, by keyword, which is empty where it
    does not say; and all C(lines) of its configuration, those that stand below a Match being C(is_for_some).
  type: dict
  returned: when O(sshd) is given
  sample:
    counts: {allowusers: [ada], allowtcpforwarding: ["yes"]}
    lines: [{file: /etc/ssh/sshd_config, line: 7, keyword: allowusers, values: [ada], is_for_some: false}]
addresses:
  description: >-
    The host's name, its addresses towards others, the multicast DNS name to which it answers and no other machine does,
    and all its C(own) addresses but those of the loopback.
  type: dict
  returned: success
  sample: {hostname: vps, ipv4: 192.0.2.7, ipv6: null, mdns: null, own: [192.0.2.7]}
localhost:
  description: The addresses to which the name C(localhost) leads on this host.
  type: list
  elements: str
  returned: success
  sample: [127.0.0.1, "::1"]
nameservers:
  description: The addresses at which the host asks for names, resolv.conf(5).
  type: list
  elements: str
  returned: success
  sample: [127.0.0.53]
"""

import contextlib
import grp
import hashlib
import os
import platform
import pwd
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible.module_utils import distro
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import (
    accounts,
    addresses,
    daemons,
    environments,
    files,
    jupyter_configs,
    launchd,
    macos,
    origins,
    sources,
    sshd,
)
from ansible.module_utils.reachable.run_as import RunAsError, run_as
from ansible.module_utils.reachable.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON_VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
NO_PROGRAMS = 8  # ST_NOEXEC in statvfs(3), which Python names on Linux only
LISTENING = "0A"  # the state of a socket in /proc/net/tcp
LAST_PORT = 65535
PROGRAM_FOLDERS = "/usr/local/bin:/usr/bin:/bin:/snap/bin:/opt/homebrew/bin"
VERSION_SECONDS = 10
# Longer than a server that works is busy with one thing.
PATIENCE_SECONDS = 30
SUDO_SECONDS = 10
LARGEST_PROGRAM = 2**30
OF_THE_FILE_SYSTEM = {"lost+found"}  # at the top of a disk
CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
PYTHONS = Path("/usr/bin")
NAMESERVERS = Path("/etc/resolv.conf")
OF_EVERYBODY = Path("/etc/environment")  # pam_env(8)
SELINUX = Path("/sys/fs/selinux/enforce")
# What a kernel calls itself when it runs programs of the 32-bit kind, as a Raspberry Pi's may do.
NAMES_OF_32_BIT = {"aarch64": "armv8l", "x86_64": "i686"}
# A container on Windows has that kernel, too.
CONTAINERS = (Path("/.dockerenv"), Path("/run/.containerenv"))
# The holder of a port that cannot be seen.
UNSEEN = {"pid": 0, "user": "", "command": "", **origins.UNKNOWN._asdict()}


class Socket(NamedTuple):
    """A TCP socket that listens: on which port, whose it is, and its inode."""

    port: int
    uid: int
    inode: str


def look_at_system() -> dict[str, Any]:
    """Say what system it is."""
    machine = platform.machine()
    if macos.is_here():
        release = macos.release()
        return {
            "distribution": "macos",
            "like": [],
            "release": release,
            "name": f"macOS {release}",
            "architecture": machine,
            "wsl": False,
            "selinux": False,
            "python": PYTHON_VERSION,
        }
    return {
        "distribution": distro.id(),
        "like": distro.like().split(),
        "release": distro.version(),
        "name": distro.name(pretty=True),
        "architecture": machine if sys.maxsize > 2**32 else NAMES_OF_32_BIT.get(machine, machine),
        "wsl": "microsoft" in platform.release().lower() and not any(path.exists() for path in CONTAINERS),
        "selinux": SELINUX.exists() and SELINUX.read_text().strip() == "1",
        "python": PYTHON_VERSION,
    }


def look_at_macos() -> dict[str, Any] | None:
    """Say what there is on macOS only."""
    if not macos.is_here():
        return None
    return {
        "domain": launchd.lasting_domain(),
        "firewall": macos.firewall(),
        "may_make_users": macos.may_make_users(),
    }


def with_places(names: list[str], places: dict[str, str]) -> list[str]:
    """Return paths or users, and those which take their place on macOS."""
    others = [
        other + name[len(place) :]
        for name in names
        for place, other in places.items()
        if name == place or name.startswith(f"{place}/")
    ]
    return [*names, *others] if macos.is_here() else names


def find_python(oldest: str) -> environments.Interpreter | None:
    """Return the Python that runs this, or if it is too old the newest of the host; None if that is too old as well."""
    folders = [PYTHONS, *(filter(Path.is_dir, macos.PYTHON_FOLDERS) if macos.is_here() else ())]
    found = [(int(match[1]), str(path)) for path, match in pythons_in(folders)]
    for path in [sys.executable, *(path for _, path in sorted(found, reverse=True))]:
        with contextlib.suppress(environments.Failure):  # one that does not run is none
            python = environments.interpreter(path)
            if version_key(python.markers["python_version"]) >= version_key(oldest):
                return python
    return None


def pythons_in(folders: list[Path]) -> Iterator[tuple[Path, re.Match[str]]]:
    """Yield the Pythons in some folders, with the number of each as what was matched."""
    for folder in folders:
        for path in folder.iterdir():
            if match := re.fullmatch(r"python3\.(\d+)", path.name):
                yield path, match


def look_at_file(path: str) -> dict[str, Any]:
    """Say what is at a path, in the words of file_tree."""
    try:
        found = files.inspect(path)
        age = None if found.state == "absent" else time.time() - os.lstat(path).st_mtime
    except PermissionError:
        found, age = files.Entry(path, "hidden"), None
    seen = {**found._asdict(), "mode": f"{found.mode:04o}", "age": age}
    content = found.content
    if content is None:
        return seen
    text = None if b"\0" in content else content.decode(errors="replace")
    if text is not None and text.encode() == content:
        return {**seen, "content": text}
    return {**seen, "content": text, "sha256": hashlib.sha256(content).hexdigest()}


def look_at_certificate(path: str) -> dict[str, Any]:
    """Say what is at a path that has certificates, and a key that nobody is told."""
    seen = look_at_file(path)
    pem = "".join(f"{each}\n" for each in CERTIFICATE.findall(seen["content"] or ""))
    return {key: seen[key] for key in ("state", "owner", "group", "mode")} | {
        "pem": pem,
        "fits": bool(pem) and fits(path),
    }


def fits(path: str) -> bool:
    """Tell whether the first certificate in a file has its key beside it, as a server needs it."""
    import ssl  # noqa: PLC0415 - it takes longer than all else, and most hosts have no certificate

    try:
        # Without a passphrase it would ask at a terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, password="")
    except (OSError, ValueError):
        return False
    return True


def look_at_daemons(names: list[str], manager: str, folder: str) -> dict[str, Any]:
    """Ask the service manager how services are."""
    if manager == "systemd":
        found = daemons.ask_systemd(names)
    elif manager == "launchd":
        found = daemons.ask_launchd(names)
    else:
        found = {name: daemons.ask_supervisord(f"{folder}/supervisord.sock", name) for name in names}
    return {name: daemon._asdict() for name, daemon in found.items()}


def look_at_environment(path: Path, wanted: dict[str, Any], python: environments.Interpreter | None) -> str:
    """Say how an environment is, seen from the Python that it is based on; without one it cannot be complete."""
    if not python:
        return "incomplete"
    # Who may change it may also have it lead elsewhere, or to what has no end.
    with files.acting_as(owner_of_place(path)):
        return state_of_environment(path, wanted, python)


def owner_of_place(path: Path) -> int:
    """Return the user who decides what is at a path; root where that is still to come."""
    try:
        return int(files.who_decides(str(path)))
    except (FileNotFoundError, NotADirectoryError):
        return 0


def state_of_environment(path: Path, wanted: dict[str, Any], python: environments.Interpreter) -> str:
    """Say how it is with the rights that this process has."""
    lock, alternative = wanted["requirements"], wanted["alternative"]
    if wanted["replace"]:
        lock = environments.lock_in_force(path, lock)
    state: str = environments.state_of(path, python, lock, wanted["exact"])
    if state == "different" and alternative and environments.is_as_locked(path, python, alternative, wanted["exact"]):
        return "alternative"
    return state


def is_empty(path: str | Path) -> bool:
    """Tell whether there is no folder, or nothing in it; one that may not be listed counts as full."""
    try:
        return set(os.listdir(path)) <= OF_THE_FILE_SYSTEM
    except PermissionError:
        return False
    except OSError:
        return True


def look_at_path(path: str) -> dict[str, Any]:
    """Say what room there is at a path, or where it would be made."""
    nearest = os.path.abspath(path)
    while not os.path.exists(nearest):
        nearest = os.path.dirname(nearest)
    room = os.statvfs(nearest)
    return {
        "nearest": nearest,
        "empty": is_empty(path),
        "free_bytes": room.f_bavail * room.f_frsize,
        # Root may write anywhere, but for what is mounted read-only.
        "writable": os.path.isdir(nearest) and os.access(nearest, os.W_OK) and not room.f_flag & os.ST_RDONLY,
        "executable": not room.f_flag & NO_PROGRAMS,
    }


def listening_sockets() -> list[Socket]:
    """Return the TCP sockets that listen (Linux, proc(5))."""
    sockets = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            sockets += [
                Socket(int(row[1].rpartition(":")[2], 16), int(row[7]), row[9]) for row in rows if row[3] == LISTENING
            ]
    return sockets


def holds_one_of(pid: str, sockets: set[str]) -> bool:
    """Tell whether a process has one of the sockets open; False where we may not look."""
    folder = f"/proc/{pid}/fd"
    try:
        return any(os.readlink(f"{folder}/{descriptor}") in sockets for descriptor in os.listdir(folder))
    except OSError:
        return False


def port_holder(port: int) -> dict[str, Any] | None:
    """Describe the process that listens on a port, and name the next port that is free."""
    if macos.is_here():
        return port_holder_on_macos(port)
    listening = listening_sockets()
    taken = {socket.port for socket in listening}
    if port not in taken:
        return None
    holder = {**UNSEEN, "next_free": next_free(port, taken)}
    sockets = {f"socket:[{socket.inode}]" for socket in listening if socket.port == port}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if holds_one_of(pid, sockets):
            process = Path("/proc", pid)
            command = process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            user = files.user_name(process.stat().st_uid)
            started = origins.origin(int(pid))._asdict()
            return {**holder, "pid": int(pid), "user": user, "command": command[:200], **started}
    return {**holder, "user": files.user_name(next(socket.uid for socket in listening if socket.port == port))}


def port_holder_on_macos(port: int) -> dict[str, Any] | None:
    """Do the same where lsof must be asked, and tells others than root of their own processes only."""
    listening = macos.listeners()
    taken = {listener.port for listener in listening} | ({port} if answers(port) else set())
    if port not in taken:
        return None
    holder = {**UNSEEN, "next_free": next_free(port, taken)}
    for listener in listening:
        if listener.port == port:
            command = macos.command_of(listener.pid)[:200]
            started = origins.origin(listener.pid)._asdict()
            return {**holder, "pid": listener.pid, "user": listener.user, "command": command, **started}
    return {**holder, "user": "somebody else"}


def next_free(port: int, taken: set[int]) -> int | None:
    """Return the next port that is free."""
    return next((number for number in range(port, LAST_PORT + 1) if number not in taken), None)


def answers(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    with socket.socket() as visitor:
        visitor.settimeout(1)
        return visitor.connect_ex(("127.0.0.1", port)) == 0


def is_silent(port: int) -> bool:
    """Tell whether a port of this machine takes connections, and gives no answer to HTTP."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as visitor:
            visitor.sendall(b"GET /api HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            visitor.recv(1)
    except socket.timeout:
        return True
    except OSError:
        return False
    return False


def first_free_port() -> int:
    """Return the lowest port that needs no privilege (Linux, ip-sysctl)."""
    setting = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    return int(setting.read_text()) if setting.exists() else 1024


def look_at_myself() -> dict[str, Any]:
    """Say who runs this, and whether services of theirs go on without a session."""
    me = pwd.getpwuid(os.geteuid())
    lingers = accounts.lingers(me.pw_name)
    return {
        "name": me.pw_name,
        "uid": me.pw_uid,
        "group": files.group_name(me.pw_gid),
        "home": me.pw_dir,
        "lingers": lingers,
        "may_linger": not lingers and may("org.freedesktop.login1.set-self-linger"),
        "becomes_root": becomes_root(),
    }


def becomes_root() -> bool:
    """Tell whether this process, and so all others of the same user, can become root without a password."""
    program = shutil.which("sudo", path=PROGRAM_FOLDERS)
    if os.geteuid() == 0 or not program:
        return os.geteuid() == 0
    # -k leaves out what sudo remembers of a password that was typed a while ago.
    command = [program, "-n", "-k", "true"]
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SUDO_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0


def files_of_invoker(names: list[str]) -> list[str]:
    """Return which files are in the home of whoever has become another user through sudo."""
    try:
        home = pwd.getpwnam(os.environ.get("SUDO_USER", "")).pw_dir
    except KeyError:
        return []
    return [path for path in (os.path.join(home, name) for name in names) if os.path.isfile(path)]


def may(action: str) -> bool:
    """Ask polkit whether this process may do something without a password. Where there is no polkit, only root may."""
    program = shutil.which("pkcheck", path=PROGRAM_FOLDERS)
    if os.geteuid() == 0 or not program:
        return os.geteuid() == 0
    command = [program, "--action-id", action, "--process", str(os.getpid())]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def look_at_user(name: str) -> dict[str, Any] | None:
    """Say what the system knows of a user."""
    user = accounts.find(name)
    return user and {
        "uid": user.pw_uid,
        "comment": user.pw_gecos,
        "group": files.group_name(user.pw_gid),
        "groups": [group.gr_name for group in grp.getgrall() if name in group.gr_mem],
        "home": user.pw_dir,
        "home_exists": os.path.isdir(user.pw_dir),
        "shell": user.pw_shell,
        "expired": accounts.has_expired(name),
        "lingers": accounts.lingers(name),
        "in_session": accounts.has_session(user.pw_uid),
    }


def version_of(path: str) -> str | None:
    """Ask a program for its version; None where it cannot be run. Whoever owns it, it is not run as root."""

    def ask() -> dict[str, Any]:
        command = [path, "version"]
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=VERSION_SECONDS, check=False
        )
        return {"output": answer.stdout}

    try:
        output = (run_as("nobody", ask) if os.geteuid() == 0 else ask())["output"]
    except (OSError, RunAsError, subprocess.SubprocessError):
        return None
    found = re.search(r"\d+\.\d+(\.\d+)?", output)
    return found[0] if found else None


def look_at_program(name: str) -> dict[str, Any] | None:
    """Say where a program is and which version it has."""
    path = shutil.which(name, path=PROGRAM_FOLDERS)
    if not path:
        return None
    sums = checksums(path)
    return sums and {
        "path": path,
        "target": os.path.realpath(path),
        "version": version_of(path),
        **sums,
    }


def checksums(path: str) -> dict[str, str] | None:
    """Return the checksums of a program, the second is the one by which dpkg knows it; None where it is no file."""
    sums = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}
    try:
        with files.open_regular(path, follow_links=True) as file:
            if os.fstat(file.fileno()).st_size > LARGEST_PROGRAM:
                return None
            while part := file.read(2**20):
                for each in sums.values():
                    each.update(part)
    except files.UnreadableError:
        return None
    return {name: each.hexdigest() for name, each in sums.items()}


def localhost() -> list[str]:
    """Return the addresses to which the name leads that everybody takes for this host itself; none where to nothing."""
    try:
        answers = socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(answer[4][0]) for answer in answers})


def nameservers() -> list[str]:
    """Return the addresses at which this host asks for names, as they are written there."""
    try:
        lines = NAMESERVERS.read_text(errors="replace").splitlines()
    except OSError:
        return []
    entries = [line.split() for line in lines]
    return [entry[1] for entry in entries if len(entry) > 1 and entry[0] == "nameserver"]


def proxies() -> dict[str, str]:
    """Return the proxy that the environment has; sudo leaves it out, so what everybody here gets at a login counts."""
    names = ("http_proxy", "https_proxy", "no_proxy")
    here = {name: os.environ.get(name) or os.environ.get(name.upper(), "") for name in names}
    try:
        text = OF_EVERYBODY.read_text(errors="replace")
    except OSError:
        text = ""
    words = re.findall(r"(?m)^\s*(?:export\s+)?(\w+)=([\"']?)([^\n]*?)\2\s*$", text)
    of_everybody = {name.lower(): value for name, _, value in words}
    return {name: value for name in names if (value := here[name] or of_everybody.get(name, ""))}


def calendar_problem(expression: str, manager: str) -> str:
    """Return what systemd says is wrong with a calendar expression; nothing where it understands it or does not run."""
    if manager != "systemd":
        return ""
    command = ["systemd-analyze", "calendar", "--", expression]
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return answer.stderr.strip() if answer.returncode else ""


def main() -> None:
    """Run the module."""
    environment_spec = {
        "path": {"type": "path", "required": True},
        "requirements": {"type": "str", "required": True},
        "alternative": {"type": "str"},
        "exact": {"type": "bool", "default": True},
        "replace": {"type": "bool", "default": False},
    }
    config_spec = {
        "user": {"type": "str", "required": True},
        "folders": {"type": "list", "elements": "str", "required": True},
        "traits": {"type": "list", "elements": "str", "required": True},
    }
    sshd_spec = {"user": {"type": "str", "required": True}, "port": {"type": "int", "required": True}}
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "default": []},
            "files": {"type": "list", "elements": "path", "default": []},
            "certificates": {"type": "list", "elements": "path", "default": []},
            "invoker_files": {"type": "list", "elements": "str", "default": []},
            "environments": {"type": "list", "elements": "dict", "default": [], "options": environment_spec},
            "on_macos": {"type": "dict", "default": {}},
            "daemons": {"type": "list", "elements": "str", "default": []},
            "supervisord_folder": {"type": "path"},
            "ports": {"type": "list", "elements": "int", "default": []},
            "http_ports": {"type": "list", "elements": "int", "default": []},
            "users": {"type": "list", "elements": "str", "default": []},
            "oldest_python": {"type": "str", "default": "3.0"},
            "programs": {"type": "list", "elements": "str", "default": []},
            "calendars": {"type": "list", "elements": "str", "default": []},
            "sshd": {"type": "dict", "options": sshd_spec},
            "jupyter_config": {"type": "dict", "options": config_spec},
        },
        supports_check_mode=True,
    )
    expanded = os.path.expanduser
    places = {expanded(folder): expanded(other) for folder, other in module.params["on_macos"].items()}
    programs = [expanded(name) for name in module.params["programs"]]
    if wanted := module.params["jupyter_config"]:
        users = with_places([wanted["user"]], places)
        wanted["user"] = next(filter(look_at_user, users), wanted["user"])
        wanted["folders"] = with_places(wanted["folders"], module.params["on_macos"])
    folder = module.params["supervisord_folder"] or ""
    manager = daemons.service_manager(f"{folder}/supervisord.conf")
    user = look_at_myself()
    python = find_python(module.params["oldest_python"])
    module.exit_json(
        changed=False,
        system=look_at_system(),
        python=python and {"path": python.path, "version": python.markers["python_version"]},
        user=user,
        files={path: look_at_file(path) for path in with_places(module.params["files"], places)},
        certificates={path: look_at_certificate(path) for path in with_places(module.params["certificates"], places)},
        environments={
            path: look_at_environment(Path(path), each, python)
            for each in module.params["environments"]
            for path in with_places([each["path"]], places)
        },
        daemons=look_at_daemons(module.params["daemons"], manager, folder),
        paths={path: look_at_path(path) for path in with_places(module.params["paths"], places)},
        port_holders={str(port): port_holder(port) for port in module.params["ports"]},
        silent_ports=[port for port in module.params["http_ports"] if is_silent(port)],
        clock=time.time(),
        first_free_port=first_free_port(),
        users={name: look_at_user(name) for name in [user["name"], *with_places(module.params["users"], places)]},
        programs={name: look_at_program(name) for name in with_places(programs, places)},
        calendars={each: calendar_problem(each, manager) for each in module.params["calendars"]},
        service_manager=manager,
        invoker_files=files_of_invoker(module.params["invoker_files"]),
        macos=look_at_macos(),
        ca_bundle=next(filter(os.path.exists, sources.CA_BUNDLES), None),
        addresses=addresses.discover()._asdict(),
        localhost=localhost(),
        nameservers=nameservers(),
        sshd=module.params["sshd"] and sshd.look(**module.params["sshd"]),
        proxies=proxies(),
        jupyter_config=wanted and jupyter_configs.read_as(**wanted),
    )


if __name__ == "__main__":
    main()
