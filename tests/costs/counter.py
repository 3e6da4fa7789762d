# SPDX-License-Identifier: Apache-2.0
"""A door in front of a server that counts what goes through it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE_BYTES = 65536


class Door:
    """Pass connections on to a server, and count the requests and the bytes in both directions."""

    def __init__(self, host: str, port: int) -> None:
        """Stand before the server at an address."""
        self.server = host, port
        self.requests: Counter[str] = Counter()
        self.bytes = 0

    async def open(self) -> None:
        """Listen on a port of this machine."""
        listener = await asyncio.start_server(self.pass_on, "127.0.0.1", 0)
        self.port: int = listener.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on."""
        there_reader, there_writer = await asyncio.open_connection(*self.server)
        await asyncio.gather(
            self.carry(reader, there_writer, self.count_request), self.carry(there_reader, writer, lambda _: None)
        )

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], None]
    ) -> None:
        """Carry one direction of a connection, until it is closed."""
        try:
            while piece := await reader.read(PIECE_BYTES):
                self.bytes += len(piece)
                look(piece)
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def count_request(self, piece: bytes) -> None:
        """Count what begins like a request; browsers wait for each answer, so each begins a piece of its own."""
        line = piece.partition(b"\r\n")[0]
        if line.endswith(b" HTTP/1.1"):
            method, path, _ = line.decode().split(" ")
            self.requests[f"{method} {path.partition('?')[0]}"] += 1


@contextlib.contextmanager
def doorkeeper() -> Iterator[Callable[[str, int], Door]]:
    """Yield what opens a door before a server; a thread does the work of all of them."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def open_door(host: str, port: int) -> Door:
        door = Door(host, port)
        asyncio.run_coroutine_threadsafe(door.open(), loop).result()
        return door

    try:
        yield open_door
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
