"""A tablet: Chromium with a touch screen. A finger taps, and there are no shortcuts and no mouse."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect, sync_playwright
from touch.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

SECONDS = 60
CHROMIUM = "/usr/bin/chromium"
OPTIONS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
]
# An iPad's screen, held wide and tall.
SCREENS = {"wide": (1180, 820), "tall": (820, 1180)}


class Tablet:
    """A screen with one tab in front, under a finger."""

    def __init__(self, browser: Browser, screen: str, pictures: Path) -> None:
        """Open an empty tab on a screen that nobody is logged in on."""
        width, height = SCREENS[screen]
        context = browser.new_context(
            viewport={"width": width, "height": height}, has_touch=True, is_mobile=True, accept_downloads=True
        )
        context.set_default_timeout(SECONDS * 1000)
        self.screen = screen
        self.page: Page = context.new_page()
        self.steps = Steps(screen, pictures, self.take_picture, lambda: self.page.inner_text("body"))
        self.step = self.steps.step

    def take_picture(self, file: Path) -> None:
        """Keep a picture of the tab in front."""
        self.page.screenshot(path=file)

    def choose(self, menu: str, item: str) -> None:
        """Tap on a menu of Lab or Notebook, and then on one of its items."""
        self.page.locator("#jp-MainMenu, #menu-panel").get_by_role("menuitem", name=menu, exact=True).tap()
        self.page.locator(".lm-Menu").get_by_text(item, exact=True).tap()
        expect(self.page.locator(".lm-Menu")).to_have_count(0)

    def run_cell(self) -> None:
        """Run the cell that is chosen in Lab or Notebook."""
        expect(self.page.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute("data-status", "idle")
        self.page.get_by_role("button", name="Run this cell and advance").tap()

    def drag(self, points: list[tuple[float, float]]) -> None:
        """Put a finger on the screen, lead it along points and lift it."""
        session = self.page.context.new_cdp_session(self.page)
        for kind, (x, y) in zip(("touchStart", *["touchMove"] * (len(points) - 1)), points, strict=True):
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        session.detach()

    @contextmanager
    def new_tab(self) -> Iterator[None]:
        """Bring the tab to the front that a tap opens."""
        with self.page.context.expect_page() as opened:
            yield
        self.page = opened.value


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, as root without its sandbox, which it refuses there."""
    expect.set_options(timeout=SECONDS * 1000)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS + sandbox)
        yield browser
        browser.close()
