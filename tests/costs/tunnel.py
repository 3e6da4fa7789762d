# SPDX-License-Identifier: Apache-2.0
"""What a tunnel costs, and how fast it follows its address."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import requests
from costs.hosts import INVENTORIES, PATIENCE_SECONDS, Figure, on_host, output
from costs.provisioning import run_without_drift

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The stand-in for ngrok's cloud, as molecule/bench/inventory has it.
CLOUD = "10.98.9.5"
CHANGES = 30
OUTAGE_SECONDS = 60
# After trouble the watcher looks more often for a while.
SETTLE_SECONDS = 90
IDLE_SECONDS = 300


def tunnel() -> Iterator[Figure]:
    """Follow a tunnel to the stand-in for the cloud through other addresses, an outage and idle minutes."""
    up: list[str | Path] = ["./reachable", "up", *INVENTORIES, "--limit=bench-tunnel"]
    output(up)
    changes = [change_address() for _ in range(CHANGES)]
    for what, column in zip(
        ("Another address to endpoint.json", "  to the message"), zip(*changes, strict=True), strict=True
    ):
        slowest = sorted(column)[round(0.95 * CHANGES) - 1]
        yield f"{what}, 95 % of {CHANGES}", f"{slowest:.2f} s", "at most 2 s"

    cloud("outage", on=True)
    time.sleep(OUTAGE_SECONDS)
    cloud("outage", on=False)
    ended = time.time()
    yield f"Outage of {OUTAGE_SECONDS} s, back after", f"{published_online() - ended:.1f} s", "at most 5 s"

    time.sleep(SETTLE_SECONDS)
    watcher = on_host("bench-tunnel", "systemctl show --property=MainPID --value reachable-endpoint").strip()
    before = processor_seconds(watcher)
    time.sleep(IDLE_SECONDS)
    share = (processor_seconds(watcher) - before) / IDLE_SECONDS
    resident = int(on_host("bench-tunnel", f"ps --no-headers -o rss {watcher}")) / 1024
    yield f"The watcher in {IDLE_SECONDS} idle seconds: processor", f"{share:.2%}", "at most 0.3 %"
    yield "  memory", f"{resident:.0f} MiB", "at most 40 MB"

    yield from run_without_drift("A run without drift, with a tunnel", up, "bench-tunnel", "at most 7")


def change_address() -> tuple[float, float]:
    """Have the cloud give another address; return the seconds until the host published it, and until it was told."""
    known = len(messages())
    started = time.time()
    cloud("restart")
    while len(messages()) == known:
        if time.time() - started > PATIENCE_SECONDS:
            sys.exit("There was no message about a new address.")
        time.sleep(0.05)
    return published_online() - started, messages()[-1]["arrived"] - started


def published_online() -> float:
    """Wait until the host publishes that its tunnel is online, and return since when it does."""
    look = "cd /var/lib/reachable/endpoint && stat --format=%.Y endpoint.json && cat endpoint.json"
    while True:
        changed, _, text = on_host("bench-tunnel", look).partition("\n")
        if all(endpoint["state"] == "online" for endpoint in json.loads(text)["endpoints"]):
            return float(changed)


def processor_seconds(process: str) -> float:
    """Return the processor time of a process on the host (proc(5): fields 14 and 15 of stat, in hundredths)."""
    fields = on_host("bench-tunnel", f"cat /proc/{process}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def cloud(action: str, **body: bool) -> None:
    """Control the stand-in for ngrok's cloud."""
    requests.post(f"http://{CLOUD}:4480/{action}", json=body, timeout=PATIENCE_SECONDS).raise_for_status()


def messages() -> list[dict[str, Any]]:
    """Return the messages that have arrived."""
    received: list[dict[str, Any]] = requests.get(f"http://{CLOUD}:8025", timeout=PATIENCE_SECONDS).json()
    return received
