# SPDX-License-Identifier: Apache-2.0
"""The ways to have a certificate, each in a file of its own. Whoever asks for them asks for this list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reachable.plan import public

from . import acme
from .ca import Ca
from .certificate import Provider
from .files import Files
from .off import Off

if TYPE_CHECKING:
    from reachable.plan.declaration import Declaration
    from reachable.plan.layout import Layout
    from reachable.plan.project import Project
    from reachable.plan.situation import Situation

__all__ = ["Provider", "acme"]

PROVIDERS: dict[str, type[Provider]] = {provider.kind: provider for provider in (Ca, acme.Acme, Files, Off)}
"""The ways, by their names in ``reachable_tls``."""


def files(layout: Layout, wanted: Declaration) -> list[str]:
    """Return the files and folders to look at, beside the certificate."""
    return acme.files(layout) if wanted.reachable_tls in acme.POSSIBLE else []


def looked_at(wanted: Declaration, layout: Layout, project: Project) -> list[dict[str, Any]]:
    """Return the environments to look at."""
    return [acme.environment(layout, project)] if wanted.reachable_tls in acme.POSSIBLE else []


def ports(wanted: Declaration) -> list[int]:
    """Return the ports to look at."""
    return [acme.PORT] if wanted.reachable_tls in acme.POSSIBLE else []


def provider(there: Situation) -> Provider:
    """Return how the host is to have a certificate."""
    wanted = there.wanted.reachable_tls
    return PROVIDERS[automatic(there) if wanted == "auto" else wanted](there)


def automatic(there: Situation) -> str:
    """Return the way where nobody has chosen one: what there is already. A tunnel has https of its own.

    Where the internet finds the host, the password must not go there in plain text.
    """
    if there.has_tunnel:
        return "off"
    if public.is_exposed(there) or acme.is_there(there):
        return "acme"
    return "ca" if Ca(there).is_of_the_authority else "off"


def planned(there: Situation) -> dict[str, Any]:
    """Return what the roles do, and what there is to tell."""
    chosen = there.certificate
    return {
        "kind": chosen.kind,
        "is_to_bring": chosen.is_to_bring,
        "is_to_prepare": chosen.is_to_prepare,
        "reason": chosen.reason if chosen.is_to_bring else "",
        "behind": chosen.behind,
        "overdue": chosen.overdue,
        "is_surplus": chosen.is_surplus,
        "is_to_get": chosen.is_to_get,
        "is_to_do": chosen.is_to_bring or chosen.is_to_get or chosen.is_surplus,
        "entry": chosen.entry,
        "farewell": chosen.farewell,
        "left_behind": left_behind(there),
        chosen.kind: chosen.planned(),
    }


def left_behind(there: Situation) -> str:
    """Say what people do on their own devices once the host leaves the authority of one's own; empty where it stays."""
    if there.certificate.kind == Ca.kind:
        return ""
    before = Ca(there)
    return before.farewell if before.is_of_the_authority else ""
