# SPDX-License-Identifier: Apache-2.0
"""Find what the packages of an environment have for Jupyter's server and for its pages, without running any of it."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import environments, files

if TYPE_CHECKING:
    from pathlib import Path

SERVER_PARTS = "etc/jupyter/jupyter_server_config.d"
PAGES = "share/jupyter/labextensions"
# Packages of JupyterLab that have its own version, at least the first number of it.
OF_LAB = ("@jupyterlab/application", "@jupyterlab/notebook", "@jupyterlab/rendermime")


def of_environment(environment: Path) -> dict[str, Any]:
    """Return its parts for the server, as the name of the file that says so to the package, and its front ends.

    Of a front end it is what it needs of JupyterLab, as ranges of versions.
    """
    parts = sorted(each.name for each in (environment / SERVER_PARTS).glob("*.json"))
    pages = [*(environment / PAGES).glob("[!@]*/package.json"), *(environment / PAGES).glob("@*/*/package.json")]
    owners = owners_of([f"{SERVER_PARTS}/{part}" for part in parts], environment) if parts else {}
    front_ends = {}
    for page in sorted(pages):
        with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
            about = json.loads(files.read_regular(str(page)))
            needs = about.get("dependencies", {})
            front_ends[str(about["name"])] = [str(needs[name]) for name in OF_LAB if name in needs]
    return {"server": {part: owners.get(f"{SERVER_PARTS}/{part}", part) for part in parts}, "pages": front_ends}


def owners_of(paths: list[str], environment: Path) -> dict[str, str]:
    """Return the packages to which files belong."""
    owners = {}
    for record in environments.records(environment):
        with suppress(OSError, ValueError):
            listed = files.read_regular(str(record / "RECORD")).decode()
            name = record.name.removesuffix(".dist-info").split("-", 1)[0]
            owners.update({path: name.replace("_", "-") for path in paths if f"/{path}," in listed})
    return owners


def fits(ranges: list[str], lab: str) -> bool:
    """Tell whether ranges of versions, as npm writes them, let in the first number of JupyterLab's version."""
    return all(any(begins(each, lab) for each in one.split("||")) for one in ranges)


def begins(one: str, lab: str) -> bool:
    """Tell the same of one range. What has no end, or no number, lets in whatever there is."""
    number = re.match(r"\s*([~^=v]*)(\d+)", one)
    return not number or number[2] == lab.split(".", maxsplit=1)[0]
