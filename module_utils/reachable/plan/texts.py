# SPDX-License-Identifier: Apache-2.0
"""Values as text, as they stand in files of a host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # one of two
    """Writes YAML of values of whichever kind, also of Ansible's own kinds of text, lists and dictionaries."""


def represent(kind: type) -> Callable[[Any, Any], Any]:
    """Return what writes a value of a kind of one's own as the kind that it is made of."""
    return lambda dumper, value: dumper.represent_data(kind(value))


for each in (str, dict, list, int, float):
    Dumper.add_multi_representer(each, represent(each))


def json_text(value: Any) -> str:
    """Write a value as JSON for people."""
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def yaml_text(value: Any, sort_keys: bool = False) -> str:
    """Write a value as YAML for people, with its keys in their order, or sorted."""
    text: str = yaml.dump(
        value, Dumper=Dumper, indent=2, allow_unicode=True, default_flow_style=False, sort_keys=sort_keys
    )
    return text.strip() + "\n"
