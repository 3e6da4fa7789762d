"""The doctor against real Jupyter servers, and against small servers for what a real one does not do wrong."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import http.server
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from authorities import Authority, authority, server_side
from cryptography.x509.oid import ExtendedKeyUsageOID
from reachable import examination, ngrok, proofs, ssh_tunnel
from reachable.advice import ADVICE
from reachable.kernel_messages import execute_request
from reachable.visitor import Route, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct horse+battery"
KEY = "0123456789abcdef" * 4
UNSUITABLE = "unsuitable certificate purpose"
EXTENSIONS = Path(__file__).parents[3] / "roles/jupyter/files"
ALL_LEGS = [*examination.ARRIVAL, *examination.ENTRANCE, *examination.PROOF, *examination.STAY, *examination.DEPARTURE]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def look(url: str, **settings: Any) -> dict[str, Any]:
    """Examine with the password and the key, and check what holds for every result."""
    route = Route(**{key: settings.pop(key) for key in Route._fields if key in settings})
    settings = {"password": PASSWORD, "timeout": 20.0, "proof_key": KEY, **settings}
    found = examination.examine("here", url, examination.Options(**settings), route=route)
    assert [leg["leg"] for leg in found["legs"]] == ALL_LEGS
    assert (found["failed_leg"] is None) == found["reachable"] == (found["problem"] is None) == (found["fix"] is None)
    assert PASSWORD not in json.dumps(found)
    assert KEY not in json.dumps(found)
    assert hashlib.sha256(PASSWORD.encode()).hexdigest() not in json.dumps(found)
    return found


def leg(found: dict[str, Any], name: str) -> tuple[str, str]:
    row = next(row for row in found["legs"] if row["leg"] == name)
    return row["state"], row["detail"]


def states(found: dict[str, Any]) -> dict[str, str]:
    return {row["leg"]: row["state"] for row in found["legs"]}


def advice(code: str, url: str, **facts: object) -> tuple[str, ...]:
    visitor = Visitor(url, None, 0, time)
    known = {"url": url, "host": visitor.host, "port": visitor.port, **facts}
    return tuple(sentence.format(**known) for sentence in ADVICE[code])


# Real Jupyter


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make an authority that nobody's store has."""
    return authority(tmp_path_factory.mktemp("authority"), "Our own")


@pytest.fixture(scope="session")
def certificate(root: Authority) -> Path:
    """Have a certificate for the server that speaks https."""
    return root.issue()


@pytest.fixture(scope="session")
def jupyters(tmp_path_factory: pytest.TempPathFactory, root: Authority, certificate: Path) -> Iterator[dict[str, str]]:
    """Real servers, which can prove whose they are: two with a password, one with a token, and an open one."""
    hashed = "sha256:salt:" + hashlib.sha256(f"{PASSWORD}salt".encode()).hexdigest()
    password = [f"--PasswordIdentityProvider.hashed_password={hashed}", "--IdentityProvider.token="]
    kinds = {
        "password": [*password, "--ServerApp.base_url=/base/"],
        "https": [*password, f"--ServerApp.certfile={certificate}"],
        "open": ["--IdentityProvider.token="],
        "token": ["--IdentityProvider.token=a-token-of-its-own"],
    }
    with contextlib.ExitStack() as stack:
        addresses = {}
        for kind, own in kinds.items():
            home = str(tmp_path_factory.mktemp(kind))
            port = free_port()
            environment = {"HOME": home, "JUPYTER_RUNTIME_DIR": home, "JUPYTER_NO_CONFIG": "1"}
            environment["PYTHONPATH"] = str(EXTENSIONS)
            command = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", f"--port={port}"]
            common = ["--ServerApp.port_retries=0", "--ServerApp.terminals_enabled=False", f"--notebook-dir={home}"]
            common += ["--ServerApp.jpserver_extensions={'reachable_proof': True}", f"--Reachable.proof_key={KEY}"]
            process = subprocess.Popen(
                [*command, *common, *own], env=os.environ | environment, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            scheme, base = "https" if kind == "https" else "http", "base/" if kind == "password" else ""
            addresses[kind] = f"{scheme}://127.0.0.1:{port}/{base}"
        ours = Route(authority=root.pem)
        for url in addresses.values():
            options = examination.Options(anonymous=True, timeout=30, wait=25)
            waited = examination.examine("here", url, options, route=ours)
            assert leg(waited, "http")[0] == "ok", waited
        yield addresses


def kernels(url: str) -> Any:
    visitor = Visitor(url, PASSWORD, time.monotonic() + 20, time, proof_key=KEY)
    for step in (visitor.find_name, visitor.open_login_page, visitor.log_in):
        step()
    answer = visitor.request("GET", "api/kernels")
    visitor.close()
    return answer.json


def test_a_visit_to_a_real_server_succeeds_and_leaves_nothing_behind(jupyters: dict[str, str]) -> None:
    found = look(jupyters["password"])
    assert found["reachable"], found
    assert states(found) == dict.fromkeys(ALL_LEGS, "ok") | dict.fromkeys(["ssh", "tls", "interstitial"], "skipped")
    assert leg(found, "name") == ("ok", "literal address")
    assert leg(found, "ssh") == ("skipped", "the address is no SSH tunnel")
    assert leg(found, "tls") == ("skipped", "the address is http")
    assert leg(found, "interstitial") == ("skipped", "the address is no tunnel")
    assert found["interstitial"] is False
    assert leg(found, "http") == ("ok", f"Jupyter Server {found['jupyter_version']}")
    assert leg(found, "run") == ("ok", "1+1 is 2")
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", found["jupyter_version"])
    assert kernels(jupyters["password"]) == []


def test_a_visit_by_https_to_a_real_server(jupyters: dict[str, str], root: Authority) -> None:
    found = look(jupyters["https"], authority=root.pem, own=("127.0.0.1",))
    assert found["reachable"], found
    assert states(found) == dict.fromkeys(ALL_LEGS, "ok") | dict.fromkeys(["ssh", "interstitial"], "skipped")
    assert leg(found, "proof") == ("ok", "is this host's, and was reached directly")
    assert leg(found, "run") == ("ok", "1+1 is 2")


def test_a_renewed_certificate_is_served_at_once_and_ends_nothing(
    jupyters: dict[str, str], root: Authority, certificate: Path
) -> None:
    def served() -> str:
        place = urllib.parse.urlsplit(jupyters["https"])
        plain = socket.create_connection((str(place.hostname), place.port or 0), timeout=20)
        with ssl.create_default_context(cadata=root.pem).wrap_socket(plain, server_hostname=place.hostname) as secure:
            return str((secure.getpeercert() or {})["serialNumber"])

    visitor = Visitor(
        jupyters["https"], PASSWORD, time.monotonic() + 60, time, proof_key=KEY, route=Route(authority=root.pem)
    )
    for step in (visitor.find_name, visitor.open_login_page, visitor.log_in, visitor.start_kernel):
        step()
    visitor.open_channels()
    visitor.calculate()
    before = served()
    os.replace(root.issue(), certificate)
    assert served() != before
    # in the WebSocket and the kernel of before
    visitor.calculate()
    visitor.stop_kernel()
    visitor.close()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"password": None}, "the password is not known here, or only its hash"),
        ({"password": ""}, "the password is not known here, or only its hash"),
        ({"anonymous": True}, "only what needs no login was asked for"),
    ],
)
def test_without_login_the_visit_ends_at_the_login_page(
    jupyters: dict[str, str], options: dict[str, Any], reason: str
) -> None:
    found = look(jupyters["password"], **options)
    assert found["reachable"]
    assert leg(found, "login_page") == ("ok", "asks for the password")
    assert {leg(found, name) for name in examination.STAY} == {("skipped", reason)}
    assert leg(found, "cleanup") == ("skipped", "no kernel was started")


