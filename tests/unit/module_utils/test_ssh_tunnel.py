"""Connections through an SSH server; the doctor's tests visit Jupyter by them."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from reachable import ssh_tunnel
from reachable.ssh_tunnel import Dialler, Way

WAY = Way("0.tcp.example", 12345, "ada", "/keys/100%", "127.0.0.1:8888")


def test_the_command_takes_nothing_from_the_users_own_configuration() -> None:
    assert ssh_tunnel.command(WAY, "/known hosts", 4.9) == [
        *("ssh", "-F", "none", "-i", "/keys/100%%"),
        *("-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
        *(
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            'UserKnownHostsFile="/known hosts"',
            "-o",
            "GlobalKnownHostsFile=none",
        ),
        *("-o", "ConnectTimeout=4", "-W", "127.0.0.1:8888", "-p", "12345", "ada@0.tcp.example"),
    ]


def say(pieces: list[bytes], hang_up: bool) -> bytes:
    """Return what is heard of a server that says something piece by piece."""
    here, there = socket.socketpair()

    def talk() -> None:
        for piece in pieces:
            there.sendall(piece)
            time.sleep(0.02)
        if hang_up:
            there.shutdown(socket.SHUT_WR)

    with here, there:
        here.settimeout(0.2)
        speaker = threading.Thread(target=talk)
        speaker.start()
        try:
            return ssh_tunnel.first_words(here)
        finally:
            speaker.join()


@pytest.mark.parametrize("hang_up", [False, True])
@pytest.mark.parametrize(
    ("pieces", "greets"),
    [
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], True),
        ([b"SSH-1.99-old\r\n"], True),
        ([b"SS", b"H-2.0", b"-x\r\n"], True),
        ([b"Go away.\r\n", b"SSH-2.0-x\r\n"], True),
        ([b"SSH-1.5-older\r\n"], False),
        ([b"220 SSH-2.0-mail\r\n"], False),
        ([b"SS", b"L"], False),
    ],
)
def test_a_greeting(pieces: list[bytes], greets: bool, hang_up: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_tunnel, "PAUSE_SECONDS", 0.2)
    words = say(pieces, hang_up)
    assert b"".join(pieces).startswith(words)
    assert ssh_tunnel.is_greeting(words) is greets


def test_who_does_not_greet_at_all() -> None:
    assert say([], hang_up=True) == b""
    with pytest.raises(TimeoutError):
        say([], hang_up=False)


def test_who_says_very_much_is_not_heard_out() -> None:
    assert len(say([b"x" * 20000], hang_up=False)) <= ssh_tunnel.LONGEST_GREETING_BYTES + 1024


def test_ssh_has_at_least_a_second() -> None:
    assert "ConnectTimeout=1" in ssh_tunnel.command(WAY, "/known", 0.2)


# What OpenSSH 9.2 said.
CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Offending ED25519 key in /known:1
Host key for [127.0.0.1]:2263 has changed and you have requested strict checking.
Host key verification failed.
"""
UNKNOWN = """\
No ED25519 host key is known for [127.0.0.1]:2263 and you have requested strict checking.
Host key verification failed.
"""
LOOSE = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Load key "/keys/ada": bad permissions
ada@127.0.0.1: Permission denied (publickey).
"""
MISSING = """\
Warning: Identity file /keys/ada not accessible: No such file or directory.
ada@127.0.0.1: Permission denied (publickey).
"""
PROHIBITED = """\
channel 0: open failed: administratively prohibited: open failed
stdio forwarding failed
"""
CLOSED = """\
channel 0: open failed: connect failed: Connection refused
stdio forwarding failed
"""


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (CHANGED, "ssh_host_changed", "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"),
        (UNKNOWN, "ssh_host_unknown", UNKNOWN.splitlines()[0]),
        ("Host key verification failed.", "ssh_host_unknown", "Host key verification failed."),
        (LOOSE, "ssh_key_file", 'Load key "/keys/ada": bad permissions'),
        (MISSING, "ssh_key_file", MISSING.splitlines()[0]),
        (LOOSE.splitlines()[-1], "ssh_key_refused", "ada@127.0.0.1: Permission denied (publickey)."),
        (PROHIBITED, "ssh_forward_refused", PROHIBITED.splitlines()[0]),
        (CLOSED, "ssh_target_closed", CLOSED.splitlines()[0]),
        ("one\ntwo\n\n", "ssh_failed", "two"),
        ("", "ssh_failed", "ssh says nothing"),
    ],
)
def test_what_ssh_says_has_a_code(words: str, code: str, line: str) -> None:
    assert ssh_tunnel.diagnose(words) == (code, line)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "ssh"


def write(program: Path, body: str) -> None:
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_each_connection_is_a_child_and_all_end(program: Path) -> None:
    write(program, "exec cat")
    dialler = Dialler(WAY._replace(known_hosts_file="/known"))
    first, second = dialler.dial(5), dialler.dial(5)
    children = list(dialler.children)
    first.sendall(b"one")
    second.sendall(b"two")
    assert (first.recv(3), second.recv(3)) == (b"one", b"two")
    dialler.close()
    assert [child.returncode for child in children] == [-15, -15]
    assert dialler.children == []
    assert (first.recv(1), second.recv(1)) == (b"", b"")
    third = dialler.dial(5)
    third.sendall(b"three")
    assert third.recv(5) == b"three"
    dialler.close()


def test_a_child_that_does_not_end_is_killed(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_tunnel, "END_SECONDS", 0.1)
    write(program, "trap '' TERM; echo ready; while :; do read x || :; done")
    dialler = Dialler(WAY._replace(known_hosts_file="/known"))
    connection = dialler.dial(5)
    assert connection.recv(5) == b"ready"
    child = dialler.children[0]
    dialler.close()
    assert child.returncode == -9


def test_the_keys_of_the_server_are_in_a_file_for_the_time_being(program: Path) -> None:
    write(program, "exec cat")
    dialler = Dialler(WAY._replace(host_keys=["ssh-ed25519 AAAA", "ssh-rsa BBBB vps"]))
    dialler.dial(5)
    path = Path(dialler.known_hosts())
    assert path.read_text() == "* ssh-ed25519 AAAA\n* ssh-rsa BBBB vps\n"
    assert path.stat().st_mode & 0o777 == 0o600
    dialler.close()
    assert not path.exists()
    assert Path(dialler.known_hosts()).read_text() == "* ssh-ed25519 AAAA\n* ssh-rsa BBBB vps\n"
    dialler.close()


@pytest.mark.parametrize(
    ("body", "words"),
    [("echo no >&2; exit 255", "no\n"), ("exit 1", ""), ("echo note >&2", None)],
)
def test_the_last_words_are_those_of_a_failure(program: Path, body: str, words: str | None) -> None:
    write(program, body)
    dialler = Dialler(WAY._replace(known_hosts_file="/known"))
    assert dialler.dial(5).recv(1) == b""
    assert dialler.last_words() == words
    dialler.close()


def test_a_connection_that_lives_has_no_last_words(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_tunnel, "END_SECONDS", 0.05)
    write(program, "exec sleep 20")
    dialler = Dialler(WAY._replace(known_hosts_file="/known"))
    connection = dialler.dial(5)
    begin = time.monotonic()
    assert dialler.last_words() is None
    assert time.monotonic() - begin < 1
    dialler.close()
    connection.close()


def test_without_the_program_nothing_stays_open(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program.parent))
    pair = socket.socketpair()
    monkeypatch.setattr(socket, "socketpair", lambda: pair)
    dialler = Dialler(WAY._replace(known_hosts_file="/known"))
    with pytest.raises(FileNotFoundError, match="ssh"):
        dialler.dial(5)
    assert [end.fileno() for end in pair] == [-1, -1]
    assert dialler.children == []


@pytest.mark.skipif(
    subprocess.run(["sh", "-c", "command -v ssh"], capture_output=True, check=False).returncode != 0,
    reason="there is no ssh here",
)
def test_the_real_ssh_understands_the_command() -> None:
    command = ssh_tunnel.command(WAY, "/known hosts", 5)
    seen = subprocess.run(
        [command[0], "-G", *command[1:]], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert 'userknownhostsfile "/known hosts"' in seen or "userknownhostsfile /known hosts" in seen
    for line in ("hostname 0.tcp.example", "port 12345", "user ada", "batchmode yes", "identitiesonly yes"):
        assert line in seen
