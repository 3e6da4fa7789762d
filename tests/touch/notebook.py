"""Notebook 7 under a finger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect
from touch.notebooks import put_notebook, wait_for_kernel
from touch.tablet import SECONDS

if TYPE_CHECKING:
    from client import Browser
    from touch.tablet import Tablet


def walk(tablet: Tablet, url: str, server: Browser) -> None:
    """Open a notebook from the tree, copy a cell and run the copy."""
    name = put_notebook(server, f"{tablet.screen} Notebook.ipynb")
    with tablet.step("Notebook: tree"):
        tablet.page.goto(f"{url}/tree")
        file = tablet.page.locator(".jp-DirListing").get_by_text(name, exact=True)
        expect(file).to_be_visible()
    with tablet.step("Notebook: open a file"):
        with tablet.new_tab():
            file.tap()
        cells = tablet.page.locator(".jp-CodeCell")
        expect(cells).to_contain_text("1+1")
    with tablet.step("Notebook: Edit > Copy Cell"):
        tablet.choose("Edit", "Copy Cell")
    with tablet.step("Notebook: Edit > Paste Cell Below"):
        tablet.choose("Edit", "Paste Cell Below")
        expect(cells).to_contain_text(["1+1", "1+1"])
    with tablet.step("Notebook: run a cell"):
        wait_for_kernel(server, name, SECONDS)
        tablet.run_cell()
        expect(cells.nth(1).locator(".jp-OutputArea-output")).to_have_text("2")
