"""JupyterLab under a finger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import FilePayload, expect
from touch.notebooks import FILE, remove, wait_for_kernel
from touch.tablet import SECONDS

if TYPE_CHECKING:
    from client import Browser
    from playwright.sync_api import Locator
    from touch.tablet import Tablet

TEXT = b"What a finger carries in and out.\n"
# Pixels that a finger meets, and below which iPadOS zooms into a text field.
ROW, BUTTON, CODE = 44, 36, 16


def walk(tablet: Tablet, url: str, server: Browser) -> None:
    """Work on a notebook and in a terminal, without leaving Lab."""
    page = tablet.page
    notebook, text = f"{tablet.screen} Lab.ipynb", f"{tablet.screen}.txt"
    renamed, made = f"{tablet.screen} renamed.ipynb", f"{tablet.screen}-42"
    marked = f"{tablet.screen} marked.txt"
    remove(server, notebook, text, renamed, made, marked)
    files = page.get_by_role("region", name="File Browser Section")
    launchers = page.locator("#jp-main-dock-panel").get_by_role("tab", name="Launcher")

    with tablet.step("Lab"):
        page.goto(f"{url}/lab?reset")
        expect(launchers).to_have_count(1)
    with tablet.step("Lab: File > New Launcher"):
        tablet.choose("File", "New Launcher")
        expect(launchers).to_have_count(2)
    carry_files(tablet, files, notebook, text, marked)
    with tablet.step("Lab: open a file"):
        files.get_by_text(notebook, exact=True).tap()
        cell = page.locator(".jp-CodeCell")
        expect(cell).to_contain_text("1+1")
        assert cell.locator(".cm-content").evaluate("it => parseFloat(getComputedStyle(it).fontSize)") >= CODE
    with tablet.step("Lab: run a cell"):
        wait_for_kernel(server, notebook, SECONDS)
        tablet.run_cell()
        expect(cell.first.locator(".jp-OutputArea-output")).to_have_text("2")
    with tablet.step("Lab: File > Rename Notebook"):
        tablet.choose("File", "Rename Notebook…")
        page.get_by_role("dialog").get_by_role("textbox").fill(renamed)
        page.get_by_role("dialog").get_by_role("button", name="Rename").tap()
        expect(files.get_by_text(renamed, exact=True)).to_be_visible()
    with tablet.step("Lab: terminal"):
        launchers.first.tap()
        page.locator(".jp-Launcher:visible").get_by_text("Terminal", exact=True).tap()
        page.locator(".jp-Terminal").tap()
        page.keyboard.type(f"touch {tablet.screen}-$((6*7))\n")
        files.get_by_role("button", name="Refresh the file browser").tap()
        expect(files.get_by_text(made, exact=True)).to_be_visible()


def carry_files(tablet: Tablet, files: Locator, notebook: str, text: str, marked: str) -> None:
    """Upload a notebook and a text, download the text and rename it as ``marked``, by the buttons above the files."""
    page = tablet.page
    with tablet.step("Lab: upload"):
        with page.expect_file_chooser() as chooser:
            files.get_by_role("button", name="Upload Files").tap()
        chooser.value.set_files(
            [
                FilePayload(name=notebook, mimeType="application/json", buffer=FILE),
                FilePayload(name=text, mimeType="text/plain", buffer=TEXT),
            ]
        )
        expect(files.get_by_text(notebook, exact=True)).to_be_visible()
        expect(files.get_by_text(text, exact=True)).to_be_visible()
    with tablet.step("Lab: download"):
        files.get_by_role("checkbox", name=text).tap()
        with page.expect_download() as download:
            files.get_by_role("button", name="Download").tap()
        assert download.value.suggested_filename == text
        assert download.value.path().read_bytes() == TEXT
    with tablet.step("Lab: rename what is marked"):
        files.get_by_role("button", name="Rename").tap()
        field = files.locator(".jp-DirListing-editor")
        field.fill(marked)
        field.press("Enter")
        expect(files.get_by_text(marked, exact=True)).to_be_visible()
    with tablet.step("Lab: large enough for a finger"):
        assert height(files.locator(".jp-DirListing-item").first) >= ROW
        assert height(files.get_by_role("button", name="Upload Files")) >= BUTTON


def height(element: Locator) -> float:
    """Return how high an element is on the screen, in CSS pixels."""
    box = element.bounding_box()
    assert box, f"{element} is not to be seen."
    return box["height"]
