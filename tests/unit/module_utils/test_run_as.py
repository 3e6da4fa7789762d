"""Work as another user is that user's, entirely and only as long as it lasts."""

from __future__ import annotations

import os
import pwd
import subprocess
from functools import partial
from typing import Any

import pytest
from reachable.run_as import RunAsError, run_as, start_as

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@only_root
def test_every_right_is_the_users() -> None:
    def work() -> dict[str, Any]:
        identity = subprocess.run(["id"], capture_output=True, text=True, check=True).stdout
        return {"ids": os.getresuid() + os.getresgid(), "id": identity, "home": os.environ["HOME"], "cwd": os.getcwd()}

    nobody = pwd.getpwnam("nobody")
    answer = run_as("nobody", work)

    assert answer["ids"] == [nobody.pw_uid] * 3 + [nobody.pw_gid] * 3
    assert "root" not in answer["id"]
    assert answer["home"] == nobody.pw_dir
    assert answer["cwd"] in (nobody.pw_dir, "/")
    assert os.geteuid() == 0


@only_root
def test_no_secret_in_our_environment_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"https_proxy": "http://proxy.example:3128", "UV_INDEX_PRIVATE_USERNAME": "ada", "LC_ALL": "C.UTF-8"}
    for name, value in {**kept, "NGROK_AUTHTOKEN": "2abc", "PYTHONPATH": "/nowhere", "SSH_AUTH_SOCK": "/s"}.items():
        monkeypatch.setenv(name, value)

    def work() -> dict[str, Any]:
        return {"seen": subprocess.run(["env"], capture_output=True, text=True, check=True).stdout}

    seen = dict(line.split("=", 1) for line in run_as("nobody", work)["seen"].splitlines())
    assert kept.items() <= seen.items()
    assert not {"NGROK_AUTHTOKEN", "PYTHONPATH", "SSH_AUTH_SOCK"} & set(seen)
    assert os.environ["NGROK_AUTHTOKEN"] == "2abc"


@only_root
def test_there_is_no_way_back() -> None:
    def work() -> dict[str, Any]:
        os.setuid(0)
        return {}

    with pytest.raises(RunAsError, match=r"(?s)^The work as user nobody broke off: .*PermissionError"):
        run_as("nobody", work)


@only_root
def test_a_death_is_told() -> None:
    def work() -> dict[str, Any]:
        os.kill(os.getpid(), 9)
        return {}

    with pytest.raises(RunAsError, match=r"^The work as user nobody broke off: it ended with status 9$"):
        run_as("nobody", work)


def test_an_unknown_user() -> None:
    with pytest.raises(KeyError):
        run_as("no-such-user", dict)


def test_work_side_by_side_may_be_our_own() -> None:
    reader, writer = os.pipe()

    def work(text: str) -> dict[str, Any]:
        # Whoever has nothing to say waits for the other.
        said = os.write(writer, text.encode()) if text else os.read(reader, 9)
        return {"said": said if text else bytes(said).decode(), "process": os.getpid(), "user": os.geteuid()}

    waiting = [start_as(None, partial(work, text)) for text in ("", "hello")]
    heard, said = (wait() for wait in waiting)

    assert (heard["said"], said["said"]) == ("hello", 5)
    assert len({heard["process"], said["process"], os.getpid()}) == 3
    assert heard["user"] == said["user"] == os.geteuid()


def test_our_own_work_breaks_off() -> None:
    with pytest.raises(RunAsError, match=r"(?s)^The work broke off: Traceback .*ZeroDivisionError"):
        run_as(None, lambda: {"result": 1 // 0})
