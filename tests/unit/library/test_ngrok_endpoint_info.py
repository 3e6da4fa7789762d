"""The module ngrok_endpoint_info, on scripted agents and addresses; what agents say is tested with module_utils."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import ngrok_endpoint_info
import pytest
from ansible.module_utils.reachable import examination, ngrok
from ngrok_endpoint_info import Look
from ngrok_stub import SAMPLES, Answer, Stub, sample, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import RunModule

LOGS: dict[str, list[str]] = json.loads((SAMPLES / "ngrok_logs.json").read_text())["cases"]
WANTED = {"name": "jupyter", "transport": "http", "upstream": "http://127.0.0.1:8888"}
JUPYTER = {
    "/api": [Answer(200, {"version": "2.21.1"})],
    "/api/contents": [Answer(403, {})],
    "/login": [Answer(200, '<input name="password">', {"Set-Cookie": "_xsrf=x"})],
}
RESTART = "Restart the service reachable-ngrok on the host: an agent goes on listing an address that it has lost."
START_IT = "Start the agent again with './reachable up'; the log of the service reachable-ngrok tells what it says."
QUICK = {"delay": 0.001, "timeout": 0}


def listing(*tunnels: dict[str, Any]) -> dict[str, list[Answer]]:
    """Answer as an agent 2.x."""
    return {"/api/tunnels": [Answer(200, {"tunnels": list(tunnels), "uri": "/api/tunnels"})]}


def tunnel(url: str, name: str = "jupyter", addr: str = "http://127.0.0.1:8888") -> dict[str, Any]:
    return {"name": name, "public_url": url, "proto": url.partition(":")[0], "config": {"addr": addr}}


def written(**entry: object) -> str:
    return json.dumps({"lvl": "info", "t": "2026-11-23T15:12:57Z", **entry}) + "\n"


def serving(log: Path, stub: Stub) -> str:
    """Have the log say that the agent serves its API there, so that what it lists can change; return the log's path."""
    address = stub.url.partition("://")[2]
    log.write_text(written(msg=ngrok.SERVES, addr=address) + (log.read_text() if log.exists() else ""))
    return str(log)


