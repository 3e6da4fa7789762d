# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Adds the extensions beside this file to the server; all settings stand in the JSON file."""

import contextlib
import json
import os
import sys
from pathlib import Path

SHORTEST_KEY = 32

sys.path.append(str(Path(__file__).parent))
# The server makes a key where there is none, but takes a damaged one as it is. All devices log in again then.
with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
    settings = json.loads(Path(__file__).with_name("jupyter_server_config.json").read_text(encoding="utf-8"))
    key = Path(settings["ServerApp"]["cookie_secret_file"])
    if key.is_dir():
        key.rmdir()
    elif key.stat().st_size < SHORTEST_KEY or not os.access(key, os.R_OK):
        key.unlink()
c = get_config()  # type: ignore[name-defined]  # noqa: F821 - Jupyter provides it
c.ServerApp.jpserver_extensions.update(
    {
        "reachable_front_ends": True,
        "reachable_hostnames": True,
        "reachable_limits": True,
        "reachable_login": True,
        "reachable_network": True,
        "reachable_proof": True,
        "reachable_preload": True,
        "reachable_awake": "REACHABLE_KEEP_AWAKE" in os.environ,
        "reachable_requests": "REACHABLE_REQUESTS" in os.environ,
    }
)
# No append() or extend() here: traitlets 5.16 doubles what they add when the configuration is updated, as it is for
# each extension, and a server grew by that until the memory was used up. What update() adds to a dictionary is added
# again, which does no harm.
