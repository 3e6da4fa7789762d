"""What a package in the kernel's environment has for pages: a slider of ipywidgets, which a finger drags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client import CELL
from playwright.sync_api import expect
from touch.notebooks import MODEL, put_notebook, wait_for_kernel
from touch.tablet import SECONDS

if TYPE_CHECKING:
    from client import Browser
    from playwright.sync_api import Locator
    from touch.tablet import Tablet

# What is shown is worked out by the kernel, so the finger has been there and back.
SLIDER = """\
import ipywidgets
@ipywidgets.interact(number=ipywidgets.IntSlider(value=7, min=0, max=10))
def show(number):
    print("six times that is", 6 * number)
"""
MODEL_WITH_SLIDER = {**MODEL, "content": {**MODEL["content"], "cells": [{**CELL, "source": SLIDER}]}}


def walk(tablet: Tablet, url: str, server: Browser) -> None:
    """Drag the slider in each interface."""
    for interface, path in (("Lab", "lab/tree"), ("Notebook", "notebooks"), ("nbclassic", "nbclassic/notebooks")):
        name = put_notebook(server, f"{tablet.screen} slider {interface}.ipynb", MODEL_WITH_SLIDER)
        with tablet.step(f"{interface}: a slider"):
            tablet.page.goto(f"{url}/{path}/{name}" + ("?reset" if interface == "Lab" else ""))
            run = run_classic if interface == "nbclassic" else run_cell
            run(tablet, server, name)
            expect(tablet.page.get_by_text("six times that is 42")).to_be_visible()
        with tablet.step(f"{interface}: drag it"):
            drag_to_end(tablet, tablet.page.locator(".noUi-handle"))
            expect(tablet.page.get_by_text("six times that is 60")).to_be_visible()


def run_cell(tablet: Tablet, server: Browser, name: str) -> None:
    """Run the cell in Lab or Notebook."""
    wait_for_kernel(server, name, SECONDS)
    tablet.page.locator(".jp-CodeCell .cm-content").tap()
    tablet.run_cell()


def run_classic(tablet: Tablet, _server: Browser, _name: str) -> None:
    """Run the cell in the classic notebook."""
    expect(tablet.page.get_by_title("Kernel Idle")).to_be_visible()
    tablet.page.get_by_role("button", name="Run", exact=True).tap()


def drag_to_end(tablet: Tablet, handle: Locator) -> None:
    """Drag the handle of a slider as far to the right as it goes."""
    handle.tap(trial=True)  # waits until it stays where it is: below it an output and the next cell come
    slider = handle.locator("xpath=ancestor::*[contains(@class, 'noUi-target')]")
    box, rail = handle.bounding_box(), slider.bounding_box()
    assert box, "The handle is not to be seen."
    assert rail, "The slider is not to be seen."
    y, start, end = box["y"] + box["height"] / 2, box["x"] + box["width"] / 2, rail["x"] + rail["width"]
    tablet.drag([(start + (end - start) * part / 8, y) for part in range(9)])
