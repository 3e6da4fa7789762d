#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tornado 6.6.1: an output transform gets the headers of an answer before its cookies are among them. What a handler sets
# by set_cookie() or set_signed_cookie() is kept beside the headers and added to them once all transforms have run, while
# headers that were set by set_header() pass through them. So no transform can see, change or drop a cookie.
#
# One would guess otherwise, because a transform is handed "the headers" of the first chunk and may return others, the
# same hook that adds Content-Encoding and removes Content-Length, and because a cookie is a header. Where all cookies
# of an application are to get an attribute, for instance SameSite, each caller has to be reached instead.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tornado==6.6.1
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import sys

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, OutputTransform, RequestHandler

seen = []


class Look(OutputTransform):
    def transform_first_chunk(self, status_code, headers, chunk, finishing):
        seen.extend(sorted(name for name, _ in headers.get_all() if name in ("Set-Cookie", "X-Mark")))
        return status_code, headers, chunk


class Handler(RequestHandler):
    def get(self):
        self.set_header("X-Mark", "1")
        self.set_cookie("name", "value")


async def main():
    socket, port = bind_unused_port()
    HTTPServer(Application([("/", Handler)], transforms=[Look])).add_socket(socket)
    answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/")
    received = sorted(name for name, _ in answer.headers.get_all() if name in ("Set-Cookie", "X-Mark"))
    print("seen by the transform:  ", *seen)
    print("received by the client: ", *received)
    sys.exit(0 if (seen, received) == (["X-Mark"], ["Set-Cookie", "X-Mark"]) else 1)


asyncio.run(main())
PYTHON
