"""A host is described as it is, on real listeners, files and users."""

from __future__ import annotations

import contextlib
import grp
import hashlib
import json
import os
import platform
import pwd
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import host_info
import pytest
from ansible.module_utils.reachable import accounts, addresses, environments, files, launchd, macos, origins
from open_folder import open_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import RunModule

ME = files.user_name(os.geteuid())
LISTENER = """
import socket, sys, time
server = socket.create_server((sys.argv[1], 0), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print(server.getsockname()[1], flush=True)
time.sleep(60)
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run programs as somebody else")


@contextlib.contextmanager
def listener(address: str, user: str | None = None) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a process that listens, and return it with its port."""
    command = [sys.executable if user is None else "/usr/bin/python3", "-c", LISTENER, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, user=user, cwd="/") as process:
        try:
            yield process, int(process.stdout.readline() if process.stdout else "")
        finally:
            process.kill()


def holder_of(run_module: RunModule, port: int) -> Any:
    """Ask who holds a port."""
    return run_module(host_info, ports=[port])["port_holders"][str(port)]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the network nothing; test_addresses.py does."""
    found = addresses.Addresses("vps", "192.0.2.7", None, "vps.local", ["192.0.2.7"])
    monkeypatch.setattr(addresses, "discover", lambda: found)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_the_holder_of_a_port(address: str, run_module: RunModule) -> None:
    with listener(address) as (process, port):
        holder = holder_of(run_module, port)
    assert (holder["pid"], holder["user"]) == (process.pid, ME)
    assert holder["command"].startswith(f"{sys.executable} -c ")
    assert (holder["origin"], holder["unit"]) == origins.origin(os.getpid())
    assert len(holder["command"]) <= 200


@needs_root
def test_the_holder_is_another_user(run_module: RunModule) -> None:
    with listener("127.0.0.1", user="nobody") as (process, port):
        holder = holder_of(run_module, port)
    assert (holder["pid"], holder["user"]) == (process.pid, "nobody")


def test_a_holder_that_cannot_be_seen(run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(_: object) -> list[str]:
        raise PermissionError

    with listener("127.0.0.1") as (_, port):
        monkeypatch.setattr(os, "readlink", hidden)
        holder = holder_of(run_module, port)
    nothing = {"pid": 0, "command": "", "origin": "unknown", "unit": ""}
    assert holder == {**nothing, "user": ME, "next_free": holder["next_free"]}


def test_the_next_port_that_is_free(run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    def listening(*ports: int) -> None:
        monkeypatch.setattr(host_info, "listening_sockets", lambda: [host_info.Socket(port, 0, "0") for port in ports])

    listening(8888, 8889, 8891)
    assert holder_of(run_module, 8888)["next_free"] == 8890
    listening(65535)
    assert holder_of(run_module, 65535)["next_free"] is None


def test_a_free_port(run_module: RunModule) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        # a connection from this port to elsewhere does not hold it
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert holder_of(run_module, client.getsockname()[1]) is None
    assert holder_of(run_module, port) is None
    assert run_module(host_info)["port_holders"] == {}


def test_a_server_that_hangs(run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_info, "PATIENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as hung, socket.create_server(("127.0.0.1", 0)) as answering:
        closed = socket.create_server(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in (hung, answering, closed)]
        closed.close()
        threading.Thread(target=answer_once, args=[answering], daemon=True).start()
        assert run_module(host_info, http_ports=ports)["silent_ports"] == ports[:1]


def test_the_clock(run_module: RunModule) -> None:
    before = time.time()
    assert before <= run_module(host_info)["clock"] <= time.time()


def answer_once(server: socket.socket) -> None:
    """Answer to the first who comes."""
    visitor, _ = server.accept()
    with visitor:
        visitor.recv(1000)
        visitor.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")


def test_paths(tmp_path: Path, run_module: RunModule) -> None:
    (tmp_path / "file").touch()
    nearest = {
        str(tmp_path): (str(tmp_path), True),
        f"{tmp_path}/not/yet/there": (str(tmp_path), True),
        f"{tmp_path}/file/below": (f"{tmp_path}/file", False),
    }
    result = run_module(host_info, paths=list(nearest))["paths"]
    assert {path: (found["nearest"], found["writable"]) for path, found in result.items()} == nearest
    free_bytes = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    assert all(abs(found["free_bytes"] - free_bytes) < 1e9 for found in result.values())


@pytest.mark.parametrize(
    ("path", "empty"), [("none", True), ("folder", True), ("disk", True), ("full", False), ("full/file", True)]
)
def test_what_is_empty(path: str, empty: bool, tmp_path: Path) -> None:
    for folder in ("folder", "full", "disk/lost+found"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "full/file").touch()
    assert host_info.look_at_path(str(tmp_path / path))["empty"] is empty


@needs_root
def test_a_folder_that_may_not_be_listed_counts_as_full(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    with files.acting_as(pwd.getpwnam("nobody").pw_uid):
        assert not host_info.is_empty(tmp_path)


@pytest.mark.parametrize("path", ["not/yet/there", "not", ""])
def test_a_relative_path_ends_somewhere(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert host_info.look_at_path(path)["nearest"] == str(tmp_path)


@pytest.mark.parametrize(
    ("flags", "writable", "executable"),
    [
        (os.ST_NOSUID, True, True),
        (os.ST_NOSUID | os.ST_RDONLY, False, True),
        (os.ST_NOSUID | os.ST_NOEXEC, True, False),
    ],
)
def test_how_a_file_system_is_mounted(
    flags: int, writable: bool, executable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Room:
        f_flag, f_bavail, f_frsize = flags, 2, 4096

    monkeypatch.setattr(os, "statvfs", lambda _: Room)
    assert host_info.look_at_path(str(tmp_path)) == {
        "nearest": str(tmp_path), "empty": True, "free_bytes": 8192, "writable": writable, "executable": executable,
    }  # fmt: skip


@needs_root
def test_a_folder_that_may_not_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    access = os.access  # asks for the real user, and it is the effective one that changes here
    monkeypatch.setattr(os, "access", lambda path, mode: access(path, mode, effective_ids=True))
    with files.acting_as(pwd.getpwnam("nobody").pw_uid):
        assert not host_info.look_at_path("/etc/new")["writable"]


def test_files_in_the_words_of_file_tree(tmp_path: Path, run_module: RunModule) -> None:
    (tmp_path / "file").write_bytes(b"ok\xff\n")
    (tmp_path / "file").chmod(0o600)
    (tmp_path / "folder").mkdir(mode=0o750)
    (tmp_path / "link").symlink_to("file")
    paths = {name: str(tmp_path / name) for name in ("file", "folder", "link", "none")}
    about = {"owner": ME, "group": files.group_name(os.getegid())}
    nothing = {"owner": "", "group": "", "mode": "0000", "content": None}
    os.utime(tmp_path / "file", (0, time.time() - 3600))
    found = run_module(host_info, files=list(paths.values()))["files"]
    ages = {name: found[path].pop("age") for name, path in paths.items()}
    assert (3600 <= ages["file"] < 3700, 0 <= ages["link"] < 100, ages["none"]) == (True, True, None)
    assert found == {
        paths["file"]: {
            "path": paths["file"],
            "state": "file",
            **about,
            "mode": "0600",
            "content": "ok\ufffd\n",
            "sha256": hashlib.sha256(b"ok\xff\n").hexdigest(),
        },
        paths["folder"]: {"path": paths["folder"], "state": "directory", **about, "mode": "0750", "content": None},
        paths["link"]: {"path": paths["link"], "state": "other", **about, "mode": "0777", "content": None},
        paths["none"]: {"path": paths["none"], "state": "absent", **nothing},
    }


@needs_root
def test_a_file_in_a_folder_that_is_closed(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir(mode=0o700)
    (tmp_path / "rules/own.rules").touch()
    with files.acting_as(pwd.getpwnam("nobody").pw_uid):
        found = host_info.look_at_file(str(tmp_path / "rules/own.rules"))
    assert (found["state"], found["content"], found["age"]) == ("hidden", None, None)


def test_users(run_module: RunModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    shadow, sessions = tmp_path / "shadow", tmp_path / "sessions"
    shadow.write_text("root:*:20000:0:99999:7:::\nnobody:!:20000:0:99999:7::1:\n")
    sessions.mkdir()
    (sessions / str(nobody.pw_uid)).touch()
    monkeypatch.setattr(accounts, "SHADOW", shadow)
    monkeypatch.setattr(accounts, "SESSIONS", sessions)
    assert run_module(host_info, users=["nobody"])["users"]["nobody"] == {
        "uid": nobody.pw_uid,
        "comment": nobody.pw_gecos,
        "group": files.group_name(nobody.pw_gid),
        "groups": [],
        "home": nobody.pw_dir,
        "home_exists": False,
        "shell": nobody.pw_shell,
        "expired": True,
        "lingers": False,
        "in_session": True,
    }
    me = pwd.getpwuid(os.geteuid())
    assert run_module(host_info, users=["no-such-user"])["users"] == {
        "no-such-user": None,
        ME: host_info.look_at_user(me.pw_name),
    }


@pytest.fixture
def linger_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in which it is noted who lingers, and where polkit's program may be."""
    monkeypatch.setattr(accounts, "LINGERING", tmp_path)
    monkeypatch.setattr(host_info, "PROGRAM_FOLDERS", str(tmp_path))
    return tmp_path


