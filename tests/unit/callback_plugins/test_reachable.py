# SPDX-License-Identifier: Apache-2.0
"""The callback as people see it: real runs in a pipe and on a terminal, without their times."""

from __future__ import annotations

import atexit
import codecs
import io
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from reachable.addresses import outgoing
from reachable.qr_codes import qr_terminal
from rich.console import Console

from callback_plugins import reachable as callback

if TYPE_CHECKING:
    from collections.abc import Callable

    Play = Callable[..., "Run"]

ROOT = Path(__file__).resolve().parents[3]
DIM, PLAIN = "\x1b[2m", "\x1b[0m"
HEAD = "- name: Try\n  hosts: all\n  gather_facts: false\n"


@dataclass
class Run:
    status: int
    out: str
    err: str = ""

    def __post_init__(self) -> None:
        self.out, self.err = without_times(self.out), without_times(self.err)


def without_times(text: str) -> str:
    """Take out how long each task took, which stands after two spaces, and the whole run, at the end."""
    return re.sub(r"  \d+(\.\d)? s|, \d+(\.\d)? s(?=\x1b|$)", "", text.replace("\r\n", "\n"), flags=re.MULTILINE)


@dataclass
class Terminal:
    """A terminal in which a program runs."""

    process: subprocess.Popen[bytes]
    screen: int
    seen: str = ""
    # One read may end within a sign.
    decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    def read_until(self, wanted: str) -> None:
        while wanted not in self.seen:
            self.read()

    def read(self) -> bool:
        try:
            data = os.read(self.screen, 4096)
        except OSError:  # Linux's way to say that the program has ended
            data = b""
        assert data or self.process.wait() is not None
        self.seen += self.decoder.decode(data)
        return bool(data)

    def end(self) -> Run:
        while self.read():
            pass
        os.close(self.screen)
        return Run(self.process.wait(), self.seen)


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., tuple[list[str], dict[str, str]]]:
    """Return a function that writes a playbook and returns the command that runs it, and its environment."""

    def command(tasks: str, *options: str, hosts: str = "a", **variables: str) -> tuple[list[str], dict[str, str]]:
        playbook = tmp_path / "playbook.yml"
        playbook.write_text(tasks if tasks.startswith("- name: Try") else f"{HEAD}  tasks:\n{tasks}")
        inventory = tmp_path / "inventory"
        inventory.write_text(
            "".join(f"{host} ansible_connection=local\n" for host in hosts.split())
            + "[all:vars]\nansible_python_interpreter={{ ansible_playbook_python }}\n"
        )
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8", **variables}
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        return [program, "-i", str(inventory), *options, str(playbook)], environment

    return command


@pytest.fixture
def play(start: Any) -> Play:
    """Return a function that runs tasks in a pipe."""

    def run(*arguments: str, **keywords: str) -> Run:
        command, environment = start(*arguments, **keywords)
        process = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False
        )
        return Run(process.returncode, process.stdout, process.stderr)

    return run


@pytest.fixture
def terminal(start: Any) -> Callable[..., Terminal]:
    """Return a function that runs tasks on a terminal."""

    def run(*arguments: str, **keywords: str) -> Terminal:
        command, environment = start(*arguments, **keywords)
        screen, side = pty.openpty()
        process = subprocess.Popen(
            command, env={"TERM": "xterm", **environment}, stdin=side, stdout=side, stderr=side, start_new_session=True
        )
        os.close(side)
        return Terminal(process, screen)

    return run


def report(when: str = "true", **values: Any) -> str:
    values = {"verdict": "fine", "problem": "", **values}
    return (
        f"    - {{when: {when}, ansible.builtin.set_stats: {{per_host: true, "
        f"data: {{reachable_report: {json.dumps(values)}}}}}}}\n"
    )


def test_a_task_is_one_line_and_a_failure_is_shown_once(play: Play) -> None:
    tasks = """
    - {name: Quiet, ansible.builtin.assert: {that: 1 == 1}}
    - {name: Hidden, ansible.builtin.debug: {msg: no, verbosity: 1}}
    - {name: Skipped, ansible.builtin.command: "false", when: false}
    - {name: Unchanged, ansible.builtin.debug: {msg: "hello\\nyou"}}
    - {name: Changed, ansible.builtin.command: "true"}
    - {name: Accepted, ansible.builtin.command: "false", failed_when: false, changed_when: false}
    - {name: Ignored, ansible.builtin.fail: {msg: never shown}, ignore_errors: true}
    - block:
        - block:
            - {name: Rescued, ansible.builtin.fail: {msg: never shown}}
          always:
            - {name: Always, ansible.builtin.debug: {msg: always}}
      rescue:
        - {name: Not rescued, ansible.builtin.command: sh -c 'echo no >&2; echo really >&2; exit 3'}
"""
    run = play(tasks)
    assert run.status == 2
    assert run.out == (
        "Try\n"
        "  ✓ Unchanged\n"
        "    hello\n"
        "    you\n"
        "  ● Changed\n"
        "  ✓ Accepted\n"
        "  - Rescued  failed, rescued\n"
        "  ✓ Always\n"
        "    always\n"
        "  ✗ Not rescued\n"
        "    a: exit status 3\n"
        "      no\n"
        "      really\n"
        "\n"
        "1 host, 1 change, 1 failed\n"
    )
    assert run.err == ""


