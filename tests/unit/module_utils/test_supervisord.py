"""XML-RPC through a UNIX socket. The real supervisord is spoken with in test_supervisord_program.py."""

from __future__ import annotations

import socket
import socketserver
import threading
import xmlrpc.client
import xmlrpc.server
from typing import TYPE_CHECKING, Any

import pytest
from reachable import supervisord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAULTS = {"unknown": 10, "broken": 30}


class Handler(xmlrpc.server.SimpleXMLRPCRequestHandler):
    """A handler without what only TCP has."""

    disable_nagle_algorithm = False

    def address_string(self) -> str:
        """Name the client, which has no address."""
        return "local"


class Server(socketserver.UnixStreamServer, xmlrpc.server.SimpleXMLRPCDispatcher):
    """An API at a socket."""

    logRequests = False  # noqa: N815 - the handler's name for it

    def __init__(self, path: str) -> None:
        xmlrpc.server.SimpleXMLRPCDispatcher.__init__(self)
        socketserver.UnixStreamServer.__init__(self, path, Handler)


def process_info(name: Any) -> Any:
    if name in FAULTS:
        raise xmlrpc.client.Fault(FAULTS[name], name.upper())
    return {"name": name, "pid": 7}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Any]:
    path = str(tmp_path / "s")
    with Server(path) as server:
        server.register_function(lambda: {"statename": "RUNNING"}, "supervisor.getState")
        server.register_function(process_info, "supervisor.getProcessInfo")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield supervisord.connect(path)
        server.shutdown()


def test_a_program(api: Any) -> None:
    assert supervisord.program_info(api, "jupyter") == {"name": "jupyter", "pid": 7}


def test_an_unknown_program(api: Any) -> None:
    assert supervisord.program_info(api, "unknown") is None


def test_other_faults_are_not_hidden(api: Any) -> None:
    with pytest.raises(xmlrpc.client.Fault, match="BROKEN"):
        supervisord.program_info(api, "broken")


def test_nobody_answers(tmp_path: Path) -> None:
    assert supervisord.connect(str(tmp_path / "none")) is None
    assert supervisord.connect("") is None
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(tmp_path / "left-over"))
    assert supervisord.connect(str(tmp_path / "left-over")) is None
