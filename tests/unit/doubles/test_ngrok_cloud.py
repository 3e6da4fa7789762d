"""The stand-in for ngrok's cloud, as a program, with an agent of a few lines, and with a real one if there is one."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import http.client
import http.server
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from ngrok_stub import SAMPLES, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).resolve().parents[2] / "doubles" / "ngrok_cloud.py"
AUTHTOKEN = "2aUTHtokenOfNobody_4xyz"
ACCOUNT = hashlib.sha256(AUTHTOKEN.encode()).hexdigest()[:12]
RST, DATA, WNDINC, GOAWAY = range(4)
FIN, SYN = 1, 2
AUTH, BIND, UNBIND, PROXY, RESTART, SRV_INFO, HEARTBEAT = 0, 1, 2, 3, 4, 8, 0xFFFFFFFF
WINDOW = 256 * 1024
SECONDS = 5
ROUNDS = 20
IPAD = "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/604.1"

LOGS: dict[str, list[str]] = json.loads((SAMPLES / "ngrok_logs.json").read_text())["cases"]

pytestmark = pytest.mark.programs


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for every name in these tests."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Made for a test")])
    now = dt.datetime.now(dt.timezone.utc)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName("*.ngrok-free.test")])
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    return path


class Cloud:
    """The program, running."""

    def __init__(self, certificate: Path, log: Path, *options: str) -> None:
        self.certificate = certificate
        self.log = log
        ports = ["--agent-port=0", "--https-port=0", "--http-port=0", "--control=127.0.0.1:0", "--tcp-host=localhost"]
        command = [sys.executable, str(PROGRAM), f"--certificate={certificate}", f"--key={certificate}", *ports]
        with log.open("w") as stderr:
            self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=stderr, text=True)
        assert self.process.stdout
        self.ports = json.loads(self.process.stdout.readline())

    def control(self, method: str, path: str, asked: object = None, status: int = 200) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["control"], timeout=SECONDS)
        connection.request(method, path, None if asked is None else json.dumps(asked))
        response = connection.getresponse()
        answer = json.loads(response.read())
        assert response.status == status, answer
        return answer

    def state(self) -> Any:
        return self.control("GET", "/state")

    def until(self, holds: Callable[[Any], bool]) -> Any:
        """Wait until the state is as it should be, and return it."""
        end = time.monotonic() + SECONDS
        while not holds(state := self.state()):
            assert time.monotonic() < end, state
        return state

    def connect(self, port: str) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.ports[port]), timeout=SECONDS)
        if port == "http":
            return plain
        return ssl.create_default_context(cafile=str(self.certificate)).wrap_socket(plain, server_hostname="localhost")

    def visitor(self, port: str = "https") -> Visitor:
        return Visitor(self.connect(port))

    def stop(self) -> float:
        """End it, and return how many seconds that took."""
        start = time.monotonic()
        self.process.terminate()
        try:
            self.process.communicate(timeout=SECONDS)
        finally:
            self.process.kill()
        assert self.process.returncode == 0
        return time.monotonic() - start


Start = Callable[..., Cloud]


@pytest.fixture(scope="session")
def start(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return a function that starts the program with options; each must end well and silently."""
    clouds: list[Cloud] = []

    def run(*options: str) -> Cloud:
        clouds.append(Cloud(certificate, tmp_path_factory.mktemp("cloud") / "log", *options))
        return clouds[-1]

    yield run
    with contextlib.ExitStack() as stack:
        for cloud in clouds:
            stack.callback(cloud.stop)
    for cloud in clouds:
        log = cloud.log.read_text()
        assert "Traceback" not in log, log
        assert "Task was destroyed" not in log, log
        assert AUTHTOKEN not in log


@pytest.fixture(scope="session")
def shared(start: Start) -> Cloud:
    """Return a cloud for tests that leave nothing behind."""
    return start(f"--tcp-ports={free_ports(3)}")


@pytest.fixture
def cloud(shared: Cloud) -> Iterator[Cloud]:
    """Return the shared cloud with nobody there, and all switches off."""
    yield shared
    shared.control("POST", "/refuse", {})
    for switch in ("outage", "forget", "interstitial"):
        shared.control("POST", f"/{switch}", {"on": False})
    shared.control("POST", "/drop", {})
    shared.until(lambda state: state["counts"]["connections"] == 0)


def free_ports(count: int) -> str:
    """Return a range of free ports."""
    for first in range(21000, 32000, count):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return f"{first}-{first + count - 1}"
    raise AssertionError("there are no free ports")


