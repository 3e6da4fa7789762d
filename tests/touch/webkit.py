"""WebKitGTK, whose engine is Safari's: pages render and work in it. It has a mouse, not a finger."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import WebKitGTK, WebKitGTKOptions, WebKitGTKService
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from touch.notebooks import put_notebook, wait_for_kernel
from touch.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client import Browser
    from selenium.webdriver.remote.webelement import WebElement

SECONDS = 120
DRIVER = "/usr/bin/WebKitWebDriver"


@dataclass
class Interface:
    """Where an interface has its files and a notebook; there the waiting kernel, what runs a cell, and its result."""

    files: str
    notebook: str
    idle: str
    run: str
    result: str


OF_LAB = (
    ".jp-Notebook-ExecutionIndicator[data-status=idle]",
    "[data-command='notebook:run-cell-and-select-next']",
    ".jp-OutputArea-output",
)
INTERFACES = {
    "Lab": Interface("/lab?reset", "/lab/tree/{}?reset", *OF_LAB),
    "Notebook": Interface("/tree", "/notebooks/{}", *OF_LAB),
    "nbclassic": Interface(
        "/nbclassic/tree", "/nbclassic/notebooks/{}", ".kernel_idle_icon", "#run_int button", ".output_result"
    ),
}


class Safari:
    """WebKitGTK's own small browser."""

    def __init__(self, driver: WebKitGTK, pictures: Path) -> None:
        """Take a browser, and wait for what it shows."""
        self.driver = driver
        self.waiting = WebDriverWait(
            driver, SECONDS, ignored_exceptions=[NoSuchElementException, StaleElementReferenceException]
        )
        self.step = Steps("webkit", pictures, lambda file: driver.save_screenshot(str(file)), self.read).step

    def read(self) -> str:
        """Return what stands on the page."""
        return str(self.driver.execute_script("return document.body.innerText"))

    def click(self, selector: str) -> None:
        """Click on an element, once it is there."""
        self.waiting.until(lambda _: self.found(selector).is_displayed())
        self.found(selector).click()

    def wait_for(self, selector: str, text: str = "") -> None:
        """Wait until there is an element, and it says something."""
        self.waiting.until(lambda _: text in self.found(selector).text)

    def found(self, selector: str) -> WebElement:
        """Return the first element of a kind."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)


@contextmanager
def webkit(pictures: Path) -> Iterator[Safari]:
    """Start WebKitGTK, as root without its sandbox, which does not work there."""
    if os.geteuid() == 0:
        os.environ["WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS"] = "1"
    driver = WebKitGTK(options=WebKitGTKOptions(), service=WebKitGTKService(DRIVER))
    try:
        yield Safari(driver, pictures)
    finally:
        driver.quit()


def walk(safari: Safari, url: str, server: Browser, password: str) -> None:
    """Log in, and in each interface find a notebook and run its cell, which takes a WebSocket."""
    name = put_notebook(server, "WebKit.ipynb")
    with safari.step("Log in"):
        safari.driver.get(f"{url}/login")
        safari.found("input[type=password]").send_keys(password)
        safari.click("#login_submit")
        safari.waiting.until(lambda driver: "/lab" in driver.current_url)
    for interface, has in INTERFACES.items():
        with safari.step(f"{interface}: list of files"):
            safari.driver.get(url + has.files)
            safari.wait_for("body", name)
        with safari.step(f"{interface}: 1+1"):
            safari.driver.get(url + has.notebook.format(quote(name)))
            safari.wait_for(has.idle)
            wait_for_kernel(server, name, SECONDS)
            safari.click(has.run)
            safari.wait_for(has.result, "2")
