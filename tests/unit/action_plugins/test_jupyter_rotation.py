"""The change of a password, on a server that signs its logins with the hash as Jupyter does, and on Jupyter itself."""

from __future__ import annotations

import errno
import functools
import hashlib
import http.server
import json
import os
import re
import socket
import stat
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible.plugins.loader import action_loader
from jupyter_server.auth.security import passwd_check
from reachable import examination, passwords, proofs, rotation, ssh_tunnel
from reachable.visitor import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import RunAction

KEY = "ab" * 32
OLD, NEW, NEWER = "the-old-password", "the-new-password", "an-even-newer-one"
SETTINGS: dict[str, dict[str, Any]] = {
    "PasswordIdentityProvider": {"password_required": True},
    "ServerApp": {"port": 8888},
}
GENERATED = re.compile(r"([2-9a-hjkmnp-z]{4}-){4}[2-9a-hjkmnp-z]{4}")
PROVEN = {"new_password": "works", "old_password": "refused", "old_logins": "refused"}


class Handler(http.server.BaseHTTPRequestHandler):
    """A login as Jupyter has it."""

    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for each answer, which is then not held back

    def answer(self, status: int, body: str = "", *cookies: str) -> None:
        self.send_response(status)
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self) -> None:
        path = urllib.parse.urlsplit(self.path).path
        if self.server.breaks == path:
            self.answer(500)
        elif path == "/api":
            self.answer(200, '{"version": "2.0"}')
        elif path == "/reachable/proof":
            challenge = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["challenge"][0]
            self.answer(200, json.dumps({"host": proofs.code(self.server.key, challenge)}))
        elif path == "/login":
            self.answer(200, '<input name="password">', "_xsrf=x")
        elif any(f"login={login}" in self.headers.get("Cookie", "") for login in self.server.logins()):
            self.answer(500 if self.server.breaks == "logged in" else 200, '{"content": []}')
        else:
            self.answer(500 if self.server.breaks == "earlier login" and self.headers.get("Cookie") else 403)

    def do_POST(self) -> None:
        self.server.heard.append(self.path)
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.server.breaks == form["password"][0]:
            self.answer(500)
        elif any(passwd_check(each, form["password"][0]) for each in self.server.hashes):  # type: ignore[no-untyped-call]
            self.answer(302, "", f"login={self.server.logins()[-1]}")
        else:
            self.answer(401)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """A host: its configuration, and a server that has read it at its last start."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.config = folder / "config.json"
        self.endpoint = {"name": "lan", "url": f"http://127.0.0.1:{self.server_address[1]}/"}
        self.breaks = ""
        self.key = KEY
        self.heard: list[str] = []
        self.hashes: list[str] = []
        self.signed_by_hash = True

    def logins(self) -> list[str]:
        """Return the cookies that are good now."""
        return [hashlib.sha256(each.encode() if self.signed_by_hash else b"").hexdigest() for each in self.hashes]

    def hash(self) -> str:
        return str(json.loads(self.config.read_text())["PasswordIdentityProvider"]["hashed_password"])

    def configure(self, text: str) -> None:
        provider = SETTINGS["PasswordIdentityProvider"] | {"hashed_password": text}
        prover = {"proof_key": KEY}
        self.config.write_text(json.dumps({**SETTINGS, "PasswordIdentityProvider": provider, "Reachable": prover}))

    def restart(self) -> None:
        self.hashes = [self.hash()]

    def working(self, *candidates: str) -> list[str]:
        """Return those passwords with which somebody can log in now."""
        return [each for each in candidates if rotation.visit(self.endpoint, 5, KEY, each).failed_leg is None]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for less than Jupyter does."""
    monkeypatch.setattr(passwords, "MEMORY_KIB", 128)
    monkeypatch.setattr(passwords, "PASSES", 4)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Run a server with the old password."""
    with Server(tmp_path) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        server.configure(passwords.new_hash(OLD))
        server.restart()
        yield server
        server.shutdown()


class Change:
    """What can be run about a password, with what it is about."""

    def __init__(self, run_action: RunAction, server: Server, file: Path) -> None:
        self.run_action = functools.partial(run_action, password_file=str(file))
        self.server, self.file, self.beside = server, file, file.with_name("jupyter_password.new")

    def begin(self, **options: Any) -> dict[str, Any]:
        given = {"config": self.server.config.read_text(), "endpoints": [self.server.endpoint], "timeout": 5}
        return self.run_action("jupyter_rotation", state="begun", **(given | options))

    def finish(self, begun: dict[str, Any], **options: Any) -> dict[str, Any]:
        given = {"state": "finished", "before": begun["before"], "timeout": 5}
        return self.run_action("jupyter_rotation", **(given | options))

    def configure(self, begun: dict[str, Any]) -> None:
        self.server.configure(begun["hash"])

    def settle(self, **options: Any) -> dict[str, Any]:
        return self.run_action("jupyter_password", **({"current_hash": self.server.hash()} | options))

    def up(self) -> dict[str, Any]:
        """Do what `up` does: it also sees by the times of the file and of the process that they differ."""
        result = self.settle()
        self.configure(result)
        self.server.restart()
        return result

    def kept(self) -> dict[str, str]:
        return {path.name: path.read_text().removesuffix("\n") for path in self.file.parent.iterdir()}


ONLY_OLD, ONLY_NEW = {"jupyter_password": OLD}, {"jupyter_password": NEW}
BOTH = {"jupyter_password": OLD, "jupyter_password.new": NEW}


@pytest.fixture
def change(run_action: RunAction, server: Server, tmp_path: Path) -> Change:
    """Keep the old password."""
    file = tmp_path / "secrets/laptop/jupyter_password"
    passwords.store(str(file), OLD)
    return Change(run_action, server, file)


def test_a_change(change: Change) -> None:
    begun = change.begin(new_password=NEW)
    assert (begun["changed"], begun["warnings"]) == (True, [])
    assert begun["settings"] == {**SETTINGS, "PasswordIdentityProvider": {"password_required": True}}
    assert change.kept() == BOTH
    assert stat.S_IMODE(change.beside.stat().st_mode) == 0o600
    assert change.server.working(OLD, NEW) == [OLD]

    change.configure(begun)
    change.server.restart()
    assert change.finish(begun) == {"changed": True, "proof": PROVEN}
    assert change.kept() == ONLY_NEW
    assert change.server.working(OLD, NEW) == [NEW]


def test_one_is_generated(change: Change) -> None:
    made = [(change.begin()["hash"], change.beside.read_text().strip()) for _ in range(2)]
    assert all(GENERATED.fullmatch(password) and passwords.verify(password, text) for text, password in made)
    assert made[0][1] != made[1][1]


def test_check_mode_writes_nothing(change: Change) -> None:
    begun = change.begin(new_password=NEW, check=True)
    assert begun["changed"]
    assert passwords.verify(NEW, begun["hash"])
    assert change.finish(begun, check=True) == {"changed": True, "proof": rotation.NOT_TRIED._asdict()}
    assert change.kept() == ONLY_OLD
    assert change.server.working(OLD, NEW) == [OLD]


# Where a change is cut short, and what the next run says

STOPS = ["beside", "configured", "restarted", "proven"]
CUT_SHORT = "The last change of the password was cut short:"


@pytest.fixture(params=STOPS)
def stop(request: pytest.FixtureRequest, change: Change, monkeypatch: pytest.MonkeyPatch) -> str:
    """Change the password up to a point at which the controller goes down."""

    def go_down(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    begun = change.begin(new_password=NEW)
    reached = STOPS.index(request.param)
    if reached >= STOPS.index("configured"):
        change.configure(begun)
    if reached >= STOPS.index("restarted"):
        change.server.restart()
    if reached >= STOPS.index("proven"):
        with monkeypatch.context() as patch:
            patch.setattr(passwords, "end_rotation", go_down)
            with pytest.raises(KeyboardInterrupt):
                change.finish(begun)
    # The process that runs has read its configuration before or after.
    assert change.server.working(OLD, NEW) == [NEW if reached >= STOPS.index("restarted") else OLD]
    assert change.kept() == BOTH
    return str(request.param)


def test_cut_short_and_then_up(stop: str, change: Change) -> None:
    which, in_force = ("old", OLD) if stop == "beside" else ("new", NEW)
    configured = change.server.hash()

    predicted = change.settle(check=True)
    assert change.kept() == BOTH
    for result in (predicted, change.up()):
        assert (result["changed"], result["hash"]) == (True, configured)
        assert result["warnings"] == [f"{CUT_SHORT} the {which} one, which is in the file {change.file}, is in force."]

    assert change.server.working(OLD, NEW) == [in_force]
    assert change.kept() == {"jupyter_password": in_force}
    again = change.up()
    assert (again["changed"], again["warnings"]) == (False, [])


def test_cut_short_and_then_changed_once_more(stop: str, change: Change) -> None:
    which, kept = ("old", OLD) if stop == "beside" else ("new", NEW)
    begun = change.begin(new_password=NEWER)
    assert begun["warnings"] == [f"{CUT_SHORT} the {which} one, which is in the file {change.file}, is in force."]
    assert change.kept() == {"jupyter_password": kept, "jupyter_password.new": NEWER}

    change.configure(begun)
    change.server.restart()
    # A login of before is known even where the process had not read its configuration yet.
    assert change.finish(begun)["proof"] == PROVEN
    assert change.server.working(OLD, NEW, NEWER) == [NEWER]
    assert change.kept() == {"jupyter_password": NEWER}


@pytest.mark.parametrize(
    ("options", "stored", "which"),
    [
        ({}, True, "the old one, which is in the file {file},"),
        ({}, False, "the old one, of which only the host has a hash,"),
        ({"current_hash": ""}, False, "one that is generated now, in the file {file},"),
        ({"password": NEWER}, True, "the one in jupyter_password"),
        ({"password_hash": passwords.new_hash(NEWER)}, True, "the one behind jupyter_password_hash"),
    ],
)
def test_what_is_in_force_where_the_host_has_another_password(
    *, options: dict[str, str], stored: bool, which: str, change: Change
) -> None:
    passwords.store(str(change.beside), NEW)
    if not stored:
        change.file.unlink()
    result = change.settle(**({"current_hash": passwords.new_hash("yet another one")} | options))
    assert result["warnings"] == [f"{CUT_SHORT} {which.format(file=change.file)} is in force."]
    assert not change.beside.exists()
    assert change.file.exists() == (stored or "generated" in which)


def test_what_is_refused_leaves_both(change: Change) -> None:
    passwords.store(str(change.beside), NEW)
    assert change.settle(password="short", current_hash=passwords.new_hash(NEW))["failed"]
    assert change.kept() == BOTH


@pytest.mark.parametrize(("function", "password"), [("rename", NEW), ("unlink", OLD)])
def test_what_cannot_be_ended(function: str, password: str, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_leave(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    passwords.store(str(change.beside), NEW)
    monkeypatch.setattr(os, function, no_leave)
    assert change.settle(current_hash=passwords.new_hash(password))["msg"] == (
        f"The password cannot be stored, Permission denied: {change.file}. Make its folder writable for you."
    )


# Before the first change

ANOTHER = "choose another, or set jupyter_password_allow_weak to true."
IN_PUBLIC = ", and Jupyter is to be public: choose another, or take away endpoint_public_url and the tunnel."
UNTYPABLE = "a line break or another control character, which cannot be typed on a login page: remove it."
SPACE = "begins or ends with a space, which Jupyter's login page leaves out: remove it."
NONE_THERE = "Reachable has set up no Jupyter there, or its configuration is damaged: run './reachable up' first."
UNPROVABLE = (
    "Jupyter there cannot prove yet that it is this host's, before it gets a password: run './reachable up' first."
)
PROVERS: list[dict[str, Any]] = [{}, {"Reachable": {}}, {"Reachable": {"proof_key": "short"}}]
WITHOUT_KEY = [json.dumps({"PasswordIdentityProvider": {"hashed_password": "x"}, **each}) for each in PROVERS]
CONFIGURATIONS = ["", "no JSON", "[]", "{}", '{"PasswordIdentityProvider": 1}', '{"PasswordIdentityProvider": {}}']


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"new_password": "eleven-char"}, f"jupyter_new_password is shorter than 12 characters: {ANOTHER}"),
        ({"new_password": "Password1234"}, f"jupyter_new_password is one of the most common passwords: {ANOTHER}"),
        ({"new_password": "x" * 4097}, "jupyter_new_password is longer than 4096 bytes: use a shorter one."),
        ({"new_password": "a tab\tin the middle"}, f"jupyter_new_password has {UNTYPABLE}"),
        ({"new_password": f"{NEW} "}, f"jupyter_new_password {SPACE}"),
        (
            {"new_password": "short", "allow_weak": True, "public": True},
            f"jupyter_new_password is shorter than 12 characters{IN_PUBLIC}",
        ),
        *(({"config": config}, NONE_THERE) for config in CONFIGURATIONS),
        *(({"config": config}, UNPROVABLE) for config in WITHOUT_KEY),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str, change: Change) -> None:
    assert change.begin(**options)["msg"] == message
    assert change.kept() == ONLY_OLD


def test_a_weak_password_that_is_wanted(change: Change) -> None:
    assert passwords.verify("short", change.begin(new_password="short", allow_weak=True)["hash"])


@pytest.fixture
def nowhere() -> dict[str, str]:
    """Return an address at which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return {"name": "nowhere", "url": f"http://127.0.0.1:{listener.getsockname()[1]}/"}


