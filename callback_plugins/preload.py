# SPDX-License-Identifier: Apache-2.0
"""What each task would do anew, done once."""

from __future__ import annotations

DOCUMENTATION = r"""
name: preload
type: notification
short_description: Load filters once, not in each task
description:
  - Each task is a forked copy of the process that runs the playbook. This loads all filters and tests before the first
    of them, which each would otherwise load anew, and keeps the garbage collector from looking through all that is
    there.
version_added: "1.0.0"
author: ["Reachable contributors (@reachable)"]
requirements:
  - enabled in configuration
"""

import gc
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import filter_loader, test_loader


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no types
    """Load what is the same in all tasks."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "preload"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_play_start(self, play: Any) -> None:  # noqa: ARG002  (Ansible's signature)
        """Load all filters and tests: to ask for any of them does."""
        for loader in (filter_loader, test_loader):
            loader.get("ansible.builtin.version")
        gc.freeze()
