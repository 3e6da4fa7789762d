# SPDX-License-Identifier: Apache-2.0
"""The packages that people want for their notebooks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def no_packages(entries: Iterable[str]) -> list[str]:
    """Return the entries that are not a package's name with optional extras and versions, as PEP 508 has them."""
    return [entry for entry in entries if not is_package(entry)]


def is_package(text: str) -> bool:
    """Tell whether a text names a package, and nothing but a package."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - most people ask for none

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return False
    return requirement.url is None and requirement.marker is None


def name_of(requirement: str) -> str:
    """Return the name of the package that a requirement is for."""
    return re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0]


def no_requirements(file: str) -> str:
    """Say that the file with requirements is not there, and what to do."""
    return (
        f"jupyter_requirements_file is '{file}', and there is no such file here: give the absolute path of a file on "
        "this machine."
    )