def test_an_address_that_answers_is_used(change: Change, nowhere: dict[str, str]) -> None:
    before = change.begin(endpoints=[nowhere, change.server.endpoint])["before"]
    assert before["endpoint"]["url"] == change.server.endpoint["url"]
    assert [login["password"] for login in before["logins"] if login["cookies"]] == [OLD]


def test_nothing_is_changed_where_jupyter_does_not_answer(change: Change, nowhere: dict[str, str]) -> None:
    port = nowhere["url"].strip("/").rpartition(":")[2]
    assert change.begin(endpoints=[nowhere])["msg"] == (
        f"Nothing listens at 127.0.0.1 port {port}. Start the service with './reachable up'; './reachable status' "
        "shows whether a tunnel's address has changed. The password is not changed."
    )
    assert change.kept() == ONLY_OLD


def test_without_an_address_nothing_is_proven(change: Change) -> None:
    begun = change.begin(endpoints=[], new_password=NEW)
    assert begun["before"] == {"endpoint": None, "logins": [], "proof_key": KEY, "new_hash": begun["hash"]}
    assert change.finish(begun)["proof"] == rotation.NOT_TRIED._asdict()
    assert change.kept() == ONLY_NEW


def test_every_visit_goes_the_way_of_its_address(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = []

    def arrive(url: str, options: examination.Options, route: Route) -> examination.Examination:
        ways.append(route)
        return honest(url, options)

    honest = examination.arrive
    monkeypatch.setattr(examination, "arrive", arrive)
    keys: dict[str, Any] = {"key_file": "key", "host_keys": ["ssh-ed25519 AAAA"]}
    ssh = {"host": "tcp.example", "port": 12345, "user": "tunnel", "target": "127.0.0.1:8888", **keys}
    endpoint = {**change.server.endpoint, "tunnel": True, "ssh": ssh, "own": ["192.0.2.7"], "authority": "PEM"}
    assert rotation.visit(endpoint, 5, KEY, OLD).failed_leg is None
    assert rotation.revisit(endpoint, 5, KEY, {})[0] == 403
    assert ways == [Route(True, ssh_tunnel.Way(**ssh), ("192.0.2.7",), "PEM")] * 2


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({"state": "begun", "config": "{}"}, "state is begun but all of the following are missing: endpoints"),
        ({"state": "finished"}, "state is finished but all of the following are missing: before"),
    ],
)
def test_what_each_end_needs(options: dict[str, str], missing: str, change: Change) -> None:
    assert change.run_action("jupyter_rotation", **options)["msg"] == missing


