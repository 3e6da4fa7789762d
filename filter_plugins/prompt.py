# SPDX-License-Identifier: Apache-2.0
"""A filter for what a playbook asks for, where nobody can be asked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def or_standard_input(given: str | None) -> str | None:
    """Return what was given; else the first line of standard input; None where that is a terminal.

    For the default of a prompt, which Ansible evaluates in its first process; its workers have no standard input. As a
    file of variables (``-e @/dev/stdin``) it could not read a pipe.
    """
    if given is not None or sys.stdin.isatty():
        return given
    return sys.stdin.readline().rstrip("\r\n")


class FilterModule:
    """Make the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., str | None]]:
        """Return the filter by name."""
        return {"or_standard_input": or_standard_input}
