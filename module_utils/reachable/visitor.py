# SPDX-License-Identifier: Apache-2.0
"""One visit to a Jupyter server, leg by leg as an iPad makes it.

The server may be behind a tunnel, whose cloud may answer in its place, or behind an SSH server. The first legs (up to
``login_page``) need only Python's standard library and, for SSH, the program ssh. The last legs, which talk to a
kernel, need the package websocket-client.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import traceback
import urllib.parse
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from . import ngrok, proofs, ssh_tunnel, tls
from .advice import LegError
from .kernel_messages import execute_request, read_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .waiting import Clock

WEBSOCKET_ERROR: str | None = None
try:
    import websocket
except ImportError:
    WEBSOCKET_ERROR = traceback.format_exc()


# The system tries at 0, 1 and 3 seconds. A connection that is not open after the third try will not open at all.
CONNECT_SECONDS = 5.0
RETRY_SECONDS = 0.25
MOST_REDIRECTS = 5
REDIRECTS = {http.HTTPStatus.MOVED_PERMANENTLY, http.HTTPStatus.FOUND, http.HTTPStatus.TEMPORARY_REDIRECT}
LONGEST_BODY_BYTES = 16 * 1024 * 1024

# The headers of a browser on an iPad, by which ngrok decides whether to show its interstitial page.
SAFARI = {
    "User-Agent": "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
}
INTERSTITIAL = "ERR_NGROK_6024"
INTERSTITIAL_DETAIL = (
    'once a week ngrok shows browsers a page with the button "Visit Site", over which Juno may stumble; a paid plan '
    "or ngrok_transport tcp or ssh takes it away"
)


class Route(NamedTuple):
    """What is special about the way to one address.

    ``own`` are the IP addresses of the machine, if the address leads straight to it. ``authority`` is the certificate
    of an authority that counts there beside the system's, in PEM; ``certificate_name`` the name that the server's
    certificate must have where the address is not it, as on the machine's own loopback.
    """

    tunnel: bool = False
    ssh: ssh_tunnel.Way | None = None
    own: tuple[str, ...] = ()
    authority: str = ""
    certificate_name: str = ""


DIRECT = Route()


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON, or an empty dict if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    @property
    def seen(self) -> str:
        """The answer in short: its status, the server, and Jupyter's own words about an error."""
        server = self.headers.get("Server", "a server without a name")
        message = self.json.get("message") if isinstance(self.json, dict) else None
        return f"HTTP {self.status} from {server}" + (f": {message}" if message else "")


class Connection(http.client.HTTPConnection):
    """An HTTP connection that opens its socket by ``dial`` and keeps it for the next request."""

    def __init__(self, dial: Callable[[], socket.socket]) -> None:
        """Keep ``dial``; the Host header is always given, so this class needs no host of its own."""
        super().__init__("unused")
        self.dial = dial

    def connect(self) -> None:
        """Open the socket."""
        self.sock = self.dial()