class Visitor:
    """A raw connection to a public port."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.file = connection.makefile("rb")

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def get(self, host: str, *headers: str, path: str = "/", method: str = "GET") -> None:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
        self.send("\r\n".join(lines).encode())

    def head(self) -> tuple[str, dict[str, str]]:
        """Return the first line and the headers of an answer."""
        line = self.file.readline().decode().rstrip("\r\n")
        return line, {key.lower(): value for key, value in http.client.parse_headers(self.file).items()}

    def answer(self) -> tuple[str, dict[str, str], bytes]:
        """Return an answer whose length is given."""
        line, headers = self.head()
        return line, headers, self.file.read(int(headers["content-length"]))

    def ended(self) -> bool:
        return self.file.read(1) == b""


class Agent:
    """The other side of the protocol, written again, with nothing in it but what a test asks for."""

    def __init__(self, cloud: Cloud, **extra: Any) -> None:
        self.connection = cloud.connect("agent")
        self.file = self.connection.makefile("rb")
        self.next_stream = 1
        nanoseconds = {"HeartbeatInterval": 10_000_000_000, "HeartbeatTolerance": 15_000_000_000}
        client = extra.pop("ClientId", "")
        extra = {"Authtoken": AUTHTOKEN, "Version": "2.3.41", **nanoseconds, **extra}
        self.login = self.ask(AUTH, {"Version": ["2"], "ClientId": client, "Extra": extra})

    def send(self, kind: int, stream: int, payload: bytes = b"", flags: int = 0) -> None:
        self.connection.sendall(struct.pack(">II", len(payload) << 8 | kind << 4 | flags, stream) + payload)

    def receive(self) -> tuple[int, int, int, bytes]:
        """Return the next frame: type, flags, stream and payload."""
        header = self.file.read(8)
        if len(header) < 8:
            raise EOFError
        first, stream = struct.unpack(">II", header)
        return first >> 4 & 15, first & 15, stream, self.file.read(first >> 8)

    def open(self, kind: int, payload: bytes = b"") -> int:
        self.next_stream += 2
        self.send(DATA, self.next_stream, struct.pack(">I", kind) + payload, SYN)
        return self.next_stream

    def data(self, stream: int, enough: Callable[[bytes], bool] = lambda _: False) -> bytes:
        """Return what comes on a stream, until it is enough or the stream ends; grant as much again."""
        got = b""
        while not enough(got):
            kind, flags, number, payload = self.receive()
            if number == stream and kind == RST:
                raise ConnectionResetError(struct.unpack(">I", payload)[0])
            if number == stream and kind == DATA:
                got += payload
                if payload:
                    self.send(WNDINC, stream, struct.pack(">I", len(payload)))
                if flags & FIN:
                    break
        return got

    def ask(self, kind: int, request: dict[str, Any]) -> Any:
        """Return the answer to a request; each ends its stream."""
        return json.loads(self.data(self.open(kind, json.dumps(request).encode() + b"\n")))

    def bind(self, proto: str = "https", again: dict[str, Any] | None = None, **options: str) -> Any:
        """Ask for an endpoint; ``again`` is the answer to an earlier request, as an agent asks when it reconnects."""
        named = {"Addr": ""} if proto == "tcp" else {"Hostname": "", "Subdomain": ""}
        first = {"Id": "", "Proto": proto, "Opts": named | options, "Extra": {"Token": ""}}
        return self.ask(BIND, {key: again[key] for key in first} if again else first)

    def online(self, proto: str = "https", **options: str) -> str:
        """Ask for an endpoint that must be given, and return its host and port."""
        answer = self.bind(proto, None, **options)
        assert answer["Error"] == "", answer
        return str(answer["URL"].partition("://")[2])

    def accept(self) -> tuple[int, int, dict[str, Any], bytes]:
        """Return the next stream that the cloud opens: number, type, header and what came after the header."""
        kind, flags, stream, payload = self.receive()
        while not (kind == DATA and flags & SYN):
            kind, flags, stream, payload = self.receive()
        request = struct.unpack(">I", payload[:4])[0]
        if request != PROXY:
            return stream, request, {}, payload[4:]
        end = 12 + struct.unpack("<q", payload[4:12])[0]
        return stream, request, json.loads(payload[12:end]), payload[end:]

    def request(self) -> tuple[int, str]:
        """Return the next visitor's stream and the head of the request."""
        stream, _, _, got = self.accept()
        return stream, (got + self.data(stream, lambda more: b"\r\n\r\n" in got + more)).decode()

    def leave(self) -> None:
        """Hang up."""
        self.file.close()
        self.connection.close()

    def settle(self, stream: int) -> tuple[bytes, int]:
        """Return what comes on a stream and what is granted on it, until the cloud has had time for all it would do."""
        got, granted = b"", 0
        for _ in range(ROUNDS):
            beat = self.open(HEARTBEAT, b"beat")
            echo = b""
            while len(echo) < 4:
                kind, _, number, payload = self.receive()
                if kind == DATA and number == stream:
                    got += payload
                elif kind == DATA and number == beat:
                    echo += payload
                elif kind == WNDINC and number == stream:
                    granted += struct.unpack(">I", payload)[0]
            self.send(DATA, beat, flags=FIN)
        return got, granted

    def ended(self) -> bool:
        with contextlib.suppress(EOFError, ConnectionError):
            while self.receive():
                pass
        return True


def name_of(netloc: str) -> str:
    return netloc.partition(":")[0]


def dial(netloc: str) -> Visitor:
    """Visit a tcp endpoint, whose name nobody here knows."""
    return Visitor(socket.create_connection(("127.0.0.1", int(netloc.rpartition(":")[2])), timeout=SECONDS))


def urls(state: Any) -> set[str]:
    return {endpoint["url"] for endpoint in state["endpoints"]}


# Logging in and asking for endpoints