@pytest.mark.parametrize(
    ("kind", "failed", "code"),
    [("open", "login_page", "open"), ("token", "login", "token_only")],
)
def test_a_server_without_a_password_fails(jupyters: dict[str, str], kind: str, failed: str, code: str) -> None:
    found = look(jupyters[kind])
    assert found["failed_leg"] == failed
    assert (found["problem"], found["fix"]) == advice(code, jupyters[kind])


def test_a_wrong_password_is_named(jupyters: dict[str, str]) -> None:
    found = look(jupyters["password"], password="incorrect horse")
    assert found["problem"] == (
        f"The server at {jupyters['password']} refuses the password: jupyter_password differs from the one that it has."
    )
    assert found["fix"] == "Run './reachable up' to give it this password, or correct jupyter_password."
    assert leg(found, "login")[0] == "failed"
    assert {leg(found, name) for name in list(examination.STAY)[1:]} == {("skipped", "login failed")}


def test_a_name_that_jupyter_does_not_know_is_refused(
    jupyters: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, port, **rest: resolve("127.0.0.1", port, **rest))
    found = look(jupyters["password"].replace("127.0.0.1", "laptop.example"))
    assert leg(found, "name") == ("ok", "127.0.0.1")
    assert found["failed_leg"] == "http"
    assert found["problem"] == "Jupyter refuses every request that names it laptop.example."


def test_another_path_is_not_jupyter(jupyters: dict[str, str]) -> None:
    found = look(jupyters["password"].replace("base", "elsewhere"))
    assert (found["problem"], found["fix"]) == advice("not_jupyter", found["url"])


def test_a_changed_host_header_is_found_at_the_login(jupyters: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Visitor, "origin", "https://name.example")
    found = look(jupyters["password"])
    assert found["failed_leg"] == "login"
    assert found["fix"] == "Let the proxy or tunnel pass the Host header unchanged."


