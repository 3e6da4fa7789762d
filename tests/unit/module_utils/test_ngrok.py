"""The client of ngrok's agent, on recorded answers and logs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ngrok_stub import NOT_FOUND, Answer, sample, serve
from reachable import ngrok

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
LOGS: dict[str, list[str]] = json.loads((Path(__file__).parent / "ngrok_logs.json").read_text())["cases"]
RECONNECTS = LOGS["outage_then_107_then_334_then_online_then_sigterm"]
AUTHTOKEN = "1abcDEF_2ghi"  # the one in the recorded logs
V2 = {"/api/tunnels": [sample("v2_tunnels")]}
V3 = {
    "/api/status": [sample("v3_status")],
    "/api/endpoints": [sample("v3_endpoints")],
    "/api/tunnels": [sample("v3_tunnels")],
}
JUPYTER = ngrok.Tunnel("jupyter", "https://example-dev-domain.ngrok-free.app", "http://127.0.0.1:8888", "https")
WANTED = {"name": "jupyter", "transport": "http", "upstream": "http://127.0.0.1:8888"}
REFUSED = ngrok.Trouble(
    "refused",
    "ERR_NGROK_107",
    "ngrok's cloud refuses the agent: the authtoken has the right form but is not valid: it was reset or revoked"
    " (ERR_NGROK_107).",
    "Copy the authtoken from https://dashboard.ngrok.com/get-started/your-authtoken into ngrok_authtoken or"
    " NGROK_AUTHTOKEN, and run './reachable up'.",
    heals=False,
)
TAKEN = ngrok.Trouble(
    "refused",
    "ERR_NGROK_334",
    "ngrok's cloud refuses the agent: the address is already online elsewhere (ERR_NGROK_334).",
    "Stop the other agent that has it, which https://dashboard.ngrok.com/endpoints lists, or set another"
    " ngrok_domain or ngrok_remote_addr.",
    heals=True,
)
CONNECTING = ngrok.Trouble(
    "connecting",
    None,
    "ngrok's agent does not reach its cloud: dial tcp 127.0.0.1:9: connect: connection refused.",
    "Check the host's internet connection, and let its firewall pass connections to ngrok's cloud on port 443.",
    heals=True,
)
ENDED = ngrok.Trouble(
    "connecting",
    None,
    "ngrok's agent ended with: listen tcp 127.0.0.1:4040: bind: address already in use.",
    "Start the agent again with './reachable up'; the log of the service reachable-ngrok tells what it says.",
    heals=True,
)


def agent(*tunnels: ngrok.Tunnel, session: str | None = None) -> ngrok.Agent:
    return ngrok.Agent(list(tunnels), session)


def log(*entries: dict[str, str]) -> str:
    return "".join(json.dumps({"t": "2026-11-26T01:14:39Z", **entry}) + "\n" for entry in entries)


def error(words: str, **more: str) -> dict[str, str]:
    return {"lvl": "eror", "msg": "failed to reconnect session", "obj": "csess", "err": words, **more}


# The log


def story(*lines: str) -> ngrok.Story:
    return ngrok.read_story("\n".join(lines))


def opening(number: int, *, is_open: bool = True) -> ngrok.Opening:
    """Return one of those that the agent of the long log has opened."""
    entry = json.loads(RECONNECTS[number])
    return ngrok.Opening(entry["name"], entry["url"], entry["addr"], entry["t"], is_open)


STARTED = json.dumps({"lvl": "info", "msg": ngrok.STARTED, "obj": "keeper", "pid": 4711})
GONE = json.dumps({"lvl": "info", "msg": ngrok.GONE, "obj": "keeper"})
SSH = {"name": "ssh", "transport": "ssh", "upstream": "tcp://127.0.0.1:22"}


def test_what_is_open_by_the_log() -> None:
    opened = [opening(number) for number in range(3, 7)]
    assert story(STARTED, *RECONNECTS[1:8]) == ngrok.Story(4711, None, opened)
    assert opened[0].tunnel == ngrok.Tunnel("ssh", "tcp://0.tcp.ngrok.io:12345", "//localhost:22", "tcp")
    closed = [each._replace(is_open=False) for each in opened]
    assert story(STARTED, *RECONNECTS[1:8], GONE) == ngrok.Story(None, None, closed)
    assert story(STARTED, *RECONNECTS[1:8], STARTED) == ngrok.Story(4711, None, closed)
    again = json.dumps(json.loads(RECONNECTS[3]) | {"url": "tcp://0.tcp.ngrok.io:2"})
    assert story(STARTED, *RECONNECTS[1:8], again).openings[-1].url == "tcp://0.tcp.ngrok.io:2"
    assert not story(STARTED, *RECONNECTS[1:8], again).openings[0].is_open
    assert story("5", "plain text", "") == ngrok.Story()


def test_an_agent_that_is_back_says_nothing_of_its_addresses() -> None:
    astray = [story(*RECONNECTS[: end + 1]).is_astray for end in range(len(RECONNECTS))]
    back = next(n for n in range(9, len(RECONNECTS)) if "client session established" in RECONNECTS[n])
    assert astray.index(True) == back
    assert not any(each.is_open for each in story(*RECONNECTS[: back + 1]).openings)
    # What it takes at first to reach the cloud does not count: what it opens then, it says.
    assert not story(STARTED, *RECONNECTS[9:12], *RECONNECTS[2:4]).is_astray


def test_the_cloud_may_have_the_agent_start_again() -> None:
    closing = '{"lvl":"info","msg":"session closing","obj":"tunnels.session"}'
    found = story(STARTED, *RECONNECTS[1:4], closing, *RECONNECTS[1:3], RECONNECTS[4])
    assert found == ngrok.Story(4711, None, [opening(3, is_open=False), opening(4)])


def test_what_nobody_declared() -> None:
    found = story(STARTED, *RECONNECTS[1:7])
    names = [each.name for each in ngrok.undeclared(found, [], [SSH, WANTED])]
    assert names == ["plain (http)", "plain"]
    assert (
        ngrok.undeclared(found, [], [SSH, WANTED, WANTED | {"name": "plain", "upstream": "http://127.0.0.1:8889"}])
        == []
    )
    elsewhere = WANTED | {"upstream": "http://127.0.0.1:8889"}
    assert [each.name for each in ngrok.undeclared(found, [], [SSH, elsewhere])] == ["jupyter", "plain (http)", "plain"]
    other = ngrok.Tunnel("api", "https://x.example", "http://127.0.0.1:1", "https")
    by_api = ngrok.undeclared(found, [found.openings[0].tunnel, other], [SSH, WANTED])
    assert [each.name for each in by_api] == ["plain (http)", "plain", "api"]


def test_an_api_that_is_on_is_told() -> None:
    found = ngrok.undeclared(story(*RECONNECTS[:3]), [], [])
    assert [(each.name, each.url) for each in found] == [(ngrok.API, "http://127.0.0.1:40401")]
    assert ngrok.describe(found[0]) == (
        "ngrok's agent serves its API at http://127.0.0.1:40401, where every user of the machine can command it. Nobody"
        " declared that: find out who could, and run './reachable up'."
    )
    assert ngrok.describe(opening(4)) == (
        "ngrok's agent has opened jupyter from https://abc123.ngrok-free.app to http://127.0.0.1:8888. Nobody declared"
        " that: find out who could, and run './reachable up'."
    )


def test_the_log_is_enough() -> None:
    mine = json.dumps({"msg": ngrok.STARTED, "pid": os.getpid()})
    others = json.dumps({"msg": ngrok.STARTED, "pid": 1})
    for started in (mine, others):
        assert ngrok.look("\n".join([started, *RECONNECTS[1:4]])) == ngrok.Agent([opening(3).tunnel])


def test_an_agent_that_serves_its_api_is_asked() -> None:
    with serve(V3) as stub:
        address = stub.url.partition("://")[2]
        log = json.dumps({"msg": ngrok.SERVES, "addr": address})
        assert ngrok.look(log) == ngrok.Agent([JUPYTER], "online")


@pytest.mark.parametrize("lines", [[], [STARTED, GONE], [json.dumps({"msg": ngrok.STARTED, "pid": 2**22 + 1})]])
def test_no_agent_runs(lines: list[str]) -> None:
    with pytest.raises(ngrok.AgentError, match=r"\Ait does not run\Z"):
        ngrok.look("\n".join(lines))


# Asking


def test_an_agent_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with serve(V2) as stub:
        assert ngrok.ask(stub.url) == ngrok.Agent(
            [
                ngrok.Tunnel("jupyter", "https://abc123.ngrok-free.app", "http://127.0.0.1:8889", "https"),
                ngrok.Tunnel("ssh", "tcp://0.tcp.ngrok.io:12345", "localhost:22", "tcp"),
            ],
        )
    assert stub.asked == ["/api/status", "/api/tunnels"]


def test_an_agent_3_30() -> None:
    with serve(V3) as stub:
        assert ngrok.ask(f"{stub.url}/") == ngrok.Agent([JUPYTER], "online")
    assert stub.asked == ["/api/status", "/api/endpoints"]


def test_an_agent_3_9() -> None:
    with serve({**V3, "/api/endpoints": [NOT_FOUND]}) as stub:
        assert ngrok.ask(stub.url) == ngrok.Agent([JUPYTER], "online")
    assert stub.asked == ["/api/status", "/api/endpoints", "/api/tunnels"]


@pytest.mark.parametrize(
    "script",
    [
        {"/api/tunnels": [sample("v2_tunnels_offline")]},
        {"/api/status": [Answer(200, {"session": {}})], "/api/endpoints": [Answer(200, {"endpoints": None})]},
        {"/api/status": [Answer(200, {})], "/api/endpoints": [Answer(200, {"endpoints": []})]},
        {"/api/tunnels": [Answer(200, {"tunnels": [{"name": "half"}, {"public_url": "https://x.example"}, 1]})]},
    ],
)
def test_an_agent_without_endpoints(script: dict[str, list[Answer]]) -> None:
    with serve(script) as stub:
        assert ngrok.ask(stub.url).tunnels == []


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (NOT_FOUND, "{url} has no list of endpoints"),
        (Answer(200, {"uri": "/api/tunnels"}), "{url} has no list of endpoints"),
        (Answer(200, ["endpoints"]), "{url} has no list of endpoints"),
        (Answer(401, "Rejected host"), "{url} answers with HTTP 401"),
        (Answer(500, "x" * 9999), "{url} answers with HTTP 500"),
        (
            Answer(200, "<html>\n\x1b[2J</html>"),
            "{url} answers with something else than JSON: Expecting value: line 1 column 1 (char 0)",
        ),
        (
            Answer(200, "\xff", {"Content-Length": "3"}),
            "{url} answers with something else than JSON: IncompleteRead(2 bytes read, 1 more expected)",
        ),
    ],
)
@pytest.mark.parametrize("status", [NOT_FOUND, sample("v3_status")])
def test_another_program_has_the_address(status: Answer, answer: Answer, detail: str) -> None:
    script = {"/api/status": [status], "/api/endpoints": [answer], "/api/tunnels": [answer]}
    with serve(script) as stub, pytest.raises(ngrok.AgentError) as caught:
        ngrok.ask(stub.url)
    assert (caught.value.code, str(caught.value)) == ("foreign_api", detail.format(url=stub.url))


@pytest.mark.parametrize("status", [Answer(200, "<html>"), Answer(200, []), Answer(503, "")])
def test_another_program_has_not_even_a_state(status: Answer) -> None:
    with serve(V2 | {"/api/status": [status]}) as stub, pytest.raises(ngrok.AgentError) as caught:
        ngrok.ask(stub.url)
    assert (caught.value.code, stub.asked) == ("foreign_api", ["/api/status"])


@contextlib.contextmanager
def listener(says: bytes | None) -> Iterator[str]:
    """Listen, and say something to the first who comes; None says nothing and keeps the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def run() -> None:
            connection, _ = server.accept()
            kept.append(connection)
            connection.recv(65536)
            if says is not None:
                connection.sendall(says)
                connection.close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()
        for connection in kept:
            connection.close()