def test_login_and_endpoint(cloud: Cloud) -> None:
    agent = Agent(cloud)
    told = {"Version": "prod", "Region": "us", "Cookie": "cookie", "AccountName": "Test", "PlanName": "Free"}
    session = agent.login["ClientId"]
    assert agent.login == {
        "Version": "2",
        "ClientId": session,
        "Error": "",
        "Extra": told | {"SessionDuration": 0, "Banner": ""},
    }
    assert agent.ask(SRV_INFO, {}) == {"Region": "us"}
    answer = agent.bind(Hostname="my.ngrok-free.test")
    url = f"https://my.ngrok-free.test:{cloud.ports['https']}"
    assert answer == {
        "Id": answer["Id"],
        "Proto": "https",
        "Opts": {"Hostname": "my.ngrok-free.test", "Subdomain": ""},
        "URL": url,
        "Error": "",
        "Extra": {"Token": "agent"},
    }
    state = cloud.state()
    assert state["sessions"] == [{"id": session, "account": ACCOUNT, "client_version": "2.3.41", "streams": 0}]
    since = state["endpoints"][0].pop("since")
    assert abs(since - time.time()) < SECONDS
    assert state["endpoints"] == [{"url": url, "session": session, "id": answer["Id"], "visits": 0}]
    assert AUTHTOKEN not in json.dumps(state)
    assert agent.ask(UNBIND, {"Id": answer["Id"], "Extra": None}) == {"Error": "", "Extra": None}
    assert cloud.state()["endpoints"] == []


def test_names_differ_in_every_session(cloud: Cloud) -> None:
    first, second = Agent(cloud), Agent(cloud)
    names = {name_of(agent.online()) for agent in (first, first, second)}
    assert len(names) == 3
    assert {name.partition(".")[2] for name in names} == {"ngrok-free.test"}
    assert name_of(first.online(Subdomain="label")) == "label.ngrok-free.test"
    assert len(cloud.state()["sessions"]) == 2


def test_a_fixed_domain_is_there_once(start: Start) -> None:
    cloud = start("--fixed-domain=dev.ngrok-free.test")
    agent = Agent(cloud)
    assert name_of(agent.online()) == "dev.ngrok-free.test"
    assert agent.bind()["Error"].endswith("\r\n\r\nERR_NGROK_334\r\n")
    assert name_of(agent.online("http")) == "dev.ngrok-free.test"


def test_a_name_is_online_in_one_session_only(cloud: Cloud) -> None:
    first, second = Agent(cloud), Agent(cloud)
    netloc = first.online(Hostname="my.ngrok-free.test")
    error = second.bind(Hostname="my.ngrok-free.test")["Error"].splitlines()
    assert (error[0], error[-1]) == (f"The endpoint 'https://{netloc}' is already online. Either", "ERR_NGROK_334")
    first.leave()
    cloud.until(lambda state: len(state["sessions"]) == 1)
    assert second.online(Hostname="my.ngrok-free.test") == netloc


def test_tcp_ports_take_turns(start: Start) -> None:
    ports = free_ports(3)
    first = int(ports.partition("-")[0])
    cloud = start(f"--tcp-ports={ports}")
    agents = [Agent(cloud) for _ in range(3)]
    assert [agent.online("tcp") for agent in agents] == [f"localhost:{first + n}" for n in range(3)]
    assert "ERR_NGROK_334" in agents[0].bind("tcp")["Error"]
    agents[1].leave()
    cloud.until(lambda state: len(state["sessions"]) == 2)
    assert agents[0].online("tcp") == f"localhost:{first + 1}"


def test_tcp_addresses_that_are_asked_for(start: Start) -> None:
    ports = free_ports(2)
    reserved = f"1.tcp.ngrok.test:{ports.partition('-')[2]}"
    cloud = start(f"--tcp-ports={ports}", f"--reserved={reserved}")
    agent = Agent(cloud)
    assert agent.online("tcp", Addr=reserved) == reserved
    answer = agent.bind("tcp", Addr="2.tcp.ngrok.test:20000")
    assert answer["URL"] == ""
    assert answer["Error"].splitlines() == [
        "You must reserve an address for your account before it can be bound.",
        "Failed to bind the address '2.tcp.ngrok.test:20000'.",
        "",
        "ERR_NGROK_307",
    ]
    assert agent.online("tcp").startswith("localhost:")


@pytest.mark.parametrize("forget", [False, True])
def test_an_agent_that_reconnects_gets_its_addresses_unless_the_cloud_forgets(start: Start, forget: bool) -> None:
    # What the cloud chose itself need not be reserved.
    cloud = start(f"--tcp-ports={free_ports(2)}", "--reserved=1.tcp.ngrok.test:1")
    cloud.control("POST", "/forget", {"on": forget})
    agent = Agent(cloud)
    given = [agent.bind(), agent.bind("tcp"), agent.bind(Hostname="my.ngrok-free.test")]
    cloud.control("POST", "/drop", {})
    assert agent.ended()
    assert cloud.state()["endpoints"] == []
    back = Agent(cloud, ClientId=agent.login["ClientId"])
    assert back.login["ClientId"] == agent.login["ClientId"]
    again = [back.bind(again=answer) for answer in given]
    assert [answer["Error"] for answer in again] == ["", "", ""]
    assert [answer["Id"] for answer in again] == [answer["Id"] for answer in given]
    kept = [answer["URL"] == earlier["URL"] for answer, earlier in zip(again, given, strict=True)]
    assert kept == ([False, False, True] if forget else [True, True, True])