def test_hosts_with_the_same_failure_share_it(play: Play) -> None:
    tasks = """
    - {name: Same, ansible.builtin.fail: {msg: Set port to a number.}, when: inventory_hostname in 'ab'}
    - {name: Loop, ansible.builtin.fail: {msg: "{{ item.why }}"}, loop_control: {label: "{{ item.n }}"},
       loop: [{why: bad, n: 1}, {why: bad, n: 2}, {why: odd, n: 3}], when: inventory_hostname == 'c'}
    - {name: Secret, ansible.builtin.fail: {msg: hunter2}, no_log: true, when: inventory_hostname == 'd'}
    - {name: Gone, ansible.builtin.ping: , when: inventory_hostname == 'e',
       vars: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}}
    - {name: Gone but never mind, ansible.builtin.ping: , when: inventory_hostname == 'f', ignore_unreachable: true,
       vars: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}}
    - {name: On one, ansible.builtin.debug: {msg: hi}, changed_when: inventory_hostname == 'f'}
"""
    run = play(tasks, hosts="a b c d e f g")
    # ssh may be gone before Ansible has said all to it.
    assert re.sub("e: .*(refused|Broken pipe)", "e: refused", run.out) == (
        "Try\n"
        "  ✗ Same\n"
        "    a, b: Set port to a number.\n"
        "  ✗ Loop\n"
        "    c (item=1), c (item=2): bad\n"
        "    c (item=3): odd\n"
        "  ✗ Secret\n"
        "    d: the output has been hidden due to the fact that 'no_log: true' was specified for this result\n"
        "  ✗ Gone\n"
        "    e: refused\n"
        "  ● On one  changed on f\n"
        "    hi\n"
        "    hi\n"
        "\n"
        "7 hosts, 1 change, 5 failed\n"
    )
    assert "hunter2" not in run.err
    assert "Traceback" not in run.err


def test_what_is_looked_at_in_vain_is_told_once(play: Play) -> None:
    tasks = """
    - {name: Look, ansible.builtin.ping: , register: look, ignore_unreachable: true, no_log: true,
       vars: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}}
    - {name: Look, ansible.builtin.fail: {msg: "nas does not answer: is it on?"}, when: look is unreachable}
"""
    run = play(tasks, hosts="nas")
    assert run.status == 2
    assert run.out == "Try\n  ✗ Look\n    nas does not answer: is it on?\n\n1 host, no changes, 1 failed\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--tags x", "--tags x left no task on any host. Leave it out."),
        ("--skip-tags all", "--skip-tags all left no task on any host. Leave it out."),
        ("--start-at-task x --limit a", "--start-at-task x and --limit a left no task on any host. Leave them out."),
        ("-i {nobody}", "there are no hosts in {nobody}."),
    ],
)
def test_a_run_of_nothing_is_a_failure(options: str, sentence: str, play: Play, tmp_path: Path) -> None:
    nobody = tmp_path / "nobody"
    nobody.write_text("[web]\n")
    run = play(report(), *options.format(nobody=nobody).split(), hosts="" if "-i" in options else "a")
    assert run.status == 1
    assert f"Nothing was done: {sentence}".format(nobody=f"{tmp_path}/inventory, {nobody}") in run.err.splitlines()
    assert run.out.endswith("no hosts, no changes\n")


