"""How a process was started is told from its control groups and from what is above it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from reachable import macos, origins

ID = "0123456789ab" + "c" * 52


@pytest.mark.parametrize(
    ("path", "names", "origin"),
    [
        ("/system.slice/jupyter.service", ["bash"], ("service", "jupyter.service")),
        ("/system.slice/system-jupyter.slice/jupyter@ada.service", [], ("service", "jupyter@ada.service")),
        ("/system.slice/jupyter.service/payload", [], ("service", "jupyter.service")),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/jupyter.service", ["systemd"],
         ("user_service", "jupyter.service")),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-1.scope", [], ("session", "")),
        ("/user.slice/user-1000.slice/session-3.scope", ["bash", "sshd"], ("session", "")),
        ("/user.slice/user-1000.slice/session-3.scope", ["bash", "tmux: server"], ("tmux", "")),
        ("/user.slice/user-1000.slice/session-3.scope", ["bash", "screen"], ("screen", "")),
        ("/system.slice/ssh.service", ["bash"], ("session", "")),
        ("/system.slice/cron.service", ["sh", "cron"], ("session", "")),
        ("/system.slice/supervisor.service", ["supervisord"], ("supervisord", "")),
        (f"/system.slice/docker-{ID}.scope", ["containerd-shim"], ("container", "0123456789ab")),
        (f"/user.slice/user@1000.service/user.slice/libpod-{ID}.scope/container", [], ("container", "0123456789ab")),
        (f"/docker/{ID}", [], ("container", "0123456789ab")),
        ("/", ["conmon"], ("container", "")),
        ("/", [], ("unknown", "")),
    ],
)  # fmt: skip
def test_told_apart(path: str, names: list[str], origin: tuple[str, str]) -> None:
    assert origins.told_apart(f"0::{path}\n", names) == origin
    hybrid = f"9:name=systemd:{path}\n8:pids:/system.slice/other.service\n0::/\n"
    assert origins.told_apart(hybrid, names) == origin


def test_the_ancestors_of_a_process() -> None:
    inner = "import time; print('x', flush=True); time.sleep(60)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    with subprocess.Popen([sys.executable, "-c", outer], stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            names = list(origins.ancestors(int(children[0])))
        finally:
            os.killpg(process.pid, 9)
    assert names[0].startswith("python")
    assert names[1] == Path("/proc/self/comm").read_text().strip()


@pytest.mark.parametrize("name", ["tmux: server", "a) b (c", "python3"])
def test_a_name_may_have_any_sign(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text(f"7 ({name}) S 1 7 7 0 -1\n")
    monkeypatch.setattr(origins, "PROC", tmp_path)
    assert origins.status(7) == (name, 1)


def test_a_process_that_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origins, "PROC", tmp_path)
    assert origins.origin(7) == origins.UNKNOWN


@pytest.mark.parametrize(("names", "origin"), [(["zsh", "tmux"], "tmux"), (["zsh", "Terminal"], "unknown")])
def test_a_process_on_macos(names: list[str], origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(macos, "is_here", lambda: True)
    monkeypatch.setattr(macos, "ancestors", lambda _: iter(names))
    assert origins.origin(7) == origins.Origin(origin)