def test_an_agent_that_is_back_replaces_itself(cloud: Cloud) -> None:
    gone = Agent(cloud)
    given = gone.bind()
    back = Agent(cloud, ClientId=gone.login["ClientId"])
    assert gone.ended()
    assert back.bind(again=given)["URL"] == given["URL"]
    assert len(cloud.state()["sessions"]) == 1


def test_without_login_there_is_nothing(cloud: Cloud) -> None:
    cloud.control("POST", "/refuse", {"auth": 108})
    agent = Agent(cloud)
    with pytest.raises(ConnectionResetError):
        agent.bind()
    assert cloud.state()["sessions"] == []


# Refusals, as the control interface asks for them


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (105, f"look like a proper ngrok tunnel authtoken.\nYour authtoken: {AUTHTOKEN}\n"),
        (107, f"properly formed, but it is invalid.\nYour authtoken: {AUTHTOKEN}\n"),
        (108, "Your account is limited to 1 simultaneous ngrok agent sessions.\n"),
        (121, 'Your ngrok-agent version "2.3.41" is too old.'),
    ],
)
def test_refused_logins(cloud: Cloud, code: int, shown: str) -> None:
    before = cloud.state()["counts"]
    assert cloud.control("POST", "/refuse", {"auth": code})["refuse"] == {"auth": code}
    error = Agent(cloud).login["Error"]
    assert shown in error
    assert error.endswith(f"\r\n\r\nERR_NGROK_{code}\r\n")
    assert cloud.state()["counts"]["refused_logins"] == before.get("refused_logins", 0) + 1
    assert cloud.control("POST", "/refuse", {})["refuse"] == {}
    assert Agent(cloud).login["Error"] == ""


@pytest.mark.parametrize(("code", "http_too"), [(334, True), (307, False), (8013, False)])
def test_refused_endpoints(cloud: Cloud, code: int, http_too: bool) -> None:
    agent = Agent(cloud)
    cloud.control("POST", "/refuse", {"bind": code})
    assert agent.bind("tcp")["Error"].endswith(f"\r\n\r\nERR_NGROK_{code}\r\n")
    assert ("ERR_NGROK_334" in agent.bind()["Error"]) is http_too
    cloud.control("POST", "/refuse", {})
    agent.online()
    agent.online("tcp")


@pytest.mark.parametrize(
    ("method", "path", "asked", "error"),
    [
        ("POST", "/refuse", {"auth": 334}, "ValueError: these can be refused with: "),
        ("POST", "/refuse", {"visits": 334}, "KeyError: 'visits'"),
        ("POST", "/refuse", [107], "TypeError: this takes an object"),
        ("POST", "/outage", {}, "KeyError: 'on'"),
        ("POST", "/drop", {"session": "x"}, "KeyError: 'x'"),
        ("POST", "/nothing", {}, "LookupError: POST /nothing"),
        ("GET", "/refuse", None, "LookupError: GET /refuse"),
    ],
)
def test_control_that_makes_no_sense(cloud: Cloud, method: str, path: str, asked: object, error: str) -> None:
    assert cloud.control(method, path, asked, status=400)["error"].startswith(error)
    assert cloud.state()["refuse"] == {}


# Outages


def test_one_session_is_dropped(cloud: Cloud) -> None:
    agent, other = Agent(cloud), Agent(cloud)
    agent.online()
    netloc = other.online()
    state = cloud.control("POST", "/drop", {"session": agent.login["ClientId"]})
    assert [endpoint["url"] for endpoint in state["endpoints"]] == [f"https://{netloc}"]
    assert agent.ended()


def test_outage(cloud: Cloud) -> None:
    agent = Agent(cloud)
    netloc, tcp = agent.online(), agent.online("tcp")
    idle = cloud.visitor()
    assert cloud.control("POST", "/outage", {"on": True})["outage"]
    assert agent.ended()
    with contextlib.suppress(OSError):
        assert idle.ended()
    for port in (*cloud.ports.values(), int(tcp.rpartition(":")[2])):
        if port != cloud.ports["control"]:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
    ports = cloud.control("POST", "/outage", {"on": False})["ports"]
    assert ports == {name: cloud.ports[name] for name in ports}
    assert not cloud.control("POST", "/outage", {"on": False})["outage"]
    assert Agent(cloud).online(Hostname=name_of(netloc)) == netloc


def test_restart(cloud: Cloud) -> None:
    agent = Agent(cloud)
    asking = socket.create_connection(("127.0.0.1", cloud.ports["control"]))
    asking.sendall(b"POST /restart HTTP/1.1\r\n\r\n")
    stream, kind, _, document = agent.accept()
    assert (kind, document) == (RESTART, b"{}\n")
    agent.send(DATA, stream, b'{"Error":""}\n', FIN)
    assert asking.recv(15) == b"HTTP/1.1 200 OK"
    agent.send(GOAWAY, 0, bytes(8))
    assert agent.ended()
    assert cloud.state()["sessions"] == []


