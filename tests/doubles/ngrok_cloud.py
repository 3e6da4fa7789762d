#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for ngrok's cloud, for tests with the real agent: python3 ngrok_cloud.py --help.

Agents 2.x log in at it, open http and tcp endpoints and carry what visitors send. One file, Python 3.11, no packages.
When it is ready it prints its ports as one line of JSON; its log, which has no authtoken in it, goes to stderr.

What the agent speaks is muxado, as ngrok's Go library (MIT licence) publishes it, seen again on the wire of agent
2.3.41: frames of u32 (length << 8 | type << 4 | flags), u32 stream and payload, big-endian; streams of the client are
odd, those of the server even; each side may send 256 KiB on a stream before the other grants more with WNDINC. A
stream begins with a u32, the type of the request. Auth, Bind, Unbind and SrvInfo (from the agent) and Restart (to it)
are one JSON document each way. A Proxy stream (to the agent) has a header, its length before it as little-endian
i64, and then a visitor's bytes. On the heartbeat stream each u32 is sent back.

An agent that reconnects asks for the addresses that it had, and it gets them. It never notices another one: agent
2.3.41 goes on listing what it was given first. So there are two ways to a new address: a restart, which the agent
notices, and a cloud that forgets, after which the agent's own list is wrong.

The control interface answers with JSON:

    GET  /state                        sessions (by a hash of the authtoken), endpoints, counts and switches
    POST /refuse {"auth": 107}         refuse logins, with 105, 107, 108 or 121; {"bind": 334} refuses all endpoints,
                                       307 and 8013 those for tcp; {} ends it
    POST /outage {"on": true}          listen nowhere and drop everybody, until {"on": false}
    POST /drop {}                      drop all sessions, or {"session": ID}
    POST /restart {}                   tell all agents (or {"session": ID}) to restart, as the owner of an account can
    POST /forget {"on": true}          give agents that reconnect new addresses where they did not ask for one by name
    POST /interstitial {"on": true}    show browsers the page of the free plan first
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import hashlib
import html
import itertools
import json
import logging
import secrets
import signal
import ssl
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

log = logging.getLogger("cloud")

RST, DATA, WNDINC, GOAWAY = range(4)
FIN, SYN = 1, 2
AUTH, BIND, UNBIND, PROXY, RESTART, SRV_INFO, HEARTBEAT = 0, 1, 2, 3, 4, 8, 0xFFFFFFFF
FLOW_CONTROL_ERROR, STREAM_CLOSED, STREAM_CANCELLED = 3, 4, 6

WINDOW_BYTES = 256 * 1024
CHUNK_BYTES = 16 * 1024
# Of an agent that has not logged in yet; then its own interval and tolerance of heartbeats count.
PATIENCE_SECONDS = 25.0
NANOSECONDS = 1e9
# How long a request may still arrive when its answer is there already.
UPLOAD_SECONDS = 0.1
DEFAULT_PORTS = {"http": 80, "https": 443}

# What the cloud says, shortened, in the form in which it arrives at agents and visitors.
TEXTS = {
    105: "The authtoken you specified does not look like a proper ngrok tunnel authtoken.\n"
    "Your authtoken: {authtoken}\n"
    "Instructions to install your authtoken are on your ngrok dashboard:\nhttps://dashboard.ngrok.com/",
    107: "The authtoken you specified is properly formed, but it is invalid.\n"
    "Your authtoken: {authtoken}\n"
    "This usually happens when:\n    - You reset your authtoken\n"
    "Go to your ngrok dashboard and double check that your authtoken is correct:\nhttps://dashboard.ngrok.com/",
    108: "Your account is limited to 1 simultaneous ngrok agent sessions.\n"
    "You can run multiple simultaneous tunnels from a single agent session.",
    121: 'Your ngrok-agent version "{version}" is too old. The minimum supported agent version for your account is '
    '"3.20.0". Please update to a newer version with `ngrok update`.',
    307: "You must reserve an address for your account before it can be bound.\nFailed to bind the address '{name}'.",
    334: "The endpoint '{url}' is already online. Either\n1. stop your existing endpoint first, or\n"
    "2. start both endpoints with `--pooling-enabled` to load balance between them.",
    3004: "ngrok gateway error\nThe server returned an invalid or incomplete HTTP response.",
    3200: "The endpoint {name} is offline.",
    6024: "You are about to visit {name}, served by a person who uses a free ngrok account.",
    8012: "Traffic was successfully tunneled to the ngrok agent, but the agent failed to establish a connection to the "
    "upstream web service.",
    8013: "You must add a credit or debit card before you can use TCP endpoints on a free account.",
}
TCP_ONLY = (307, 8013)
REFUSALS = {"auth": (105, 107, 108, 121), "bind": (334, *TCP_ONLY)}
STATUS = {3004: "502 Bad Gateway", 3200: "404 Not Found", 6024: "200 OK", 8012: "502 Bad Gateway"}
REDIRECT = "307 Temporary Redirect"

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection"}
FORWARDED = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}
SKIP_HEADER, SKIP_COOKIE = "ngrok-skip-browser-warning", "abuse_interstitial"
# Agent 2.x answers so itself, where newer ones let the cloud say ERR_NGROK_8012. No other server sends so little.
AGENTS_OWN_502 = ("HTTP/1.1 502 Bad Gateway", ["content-length", "connection", "content-type"])