@pytest.mark.parametrize(
    ("says", "code", "detail"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "foreign_api", "{url} answers with something else than JSON: SSH-2.0-OpenSSH_9.2"),
        (b"", "no_agent", "{url}: Remote end closed connection without response"),
        (None, "no_agent", "{url}: timed out"),
    ],
)
def test_what_answers_does_not_speak_http(says: bytes | None, code: str, detail: str) -> None:
    with listener(says) as url, pytest.raises(ngrok.AgentError) as caught:
        ngrok.ask(url, timeout=0.2)
    assert (caught.value.code, str(caught.value)) == (code, detail.format(url=url))


def test_nothing_answers() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(ngrok.AgentError) as caught:
            ngrok.ask(url)
    assert (caught.value.code, str(caught.value)) == ("no_agent", f"{url}: Connection refused")


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "intern.example")
    monkeypatch.setattr(urllib.request, "_opener", None)  # it reads the environment when it is made
    with serve(V2) as stub:
        assert len(ngrok.ask(stub.url).tunnels) == 2
    monkeypatch.setattr(urllib.request, "_opener", None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost,[::1]"),
        ({"no_proxy": "*"}, "*"),
        ({"NO_PROXY": ".example, localhost"}, ".example,localhost,127.0.0.1,[::1]"),
        ({"no_proxy": "a.example,", "NO_PROXY": "b.example"}, "a.example,127.0.0.1,localhost,[::1]"),
        ({"no_proxy": "127.0.0.1,localhost,[::1]"}, "127.0.0.1,localhost,[::1]"),
    ],
)
def test_exceptions_from_the_proxy_are_kept(
    monkeypatch: pytest.MonkeyPatch, before: dict[str, str], after: str
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    ngrok.spare_loopback_the_proxy()
    assert os.environ["no_proxy"] == after
    monkeypatch.setenv("no_proxy", after)  # so that it does not stay after this test


@pytest.mark.parametrize(("module", "library"), [("jmespath", "jmespath"), ("pyngrok.ngrok", "pyngrok")])
def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, module: str, library: str) -> None:
    assert ngrok.missing() is None
    monkeypatch.setitem(sys.modules, module, None)
    missing = ngrok.missing()
    assert missing
    assert missing[0] == library
    assert f"import of {module} halted" in missing[1]


