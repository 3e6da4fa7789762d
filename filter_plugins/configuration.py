# SPDX-License-Identifier: Apache-2.0
"""Filters that make files of what is planned."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Ansible looks there by itself for modules only.
sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable.plan import environments, receipts, settings, tunnels

if TYPE_CHECKING:
    from collections.abc import Callable


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "agent_config": tunnels.agent_config,
            "agent_setting_problems": tunnels.agent_setting_problems,
            "cloud_address": tunnels.cloud_address,
            "common_settings": tunnels.common_settings,
            "joined_policy": tunnels.joined_policy,
            "keeper_options": tunnels.keeper_options,
            "packages_changed": environments.packages_changed,
            "policy_problems": tunnels.policy_problems,
            "read_receipt": receipts.read,
            "ready_policy": tunnels.ready_policy,
            "to_watch": tunnels.to_watch,
            "watched_traits": settings.watched_traits,
        }
