# SPDX-License-Identifier: Apache-2.0
"""Run a command, and measure how long Jupyter does not answer meanwhile: python outage.py URL FILE COMMAND...

FILE gets the seconds between answers of /api that are further apart than a request takes. The command's output and exit
status are this program's own.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

EVERY_SECONDS = 0.05
# Jupyter answers within this time, or it is an outage.
ANSWER_SECONDS = 1.0


def poll(url: str, ended: threading.Event) -> float:
    """Ask for /api until the end; return the sum of the times from the first question without an answer to the next."""
    browser = build_opener(ProxyHandler({}))
    total, silent_since = 0.0, None
    while not ended.is_set():
        asked = time.monotonic()
        answered = False
        with contextlib.suppress(OSError), browser.open(f"{url}/api", timeout=ANSWER_SECONDS) as answer:
            answered = answer.status == 200  # noqa: PLR2004  (HTTP's OK)
        if answered and silent_since is not None:
            total += time.monotonic() - silent_since
        silent_since = None if answered else silent_since or asked
        time.sleep(EVERY_SECONDS)
    return total + (time.monotonic() - silent_since if silent_since else 0.0)


def main() -> None:
    """Poll in a thread while the command runs."""
    url, file, *command = sys.argv[1:]
    ended, totals = threading.Event(), list[float]()
    poller = threading.Thread(target=lambda: totals.append(poll(url, ended)))
    poller.start()
    status = subprocess.run(command, check=False).returncode
    ended.set()
    poller.join()
    Path(file).write_text(f"{totals[0]:.2f}", encoding="utf-8")
    sys.exit(status)


if __name__ == "__main__":
    main()