@contextlib.contextmanager
def sshd(says: bytes) -> Iterator[str]:
    """Greet everybody."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(says)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def free_address() -> str:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "agent.log"


# Results


@pytest.mark.parametrize("check", [True, False])
def test_an_endpoint_of_an_agent_3(run_module: RunModule, log: Path, check: bool) -> None:
    script = {"/api/status": [sample("v3_status")], "/api/endpoints": [sample("v3_endpoints")]}
    with serve(script) as stub:
        result = run_module(
            ngrok_endpoint_info,
            check=check,
            log_file=serving(log, stub),
            endpoints=[WANTED],
            probe=False,
            query="[].host",
        )
    assert result | {"invocation": None} == {
        "changed": False,
        "invocation": None,
        "endpoints": [
            {
                "name": "jupyter",
                "transport": "http",
                "url": "https://example-dev-domain.ngrok-free.app",
                "scheme": "https",
                "host": "example-dev-domain.ngrok-free.app",
                "port": 443,
                "safari_url": "https://example-dev-domain.ngrok-free.app/",
                "juno_url": "https://example-dev-domain.ngrok-free.app/nbclassic",
                "upstream": "http://127.0.0.1:8888",
                "state": "online",
                "code": None,
                "problem": None,
                "fix": None,
            }
        ],
        "agent": {"problem": None, "fix": None},
        "result": ["example-dev-domain.ngrok-free.app"],
    }


def test_everything_that_is_listed_without_a_wish(run_module: RunModule, log: Path) -> None:
    script = listing(
        tunnel("https://abc123.ngrok-free.app"),
        tunnel("http://abc123.ngrok-free.app", "jupyter (http)"),
        tunnel("http://plain.ngrok-free.app", "plain (http)"),
        tunnel("tcp://0.tcp.ngrok.io:12345", "ssh", "localhost:22"),
        tunnel("tcp://0.tcp.ngrok.io:12346", "notebooks", "127.0.0.1:8888"),
        tunnel("tls://abc123.ngrok-free.app", "tls", "127.0.0.1:8888"),
    )
    with serve(script) as stub:
        result = run_module(ngrok_endpoint_info, log_file=serving(log, stub), probe=False, jupyter_port=8890)
    found = [(one["name"], one["transport"], one["url"], one["juno_url"]) for one in result["endpoints"]]
    address = "https://abc123.ngrok-free.app"
    assert found == [
        ("jupyter", "http", address, f"{address}/nbclassic"),
        ("plain (http)", "http", "http://plain.ngrok-free.app", "http://plain.ngrok-free.app/nbclassic"),
        ("ssh", "ssh", "tcp://0.tcp.ngrok.io:12345", "http://localhost:8890/nbclassic"),
        ("notebooks", "tcp", "http://0.tcp.ngrok.io:12346", "http://0.tcp.ngrok.io:12346/nbclassic"),
    ]
    assert result["agent"] == {"problem": None, "fix": None}
    assert "result" not in result


def test_one_look_fails_about_no_state(run_module: RunModule, log: Path) -> None:
    ssh = {"name": "ssh", "transport": "ssh", "upstream": "tcp://127.0.0.1:22"}
    with serve(listing(tunnel(f"http://{free_address()}"))) as stub:
        result = run_module(
            ngrok_endpoint_info, log_file=serving(log, stub), endpoints=[WANTED, ssh], wait_for_online=False, timeout=0
        )
    assert not result.get("failed")
    states = [(one["name"], one["url"] is None, one["state"], one["code"]) for one in result["endpoints"]]
    assert states == [("jupyter", False, "offline", "stale"), ("ssh", True, "connecting", "not_listed")]
    assert result["endpoints"][1] == {
        **dict.fromkeys(["url", "scheme", "host", "port", "safari_url", "juno_url"]),
        **ssh,
        "state": "connecting",
        "code": "not_listed",
        "problem": "ngrok's agent does not list the endpoint ssh.",
        "fix": START_IT,
    }
    assert stub.asked.count("/api/tunnels") == 1


@pytest.mark.parametrize("text", ["", written(msg=ngrok.STARTED, pid=1) + written(msg=ngrok.GONE)])
def test_one_look_at_no_agent(run_module: RunModule, log: Path, text: str) -> None:
    log.write_text(text)
    result = run_module(ngrok_endpoint_info, log_file=str(log), wait_for_online=False)
    assert not result.get("failed")
    assert result["endpoints"] == []
    assert result["agent"] == {"problem": "ngrok's agent cannot be found: it does not run.", "fix": START_IT}


def test_what_the_log_says_is_enough(run_module: RunModule, log: Path) -> None:
    started = written(msg=ngrok.STARTED, pid=os.getpid())
    opened = {"name": "jupyter", "addr": "http://127.0.0.1:8888"}
    with serve(JUPYTER) as public:
        log.write_text(started + written(msg=ngrok.ESTABLISHED) + written(msg=ngrok.OPENED, url=public.url, **opened))
        result = run_module(ngrok_endpoint_info, log_file=str(log), endpoints=[WANTED], **QUICK)
    assert [(one["state"], one["url"]) for one in result["endpoints"]] == [("online", public.url)]
    assert result["agent"] == {"problem": None, "fix": None}


# Failures


def failure(run_module: RunModule, stub: Stub, log: Path, **more: Any) -> str:
    """Return the text with which the module fails, and check that the last answer is there."""
    given = {"log_file": serving(log, stub), "endpoints": [WANTED], **QUICK, **more}
    result = run_module(ngrok_endpoint_info, **given)
    assert result["failed"]
    assert set(result["last_answer"]) == {"endpoints", "agent"}
    assert "1abcDEF_2ghi" not in json.dumps(result)
    return str(result["msg"])


def test_nothing_is_listed(run_module: RunModule, log: Path) -> None:
    with serve(listing()) as stub:
        told = failure(run_module, stub, log)
        told_of_any = failure(run_module, stub, log, endpoints=[])
    assert told == f"ngrok's agent does not list the endpoint jupyter. {START_IT}"
    assert told_of_any == f"ngrok's agent lists no endpoint. {START_IT}"


def test_the_last_reason_of_an_agent_that_connects(run_module: RunModule, log: Path) -> None:
    log.write_text(LOGS["cannot_reach_server"][1])
    with serve(listing()) as stub:
        told = failure(run_module, stub, log)
        told_of_any = failure(run_module, stub, log, endpoints=[])
    assert told == told_of_any
    assert told == (
        "ngrok's agent does not reach its cloud: dial tcp 127.0.0.1:9: connect: connection refused. Check the host's"
        " internet connection, and let its firewall pass connections to ngrok's cloud on port 443."
    )


def test_a_refusal_ends_the_wait(run_module: RunModule, log: Path) -> None:
    now = dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    lines = "\n".join(LOGS["authtoken_refused_ERR_NGROK_107_exit_1"][1:])
    log.write_text(re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", now, lines))
    other = {"name": "ssh", "transport": "ssh", "upstream": "tcp://127.0.0.1:22"}
    with serve(listing(tunnel("https://abc123.ngrok-free.app"))) as stub:
        told = failure(run_module, stub, log, endpoints=[WANTED, other], timeout=60)
    assert told == (
        "ngrok's cloud refuses the agent: the authtoken has the right form but is not valid: it was reset or revoked"
        " (ERR_NGROK_107). Copy the authtoken from https://dashboard.ngrok.com/get-started/your-authtoken into"
        " ngrok_authtoken or NGROK_AUTHTOKEN, and run './reachable up'."
    )
    assert stub.asked.count("/api/tunnels") == 2


def test_another_program_has_the_address(run_module: RunModule, log: Path) -> None:
    with serve({"/api/tunnels": [Answer(200, "<html>")]}) as stub:
        told = failure(run_module, stub, log)
    assert told == (
        f"What answers in place of ngrok's agent is another program: {stub.url} answers with something else than JSON:"
        " Expecting value: line 1 column 1 (char 0). Stop that program, and run './reachable up'."
    )


def test_every_problem_is_told_once(run_module: RunModule, log: Path) -> None:
    wrong = tunnel("https://abc123.ngrok-free.app", addr="http://127.0.0.1:8889")
    ssh = {"name": "ssh", "transport": "ssh", "upstream": "tcp://127.0.0.1:22"}
    with serve(listing(wrong)) as stub:
        told = failure(run_module, stub, log, endpoints=[WANTED, ssh])
    assert told == (
        "The endpoint jupyter leads from https://abc123.ngrok-free.app to http://127.0.0.1:8889 instead of"
        " http://127.0.0.1:8888. Run './reachable up', which gives the agent its configuration; if it stays, stop the"
        f" other agent. ngrok's agent does not list the endpoint ssh. {START_IT}"
    )


# Visits


@pytest.mark.parametrize("transport", ["http", "tcp"])
def test_jupyter_is_visited(run_module: RunModule, log: Path, transport: str) -> None:
    with serve(JUPYTER) as public:
        url = public.url if transport == "http" else public.url.replace("http", "tcp")
        with serve(listing(tunnel(url))) as stub:
            endpoints = [WANTED | {"transport": transport}]
            result = run_module(ngrok_endpoint_info, log_file=serving(log, stub), endpoints=endpoints, **QUICK)
    assert [one["state"] for one in result["endpoints"]] == ["online"]
    assert public.asked == ["/api", "/api/contents", "/login"]


def test_an_address_that_is_stale(run_module: RunModule, log: Path) -> None:
    address = free_address()
    with serve(listing(tunnel(f"http://{address}"))) as stub:
        told = failure(run_module, stub, log)
    assert told == (
        f"The agent lists http://{address}, but a visit to it fails: Nothing listens at 127.0.0.1 port"
        f" {address.partition(':')[2]}. {RESTART}"
    )


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("ERR_NGROK_3200", f"no agent serves this address (ERR_NGROK_3200). {START_IT}"),
        (
            "ERR_NGROK_8012",
            f"Jupyter does not take the agent's connection (ERR_NGROK_8012). {ngrok.JUPYTER}",
        ),
        (
            "ERR_NGROK_99999",
            "it gives no reason (ERR_NGROK_99999). Look it up at https://ngrok.com/docs/errors/err_ngrok_99999.",
        ),
    ],
)
def test_the_cloud_answers_a_visitor(run_module: RunModule, log: Path, code: str, told: str) -> None:
    with (
        serve({"/api": [Answer(404, "", {"Ngrok-Error-Code": code})]}) as public,
        serve(listing(tunnel(public.url))) as stub,
    ):
        result = run_module(ngrok_endpoint_info, log_file=serving(log, stub), endpoints=[WANTED], **QUICK)
    assert result["msg"] == f"The cloud answers at {public.url} in place of Jupyter: {told}"
    assert [(one["state"], one["code"]) for one in result["last_answer"]["endpoints"]] == [("offline", code)]


def test_what_the_cloud_says_to_every_visitor_ends_the_wait(run_module: RunModule, log: Path) -> None:
    with (
        serve({"/api": [Answer(403, "ERR_NGROK_3208")]}) as public,
        serve(listing(tunnel(public.url))) as stub,
    ):
        told = failure(run_module, stub, log, timeout=60)
    assert told == (
        f"The cloud answers at {public.url} in place of Jupyter: the account has been banned (ERR_NGROK_3208). Write to"
        " support@ngrok.com, or use the authtoken of another account."
    )
    assert stub.asked.count("/api/tunnels") == 2


@pytest.mark.parametrize(
    ("says", "seen"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", None),
        (b"SSH-1.5-old\r\n", "it says b'SSH-1.5-old\\r\\n'"),
        (b"220 mail.example" + b"!" * 40, f"it says b'220 mail.example{'!' * 24}'"),
        (b"", "it hangs up"),
    ],
)
def test_ssh_is_visited(run_module: RunModule, log: Path, says: bytes, seen: str | None) -> None:
    wanted = {"name": "ssh", "transport": "ssh", "upstream": "tcp://127.0.0.1:22"}
    with sshd(says) as url, serve(listing(tunnel(url, "ssh", "localhost:22"))) as stub:
        result = run_module(ngrok_endpoint_info, log_file=serving(log, stub), endpoints=[wanted], **QUICK)
    if seen is None:
        assert [one["state"] for one in result["endpoints"]] == ["online"]
    else:
        assert result["msg"] == (
            f"The agent lists {url}, but no SSH server greets there: {seen}. Check that sshd runs at localhost:22; the"
            " agent passes the connection on to it."
        )
        assert [(one["state"], one["code"]) for one in result["last_answer"]["endpoints"]] == [("offline", "stale")]


def test_ssh_that_cannot_be_reached() -> None:
    found = ngrok.Finding("ssh", "ssh", f"tcp://{free_address()}", "localhost:22", "online", None, "", "", heals=True)
    seen = ngrok_endpoint_info.visit(found, 5.0)
    assert (seen.state, seen.code, seen.heals) == ("offline", "stale", True)
    assert seen.problem == f"The agent lists {found.url}, but no SSH server greets there: Connection refused."
    assert seen.fix == RESTART


def test_only_what_seems_online_is_visited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "examine", None)
    found = ngrok.Finding("jupyter", "http", "http://x.example", "", "refused", None, "", "", heals=True)
    assert ngrok_endpoint_info.visit(found, 5.0) == found


# Waiting


class Clock:
    """A clock that only moves when somebody sleeps, or by ``work``."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


