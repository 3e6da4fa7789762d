# SPDX-License-Identifier: Apache-2.0
"""Speak with a supervisord through its socket (supervisord.org/api.html)."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from typing import Any

# supervisor.xmlrpc.Faults: BAD_NAME, ALREADY_STARTED
UNKNOWN_PROGRAM, ALREADY_STARTED = 10, 60


class _SocketTransport(xmlrpc.client.Transport):
    """XML-RPC over a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ARG002 - the base class's signature
        """Connect to the socket instead of to a host."""
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self._path)
        return connection


def connect(path: str) -> Any | None:
    """Return the API behind a socket, or None where no supervisord answers."""
    api = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_SocketTransport(path)).supervisor
    try:
        api.getState()
    except OSError:
        return None
    return api


def program_info(api: Any, name: str) -> dict[str, Any] | None:
    """Return what supervisord says of a program, or None where it does not know it."""
    try:
        info: dict[str, Any] = api.getProcessInfo(name)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode == UNKNOWN_PROGRAM:
            return None
        raise
    return info