def test_a_changed_host_header_is_found_at_the_websocket(
    jupyters: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_channels(visitor: Visitor) -> str:
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(Visitor, "origin", "https://name.example")
            return str(Visitor.open_channels(visitor))

    monkeypatch.setitem(examination.STAY, "websocket", open_channels)
    found = look(jupyters["password"])
    assert leg(found, "websocket") == ("failed", "HTTP 403")
    assert (found["problem"], found["fix"]) == advice("websocket_refused", found["url"])
    assert kernels(jupyters["password"]) == []


@pytest.mark.parametrize(
    ("code", "expected", "detail"),
    [
        ("import os; os._exit(1)", "kernel_mute", "the kernel died"),
        ("1/0", "wrong_answer", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_kernel_that_does_not_calculate(
    jupyters: dict[str, str], monkeypatch: pytest.MonkeyPatch, code: str, expected: str, detail: str
) -> None:
    request = execute_request(code)
    monkeypatch.setattr("reachable.visitor.execute_request", lambda _code: request)
    found = look(jupyters["password"])
    assert leg(found, "run") == ("failed", detail)
    assert (found["problem"], found["fix"]) == advice(expected, found["url"])
    assert leg(found, "cleanup") == ("ok", "the kernel is stopped")
    assert kernels(jupyters["password"]) == []


# Small servers

FORM = '<form><input type="password" name="password"></form>'
# What a good server answers, by method and path: status, headers, body.
GOOD: dict[str, tuple[int, dict[str, str], str]] = {
    "GET /api": (200, {}, '{"version": "2.0.0"}'),
    "GET /api/contents": (200, {}, '{"content": []}'),
    "GET /": (302, {"Location": "/lab?"}, ""),
    "GET /lab": (200, {"Content-Type": "text/html"}, "<html></html>"),
    "GET /login": (200, {"Set-Cookie": "_xsrf=token; Path=/"}, FORM),
    "POST /login": (302, {"Set-Cookie": 'user="2|1:0|a=b"; HttpOnly; Path=/', "Location": "/"}, ""),
    "GET /api/kernels": (200, {}, '[{"execution_state": "busy"}, {"execution_state": "idle"}]'),
    "POST /api/kernels": (201, {}, '{"id": "42", "name": "python3"}'),
    "DELETE /api/kernels/42": (204, {}, ""),
}

Seen = list[tuple[str, dict[str, str]]]
Start = Callable[..., tuple[str, Seen]]
Talk = Callable[[Callable[[socket.socket], None]], str]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answer from a table; strangers are refused the contents."""

    protocol_version = "HTTP/1.1"
    answers: dict[str, tuple[int, dict[str, str], str]]
    seen: Seen

    def answer(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.seen.append((f"{self.command} {path}", {"User-Agent": "", **dict(self.headers), "body": body}))
        first_of_browser = "Mozilla" in self.headers.get("User-Agent", "") and not self.headers["Cookie"]
        key = f"{self.command} {path}" + (" by a browser" if first_of_browser else "")
        status, headers, text = self.answers.get(key, self.answers.get(f"{self.command} {path}", (404, {}, "")))
        if path == "/reachable/proof" and status == 404:
            status, text = 200, json.dumps(self.prove(query.partition("=")[2], self.connection.getsockname()))
        if path == "/api/contents" and "user" not in self.headers.get("Cookie", "") and status == 200:
            status = 403
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def prove(self, challenge: str, place: tuple[str, int]) -> dict[str, str]:
        return {
            "host": proofs.code(KEY, challenge),
            "address": proofs.code(KEY, challenge, f"{place[0]} {place[1]}"),
        }

    do_GET = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815 - the names that http.server calls

    def version_string(self) -> str:
        return "Stub"

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a small server: the good answers, changed where asked. Returns its address and what it was asked."""
    with contextlib.ExitStack() as stack:

        def serve(
            changes: dict[str, tuple[int, dict[str, str], str]] | None = None,
            tls: ssl.SSLContext | None = None,
            port: int = 0,
            prove: Callable[..., dict[str, str]] = Handler.prove,
        ) -> tuple[str, Seen]:
            seen: Seen = []
            handler = type("Answering", (Handler,), {"answers": GOOD | (changes or {}), "seen": seen, "prove": prove})
            server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", port), handler))
            server.handle_error = lambda *_: None  # type: ignore[method-assign] # a broken handshake is no news
            if tls:
                server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            stack.callback(server.shutdown)
            return f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/", seen

        yield serve


@pytest.fixture
def talk() -> Iterator[Talk]:
    """Start a server that does the given thing with each connection and keeps it open. Returns HOST:PORT."""
    with contextlib.ExitStack() as stack:

        def serve(behave: Callable[[socket.socket], None]) -> str:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def accept() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        connection = stack.enter_context(listener.accept()[0])
                        threading.Thread(target=behave, args=[connection], daemon=True).start()

            threading.Thread(target=accept, daemon=True).start()
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            return f"127.0.0.1:{listener.getsockname()[1]}"

        yield serve


@pytest.mark.parametrize(
    ("url", "host"), [("ftp://h/", "h"), ("8888", ""), ("http://", ""), ("http://h:x/", ""), ("http://[::1", "")]
)
def test_an_address_that_is_none(url: str, host: str) -> None:
    found = look(url)
    assert found["failed_leg"] == "name"
    assert found["problem"] == f"{url} is not an address of a Jupyter server."
    assert found["fix"] == "Write it as http://HOST:PORT/ or https://HOST/."
    assert Visitor(url, None, 0, time).host == host


@pytest.mark.parametrize(
    ("url", "netloc", "base"),
    [
        ("http://h", "h", "/"),
        ("http://h:80/x", "h", "/x/"),
        ("https://H:443/x/", "h", "/x/"),
        ("https://h:80/", "h:80", "/"),
        ("http://[::1]:8888/", "[::1]:8888", "/"),
    ],
)
def test_the_host_is_written_as_browsers_do(url: str, netloc: str, base: str) -> None:
    visitor = Visitor(url, None, 0, time)
    assert (visitor.netloc, visitor.base) == (netloc, base)
    assert visitor.origin == f"{url.partition(':')[0]}://{netloc}"


@pytest.mark.parametrize(
    ("host", "number", "problem"),
    [
        ("laptop.example", socket.EAI_NONAME, "The name laptop.example is not known."),
        ("laptop.local", socket.EAI_NONAME, "Nobody in this network answers to the name laptop.local."),
        ("laptop.example", socket.EAI_AGAIN, "No name server answers when asked for laptop.example."),
    ],
)
def test_a_name_that_is_not_found(monkeypatch: pytest.MonkeyPatch, host: str, number: int, problem: str) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(number, "no luck")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = look(f"http://{host}:8888/")
    assert (found["failed_leg"], found["problem"]) == ("name", problem)


def test_a_name_server_that_hangs_does_not_hold_the_visit(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(20))
    begin = time.monotonic()
    found = look("http://laptop.example/", timeout=0.3)
    release.set()
    assert time.monotonic() - begin < 1
    assert found["problem"] == "No name server answers when asked for laptop.example."


def test_a_closed_port() -> None:
    port = free_port()
    found = look(f"http://127.0.0.1:{port}")
    assert found["failed_leg"] == "tcp"
    assert found["problem"] == f"Nothing listens at 127.0.0.1 port {port}."


def test_the_next_address_of_a_name_is_tried(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = start()
    good = socket.getaddrinfo("127.0.0.1", int(url[:-1].rpartition(":")[2]), type=socket.SOCK_STREAM)
    closed = socket.getaddrinfo("127.0.0.1", free_port(), type=socket.SOCK_STREAM)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: closed + good)
    assert look(url, anonymous=True)["reachable"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_says_nothing(talk: Talk, scheme: str) -> None:
    url = f"{scheme}://{talk(lambda _: None)}/"
    begin = time.monotonic()
    found = look(url, timeout=0.5)
    assert time.monotonic() - begin < 1
    assert found["failed_leg"] == {"http": "http", "https": "tls"}[scheme]
    code = {"http": "silent", "https": "tls_silent"}[scheme]
    assert (found["problem"], found["fix"]) == advice(code, url)


def test_a_server_that_answers_byte_by_byte_does_not_hold_the_visit(talk: Talk) -> None:
    def drip(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while True:
                connection.sendall(b"x")
                time.sleep(0.02)

    begin = time.monotonic()
    found = look(f"http://{talk(drip)}/", timeout=0.5)
    assert time.monotonic() - begin < 1
    assert found["problem"].endswith("takes the connection but does not answer.")


def test_what_is_not_http(talk: Talk) -> None:
    found = look(f"http://{talk(lambda connection: connection.sendall(b'SSH-2.0-OpenSSH_9.2' + bytes([13, 10])))}/")
    assert leg(found, "http") == ("failed", "no HTTP: SSH-2.0-OpenSSH_9.2  ")
    assert (found["problem"], found["fix"]) == advice("not_jupyter", found["url"])


def test_a_server_that_hangs_up(talk: Talk) -> None:
    found = look(f"http://{talk(lambda connection: connection.shutdown(socket.SHUT_RDWR))}/")
    assert (found["problem"], found["fix"]) == advice("hung_up", found["url"])


@pytest.mark.parametrize(
    ("changes", "failed", "code", "facts"),
    [
        ({"GET /api": (200, {}, "Welcome to nginx!")}, "http", "not_jupyter", {}),
        ({"GET /api": (200, {}, "[]")}, "http", "not_jupyter", {}),
        ({"GET /api": (404, {}, "")}, "http", "not_jupyter", {}),
        ({"GET /api": (400, {}, "")}, "http", "not_jupyter", {}),
        ({"GET /api": (301, {"Location": "/hub/"}, "")}, "http", "redirected", {"location": "/hub/"}),
        ({"GET /api": (301, {"Location": "https://[/"}, "")}, "http", "redirected", {"location": "https://[/"}),
        ({"GET /api": (301, {"Location": "https://127.0.0.1/api"}, "")}, "http", "https_expected", {}),
        ({"GET /api": (502, {}, "")}, "http", "broken", {"status": 502}),
        ({"GET /api": (401, {}, "")}, "http", "gate", {"status": 401}),
        ({"GET /api": (403, {}, "")}, "http", "gate", {"status": 403}),
        ({"GET /login": (302, {"Location": "/hub/login"}, "")}, "login_page", "no_form", {}),
        ({"GET /login": (200, {}, FORM)}, "login_page", "no_form", {}),
        ({"GET /login": (200, {"Set-Cookie": "_xsrf=token"}, "no form")}, "login_page", "no_form", {}),
        ({"POST /login": (403, {}, "")}, "login", "login_forbidden", {}),
        ({"POST /login": (429, {"Retry-After": "30"}, "")}, "login", "throttled", {"seconds": "30"}),
        ({"POST /login": (500, {}, "")}, "login", "login_broken", {"status": 500}),
        ({"POST /login": (302, {}, "")}, "login", "login_broken", {"status": 302}),
        ({"GET /api/contents": (500, {}, "")}, "contents", "no_contents", {"status": 500}),
        ({"GET /lab": (404, {}, "")}, "page", "no_page", {"seen": "/lab, HTTP 404"}),
        ({"GET /lab": (302, {"Location": "/login?next=%2Flab"}, "")}, "page", "no_page", {"seen": "/login, HTTP 200"}),
        ({"GET /lab": (302, {"Location": "/"}, "")}, "page", "no_page", {"seen": "/lab, HTTP 302"}),
        ({"GET /": (302, {"Location": "http://elsewhere/"}, "")}, "page", "no_page", {"seen": "/, HTTP 302"}),
        ({"POST /api/kernels": (500, {}, "")}, "kernel", "kernel_refused", {"status": 500}),
        ({}, "websocket", "websocket_blocked", {}),
        ({"GET /api/kernels/42/channels": (200, {}, "")}, "websocket", "websocket_blocked", {}),
        ({"GET /api/kernels/42/channels": (302, {"Location": "/"}, "")}, "websocket", "websocket_blocked", {}),
        ({"GET /api/kernels/42/channels": (403, {}, "")}, "websocket", "websocket_refused", {}),
        ({"GET /api/kernels/42/channels": (101, {}, "")}, "websocket", "websocket_blocked", {}),
    ],
)
def test_each_wrong_answer_is_named(
    start: Start, changes: dict[str, Any], failed: str, code: str, facts: dict[str, object]
) -> None:
    url, seen = start(changes)
    found = look(url)
    assert found["failed_leg"] == failed, found
    assert (found["problem"], found["fix"]) == advice(code, url, **facts)
    after = ALL_LEGS[ALL_LEGS.index(failed) + 1 : -1]
    assert {leg(found, name) for name in after} <= {("skipped", f"{failed} failed")}
    started = failed == "websocket"
    assert leg(found, "cleanup") == (
        ("ok", "the kernel is stopped") if started else ("skipped", "no kernel was started")
    )
    assert ("DELETE /api/kernels/42" in [request for request, _ in seen]) == started


def test_kernels_that_compute_are_counted(start: Start) -> None:
    url, _ = start()
    assert look(url)["busy_kernels"] == 1
    url, _ = start({"GET /api/kernels": (500, {}, "")})
    assert look(url)["busy_kernels"] is None
    assert examination.examine("here", url, examination.Options(anonymous=True))["busy_kernels"] is None


def test_requests_are_those_of_a_browser(start: Start) -> None:
    url, seen = start()
    look(url)
    requests = dict(seen)
    assert requests["POST /login"]["body"] == "_xsrf=token&password=correct+horse%2Bbattery"
    assert requests["POST /api/kernels"]["X-XSRFToken"] == requests["DELETE /api/kernels/42"]["X-XSRFToken"] == "token"
    assert requests["GET /api/kernels/42/channels"]["Cookie"] == '_xsrf=token; user="2|1:0|a=b"'
    for request in ("POST /login", "POST /api/kernels", "GET /api/kernels/42/channels"):
        assert requests[request]["Origin"] == url.rstrip("/")
        assert f"http://{requests[request]['Host']}/" == url


def test_a_cookie_has_attributes_that_are_not_known(start: Start) -> None:
    cookie = "_xsrf=token; Path=/; Secure; Partitioned; Priority=High"
    url, seen = start({"GET /login": (200, {"Set-Cookie": cookie}, FORM)})
    look(url)
    assert dict(seen)["GET /api/kernels/42/channels"]["Cookie"] == '_xsrf=token; user="2|1:0|a=b"'


def test_cookies_do_not_follow_a_redirect_of_the_websocket(start: Start) -> None:
    elsewhere, seen = start()
    location = elsewhere.replace("http:", "ws:")
    url, _ = start({"GET /api/kernels/42/channels": (302, {"Location": location}, "")})
    assert leg(look(url), "websocket") == ("failed", "Redirect limit exhausted")
    assert seen == []


def test_what_jupyter_says_about_an_error_is_kept(start: Start) -> None:
    url, _ = start({"POST /api/kernels": (500, {}, '{"message": "File name too long", "traceback": "secret"}')})
    assert leg(look(url), "kernel") == ("failed", "HTTP 500 from Stub: File name too long")


def test_a_kernel_that_cannot_be_stopped(start: Start) -> None:
    url, seen = start({"DELETE /api/kernels/42": (500, {}, "")})
    found = look(url, timeout=3)
    assert found["failed_leg"] == "websocket"
    assert leg(found, "cleanup") == ("failed", "HTTP 500 from Stub")
    assert [request for request, _ in seen].count("DELETE /api/kernels/42") > 1


def test_the_cleanup_has_time_of_its_own(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(examination.STAY, "websocket", lambda _visitor: time.sleep(20))
    url, seen = start()
    begin = time.monotonic()
    found = look(url, timeout=1.5)
    assert time.monotonic() - begin < 2
    assert (found["problem"], found["fix"]) == advice("websocket_silent", url)
    assert leg(found, "cleanup") == ("ok", "the kernel is stopped")
    assert "DELETE /api/kernels/42" in dict(seen)


def test_proxies_are_not_used(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    url, _ = start()
    assert leg(look(url), "websocket") == ("failed", "HTTP 404")


def test_the_password_is_taken_out_of_everything_that_others_say(start: Start) -> None:
    url, _ = start({"GET /api": (301, {"Location": "/?p=correct+horse%2Bbattery\x07"}, "")})
    found = look(url)
    assert found["problem"] == f"{url} sends visitors elsewhere: /?p=******** ."


def test_an_unknown_error_is_a_failed_leg(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(_visitor: object) -> str:
        raise ValueError(f"cannot digest {PASSWORD}")

    monkeypatch.setitem(examination.STAY, "contents", stumble)
    found = look(start()[0])
    assert leg(found, "contents") == ("failed", "ValueError: cannot digest ********")
    assert found["problem"] == f"The check of {found['url']} met an error that it does not know."


# Tunnels

SKIP = "ngrok-skip-browser-warning"
PAGE = (200, {"Ngrok-Error-Code": "ERR_NGROK_6024"}, "<button>Visit Site</button>")


def refusal(number: int, status: int = 404) -> tuple[int, dict[str, str], str]:
    return status, {"Ngrok-Error-Code": f"ERR_NGROK_{number}"}, ""


@pytest.mark.parametrize("page", [PAGE, (200, {}, "<p>ERR_NGROK_6024</p>")])
def test_a_page_in_front_of_jupyter_is_no_failure_but_told(start: Start, page: Any) -> None:
    url, seen = start({"GET /login by a browser": page})
    found = look(url, tunnel=True)
    assert found["interstitial"] is True
    state, detail = leg(found, "interstitial")
    assert state == "ok"
    assert detail == (
        'once a week ngrok shows browsers a page with the button "Visit Site", over which Juno may stumble; '
        "a paid plan or ngrok_transport tcp or ssh takes it away"
    )
    assert found["failed_leg"] == "websocket"
    (browser,) = [headers for _, headers in seen if "Mozilla/5.0 (iPad; " in headers["User-Agent"]]
    assert SKIP not in browser
    assert "Cookie" not in browser
    assert browser["Accept"].startswith("text/html,")
    assert [request for request, headers in seen if headers.get(SKIP) != "1"] == ["GET /login"]
    assert dict(seen)["GET /api/kernels/42/channels"][SKIP] == "1"


def test_a_tunnel_without_a_page(start: Start) -> None:
    url, seen = start()
    found = look(url, tunnel=True)
    assert found["interstitial"] is False
    assert leg(found, "interstitial") == ("ok", "browsers get to Jupyter directly")
    assert leg(found, "login_page")[0] == "ok"
    assert [request for request, _ in seen].count("GET /login") == 2


def test_where_there_is_no_tunnel_nothing_is_asked_for_its_sake(start: Start) -> None:
    url, seen = start({"GET /login by a browser": PAGE})
    found = look(url)
    assert leg(found, "interstitial") == ("skipped", "the address is no tunnel")
    assert [request for request, _ in seen].count("GET /login") == 1
    assert not any(SKIP in headers for _, headers in seen)


def test_the_cookies_of_the_look_for_the_page_are_forgotten(start: Start) -> None:
    url, _ = start({"GET /login by a browser": GOOD["GET /login"], "GET /login": (200, {}, FORM)})
    found = look(url, tunnel=True)
    assert (found["problem"], found["fix"]) == advice("no_form", url)


@pytest.mark.parametrize("number", [3200, 8012, 727, 6022, 3004])
@pytest.mark.parametrize("failed", ["http", "interstitial"])
def test_what_the_tunnel_says_is_explained(start: Start, number: int, failed: str) -> None:
    url, _ = start({"GET /api" if failed == "http" else "GET /login by a browser": refusal(number)})
    found = look(url, tunnel=True)
    known = ngrok.ERRORS[number]
    assert found["failed_leg"] == failed
    assert found["problem"] == f"The tunnel answers in place of Jupyter: {known.meaning} (ERR_NGROK_{number})."
    assert found["fix"] == known.fix
    assert leg(found, failed) == ("failed", "HTTP 404 from Stub")


def test_a_code_of_the_tunnel_that_is_not_known(start: Start) -> None:
    url, _ = start({"GET /api": (502, {}, "<p>ERR_NGROK_99999</p>")})
    found = look(url)
    assert found["problem"].startswith("The tunnel answers in place of Jupyter: ")
    assert found["problem"].endswith(" (ERR_NGROK_99999).")
    assert found["fix"] == "Look it up at https://ngrok.com/docs/errors/err_ngrok_99999."


# SSH

GREETING = b"SSH-2.0-OpenSSH_9.2p1\r\n"
SSH_PRELUDE = """#!/usr/bin/env -S python3 -S
import json, os, select, socket, sys, time
with open(__file__ + ".calls", "a") as calls:
    known = next(part for part in sys.argv if part.startswith("UserKnownHostsFile="))[20:-1]
    told = open(known).read() if os.path.exists(known) else None
    calls.write(json.dumps([os.getpid(), sys.argv[1:], told]) + "\\n")
"""
# Does what ssh does after it has logged in: passes on both ways until one of them ends.
PIPE = """
host, port = sys.argv[sys.argv.index("-W") + 1].split(":")
there, here = socket.create_connection((host, int(port))), socket.socket(fileno=0)
while True:
    for source in select.select([here, there], [], [])[0]:
        data = source.recv(65536)
        if not data:
            sys.exit()
        (here if source is there else there).sendall(data)
"""
Ssh = Callable[..., ssh_tunnel.Way]


@pytest.fixture
def ssh(talk: Talk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ssh:
    """Return a function that puts a program in the place of ssh, and returns the way that is to be told to it."""

    def make(url: str, body: str = PIPE, greeting: bytes = GREETING, **changes: Any) -> ssh_tunnel.Way:
        program = tmp_path / "ssh"
        program.write_text(SSH_PRELUDE + body)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        host, port = talk(lambda connection: connection.sendall(greeting)).split(":")
        target = url.split("/")[2].replace("localhost", "127.0.0.1")
        way = ssh_tunnel.Way(host, int(port), "ada", "/keys/ada", target, host_keys=["ssh-ed25519 AAAA"])
        return way._replace(**changes)

    return make


def ssh_calls(tmp_path: Path) -> list[Any]:
    return [json.loads(line) for line in (tmp_path / "ssh.calls").read_text().splitlines()]


def test_a_visit_through_ssh(jupyters: dict[str, str], ssh: Ssh, tmp_path: Path) -> None:
    url = jupyters["password"].replace("127.0.0.1", "localhost")
    way = ssh(url)
    found = look(url, ssh=way, tunnel=True)
    assert found["reachable"], found
    assert states(found) == dict.fromkeys(ALL_LEGS, "ok") | dict.fromkeys(["tls", "interstitial"], "skipped")
    assert leg(found, "tcp") == ("ok", f"127.0.0.1 port {way.port}")
    assert leg(found, "ssh") == ("ok", f"ada is forwarded to {way.target}")
    assert leg(found, "interstitial") == ("skipped", "nobody can put a page into an SSH tunnel")
    assert kernels(jupyters["password"]) == []
    calls = ssh_calls(tmp_path)
    assert len(calls) == 4  # for the leg itself, HTTP, the WebSocket and the cleanup
    for pid, arguments, known_hosts in calls:
        assert arguments[:4] == ["-F", "none", "-i", "/keys/ada"]
        assert arguments[-5:] == ["-W", way.target, "-p", str(way.port), "ada@127.0.0.1"]
        assert known_hosts == "* ssh-ed25519 AAAA\n"
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


FORWARDED = {"user": "ada", "key_file": "/keys/ada"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("No ED25519 host key is known for [h]:2 and you have requested strict checking.", "ssh_host_unknown"),
        ("@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", "ssh_host_changed"),
        ('Load key "/keys/ada": bad permissions', "ssh_key_file"),
        ("ada@127.0.0.1: Permission denied (publickey).", "ssh_key_refused"),
        ("channel 0: open failed: administratively prohibited: open failed", "ssh_forward_refused"),
        ("channel 0: open failed: connect failed: Connection refused", "ssh_target_closed"),
        ("Connection closed by 127.0.0.1 port 22", "ssh_failed"),
    ],
)
def test_what_ssh_says_is_explained(ssh: Ssh, words: str, code: str) -> None:
    url = "http://localhost:8888/"
    way = ssh(url, f"sys.exit({words!r})")
    found = look(url, ssh=way)
    assert found["failed_leg"] == "ssh"
    assert (found["problem"], found["fix"]) == advice(
        code, f"http://127.0.0.1:{way.port}", **FORWARDED, target="127.0.0.1:8888"
    )
    assert leg(found, "ssh") == ("failed", words.strip("@ "))


@pytest.mark.parametrize(
    ("greeting", "code", "detail"),
    [
        (b"HTTP/1.0 400 Bad Request\r\n", "not_ssh", "HTTP/1.0 400 Bad Request  "),
        (b"", "not_ssh", "it waits instead of greeting"),
    ],
)
def test_what_is_no_ssh_server(
    ssh: Ssh, monkeypatch: pytest.MonkeyPatch, greeting: bytes, code: str, detail: str
) -> None:
    monkeypatch.setattr("reachable.visitor.CONNECT_SECONDS", 0.1)
    way = ssh("http://localhost:8888/", greeting=greeting)
    found = look("http://localhost:8888/", ssh=way)
    assert (found["problem"], found["fix"]) == advice(code, f"http://127.0.0.1:{way.port}")
    assert leg(found, "ssh") == ("failed", detail)


def test_an_ssh_server_that_hangs_up(ssh: Ssh, talk: Talk) -> None:
    port = int(talk(lambda connection: connection.shutdown(socket.SHUT_RDWR)).split(":")[1])
    found = look("http://localhost:8888/", ssh=ssh("http://localhost:8888/", port=port))
    assert found["failed_leg"] == "ssh"
    assert found["problem"] == f"127.0.0.1 port {port} closes the connection instead of greeting as SSH."


def test_without_the_program_ssh(ssh: Ssh, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    way = ssh("http://localhost:8888/")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    found = look("http://localhost:8888/", ssh=way)
    assert (found["failed_leg"], found["problem"]) == ("ssh", "The machine that runs this check has no program ssh.")


def test_name_and_port_are_those_of_the_ssh_server(ssh: Ssh) -> None:
    port = free_port()
    found = look("http://localhost:8888/", ssh=ssh("http://localhost:8888/", port=port))
    assert (found["failed_leg"], found["problem"]) == ("tcp", f"Nothing listens at 127.0.0.1 port {port}.")
    found = look("http://localhost:8888/", ssh=ssh("http://localhost:8888/", host="nowhere.invalid"))
    assert (found["failed_leg"], found["problem"]) == ("name", "The name nowhere.invalid is not known.")


def test_a_server_behind_ssh_is_named_as_the_address_does(jupyters: dict[str, str], ssh: Ssh) -> None:
    way = ssh(jupyters["password"])
    found = look(jupyters["password"].replace("127.0.0.1", "laptop.example"), ssh=way)
    assert found["failed_leg"] == "http"
    assert found["problem"] == "Jupyter refuses every request that names it laptop.example."


def test_silence_and_farewell_behind_ssh_are_not_blamed_on_it(
    ssh: Ssh, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reachable.visitor.CONNECT_SECONDS", 0.1)
    silent = f"http://{talk(lambda _: None)}/"
    found = look(silent, ssh=ssh(silent), timeout=1.5)
    assert (found["failed_leg"], found["problem"]) == ("http", f"{silent} takes the connection but does not answer.")
    rude = f"http://{talk(lambda connection: connection.shutdown(socket.SHUT_RDWR))}/"
    found = look(rude, ssh=ssh(rude))
    assert (found["failed_leg"], found["problem"]) == ("http", f"{rude} closes the connection instead of answering.")


def test_tls_is_spoken_through_ssh(start: Start, ssh: Ssh, root: Authority) -> None:
    url, _ = start(tls=server_side(root.issue()))
    found = look(url, ssh=ssh(url), authority=root.pem)
    assert [leg(found, name)[0] for name in ("ssh", "tls", "http")] == ["ok"] * 3
    assert found["failed_leg"] == "websocket"


@pytest.mark.parametrize("greets", [True, False])
def test_an_ssh_server_that_comes_up_is_waited_for(ssh: Ssh, talk: Talk, greets: bool) -> None:
    clock = FakeClock()
    url = "http://localhost:8888/"
    way = ssh(url, 'sys.exit("channel 0: open failed: connect failed: Connection refused")')
    if not greets:
        way = way._replace(port=int(talk(lambda connection: connection.shutdown(socket.SHUT_RDWR)).split(":")[1]))
    found = examination.examine("here", url, examination.Options(wait=1), clock, Route(ssh=way))
    assert found["failed_leg"] == "ssh"
    assert len(clock.slept) == 3


# TLS


@pytest.mark.parametrize("by", ["the system's store", "a root beside it"])
def test_tls_with_a_trusted_certificate(
    start: Start, root: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by: str
) -> None:
    tmp_path.joinpath("store.pem").write_text(root.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / ("store.pem" if by == "the system's store" else "none.pem")))
    url, _ = start(tls=server_side(root.issue(end=31)))
    found = look(url, authority="" if by == "the system's store" else root.pem)
    assert leg(found, "tls") == ("ok", "TLSv1.3, certificate by Our own, 31 days left")
    assert found["failed_leg"] == "websocket"
    assert leg(found, "websocket") == ("failed", "HTTP 404")  # and not an error of TLS
    assert leg(found, "cleanup")[0] == "ok"
    assert found["certificate"].pop("end") > found["certificate"].pop("begin")
    assert found["certificate"] == {"issuer": "Our own", "names": ["127.0.0.1"], "is_ending": False}


def test_a_certificate_for_another_name_than_the_address(start: Start, root: Authority) -> None:
    url, _ = start(tls=server_side(root.issue("laptop.example")))
    found = look(url, authority=root.pem, certificate_name="laptop.example")
    assert leg(found, "tls")[0] == "ok"
    assert look(url, authority=root.pem)["problem"] == (
        f"The certificate at {url} was issued for laptop.example, not for 127.0.0.1."
    )


def day(days: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * 86400 + 3600))


@pytest.mark.parametrize(
    "trouble",
    [
        ("expired", {"begin": -20, "end": -1}, {"end": day(-1)}),
        ("early", {"begin": 1}, {"begin": day(1 - 1 / 24)}),
        ("other_name", {"names": ["127.0.0.2", "b.example"]}, {"names": "127.0.0.2, b.example"}),
        ("too_long", {"begin": -1, "end": 900}, {"days": 901}),
        ("unfit", {"purpose": ExtendedKeyUsageOID.CLIENT_AUTH}, {"reason": UNSUITABLE}),
        ("no_chain", {"between": True, "source": "http://127.0.0.1/between"}, {"issuer": "Between"}),
        ("other_authority", {"between": True}, {"issuer": "Between"}),
        ("other_authority", {"by": "Another"}, {"issuer": "Another"}),
        ("untrusted", {"by": "Another", "authority": ""}, {"issuer": "Another"}),
        # The very name of ours, as where somebody made it anew.
        ("other_authority", {"by": "Our own"}, {"issuer": "Our own"}),
    ],
)
def test_a_bad_certificate_is_named(
    start: Start, root: Authority, tmp_path: Path, trouble: tuple[str, dict[str, Any], dict[str, Any]]
) -> None:
    code, made, facts = trouble[0], dict(trouble[1]), trouble[2]
    known, names = made.pop("authority", root.pem), made.pop("names", [])
    issuer = authority(tmp_path, made.pop("by")) if "by" in made else root
    issuer = root.intermediate("Between") if made.pop("between", False) else issuer
    url, seen = start(tls=server_side(issuer.issue(*names, **made)))
    found = look(url, authority=known)
    assert (found["failed_leg"], found["problem"], found["fix"]) == ("tls", *advice(code, url, **facts))
    assert (found["certificate"] is None) == (code != "too_long")
    assert {asked for asked, _ in seen} <= {"HEAD /"}


def test_a_whole_chain_is_accepted(start: Start, root: Authority) -> None:
    between = root.intermediate("Between")
    url, _ = start(tls=server_side(between.issue(source="http://127.0.0.1/between", behind=(between,))))
    assert leg(look(url, authority=root.pem), "tls")[0] == "ok"


@pytest.mark.parametrize(
    "case",
    [((-20, -5), -10, "tls"), ((300, 600), 400, "tls"), ((-3, 30), 400, "http")],
)
def test_a_clock_that_is_wrong_is_not_taken_for_the_certificate(
    start: Start, root: Authority, monkeypatch: pytest.MonkeyPatch, case: tuple[tuple[float, float], int, str]
) -> None:
    (begin, end), there, failed = case
    monkeypatch.setattr(Handler, "date_time_string", lambda _: formatdate(time.time() + there * 86400, usegmt=True))
    url, _ = start(tls=server_side(root.issue(begin=begin, end=end)))
    found = look(url, authority=root.pem)
    assert (found["failed_leg"], found["problem"]) == (failed, advice("wrong_clock", url, days=abs(there))[0])


@pytest.mark.parametrize("is_strict", [True, False])
def test_all_versions_of_python_judge_alike(
    start: Start, root: Authority, monkeypatch: pytest.MonkeyPatch, is_strict: bool
) -> None:
    def as_in_python_3_13(purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> ssl.SSLContext:
        context = made(purpose)
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    made = ssl.create_default_context
    tls = server_side(root.issue(is_strict=is_strict))
    monkeypatch.setattr(ssl, "create_default_context", as_in_python_3_13)
    assert leg(look(start(tls=tls)[0], authority=root.pem), "tls")[0] == "ok"


def test_a_protocol_that_is_too_old(start: Start, root: Authority) -> None:
    tls = server_side(root.issue())
    tls.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_1
    url, seen = start(tls=tls)
    found = look(url, authority=root.pem)
    assert (found["failed_leg"], found["problem"], found["fix"]) == ("tls", *advice("old_tls", url))
    assert seen == []


def test_plain_http_at_an_https_address(start: Start) -> None:
    url = start()[0].replace("http:", "https:")
    found = look(url, timeout=8)
    assert (found["failed_leg"], found["problem"], found["fix"]) == ("tls", *advice("http_expected", url))


def test_https_at_an_http_address(start: Start, root: Authority) -> None:
    url = start(tls=server_side(root.issue()))[0].replace("https:", "http:")
    found = look(url)
    assert (found["failed_leg"], found["problem"], found["fix"]) == ("http", *advice("https_expected", url))


def test_neither_tls_nor_http(talk: Talk) -> None:
    url = f"https://{talk(lambda connection: connection.sendall(b'SSH-2.0-OpenSSH_9.2'))}/"
    found = look(url)
    assert (found["problem"], found["fix"]) == advice("tls_refused", url)


def test_a_root_that_is_none_is_not_blamed_on_the_server(start: Start, root: Authority) -> None:
    found = look(start(tls=server_side(root.issue()))[0], authority="no certificate")
    assert found["failed_leg"] == "tls"
    assert found["problem"].endswith("met an error that it does not know.")


# Waiting


class FakeClock:
    """A clock on which only sleeping takes time."""

    def __init__(self, wake: Callable[[int], None] = lambda _: None) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.wake = wake

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds
        self.slept.append(seconds)
        self.wake(len(self.slept))


@pytest.mark.parametrize(("wait", "timeout", "sleeps"), [(0, 30, 0), (1, 30, 3), (60, 1, 3)])
def test_waiting_never_exceeds_the_wait_nor_the_timeout(wait: float, timeout: float, sleeps: int) -> None:
    clock = FakeClock()
    options = examination.Options(timeout=timeout, wait=wait)
    found = examination.examine("here", f"http://127.0.0.1:{free_port()}/", options, clock)
    assert found["failed_leg"] == "tcp"
    assert len(clock.slept) == sleeps
    assert clock.now < 100 + min(wait, timeout) or not sleeps


def test_a_server_that_comes_up_is_waited_for(start: Start) -> None:
    port = free_port()
    clock = FakeClock(lambda number: start(port=port) and None if number == 3 else None)
    options = examination.Options(PASSWORD, anonymous=True, wait=10)
    found = examination.examine("here", f"http://127.0.0.1:{port}/", options, clock)
    assert found["reachable"]
    assert len(clock.slept) == 3
    assert [row["leg"] for row in found["legs"]] == ALL_LEGS


@pytest.mark.parametrize(("number", "sleeps"), [(3200, 3), (727, 0)])
def test_a_tunnel_is_waited_for_where_that_can_heal(start: Start, number: int, sleeps: int) -> None:
    clock = FakeClock()
    url, _ = start({"GET /api": refusal(number)})
    examination.examine("here", url, examination.Options(wait=1), clock, Route(tunnel=True))
    assert len(clock.slept) == sleeps


def test_what_waiting_cannot_mend_is_not_waited_for(start: Start) -> None:
    clock = FakeClock()
    url, _ = start({"GET /login": (404, {}, "")})
    found = examination.examine("here", url, examination.Options(PASSWORD, wait=10), clock)
    assert found["failed_leg"] == "login_page"
    assert clock.slept == []


def test_a_server_that_answers_elsewhere_is_not_waited_for(start: Start) -> None:
    url, _ = start()
    nowhere = f"http://127.0.0.1:{free_port()}/"
    endpoints: list[dict[str, Any]] = [
        {"name": "here", "url": url},
        {"name": "there", "url": nowhere},
        {"name": "tunnel", "url": nowhere, "tunnel": True},
    ]
    started = time.monotonic()
    here, there = examination.examine_all(endpoints[:2], examination.Options(PASSWORD, anonymous=True, wait=20))
    assert time.monotonic() - started < 15
    assert (here["reachable"], there["reachable"]) == (True, False)

    started = time.monotonic()
    examination.examine_all(endpoints, examination.Options(PASSWORD, anonymous=True, wait=2))
    assert time.monotonic() - started > 1.5  # a tunnel may still come up


def test_addresses_are_visited_side_by_side(talk: Talk) -> None:
    silent = talk(lambda _: None)
    endpoints = [{"name": str(number), "url": f"http://{silent}/"} for number in range(4)]
    begin = time.monotonic()
    found = examination.examine_all(
        [dict(each, tunnel=False, ssh=None) for each in endpoints], examination.Options(timeout=0.5)
    )
    assert time.monotonic() - begin < 1
    assert [one["name"] for one in found] == ["0", "1", "2", "3"]
    assert examination.examine_all([], examination.Options()) == []


def test_the_kind_of_each_address_is_heeded(start: Start, ssh: Ssh) -> None:
    url, _ = start({"GET /login by a browser": PAGE})
    endpoints: list[dict[str, Any]] = [
        {"name": "lan", "url": url},
        {"name": "http", "url": url, "tunnel": True},
        {"name": "ssh", "url": url, "tunnel": True, "ssh": ssh(url)._asdict()},
    ]
    found = examination.examine_all(endpoints, examination.Options(anonymous=True, timeout=10))
    assert [one["interstitial"] for one in found] == [False, True, False]
    assert [leg(one, "ssh")[0] for one in found] == ["skipped", "skipped", "ok"]


# The proof


def posted(seen: Seen) -> list[str]:
    return [request for request, _ in seen if not request.startswith("GET")]


def secrets_in(seen: Seen) -> bool:
    """Tell whether anything that a server was told is secret: the password, or the cookie of a login."""
    told = json.dumps(seen)
    return any(each in told for each in ("correct+horse", PASSWORD, "user="))


def test_the_real_extension_proves_whose_the_server_is(jupyters: dict[str, str]) -> None:
    url = jupyters["password"]
    assert leg(look(url), "proof") == ("ok", "is this host's")
    assert leg(look(url, own=("127.0.0.1",)), "proof") == ("ok", "is this host's, and was reached directly")
    found = look(url, proof_key="f" * 64)
    assert (found["failed_leg"], found["foreign"]) == ("proof", True)
    assert (found["problem"], found["fix"]) == advice("other_host", url)


@pytest.mark.parametrize("challenge", ["", "0" * 63, "0" * 65, "0" * 63 + "g", "A" * 64, "0" * 64 + "%0A", "<b>"])
def test_the_real_extension_says_nothing_to_anything_but_a_challenge(jupyters: dict[str, str], challenge: str) -> None:
    visitor = Visitor(jupyters["password"], None, time.monotonic() + 20, time)
    visitor.find_name()
    answer = visitor.request("GET", f"reachable/proof?challenge={challenge}")
    others = [
        visitor.send("GET", f"reachable/proof?challenge={'0' * 64}", None, {"Host": "evil.example"}).status,
        visitor.request("POST", f"reachable/proof?challenge={'0' * 64}").status,
    ]
    good = visitor.request("GET", f"reachable/proof?challenge={'0' * 64}")
    visitor.close()
    assert answer.status == 400
    assert "<b>" not in answer.body.decode()
    assert others == [403, 403]
    assert set(good.json) == {"host", "address"}
    assert all(re.fullmatch("[0-9a-f]{64}", code) for code in good.json.values())


def test_without_a_key_no_password_is_sent(start: Start) -> None:
    url, seen = start()
    found = look(url, proof_key=None)
    assert (found["failed_leg"], found["foreign"], posted(seen)) == ("proof", False, [])
    assert (found["problem"], found["fix"]) == advice("unproven", url)
    assert leg(found, "login") == ("skipped", "proof failed")
    # A look that sends nothing secret needs none.
    assert look(url, proof_key=None, anonymous=True)["reachable"]
    assert look(url, proof_key=None, password=None)["reachable"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((403, {}, ""), "unproven"),
        ((302, {"Location": "/login"}, ""), "unproven"),
        ((200, {}, "no JSON"), "unproven"),
        ((200, {}, "[]"), "unproven"),
        ((200, {}, "{}"), "unproven"),
        ((200, {}, json.dumps({"host": 7, "address": None})), "other_host"),
        ((200, {}, json.dumps({"host": "\u00e4", "address": "f" * 64})), "other_host"),
        ((200, {"Ngrok-Error-Code": "ERR_NGROK_3200"}, "ERR_NGROK_3200"), "tunnel_starting"),
    ],
)
@pytest.mark.parametrize("anonymous", [False, True])
def test_a_server_that_proves_nothing_gets_no_password(
    start: Start, answer: tuple[int, dict[str, str], str], code: str, anonymous: bool
) -> None:
    url, seen = start({"GET /reachable/proof": answer})
    found = look(url, anonymous=anonymous)
    assert (found["failed_leg"], found["foreign"]) == ("proof", code == "other_host")
    facts = {"meaning": "no agent serves this address", "ngrok": "ERR_NGROK_3200", "fix": ngrok.AGENT}
    assert (found["problem"], found["fix"]) == advice(code, url, **facts)
    assert (posted(seen), secrets_in(seen)) == ([], False)


def test_a_neighbour_that_passes_the_challenge_on_gets_no_password(start: Start) -> None:
    """It has the name of the host, or its address for a while, and asks the host itself for the proof."""
    real = urllib.parse.urlsplit(start()[0])

    def ask(_handler: Handler, challenge: str, _place: object) -> Any:
        with contextlib.closing(http.client.HTTPConnection(str(real.hostname), real.port)) as connection:
            connection.request("GET", f"/reachable/proof?challenge={challenge}")
            return json.loads(connection.getresponse().read())

    url, seen = start(prove=ask)
    found = look(url, own=("127.0.0.1",))
    assert (found["failed_leg"], found["foreign"], posted(seen)) == ("proof", True, [])
    # Through a router that changes addresses there is no telling the two apart.
    assert leg(look(url, own=("192.0.2.7",)), "proof") == ("ok", "is this host's")


def test_a_name_that_two_machines_have(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    url, seen = start()
    url = url.replace("127.0.0.1", "studio.local")
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, port, **rest: resolve("127.0.0.1", port, **rest))
    found = look(url, own=("192.0.2.7", "fe80::7%eth0"))
    assert (found["failed_leg"], found["foreign"], seen) == ("name", True, [])
    assert (found["problem"], found["fix"]) == advice("name_shared", url)
    assert leg(found, "name") == ("failed", "127.0.0.1")
    assert leg(look(url, own=("127.0.0.1",)), "proof") == ("ok", "is this host's, and was reached directly")
    # Behind a router, a name of the internet leads to an address that the host does not have.
    assert look(url.replace(".local", ".example"), own=("192.0.2.7",))["failed_leg"] == "websocket"


def test_each_connection_is_proven_before_a_secret_goes_over_it(start: Start) -> None:
    url, seen = start({"GET /reachable/proof": (404, {}, "")})
    look(url)
    requests = [request for request, _ in seen if request != "GET /api"]
    # One connection up to the kernel, one for its WebSocket, one for the end.
    assert [requests[number + 1] for number, each in enumerate(requests) if each == "GET /reachable/proof"] == [
        "POST /login", "GET /api/kernels/42/channels", "DELETE /api/kernels/42",
    ]  # fmt: skip
    assert not any("Cookie" in headers for request, headers in seen if request == "GET /reachable/proof")


def test_where_another_server_takes_the_place_after_the_proof(start: Start) -> None:
    """The connection had to be opened anew, and now leads elsewhere."""
    moved: list[bool] = []

    def once(handler: Handler, challenge: str, place: tuple[str, int]) -> dict[str, str]:
        handler.close_connection = True
        moved.append(True)
        codes = Handler.prove(handler, challenge, place)
        return codes if len(moved) == 1 else {**codes, "host": codes["address"]}

    url, seen = start(prove=once)
    found = look(url)
    assert (found["failed_leg"], found["foreign"]) == ("login", True)
    assert (found["problem"], posted(seen), secrets_in(seen)) == (advice("other_host", url)[0], [], False)


def test_a_server_that_closes_each_connection_can_be_used(start: Start) -> None:
    def close(handler: Handler, challenge: str, place: tuple[str, int]) -> dict[str, str]:
        handler.close_connection = True
        return Handler.prove(handler, challenge, place)

    url, seen = start(prove=close)
    assert look(url)["failed_leg"] == "websocket"  # as with all small servers
    assert "POST /login" in dict(seen)


def test_an_address_is_written_in_one_way() -> None:
    ways = ["192.0.2.7", "::ffff:192.0.2.7", "fe80::7%eth0", "FE80:0::7", "2001:DB8::7"]
    assert [proofs.plain(each) for each in ways] == ["192.0.2.7", "192.0.2.7", "fe80::7", "fe80::7", "2001:db8::7"]


def test_a_key_is_kept_or_made() -> None:
    assert proofs.kept_or_new(KEY) == KEY
    for wrong in ("", "0" * 63, KEY.upper(), f"{KEY}\n"):
        made = {proofs.kept_or_new(wrong) for _ in range(2)}
        assert len(made) == 2
        assert all(proofs.KEY.fullmatch(key) for key in made)