class Visitor:
    """One visit to one address, with its open connections and what is known so far.

    Each leg is a method that returns what it saw, or raises LegError or an error of a library. ``close`` closes
    everything. No proxy is used, because addresses in a LAN are not behind one.
    """

    def __init__(
        self,
        url: str,
        password: str | None,
        end: float,
        clock: Clock,
        *,
        route: Route = DIRECT,
        proof_key: str | None = None,
    ) -> None:
        """Split the address into its parts; ``end`` is the time on ``clock`` after which nothing may block."""
        try:
            parts = urllib.parse.urlsplit(url if url.endswith("/") else f"{url}/")
            port = parts.port
        except ValueError:  # of the port or of an IPv6 address; find_name reports it
            parts, port = urllib.parse.urlsplit(""), None
        default = {"http": 80, "https": 443}.get(parts.scheme)
        self.scheme = parts.scheme
        self.host = parts.hostname or ""
        self.port = port or default
        self.netloc = f"[{self.host}]" if ":" in self.host else self.host
        if self.port != default:
            self.netloc += f":{self.port}"
        self.base = parts.path
        ssh = route.ssh
        self.ssh = ssh_tunnel.Dialler(ssh) if ssh else None
        # The host and the port to which the TCP connection goes.
        self.peer_host: str = ssh.host if ssh else self.host
        self.peer_port: int | None = ssh.port if ssh else self.port
        self.tunnel = route.tunnel
        self.interstitial = False
        # With this header, ngrok leaves out its interstitial page.
        self.marks = {"ngrok-skip-browser-warning": "1"} if route.tunnel else {}
        self.own = {proofs.plain(each) for each in route.own}
        self.authority = route.authority
        self.certificate_name = route.certificate_name or self.host
        self.certificate: tls.Certificate | None = None
        self.proof_key = proof_key
        self.is_proven = False
        self.password = password
        self.end = end
        self.clock = clock
        self.http = Connection(self.dial)
        self.addresses: list[Any] = []
        self.cookies: dict[str, str] = {}
        self.version: str | None = None
        self.offers_token = False
        self.busy_kernels: int | None = None
        self.kernel_id: str | None = None
        self.channels: Any = None

    @property
    def origin(self) -> str:
        """The Origin header that a browser sends to this address."""
        return f"{self.scheme}://{self.netloc}"

    def left(self) -> float:
        """Return the seconds until the end; raise TimeoutError when there are none."""
        seconds = self.end - self.clock.monotonic()
        if seconds <= 0:
            raise TimeoutError("there was no time left")
        return seconds

    def connect(self) -> socket.socket:
        """Connect to the first address that takes a connection, and forget those that do not."""
        while True:
            family, kind, protocol, _, address = self.addresses[0]
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(min(CONNECT_SECONDS, self.left()))
                connection.connect(address)
            except OSError:
                connection.close()
                if len(self.addresses) == 1:
                    raise
                del self.addresses[0]
            else:
                return connection

    def reach(self) -> socket.socket:
        """Open a connection to Jupyter's port."""
        if not self.ssh:
            return self.connect()
        channel: socket.socket = self.ssh.dial(min(2 * CONNECT_SECONDS, self.left()))
        channel.settimeout(self.left())
        return channel

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """Whose certificates count."""
        return tls.trusting(self.authority)

    def encrypt(self, connection: socket.socket) -> ssl.SSLSocket:
        """Verify the server's certificate and encrypt the connection."""
        return tls.encrypt(connection, self.trust, self.certificate_name)

    def dial(self) -> socket.socket:
        """Open a connection on which HTTP can be spoken."""
        connection = self.reach()
        connection = self.encrypt(connection) if self.scheme == "https" else connection
        connection.settimeout(self.left())
        return connection

    def request(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """Send one request as a browser on this site does. Redirects are not followed."""
        if self.is_proven:
            self.ensure_proof()
        headers |= self.own_headers
        if method != "GET":
            headers["Origin"] = self.origin
        if self.cookies:
            headers["Cookie"] = self.cookie_header
        answer = self.send(method, path, body, headers)
        # As browsers do (RFC 6265, section 5.2). http.cookies loses a whole line at an attribute that is new to it.
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value.strip()
        return answer

    @property
    def own_headers(self) -> dict[str, str]:
        """The headers of every request, about the address and this program."""
        return {"Host": self.netloc, "User-Agent": "reachable-doctor", **self.marks}

    def send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        """Send one request on the connection that is open, or on a new one."""
        if self.http.sock:
            self.http.sock.settimeout(self.left())
        self.http.request(method, self.base + path, body, headers)
        response = self.http.getresponse()
        answer = Answer(response.status, response.headers, response.read(LONGEST_BODY_BYTES))
        if not response.isclosed():
            self.http.close()
        return answer

    @property
    def cookie_header(self) -> str:
        """The cookies that the server has set."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def speaks_http(self) -> bool:
        """Tell whether the server answers to plain HTTP."""
        try:
            with self.reach() as connection:
                connection.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
                return connection.recv(5) == b"HTTP/"
        except OSError:
            return False

    def speaks_tls(self) -> bool:
        """Tell whether the server answers to TLS, whatever its certificate is."""
        try:
            with tls.encrypt(self.reach(), tls.trusting_anybody(), self.certificate_name):
                return True
        except OSError:
            return False

    def find_name(self) -> str:
        """Resolve the host name."""
        if self.scheme not in ("http", "https") or not self.host:
            raise LegError("bad_url", "it needs http or https, a host, and a port that is a number up to 65535")
        try:
            self.addresses = socket.getaddrinfo(self.peer_host, self.peer_port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise LegError("name_silent", error) from error
            code = "mdns_unknown" if self.peer_host.endswith(".local") else "name_unknown"
            raise LegError(code, error) from error
        found = ", ".join(dict.fromkeys(str(entry[4][0]) for entry in self.addresses))
        # Machines announce their own names in .local, and two machines may announce the same one.
        if self.own and self.host.endswith(".local") and not all(map(self.is_own, self.addresses)):
            raise LegError("name_shared", found)
        try:
            ipaddress.ip_address(self.peer_host)
        except ValueError:
            return found
        return "literal address"

    def is_own(self, entry: Any) -> bool:
        """Tell whether a resolved address is one of the machine's own."""
        return proofs.plain(entry[4][0]) in self.own

    def open_connection(self) -> str:
        """Connect by TCP."""
        self.http.sock = self.connect()
        return f"{self.addresses[0][4][0]} port {self.peer_port}"

    def open_ssh(self) -> str:
        """Log in by SSH and forward Jupyter's port. Only an answer of Jupyter proves that both have worked."""
        with self.http.sock as connection:
            self.hear_ssh(connection)
        ssh: Any = self.ssh
        facts = ssh.way._asdict()
        try:
            with self.reach() as channel:
                channel.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
                channel.settimeout(min(3 * CONNECT_SECONDS, self.left()))
                answered = channel.recv(1) != b""
        except FileNotFoundError as error:
            raise LegError("no_ssh", error) from error
        except ConnectionError:
            answered = False
        except TimeoutError:  # the server behind it does not answer, which the next leg reports
            answered = True
        words = None if answered else ssh.last_words()
        if words is not None:
            code, line = ssh_tunnel.diagnose(words)
            raise LegError(code, line, **facts)
        self.http.sock = self.reach()
        return f"{ssh.way.user} is forwarded to {ssh.way.target}"

    def hear_ssh(self, connection: socket.socket) -> None:
        """Listen to the SSH server's greeting, because ssh's own message about another kind of server does not help."""
        connection.settimeout(min(CONNECT_SECONDS, self.left()))
        try:
            words = ssh_tunnel.first_words(connection)
        except TimeoutError as error:
            raise LegError("not_ssh", "it waits instead of greeting") from error
        if not words:
            raise LegError("ssh_hung_up", "it closed the connection")
        if not ssh_tunnel.is_greeting(words):
            raise LegError("not_ssh", words.decode(errors="replace"))

    def check_certificate(self) -> str:
        """Encrypt the connection and verify that the server has a certificate for this name."""
        trust = self.trust  # read before anything is blamed on the server
        try:
            self.http.sock = secure = tls.encrypt(self.http.sock, trust, self.certificate_name)
        except ssl.SSLCertVerificationError as error:
            raise self.blame_certificate(error) from error
        except OSError as error:
            if self.speaks_http():
                raise LegError("http_expected", error) from error
            if isinstance(error, ssl.SSLError):
                raise LegError(tls.judge(error, None, self.clock.time()), error) from error
            raise
        self.certificate = found = tls.certificate_of(secure)
        days = (found.end - self.clock.time()) // tls.DAY
        if found.is_too_long:
            raise LegError("too_long", f"{days:.0f} days left", days=round((found.end - found.begin) / tls.DAY))
        return f"{secure.version()}, certificate by {found.issuer}, {days:.0f} days left"

    def blame_certificate(self, error: ssl.SSLCertVerificationError) -> LegError:
        """Say what is wrong with a certificate that was refused."""
        now = self.clock.time()
        seen = tls.look(self.reach, self.certificate_name, self.netloc)
        code = tls.judge(error, seen, now, has_authority=bool(self.authority))
        facts = tls.facts(seen, now)
        return LegError(code, error.verify_message, host=self.certificate_name, reason=error.verify_message, **facts)

    def find_jupyter(self) -> str:
        """Ask Jupyter for its version, which needs no login."""
        try:
            answer = self.request("GET", "api")
        except (ConnectionError, http.client.HTTPException) as error:
            self.refuse_tls(error)
            if isinstance(error, ConnectionError):
                raise
            raise LegError("not_jupyter", f"no HTTP: {error}") from error
        status, seen = answer.status, answer.seen
        if status == http.HTTPStatus.OK and isinstance(answer.json, dict) and answer.json.get("version"):
            self.version = str(answer.json["version"])
            self.compare_clocks(answer)
            return f"Jupyter Server {self.version}"
        self.refuse_tunnel(answer)
        if status in range(300, 400):
            location = answer.headers.get("Location") or ""
            raise LegError("https_expected" if self.leads_to_https(location) else "redirected", seen, location=location)
        if status in range(500, 600):
            raise LegError("broken", seen, status=status)
        if status == http.HTTPStatus.FORBIDDEN and "Tornado" in answer.headers.get("Server", ""):
            raise LegError("host_refused", seen)
        if status in (401, 403, 407):
            raise LegError("gate", seen, status=status)
        if status == http.HTTPStatus.BAD_REQUEST:
            self.refuse_tls(seen)
        raise LegError("not_jupyter", seen)

    def leads_to_https(self, location: str) -> bool:
        """Tell whether a redirect leads from plain http to https on the same machine."""
        try:
            parts = urllib.parse.urlsplit(location)
        except ValueError:
            return False
        return (self.scheme, parts.scheme, parts.hostname) == ("http", "https", self.host)

    def compare_clocks(self, answer: Answer) -> None:
        """Raise LegError if the certificate is not valid by the server's own clock."""
        here, there = self.clock.time(), tls.clock_of(answer.headers.get("Date"))
        if self.certificate and tls.are_clocks_apart(self.certificate, here, there):
            facts = tls.facts(tls.Look(self.certificate, there), here)
            raise LegError("wrong_clock", answer.headers["Date"], **facts)

    def refuse_tunnel(self, answer: Answer) -> None:
        """Raise LegError if the tunnel has answered in place of Jupyter."""
        code = ngrok_code(answer)
        if code:
            advice = ngrok.explain(code)
            kind = "tunnel_starting" if advice.heals else "tunnel"
            raise LegError(kind, answer.seen, ngrok=code, meaning=advice.meaning, fix=advice.fix)

    def find_interstitial(self) -> str:
        """Open the login page as Safari does the first time, and see whether ngrok shows its own page instead."""
        answer = self.send("GET", "login", None, {"Host": self.netloc, **SAFARI})
        self.interstitial = ngrok_code(answer) == INTERSTITIAL
        if self.interstitial:
            return INTERSTITIAL_DETAIL
        self.refuse_tunnel(answer)
        return "browsers get to Jupyter directly"

    def refuse_tls(self, seen: object) -> None:
        """Raise LegError if a plain request failed because the server expects TLS."""
        if self.scheme == "http" and self.speaks_tls():
            raise LegError("https_expected", seen)

    def open_login_page(self) -> str:
        """Check that the files need a login, and open the login page."""
        if self.request("GET", "api/contents?content=0").status == http.HTTPStatus.OK:
            raise LegError("open", "the list of files is there without a login")
        answer = self.request("GET", "login")
        if answer.status != http.HTTPStatus.OK or b'name="password"' not in answer.body or "_xsrf" not in self.cookies:
            raise LegError("no_form", answer.seen)
        self.offers_token = b"Token authentication is enabled" in answer.body
        return "asks for the password or a token" if self.offers_token else "asks for the password"

    def prove(self) -> str:
        """Make the server prove that it is this host's."""
        if not self.proof_key:
            raise LegError("unproven", "the host has no key that could prove it")
        self.is_proven = False
        challenge = proofs.new_challenge()
        answer = self.send("GET", f"{proofs.PATH}?challenge={challenge}", None, self.own_headers)
        self.refuse_tunnel(answer)
        if answer.status != http.HTTPStatus.OK or not isinstance(answer.json, dict) or "host" not in answer.json:
            raise LegError("unproven", answer.seen)
        # Only on a direct connection does the server see the same address; anything in between may change it.
        is_direct = not self.ssh and self.is_own(self.addresses[0])
        place = (self.addresses[0][4][0], self.addresses[0][4][1]) if is_direct else None
        if not proofs.is_proven(answer.json, self.proof_key, challenge, place):
            raise LegError("other_host", "its answer to the challenge is wrong")
        self.is_proven = True
        del self.addresses[1:]
        return "is this host's, and was reached directly" if is_direct else "is this host's"

    def ensure_proof(self) -> None:
        """Make the server prove itself, unless it has done so on the connection that is open."""
        if not (self.is_proven and self.http.sock):
            self.prove()

    def log_in(self) -> str:
        """Send the login form."""
        self.ensure_proof()
        before = set(self.cookies)
        form = urllib.parse.urlencode({"_xsrf": self.cookies["_xsrf"], "password": self.password})
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            proofs.INTRODUCTION: proofs.introduction(str(self.proof_key)),
        }
        answer = self.request("POST", "login", form, **headers)
        status, seen = answer.status, answer.seen
        if status == http.HTTPStatus.FOUND and set(self.cookies) > before:
            return "logged in"
        if status == http.HTTPStatus.UNAUTHORIZED:
            raise LegError("token_only" if self.offers_token else "wrong_password", seen)
        if status == http.HTTPStatus.FORBIDDEN:
            raise LegError("login_forbidden", seen)
        if status == http.HTTPStatus.NOT_FOUND:  # Jupyter's answer if Origin and Host differ
            raise LegError("host_rewritten", seen)
        if status == http.HTTPStatus.TOO_MANY_REQUESTS:
            raise LegError("throttled", seen, seconds=answer.headers.get("Retry-After", "60"))
        raise LegError("login_broken", seen, status=status)

    def list_contents(self) -> str:
        """List the notebook folder."""
        answer = self.request("GET", "api/contents")
        if answer.status != http.HTTPStatus.OK:
            raise LegError("no_contents", answer.seen, status=answer.status)
        return f"{len(answer.json['content'])} entries"

    def open_page(self) -> str:
        """Open the page with which a visit begins, wherever Jupyter leads from its own address."""
        path = ""
        for _ in range(MOST_REDIRECTS):
            answer = self.request("GET", path)
            target = urllib.parse.urljoin(f"{self.base}{path}", answer.headers.get("Location", ""))
            if answer.status not in REDIRECTS or not target.startswith(self.base):
                break
            path = target[len(self.base) :]
        place = f"{self.base}{path.partition('?')[0]}"
        if answer.status != http.HTTPStatus.OK or path.startswith("login"):
            raise LegError("no_page", f"{place}: {answer.seen}", seen=f"{place}, HTTP {answer.status}")
        return place

    def start_kernel(self) -> str:
        """Count the busy kernels, and start a kernel of the default kind."""
        running = self.request("GET", "api/kernels")
        if running.status == http.HTTPStatus.OK:
            self.busy_kernels = sum(kernel["execution_state"] == "busy" for kernel in running.json)
        answer = self.request("POST", "api/kernels", "{}", **{"X-XSRFToken": self.cookies["_xsrf"]})
        if answer.status != http.HTTPStatus.CREATED:
            raise LegError("kernel_refused", answer.seen, status=answer.status)
        self.kernel_id = answer.json["id"]
        return str(answer.json["name"])

    def open_channels(self) -> str:
        """Open the WebSocket to the kernel."""
        path = f"{self.netloc}{self.base}api/kernels/{self.kernel_id}/channels"
        self.channels = websocket.WebSocket()
        try:
            self.channels.connect(
                f"{self.scheme.replace('http', 'ws')}://{path}",
                socket=self.proven_connection(),
                host=self.netloc,
                origin=self.origin,
                cookie=self.cookie_header,
                header=self.marks,
                redirect_limit=0,
                timeout=self.left(),
            )
        except websocket.WebSocketBadStatusException as error:
            code = "websocket_refused" if error.status_code == http.HTTPStatus.FORBIDDEN else "websocket_blocked"
            # The text of this exception contains the answer's headers with its cookies.
            raise LegError(code, f"HTTP {error.status_code}") from None
        except websocket.WebSocketException as error:
            raise LegError("websocket_blocked", error) from error
        return "open"

    def proven_connection(self) -> socket.socket:
        """Open a connection on which the server has proved itself, because the login cookie is sent on it."""
        self.http.close()
        self.prove()
        connection, self.http.sock = self.http.sock, None
        return connection or self.dial()

    def calculate(self) -> str:
        """Run a calculation in the kernel."""
        request = execute_request("1+1")
        try:
            self.channels.send(json.dumps(request))
            answer = read_answer(self.messages(), request["header"]["msg_id"])
        except websocket.WebSocketException as error:
            raise LegError("kernel_mute", error) from error
        if answer != "2":
            raise LegError("wrong_answer", answer)
        return "1+1 is 2"

    def messages(self) -> Iterator[dict[str, Any]]:
        """Receive the kernel's messages until the connection is closed."""
        while True:
            self.channels.settimeout(self.left())
            frame = self.channels.recv()
            if not frame:
                return
            if isinstance(frame, str):  # messages with binary buffers are not about a calculation
                yield json.loads(frame)

    def stop_kernel(self) -> str:
        """Stop the kernel. The login needs no cleanup: it is only a cookie, which the server does not remember."""
        self.close()  # the old connection may be in the middle of a request
        while True:
            answer = self.request("DELETE", f"api/kernels/{self.kernel_id}", **{"X-XSRFToken": self.cookies["_xsrf"]})
            if answer.status == http.HTTPStatus.NO_CONTENT:
                return "the kernel is stopped"
            # Jupyter answers 500 while it restarts the kernel.
            if answer.status < http.HTTPStatus.INTERNAL_SERVER_ERROR or self.left() < 2 * RETRY_SECONDS:
                raise LegError("kernel_left", answer.seen)
            self.clock.sleep(RETRY_SECONDS)

    def close(self) -> None:
        """Close all connections."""
        if self.channels:
            self.channels.shutdown()
        self.http.close()
        if self.ssh:
            self.ssh.close()


def ngrok_code(answer: Answer) -> str | None:
    """Return the code with which ngrok answers in place of the server behind it."""
    found = ngrok.CODE.search(f"{answer.headers.get('Ngrok-Error-Code')} {answer.body!r}")
    return found[0] if found else None
