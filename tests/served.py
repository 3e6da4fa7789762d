# SPDX-License-Identifier: Apache-2.0
"""Run a command that serves a card with its password, look at it as an iPad and as a stranger would, and interrupt it.

The exit status is that of the command.
"""

from __future__ import annotations

import argparse
import json
import os
import plistlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

SECONDS = 120
CHROMIUM = "/usr/bin/chromium"
OPTIONS = ["--no-proxy-server", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
IPAD: ViewportSize = {"width": 820, "height": 1180}


def is_refused(url: str, method: str = "GET") -> bool:
    """Tell whether a request gets a bare 404."""
    try:
        urlopen(Request(url, method=method), timeout=5).close()
    except HTTPError as answer:
        return answer.code == 404 and answer.read() == b"" and answer.headers.keys() == ["Content-Length"]
    return False


def is_silent(url: str) -> bool:
    """Tell whether nobody answers at all."""
    try:
        urlopen(url, timeout=5).close()
    except URLError as error:
        return isinstance(error.reason, ConnectionRefusedError)
    return False


def processes_with(secret: str) -> list[str]:
    """Return the files that tell how a process was started and have a secret in them."""
    found = []
    for name in ("cmdline", "environ"):
        for file in Path("/proc").glob(f"[0-9]*/{name}"):
            with suppress(OSError):  # it has just ended
                found += [str(file)] if secret.encode() in file.read_bytes() else []
    return found


def touch(url: str, password: str, picture: Path) -> list[str]:
    """Copy what can be copied with a finger, show the password, and return what a camera reads on the page before."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_context(viewport=IPAD, has_touch=True, is_mobile=True).new_page()
        page.goto(url)
        page.screenshot(path=picture, full_page=True)
        buttons = page.locator("button[data-copy]").all()
        values = [button.get_attribute("data-copy") or "" for button in buttons]
        for button, value in zip(buttons, values, strict=True):
            button.tap()
            expect(button).to_have_text("Copied")
            assert pasted(page) == value
        assert password in values
        expect(page.get_by_text(password)).to_be_hidden()
        page.get_by_text("Show", exact=True).tap()
        expect(page.get_by_text(password)).to_be_visible()
        browser.close()
    decoded = subprocess.run(["zbarimg", "--quiet", "--raw", picture], check=True, capture_output=True, text=True)
    return decoded.stdout.splitlines()


def be_led(url: str, profile: Path, password: str) -> None:
    """Take the profile with a finger, read on the page that the device trusts Jupyter then, not before, and log in."""
    # Chromium lets no page from outside ask for what is in a LAN, and takes addresses for documentation for outside.
    in_the_lan = f"--ip-address-space-overrides={urlsplit(url).netloc}=local"
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        downloaded, root = Path(home, profile.name), Path(home, "root.cer")
        for words in ("This device does not trust it yet", "This device trusts it"):
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=[*OPTIONS, in_the_lan], env={**os.environ, "HOME": home}
            )
            page = browser.new_context(viewport=IPAD, has_touch=True, is_mobile=True).new_page()
            page.goto(url)
            expect(page.get_by_role("status")).to_contain_text(words)
            if root.exists():
                page.locator("a.address").tap()
                page.get_by_label("Password").fill(password)
                page.get_by_role("button", name="Log in").tap()
                page.wait_for_url("https://*/lab*")
            else:
                with page.expect_download() as download:
                    page.get_by_text("Download the profile", exact=True).tap()
                download.value.save_as(downloaded)
                assert downloaded.read_bytes() == profile.read_bytes()
                [payload] = plistlib.loads(downloaded.read_bytes())["PayloadContent"]
                root.write_bytes(payload["PayloadContent"])
                trust(root, home)
            browser.close()


def trust(root: Path, home: str) -> None:
    """Have Chromium trust an authority, in the folder of a person of its own."""
    store = Path(home, ".pki/nssdb")
    store.mkdir(parents=True, exist_ok=True)
    at = ["certutil", "-d", f"sql:{store}"]
    subprocess.run([*at, "-N", "--empty-password"], check=True)
    subprocess.run([*at, "-A", "-n", "authority", "-t", "C,,", "-i", root], check=True)


def pasted(page: Page) -> str:
    """Return what somebody gets who pastes."""
    page.evaluate("document.body.append(document.createElement('textarea'))")
    field = page.locator("textarea")
    field.press("Control+v")
    value = field.input_value()
    field.evaluate("field => field.remove()")
    return value


def look(url: str, folder: Path, password: str) -> None:
    """Look at the card that is served, and at what is beside it."""
    with urlopen(url, timeout=5) as answer:
        page = answer.read().decode()
        assert {"Server", "Date"}.isdisjoint(answer.headers.keys()), answer.headers
    assert password in page
    assert [file for file in folder.iterdir() if password in file.read_text()] == []
    assert processes_with(password) == []

    root = url.rpartition("/")[0]
    assert all(map(is_refused, (root, f"{root}/", f"{root}/card.json", f"{url}/", f"{url}x")))
    assert is_refused(url, "POST")
    assert is_refused(url, "PUT")
    assert is_silent(f"http://127.0.0.1:{urlsplit(url).port}{urlsplit(url).path}"), (
        "It listens at more than one address."
    )
    if profile := next(folder.glob("*.mobileconfig"), None):
        be_led(url, profile, password)
    with tempfile.TemporaryDirectory() as pictures:
        read = touch(url, password, Path(pictures, "card.png"))
    assert read == [json.loads((folder / "card.json").read_text())["endpoints"][0]["safari_url"]]


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the folder with the card")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with subprocess.Popen(options.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        watchdog = threading.Timer(SECONDS, process.kill)
        watchdog.start()
        assert process.stdout
        shown = ""
        for line in process.stdout:
            shown += line
            if line.startswith("  It has the password"):
                break
        try:
            address = re.search(r"^  Card +(http\S+)$", shown, re.MULTILINE)
            assert address, shown
            look(address[1], options.folder, options.password_file.read_text().strip())
        finally:
            watchdog.cancel()
            process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert rest == "", rest
    assert is_silent(address[1])
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
