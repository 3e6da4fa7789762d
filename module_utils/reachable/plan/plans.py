# SPDX-License-Identifier: Apache-2.0
"""What the plans of an account at ngrok allow, and where that is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import published

if TYPE_CHECKING:
    from reachable.allowance import Allowance

    from .situation import Situation

# In a month (https://ngrok.com/docs/pricing-limits/free-plan-limits/).
PLANS: dict[str, dict[str, int]] = {
    "free": {"http_requests": 20000, "gigabytes": 1, "tcp_connections": 5000, "warning_page": True},
    "paid": {},
}


def requests_a_month(there: Situation) -> int:
    """Return how many requests through an http tunnel the declared plan allows; 0 where nothing is to be counted."""
    return PLANS[there.wanted.ngrok_plan].get("http_requests", 0) if "http" in there.transports else 0


def allowance(there: Situation) -> Allowance | None:
    """Return what of that is used, as the watcher has published it; None where nothing is counted."""
    return published.allowance(there.content(there.layout.endpoints)) if requests_a_month(there) else None


def for_watcher(there: Situation) -> dict[str, Any]:
    """Return what the watcher is told of it."""
    allowed = requests_a_month(there)
    return {"requests_file": there.layout.requests, "requests_a_month": allowed} if allowed else {}
