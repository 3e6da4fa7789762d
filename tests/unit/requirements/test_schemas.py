"""Of a plugin's schema is kept what it says of values, and names are not taken for keywords."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from imports import imported

PROGRAM = Path(__file__).parents[3] / "requirements/schemas.py"
schemas = imported("schemas", PROGRAM)


def write(file: Path, schema: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(schema))


def test_what_is_kept(tmp_path: Path) -> None:
    share = tmp_path / "share/jupyter"
    title = {"type": "string", "title": "Title", "description": "Said to people", "default": ""}
    written = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Themes",
        "jupyter.lab.menus": {"main": []},
        "properties": {"title": title, "sizes": {"type": "object", "default": {"a": 1}}, "none": {"default": {}}},
        "definitions": {"default": {"items": [{"description": "x", "oneOf": [{"const": 1, "title": "One"}]}]}},
        "additionalProperties": False,
    }
    write(share / "lab/schemas/@b/core/themes.json", written)
    (share / "lab/schemas/@b/core/package.json.orig").write_text("{}")
    write(share / "labextensions/@a/ext/schemas/@a/ext/plugin.json", {"type": "object"})
    write(share / "labextensions/@a/ext/package.json", {"name": "@a/ext"})
    text = schemas.of_environment(tmp_path)
    assert json.loads(text) == {
        "@a/ext:plugin": {"type": "object"},
        "@b/core:themes": {
            "properties": {
                "title": {"type": "string"},
                "sizes": {"type": "object", "default": {"a": 1}},
                "none": {},
            },
            "definitions": {"default": {"items": [{"oneOf": [{"const": 1}]}]}},
            "additionalProperties": False,
        },
    }
    assert [line.split(":")[0] for line in text.splitlines()[1:-1]] == ['"@a/ext', '"@b/core']


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert json.loads(schemas.of_environment(tmp_path)) == {}
