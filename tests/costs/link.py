# SPDX-License-Identifier: Apache-2.0
"""A slow link between this machine and a test host: packets wait their turn, and then for their delay.

Linux has netem for that, but not every kernel has netem. Two TUN devices, and what carries packets from one to the
other, take only what a VPN takes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NEAR, FAR = "10.98.8.1", "10.98.8.2"
# <linux/if_tun.h>
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
PACKET_BYTES = 65536
# As many as netem holds back when it is not told otherwise.
WAITING_PACKETS = 1000
IDLE_SECONDS = 0.1


class Lane:
    """One direction of a link, for so many bits a second, on which everything takes so many seconds longer."""

    def __init__(self, source: int, target: int, rate: float, delay: float) -> None:
        """Lead from one device to another."""
        self.source, self.target = source, target
        self.rate, self.delay = rate, delay
        self.bytes = 0
        self.free = 0.0
        self.waiting: deque[tuple[float, bytes]] = deque()

    def take(self) -> None:
        """Take a packet in; it is lost if there is no room for it."""
        packet = os.read(self.source, PACKET_BYTES)
        if len(self.waiting) < WAITING_PACKETS:
            self.free = max(self.free, time.monotonic()) + len(packet) * 8 / self.rate
            self.waiting.append((self.free + self.delay, packet))

    def deliver(self) -> None:
        """Hand over the packets whose time has come."""
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            packet = self.waiting.popleft()[1]
            os.write(self.target, packet)
            self.bytes += len(packet)

    def due(self) -> float:
        """Return when there is something to hand over."""
        return self.waiting[0][0] if self.waiting else float("inf")


@contextlib.contextmanager
def slow_link(namespace: str, rate: float, round_trip: float) -> Iterator[Lane]:
    """Make the host with this network namespace known at FAR as well, and yield the way from there to here."""
    near, far = device("reachable-near"), device("reachable-far")
    ip("link", "set", "reachable-far", "netns", namespace)
    for address, name, where in ((NEAR, "reachable-near", []), (FAR, "reachable-far", ["-netns", namespace])):
        ip(*where, "address", "add", f"{address}/30", "dev", name)
        ip(*where, "link", "set", name, "up")
    back = Lane(far, near, rate, round_trip / 2)
    lanes = [back, Lane(near, far, rate, round_trip / 2)]
    ended = threading.Event()
    carrier = threading.Thread(target=carry, args=(lanes, ended))
    carrier.start()
    try:
        yield back
    finally:
        ended.set()
        carrier.join()
        os.close(near)
        os.close(far)


def carry(lanes: list[Lane], ended: threading.Event) -> None:
    """Carry packets until the link is at its end."""
    while not ended.is_set():
        rest = min(lane.due() for lane in lanes) - time.monotonic()
        ready, _, _ = select.select([lane.source for lane in lanes], [], [], min(max(rest, 0), IDLE_SECONDS))
        for lane in lanes:
            if lane.source in ready:
                lane.take()
            lane.deliver()


def device(name: str) -> int:
    """Create a network device whose packets this process reads and writes; it goes when it is closed."""
    file = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return file


def ip(*arguments: str) -> None:
    """Configure the network."""
    subprocess.run(["ip", *arguments], check=True)