def seen(state: str, heals: bool = True, told: float | None = None) -> Look:
    return Look([ngrok.Finding("jupyter", "http", None, "", state, None, f"It is {state}.", "", heals)], told=told)


EMPTY = Look([])


@pytest.mark.parametrize(
    ("looks", "timeout", "slept", "count"),
    [
        ([seen("online")], 30, [], 1),
        ([seen("offline"), seen("connecting"), seen("online")], 30, [0.5, 0.5], 3),
        # The last sleep ends at the deadline, and there is a last look at it.
        ([seen("offline")], 1.2, [0.5, 0.5, 0.2], 4),
        ([seen("offline")], 1.0, [0.5, 0.5], 3),
        ([seen("offline")], 0, [], 1),
        ([EMPTY, EMPTY, seen("online")], 30, [0.5, 0.5], 3),
        # What does not heal must be there twice in a row.
        ([seen("refused", heals=False)], 30, [0.5], 2),
        ([seen("refused", heals=False)], 0, [], 1),
        ([seen("refused", heals=False), seen("connecting"), seen("refused", heals=False)], 30, [0.5] * 3, 4),
        ([seen("refused", heals=False), seen("online")], 30, [0.5], 2),
        # A refusal of long ago may be overtaken. The clock begins at 100.
        ([seen("refused", heals=False, told=90.0)], 30, [0.5], 2),
        ([seen("refused", heals=False, told=89.9)], 1.2, [0.5, 0.5, 0.2], 4),
        ([seen("refused", heals=False, told=89.9), seen("online")], 30, [0.5], 2),
        ([*[seen("refused", heals=False, told=89.9)] * 2, seen("refused", heals=False, told=101.0)], 30, [0.5] * 3, 4),
        ([seen("offline", heals=False, told=89.9)], 30, [0.5], 2),
        ([Look([], hindrance=ngrok.Trouble("refused", None, "", "", heals=False), told=101.0)], 30, [0.5], 2),
    ],
)
def test_waiting(looks: list[Look], timeout: float, slept: list[float], count: int) -> None:
    clock = Clock()
    given: list[float] = []

    def look_once(seconds: float) -> Look:
        given.append(round(seconds, 6))
        return looks[min(len(given), len(looks)) - 1]

    assert ngrok_endpoint_info.wait(look_once, 0.5, timeout, clock) == looks[min(count, len(looks)) - 1]
    assert (clock.slept, len(given)) == (slept, count)
    assert given == [max(round(timeout - sum(slept[:done]), 6), 1.0) for done in range(count)]