def test_only_asking_loads_the_libraries() -> None:
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]);"
        "print([name for name in ('jmespath', 'pyngrok', 'yaml', 'ssl', 'http.client') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(ROOT / "module_utils/reachable" / "ngrok.py")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


# The log


@pytest.mark.parametrize(
    ("lines", "trouble"),
    [
        ([], None),
        (LOGS["cannot_reach_server"], CONNECTING),
        (LOGS["online_two_tunnels_then_sigterm"], None),
        (LOGS["bind_refused_ERR_NGROK_334_exit_1"], TAKEN),
        (LOGS["authtoken_refused_ERR_NGROK_107_exit_1"], REFUSED),
        (LOGS["port_taken_explicit_web_addr_exit_1"], ENDED),
        (LOGS["port_taken_default_web_addr"], None),
        # A session makes up for all that was before, and so does a start.
        ([*LOGS["authtoken_refused_ERR_NGROK_107_exit_1"], *LOGS["online_two_tunnels_then_sigterm"]], None),
        ([*LOGS["authtoken_refused_ERR_NGROK_107_exit_1"], LOGS["cannot_reach_server"][0]], None),
        ([*LOGS["online_two_tunnels_then_sigterm"], *LOGS["authtoken_refused_ERR_NGROK_107_exit_1"]], REFUSED),
    ],
)
def test_recorded_logs(lines: list[str], trouble: ngrok.Trouble | None) -> None:
    assert ngrok.read_log("\n".join(lines)) == trouble
    # A file that is kept short begins in the middle of a line.
    assert ngrok.read_log("\n".join(['"lvl":"eror","err":"x"}', "5", "", *lines])) == trouble


