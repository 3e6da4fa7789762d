# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Keeps visitors who have not logged in from using up what the server lives on.

Whoever has no cookie with this server's signature may have so many connections open, all of them together, and send
so much with a request. It is decided before a body is read. Connections on which nothing is asked are closed.
"""

from __future__ import annotations

import json
from http.client import responses
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from reachable_login import MARK_DAYS, ReachableIdentityProvider
from tornado.httputil import HTTPMessageDelegate, HTTPServerConnectionDelegate, parse_cookie
from tornado.web import Application, RequestHandler, decode_signed_value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from tornado.httputil import HTTPConnection, HTTPHeaders, RequestStartLine, ResponseStartLine
    from tornado.routing import Rule

# Until the configuration says another number, as that of before does not while a new server is tried.
MOST_STRANGERS = 1000
# As much as a login takes.
STRANGERS_BODY_BYTES = 64 * 1024
# Longer than Jupyter's pages and proxies leave one alone that they want to use again.
IDLE_SECONDS = 120


class Guard(HTTPServerConnectionDelegate):
    """Stands in front of the application."""

    def __init__(self, application: Application, most_strangers: int) -> None:
        """Start with nobody there."""
        self._application = application
        self._most_strangers = most_strangers
        # The oldest first, as a dictionary keeps the order.
        self._strangers: dict[Any, None] = {}
        self._known: WeakSet[Any] = WeakSet()

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Begin with a request. For the oldest stranger there may be no room any more."""
        connection: Any = server_conn
        if connection not in self._known:
            self._strangers.setdefault(connection)
        if len(self._strangers) > self._most_strangers:
            self._strangers = {each: None for each in self._strangers if not each.stream.closed()}
        while len(self._strangers) > self._most_strangers:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.stream.close()
        return Guarded(self, self._application.start_request(server_conn, request_conn), connection, request_conn)

    def is_known(self, headers: HTTPHeaders) -> bool:
        """Tell whether a visitor has a cookie with this server's signature."""
        secret = self._application.settings["cookie_secret"]
        cookies = parse_cookie(headers.get("Cookie", ""))
        return any(decode_signed_value(secret, name, value, max_age_days=MARK_DAYS) for name, value in cookies.items())

    def admit(self, connection: Any) -> None:
        """Let a connection be one of somebody who is known."""
        self._strangers.pop(connection, None)
        self._known.add(connection)


class Guarded(HTTPMessageDelegate):
    """A request, of which the head is looked at before the body is read."""

    def __init__(self, guard: Guard, inner: HTTPMessageDelegate, connection: Any, request_conn: HTTPConnection) -> None:
        """Keep what it takes."""
        self._guard, self._inner = guard, inner
        self._connection = connection
        self._request: Any = request_conn

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Look who asks."""
        if self._guard.is_known(headers):
            self._guard.admit(self._connection)
        else:
            self._request.set_max_body_size(STRANGERS_BODY_BYTES)
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass a part of the body on."""
        return self._inner.data_received(chunk)

    def finish(self) -> None:
        """Pass the end on."""
        self._inner.finish()

    def on_connection_close(self) -> None:
        """Pass on that nobody is there any more."""
        self._inner.on_connection_close()


def rules(router: Any) -> Iterator[Rule]:
    """Yield all rules of a router and of those in it."""
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            yield from rules(rule.target)
        else:
            yield rule


def answering(handler: type[RequestHandler]) -> type[RequestHandler]:
    """Return a handler of licenses that refuses: JupyterLab's own stumbles over its refusal, and says nothing."""

    class LicensesHandler(handler):  # type: ignore[misc, valid-type]
        def write_error(self, status_code: int, **_: Any) -> None:
            self.set_header("Content-Type", "application/json")
            RequestHandler.finish(self, json.dumps({"message": responses.get(status_code, "Unknown HTTP Error")}))

    return LicensesHandler


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Guard the running server; Jupyter calls this at its start."""

    def begin() -> None:
        for rule in rules(serverapp.web_app.default_router):
            if getattr(rule.target, "__name__", "") == "LicensesHandler":
                rule.target = answering(rule.target)
        server = serverapp.http_server
        server.conn_params.header_timeout = IDLE_SECONDS
        # Another login may know people by other things than signed cookies.
        if isinstance(serverapp.identity_provider, ReachableIdentityProvider):
            most_strangers = serverapp.config["ReachableLimits"].get("connections", MOST_STRANGERS)
            server.request_callback = Guard(serverapp.web_app, most_strangers)

    serverapp.io_loop.add_callback(begin)
