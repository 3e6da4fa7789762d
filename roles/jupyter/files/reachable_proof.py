# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Proves to visitors who have this installation's key that this server is the one that they mean.

They ask before they send a password, hence without a login. The answer says nothing to anybody else.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

CHALLENGE = re.compile("[0-9a-f]{64}")


class ProofHandler(JupyterHandler):
    """Answers a challenge."""

    def initialize(self, key: bytes) -> None:
        """Keep the key."""
        self.key = key

    @allow_unauthenticated
    def get(self) -> None:
        """Answer with what only a holder of the key can say, once of the challenge and once also of this address."""
        challenge = self.get_query_argument("challenge", "", strip=False)
        if not CHALLENGE.fullmatch(challenge):
            raise web.HTTPError(400)
        connection: Any = self.request.connection
        address, port = connection.stream.socket.getsockname()[:2]
        self.set_header("Cache-Control", "no-store")
        self.finish({"host": self.code(challenge), "address": self.code(challenge, f"{plain(address)} {port}")})

    def code(self, challenge: str, place: str = "") -> str:
        """Return the code that a visitor compares."""
        return hmac.new(self.key, f"reachable proof\n{challenge}\n{place}".encode(), "sha256").hexdigest()


def plain(address: str) -> str:
    """Write an IP address in the one form in which two can be compared, without the interface of a link-local one."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return str(getattr(found, "ipv4_mapped", None) or found)


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Let the running server answer challenges; Jupyter calls this at its start."""
    key = bytes.fromhex(serverapp.config["Reachable"]["proof_key"])
    path = url_path_join(serverapp.base_url, "reachable/proof")
    serverapp.web_app.add_handlers(".*$", [(path, ProofHandler, {"key": key})])