def test_the_time_of_a_trouble() -> None:
    refused = LOGS["authtoken_refused_ERR_NGROK_107_exit_1"]
    assert ngrok.last_trouble("\n".join(refused)) == (REFUSED, "2026-11-23T15:13:00.87285342Z")
    assert ngrok.last_trouble("\n".join(LOGS["port_taken_explicit_web_addr_exit_1"])) == (ENDED, "")
    assert ngrok.last_trouble("\n".join([*refused, LOGS["cannot_reach_server"][0]])) == (None, "")


def test_a_log_is_followed_line_by_line() -> None:
    states: list[str | None] = []
    for end in range(len(RECONNECTS)):
        trouble = ngrok.read_log("\n".join(RECONNECTS[: end + 1]))
        states.append(trouble and (trouble.code or trouble.state))
    # From the outage to the session that follows it, "tunnel session started" heals nothing. After it, a "heartbeat
    # timeout" is that of a connection which was given up before.
    assert states == [
        *[None] * 8,
        *["connecting"] * 6,
        *["ERR_NGROK_107"] * 3,
        *["ERR_NGROK_334"] * 4,
        *[None] * 5,
    ]


@pytest.mark.parametrize(
    ("text", "problem", "fix"),
    [
        (
            log(error("x509: certificate signed by unknown authority")),
            "ngrok's agent does not reach its cloud: x509: certificate signed by unknown authority.",
            ngrok.INSPECTED,
        ),
        (
            log(error("Never heard of.\n\n\x1b[1mYour authtoken: 1abcDEF_2ghi\n\nERR_NGROK_99999")),
            "ngrok's cloud refuses the agent: Never heard of. [1mYour authtoken: ******** (ERR_NGROK_99999).",
            "Look it up at https://ngrok.com/docs/errors/err_ngrok_99999.",
        ),
        (
            log(error("\r\n\r\nERR_NGROK_99999\r\n")),
            "ngrok's cloud refuses the agent: it gives no reason (ERR_NGROK_99999).",
            "Look it up at https://ngrok.com/docs/errors/err_ngrok_99999.",
        ),
        (
            "\nERROR:  Error reading configuration file 'a.yml': YAML parsing error\n",
            "ngrok's agent ended with: Error reading configuration file 'a.yml': YAML parsing error.",
            ngrok.AGENT,
        ),
        (
            "ERROR:  authentication failed: Your authtoken: 1abcDEF_2ghi\nERROR:  \nERROR:  ERR_NGROK_105\nERROR:  \n",
            "ngrok's cloud refuses the agent: the authtoken does not look like one (ERR_NGROK_105).",
            ngrok.AUTHTOKEN,
        ),
        (log(error("x" * 999)), f"ngrok's agent does not reach its cloud: {'x' * 300}.", ngrok.NETWORK),
    ],
)
def test_words_of_the_agent(text: str, problem: str, fix: str) -> None:
    trouble = ngrok.read_log(text)
    assert trouble
    assert (trouble.problem, trouble.fix) == (problem, fix)