def test_who_runs_it(run_module: RunModule, linger_folder: Path) -> None:
    me = pwd.getpwuid(os.geteuid())
    (linger_folder / me.pw_name).touch()
    assert run_module(host_info)["user"] == {
        "name": me.pw_name,
        "uid": me.pw_uid,
        "group": files.group_name(me.pw_gid),
        "home": me.pw_dir,
        "lingers": True,
        "may_linger": False,
        "becomes_root": True,
    }


@pytest.mark.parametrize(
    ("user", "polkit", "may_linger"),
    [("root", None, True), ("nobody", None, False), ("nobody", "exit 0", True), ("nobody", "exit 1", False)],
)
def test_who_may_linger(
    linger_folder: Path, monkeypatch: pytest.MonkeyPatch, user: str, polkit: str | None, may_linger: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam(user).pw_uid)
    if polkit:
        asked = 'test "$1 $2 $3" = "--action-id org.freedesktop.login1.set-self-linger --process" || exit 2'
        (linger_folder / "pkcheck").write_text(f"#!/bin/sh\n{asked}\n{polkit}\n")
        (linger_folder / "pkcheck").chmod(0o755)
    found = host_info.look_at_myself()
    assert (found["name"], found["lingers"], found["may_linger"]) == (user, False, may_linger)