def test_check_mode_says_so_and_diffs_stand_below_their_task(play: Play, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old\n")
    run = play(
        f'    - {{name: Write, ansible.builtin.copy: {{content: "new\\n", dest: {file}}}}}\n',
        "--check",
        "--diff",
        ANSIBLE_FORCE_COLOR="1",
    )
    assert "\x1b[33m  ● Write\x1b[0m" in run.out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", run.out)
    assert re.sub("after: .*", "after: FILE", plain.replace(str(file), "FILE")) == (
        "Check mode: nothing is changed.\n"
        "\n"
        "Try\n"
        "  ● Write\n"
        "    --- before: FILE\n"
        "    +++ after: FILE\n"
        "    @@ -1 +1 @@\n"
        "    -old\n"
        "    +new\n"
        "\n"
        "1 host, 1 change would be made\n"
    )


def test_sections_are_the_outermost_roles(play: Play, tmp_path: Path) -> None:
    for role, tasks in {
        "first_one": "- {name: Look, ansible.builtin.debug: {msg: x}}\n- ansible.builtin.include_role: {name: inner}\n",
        "inner": "- {name: Start, ansible.builtin.debug: {msg: x}}\n",
    }.items():
        (tmp_path / "roles" / role / "tasks").mkdir(parents=True)
        (tmp_path / "roles" / role / "tasks/main.yml").write_text(tasks)
    run = play(
        f"{HEAD}  roles: [first_one, inner]\n",
        ANSIBLE_ROLES_PATH=str(tmp_path / "roles"),
        PYTHONIOENCODING="ascii",
    )
    assert run.out == (
        "First one\n  . Look\n    x\n  . Start\n    x\n\nInner\n  . Start\n    x\n\n1 host, no changes\n"
    )


def test_the_text_of_a_single_report_is_printed_as_it_is(play: Play) -> None:
    card = "  █▀▀ [bold] ▀█\n" + "x" * 200 + "\n\n  the end\n"
    run = play(report(text=card, table=[{"Safari": "http://x"}], problem="No tunnel."))
    assert run.out == f"\n{card}✗ a: No tunnel.\n\n1 host, no changes\n"
    assert run.status == 0


def test_warnings_come_before_the_reports(play: Play) -> None:
    tasks = report("inventory_hostname == 'b'", text="card b\n", warnings=["One of b.", "Two of b."])
    tasks += report("inventory_hostname == 'a'", text="card a\n", problem="No tunnel.", warnings=["One of a."])
    assert play(tasks, hosts="b").out == "\n! One of b.\n! Two of b.\n\ncard b\n\n1 host, no changes\n"
    assert play(tasks, hosts="b a").out == (
        "\n! One of a.\n! One of b.\n! Two of b.\n✗ a: No tunnel.\n\n2 hosts, no changes\n"
    )


def test_hints_come_below_the_card(play: Play) -> None:
    tasks = report(text="card\n", warnings=["Above."], hints=["Below."])
    assert play(tasks, hosts="b").out == "\n! Above.\n\ncard\n\n! Below.\n\n1 host, no changes\n"
    assert json.loads(play(tasks, hosts="b", REACHABLE_JSON="1").out)["hosts"]["b"]["warnings"] == ["Above.", "Below."]


CARD = "Jupyter on studio\n\n  A note.\n\n  Safari  http://x/\n"


def test_a_terminal_shows_the_code_above_the_last_paragraph(terminal: Callable[..., Terminal]) -> None:
    run = terminal(report(text=CARD, code="http://x/")).end()
    code = qr_terminal("http://x/")
    assert run.out.endswith(
        f"Jupyter on studio\n\n  A note.\n\n{code}\n\n  Safari  http://x/\n\n{DIM}1 host, no changes{PLAIN}\n"
    )
    lines = run.out.rstrip("\n").split("\n")
    assert len(lines) - lines.index(code.split("\n")[0]) < 24, "the code and all below it are on one screen"


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"PYTHONIOENCODING": "ascii"}, {"TERM": "dumb"}])
def test_no_code_where_it_would_not_be_black_on_white(
    variables: dict[str, str], terminal: Callable[..., Terminal]
) -> None:
    assert f"\n{CARD}\n" in re.sub(
        r"\x1b\[[0-9;]*m", "", terminal(report(text=CARD, code="http://x/"), **variables).end().out
    )


SHOWN = "    - {ansible.builtin.set_fact: {__reachable_shown: {password: hunter2 hunter2}}, no_log: true, when: %s}\n"
needs_a_network = pytest.mark.skipif(outgoing(socket.AF_INET) is None, reason="Cards are served in a network.")