def test_what_is_no_trouble_with_the_cloud() -> None:
    text = log(
        error("no such host", obj="updater"),
        error("broken pipe", obj="web"),
        error("accept failed", lvl="info"),
        {"lvl": "eror", "msg": "heartbeat timeout, terminating session", "obj": "csess"},
    )
    assert ngrok.read_log(text) is None


def test_last_words_count_less_than_the_log() -> None:
    assert ngrok.read_log(log(error("dial tcp 127.0.0.1:9: connect: connection refused")) + "ERROR:  x\n") == CONNECTING
    started = log({"lvl": "info", "msg": "starting web service", "obj": "web"})
    assert ngrok.read_log(f"ERROR:  x\n{started}") is None


# What is known of codes


def test_every_code_has_a_meaning_and_a_fix() -> None:
    assert set(ngrok.ERRORS) == {
        *(102, 103, 105, 106, 107, 108, 120, 121, 123, 128, 300, 307, 313, 314, 319, 320, 324, 334, 337, 350),
        *(727, 802, 3004, 3200, 3208, 4018, 6022, 6024, 6030, 8012, 8013, 9009, 9040),
    }
    assert {code for code, advice in ngrok.ERRORS.items() if advice.heals} == {108, 128, 334, 802, 3004, 3200, 8012}
    for advice in ngrok.ERRORS.values():
        assert re.fullmatch(r"[a-zJ].*[^.]", advice.meaning)
        assert re.fullmatch(r"[A-Z].*\.", advice.fix)
        assert not re.search(r"\d", re.sub(r"https?://\S+|ngrok 1,", "", advice.meaning + advice.fix))


def test_a_fix_names_only_variables_that_exist() -> None:
    known = yaml.safe_load((ROOT / "roles/ngrok/defaults/main.yml").read_text())
    sources = ("module_utils/reachable/ngrok.py", "library/ngrok_endpoint_info.py")
    told = "".join((ROOT / source).read_text() for source in sources)
    named = set(re.findall(r"\bngrok_(?!endpoint_info)[a-z_]+", told))
    assert named - set(known) == set()
    assert "ngrok_authtoken" in named


