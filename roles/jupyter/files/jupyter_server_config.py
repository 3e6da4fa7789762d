# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Adds what lies beside this file, and our pages; all settings stand in the JSON file."""

import os
import sys
from pathlib import Path

here = Path(__file__).parent
pages = here.parents[1] / "share/jupyter/pages"
sys.path.append(str(here))
c = get_config()  # type: ignore[name-defined]  # noqa: F821 - Jupyter provides it
c.ServerApp.jpserver_extensions.update(
    {
        "reachable_hostnames": True,
        "reachable_proof": True,
        "reachable_awake": "REACHABLE_KEEP_AWAKE" in os.environ,
    }
)
# After a person's own, which win.
c.ServerApp.extra_static_paths.append(str(pages / "static"))
c.ServerApp.extra_template_paths.append(str(pages / "templates"))
