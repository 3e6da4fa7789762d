# SPDX-License-Identifier: Apache-2.0
"""Take from an environment what JupyterLab accepts as settings of its plugins, to compare settings elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

# What a schema says to people and pages, and not of values.
FOR_OTHERS = {"$id", "$schema", "default", "description", "examples", "title"}
# Keywords below which there are names, of which none is a keyword.
NAMED = {"definitions", "patternProperties", "properties"}


def of_environment(folder: Path) -> str:
    """Return the schemas of all plugins as JSON, one plugin to a line, in the order of their names."""
    share = folder / "share/jupyter"
    found = {}
    for root in [share / "lab/schemas", *sorted(share.glob("labextensions/**/schemas"))]:
        for file in sorted(root.rglob("*.json")):
            schema = stripped(json.loads(file.read_text(encoding="utf-8")))
            found[f"{file.parent.relative_to(root).as_posix()}:{file.stem}"] = schema
    lines = [f"{json.dumps(name)}: {json.dumps(found[name], sort_keys=True)}" for name in sorted(found)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def stripped(schema: Any) -> Any:
    """Return a schema with what it says of values only.

    A default counts where it is a dictionary, over which the server lays what is set.
    """
    if isinstance(schema, list):
        return [stripped(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key in NAMED:
            kept[key] = {name: stripped(each) for name, each in value.items()}
        elif key not in FOR_OTHERS and not key.startswith("jupyter.lab."):
            kept[key] = stripped(value)
    if isinstance(schema.get("default"), dict) and schema["default"]:
        kept["default"] = schema["default"]
    return kept