# Secrets


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Your authtoken: 1abcDEF_2ghi", "Your authtoken: ********"),
        ("Your authtoken:1abcDEF_2ghi\nERR_NGROK_106", "Your authtoken:********\nERR_NGROK_106"),
        ("Your authtoken: not a token at all\nEnd", "Your authtoken: ********\nEnd"),
        ("Your authtoken: 1abcDEF_2ghi ERR_NGROK_107", "Your authtoken: ******** ERR_NGROK_107"),
        (
            r'{"err":"invalid.\nYour authtoken: 1abc DEF\\\"_2ghi\n\nERR_NGROK_107","lvl":"eror"}',
            r'{"err":"invalid.\nYour authtoken: ********\n\nERR_NGROK_107","lvl":"eror"}',
        ),
        ('{"authtoken": "1abc", "region": "eu"}', '{"authtoken": "********", "region": "eu"}'),
        ("NGROK_AUTHTOKEN=1abc\nHOME=/", "NGROK_AUTHTOKEN=********\nHOME=/"),
        (f"token {'2' + 'a' * 26}_{'B' * 21} refused", "token ******** refused"),
        ("The authtoken you specified is properly formed.", "The authtoken you specified is properly formed."),
        (
            "Install your authtoken: https://dashboard.ngrok.com/get-started/your-authtoken",
            "Install your authtoken: https://dashboard.ngrok.com/get-started/your-authtoken",
        ),
        ("url=https://abc123.ngrok-free.app id=airt_3MVrs3NyqCZoDSzjhziDs5ZRhkn", None),
    ],
)
def test_what_looks_like_an_authtoken_is_taken_out(text: str, redacted: str | None) -> None:
    assert ngrok.redact(text) == (text if redacted is None else redacted)


def test_given_secrets_are_taken_out_in_all_their_forms() -> None:
    secret = 'p<"ä\\&'
    forms = [secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), r'"p\u003c\"ä\\\u0026"']
    assert ngrok.redact(" ".join(forms), ["", secret]) == '******** "********" "********" "********"'
    assert ngrok.redact("nothing", ["", "secret"]) == "nothing"


def test_no_recorded_log_keeps_its_authtoken() -> None:
    for lines in LOGS.values():
        text = "\n".join(lines)
        assert AUTHTOKEN not in ngrok.redact(text)
        assert AUTHTOKEN not in str(ngrok.read_log(text))
        assert ngrok.read_log(ngrok.redact(text)) == ngrok.read_log(text)


# Judging


def finding(url: str | None, trouble: ngrok.Trouble, upstream: str = "http://127.0.0.1:8888") -> list[ngrok.Finding]:
    return [ngrok.Finding("jupyter", "http", url, upstream, *trouble)]


ONLINE = ngrok.Trouble("online", None, "", "", heals=True)
NO_AGENT = ngrok.AgentError("no_agent", "http://127.0.0.1:4040: Connection refused")
FOREIGN = ngrok.AgentError("foreign_api", "http://127.0.0.1:4040 answers with HTTP 500")
SILENT = "ngrok's agent cannot be found: http://127.0.0.1:4040: Connection refused."
START_IT = "Start the agent again with './reachable up'; the log of the service reachable-ngrok tells what it says."


@pytest.mark.parametrize(
    ("answer", "trouble", "url", "verdict"),
    [
        (agent(JUPYTER), None, JUPYTER.url, ONLINE),
        (agent(JUPYTER, session="online"), None, JUPYTER.url, ONLINE),
        # What is listed is stale when the log has something newer.
        (agent(JUPYTER), CONNECTING, JUPYTER.url, CONNECTING._replace(code="stale")),
        (agent(JUPYTER), REFUSED, JUPYTER.url, REFUSED),
        (
            agent(JUPYTER, session="reconnecting"),
            None,
            JUPYTER.url,
            ngrok.Trouble(
                "connecting",
                "stale",
                "ngrok's agent has no session with its cloud: it is reconnecting.",
                "Check the host's internet connection, and let its firewall pass connections to ngrok's cloud on"
                " port 443.",
                heals=True,
            ),
        ),
        (agent(), CONNECTING, None, CONNECTING._replace(code="not_listed")),
        (agent(), REFUSED, None, REFUSED),
        (
            agent(),
            None,
            None,
            ngrok.Trouble(
                "connecting", "not_listed", "ngrok's agent does not list the endpoint jupyter.", START_IT, heals=True
            ),
        ),
        (NO_AGENT, None, None, ngrok.Trouble("offline", "no_agent", SILENT, START_IT, heals=True)),
        (NO_AGENT, REFUSED, None, REFUSED),
        (
            NO_AGENT,
            ENDED,
            None,
            ngrok.Trouble(
                "offline", "no_agent", f"{SILENT} The last in its log: {ENDED.problem}", ENDED.fix, heals=True
            ),
        ),
        (
            FOREIGN,
            REFUSED,
            None,
            ngrok.Trouble(
                "offline",
                "foreign_api",
                "What answers in place of ngrok's agent is another program: http://127.0.0.1:4040 answers with"
                " HTTP 500.",
                "Stop that program, and run './reachable up'.",
                heals=False,
            ),
        ),
    ],
)
def test_how_an_endpoint_is(
    answer: ngrok.Agent | ngrok.AgentError, trouble: ngrok.Trouble | None, url: str | None, verdict: ngrok.Trouble
) -> None:
    assert ngrok.assess([WANTED], answer, trouble) == finding(url, verdict)


