# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Check that every role's defaults and argument specs name the same variables, with the right prefixes and values.

And that no role names what is another one's own: of the others it knows the plan, and what all share.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
SHARED_PREFIX = "reachable_"
# Variables of a role that people know by other names than its own.
OTHER_PREFIXES = {"certificate": ("tls_", "acme_")}


def main() -> None:
    """Print every problem in the project's roles; exit with 1 if there is one."""
    roles = sorted(ROOT.glob("roles/*/"))
    problems = [problem for role in roles for problem in (*check(role), *foreign_names(role, roles))]
    print(*problems, sep="\n", end="\n" if problems else "")
    sys.exit(1 if problems else 0)


def check(role: Path) -> list[str]:
    """Return the problems of one role, each as a sentence."""
    defaults = load(role / "defaults/main.yml")
    specs = load(role / "meta/argument_specs.yml")
    if not specs:
        return [f"{role.name}: there is no meta/argument_specs.yml."]
    options: dict[str, dict[str, Any]] = specs["argument_specs"]["main"].get("options", {})
    optional = {name for name, option in options.items() if not option.get("required")}
    prefixes = (f"{role.name}_", SHARED_PREFIX, *OTHER_PREFIXES.get(role.name, ()))
    return [
        *(f"{role.name}: {name} has a default but no spec." for name in sorted(defaults.keys() - options.keys())),
        *(f"{role.name}: {name} is optional but has no default." for name in sorted(optional - defaults.keys())),
        *(
            f"{role.name}: {name} is required but has a default."
            for name in sorted(defaults.keys() & options.keys() - optional)
        ),
        *(
            f"{role.name}: {name} begins with neither of {', '.join(prefixes)}."
            for name in options
            if not name.startswith(prefixes)
        ),
        *(
            f"{role.name}: {name} is {defaults[name]!r} in defaults but {option['default']!r} in its spec."
            for name, option in options.items()
            if name in defaults and "default" in option and option["default"] != defaults[name]
        ),
    ]


def foreign_names(role: Path, roles: list[Path]) -> list[str]:
    """Return a sentence for each variable of another role's own, which begins with two lines and that role's name."""
    others = "|".join(other.name for other in roles if other != role)
    files = [file for file in role.rglob("*") if file.suffix in {".yml", ".j2"}]
    found = {(file, name) for file in files for name in re.findall(rf"\b__(?:{others})_\w+", file.read_text())}
    return [f"{file.relative_to(ROOT)}: {name} is another role's own." for file, name in sorted(found)]


def load(file: Path) -> dict[str, Any]:
    """Return the content of a YAML file, empty if there is no such file."""
    content: dict[str, Any] | None = yaml.safe_load(file.read_text()) if file.exists() else None
    return content or {}


if __name__ == "__main__":
    main()