def test_what_has_not_begun_cannot_be_finished(change: Change) -> None:
    before: dict[str, Any] = {"endpoint": None, "logins": [], "proof_key": KEY, "new_hash": passwords.new_hash(NEW)}
    assert change.finish({"before": before})["msg"] == (
        f"Another run has changed the password meanwhile: the one in the file {change.file} is in force once "
        "'./reachable up' has ended with 0."
    )


def test_what_another_run_has_kept_meanwhile_is_finished(change: Change) -> None:
    begun = change.begin(endpoints=[], new_password=NEW)
    passwords.end_rotation(str(change.file), taken=True)
    assert change.finish(begun)["proof"] == rotation.NOT_TRIED._asdict()
    assert change.kept() == ONLY_NEW


def test_without_passlib(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = sys.modules[action_loader.get("jupyter_rotation", class_only=True).__module__]
    monkeypatch.setattr(plugin, "rotation", None)
    assert change.begin()["msg"].startswith("Failed to import the required Python library (libpass) on ")


OTHER_HOST = "What answers at {url} is the server of another machine, which gets no password."


def test_another_machine_at_the_address_gets_no_password(change: Change) -> None:
    change.server.key = "cd" * 32
    assert change.begin(new_password=NEW)["msg"].startswith(OTHER_HOST.format(**change.server.endpoint))
    assert (change.server.heard, change.kept()) == ([], ONLY_OLD)


def test_another_machine_that_comes_to_the_address_gets_none_either(change: Change) -> None:
    begun = change.begin(new_password=NEW)
    change.server.heard.clear()
    change.server.key = "cd" * 32
    assert change.finish(begun)["msg"].startswith(OTHER_HOST.format(**change.server.endpoint))
    assert (change.server.heard, change.kept()) == ([], BOTH)
    found = rotation.revisit(change.server.endpoint, 5, KEY, {"login": "a secret"})
    assert (found[0], found[1].code) == (None, "other_host")


# The proof


def no_restart(server: Server) -> None:
    """Leave the process as it was."""


def another_process(server: Server) -> None:
    server.hashes.append(server.hash())


def breaks(what: str) -> Callable[[Server], None]:
    def restart(server: Server) -> None:
        server.restart()
        server.breaks = what

    return restart


NEW_IN_FORCE = "The new password is in force, in the file {new}: run './reachable up', which keeps it."
OLD_IN_FORCE = (
    "The old password is in force, in the file {old}, until Jupyter restarts and takes the new one, in the file {new}: "
    "run './reachable up'."
)
BOTH_IN_FORCE = "Both are in force, the old one in the file {old} and the new one in {new}: run './reachable up'."
UNKNOWN = "What the host has now is the hash of the new password, in the file {new}: run './reachable up'."
LOGIN_500 = "The login at {url} does not work: HTTP 500."
STILL_IN = "Whoever was logged in before still is."


@pytest.mark.parametrize(
    ("restart", "sentences"),
    [
        (no_restart, ["The new password is refused.", "The old password still works.", STILL_IN, OLD_IN_FORCE]),
        (another_process, ["The old password still works.", STILL_IN, BOTH_IN_FORCE]),
        (breaks(NEW), [f"The new password does not work: {LOGIN_500}", UNKNOWN]),
        (breaks(OLD), [f"Whether the old password still works is not known: {LOGIN_500}", NEW_IN_FORCE]),
        (breaks("logged in"), ["The new password does not work: The list of files cannot be read: HTTP 500.", UNKNOWN]),
        (breaks("earlier login"), ["Whether logins of before are still good is not known: HTTP 500.", NEW_IN_FORCE]),
        (
            breaks("/api"),
            [
                "{url} answers with an error of the server: HTTP 500.",
                "Restart the service with './reachable up' and look at the log of its service.",
                UNKNOWN,
            ],
        ),
        (
            breaks("/login"),
            [
                "The login page at {url} has no form that takes a password.",
                "Run './reachable up', which configures a login by password.",
                UNKNOWN,
            ],
        ),
    ],
)
def test_what_is_not_proven(restart: Callable[[Server], None], sentences: list[str], change: Change) -> None:
    begun = change.begin(new_password=NEW)
    change.configure(begun)
    restart(change.server)
    places = {"url": change.server.endpoint["url"], "old": change.file, "new": change.beside}
    assert change.finish(begun)["msg"] == " ".join(sentences).format(**places)
    assert change.kept() == BOTH


def test_logins_that_outlive_the_password(change: Change) -> None:
    change.server.signed_by_hash = False
    begun = change.begin(new_password=NEW)
    change.configure(begun)
    change.server.restart()
    assert change.finish(begun)["msg"] == f"{STILL_IN} {NEW_IN_FORCE.format(new=change.beside)}"


def test_a_server_that_takes_a_while(change: Change) -> None:
    begun = change.begin(new_password=NEW)
    change.configure(begun)
    change.server.restart()
    change.server.breaks = "/api"
    threading.Timer(0.5, setattr, (change.server, "breaks", "")).start()
    assert change.finish(begun, wait=5)["proof"] == PROVEN


@pytest.mark.parametrize(
    ("stored", "password", "proof"),
    [
        (None, NEW, {"new_password": "works", "old_password": "not known here", "old_logins": "none known"}),
        ("not what the host has", NEW, {**PROVEN, "old_logins": "none known"}),
        # The same password once more logs everybody out.
        (OLD, OLD, {**PROVEN, "old_password": "not known here"}),
    ],
)
def test_what_is_known_of_before(stored: str | None, password: str, proof: dict[str, str], change: Change) -> None:
    change.file.unlink()
    if stored:
        passwords.store(str(change.file), stored)
    begun = change.begin(new_password=password)
    change.configure(begun)
    change.server.restart()
    assert change.finish(begun)["proof"] == proof


# Jupyter itself


@pytest.fixture
def restart_jupyter(server: Server, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Return a function that starts a real server anew, in place of the other and with its hash."""
    home, port = str(tmp_path / "home"), urllib.parse.urlsplit(server.endpoint["url"]).port
    os.mkdir(home)
    server.shutdown()
    server.server_close()
    command = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", f"--port={port}"]
    command += [f"--notebook-dir={home}", "--ServerApp.terminals_enabled=False", "--IdentityProvider.token="]
    command += [f"--ServerApp.cookie_secret_file={home}/cookie_secret"]
    command += ["--ServerApp.jpserver_extensions={'reachable_proof': True}", f"--Reachable.proof_key={KEY}"]
    environment = os.environ | {"HOME": home, "JUPYTER_RUNTIME_DIR": home, "JUPYTER_NO_CONFIG": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[3] / "roles/jupyter/files")
    processes: list[subprocess.Popen[bytes]] = []

    def stop() -> None:
        for process in processes:
            process.terminate()
            process.wait()

    def restart() -> None:
        stop()
        hashed = f"--PasswordIdentityProvider.hashed_password={server.hash()}"
        processes.append(subprocess.Popen([*command, hashed], env=environment, stderr=subprocess.DEVNULL))
        options = examination.Options(anonymous=True, proof_key=KEY, wait=25)
        assert examination.examine("real", server.endpoint["url"], options)["reachable"]

    restart()
    yield restart
    stop()


@pytest.mark.programs
def test_jupyter_itself(restart_jupyter: Callable[[], None], change: Change) -> None:
    begun = change.begin(new_password=NEW, timeout=30)
    change.configure(begun)
    still_old = OLD_IN_FORCE.format(old=change.file, new=change.beside)
    assert change.finish(begun, timeout=30)["msg"].endswith(f" {STILL_IN} {still_old}")
    restart_jupyter()
    assert change.finish(begun, timeout=30)["proof"] == PROVEN
    # Therefore none with spaces around it is accepted.
    assert change.server.working(OLD, NEW, f" {NEW} ") == [NEW, f" {NEW} "]