@pytest.mark.parametrize(
    ("when", "seconds"),
    [
        ("2026-11-23T15:13:00.331569533Z", 1795446780.0),
        ("2026-11-23T15:13:00Z", 1795446780.0),
        ("2026-11-23T15:13:00+0000", 1795446780.0),
        ("2026-11-23T16:13:00.5+01:00", 1795446780.0),
        ("2026-11-23T10:13:00-05:00", 1795446780.0),
        ("2026-11-23", None),
        ("", None),
    ],
)
def test_times_in_a_log(when: str, seconds: float | None) -> None:
    assert ngrok_endpoint_info.moment(when) == seconds


def test_a_look_knows_when_the_agent_was_refused(log: Path) -> None:
    log.write_text("\n".join(LOGS["authtoken_refused_ERR_NGROK_107_exit_1"]))
    asked = {"endpoints": [], "log_file": str(log), "probe": True}
    with serve(listing()) as stub:
        assert ngrok_endpoint_info.look({**asked, "log_file": serving(log, stub)}, 5.0).told == 1795446780.0


def test_a_look_that_takes_long_is_the_last() -> None:
    clock = Clock()

    def look_once(_: float) -> Look:
        clock.now += 20
        return seen("offline")

    assert ngrok_endpoint_info.wait(look_once, 0.5, 30, clock) == seen("offline")
    assert (clock.now, clock.slept) == (140.5, [0.5])


