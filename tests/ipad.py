# SPDX-License-Identifier: Apache-2.0
"""Use Jupyter and the card as from an iPad: python tests/ipad.py --help.

In Chromium with a touch screen, held wide and tall, and in WebKitGTK, which needs a screen to draw on (xvfb-run). It
keeps a picture of each step, and leaves its notebooks on the server.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from client import Browser
from touch import card, lab, nbclassic, notebook, webkit, widgets
from touch.tablet import SCREENS, Tablet, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser as Chromium


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=["chromium", "webkit"])
    parser.add_argument("url", help="the server's address, as it stands on the card")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True, help="the folder for the pictures")
    parser.add_argument("--held", choices=[*SCREENS], help="one way in which Chromium's is held, otherwise both")
    options = parser.parse_args()
    password = options.password_file.read_text().rstrip("\n")
    server = Browser(options.url)
    assert server.log_in(password) == 302
    options.pictures.mkdir(parents=True, exist_ok=True)
    if options.engine == "webkit":
        with webkit.webkit(options.pictures) as safari:
            webkit.walk(safari, options.url, server, password)
        return
    with chromium() as browser:
        failures = [*use_by_finger(browser, server, password, options)]
    if failures:
        sys.exit("\n\n".join(failures))


def use_by_finger(browser: Chromium, server: Browser, password: str, options: argparse.Namespace) -> Iterator[str]:
    """Come in from the card, and use each interface, also when one before does not work; yield what fails."""
    for screen in [options.held] if options.held else SCREENS:
        tablet = Tablet(browser, screen, options.pictures)
        card.walk(tablet, options.card.resolve(), options.url, password)
        for interface in (lab, notebook, nbclassic, widgets):
            with tablet.steps.until_one_fails():
                interface.walk(tablet, options.url, server)
        yield from tablet.steps.failures


if __name__ == "__main__":
    main()
