# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. Starts kernels that know only TCP on TCP ports of the loopback, and all others on sockets.

Whoever is on the machine can listen to a port, and read what such a kernel says; to command it takes its key.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from jupyter_server.services.kernels.kernelmanager import ServerKernelManager
from traitlets import List, Unicode


class ReachableKernelManager(ServerKernelManager):
    """The manager of one kernel, which decides by the name of its kernelspec."""

    tcp_kernels = List(Unicode(), help="Names of kernelspecs whose kernels know only TCP, with * for any part.").tag(
        config=True
    )

    def __init__(self, **options: Any) -> None:
        """Choose the transport before anything is derived from it."""
        super().__init__(**options)
        if any(fnmatchcase(self.kernel_name, name) for name in self.tcp_kernels):
            self.transport = "tcp"
