"""The card, from which people come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from touch.tablet import Tablet


def walk(tablet: Tablet, card: Path, url: str, password: str) -> None:
    """Find both addresses on the card, tap on the one for Safari, and log in."""
    with tablet.step("Both addresses on the card"):
        tablet.page.goto(card.as_uri())
        expect(tablet.page.get_by_role("link", name=f"{url}/", exact=True)).to_be_visible()
        expect(tablet.page.get_by_text(f"{url}/nbclassic", exact=True)).to_be_visible()
    with tablet.step("The address for Safari"):
        tablet.page.get_by_role("link", name=f"{url}/", exact=True).tap()
        expect(tablet.page.get_by_label("Password")).to_be_visible()
    with tablet.step("Log in"):
        tablet.page.get_by_label("Password").fill(password)
        tablet.page.get_by_role("button", name="Log in").tap()
        tablet.page.wait_for_url(f"{url}/lab*")  # loaded: of a page that nothing is drawn of there is no picture
