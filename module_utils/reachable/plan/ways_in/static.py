# SPDX-License-Identifier: Apache-2.0
"""An address of which somebody else takes care, such as a router that forwards a port."""

from __future__ import annotations

from reachable.endpoints import Endpoint, Origin, endpoint_value

from .way_in import WayIn


class Static(WayIn):
    """The address in ``endpoint_public_url``."""

    transports = ("static",)
    is_public = True

    @property
    def is_wanted(self) -> bool:
        """Tell whether it is wanted."""
        return bool(self.there.wanted.endpoint_public_url)

    def endpoints(self) -> list[Endpoint]:
        """Return the address."""
        url = self.there.wanted.endpoint_public_url
        return [endpoint_value(Origin.of(url), "public", "static")] if url else []
