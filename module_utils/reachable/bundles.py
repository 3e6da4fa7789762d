# SPDX-License-Identifier: Apache-2.0
"""Bundles: archives with all wheels that environments on hosts need, for hosts without a way to a package index.

A bundle is an uncompressed tar with the folder ``wheels`` and, as its last member, ``bundle.json``, so that a host on
which that file lies has all that comes before it. It holds ``wheels``, the sizes in bytes by file name, and
``targets``, a list of what the wheels are for.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from . import files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ABOUT = "bundle.json"
WHEELS = "wheels"
# https://packaging.python.org/en/latest/specifications/binary-distribution-format
WHEEL = re.compile(r"[\w.+!]+(-[\w.+!]+){4,5}\.whl")


class BundleError(Exception):
    """A file is no bundle; the text says why."""


@dataclass(frozen=True)
class Target:
    """A kind of host, and what of it wheels are for.

    ``python`` is a version like 3.11, ``architecture`` and ``system`` what Python calls them. ``locks`` are digests of
    the environments' requirements, ``packages`` and ``requirements`` what people want in the one for notebooks.
    """

    python: str
    architecture: str
    system: str
    locks: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)


def digest(text: str) -> str:
    """Return by what a text is known in a bundle."""
    return hashlib.sha256(text.rstrip().encode()).hexdigest()


def about(targets: Sequence[Target], wheels: Mapping[str, int]) -> str:
    """Return the content of ``bundle.json``."""
    found = {"targets": [asdict(target) for target in targets], "wheels": dict(sorted(wheels.items()))}
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def targets_in(text: str) -> list[Target]:
    """Return what the wheels of a bundle are for. Raises BundleError."""
    try:
        return [Target(**target) for target in json.loads(text)["targets"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError("it is damaged") from error


def write(path: Path, folder: Path, targets: Sequence[Target]) -> dict[str, int]:
    """Write the wheels in a folder as a bundle, in place of one that is there; return their sizes. Raises OSError."""
    wheels = {file.name: file.stat().st_size for file in sorted(folder.glob("*.whl"))}
    (folder / ABOUT).write_text(about(targets, wheels), encoding="utf-8")
    unfinished = path.with_name(f".{path.name}.new")
    try:
        with tarfile.open(unfinished, "w", format=tarfile.PAX_FORMAT) as archive:
            for name in wheels:
                archive.add(folder / name, f"{WHEELS}/{name}", filter=of_nobody)
            archive.add(folder / ABOUT, ABOUT, filter=of_nobody)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return wheels


def of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return a member of an archive that does not say whose it was."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o644
    return member


def read(path: Path) -> str:
    """Return what a bundle says of itself, once it has nothing in it but what it says. Raises BundleError.

    Whoever unpacks it may be root, and it may come from anywhere.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            members = archive.getmembers()
            last = members[-1] if members else None
            if last is None or last.name != ABOUT or not last.isreg() or last.size > files.LARGEST_BYTES:
                raise BundleError("it is not one, or is cut off")
            content = archive.extractfile(last)
            text = content.read().decode() if content else ""
    except FileNotFoundError as error:
        raise BundleError("there is no such file here") from error
    except (OSError, tarfile.TarError, UnicodeDecodeError) as error:
        raise BundleError("it is not one, or is cut off") from error
    check(members[:-1], text)
    return text


def check(members: Sequence[tarfile.TarInfo], text: str) -> None:
    """Compare what is in a bundle with what it says of itself. Raises BundleError."""
    targets_in(text)
    wheels: Any = json.loads(text).get("wheels")
    found = {member.name: member.size for member in members if member.isreg()}
    is_plain = len(found) == len(members) and isinstance(wheels, dict) and all(map(WHEEL.fullmatch, wheels))
    if not is_plain or found != {f"{WHEELS}/{name}": size for name, size in wheels.items()}:
        raise BundleError("it has something else in it than it says")
