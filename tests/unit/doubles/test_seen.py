# SPDX-License-Identifier: Apache-2.0
"""The stand-ins answer as the real programs were seen to answer, where somebody has written that down."""

from __future__ import annotations

import os
import plistlib
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from imports import imported

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SEEN = yaml.safe_load((HERE / "launchctl_seen.yml").read_text())
LABEL = "org.example.job"
IS_ROOT = os.geteuid() == 0
SOMEBODY = 65534 if IS_ROOT else os.geteuid()
SECONDS = 5

double = imported("macos_launchd", HERE.parents[1] / "doubles/macos_launchd.py")


class Mac:
    """A launchd with one job, in the domain of who asks."""

    def __init__(self, folder: Path, by: str, macos: int) -> None:
        self.caller = 0 if by == "root" else SOMEBODY
        self.domain = f"gui/{self.caller}" if self.caller else "system"
        self.plist = folder / "job.plist"
        self.console = folder / "var/run/console"
        self.launchd = double.Launchd(folder, macos)
        self.console.write_text(str(SOMEBODY))
        self.define()

    def define(self, **keys: Any) -> None:
        self.plist.write_bytes(
            plistlib.dumps({"Label": LABEL, "ProgramArguments": ["/bin/sleep", "60"], "RunAtLoad": True, **keys})
        )
        self.plist.chmod(0o644)
        os.chown(self.plist, self.caller if IS_ROOT else -1, -1)

    def ask(self, *arguments: str) -> tuple[int, str, str]:
        """Ask launchctl; what stands for something is put in its place in what is asked, and back in the answer."""
        places = {"DOMAIN": self.domain, "LABEL": LABEL, "PLIST": str(self.plist), "UID": str(self.caller)}
        words = list(arguments)
        for name, place in places.items():
            words = [word.replace(name, place) for word in words]
        self.launchd.tick()
        code, output, errors = self.launchd.answer(words, self.caller)
        for name, place in {**places, "DOMAIN": "\0"}.items():
            output, errors = output.replace(place, name), errors.replace(place, name)
        return code, output, errors

    def be(self, state: str) -> None:
        """Bring the job to a state."""
        if state in ("registered", "ending"):
            self.ask("bootstrap", "DOMAIN", "PLIST")
        if state == "ending":
            self.ask("bootout", "DOMAIN/LABEL")
        if state == "disabled":
            self.ask("disable", "DOMAIN/LABEL")
        if state == "writable by all":
            self.plist.chmod(0o666)
        if state == "without its program":
            self.define(ProgramArguments=["/nowhere"])
        if state == "with a log that cannot be written":
            self.define(StandardOutPath="/nowhere/log")
        if state == "of somebody who is not at the screen":
            self.console.unlink()


@pytest.fixture
def mac(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mac]:
    row = request.getfixturevalue("row")
    made = Mac(tmp_path, row.by, row.macos)
    yield made
    made.launchd.shut_down()


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(
            SimpleNamespace(**{"macos": 15, "words": [], "prints": [], "then": None, **row}),
            marks=pytest.mark.skipif(row["by"] == "root" and not IS_ROOT, reason="only root is asked as root"),
            id=f"{row['asked'][0]}, {row['state']}, by {row['by']}",
        )
        for row in SEEN
    ],
)
def test_launchctl(row: SimpleNamespace, mac: Mac) -> None:
    mac.be(row.state)
    code, output, errors = mac.ask(*row.asked)
    assert (code, [line for line in row.words if line not in errors.splitlines()]) == (row.code, []), errors
    assert [line for line in row.prints if f"\t{line}" not in output.splitlines()] == [], output
    end = time.monotonic() + SECONDS
    while row.then and f"\t{row.then}" not in (printed := mac.ask("print", "DOMAIN/LABEL")[1]).splitlines():
        assert time.monotonic() < end, printed
        time.sleep(0.02)