@needs_a_network
def test_a_card_is_served_until_an_interrupt(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    (tmp_path / "card.html").write_text("<h1>Studio</h1><!-- password -->")
    tasks = report(text=CARD, code="http://x/", page=str(tmp_path / "card.html")) + SHOWN % "true"
    # Without a live line, which a busy machine shows before the card.
    window = terminal(tasks, NO_COLOR="1", TERM="dumb", ANSIBLE_LOG_PATH=str(tmp_path / "log"))
    window.read_until("you trust.")
    address = re.search(
        r"  Card      (http://\S+)\r\n  For the iPad, in the same network, until \d\d:\d\d or", window.seen
    )
    assert address
    with urlopen(address[1]) as answer:
        page = answer.read().decode()
    assert page.startswith("<h1>Studio</h1><details>")
    assert "hunter2 hunter2" in page
    window.process.send_signal(signal.SIGINT)
    run = window.end()
    assert run.status == 0
    assert run.out.startswith(f"\n{CARD}  It is     hunter2 hunter2\n\n1 host, no changes\n\n  Card      http")
    assert run.out.endswith("only in a network that you trust.\n")
    assert "no changes" in (tmp_path / "log").read_text()
    assert "hunter2" not in (tmp_path / "log").read_text()


@needs_a_network
def test_a_profile_is_served_with_what_to_compare(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    files = {"page": tmp_path / "card.html", "profile": tmp_path / "reachable.mobileconfig"}
    for file in files.values():
        file.write_text(file.name)
    digest = " ".join(["AB"] * 32)
    tasks = report(text=CARD, **dict(zip(files, map(str, files.values()), strict=True)), fingerprint=digest)
    window = terminal(tasks, NO_COLOR="1", TERM="dumb")
    window.read_until("Ctrl-C.")
    address = re.search(r"  Card      (http://\S+)/card\.html\r\n((?:  .*\r\n)*)", window.seen)
    assert address
    half = " ".join(["AB"] * 16)
    assert address[2].startswith(f"  SHA-256   {half}\r\n            {half}\r\n  Install the profile only if")
    with urlopen(f"{address[1]}/reachable.mobileconfig") as answer:
        assert answer.read() == b"reachable.mobileconfig"
    window.process.send_signal(signal.SIGINT)
    assert window.end().status == 0


@needs_a_network
def test_each_card_is_served_at_an_address_of_its_own(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    (tmp_path / "card.html").write_text("<h1>Card</h1><!-- password -->")
    head = f"{HEAD}  vars: {{__reachable_verdict_exit: true}}\n  tasks:\n"
    tasks = report("inventory_hostname in 'ab'", text=CARD, page=str(tmp_path / "card.html"), verdict="unreachable")
    window = terminal(head + tasks, hosts="a b c")
    window.read_until("Ctrl-C.")
    addresses = dict(re.findall(r"  (a|b) +(http://\S+)", window.seen))
    assert [code in window.seen.replace("\r", "") for code in map(qr_terminal, addresses.values())] == [True, True]
    assert addresses["a"] != addresses["b"]
    for address in addresses.values():
        with urlopen(address) as answer:
            assert answer.read() == b"<h1>Card</h1><!-- password -->"
    window.process.send_signal(signal.SIGINT)
    assert window.end().status == 2


def test_passwords_are_shown_where_they_are_known(play: Play) -> None:
    tasks = report(table=[{"Safari": "http://x/"}]) + SHOWN % "inventory_hostname == 'a'"
    tasks += SHOWN.replace("hunter2 hunter2", '"{{ omit }}"') % "inventory_hostname == 'b'"
    assert play(tasks, "-v", hosts="a b c").out.endswith(
        "\n\nHost  Safari\na     http://x/\nb     http://x/\nc     http://x/\n"
        "  a         hunter2 hunter2\n  b         not known here, only its hash is\n\n3 hosts, no changes\n"
    )


HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b1A\x1b[8mhidden\rover"


@pytest.mark.parametrize("options", [["--diff"], ["-v"]])
def test_a_terminal_does_not_obey_a_host(options: list[str], terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    (tmp_path / "before").write_text(f"{HOSTILE}\n")
    rows = [{"Address": HOSTILE}]
    run = terminal(
        f"    - {{name: Differ, ansible.builtin.copy: {{content: new, dest: {tmp_path}/before}}}}\n"
        f"    - {{name: Tell, ansible.builtin.debug: {{msg: {json.dumps(HOSTILE)}}}}}\n"
        + report(notes=[HOSTILE], warnings=[HOSTILE], table=rows, text=f"{HOSTILE}\n", problem=HOSTILE)
        + f"    - {{name: Fail, ansible.builtin.command: {{argv: [printf, '%b', {json.dumps(HOSTILE)}]}},"
        " failed_when: true}\n",
        *options,
    ).end()
    assert "hidden" in run.out
    assert "\x1b[8m" not in run.out
    assert re.sub(r"\r(?=\x1b)|\x1b\[([0-9;]*m|K)|\n", "", run.out).isprintable()


def test_json_has_nothing_that_a_terminal_would_obey(play: Play) -> None:
    run = play(report(data={"url": HOSTILE}, problem=HOSTILE), REACHABLE_JSON="1")
    host = json.loads(run.out)["hosts"]["a"]
    assert host["url"] == host["problem"] == "?]0;title??[2J?1A?[8mhidden?over"


def test_notes_come_before_the_reports(play: Play) -> None:
    tasks = report("inventory_hostname == 'b'", text="card b\n", notes=["Kept: x=1"])
    tasks += report("inventory_hostname == 'a'", text="card a\n", notes=[])
    assert play(tasks, hosts="b").out == "\nKept: x=1\n\ncard b\n\n1 host, no changes\n"
    assert play(tasks, hosts="b a").out == "\nb: Kept: x=1\n\n2 hosts, no changes\n"


def test_the_rows_of_several_reports_are_one_table(play: Play) -> None:
    url = "http://192.168.1.20:8888/" + "x" * 100
    tasks = report("inventory_hostname in 'ad'", text="card", table=[{"Address": url}, {"Service": "on"}])
    tasks += report("inventory_hostname in 'bc'", problem="It is asleep.")
    tasks += "    - {name: Say so, ansible.builtin.fail: {msg: It is asleep.}, when: inventory_hostname == 'c'}\n"
    run = play(tasks, hosts="b c a d")
    column = len(url)
    assert run.out == (
        "Try\n  ✗ Say so\n    c: It is asleep.\n\n"
        f"Host  {'Address':{column}}  Service\n"
        f"a     {url}\n"
        f"a     {'':{column}}  on\n"
        f"b     {'?':{column}}  ?\n"
        f"c     {'?':{column}}  ?\n"
        f"d     {url}\n"
        f"d     {'':{column}}  on\n"
        "✗ b: It is asleep.\n"
        "\n4 hosts, no changes, 1 failed\n"
    )
    assert run.status == 2


def test_json_has_the_failures_of_hosts_that_owe_no_report(play: Play) -> None:
    tasks = """  tasks:
    - {name: Fail, ansible.builtin.fail: {msg: It fell.}, when: inventory_hostname == 'b'}
"""
    run = play(HEAD + tasks, hosts="a b", REACHABLE_JSON="1")
    assert json.loads(run.out) == {"hosts": {"b": {"verdict": "unknown", "problem": "It fell.", "warnings": []}}}


@pytest.mark.parametrize(
    ("verdict", "hosts", "status"), [("fine", "a", 0), ("fine", "a b c", 1), ("unreachable", "a b c", 2)]
)
def test_json_is_all_of_the_output_and_verdicts_make_the_exit_status(
    play: Play, verdict: str, hosts: str, status: int
) -> None:
    tasks = """  vars: {__reachable_verdict_exit: true}
  tasks:
    - {name: Look, ansible.builtin.debug: {msg: x}, changed_when: true}
    - {name: Fail, ansible.builtin.fail: {msg: "Not here,\\nnot there."}, when: inventory_hostname == 'b'}
    - block: [{name: Fail too, ansible.builtin.fail: {msg: never shown}, when: inventory_hostname == 'c'}]
      rescue: [{name: Go on, ansible.builtin.debug: }]
"""
    tasks += report("inventory_hostname == 'a'", verdict=verdict, data={"port": 8888})
    run = play(HEAD + tasks, hosts=hosts, REACHABLE_JSON="1")
    expected = {
        "a": {"verdict": verdict, "problem": "", "warnings": [], "port": 8888},
        "b": {"verdict": "unknown", "problem": "Not here, not there.", "warnings": []},
        "c": {"verdict": "unknown", "problem": "No report came from this host.", "warnings": []},
    }
    assert json.loads(run.out) == {"hosts": {host: expected[host] for host in hosts.split()}}
    assert run.err == ("Try\n  ✗ Fail\n    b: Not here,\n      not there.\n" if "b" in hosts else "")
    assert run.status == status


TELLER = """
import time
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        for number in range(self._task.args["to"]):
            Display().display(str(number))
            time.sleep(0.05)
        return {"changed": True}
"""
BARE = HEAD + "  vars: {__reachable_bare_output: true}\n  tasks:\n"


@pytest.fixture
def teller(tmp_path: Path) -> None:
    """Provide an action that shows a few numbers by and by."""
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins/teller.py").write_text(TELLER)


@pytest.mark.usefixtures("teller")
def test_bare_output_is_what_tasks_show(play: Play) -> None:
    tasks = "    - {name: Count, teller: {to: 2}}\n    - {name: Fail, ansible.builtin.fail: {msg: No.}}\n"
    run = play(BARE + tasks + report(verdict="fine"))
    assert (run.out, run.err, run.status) == ("0\n1\n", "Try\n  ✗ Fail\n    a: No.\n", 2)
    run = play(BARE + tasks, "-v")
    assert run.out.startswith("Using ")
    assert "hosts," not in run.out


@pytest.mark.programs
@pytest.mark.usefixtures("teller")
def test_bare_output_comes_at_once_and_ends_with_its_reader(start: Any) -> None:
    command, environment = start(BARE + "    - {name: Count, teller: {to: 100000}}\n")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline() == b"0\n"
    process.stdout.close()
    assert process.wait(20) == -signal.SIGTERM
    assert process.stderr.read() == b""


def test_verbose_shows_what_the_default_callback_shows_and_the_report(play: Play) -> None:
    tasks = "    - {name: Look, ansible.builtin.debug: {msg: x}}\n" + report(text="card")
    default = play(tasks, "-v", ANSIBLE_STDOUT_CALLBACK="default")
    run = play(tasks, "-v")
    assert run.out == f"{default.out}\ncard\n\n1 host, no changes\n"


def test_a_terminal_shows_what_runs_now(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library/odd.py").write_text(
        "#!/usr/bin/python\nimport time\nfrom ansible.module_utils.basic import AnsibleModule\n"
        "module = AnsibleModule({})\ntime.sleep(0.9)\nmodule.warn('This is odd.')\nmodule.exit_json(changed=True)\n"
    )
    run = terminal("    - {name: Work, odd: }\n", hosts="a b").end()
    assert "\r\x1b[36m  ▸ Work\x1b[0m\x1b[2m  a, b\x1b[0m\x1b[K" in run.out
    # What stays on the screen: without the live line, which is overwritten, and without colours.
    left = re.sub(r"\r[^\r\n]*\x1b\[K", "", run.out)
    assert re.sub(r"\x1b\[[0-9;]*m", "", left) == ("[WARNING]: This is odd.\nTry\n  ● Work\n\n2 hosts, 2 changes\n")
    assert "\x1b[?25l" not in run.out, "the cursor is never hidden"


def test_a_terminal_without_abilities_gets_plain_lines(terminal: Callable[..., Terminal]) -> None:
    tasks = "    - {name: Work, ansible.builtin.command: sleep 0.5}\n"
    run = terminal(tasks, TERM="dumb").end()
    assert run.out == "Try\n  ● Work\n\n1 host, 1 change\n"


def test_the_live_line_gives_way_and_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    at_exit: list[Callable[[], None]] = []
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(atexit, "register", at_exit.append)
    line = callback.LiveLine(threading.RLock(), lambda: "now")
    line.draw("now")
    sys.stdout.write("above\n")
    line.draw("now")
    at_exit[0]()
    assert screen.getvalue() == "\rnow\x1b[K\r\x1b[Kabove\n\rnow\x1b[K\r\x1b[K"


def test_a_question_is_asked_below_what_is_done_and_an_interrupt_leaves_a_clean_line(
    terminal: Callable[..., Terminal],
) -> None:
    tasks = f"""{HEAD}  tasks:
    - {{name: Work, ansible.builtin.command: sleep 0.5, run_once: true}}
- name: More
  hosts: all
  gather_facts: false
  vars_prompt: [{{name: word, private: false}}]
  tasks:
    - {{name: Wait, ansible.builtin.command: sleep 10}}
"""
    window = terminal(tasks, hosts="a b", NO_COLOR="1")
    window.read_until("word: ")
    assert re.sub(r"  \d\.\d s", "", window.seen).endswith("\r\x1b[KTry\r\n  ● Work\r\nword: ")
    os.write(window.screen, b"x\n")
    window.read_until("▸ Wait")
    time.sleep(0.3)
    window.process.send_signal(signal.SIGINT)
    run = window.end()
    assert run.status == 99
    assert run.out.endswith("\r\x1b[K[ERROR]: User interrupted execution\n")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (9.9, "9.9 s"), (41.2, "41 s"), (59.7, "1 min 0 s"), (185, "3 min 5 s")]
)
def test_duration(seconds: float, text: str) -> None:
    assert callback.duration(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(0, "no changes"), (1, "1 change"), (7, "7 changes")])
def test_count(number: int, text: str) -> None:
    assert callback.count(number, "change") == text


@pytest.mark.parametrize(
    ("hosts", "text"), [("b a", "a, b"), ("c b a", "a, b, c"), ("e d c b a", "a, b, c and 2 more")]
)
def test_names(hosts: str, text: str) -> None:
    assert callback.names(hosts.split()) == text


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"msg": "Task failed: Timed out after 1 second(s)."}, "Timed out after 1 second(s)."),
        (
            {"msg": "Task failed: Finalization of task args for 'm' failed: Error while resolving value for 'x': No."},
            "No.",
        ),
        (
            {"msg": "Task failed: Attempting to decrypt but no vault secrets found."},
            "A value is encrypted, and there is no password for it: add --ask-vault-pass or --vault-password-file.",
        ),
        ({"msg": "Task failed: Module failed: boom"}, "The module crashed (-v shows all): boom"),
        (
            {"msg": "deserialization failed", "module_stderr": "Traceback\n  File x\nValueError: no\n", "rc": 1},
            "The module crashed (-v shows all): ValueError: no",
        ),
        (
            {"msg": "deserialization failed", "module_stderr": "", "module_stdout": ""},
            "The module crashed (-v shows all): deserialization failed",
        ),
        ({"msg": "non-zero return code", "rc": 1, "stdout": "", "stderr": ""}, "exit status 1"),
        (
            {"msg": "non-zero return code", "rc": 4, "stdout": "o", "stderr": "1\n2\n3\n4\n5\n6"},
            "exit status 4\n2\n3\n4\n5\n6",
        ),
        ({"msg": "", "rc": 0, "stdout": "o", "stderr": ""}, "its output counts as a failure (failed_when):\no"),
        ({"msg": "pip failed: no network", "rc": 1, "stderr": "no network"}, "pip failed: no network"),
        ({"censored": "hidden", "msg": "hunter2"}, "hidden"),
        ({"reason": "Could not find the file."}, "Could not find the file."),
        ({}, "It does not say why (-v shows all)."),
    ],
)
def test_reason(result: dict[str, Any], text: str) -> None:
    assert callback.reason(result) == text


