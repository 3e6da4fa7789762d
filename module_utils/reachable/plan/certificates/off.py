# SPDX-License-Identifier: Apache-2.0
"""Plain http."""

from __future__ import annotations

from typing import Any

from .certificate import Provider


class Off(Provider):
    """No certificate."""

    kind = "off"
    scheme = "http"
    is_to_bring = False
    overdue = ""

    @property
    def is_surplus(self) -> bool:
        """Tell whether one of before is still there."""
        return bool(self.found["state"] != "absent")

    @property
    def settings(self) -> dict[str, Any]:
        """Return nothing: the configuration of an installation of before stays as it is."""
        return {}
