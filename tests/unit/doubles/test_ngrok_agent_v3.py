"""The stand-in for agent 3.39, as a program."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ngrok_stub import SAMPLES, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).resolve().parents[2] / "doubles" / "ngrok_agent_v3.py"
AUTHTOKEN = "2aUTHtokenOfNobody_4xyz"
SECONDS = 5
COUNTS = {"count": 0, "rate1": 0, "rate5": 0, "rate15": 0, "p50": 0, "p90": 0, "p95": 0, "p99": 0}
METRICS = {"conns": COUNTS | {"gauge": 0}, "http": COUNTS}
JUPYTER = {
    "name": "jupyter",
    "traffic_policy": {"on_http_request": [{"actions": [{"type": "rate-limit"}]}]},
    "upstream": {"url": "http://127.0.0.1:8888"},
}
SSH = {"name": "ssh", "url": "tcp://", "upstream": {"url": 22}}
POLICY = "on_http_request:\n- actions:\n  - type: rate-limit\n"

pytestmark = pytest.mark.programs

LOGS: dict[str, list[str]] = json.loads((SAMPLES / "ngrok_logs.json").read_text())["cases"]

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a configuration file and returns its path."""

    def write(name: str, **content: Any) -> str:
        path = tmp_path / name
        path.write_text(yaml.safe_dump({"version": 3, **content}, sort_keys=False))
        return str(path)

    return write


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Return exit code, output and errors."""
    command = [sys.executable, str(PROGRAM), *arguments]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NGROK_")}
    done = subprocess.run(command, capture_output=True, text=True, env=kept | environment, timeout=SECONDS, check=False)
    return done.returncode, done.stdout, done.stderr


class Agent:
    """The program, running."""

    def __init__(self, write: Write, folder: Path, situation: object, **environment: str) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.situation = folder / "situation.json"
        self.become(situation)
        settings = {"web_addr": f"127.0.0.1:{self.port}", "inspect_db_size": -1}
        configs = [
            write("a.yml", agent=settings, endpoints=[JUPYTER, SSH]),
            write("b.yml", agent={"authtoken": AUTHTOKEN}),
        ]
        command = [sys.executable, str(PROGRAM), "start", "--all", *(f"--config={path}" for path in configs)]
        environment = os.environ | {"NGROK_SITUATION": str(self.situation)} | environment
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def become(self, situation: object) -> None:
        new = self.situation.with_suffix(".new")
        new.write_text(json.dumps(situation))
        new.replace(self.situation)

    def get(self, path: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def log(self, message: str) -> dict[str, Any]:
        """Read the log up to this message."""
        assert self.process.stdout
        for line in self.process.stdout:
            entry: dict[str, Any] = json.loads(line)
            if entry["msg"] == message:
                return entry
        raise AssertionError(f"the log ended before {message!r}")


Start = Callable[..., Agent]


@pytest.fixture
def start(write: Write, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts the agent in a situation."""
    agents: list[Agent] = []

    def run(situation: object, **environment: str) -> Agent:
        agents.append(Agent(write, tmp_path, situation, **environment))
        return agents[-1]

    yield run
    for agent in agents:
        agent.process.kill()
        agent.process.communicate()


def test_version() -> None:
    assert run("version") == (0, "ngrok version 3.39.10\n", "")


# Configuration


def test_a_valid_configuration(write: Write) -> None:
    first = write("a.yml", agent={"authtoken": AUTHTOKEN, "remote_management": False}, endpoints=[JUPYTER, SSH])
    second = write("b.yml", tunnels={"old": {"proto": "http", "addr": 80}})
    assert run("config", "check", "--config", first) == (0, f"Valid configuration file at {first}\n", "")
    both = f"Valid configuration file at {first}, {second}\n"
    assert run("config", "check", f"--config={first}", f"--config={second}") == (0, both, "")
    assert run("config", "check", f"--config={first},{second}") == (0, both, "")