DRIFT = """  diff: true
  vars:
    __reachable_drift: true
    what: "{{ inventory_hostname.partition('_')[2] }}"
  handlers: [{name: Restart, ansible.builtin.debug: , changed_when: true}]
  tasks:
    - name: Write the motto
      ansible.builtin.copy: {dest: "{{ folder }}/{{ inventory_hostname }}", content: "Run it again.\\n", mode: "0644"}
      notify: Restart
    - {name: Look, ansible.builtin.debug: {msg: x}}
    - name: Check the port
      ansible.builtin.fail: {msg: "It is taken."}
      vars: {__reachable_is_drift: true}
      when: what == 'port'
    - {name: Check the rest, ansible.builtin.fail: {msg: "It is broken."}, when: what == 'broken'}
"""
MOTTO = {"what": "Write the motto", "expected": "Run it again."}
PORT = {"what": "Check the port", "expected": "", "found": "It is taken."}
# By host: what it has, the rows that differ, the verdict and the problem.
DRIFTED: dict[str, tuple[str | None, list[dict[str, str]], str, str]] = {
    "well": ("Run it again.\n", [], "fine", ""),
    "edited": ("Once is enough.\n", [{**MOTTO, "found": "Once is enough."}], "drift", ""),
    "absent": (None, [{**MOTTO, "found": "absent"}], "drift", ""),
    "well_port": ("Run it again.\n", [PORT], "drift", ""),
    "well_broken": ("Run it again.\n", [], "unknown", "It is broken."),
    "absent_broken": (None, [{**MOTTO, "found": "absent"}], "unknown", "It is broken."),
}


