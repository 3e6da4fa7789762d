# SPDX-License-Identifier: Apache-2.0
"""Take notifications as Apprise's json:// sends them, and hand them out: python3 receiver.py PORT.

POST keeps a message with the time of its arrival, GET returns all as a JSON list, and DELETE forgets them. PUT with
{"on": false} lets it refuse all messages for a while, as a service that is down does.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

messages: list[dict[str, Any]] = []
switches = {"on": True}


class Receiver(BaseHTTPRequestHandler):
    """One request."""

    def answer(self, status: int, body: Any = None) -> None:
        """Send an answer."""
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def body(self) -> Any:
        """Read what was sent."""
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def do_POST(self) -> None:
        """Take a message."""
        message = self.body()
        if switches["on"]:
            messages.append({"arrived": time.time(), **message})
        self.answer(200 if switches["on"] else 503)

    def do_GET(self) -> None:
        """Return all messages."""
        self.answer(200, messages)

    def do_DELETE(self) -> None:
        """Forget all messages."""
        messages.clear()
        self.answer(200)

    def do_PUT(self) -> None:
        """Turn it on or off."""
        switches.update(self.body())
        self.answer(200, switches)


ThreadingHTTPServer(("", int(sys.argv[1])), Receiver).serve_forever()
