# SPDX-License-Identifier: Apache-2.0
"""Filters for what is said before there is a plan, and after something was installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

# Ansible looks there by itself for modules only.
sys.path.insert(0, str(Path(__file__).parents[1] / "module_utils"))
from reachable.plan import environments, former, keeping, layout, looks, reach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def reach_refusal(found: Mapping[str, Any], said: str, way: Mapping[str, Any]) -> str:
    """Say why a host cannot be looked at, and what to do about it."""
    return reach.refusal(found, said, reach.Way(oldest_python=layout.OLDEST_PYTHON, **way))


def kept_scopes(file: str) -> dict[str, Any]:
    """Return in which scopes a host is installed, from the file that says so. Raises AnsibleFilterError."""
    try:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise AnsibleFilterError(f"{file} cannot be read, {error.strerror}: move it away for a new one.") from error
    return keeping.read_scopes(text)


class FilterModule:
    """Make the filters known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "default_layout": layout.defaults,
            "former_refusal": former.refusal,
            "is_for_all": looks.is_for_all,
            "is_without_rights": reach.is_without_rights,
            "extension_warnings": environments.extension_warnings,
            "kept_scopes": kept_scopes,
            "packages_changed": environments.packages_changed,
            "reach_refusal": reach_refusal,
            "reach_words": reach.words,
            "unfinished_scope": keeping.unfinished_scope,
        }