def test_drift(tmp_path: Path, play: Play) -> None:
    for host, (found, *_) in DRIFTED.items():
        if found:
            (tmp_path / host).write_text(found)
            (tmp_path / host).chmod(0o644)
    run = play(HEAD + DRIFT, "--check", "-e", f"folder={tmp_path}", hosts=" ".join(DRIFTED), REACHABLE_JSON="1")
    reports = json.loads(run.out)["hosts"]
    for host, (found, rows, verdict, problem) in DRIFTED.items():
        motto, report = tmp_path / host, reports[host]
        assert report["drift"] == [{"where": str(motto) if row["what"] == MOTTO["what"] else "", **row} for row in rows]
        assert (report["verdict"], report["problem"]) == (verdict, problem)
        assert (motto.read_text() if motto.exists() else None) == found
    assert run.status == 2


def test_a_host_that_is_broken_is_no_drift(tmp_path: Path, play: Play) -> None:
    run = play(HEAD + DRIFT, "--check", "-e", f"folder={tmp_path}", hosts="absent_broken", REACHABLE_JSON="1")
    assert run.status == 1


@pytest.mark.parametrize(
    ("before", "after", "expected", "found"),
    [
        ("a\nb\n", "a\nc\n", "c", "b"),
        ("a\n", "a\nb\nc\n", "b (+1)", "without that"),
        ("a\nb\n", "a\n", "without that", "b"),
        ("a\n", "", "absent", "a"),
        ("", "a\n", "a", "absent"),
        ({"mode": "0600"}, {"mode": "0644"}, '"mode": "0644"', '"mode": "0600"'),
        ("x", "word " * 20, "word word word word word word word word word word word ...", "x"),
    ],
)
def test_what_two_sides_differ_in(before: Any, after: Any, expected: str, found: str) -> None:
    assert callback.sides(before, after) == {"expected": expected, "found": found}


