# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Shows pages what packages in the kernel's environment have for them, such as ipywidgets.

JupyterLab, Notebook and the classic notebook look for it in the server's own environment and in a person's home. Here
they learn of one more place, which comes last, so that no package there takes the place of one of the server's; but for
the classic notebook, whose own files are no extensions. The server itself runs none of what it finds there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def kernel() -> Path:
    """Return the environment of the kernel, as its kernelspec names it."""
    spec = Path(os.environ["JUPYTER_PATH"], "kernels/python3/kernel.json")
    return Path(json.loads(spec.read_text(encoding="utf-8"))["argv"][0]).parents[1]


def _link_jupyter_server_extension(serverapp: Any) -> None:
    """Tell the interfaces, which jupyter_server links before in the order of their names, and loads after this."""
    shared = kernel() / "share/jupyter"
    for app in set().union(*serverapp.extension_manager.extension_apps.values()):
        if app.has_trait("labextensions_path"):
            app.labextensions_path = [*app.labextensions_path, str(shared / "labextensions")]
        if app.has_trait("extra_nbextensions_path"):
            app.extra_nbextensions_path = [*app.extra_nbextensions_path, str(shared / "nbextensions")]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Tell the classic notebook which of that to load."""
    manager = serverapp.config_manager
    manager.read_config_path = [*manager.read_config_path, str(kernel() / "etc/jupyter/nbconfig")]
