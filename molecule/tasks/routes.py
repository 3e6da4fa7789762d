# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Print the routes of the Jupyter server in this environment as JSON: for each an example path and what it accepts."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

from jupyter_server.serverapp import ServerApp
from tornado.routing import PathMatches, Router
from tornado.web import RequestHandler
from tornado.websocket import WebSocketHandler

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def routes(router: Any) -> Iterator[dict[str, Any]]:
    """Yield the pattern, an example, the handler and the methods of every route."""
    for rule in router.rules:
        if isinstance(rule.target, Router):
            yield from routes(rule.target)
        elif isinstance(rule.matcher, PathMatches):
            yield {
                "pattern": rule.matcher.regex.pattern,
                "path": example(rule.matcher.regex),
                "handler": f"{rule.target.__module__}.{rule.target.__qualname__}",
                "methods": [name for name in METHODS if implements(rule.target, name.lower())],
                "websocket": issubclass(rule.target, WebSocketHandler),
            }


def implements(handler: type[RequestHandler], method: str) -> bool:
    """Tell whether a handler has a method of its own, and not only the one that refuses."""
    return getattr(handler, method) is not getattr(RequestHandler, method)


def example(pattern: re.Pattern[str]) -> str:
    """Return a text that the pattern matches."""
    text = "".join(parts(importlib.import_module("re._parser").parse(pattern.pattern)))
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is no example of {pattern.pattern!r}.")
    return text


def parts(nodes: Any) -> Iterator[str]:
    """Yield a text for each node of a parsed pattern: the first that comes to mind, and each repetition once."""
    for kind, value in nodes:
        match str(kind):
            case "LITERAL" | "RANGE":
                yield chr(value if isinstance(value, int) else value[0])
            case "IN":
                yield "x" if str(value[0][0]) in ("NEGATE", "CATEGORY") else "".join(parts(value[:1]))
            case "ANY" | "NOT_LITERAL":
                yield "x"
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, repeated = value
                yield "".join(parts(repeated)) * max(least, min(most, 1))
            case "SUBPATTERN":
                yield from parts(value[-1])
            case "BRANCH":
                yield from parts(value[1][0])


server = ServerApp()
server.initialize(argv=[], new_httpserver=False)
print(json.dumps(list(routes(server.web_app.default_router))))
