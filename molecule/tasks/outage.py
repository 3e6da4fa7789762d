# SPDX-License-Identifier: Apache-2.0
"""Run a verb, and measure how long Jupyter does not answer meanwhile: python outage.py URL FILE COMMAND...

FILE gets, as JSON, the `seconds` between answers of /api that are further apart than a request takes, how many
`restarts` the verb tells of, and the `seconds_of_restarts` by its own word: a slow host starts slowly. The verb's
output and exit status are this program's own.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

EVERY_SECONDS = 0.05
# Jupyter answers within this time, or it is an outage.
ANSWER_SECONDS = 1.0
RESTART = "Restart reachable-jupyter"
# From the signal to the first answer (roles/jupyter/tasks/restart.yml), and the way back to the server of before.
OF_RESTART = (RESTART, "See whether it stays", "Open Jupyter from its own machine", "Turn to the server of before")
STEP = re.compile(r"^ +. (?P<name>.+?)(?:  (?P<seconds>[0-9.]+) s)?$", re.MULTILINE)


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
    verb = subprocess.run(command, check=False, capture_output=True, text=True)
    ended.set()
    poller.join()
    steps = [step for step in STEP.finditer(verb.stdout) if step["name"] in OF_RESTART]
    measured = {
        "seconds": round(totals[0], 2),
        "restarts": sum(step["name"] == RESTART for step in steps),
        "seconds_of_restarts": sum(float(step["seconds"] or 0) for step in steps),
    }
    Path(file).write_text(json.dumps(measured), encoding="utf-8")
    sys.stdout.write(verb.stdout)
    sys.stderr.write(verb.stderr)
    sys.exit(verb.returncode)


if __name__ == "__main__":
    main()
