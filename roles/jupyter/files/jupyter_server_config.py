# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Adds the extension beside this file to the server; all settings stand in the JSON file."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
c = get_config()  # type: ignore[name-defined]  # noqa: F821 - Jupyter provides it
c.ServerApp.jpserver_extensions.update({"reachable_hostnames": True})