@pytest.mark.parametrize(
    ("user", "sudo", "becomes_root"),
    [("root", None, True), ("nobody", None, False), ("nobody", "exit 0", True), ("nobody", "exit 1", False)],
)
def test_who_becomes_root(
    linger_folder: Path, monkeypatch: pytest.MonkeyPatch, user: str, sudo: str | None, becomes_root: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam(user).pw_uid)
    if sudo:
        (linger_folder / "sudo").write_text(f'#!/bin/sh\ntest "$*" = "-n -k true" || exit 2\n{sudo}\n')
        (linger_folder / "sudo").chmod(0o755)
    assert host_info.look_at_myself()["becomes_root"] == becomes_root


def test_a_sudo_that_does_not_answer(linger_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    monkeypatch.setattr(host_info, "SUDO_SECONDS", 0.1)
    (linger_folder / "sudo").write_text("#!/bin/sh\nexec sleep 60\n")
    (linger_folder / "sudo").chmod(0o755)
    assert host_info.becomes_root() is False


def test_what_is_in_the_home_of_who_went_through_sudo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    (tmp_path / "folder").mkdir()
    ada = pwd.struct_passwd(("ada", "x", 1000, 1000, "", str(tmp_path), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwnam", {"ada": ada}.__getitem__)
    for user, found in (("ada", [f"{tmp_path}/here"]), ("eve", []), ("", [])):
        monkeypatch.setenv("SUDO_USER", user)
        assert host_info.files_of_invoker(["here", "folder", "gone"]) == found
    monkeypatch.delenv("SUDO_USER")
    assert host_info.files_of_invoker(["here"]) == []


def test_the_groups_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [("sudo", "x", 27, ["ada", "nobody"]), ("users", "x", 100, ["ada"])]
    monkeypatch.setattr(grp, "getgrall", lambda: list(map(grp.struct_group, groups)))
    found: Any = host_info.look_at_user("nobody")
    assert found["groups"] == ["sudo"]


def test_the_system(run_module: RunModule, tmp_path: Path) -> None:
    result = run_module(host_info, daemons=["reachable-jupyter"], supervisord_folder=str(tmp_path))
    release = platform.freedesktop_os_release()
    assert result["changed"] is False
    assert result["system"] == {
        "distribution": release["ID"],
        "like": release.get("ID_LIKE", "").split(),
        "release": release["VERSION_ID"],
        "name": release["PRETTY_NAME"],
        "architecture": platform.machine(),
        "wsl": False,
        "selinux": False,
        "python": "{}.{}".format(*sys.version_info),
    }
    assert result["service_manager"] == ("systemd" if Path("/run/systemd/system").is_dir() else "supervisord")
    assert result["daemons"] == {
        "reachable-jupyter": {"state": "absent", "at_boot": False, "uptime": 0, "drop_ins": []}
    }
    about = {"hostname": "vps", "ipv4": "192.0.2.7", "ipv6": None, "mdns": "vps.local"}
    assert result["addresses"] == {**about, "own": ["192.0.2.7"]}
    assert result["ca_bundle"] is None or Path(result["ca_bundle"]).read_text().count("BEGIN CERTIFICATE") > 10
    assert 0 <= result["first_free_port"] <= 1024


@pytest.mark.parametrize(
    ("manager", "problems"),
    [("systemd", {"daily": "", "--never": "--never: Invalid argument"}), ("supervisord", {"daily": "", "--never": ""})],
)
def test_calendars(
    manager: str, problems: dict[str, str], run_module: RunModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "systemd-analyze"
    stub.write_text('#!/bin/sh\n[ "$*" = "calendar -- daily" ] || { echo "$3: Invalid argument" >&2; exit 1; }\n')
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("ansible.module_utils.reachable.daemons.service_manager", lambda _: manager)
    assert run_module(host_info, calendars=list(problems))["calendars"] == problems


@pytest.mark.parametrize(
    ("kernel", "container", "wsl"),
    [
        ("6.6.87.2-microsoft-standard-WSL2", False, True),
        ("4.4.0-19041-Microsoft", False, True),
        ("6.6.87.2-microsoft-standard-WSL2", True, False),
        ("6.1.0-37-amd64", False, False),
    ],
)
def test_wsl(kernel: str, container: bool, wsl: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "release", lambda: kernel)
    monkeypatch.setattr(host_info, "CONTAINERS", [tmp_path / "none", tmp_path if container else tmp_path / "none"])
    assert host_info.look_at_system()["wsl"] is wsl


@pytest.mark.parametrize(("text", "enforces"), [("1", True), ("0", False), (None, False)])
def test_selinux(text: str | None, enforces: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_info, "SELINUX", tmp_path / "enforce")
    if text:
        (tmp_path / "enforce").write_text(text)
    assert host_info.look_at_system()["selinux"] is enforces


@pytest.mark.parametrize(
    ("machine", "largest", "architecture"),
    [
        ("aarch64", 2**63 - 1, "aarch64"),
        ("aarch64", 2**31 - 1, "armv8l"),
        ("x86_64", 2**31 - 1, "i686"),
        ("armv7l", 2**31 - 1, "armv7l"),
    ],
)
def test_the_processor_that_programs_are_for(
    machine: str, largest: int, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(sys, "maxsize", largest)
    assert host_info.look_at_system()["architecture"] == architecture


@pytest.fixture
def pythons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with Pythons of several versions, and with what only resembles one."""
    monkeypatch.setattr(host_info, "PYTHONS", tmp_path)
    for name in ("python3.9", "python3.11", "python3.13", "python3", "python3.14-config"):
        version = name.removeprefix("python")
        (tmp_path / name).write_text(
            f"""#!/bin/sh\necho '["{tmp_path}/{name}", {{"python_version": "{version}"}}]'\n"""
        )
        (tmp_path / name).chmod(0o755)
    (tmp_path / "python3.15").symlink_to("/nowhere")
    return tmp_path


def test_the_python_that_runs_the_module_is_good_enough(run_module: RunModule, pythons: Path) -> None:
    version = "{}.{}".format(*sys.version_info)
    for oldest in ("3.0", version):
        found = run_module(host_info, oldest_python=oldest)["python"]
        assert found["version"] == version
        assert not Path(found["path"]).is_relative_to(pythons)


def test_the_newest_python_stands_in_for_one_that_is_too_old(
    run_module: RunModule, pythons: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(pythons / "python3.9"))
    assert run_module(host_info, oldest_python="3.10")["python"] == {
        "path": str(pythons / "python3.13"),
        "version": "3.13",
    }


def test_no_python_is_new_enough(run_module: RunModule, pythons: Path) -> None:
    wanted = [{"path": str(pythons / "env"), "requirements": "foo==1.0\n"}]
    result = run_module(host_info, oldest_python="3.99", environments=wanted)
    assert (result["python"], result["environments"]) == (None, {str(pythons / "env"): "incomplete"})


def test_environments(tmp_path: Path, run_module: RunModule) -> None:
    path = tmp_path / "env"

    def state(**options: Any) -> str:
        wanted = [{"path": str(path), "requirements": "foo==1.0\n", **options}]
        found: dict[str, str] = run_module(host_info, environments=wanted)["environments"]
        return found[str(path)]

    assert state() == "absent"
    path.mkdir()
    assert state() == "incomplete"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
    (path / environments.MARKER).write_text(
        json.dumps(environments.marker_of(environments.interpreter(sys.executable)))
    )
    assert state() == "different"
    assert state(alternative="bar==1.0 ; sys_platform == 'none'\n") == "alternative"
    # A lock without a package of this host, declined for one that names nothing else either.
    (path / environments.LOCK).write_text("bar==1.0 ; sys_platform == 'none'\n")
    environments.hold_of(path).write_text(environments.name_of("foo==1.0\n"))
    assert state() == "different"
    assert state(replace=True) == "settled"


def test_a_persons_own_configuration(tmp_path: Path, run_module: RunModule) -> None:
    (tmp_path / "jupyter_config.py").write_text("c.ServerApp.ip = '*'\nc.IdentityProvider.hashed_password = 'sha1:x'\n")
    open_folder(tmp_path)
    wanted = {"user": "nobody", "folders": [str(tmp_path)], "traits": ["ip"]}
    found = run_module(host_info, jupyter_config=wanted)["jupyter_config"]
    assert [(each["line"], each["value"]) for each in found["settings"]] == [(1, "*")]
    assert (found["problems"], found["password"]["hash"]) == ([], "sha1:x")
    assert run_module(host_info)["jupyter_config"] is None


def test_check_mode_looks_as_well(run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.0)
    assert run_module(host_info, check=True, users=["nobody"]) == run_module(host_info, users=["nobody"])


def test_a_program_is_found_where_its_links_lead_and_asked_for_its_version(
    run_module: RunModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_folder(tmp_path)
    agent = folder / "2" / "agent"
    agent.parent.mkdir(mode=0o755)
    agent.write_text('#!/bin/sh\nif [ "$1" = version ]; then echo "agent version 2.3.41"; fi\n')
    agent.chmod(0o755)
    (folder / "agent").symlink_to(agent)
    checksums = {name: hashlib.new(name, agent.read_bytes()).hexdigest() for name in ("sha256", "md5")}
    found = {"path": f"{folder}/agent", "target": str(agent), "version": "2.3.41", **checksums}

    monkeypatch.setattr(host_info, "PROGRAM_FOLDERS", str(folder))
    assert run_module(host_info, programs=["agent", f"{folder}/agent", "other"])["programs"] == {
        "agent": found,
        f"{folder}/agent": found,
        "other": None,
    }


def test_a_program_that_others_cannot_run_has_no_version(run_module: RunModule, tmp_path: Path) -> None:
    agent = open_folder(tmp_path) / "agent"
    agent.write_text("no program at all")
    agent.chmod(0o755)
    assert run_module(host_info, programs=[str(agent)])["programs"][str(agent)]["version"] is None


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this be a Mac, on which nothing listens."""
    for module, name, value in (
        (macos, "is_here", True),
        (macos, "release", "15.5"),
        (macos, "firewall", "on"),
        (macos, "may_make_users", False),
        (macos, "listeners", []),
        (launchd, "is_here", True),
        (launchd, "lasting_domain", "gui/501"),
    ):
        monkeypatch.setattr(module, name, lambda value=value: value)
    monkeypatch.setattr(platform, "machine", lambda: "arm64")


@pytest.mark.usefixtures("mac")
def test_a_mac(run_module: RunModule) -> None:
    found = run_module(host_info)
    assert found["system"] == {
        "distribution": "macos",
        "like": [],
        "release": "15.5",
        "name": "macOS 15.5",
        "architecture": "arm64",
        "wsl": False,
        "selinux": False,
        "python": found["system"]["python"],
    }
    assert found["service_manager"] == "launchd"
    assert found["macos"] == {"domain": "gui/501", "firewall": "on", "may_make_users": False}


def test_what_is_not_there_elsewhere(run_module: RunModule) -> None:
    places = {"/nowhere": "/elsewhere"}
    found = run_module(host_info, files=["/nowhere/x"], on_macos=places)
    assert (found["macos"], list(found["files"])) == (None, ["/nowhere/x"])


@pytest.mark.usefixtures("mac")
def test_what_is_elsewhere_on_a_mac(run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/Users/eve")
    places = {"/var/lib/x": "/var/db/x", "~/.local": "~/Library", "nobody": "daemon"}
    found = run_module(
        host_info,
        files=["/var/lib/x", "/var/lib/x/y", "/var/lib/xy"],
        paths=["~/.local/x"],
        environments=[{"path": "/var/lib/x/kernel", "requirements": ""}],
        programs=["~/.local/ngrok"],
        users=["nobody"],
        jupyter_config={"user": "nobody", "folders": ["~/.local/etc"], "traits": []},
        on_macos=places,
    )
    assert list(found["files"]) == ["/var/lib/x", "/var/lib/x/y", "/var/lib/xy", "/var/db/x", "/var/db/x/y"]
    assert list(found["paths"]) == ["/Users/eve/.local/x", "/Users/eve/Library/x"]
    assert list(found["environments"]) == ["/var/lib/x/kernel", "/var/db/x/kernel"]
    assert list(found["programs"]) == ["/Users/eve/.local/ngrok", "/Users/eve/Library/ngrok"]
    assert {"nobody", "daemon"} <= found["users"].keys()


@pytest.mark.usefixtures("mac")
def test_the_holder_of_a_port_on_a_mac(run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    listening = [macos.Listener(8888, 7, "ada"), macos.Listener(8889, 8, "ada")]
    monkeypatch.setattr(macos, "listeners", lambda: listening)
    monkeypatch.setattr(macos, "command_of", lambda pid: f"program {pid}")
    monkeypatch.setattr(macos, "ancestors", lambda _: iter(["zsh", "tmux"]))
    holder = {"pid": 7, "user": "ada", "command": "program 7", "next_free": 8890, "origin": "tmux", "unit": ""}
    assert holder_of(run_module, 8888) == holder
    # that of somebody else cannot be seen, but visited
    with listener("127.0.0.1") as (_, port):
        unseen = {"pid": 0, "user": "somebody else", "command": "", "origin": "unknown", "unit": ""}
        assert holder_of(run_module, port) == {**unseen, "next_free": port + 1}
    assert holder_of(run_module, port) is None


@pytest.mark.usefixtures("mac")
def test_the_python_of_homebrew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, names in {
        "usr": ["python3.9", "python3"],
        "brew": ["python3.13", "python3.14", "python3-config"],
    }.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).touch()
    monkeypatch.setattr(host_info, "PYTHONS", tmp_path / "usr")
    monkeypatch.setattr(macos, "PYTHON_FOLDERS", (tmp_path / "brew", tmp_path / "none"))
    asked = []

    def interpreter(path: str) -> environments.Interpreter:
        asked.append(path)
        return environments.Interpreter(path, {"python_version": "3.14" if "3.14" in path else "3.9"})

    monkeypatch.setattr(environments, "interpreter", interpreter)
    found = host_info.find_python("3.10")
    assert found
    assert found.path == f"{tmp_path}/brew/python3.14"
    assert asked == [sys.executable, found.path]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# by hand\nsearch example.org\nnameserver 192.0.2.53\nnameserver  2001:db8::53 # two\nnameserver\n", 2),
        (None, 0),
    ],
)
def test_nameservers(text: str | None, found: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_info, "NAMESERVERS", tmp_path / "resolv.conf")
    if text is not None:
        (tmp_path / "resolv.conf").write_text(text)
    assert host_info.nameservers() == ["192.0.2.53", "2001:db8::53"][:found]


def test_where_localhost_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str, port: None, **_: Any) -> list[Any]:
        assert (name, port) == ("localhost", None)
        return [(socket.AF_INET6, 1, 6, "", ("::1", 0, 0, 0)), (socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]

    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", find)
    assert host_info.localhost() == ["127.0.0.1", "::1"]
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert host_info.localhost() == []


@pytest.mark.parametrize(
    ("environment", "file", "expected"),
    [
        ({}, None, {}),
        ({"HTTPS_PROXY": "http://a:1"}, 'https_proxy="http://b:2"\n', {"https_proxy": "http://a:1"}),
        (
            {},
            "# https_proxy=http://c:3\nPATH=/bin\n HTTPS_PROXY='http://b:2'\nexport http_proxy=http://b:2\nno_proxy=x,y\n",
            {"http_proxy": "http://b:2", "https_proxy": "http://b:2", "no_proxy": "x,y"},
        ),
        ({"no_proxy": ""}, "https_proxy=\n", {}),
    ],
)
def test_the_proxy_of_a_host(
    environment: dict[str, str],
    file: str | None,
    expected: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host_info, "OF_EVERYBODY", tmp_path / "environment")
    monkeypatch.setattr("os.environ", environment)
    if file is not None:
        host_info.OF_EVERYBODY.write_text(file)
    assert host_info.proxies() == expected
