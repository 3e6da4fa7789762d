# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (its output is its result)
"""Start Jupyter, short of listening, and print which defaults for an iPad count, as JSON: python defaults.py [FILES].

Runs on the host with the server's Python and in its environment. FILES, as JSON, are what a person has in ~/.jupyter;
they then take the place of that folder, and of the one in which Jupyter itself writes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

if len(sys.argv) > 1:
    theirs = Path(tempfile.mkdtemp())
    for name, content in json.loads(sys.argv[1]).items():
        (theirs / name).parent.mkdir(exist_ok=True)
        (theirs / name).write_text(content)
    # Before Jupyter is imported, which asks for it at once.
    first, *_, last = os.environ["JUPYTER_CONFIG_PATH"].split(":")
    os.environ["JUPYTER_CONFIG_PATH"] = f"{first}:{theirs}:{last}"

from jupyter_server.serverapp import ServerApp
from jupyter_server.services.config.manager import ConfigManager

server = ServerApp()
server.initialize(argv=[], new_httpserver=False)
points = server.extension_manager.extension_points
labconfig: Any = ConfigManager(config_dir_name="labconfig")
counts = {
    "compress_response": server.web_app.settings.get("compress_response", False),
    "news_url": points["lab"].app.news_url,
    "update_checker": points["lab"].app.check_for_updates_class.__name__,
    "show_banner": points["nbclassic"].app.show_banner,
    "overrides": labconfig.get("default_setting_overrides"),
}
print(json.dumps(counts))
