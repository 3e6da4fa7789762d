"""The classic notebook under a finger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect
from touch.notebooks import put_notebook

if TYPE_CHECKING:
    from client import Browser
    from touch.tablet import Tablet


def walk(tablet: Tablet, url: str, server: Browser) -> None:
    """Open a notebook from the list, insert a cell and run it."""
    name = put_notebook(server, f"{tablet.screen} nbclassic.ipynb")
    with tablet.step("nbclassic: list of files"):
        tablet.page.goto(f"{url}/nbclassic")
        expect(tablet.page.get_by_role("link", name=name, exact=True)).to_be_visible()
    with tablet.step("nbclassic: open a file"):
        with tablet.new_tab():
            tablet.page.get_by_role("link", name=name, exact=True).tap()
        cells = tablet.page.locator(".code_cell")
        expect(cells).to_contain_text("1+1")
        expect(tablet.page.get_by_title("Kernel Idle")).to_be_visible()
    with tablet.step("nbclassic: Insert > Insert Cell Below"):
        tablet.page.get_by_role("link", name="Insert", exact=True).tap()
        tablet.page.get_by_role("menuitem", name="Insert Cell Below").tap()
        expect(cells).to_have_count(2)
    with tablet.step("nbclassic: run a cell"):
        cells.nth(1).locator(".CodeMirror").tap()
        tablet.page.keyboard.type("6*7")
        tablet.page.get_by_role("button", name="Run", exact=True).tap()
        expect(cells.nth(1).locator(".output_result")).to_have_text("42")
