# SPDX-License-Identifier: Apache-2.0
"""Serve cards to an iPad in the same network for a while, each at an address that nobody guesses, and nothing else.

Beside a card stands the profile that belongs to it, if there is one.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
import socket
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import PurePath
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from .addresses import outgoing
from .endpoints import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SILENCE_SECONDS = 10  # after which a visitor is left
MOST_THREADS = 32
PASSWORD_PLACE = "<!-- password -->"  # where the card says what it is  # noqa: S105
# What a file is, by the end of its name. A profile that says nothing is shown as text by an iPad.
KINDS = {".html": "text/html; charset=utf-8", ".mobileconfig": "application/x-apple-aspen-config"}


class NoNetworkError(Exception):
    """The machine is in no network in which others could see it."""


class Page(NamedTuple):
    """What is sent to whoever knows its path."""

    content: bytes
    kind: str
    policy: str


def with_password(card: str, password: str) -> str:
    """Add the password to a card: to be copied at once, and shown after a tap."""
    shown = html.escape(password)
    return card.replace(
        PASSWORD_PLACE,
        f'<details><summary>Show</summary><span class="address">{shown}</span></details>'
        f'<button type="button" data-copy="{shown}" hidden>Copy</button>',
    )


def security_policy(card: str) -> str:
    """Allow a page its own style and script, as they stand in it, a picture to try https with, and no more."""

    def hashes(element: str) -> str:
        texts = re.findall(f"<{element}>(.*?)</{element}>", card, re.DOTALL)
        return " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts
        )

    pictures = "img-src https:; " if "data-probe=" in card else ""
    return (
        f"default-src 'none'; style-src {hashes('style')}; script-src {hashes('script')}; {pictures}"
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class Visit(BaseHTTPRequestHandler):
    """One request, which gets a card, a profile or a bare 404."""

    timeout = SILENCE_SECONDS
    server: CardServer

    def do_GET(self) -> None:
        """Send what stands at the path."""
        page = self.server.pages.get(self.path)
        if page is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response_only(HTTPStatus.OK)
        self.send_header("Content-Type", page.kind)
        self.send_header("Content-Length", str(len(page.content)))
        self.send_header("Content-Security-Policy", page.policy)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(page.content)

    do_HEAD = do_GET  # noqa: N815 - names as http.server wants them

    def send_error(self, *_: Any, **__: Any) -> None:
        """Answer everything else alike, and tell nothing."""
        self.close_connection = True
        self.send_response_only(HTTPStatus.NOT_FOUND)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep the terminal as it is."""


class CardServer(ThreadingTCPServer):
    """Pages by their path, at a free port of one address."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_THREADS

    def __init__(self, address: str, pages: Mapping[str, Page]) -> None:
        """Listen at the address."""
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.pages = pages
        super().__init__((address, 0), Visit)

    def verify_request(self, *_: Any) -> bool:
        """Take no more visitors than this machine has patience for."""
        return threading.active_count() < MOST_THREADS

    def handle_error(self, *_: Any) -> None:
        """Let visitors go away when they like."""


@contextmanager
def served(cards: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, str]]:
    """Serve cards as long as the context lasts, and yield the address of each. Raises NoNetworkError.

    A card is the first of the files that stand beside each other, by their names, in a folder of their own.
    """
    address = outgoing(socket.AF_INET) or outgoing(socket.AF_INET6)
    if address is None:
        raise NoNetworkError
    folders = {name: f"/{secrets.token_urlsafe(16)}" for name in cards}
    pages = {
        f"{folders[name]}/{file}": Page(text.encode(), KINDS[PurePath(file).suffix], security_policy(text))
        for name, files in cards.items()
        for file, text in files.items()
    }
    with CardServer(address, pages) as server:
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            origin = Origin("http", address, server.server_address[1])
            yield {name: f"{origin}{folder}/{next(iter(cards[name]))}" for name, folder in folders.items()}
        finally:
            server.shutdown()
