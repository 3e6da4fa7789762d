# SPDX-License-Identifier: Apache-2.0
"""A server on loopback with scripted answers: real ones of agents, and what else may answer at their address."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).parent / "module_utils"


class Answer(NamedTuple):
    """An answer; a body that is no text is sent as JSON."""

    status: int
    body: Any
    headers: dict[str, str] = {}  # noqa: RUF012 - it is never changed


class Stub(NamedTuple):
    """A server that runs: its address, and the paths for which it was asked."""

    url: str
    asked: list[str]


def sample(name: str) -> Answer:
    """Return a recorded answer."""
    recorded = json.loads((SAMPLES / f"ngrok_{name}.json").read_text())
    return Answer(recorded["status_code"], recorded["body"])


NOT_FOUND = sample("v2_not_found")


@contextlib.contextmanager
def serve(script: dict[str, list[Answer]]) -> Iterator[Stub]:
    """Serve the answers for each path in turn; the last one is repeated, and other paths are not known."""
    left = {path: list(answers) for path, answers in script.items()}
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            asked.append(path)
            answers = left.get(path, [NOT_FOUND])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield Stub(f"http://127.0.0.1:{server.server_port}", asked)
        finally:
            server.shutdown()
            thread.join()