class Task:
    name = "Start it"
    delegate_to: str | None = None


@pytest.mark.parametrize(
    ("result", "rows"),
    [
        ({"changed": False}, []),
        ({"changed": True, "path": "/a"}, [("/a", "as declared", "otherwise")]),
        ({"changed": True, "msg": "no such user"}, [("", "as declared", "no such user")]),
        (
            {"changed": True, "name": "s", "status": {"ActiveState": "inactive", "UnitFileState": "disabled"}},
            [("s", "active, enabled", "inactive, disabled")],
        ),
        (
            {"changed": True, "invocation": {"module_args": {"name": "jupyter"}}},
            [("jupyter", "as declared", "otherwise")],
        ),
        (
            {"changed": True, "invocation": {"module_args": {"argv": ["loginctl"], "removes": "/d", "creates": None}}},
            [("/d", "as declared", "otherwise")],
        ),
        (
            {"results": [{"changed": False, "path": "/a"}, {"changed": True, "path": "/b"}]},
            [("/b", "as declared", "otherwise")],
        ),
        (
            {"changed": True, "diff": [{"before": "", "after": "x", "after_header": "/c"}, {"prepared": "p"}]},
            [("/c", "x", "absent")],
        ),
    ],
)
@pytest.mark.parametrize("here", [False, True])
def test_rows_for_what_differs(here: bool, result: dict[str, Any], rows: list[tuple[str, str, str]]) -> None:
    task = Task()
    task.delegate_to = "localhost" if here else None
    suffix = " (here)" if here else ""
    assert list(callback.drift_rows(task, result)) == [
        {"what": "Start it", "where": where + suffix, "expected": expected, "found": found}
        for where, expected, found in rows
    ]


