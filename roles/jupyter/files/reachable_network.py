# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Tells kernels and terminals which proxy leads out, and whom to trust.

The address of a proxy may have a password in it, so it stands in the configuration, which nobody else may read, and
not in the definition of the service. Kernels and terminals have the environment of the server.
"""

from __future__ import annotations

import os
from typing import Any


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Set the variables; Jupyter calls this at its start."""
    if "REQUESTS_CA_BUNDLE" not in os.environ and "PIP_CERT" in os.environ:
        # For pip it is the same, but does not win over what its own configuration on the host says.
        os.environ["REQUESTS_CA_BUNDLE"] = os.environ.pop("PIP_CERT")
    os.environ.update(serverapp.config["Reachable"].get("secret_variables", {}))