def test_the_default_place(tmp_path: Path) -> None:
    path = tmp_path / "ngrok" / "ngrok.yml"
    path.parent.mkdir()
    path.write_text("version: '3'\n")
    found = run("config", "check", XDG_CONFIG_HOME=str(tmp_path))
    assert found == (0, f"Valid configuration file at {path}\n", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 3\nauthtoken: x\n", ["line 2: field authtoken not found in type config.v3yamlConfig"]),
        (
            "version: 3\nagent: {root_cas: x}\nregion: eu\n",
            [
                "line 2: field root_cas not found in type config.Agent",
                "line 3: field region not found in type config.v3yamlConfig",
            ],
        ),
        (
            "version: 3\nendpoints:\n- name: a\n  addr: 80\n  upstream:\n    uri: x\n",
            [
                "line 4: field addr not found in type config.Endpoint",
                "line 6: field uri not found in type config.Upstream",
            ],
        ),
        ("version: 3\nagent: x\n", ["line 2: cannot unmarshal str into config.Agent"]),
    ],
)
def test_unknown_keys_are_errors(tmp_path: Path, text: str, said: list[str]) -> None:
    path = tmp_path / "ngrok.yml"
    path.write_text(text)
    code, output, errors = run("config", "check", f"--config={path}")
    assert (code, output) == (1, "")
    assert errors.splitlines() == [
        f"ERROR:  Error reading configuration file '{path}': YAML parsing error: yaml: unmarshal errors:",
        *(f"ERROR:    {line}" for line in said),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agent: {}\n", "`version` property is required."),
        ("", "`version` property is required."),
        ("version: 2\n", "this stand-in reads version 3 only."),
        ("version: 3\nendpoints: [{name: a}]\n", "an endpoint needs a name and an upstream url."),
        ("version: 3\nendpoints: [{upstream: {url: 80}}]\n", "an endpoint needs a name and an upstream url."),
        ("version: [3\n", "while parsing a flow sequence"),
        (None, "[Errno 2] No such file or directory: "),
    ],
)
def test_other_errors(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "ngrok.yml"
    if text is not None:
        path.write_text(text)
    code, _, errors = run("config", "check", f"--config={path}")
    assert code == 1
    assert errors.startswith(f"ERROR:  Error reading configuration file '{path}': {said}")


def test_what_cannot_be_started(write: Write) -> None:
    nothing = write("a.yml", agent={"authtoken": AUTHTOKEN, "web_addr": False})
    error = "ERROR:  Your configuration file must define at least one endpoint when using --all.\n"
    assert run("start", "--all", f"--config={nothing}") == (1, "", error)
    error = "ERROR:  Endpoint 'x' is not defined in the config files.\n"
    assert run("start", "x", f"--config={nothing}") == (1, "", error)
    twice = write("b.yml", endpoints=[JUPYTER, JUPYTER])
    assert run("config", "check", f"--config={twice}")[2] == "ERROR:  The names of endpoints must be unique.\n"


def test_later_files_win_and_lists_are_replaced(write: Write, tmp_path: Path) -> None:
    situation = tmp_path / "none.json"
    first = write("a.yml", agent={"web_addr": False, "authtoken": "x"}, endpoints=[JUPYTER])
    second = write("b.yml", agent={"authtoken": ""}, endpoints=[SSH])
    code, output, _ = run("start", "ssh", f"--config={first}", f"--config={second}", NGROK_SITUATION=str(situation))
    assert code == 1
    assert json.loads(output.splitlines()[-1])["err"].endswith("ERR_NGROK_4018\r\n")
    error = "ERROR:  Endpoint 'jupyter' is not defined in the config files.\n"
    assert run("start", "jupyter", f"--config={first}", f"--config={second}") == (1, "", error)


# The local API


def test_online(start: Start) -> None:
    agent = start({"state": "online", "urls": {"jupyter": "https://name.ngrok-free.test"}, "region": "eu"})
    entry = agent.log("starting web service")
    assert {**entry, "t": ""} == {
        "addr": f"127.0.0.1:{agent.port}",
        "lvl": "info",
        "msg": "starting web service",
        "obj": "web",
        "t": "",
    }
    assert agent.log("client session established")["obj"] == "csess"
    started = [agent.log("started tunnel") for _ in range(2)]
    assert [(entry["name"], entry["url"], entry["addr"]) for entry in started] == [
        ("jupyter", "https://name.ngrok-free.test", "http://127.0.0.1:8888"),
        ("ssh", "tcp://1.tcp.ngrok.test:12345", "tcp://localhost:22"),
    ]
    jupyter = {
        "name": "jupyter",
        "uri": "/api/endpoints/jupyter",
        "url": "https://name.ngrok-free.test",
        "upstream": {"url": "http://127.0.0.1:8888", "protocol": "http1"},
        "inspect": False,
        "traffic_policy": POLICY,
        "pooling_enabled": False,
    }
    ssh = {
        "name": "ssh",
        "uri": "/api/endpoints/ssh",
        "url": "tcp://1.tcp.ngrok.test:12345",
        "upstream": {"url": "tcp://localhost:22", "protocol": "tcp"},
        "inspect": False,
        "traffic_policy": "",
        "pooling_enabled": False,
    }
    assert agent.get("/api/endpoints") == (200, {"endpoints": [jupyter, ssh]})
    assert agent.get("/api/endpoints/ssh") == (200, ssh | {"metrics": METRICS})
    assert agent.get("/api/status") == (
        200,
        {
            "status": "online",
            "agent_version": "3.39.10",
            "session": {"legs": [{"region": "eu", "latency": "20ms"}]},
            "uri": "/api/status",
        },
    )
    tunnel = {
        "name": "jupyter",
        "uri": "/api/tunnels/jupyter",
        "public_url": "https://name.ngrok-free.test",
        "proto": "https",
        "config": {"addr": "http://127.0.0.1:8888", "inspect": False},
        "metrics": METRICS,
    }
    status, tunnels = agent.get("/api/tunnels")
    assert (status, tunnels["tunnels"][0], tunnels["uri"]) == (200, tunnel, "/api/tunnels")
    assert agent.get("/api/tunnels/jupyter") == (200, tunnel)
    for path in ("/api/endpoints/x", "/api/nothing", "/"):
        assert agent.get(path) == (404, {"status_code": 404, "msg": "Not Found", "details": {"path": path}})
    agent.process.send_signal(signal.SIGTERM)
    assert agent.process.wait(SECONDS) == 0


def fits(documented: Any, answer: Any) -> bool:
    """Tell whether an answer has all that is documented, of the same kinds."""
    if isinstance(documented, dict):
        return all(name in answer and fits(value, answer[name]) for name, value in documented.items())
    if isinstance(documented, list):
        return bool(answer) and all(fits(documented[0], each) for each in answer)
    return type(documented) is type(answer)


@pytest.mark.parametrize("name", ["endpoints", "status", "tunnels"])
def test_it_answers_as_is_documented(name: str, start: Start) -> None:
    agent = start({"state": "online"})
    agent.log("started tunnel")
    agent.log("started tunnel")
    documented = sample(f"v3_{name}")
    status, body = agent.get(f"/api/{name}")
    assert status == documented.status
    assert fits(documented.body, body), body


def test_it_logs_as_agent_2_was_seen_to(start: Start) -> None:
    seen = [json.loads(line) for lines in LOGS.values() for line in lines if line.startswith("{")]
    agent = start({"state": "online"})
    for message in ("starting web service", "client session established", "started tunnel"):
        written = {*agent.log(message)}
        assert written in [{*entry} for entry in seen if entry["msg"] == message], message


def test_connecting_and_then_online(start: Start) -> None:
    agent = start({"state": "connecting", "error": "no such host"})
    assert agent.log("failed to reconnect session")["err"] == "no such host"
    assert agent.get("/api/endpoints") == (200, {"endpoints": []})
    status = agent.get("/api/status")[1]
    assert (status["status"], status["session"]) == ("reconnecting", {"legs": []})
    agent.become({"state": "online"})
    assert agent.log("started tunnel")["url"] == "https://example-dev-domain.ngrok-free.test"
    assert agent.get("/api/status")[1]["status"] == "online"


def test_refused_at_once(start: Start) -> None:
    agent = start({"state": "refused", "code": 107})
    entry = agent.log("command failed")
    assert entry["lvl"] == "crit"
    assert entry["err"].split("\n")[1:] == [f"Your authtoken: {AUTHTOKEN}\r", "\r", "ERR_NGROK_107\r", ""]
    assert agent.process.wait(SECONDS) == 1
    assert agent.process.stderr
    assert agent.process.stderr.read().splitlines()[-1] == "ERROR:  ERR_NGROK_107"


def test_refused_later(start: Start) -> None:
    agent = start({"state": "online"})
    agent.log("started tunnel")
    agent.become({"state": "refused", "code": 121})
    assert agent.log("failed to reconnect session")["err"].endswith("\r\n\r\nERR_NGROK_121\r\n")
    assert len(agent.get("/api/endpoints")[1]["endpoints"]) == 2
    assert agent.process.poll() is None


def test_the_environment_overrides_the_authtoken(start: Start) -> None:
    agent = start({"state": "refused", "code": 105}, NGROK_AUTHTOKEN="2another")
    assert "Your authtoken: 2another" in agent.log("command failed")["err"]


def test_without_a_variable_the_situation_stands_beside_the_program(write: Write, tmp_path: Path) -> None:
    copy = tmp_path / "ngrok"
    copy.write_text(PROGRAM.read_text())
    (tmp_path / "ngrok.situation.json").write_text('{"state": "refused", "code": 108}')
    config = write("a.yml", agent={"authtoken": AUTHTOKEN, "web_addr": False}, endpoints=[JUPYTER])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NGROK_")}
    command = [sys.executable, str(copy), "start", "--all", f"--config={config}"]
    done = subprocess.run(command, capture_output=True, text=True, env=kept, timeout=SECONDS, check=False)
    assert (done.returncode, "ERR_NGROK_108" in done.stderr) == (1, True)


def test_a_port_that_is_taken(write: Write) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = {"authtoken": AUTHTOKEN, "web_addr": f"127.0.0.1:{taken.getsockname()[1]}"}
        config = write("a.yml", agent=settings, endpoints=[JUPYTER])
        code, output, _ = run("start", "--all", f"--config={config}")
    assert (code, json.loads(output)["msg"]) == (1, "command failed")
