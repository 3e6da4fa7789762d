#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tornado 6.6.1: HTTPServerConnectionDelegate.start_request() is called when a connection becomes ready for a request, not
# when a request has begun: once as soon as somebody connects, and again as soon as an answer has been sent, although no
# byte of another request has come and perhaps none ever will.
#
# One would guess otherwise, because of its name and its documentation ("called by the server when a new request has
# started"). Whoever counts requests, measures how long they take, or tells busy connections from idle ones there counts
# one too many for each connection that is open; what tells them apart is headers_received() of the delegate it returns.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tornado==6.6.1
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import sys

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPMessageDelegate, HTTPServerConnectionDelegate, ResponseStartLine
from tornado.httputil import HTTPHeaders
from tornado.testing import bind_unused_port

started, begun = [], []


class Request(HTTPMessageDelegate):
    def __init__(self, connection):
        self.connection = connection

    def headers_received(self, start_line, headers):
        begun.append(start_line.path)

    def finish(self):
        headers = HTTPHeaders({"Content-Length": "0"})
        self.connection.write_headers(ResponseStartLine("HTTP/1.1", 204, "No Content"), headers)
        self.connection.finish()


class Requests(HTTPServerConnectionDelegate):
    def start_request(self, server_conn, request_conn):
        started.append(request_conn)
        return Request(request_conn)


async def main():
    socket, port = bind_unused_port()
    HTTPServer(Requests()).add_socket(socket)
    counts = []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(0.3)
    counts.append((len(started), len(begun)))
    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.3)
        counts.append((len(started), len(begun)))
    writer.close()
    for number, (calls, requests) in enumerate(counts):
        print(f"after {number} requests: start_request() was called {calls} times, headers of {requests} have come")
    sys.exit(0 if counts == [(1, 0), (2, 1), (3, 2)] else 1)


asyncio.run(main())
PYTHON
