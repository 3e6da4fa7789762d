"""What launchctl prints is read as it is documented, in all its forms."""

from __future__ import annotations

import os
import plistlib
import time
from typing import TYPE_CHECKING

import pytest
from launchd_host import NAME, Host
from reachable import launchd
from reachable.launchd import Answer, Job

if TYPE_CHECKING:
    from pathlib import Path

PRINTED = """{header} = {{
\tactive count = 1
\tpath = /Library/LaunchDaemons/x.plist
\ttype = LaunchDaemon
\tstate = running

\tprogram = /opt/x
\targuments = {{
\t\t/opt/x
\t\t-m
\t\t{{connection_file}}
\t\ta = b
\t}}

\tdefault environment = {{
\t\tPATH => /usr/bin:/bin:/usr/sbin:/sbin
\t}}

\truns = 1
\tpid = 4711
\tlast exit code = 78: EX_CONFIG

\tendpoints = {{
\t\t"x" = {{
\t\t\tpid = 1
\t\t}}
\t}}
\tstate after = dead
}}
"""


@pytest.mark.parametrize("header", ["system/x", "x"])
def test_a_job_as_it_is_printed(header: str) -> None:
    job = launchd.read_job("system", PRINTED.format(header=header))
    words = ("/opt/x", "-m", "{connection_file}", "a = b")
    assert job == Job("system", "/Library/LaunchDaemons/x.plist", words, "running", 4711, "78: EX_CONFIG")


def test_a_job_that_does_not_run() -> None:
    job = launchd.read_job("gui/501", "gui/501/x = {\n\tstate = not running\n\tlast exit code = (never exited)\n}\n")
    assert job == Job("gui/501", "", (), "not running", 0, "(never exited)")
    assert not job.runs


@pytest.mark.parametrize(
    ("pid", "state", "runs"), [(1, "running", True), (1, "SIGTERMed", False), (0, "xpcproxy", False)]
)
def test_whether_a_job_runs(pid: int, state: str, runs: bool) -> None:
    assert Job("system", "", (), state, pid).runs == runs


@pytest.mark.parametrize(("no", "yes"), [("disabled", "enabled"), ("true", "false")])
def test_what_is_disabled(no: str, yes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f'\n\tdisabled services = {{\n\t\t"a" => {no}\n\t\t"b" => {yes}\n\t}}\n\tlogin items = {{\n\t}}\n'
    monkeypatch.setattr(launchd, "launchctl", lambda *words: Answer(0, text if words[1] == "system" else "", ""))
    assert launchd.disabled("system") == {"a"}
    assert launchd.disabled("gui/501") == set()


@pytest.mark.parametrize(
    ("uid", "there", "domains", "lasting"),
    [
        (0, [], ["system"], "system"),
        (501, ["gui/501", "user/501"], ["gui/501", "user/501"], "gui/501"),
        (501, ["user/501"], ["gui/501", "user/501"], "user/501"),
    ],
)
def test_the_domain(
    uid: int, there: list[str], domains: list[str], lasting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(launchd, "launchctl", lambda _, domain: Answer(0 if domain in there else 125, "", ""))
    assert launchd.domains() == domains
    assert launchd.lasting_domain() == lasting


def test_a_job_is_found_in_whichever_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 501)
    answers = {"gui/501/x": Answer(113, "", "no"), "user/501/x": Answer(0, "x = {\n\tpid = 7\n}\n", "")}
    monkeypatch.setattr(launchd, "launchctl", lambda _, target: answers.get(target, Answer(113, "", "no")))
    found = launchd.find("x")
    assert found
    assert (found.domain, found.pid) == ("user/501", 7)
    assert launchd.find("y") is None
    with pytest.raises(ValueError, match="label"):
        launchd.find("")


def test_whether_a_job_is_what_its_file_says(tmp_path: Path) -> None:
    path = str(tmp_path / "x.plist")
    job = Job("system", path, ("/opt/x", "-m"), "running", 1)
    assert not launchd.is_defined_by(job, path)
    for text in ("", "<plist>", "nonsense"):
        (tmp_path / "x.plist").write_text(text)
        assert launchd.definition(path) == {}
    (tmp_path / "x.plist").write_bytes(plistlib.dumps({"ProgramArguments": ["/opt/x", "-m"]}))
    assert launchd.is_defined_by(job, path)
    assert not launchd.is_defined_by(job._replace(path="/tmp/x.plist"), path)
    assert not launchd.is_defined_by(job._replace(arguments=("/opt/x",)), path)


@pytest.mark.parametrize(
    ("printed", "seconds"),
    [("", 0), ("      05\n", 5), ("   01:05\n", 65), ("02:00:01\n", 7201), ("3-00:00:00\n", 259200)],
)
def test_how_long_a_process_has_run(
    printed: str, seconds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "ps"
    stub.write_text(f'#!/bin/sh\necho "$*" >"$0.argv"\nprintf "{printed}"\n')
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert launchd.uptime(4711) == seconds
    assert (tmp_path / "ps.argv").read_text() == "-o etime= -p 4711\n"


def test_how_launchctl_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(tmp_path)
    monkeypatch.setattr(launchd, "LAUNCHCTL", str(host.launchctl))
    try:
        assert launchd.is_here()
        assert launchd.find(NAME) is None
        words = f'Bad request.\nCould not find service "{NAME}" in domain for system'
        assert launchd.launchctl("print", f"system/{NAME}") == Answer(113, "", words)
        host.define("sleep", "1000", KeepAlive=False)
        assert launchd.launchctl("bootstrap", host.domain, str(host.path)) == Answer(0, "", "")
        job = launchd.find(NAME)
        assert job
        assert launchd.is_defined_by(job, str(host.path))
    finally:
        host.shut_down()


def test_how_long_this_process_has_run() -> None:
    assert 0 <= launchd.uptime(os.getpid()) <= time.monotonic()