def test_an_endpoint_that_comes_online(run_module: RunModule, log: Path) -> None:
    script = {"/api/tunnels": [*listing()["/api/tunnels"], *listing(tunnel("https://x.example"))["/api/tunnels"]]}
    with serve(script) as stub:
        result = run_module(
            ngrok_endpoint_info, log_file=serving(log, stub), endpoints=[WANTED], probe=False, delay=0.001
        )
    assert [one["url"] for one in result["endpoints"]] == ["https://x.example"]
    assert stub.asked.count("/api/tunnels") == 2


def test_a_visit_that_succeeds_at_the_third_time(run_module: RunModule, log: Path) -> None:
    gone = Answer(404, "ERR_NGROK_3200")
    with (
        serve({**JUPYTER, "/api": [gone, gone, *JUPYTER["/api"]]}) as public,
        serve(listing(tunnel(public.url))) as stub,
    ):
        result = run_module(ngrok_endpoint_info, log_file=serving(log, stub), endpoints=[WANTED], delay=0.001)
    assert [one["state"] for one in result["endpoints"]] == ["online"]
    assert stub.asked.count("/api/tunnels") == 3


# Options


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            {"query": "[?state =="},
            'query is no JMESPath expression: Invalid jmespath expression: Incomplete expression: "[?state ==" ^',
        ),
        ({"query": "[? #"}, "query is no JMESPath expression: Bad jmespath expression: Unknown token #: [? # ^"),
        ({"delay": 0}, "delay is 0.0. It must be more than 0 seconds."),
        (
            {"log_file": "/"},
            "log_file cannot be read: it is no file. The user who runs this module must be able to.",
        ),
    ],
)
def test_a_wrong_option_is_told_before_anything_else(
    run_module: RunModule, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr(ngrok, "look", None)
    result = run_module(ngrok_endpoint_info, **{"log_file": "/nonexistent", **arguments})
    assert (result["failed"], result["msg"]) == (True, told)


def test_a_query_that_does_not_fit(run_module: RunModule, log: Path) -> None:
    with serve(listing(tunnel("https://x.example"))) as stub:
        result = run_module(ngrok_endpoint_info, log_file=serving(log, stub), probe=False, query="[].ceil(name)")
    assert result["failed"]
    assert result["msg"] == (
        "query cannot be applied to the endpoints: In function ceil(), invalid type for value: jupyter, expected one"
        " of: ['number'], received: \"string\""
    )
    assert [one["name"] for one in result["endpoints"]] == ["jupyter"]


def test_a_log_that_does_not_exist_is_that_of_no_agent(run_module: RunModule, log: Path) -> None:
    result = run_module(ngrok_endpoint_info, log_file=str(log), wait_for_online=False)
    assert result["agent"]["problem"] == "ngrok's agent cannot be found: it does not run."


@pytest.mark.parametrize("library", ["pyngrok", "jmespath"])
def test_a_missing_library_is_named(run_module: RunModule, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    if library == "jmespath":
        monkeypatch.setattr(ngrok_endpoint_info, "JMESPATH_ERROR", "Traceback")
    else:
        monkeypatch.setitem(sys.modules, "pyngrok.ngrok", None)
    result = run_module(ngrok_endpoint_info, log_file="/nonexistent")
    assert result["failed"]
    assert result["msg"].startswith(f"Failed to import the required Python library ({library}) on ")
