# SPDX-License-Identifier: Apache-2.0
"""What each way in says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from reachable.endpoints import Endpoint
    from reachable.plan.accounts import Ours
    from reachable.plan.declaration import Declaration
    from reachable.plan.layout import Layout
    from reachable.plan.receipts import Receipt
    from reachable.plan.service import Service
    from reachable.plan.situation import Situation


class WayIn:
    """One way in to Jupyter on a host. What it does not say, it does not have."""

    transports: ClassVar[tuple[str, ...]]
    """By which its endpoints are known again."""
    is_tunnel: ClassVar[bool] = False
    """Whether Jupyter need listen to its own machine only, and a watcher publishes addresses that may change."""
    is_public: ClassVar[bool] = False
    """Whether strangers find it."""
    is_of_the_host: ClassVar[bool] = False
    """Whether its addresses are the machine's own."""

    def __init__(self, there: Situation) -> None:
        """Keep what is declared and how the host is."""
        self.there = there

    # What to look at, before anything is known of the host

    @classmethod
    def files(cls, layout: Layout, wanted: Declaration) -> list[str]:  # noqa: ARG003 - for those that have some
        """Return the files and folders to look at."""
        return []

    @classmethod
    def programs(cls, layout: Layout, wanted: Declaration) -> list[str]:  # noqa: ARG003 - for those that have some
        """Return the programs to look for."""
        return []

    @classmethod
    def users(cls, layout: Layout) -> list[str]:  # noqa: ARG003 - for those that have some
        """Return the accounts to look for."""
        return []

    @classmethod
    def ports(cls, wanted: Declaration) -> list[int]:  # noqa: ARG003 - for those that have some
        """Return the ports to look at, beside Jupyter's."""
        return []

    # What follows for the host

    @property
    def is_wanted(self) -> bool:
        """Tell whether it is wanted, and can be."""
        raise NotImplementedError

    def endpoints(self) -> list[Endpoint]:
        """Return where people find Jupyter by it, the easiest to type first; nothing where they do not."""
        return []

    def accounts(self) -> dict[str, Ours]:
        """Return the accounts that are made for it, by what they are for."""
        return {}

    def services(self) -> list[Service]:
        """Return what runs for it."""
        return []

    def receipt(self) -> Receipt:
        """Return what it makes on the host."""
        return {}

    def declared(self) -> list[dict[str, Any]]:
        """Return the endpoints that a watcher follows, as the declaration has them."""
        return []

    def visit(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return how the doctor gets to one of its endpoints."""
        return {"url": endpoint["url"]}

    def notes(self) -> list[str]:
        """Return what people should know before they rely on it."""
        return []