# What a connection that breaks off raises, or one on which something else is spoken.
BROKEN = (OSError, EOFError, ValueError, LookupError, asyncio.LimitOverrunError)


def quietly(serve: Serve) -> Serve:
    """Let a connection that breaks off, or is there when the program ends, be nothing to complain of."""

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*BROKEN, asyncio.CancelledError):
            await serve(reader, writer)
        writer.close()

    return run


class RefusedError(Exception):
    """The cloud refuses a login or an endpoint."""

    def __init__(self, code: int, **known: object) -> None:
        """Make the text for a code."""
        super().__init__(text_of(code, **known))
        self.code = code


def text_of(code: int, **known: object) -> str:
    """Return what the cloud says with a code."""
    return f"{TEXTS[code].format(**known)}\r\n\r\nERR_NGROK_{code}\r\n"


class Stream:
    """One stream of a session, with flow control both ways."""

    def __init__(self, session: Session, number: int, opening: int = 0) -> None:
        """Begin; ``opening`` is SYN where this side opens it."""
        self.session = session
        self.number = number
        self.flags = opening
        self.inbox = asyncio.StreamReader(limit=WINDOW_BYTES)
        self.outbound = self.inbound = WINDOW_BYTES
        self.changed = asyncio.Event()
        self.finished = self.ended = self.broken = False

    async def read(self, most: int = CHUNK_BYTES, /) -> bytes:
        """Return some bytes; none at the end."""
        return self.grant(await self.inbox.read(most))

    async def readuntil(self, separator: bytes, /) -> bytes:
        """Return what comes up to the separator, with it."""
        return self.grant(await self.inbox.readuntil(separator))

    async def readexactly(self, count: int) -> bytes:
        """Return this many bytes."""
        return self.grant(await self.inbox.readexactly(count))

    def grant(self, data: bytes) -> bytes:
        """Let the other side send as much again as was taken."""
        if data and not self.broken:
            self.inbound += len(data)
            self.session.post(WNDINC, self.number, struct.pack(">I", len(data)))
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes as the other side has room for them."""
        rest = memoryview(data)
        while rest:
            while self.outbound <= 0 and not self.broken:
                self.changed.clear()
                await self.changed.wait()
            if self.broken:
                raise ConnectionResetError("the stream was reset")
            piece = rest[: min(self.outbound, CHUNK_BYTES)]
            rest = rest[len(piece) :]
            self.outbound -= len(piece)
            flags, self.flags = self.flags, 0
            self.session.post(DATA, self.number, bytes(piece), flags)
            await self.session.writer.drain()

    def finish(self) -> None:
        """Say that nothing more will be sent."""
        if not self.finished and not self.broken:
            self.finished = True
            self.session.post(DATA, self.number, flags=FIN | self.flags)

    def close(self) -> None:
        """Send no more and take no more."""
        self.finish()
        self.session.streams.pop(self.number, None)

    def reset(self, code: int = STREAM_CANCELLED) -> None:
        """Tear the stream down at both ends."""
        if not self.broken and self.number in self.session.streams:
            self.session.post(RST, self.number, struct.pack(">I", code))
        self.break_off()

    def break_off(self) -> None:
        """Let whoever waits for this stream know that it is gone. What came before the end can still be read."""
        self.broken = True
        self.changed.set()
        if not self.ended:
            self.inbox.set_exception(ConnectionResetError("the stream was reset"))
        self.session.streams.pop(self.number, None)

    def take(self, payload: bytes, end: bool) -> None:
        """Take in what the other side sent."""
        self.inbound -= len(payload)
        if self.ended or self.inbound < 0:
            self.reset(STREAM_CLOSED if self.ended else FLOW_CONTROL_ERROR)
            return
        self.inbox.feed_data(payload)
        if end:
            self.ended = True
            self.inbox.feed_eof()

    def widen(self, count: int) -> None:
        """Take in that the other side has room for more."""
        self.outbound += count
        self.changed.set()


class Session:
    """One connection of an agent."""

    def __init__(self, cloud: Cloud, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin with an agent that has not logged in."""
        self.cloud = cloud
        self.reader = reader
        self.writer = writer
        self.streams: dict[int, Stream] = {}
        self.numbers = itertools.count(2, 2)
        self.tasks: set[asyncio.Task[None]] = set()
        self.patience = PATIENCE_SECONDS
        self.id = ""
        self.account = ""
        self.client_version = ""

    def post(self, kind: int, number: int, payload: bytes = b"", flags: int = 0) -> None:
        """Put one frame on its way."""
        self.writer.write(struct.pack(">II", len(payload) << 8 | kind << 4 | flags, number) + payload)

    async def run(self) -> None:
        """Take in frames until the agent goes away, or is silent for too long."""
        try:
            while True:
                async with asyncio.timeout(self.patience):
                    first, number = struct.unpack(">II", await self.reader.readexactly(8))
                    payload = await self.reader.readexactly(first >> 8)
                if first >> 4 & 15 == GOAWAY:
                    break
                self.take(first >> 4 & 15, number, payload, first & 15)
        finally:
            self.cloud.leave(self)
            for stream in [*self.streams.values()]:
                stream.break_off()

    def take(self, kind: int, number: int, payload: bytes, flags: int) -> None:
        """Hand one frame to its stream."""
        stream = self.streams.get(number)
        if stream is None and kind == DATA and flags & SYN:
            stream = self.streams[number] = Stream(self, number)
            task = asyncio.create_task(self.serve(stream))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        if stream is None:
            if kind == DATA and payload:
                self.post(RST, number, struct.pack(">I", STREAM_CLOSED))
        elif kind == DATA:
            stream.take(payload, bool(flags & FIN))
        elif kind == WNDINC:
            stream.widen(int.from_bytes(payload, "big"))
        elif kind == RST:
            stream.break_off()

    async def serve(self, stream: Stream) -> None:
        """Answer what the agent asks on a stream of its own."""
        answers = {AUTH: self.log_in, BIND: self.bind, UNBIND: self.unbind, SRV_INFO: self.tell}
        try:
            kind = int.from_bytes(await stream.readexactly(4), "big")
            while kind == HEARTBEAT:
                await stream.write(await stream.readexactly(4))
            answer = await answers[kind](json.loads(await stream.readuntil(b"\n")))
            await stream.write(json.dumps(answer).encode() + b"\n")
            stream.close()
        except BROKEN:
            stream.reset()

    async def log_in(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer an Auth request."""
        extra = request["Extra"]
        self.patience = (extra["HeartbeatInterval"] + extra["HeartbeatTolerance"]) / NANOSECONDS or PATIENCE_SECONDS
        self.client_version = extra["Version"]
        self.account = hashlib.sha256(extra["Authtoken"].encode()).hexdigest()[:12]
        self.id = request["ClientId"] or secrets.token_hex(16)
        error = ""
        if code := self.cloud.refuse.get("auth"):
            error = text_of(code, authtoken=extra["Authtoken"], version=self.client_version)
            self.cloud.note("refused_logins", "login of account %s refused with %s", self.account, code)
        else:
            self.cloud.join(self)
        told = {"Version": "prod", "Region": "us", "Cookie": "cookie", "AccountName": "Test", "PlanName": "Free"}
        answer = {"Version": request["Version"][0], "ClientId": self.id, "Error": error}
        return answer | {"Extra": told | {"SessionDuration": 0, "Banner": ""}}

    async def bind(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer a Bind request. Its token comes back at the next one and tells who chose the address."""
        options, proto = request["Opts"], request["Proto"]
        chosen = any(options.get(name) for name in ("Hostname", "Subdomain", "Addr"))
        token = request["Extra"].get("Token") or ("agent" if chosen else "cloud")
        answer = request | {"Id": request["Id"] or secrets.token_hex(16), "URL": "", "Error": ""}
        try:
            endpoint = await self.cloud.bind(self, answer["Id"], proto, options, token == "cloud")
        except RefusedError as refusal:
            self.cloud.note("refused_endpoints", "%s endpoint refused with %s", proto, refusal.code)
            return answer | {"Error": str(refusal)}
        where = "Addr" if proto == "tcp" else "Hostname"
        return answer | {"URL": endpoint.url, "Opts": options | {where: endpoint.name}, "Extra": {"Token": token}}

    async def unbind(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer an Unbind request."""
        self.cloud.close_endpoints(lambda endpoint: endpoint.session is self and endpoint.id == request["Id"])
        return {"Error": "", "Extra": None}

    async def tell(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Answer a SrvInfo request."""
        return {"Region": "us"}

    async def open(self, kind: int, payload: bytes) -> Stream:
        """Open a stream to the agent."""
        number = next(self.numbers)
        stream = self.streams[number] = Stream(self, number, SYN)
        await stream.write(struct.pack(">I", kind) + payload)
        return stream

    async def restart(self) -> None:
        """Tell the agent to restart. It then asks for its endpoints as if for the first time."""
        stream = await self.open(RESTART, b"{}\n")
        async with asyncio.timeout(self.patience):
            await stream.read()
        stream.close()

    def drop(self) -> None:
        """Hang up."""
        self.writer.transport.abort()


@dataclass
class Endpoint:
    """An address that is online."""

    id: str
    proto: str
    name: str
    url: str
    session: Session
    since: float
    server: asyncio.Server | None = None
    visits: int = 0

    async def open(self, peer: tuple[str, int]) -> Stream:
        """Tell the agent of a visitor and return the stream that leads there."""
        self.visits += 1
        client = {"Id": self.id, "ClientAddr": f"{peer[0]}:{peer[1]}", "Proto": self.proto}
        header = json.dumps(client | {"EdgeType": "0", "PassthroughTLS": False}).encode()
        return await self.session.open(PROXY, struct.pack("<q", len(header)) + header)


class Cloud:
    """Everything that is shared: sessions, endpoints, listeners and the switches of the control interface."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Start with nobody there."""
        self.options = options
        self.sessions: dict[str, Session] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.refuse: dict[str, int] = {}
        self.switches = {"interstitial": options.interstitial, "forget": False}
        self.counts: collections.Counter[str] = collections.Counter()
        self.ports = {"agent": options.agent_port, "https": options.https_port, "http": options.http_port}
        self.tcp_ports = itertools.cycle(options.tcp_ports)
        self.servers: list[asyncio.Server] = []
        self.connections: set[asyncio.StreamWriter] = set()
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(options.certificate, options.key)

    def note(self, count: str, message: str, *values: object) -> None:
        """Count something and put it into the log."""
        self.counts[count] += 1
        log.info(message, *values)

    # Listening

    async def listen(self, port: int, serve: Serve, tls: bool = False) -> asyncio.Server:
        """Serve every connection to a port."""

        async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections.add(writer)
            await quietly(serve)(reader, writer)
            self.connections.discard(writer)

        context = self.tls if tls else None
        return await asyncio.start_server(run, self.options.listen, port, limit=WINDOW_BYTES, ssl=context)

    async def open(self) -> None:
        """Listen to agents and visitors, at the same ports as before."""
        serving: dict[str, tuple[Serve, bool]] = {
            "agent": (lambda reader, writer: Session(self, reader, writer).run(), True),
            "https": (lambda reader, writer: Visit(self, "https", reader, writer).run(), True),
            "http": (lambda reader, writer: Visit(self, "http", reader, writer).run(), False),
        }
        for kind, (serve, tls) in serving.items():
            if self.ports[kind] is not None:
                server = await self.listen(self.ports[kind], serve, tls)
                self.ports[kind] = server.sockets[0].getsockname()[1]
                self.servers.append(server)

    def close(self) -> None:
        """Listen nowhere and hang up on everybody."""
        for server in self.servers:
            server.close()
        self.servers = []
        self.close_endpoints(lambda _: True)
        for writer in [*self.connections]:
            writer.transport.abort()

    # Sessions and endpoints

    def join(self, session: Session) -> None:
        """Take in a session; it replaces the agent's earlier one, should that be there still."""
        if earlier := self.sessions.get(session.id):
            self.leave(earlier)
            earlier.drop()
        self.sessions[session.id] = session
        self.note("sessions", "session %s of account %s, agent %s", session.id, session.account, session.client_version)

    def leave(self, session: Session) -> None:
        """Forget a session that has ended."""
        self.close_endpoints(lambda endpoint: endpoint.session is session)
        if self.sessions.get(session.id) is session:
            del self.sessions[session.id]
            log.info("session %s has ended", session.id)

    def close_endpoints(self, ending: Callable[[Endpoint], bool]) -> None:
        """Take endpoints offline."""
        for url, endpoint in [*self.endpoints.items()]:
            if ending(endpoint):
                del self.endpoints[url]
                if endpoint.server:
                    endpoint.server.close()
                log.info("%s is offline", url)

    def url(self, scheme: str, name: str) -> str:
        """Return the address under which visitors reach a name here."""
        port = self.ports[scheme]
        return f"{scheme}://{name}" + (f":{port}" if port not in (None, DEFAULT_PORTS[scheme]) else "")

    async def bind(self, session: Session, number: str, proto: str, options: dict[str, Any], given: bool) -> Endpoint:
        """Put an endpoint online; ``given`` says that the cloud once chose the address that is asked for."""
        code = self.refuse.get("bind")
        fresh = given and self.switches["forget"]
        server = None
        if proto == "tcp":
            name = "" if fresh else options.get("Addr", "")
            reserved = self.options.reserved
            if not code and name and not given and reserved and name not in reserved:
                code = 307
            if code:
                name = name or self.options.tcp_host
                raise RefusedError(code, url=f"tcp://{name}", name=name)
            name, server = await self.listen_for_tcp(name)
            url = f"tcp://{name}"
        else:
            name = "" if fresh else options.get("Hostname", "")
            if not name and (label := options.get("Subdomain")):
                name = f"{label}.{self.options.domain_suffix}"
            name = name or self.options.fixed_domain or f"{secrets.token_hex(6)}.{self.options.domain_suffix}"
            url = self.url(proto, name)
            if code not in (None, *TCP_ONLY) or url in self.endpoints:
                raise RefusedError(334, url=url)
        if self.sessions.get(session.id) is not session:
            if server:
                server.close()
            raise ConnectionError("this agent has not logged in, or is gone")
        endpoint = self.endpoints[url] = Endpoint(number, proto, name, url, session, time.time(), server)
        self.note("endpoints", "%s is online in session %s", url, session.id)
        return endpoint

    async def listen_for_tcp(self, wanted: str) -> tuple[str, asyncio.Server]:
        """Return an address with its listener: the wanted one or, without one, that of the next free port."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.counts["tcp_visits"] += 1
            endpoint = self.endpoints[f"tcp://{name}"]
            stream = await endpoint.open(writer.get_extra_info("peername"))
            await join(reader, writer, stream)

        tries = len(self.options.tcp_ports)
        for port in [int(wanted.rpartition(":")[2])] if wanted else itertools.islice(self.tcp_ports, tries):
            name = wanted or f"{self.options.tcp_host}:{port}"
            with contextlib.suppress(OSError):
                return name, await self.listen(port, serve)
        raise RefusedError(334, url=f"tcp://{name}")

    # The control interface

    async def control(self, task: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what the control interface is asked for; LookupError or ValueError where that makes no sense."""
        if not isinstance(asked, dict):
            raise TypeError("this takes an object")
        sessions = [self.sessions[asked["session"]]] if "session" in asked else [*self.sessions.values()]
        name = task.removeprefix("POST /")
        if name == "refuse":
            self.refuse_with(asked)
        elif name == "outage":
            await self.set_outage(asked["on"])
        elif name == "drop":
            for session in sessions:
                session.drop()
                self.leave(session)
        elif name == "restart":
            await asyncio.gather(*(session.restart() for session in sessions))
        elif name in self.switches:
            self.switches[name] = bool(asked["on"])
        elif task != "GET /state":
            raise LookupError(task)
        return self.state()

    def refuse_with(self, codes: dict[str, int]) -> None:
        """Refuse logins and endpoints with these codes from now on."""
        if any(codes[kind] not in REFUSALS[kind] for kind in codes):
            raise ValueError(f"these can be refused with: {REFUSALS}")
        self.refuse = codes

    async def set_outage(self, on: bool) -> None:
        """Be out of reach, or come back."""
        if on:
            self.close()
        elif not self.servers:
            await self.open()

    def state(self) -> dict[str, Any]:
        """Return what tests may want to know."""
        sessions = [
            {"id": one.id, "account": one.account, "client_version": one.client_version, "streams": len(one.streams)}
            for one in self.sessions.values()
        ]
        endpoints = [
            {"url": one.url, "session": one.session.id, "id": one.id, "since": one.since, "visits": one.visits}
            for one in self.endpoints.values()
        ]
        counts = self.counts | {"tasks": len(asyncio.all_tasks()), "connections": len(self.connections)}
        known = {"sessions": sessions, "endpoints": endpoints, "counts": counts, "ports": self.ports}
        return known | self.switches | {"refuse": self.refuse, "outage": not self.servers}


# HTTP/1.1, RFC 9112


class Head(NamedTuple):
    """The first line and the headers of a message."""

    line: str
    headers: list[tuple[str, str]]

    def get(self, name: str) -> str:
        """Return a header's value; empty where there is none."""
        return ", ".join(value for key, value in self.headers if key.lower() == name)

    def has(self, name: str, word: str) -> bool:
        """Return whether a header that is a list has this word in it."""
        return word in (part.strip() for part in self.get(name).lower().split(","))

    @property
    def status(self) -> str:
        """The number in the first line of an answer."""
        return self.line.split(" ")[1]

    @property
    def lasting(self) -> bool:
        """Whether the connection may be used again after this message."""
        return "HTTP/1.1" in self.line and not self.has("connection", "close")

    def pack(self, without: set[str], **added: str) -> bytes:
        """Return it as bytes."""
        kept = [(key, value) for key, value in self.headers if key.lower() not in without]
        more = [(key.replace("_", "-"), value) for key, value in added.items()]
        return "\r\n".join([self.line, *(f"{key}: {value}" for key, value in kept + more), "", ""]).encode("latin-1")


async def read_head(source: asyncio.StreamReader | Stream) -> Head:
    """Read a head; EOFError where there is none, ValueError where it is not one."""
    line, *lines = (await source.readuntil(b"\r\n\r\n")).decode("latin-1").lstrip("\r\n").split("\r\n")
    pairs = (entry.partition(":") for entry in lines if entry)
    return Head(line, [(key, value.strip()) for key, _, value in pairs])


async def read_body(source: asyncio.StreamReader | Stream, head: Head, unframed: int | None) -> AsyncIterator[bytes]:
    """Pass the body on as it comes, chunks as chunks; ``unframed`` is its length without a header, None to the end."""
    if not head.has("transfer-encoding", "chunked"):
        length = head.get("content-length")
        async for piece in read_exactly(source, int(length) if length else unframed):
            yield piece
        return
    size = -1
    while size:
        line = await source.readuntil(b"\r\n")
        yield line
        size = int(line.split(b";")[0], 16)
        async for piece in read_exactly(source, size + 2 if size else 0):
            yield piece
    while line != b"\r\n":
        line = await source.readuntil(b"\r\n")
        yield line


async def read_exactly(source: asyncio.StreamReader | Stream, left: int | None) -> AsyncIterator[bytes]:
    """Pass this many bytes on as they come; None is all that there are."""
    while left is None or left > 0:
        piece = await source.read(CHUNK_BYTES if left is None else min(left, CHUNK_BYTES))
        if not piece and left is not None:
            raise EOFError("the message is incomplete")
        if not piece:
            return
        yield piece
        left = None if left is None else left - len(piece)


async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: Stream) -> None:
    """Carry bytes both ways until both sides have ended. One side of TLS cannot end alone."""

    async def up() -> None:
        while piece := await reader.read(CHUNK_BYTES):
            await stream.write(piece)
        stream.finish()

    async def down() -> None:
        while piece := await stream.read():
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    until = asyncio.FIRST_EXCEPTION if writer.can_write_eof() else asyncio.FIRST_COMPLETED
    ways = {asyncio.create_task(up()), asyncio.create_task(down())}
    try:
        done, _ = await asyncio.wait(ways, return_when=until)
        if {way.exception() for way in done} != {None}:
            stream.reset()
    finally:
        for way in ways:
            way.cancel()
        stream.close()


class Visit:
    """One connection of a visitor to the public http or https port."""

    def __init__(self, cloud: Cloud, scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin."""
        self.cloud = cloud
        self.scheme = scheme
        self.reader = reader
        self.writer = writer

    async def run(self) -> None:
        """Answer one request after the other."""
        while await self.answer(await read_head(self.reader)):
            pass

    async def send(self, data: bytes) -> None:
        """Send bytes to the visitor."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, request: Head) -> bool:
        """Answer one request, and return whether another one may follow."""
        self.cloud.counts["requests"] += 1
        host = request.get("host").partition(":")[0].lower()
        endpoint = self.cloud.endpoints.get(self.cloud.url(self.scheme, host))
        secure = self.cloud.url("https", host)
        if endpoint is None and self.scheme == "http" and secure in self.cloud.endpoints:
            location = secure + request.line.split(" ")[1]
            return await self.say(request, REDIRECT, f"Location: {location}\r\nContent-Type: text/plain", "")
        if endpoint is None:
            return await self.fail(request, 3200)
        if self.cloud.switches["interstitial"] and is_page_of_browser(request):
            return await self.fail(request, 6024)
        stream = await endpoint.open(self.writer.get_extra_info("peername"))
        try:
            return await self.forward(request, stream)
        finally:
            stream.close()

    async def forward(self, request: Head, stream: Stream) -> bool:
        """Let the agent answer, and return whether another request may follow."""
        upgrading = request.has("connection", "upgrade")
        head = request.pack(
            HOP_BY_HOP | FORWARDED,
            Connection="Upgrade" if upgrading else "close",
            X_Forwarded_For=self.writer.get_extra_info("peername")[0],
            X_Forwarded_Host=request.get("host"),
            X_Forwarded_Proto=self.scheme,
        )
        upload = asyncio.create_task(self.upload(request, head, stream))
        try:
            try:
                answer = await read_head(stream)
                while answer.status.startswith("1") and answer.status != "101":
                    await self.send(answer.pack(set()))
                    answer = await read_head(stream)
            except BROKEN:
                return await self.fail(request, 3004)
            if (answer.line, [key.lower() for key, _ in answer.headers]) == AGENTS_OWN_502:
                return await self.fail(request, 8012)
            if answer.status == "101":
                await self.send(answer.pack(set()))
                await join(self.reader, self.writer, stream)
                return False
            await asyncio.wait({upload}, timeout=UPLOAD_SECONDS)
            bare = request.line.startswith("HEAD ") or answer.status in ("204", "304")
            framed = bare or bool(answer.get("content-length") or answer.get("transfer-encoding"))
            lasting = request.lasting and framed and upload.done()
            answer = answer._replace(line=f"HTTP/1.1 {answer.line.partition(' ')[2]}")
            await self.send(answer.pack(HOP_BY_HOP, Connection="keep-alive" if lasting else "close"))
            if not bare:
                async for piece in read_body(stream, answer, None):
                    await self.send(piece)
            return lasting
        finally:
            upload.cancel()

    async def upload(self, request: Head, head: bytes, stream: Stream) -> None:
        """Send a request to the agent; when the visitor breaks off, so does the stream."""
        try:
            await stream.write(head)
            async for piece in read_body(self.reader, request, 0):
                await stream.write(piece)
        except BROKEN:
            stream.reset()

    async def fail(self, request: Head, code: int) -> bool:
        """Answer in the agent's place with a page, or with plain text where none is asked for."""
        text, kind = text_of(code, name=request.get("host")), "text/plain"
        if "text/html" in request.get("accept"):
            kind = "text/html"
            visit = f"document.cookie='{SKIP_COOKIE}=1; path=/; max-age=604800'; location.reload()"
            button = f'<button onclick="{visit}">Visit Site</button>' if code == 6024 else ""
            text = f"<!DOCTYPE html><title>ngrok</title><p>{html.escape(text)}</p>{button}"
        return await self.say(
            request, STATUS[code], f"Ngrok-Error-Code: ERR_NGROK_{code}\r\nContent-Type: {kind}", text
        )

    async def say(self, request: Head, status: str, headers: str, text: str) -> bool:
        """Send an answer of the cloud's own; a body that nobody read ends the connection."""
        body = text.encode()
        lasting = request.lasting and not request.get("content-length") and not request.get("transfer-encoding")
        connection = "keep-alive" if lasting else "close"
        head = f"HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {len(body)}\r\nConnection: {connection}\r\n\r\n"
        await self.send(head.encode("latin-1") + body * (not request.line.startswith("HEAD ")))
        return lasting


def is_page_of_browser(request: Head) -> bool:
    """Return whether the page of the free plan stands before this request."""
    return (
        request.line.startswith("GET ")
        and "Mozilla/" in request.get("user-agent")
        and any(kind in request.get("accept") for kind in ("text/html", "*/*"))
        and not request.get(SKIP_HEADER)
        and f"{SKIP_COOKIE}=" not in request.get("cookie")
    )


async def serve_control(cloud: Cloud, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request to the control interface."""
    status = "200 OK"
    try:
        request = await read_head(reader)
        body = b"".join([piece async for piece in read_body(reader, request, 0)])
        answer = await cloud.control(request.line.rpartition(" ")[0], json.loads(body or b"{}"))
    except (*BROKEN, TypeError) as error:
        status, answer = "400 Bad Request", {"error": f"{type(error).__name__}: {error}"}
    text = json.dumps(answer).encode() + b"\n"
    headers = f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\nConnection: close"
    writer.write(f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode() + text)


def port_range(text: str) -> range:
    """Read FIRST-LAST."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def read_options() -> argparse.Namespace:
    """Read the command line. A port of 0 is a free one."""
    parser = argparse.ArgumentParser(description="A stand-in for ngrok's cloud, for tests with the real agent.")
    add = parser.add_argument
    add("--certificate", required=True, metavar="PEM", help="for agents and visitors: server_addr and all names")
    add("--key", required=True, metavar="PEM")
    add("--listen", default="127.0.0.1", metavar="ADDRESS", help="where agents and visitors come to (%(default)s)")
    add("--agent-port", type=int, default=4443, metavar="PORT", help="for agents, TLS (%(default)s)")
    add("--https-port", type=int, default=443, metavar="PORT", help="for visitors (%(default)s)")
    add("--http-port", type=int, metavar="PORT", help="for visitors without TLS, who are sent on to https (none)")
    add("--control", default="127.0.0.1:4480", metavar="HOST:PORT", help="the control interface (%(default)s)")
    add("--tcp-ports", type=port_range, default="20000-20099", metavar="FIRST-LAST", help="for tcp (%(default)s)")
    add("--tcp-host", default="0.tcp.ngrok.test", metavar="NAME", help="in addresses for tcp (%(default)s)")
    add("--reserved", action="append", metavar="HOST:PORT", help="the only tcp addresses that may be asked for")
    add("--domain-suffix", default="ngrok-free.test", metavar="NAME", help="of names that change (%(default)s)")
    add("--fixed-domain", metavar="NAME", help="the one name of the account, instead")
    add("--interstitial", action="store_true", help="show browsers the page of the free plan first")
    return parser.parse_args()


async def main(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    cloud = Cloud(options)
    await cloud.open()
    host, _, port = options.control.rpartition(":")
    serve = quietly(lambda reader, writer: serve_control(cloud, reader, writer))
    control = await asyncio.start_server(serve, host, int(port))
    ports = cloud.ports | {"control": control.sockets[0].getsockname()[1]}
    print(json.dumps(ports), flush=True)  # noqa: T201 - a program for the command line prints
    await stopped.wait()
    control.close()
    cloud.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(main(read_options()))
