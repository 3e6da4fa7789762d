"""Lines are shown as they come, with whose they are where that is not clear, until nobody looks any more."""

from __future__ import annotations

import multiprocessing
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.utils.display import Display

if TYPE_CHECKING:
    from conftest import RunAction

JUPYTER, NGROK = "reachable-jupyter", "reachable-ngrok"
LABELS = {JUPYTER: "jupyter", NGROK: "ngrok"}
ALONE: dict[str, Any] = {"inventory_hostname": "vps", "ansible_play_hosts_all": ["vps"]}
REFUSED = AnsibleConnectionFailure("ssh: connect to host vps port 22:\nConnection refused")


def line(text: str, daemon: str = JUPYTER, moment: float | None = 1.5) -> dict[str, Any]:
    return {"daemon": daemon, "time": moment, "text": text}


def answer(cursor: str, *lines: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"changed": False, "lines": lines, "cursor": cursor, "more": more}


class Screen:
    """What was shown where, with the pauses in between."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Look at everything that is shown."""
        self.shown: list[str] = []
        monkeypatch.setattr(
            Display, "display", lambda _, text, stderr=False: self.shown.append(("! " if stderr else "") + text)
        )
        monkeypatch.setattr(Display, "warning", lambda _, text: self.shown.append(f"? {text}"))
        monkeypatch.setattr(time, "sleep", lambda seconds: self.shown.append(f"({seconds:g} s)"))


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch)


class Host:
    """Answers one after the other, and keeps what it was asked; after the last one, nobody looks any more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have no answers."""
        self.answers: list[Any] = []
        self.asked: list[dict[str, Any]] = []
        parent = SimpleNamespace(is_alive=lambda: bool(self.answers))
        monkeypatch.setattr(multiprocessing, "parent_process", lambda: parent)

    def __call__(self, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Answer."""
        assert task_vars["inventory_hostname"] == "vps"
        self.asked.append(module_args)
        given = self.answers.pop(0)
        if isinstance(given, Exception):
            raise given
        result: dict[str, Any] = given
        return result


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


@pytest.mark.parametrize(
    ("there", "shown"),
    [
        ((["vps"], [JUPYTER]), "a\nb"),
        ((["vps"], [JUPYTER, NGROK]), "jupyter | a\njupyter | b"),
        ((["vps", "studio"], [JUPYTER]), "vps    | a\nvps    | b"),
        ((["vps", "studio"], [NGROK, JUPYTER]), "vps    | jupyter | a\nvps    | jupyter | b"),
    ],
)
def test_whose_lines_they_are(
    run_action: RunAction, screen: Screen, host: Host, there: tuple[list[str], list[str]], shown: str
) -> None:
    hosts, names = there
    host.answers = [answer("c", line("a"), line("b"))]
    variables = ALONE | {"ansible_play_hosts_all": hosts}
    result = run_action("daemon_log", execute=host, variables=variables, name=names, labels=LABELS, lines=5)
    assert result == {"changed": False, "cursor": "c"}
    assert screen.shown == [shown]
    assert host.asked == [{"name": names, "labels": LABELS, "lines": 5, "cursor": None}]


def test_labels_are_of_equal_width_and_may_be_left_out(run_action: RunAction, screen: Screen, host: Host) -> None:
    host.answers = [answer("c", line("a"), line("b", NGROK))]
    run_action("daemon_log", execute=host, variables=ALONE, name=[JUPYTER, NGROK])
    assert screen.shown == ["reachable-jupyter | a\nreachable-ngrok   | b"]


def test_a_terminal_has_nothing_to_obey(run_action: RunAction, screen: Screen, host: Host) -> None:
    host.answers = [answer("c", line("\x1b[1;31mred\x1b[0m\tab\x1b]0;title\x07\r\x9b Ω"))]
    run_action("daemon_log", execute=host, variables=ALONE, name=[JUPYTER])
    assert screen.shown == ["red\tab\\x1b]0;title\\x07\\x0d\\x9b Ω"]


def test_all_that_is_there_is_asked_for_at_once(run_action: RunAction, screen: Screen, host: Host) -> None:
    host.answers = [answer("c1", line("a"), more=True), answer("c2", line("b"), more=True), answer("c3")]
    result = run_action("daemon_log", execute=host, variables=ALONE, name=[JUPYTER], since="today")
    assert result == {"changed": False, "cursor": "c3"}
    assert screen.shown == ["a", "b"]
    assert [asked["cursor"] for asked in host.asked] == [None, "c1", "c2"]
    assert {asked["since"] for asked in host.asked} == {"today"}


def test_it_is_followed_until_nobody_looks(run_action: RunAction, screen: Screen, host: Host) -> None:
    host.answers = [answer("c1", line("a"), more=True), answer("c2"), answer("c3", line("b"))]
    run_action("daemon_log", execute=host, variables=ALONE, name=[JUPYTER], follow=True, cursor="c0")
    assert screen.shown == ["a", "(1 s)", "b", "(1 s)"]
    assert [asked["cursor"] for asked in host.asked] == ["c0", "c1", "c2"]


@pytest.mark.parametrize("trouble", [REFUSED, {"failed": True, "msg": str(REFUSED)}])
def test_a_connection_that_breaks_is_made_anew_and_nothing_is_lost(
    run_action: RunAction, screen: Screen, host: Host, trouble: Any
) -> None:
    host.answers = [answer("c1", line("a")), trouble, trouble, answer("c2", line("b")), trouble]
    run_action("daemon_log", execute=host, variables=ALONE, name=[JUPYTER], follow=True)
    lost = "! vps does not answer now, and is asked until it does: ssh: connect to host vps port 22: Connection refused"
    assert screen.shown == [
        *("a", "(1 s)", lost, "(1 s)", "(1 s)"),
        *("! vps answers again.", "b", "(1 s)", lost, "(1 s)"),
    ]
    assert [asked["cursor"] for asked in host.asked] == [None, "c1", "c1", "c1", "c2"]


@pytest.mark.parametrize("follow", [True, False])
def test_what_fails_at_first_is_a_failure(run_action: RunAction, screen: Screen, host: Host, follow: bool) -> None:
    host.answers = [{"failed": True, "msg": "No."}, answer("c", line("a"))]
    result = run_action("daemon_log", execute=host, variables=ALONE, name=[JUPYTER], follow=follow)
    assert result == {"failed": True, "msg": "No."}
    host.answers = [REFUSED, answer("c", line("a"))]
    with pytest.raises(AnsibleConnectionFailure):
        run_action("daemon_log", execute=host, variables=ALONE, name=[JUPYTER], follow=follow)
    assert screen.shown == []


@pytest.mark.parametrize(("since", "warned"), [("today", True), (None, False)])
def test_lines_without_times_are_no_secret(
    run_action: RunAction, screen: Screen, host: Host, since: str | None, warned: bool
) -> None:
    host.answers = [answer("c", line("a", moment=None), line("b"), line("c", NGROK))]
    run_action("daemon_log", execute=host, variables=ALONE, name=[JUPYTER, NGROK], labels=LABELS, since=since)
    warning = "? The lines of jupyter on vps have no times, so all of them are shown."
    assert screen.shown[1:] == ([warning] if warned else [])


def test_options_are_checked_here(run_action: RunAction, screen: Screen, host: Host) -> None:
    assert run_action("daemon_log", execute=host, variables=ALONE, lines="many")["failed"]
    assert (host.asked, screen.shown) == ([], [])
