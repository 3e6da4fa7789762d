# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Renew the locks: for each NAME.in, NAME.txt with exact versions and hashes, for all platforms and Pythons at once.

Where there is NAME.excludes.txt, without what that names; where there is NAME.schemas.json, it is renewed as well, from
what the lock installs. Options go to uv, for example `--upgrade-package jupyterlab`;
without any, everything is upgraded. In the end it says what is held back by an upper bound in NAME.in, with the comment
beside it, and which version there is without the bound.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import schemas
from packaging.requirements import Requirement
from packaging.version import Version

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))
from reachable.sources import surroundings

UPPER_BOUNDS = {"<", "<=", "==", "===", "~="}
UV = Path(sys.executable).with_name("uv")


@dataclass
class HeldBack:
    """A package with an upper bound, and why it has one."""

    name: str
    bound: str
    reason: str

    def told(self, file: str, locked: Version, newest: Version) -> str:
        """Say what the bound costs today."""
        cost = f"without that it is {newest}" if newest > locked else "without that it is the same"
        return f"{self.name} {locked}: {file} holds it back by {self.bound}, {cost}. Reason: {self.reason}"


def held_back(source: Path) -> list[HeldBack]:
    """Return the packages that have an upper bound; a bound without a reason ends it."""
    found = []
    for line in source.read_text().splitlines():
        written, _, comment = line.partition("#")
        if not written.strip() or written.startswith("-"):
            continue
        requirement, reason = Requirement(written.strip()), comment.strip()
        if not any(specifier.operator in UPPER_BOUNDS for specifier in requirement.specifier):
            continue
        if not reason:
            sys.exit(f"{source.name}: write a comment behind {written.strip()} that says why it is held back.")
        found.append(HeldBack(requirement.name, str(requirement.specifier), reason))
    return found


def version_in(lock: str, name: str) -> Version:
    """Return a package's version in a lock, the newest if they differ by platform or Python."""
    lines = [line.split() for line in lock.splitlines() if line.startswith(f"{name}==")]
    return max(Version(words[0].removeprefix(f"{name}==")) for words in lines)


def compiled(name: str, *options: str, text: str = "") -> str:
    """Return what uv makes of requirements, for the Pythons that the lock of this name is for."""
    oldest = "3.11" if name in ("controller", "libraries", "test") else "3.10"
    wanted = ["--universal", "--python-version", oldest, "--no-header", *options]
    return uv("pip", "compile", "--quiet", *wanted, text=text)


def uv(*arguments: str, text: str = "") -> str:
    """Run uv and return what it prints."""
    command, environment = [str(UV), *arguments], surroundings(os.environ)
    done = subprocess.run(command, check=True, env=environment, input=text, stdout=subprocess.PIPE, text=True)
    return done.stdout


def renew(source: Path, options: list[str]) -> str:
    """Bring a lock to what its source says, and return it."""
    lock, excludes = source.with_suffix(".txt"), source.with_suffix(".excludes.txt")
    without = ["--excludes", excludes.name] if excludes.exists() else []
    wanted = [*without, "--generate-hashes", "--no-emit-index-url", *options]
    compiled(source.stem, *wanted, source.name, "--output-file", lock.name)
    if (settings := source.with_suffix(".schemas.json")).exists():
        with tempfile.TemporaryDirectory() as folder:
            uv("venv", "--quiet", folder)
            uv("pip", "sync", "--quiet", "--python", folder, lock.name)
            settings.write_text(schemas.of_environment(Path(folder)))
    return lock.read_text()


def main() -> None:
    """Renew all the locks, and say what is held back."""
    os.chdir(Path(__file__).parent)
    sources = {source: held_back(source) for source in sorted(Path().glob("*.in"))}
    said = []
    for source, packages in sources.items():
        lock = renew(source, sys.argv[1:] or ["--upgrade"])
        for package in packages:
            newest = version_in(compiled(source.stem, "--no-deps", "-", text=package.name), package.name)
            said.append(package.told(source.name, version_in(lock, package.name), newest))
    print(*said, sep="\n", end="\n" if said else "")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError:
        sys.exit("The locks could not be renewed; see uv's message above.")