@pytest.mark.parametrize("trouble", [None, REFUSED])
@pytest.mark.parametrize(
    ("tunnel", "leads"),
    [
        (JUPYTER._replace(upstream="http://127.0.0.1:8889"), "http://127.0.0.1:8889"),
        (JUPYTER._replace(upstream="https://127.0.0.1:8888"), "https://127.0.0.1:8888"),
        (JUPYTER._replace(upstream="http://192.0.2.7:8888"), "http://192.0.2.7:8888"),
        (JUPYTER._replace(upstream=""), "nowhere"),
        (JUPYTER._replace(url="tcp://0.tcp.ngrok.io:1", proto="tcp"), "http://127.0.0.1:8888"),
    ],
)
def test_an_endpoint_that_leads_elsewhere(tunnel: ngrok.Tunnel, leads: str, trouble: ngrok.Trouble | None) -> None:
    problem = f"The endpoint jupyter leads from {tunnel.url} to {leads} instead of http://127.0.0.1:8888."
    fix = "Run './reachable up', which gives the agent its configuration; if it stays, stop the other agent."
    wrong = ngrok.Trouble("offline", "wrong_upstream", problem, fix, heals=False)
    assert ngrok.assess([WANTED], agent(tunnel), trouble) == finding(tunnel.url, wrong, tunnel.upstream)


@pytest.mark.parametrize(
    ("upstream", "where"),
    [
        ("http://127.0.0.1:8888", (False, "127.0.0.1", 8888)),
        ("https://127.0.0.1:8888", (True, "127.0.0.1", 8888)),
        ("tcp://127.0.0.1:22", (False, "127.0.0.1", 22)),
        ("127.0.0.1:22", (False, "127.0.0.1", 22)),
        ("localhost:22", (False, "127.0.0.1", 22)),
        ("//localhost:22", (False, "127.0.0.1", 22)),
        ("http://localhost:22/", (False, "127.0.0.1", 22)),
        ("22", (False, "127.0.0.1", 22)),
        ("[::1]:22", (False, "::1", 22)),
        ("Studio.example:22", (False, "studio.example", 22)),
        ("localhost:ssh", (False, "127.0.0.1", None)),
        ("file:///var/www", (False, None, None)),
    ],
)
def test_ways_to_write_an_upstream(upstream: str, where: tuple[bool, str | None, int | None]) -> None:
    assert ngrok.place(upstream) == where


@pytest.mark.parametrize("transport", ["tcp", "ssh"])
def test_an_endpoint_over_tcp(transport: str) -> None:
    tunnel = ngrok.Tunnel("ssh", "tcp://0.tcp.ngrok.io:12345", "localhost:22", "tcp")
    wanted: dict[str, Any] = {"name": "ssh", "transport": transport, "upstream": "tcp://127.0.0.1:22"}
    assert ngrok.assess([wanted], agent(JUPYTER, tunnel), None) == [
        ngrok.Finding("ssh", transport, tunnel.url, "localhost:22", *ONLINE)
    ]


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_with_one_name_the_encrypted_one_counts(turn: int) -> None:
    plain = ngrok.Tunnel("jupyter (http)", "http://abc123.ngrok-free.app", "http://127.0.0.1:8888", "http")
    assert ngrok.assess([WANTED], agent(*[plain, JUPYTER][::turn]), None) == finding(JUPYTER.url, ONLINE)
    assert ngrok.assess([WANTED], agent(plain), None) == finding(plain.url, ONLINE)