def test_heartbeats_are_sent_back(cloud: Cloud) -> None:
    agent = Agent(cloud)
    stream = agent.open(HEARTBEAT)
    for beat in (b"abcd", b"efgh"):
        agent.send(DATA, stream, beat)
        assert agent.data(stream, lambda got: len(got) == 4) == beat


def test_a_silent_agent_is_given_up(cloud: Cloud) -> None:
    agent = Agent(cloud, HeartbeatInterval=100_000_000, HeartbeatTolerance=100_000_000)
    agent.online()
    assert agent.ended()
    assert cloud.state()["sessions"] == []


# Visitors of http endpoints


def test_a_request_arrives_with_the_headers_of_the_edge(cloud: Cloud) -> None:
    agent = Agent(cloud)
    answer = agent.bind()
    netloc = answer["URL"].partition("://")[2]
    visitor = cloud.visitor()
    visitor.get(netloc, "X-Forwarded-For: 1.2.3.4", "Cookie: a=b", "Connection: keep-alive", path="/x?y=z")
    stream, kind, header, got = agent.accept()
    port = visitor.connection.getsockname()[1]
    client = {"ClientAddr": f"127.0.0.1:{port}", "Proto": "https", "EdgeType": "0", "PassthroughTLS": False}
    assert (kind, header) == (PROXY, {"Id": answer["Id"]} | client)
    got += agent.data(stream, lambda more: b"\r\n\r\n" in got + more)
    assert got.decode().split("\r\n") == [
        "GET /x?y=z HTTP/1.1",
        f"Host: {netloc}",
        "Cookie: a=b",
        "Connection: close",
        "X-Forwarded-For: 127.0.0.1",
        f"X-Forwarded-Host: {netloc}",
        "X-Forwarded-Proto: https",
        "",
        "",
    ]
    agent.send(DATA, stream, b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", FIN)
    assert visitor.answer() == (
        "HTTP/1.1 201 Created",
        {"content-length": "2", "connection": "keep-alive"},
        b"ok",
    )
    assert cloud.state()["endpoints"][0]["visits"] == 1


def test_requests_on_one_connection_go_where_their_hosts_are(cloud: Cloud) -> None:
    agent = Agent(cloud)
    visitor = cloud.visitor()
    for netloc in (agent.online(), agent.online(), "none.ngrok-free.test"):
        visitor.get(netloc)
        if netloc.startswith("none"):
            assert visitor.answer()[0] == "HTTP/1.1 404 Not Found"
            continue
        stream, head = agent.request()
        assert f"\r\nHost: {netloc}\r\n" in head
        chunks = b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer: x\r\n\r\n"
        agent.send(DATA, stream, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        assert visitor.head() == ("HTTP/1.1 200 OK", {"transfer-encoding": "chunked", "connection": "keep-alive"})
        assert visitor.file.read(len(chunks)) == chunks


def test_bodies_of_requests(cloud: Cloud) -> None:
    agent = Agent(cloud)
    netloc = agent.online()
    visitor = cloud.visitor()
    for header, body in (
        ("Content-Length: 4", b"abcd"),
        ("Transfer-Encoding: chunked", b"4\r\nabcd\r\n0\r\n\r\n"),
    ):
        visitor.get(netloc, header, method="POST")
        visitor.send(body)
        stream, head = agent.request()
        got = head.encode().partition(b"\r\n\r\n")[2]
        got += agent.data(stream, lambda more, got=got, body=body: len(got + more) >= len(body))  # type: ignore[misc]
        assert got == body
        agent.send(DATA, stream, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
        assert visitor.head() == ("HTTP/1.1 100 Continue", {})
        assert visitor.head() == ("HTTP/1.1 204 No Content", {"connection": "keep-alive"})


def test_an_answer_that_does_not_wait_for_the_request(cloud: Cloud) -> None:
    agent = Agent(cloud)
    netloc = agent.online()
    before = cloud.state()["counts"]["tasks"]
    visitor = cloud.visitor()
    visitor.get(netloc, f"Content-Length: {2 * WINDOW}", method="POST")
    visitor.send(bytes(2 * WINDOW))
    stream, *_ = agent.accept()
    agent.settle(stream)
    agent.send(DATA, stream, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    assert visitor.answer() == ("HTTP/1.1 413 Too Large", {"content-length": "0", "connection": "close"}, b"")
    cloud.until(lambda state: state["counts"]["tasks"] == before)


def test_an_answer_without_a_length_ends_with_the_connection(cloud: Cloud) -> None:
    agent = Agent(cloud)
    visitor = cloud.visitor()
    visitor.get(agent.online())
    stream, _ = agent.request()
    agent.send(DATA, stream, b"HTTP/1.0 200 OK\r\n\r\nall of it", FIN)
    assert visitor.head() == ("HTTP/1.1 200 OK", {"connection": "close"})
    assert visitor.file.read() == b"all of it"


def test_upgrade_passes_bytes_both_ways(cloud: Cloud) -> None:
    agent = Agent(cloud)
    visitor = cloud.visitor()
    visitor.get(agent.online(), "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x")
    stream, head = agent.request()
    assert "\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nConnection: Upgrade\r\n" in head
    agent.send(
        DATA, stream, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x00"
    )
    assert visitor.head() == ("HTTP/1.1 101 Switching Protocols", {"upgrade": "websocket", "connection": "Upgrade"})
    assert visitor.file.read(2) == b"\x81\x00"
    visitor.send(b"\x89\x80abcd")
    assert agent.data(stream, lambda got: len(got) == 6) == b"\x89\x80abcd"
    visitor.connection.shutdown(socket.SHUT_RDWR)
    assert agent.data(stream) == b""


@pytest.mark.parametrize(
    ("kind", "payload", "status", "code"),
    [
        (RST, struct.pack(">I", 6), "502 Bad Gateway", "ERR_NGROK_3004"),
        (DATA, b"SSH-2.0-x\r\n\r\n", "502 Bad Gateway", "ERR_NGROK_3004"),
        (
            DATA,
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1\r\nConnection: close\r\nContent-Type: text/html\r\n\r\nx",
            "502 Bad Gateway",
            "ERR_NGROK_8012",
        ),
    ],
)
def test_what_the_cloud_says_for_an_upstream(cloud: Cloud, kind: int, payload: bytes, status: str, code: str) -> None:
    agent = Agent(cloud)
    visitor = cloud.visitor()
    visitor.get(agent.online())
    agent.send(kind, agent.request()[0], payload)
    line, headers, body = visitor.answer()
    assert (line, headers["ngrok-error-code"], headers["content-type"]) == (f"HTTP/1.1 {status}", code, "text/plain")
    assert body.endswith(f"\r\n\r\n{code}\r\n".encode())


def test_other_502_are_the_upstreams_own(cloud: Cloud) -> None:
    agent = Agent(cloud)
    visitor = cloud.visitor()
    visitor.get(agent.online())
    agent.send(DATA, agent.request()[0], b"HTTP/1.1 502 Bad Gateway\r\nServer: x\r\nContent-Length: 3\r\n\r\nown")
    assert visitor.answer()[1:] == ({"server": "x", "content-length": "3", "connection": "keep-alive"}, b"own")


def test_an_endpoint_that_is_offline(cloud: Cloud) -> None:
    visitor = cloud.visitor()
    visitor.get("none.ngrok-free.test")
    line, headers, body = visitor.answer()
    assert (line, headers["ngrok-error-code"]) == ("HTTP/1.1 404 Not Found", "ERR_NGROK_3200")
    assert body == b"The endpoint none.ngrok-free.test is offline.\r\n\r\nERR_NGROK_3200\r\n"
    visitor.get("none.ngrok-free.test", "Accept: text/html,*/*")
    assert visitor.answer()[1]["content-type"] == "text/html"
    visitor.get("none.ngrok-free.test", "Content-Length: 1", method="POST")
    assert visitor.answer()[1]["connection"] == "close"
    assert visitor.ended()


def test_plain_http_leads_to_https(cloud: Cloud) -> None:
    agent = Agent(cloud)
    netloc = agent.online()
    visitor = cloud.visitor("http")
    visitor.get(name_of(netloc), path="/lab?x=y")
    line, headers, _ = visitor.answer()
    assert (line, headers["location"]) == ("HTTP/1.1 307 Temporary Redirect", f"https://{netloc}/lab?x=y")
    plain = agent.online("http", Hostname=name_of(netloc))
    assert plain == f"{name_of(netloc)}:{cloud.ports['http']}"
    visitor.get(plain)
    assert "\r\nX-Forwarded-Proto: http\r\n" in agent.request()[1]


@pytest.mark.parametrize(
    ("headers", "method", "stopped"),
    [
        ([f"User-Agent: {IPAD}", "Accept: text/html,*/*;q=0.8"], "GET", True),
        ([f"User-Agent: {IPAD}", "Accept: */*"], "GET", True),
        ([f"User-Agent: {IPAD}", "Accept: text/html", "ngrok-skip-browser-warning: 1"], "GET", False),
        ([f"User-Agent: {IPAD}", "Accept: text/html", "Cookie: x=y; abuse_interstitial=1"], "GET", False),
        ([f"User-Agent: {IPAD}", "Accept: text/html"], "HEAD", False),
        ([f"User-Agent: {IPAD}", "Accept: application/json"], "GET", False),
        ([f"User-Agent: {IPAD}", "Connection: Upgrade", "Upgrade: websocket"], "GET", False),
        (["User-Agent: curl/8.0", "Accept: text/html"], "GET", False),
        (["Accept: text/html"], "GET", False),
    ],
)
def test_the_page_of_the_free_plan(cloud: Cloud, headers: list[str], method: str, stopped: bool) -> None:
    cloud.control("POST", "/interstitial", {"on": True})
    agent = Agent(cloud)
    netloc = agent.online()
    visitor = cloud.visitor()
    visitor.get(netloc, *headers, method=method)
    if not stopped:
        assert agent.request()[1].startswith(f"{method} / HTTP/1.1")
        return
    line, answered, body = visitor.answer()
    assert (line, answered["ngrok-error-code"]) == ("HTTP/1.1 200 OK", "ERR_NGROK_6024")
    assert (netloc.encode() in body, b"abuse_interstitial=1" in body) == (
        True,
        "text/html" in headers[1],
    )
    assert not cloud.control("POST", "/interstitial", {"on": False})["interstitial"]
    visitor.get(netloc, *headers)
    assert agent.request()[1].startswith("GET / HTTP/1.1")


# Flow control


def test_uploads_wait_for_the_agent(cloud: Cloud) -> None:
    agent = Agent(cloud)
    body = os.urandom(2 * WINDOW)
    visitor = cloud.visitor()
    visitor.get(agent.online(), f"Content-Length: {len(body)}", method="POST")
    visitor.send(body)
    stream, _, header, got = agent.accept()
    before = 12 + len(json.dumps(header))
    got += agent.settle(stream)[0]
    assert before + len(got) == WINDOW
    agent.send(WNDINC, stream, struct.pack(">I", 100))
    more, _ = agent.settle(stream)
    assert len(more) == 100
    agent.send(WNDINC, stream, struct.pack(">I", 2 * WINDOW))
    got += more
    end = time.monotonic() + SECONDS
    while len(got.partition(b"\r\n\r\n")[2]) < len(body) and time.monotonic() < end:
        got += agent.settle(stream)[0]
    assert got.partition(b"\r\n\r\n")[2] == body


@pytest.mark.parametrize("proto", ["https", "tcp"])
def test_downloads_wait_for_the_visitor(cloud: Cloud, proto: str) -> None:
    agent = Agent(cloud)
    body = f"HTTP/1.1 200 OK\r\nContent-Length: {2**24}\r\nConnection: close\r\n\r\n".encode() + os.urandom(2**24)
    netloc = agent.online(proto)
    visitor = dial(netloc) if proto == "tcp" else cloud.visitor()
    visitor.get(netloc, "Connection: close")
    stream, _ = agent.request()
    rest, room = memoryview(body), WINDOW
    while rest and room:
        agent.send(DATA, stream, bytes(rest[:room]))
        rest, room = rest[room:], agent.settle(stream)[1]
    assert 0 < len(rest) < len(body) - WINDOW
    with futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(visitor.file.read, len(body))
        end = time.monotonic() + 4 * SECONDS
        while rest:
            assert time.monotonic() < end
            room = agent.settle(stream)[1]
            if room:
                agent.send(DATA, stream, bytes(rest[:room]))
            rest = rest[room:]
        assert answer.result(SECONDS) == body


def test_more_than_was_granted_is_refused(cloud: Cloud) -> None:
    agent = Agent(cloud)
    stream = agent.open(HEARTBEAT)
    agent.send(DATA, stream, bytes(WINDOW + 1))
    with pytest.raises(ConnectionResetError, match="3"):
        agent.data(stream)
    agent.send(DATA, stream, b"x")
    with pytest.raises(ConnectionResetError, match="4"):
        agent.data(stream)


# Visitors of tcp endpoints


def test_tcp_ends_one_way_after_the_other(cloud: Cloud) -> None:
    agent = Agent(cloud)
    netloc = agent.online("tcp")
    visitor = dial(netloc)
    visitor.send(b"question")
    visitor.connection.shutdown(socket.SHUT_WR)
    stream, kind, header, got = agent.accept()
    assert (kind, header["Proto"]) == (PROXY, "tcp")
    assert got + agent.data(stream) == b"question"
    agent.send(DATA, stream, b"answer")
    assert visitor.file.read(6) == b"answer"
    agent.send(DATA, stream, flags=FIN)
    assert visitor.ended()
    assert cloud.until(lambda state: state["sessions"][0]["streams"] == 0)["endpoints"][0]["visits"] == 1


def test_what_came_before_the_end_of_a_stream_arrives(cloud: Cloud) -> None:
    agent = Agent(cloud)
    netloc = agent.online("tcp")
    visitor = dial(netloc)
    stream, *_ = agent.accept()
    # As agent 2.3.41 does when its upstream hangs up.
    frames = [(DATA, bytes(WINDOW), FIN), (RST, struct.pack(">I", 4), 0)]
    packed = [struct.pack(">II", len(data) << 8 | kind << 4 | flags, stream) + data for kind, data, flags in frames]
    agent.connection.sendall(b"".join(packed))
    assert visitor.file.read() == bytes(WINDOW)


def test_an_agent_that_resets_hangs_up_on_the_visitor(cloud: Cloud) -> None:
    agent = Agent(cloud)
    netloc = agent.online("tcp")
    visitor = dial(netloc)
    stream, *_ = agent.accept()
    agent.send(RST, stream, struct.pack(">I", 6))
    assert visitor.ended()


# The program


def test_nothing_is_left_of_visits(cloud: Cloud) -> None:
    agent = Agent(cloud)
    netloc, tcp = agent.online(), agent.online("tcp")
    before = cloud.state()["counts"]
    for _ in range(3):
        gone = cloud.visitor()
        gone.get(netloc, "Connection: Upgrade", "Upgrade: websocket")
        stream, _ = agent.request()
        agent.send(DATA, stream, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        gone.head()
        waiting = cloud.visitor()
        waiting.get(netloc, "Content-Length: 9", method="POST")
        agent.request()
        raw = dial(tcp)
        agent.accept()
        raw.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for visitor in (gone, waiting, raw):
            visitor.file.close()
            visitor.connection.close()
    state = cloud.until(lambda state: state["sessions"][0]["streams"] == 0)
    counts = cloud.until(lambda state: state["counts"]["tasks"] == before["tasks"])["counts"]
    assert counts["connections"] == before["connections"] == 1
    assert [endpoint["visits"] for endpoint in state["endpoints"]] == [6, 3]


def test_it_ends_within_a_second(start: Start) -> None:
    cloud = start()
    agent = Agent(cloud)
    visitor = cloud.visitor()
    visitor.get(agent.online())
    agent.request()
    idle = cloud.visitor()
    assert cloud.stop() < 1
    assert agent.ended()
    with contextlib.suppress(OSError):
        assert visitor.ended()
    with contextlib.suppress(OSError):
        assert idle.ended()


def test_it_explains_itself() -> None:
    shown = subprocess.run([sys.executable, str(PROGRAM), "--help"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("usage: ngrok_cloud.py ")


needs_an_agent = pytest.mark.skipif("NGROK_2X" not in os.environ, reason="NGROK_2X does not name an agent 2.x")


@contextlib.contextmanager
def real_agent(cloud: Cloud, folder: Path, upstream: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a real agent with an address of each kind and its log in a file; return it, and the address of its API."""
    api = f"127.0.0.1:{free_ports(1).partition('-')[0]}"
    config = {
        "authtoken": AUTHTOKEN,
        "server_addr": f"localhost:{cloud.ports['agent']}",
        "root_cas": str(cloud.certificate),
        "web_addr": api,
        "log": "stdout",
        "log_format": "json",
        "tunnels": {
            "web": {"proto": "http", "addr": upstream, "bind_tls": True, "inspect": False},
            "raw": {"proto": "tcp", "addr": upstream},
        },
    }
    path = folder / "ngrok.yml"
    path.write_text(json.dumps(config))
    command = [os.environ["NGROK_2X"], "start", "--all", "--config", str(path)]
    with (folder / "log").open("w") as log:
        agent = subprocess.Popen(command, stdout=log)
    try:
        yield agent, api
    finally:
        agent.terminate()
        agent.wait(SECONDS)


def shape(value: Any) -> Any:
    """Return what an answer is made of, whatever it says."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items() if name != "metrics"}
    return [shape(each) for each in value] if isinstance(value, list) else type(value)


@needs_an_agent
def test_a_real_agent(cloud: Cloud, tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as upstream:
        threading.Thread(target=upstream.serve_forever, args=(0.02,), daemon=True).start()
        with real_agent(cloud, tmp_path, upstream.server_port) as (agent, _):
            first = urls(cloud.until(lambda state: len(state["endpoints"]) == 2))
            cloud.control("POST", "/restart", {})
            second = urls(cloud.until(lambda state: len(urls(state) - first) == 2))
            for url in second - first:
                scheme, _, netloc = url.partition("://")
                answer = ""
                for _ in range(20):  # on a busy machine the agent may be a moment behind the address
                    visitor = dial(netloc) if scheme == "tcp" else cloud.visitor()
                    visitor.get(netloc, method="POST")
                    answer = visitor.head()[0]
                    if answer and " 502 " not in answer:
                        break
                    time.sleep(0.1)
                assert answer.endswith(" 501 Unsupported method ('POST')")
        assert agent.returncode == 0
        upstream.shutdown()


@needs_an_agent
def test_a_real_agent_that_is_online_answers_as_it_was_seen_to(cloud: Cloud, tmp_path: Path) -> None:
    with real_agent(cloud, tmp_path, upstream=9) as (_, api):
        cloud.until(lambda state: len(state["endpoints"]) == 2)
        end = time.monotonic() + SECONDS
        answer: Any = {}
        while len(answer.get("tunnels", [])) < 2:
            assert time.monotonic() < end
            connection = http.client.HTTPConnection(api, timeout=SECONDS)
            connection.request("GET", "/api/tunnels")
            answer = json.loads(connection.getresponse().read())
    assert shape(answer) == shape(sample("v2_tunnels").body)


@needs_an_agent
@pytest.mark.parametrize(
    ("refuse", "case"),
    [
        ({"auth": 107}, "authtoken_refused_ERR_NGROK_107_exit_1"),
        ({"bind": 334}, "bind_refused_ERR_NGROK_334_exit_1"),
    ],
)
def test_a_real_agent_that_is_refused_ends_as_it_was_seen_to(
    refuse: dict[str, int], case: str, cloud: Cloud, tmp_path: Path
) -> None:
    """How it takes the refusal tells whether the cloud says it in a way that an agent understands."""
    recorded = [json.loads(line) for line in LOGS[case] if line.startswith("{")]
    cloud.control("POST", "/refuse", refuse)
    with real_agent(cloud, tmp_path, upstream=9) as (agent, _):
        assert agent.wait(SECONDS) == 1
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{")]
    told = {(line["lvl"], line["msg"]) for line in lines}
    # The last one comes where the agent is not gone before.
    assert {(line["lvl"], line["msg"]) for line in recorded} - told <= {("info", "accept failed")}
    errors = {line["msg"] for line in lines if f"ERR_NGROK_{next(iter(refuse.values()))}" in line.get("err", "")}
    assert errors == {line["msg"] for line in recorded if "ERR_NGROK_" in line.get("err", "")}