STATUS = {
    "Jupyter": "2.17.0",
    "Service": "running",
    "Up for": "3 min",
    "Addresses": "http://192.168.1.20:8888\nhttp://studio.local:8888",
    "Reachable": "no",
    "Last problem": "Jupyter runs on studio, but does not answer here: let TCP port 8888 through the firewall.",
}


@pytest.mark.parametrize(("width", "whole"), [(30, 2), (80, 12), (120, 23), (1000, 99)])
def test_a_table_is_as_wide_as_the_terminal_and_breaks_between_words(width: int, whole: int) -> None:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(callback.table({"192.168.1.20": {"table": [STATUS]}}, width))
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= width
    shown = " ".join(lines).split()
    words = " ".join(["192.168.1.20", *STATUS, *STATUS.values()]).split()
    assert [word for word in words if len(word) <= whole and word not in shown] == []


def test_a_word_that_is_longer_than_the_terminal_is_folded_and_loses_nothing() -> None:
    console = Console(width=30)
    with console.capture() as capture:
        console.print(callback.table({"vps": {"table": [{"Safari": "http://192.168.1.20:8888/nbclassic"}]}}, 30))
    assert "".join(line[5:].strip() for line in capture.get().splitlines()[1:]) == "http://192.168.1.20:8888/nbclassic"


def test_a_text_breaks_between_words_and_goes_on_below_its_start() -> None:
    text = "Jupyter\n\n  When it does not connect\n  http://192.168.1.20:8888/nbclassic"
    assert callback.wrapped(text, 20) == (
        "Jupyter\n\n  When it does not\n  connect\n  http://192.168.1.20:8888/nbclassic"
    )
    assert callback.wrapped(text, 100) == text


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [("fine fine", 0), ("fine unknown", 1), ("unknown unreachable", 2), ("fine drift", 2), ("", 1)],
)
def test_exit_status(verdicts: str, status: int) -> None:
    assert callback.exit_status({"verdict": verdict} for verdict in verdicts.split()) == status
