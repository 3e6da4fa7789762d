# SPDX-License-Identifier: Apache-2.0
"""The settings of JupyterLab's plugins, which stand in jupyter_settings beside those of Jupyter's classes.

JupyterLab does without a plugin whose settings do not fit its schema, and without all that builds on it: the page then
stays empty, and the server says nothing. So each value is compared with the schema before it gets to a host.
"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a dictionary",
    "string": "text",
}
# What is good for an iPad, unless somebody wants it otherwise. What a person sets in JupyterLab itself wins.
DEFAULTS: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},  # dark when the iPad is
    # A finger has no double click, and no menu behind the right button.
    "@jupyterlab/filebrowser-extension:browser": {"singleClickNavigation": True, "showFileCheckboxes": True},
    "@jupyterlab/filebrowser-extension:widget": {
        "toolbar": [
            {"name": "rename", "command": "reachable:rename", "rank": 32},
            {"name": "download", "command": "filebrowser:download", "rank": 34},
            {"name": "delete", "command": "filebrowser:delete", "icon": "ui-components:delete", "rank": 36},
        ],
    },
}
# Beside them where each request counts: how often Notebook asks when a notebook was last checkpointed, in seconds.
WHERE_REQUESTS_COUNT: dict[str, dict[str, Any]] = {
    "@jupyter-notebook/notebook-extension:checkpoints": {"checkpointPollingInterval": 600},
}
EXAMPLE = '{"@jupyterlab/terminal-extension:plugin": {"fontSize": 16}}'


def plugin_settings(settings: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what is for plugins, whose names are such as ``@jupyterlab/apputils-extension:themes``."""
    return {str(name): values for name, values in settings.items() if is_plugin(name)}


def class_settings(settings: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return what is for classes."""
    return {name: values for name, values in settings.items() if not is_plugin(name)}


def is_plugin(name: Any) -> bool:
    """Tell whether a name is meant to be a plugin's."""
    return str(name).startswith("@") or ":" in str(name)


def lab_overrides(settings: Mapping[Any, Any], *, requests_count: bool = False) -> dict[str, dict[str, Any]]:
    """Return the defaults with the settings laid over them, by plugin and key; null takes a default out."""
    given = plugin_settings(settings)
    defaults = {**DEFAULTS, **(WHERE_REQUESTS_COUNT if requests_count else {})}
    overrides = {}
    for plugin in sorted({*defaults, *given}):
        ours = defaults.get(plugin, {})
        theirs = given.get(plugin, {})
        if theirs is None:
            continue
        taken_out = {key for key in ours if key in theirs and theirs[key] is None}
        values = {key: value for key, value in laid_over(ours, theirs).items() if key not in taken_out}
        if values:
            overrides[plugin] = values
    return overrides


def laid_over(below: Any, above: Any) -> Any:
    """Return a value over another one; of dictionaries, as the server does it, key by key."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: laid_over(below.get(key), value) for key, value in above.items()}}


def refused_plugin_settings(settings: Mapping[Any, Any], schemas: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each setting of a plugin that does not fit the schemas of the plugins."""
    return [
        f"jupyter_settings has {problem}"
        for plugin, values in plugin_settings(settings).items()
        for problem in plugin_problems(plugin, values, DEFAULTS.get(plugin, {}), schemas)
    ]


def plugin_problems(
    plugin: str, values: Any, ours: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Say what is wrong with the settings of one plugin, and what to do."""
    if plugin not in known:
        return [f"{plugin}, which is no plugin of this JupyterLab: {advice(plugin, known)}"]
    if values is None and ours:
        return []
    if not isinstance(values, dict):
        return [f"{plugin} without its settings: write it like {EXAMPLE}."]
    if not known[plugin].get("properties"):
        return [f"{plugin}, which has no settings: leave it out."]
    problems = [
        value_problem(known[plugin], str(key), value)
        for key, value in values.items()
        if not (value is None and key in ours)
    ]
    return [f"{plugin} {problem}" for problem in problems if problem]


def advice(name: str, known: Iterable[str]) -> str:
    """Say which of the known names may be meant."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else "leave it out."


def value_problem(schema: Mapping[str, Any], key: str, value: Any) -> str | None:
    """Say where a value does not fit, how, and what to do; None if it fits."""
    import jsonschema  # noqa: PLC0415 - it takes a moment, and most people set nothing of the kind

    wanted = schema["properties"].get(key)
    if wanted is None:
        if schema.get("additionalProperties", True):
            return None
        return f"{key}, which that plugin does not know: {advice(key, schema['properties'])}"
    # In the same draft as the server, which lays a dictionary over the default before.
    validator = jsonschema.Draft7Validator({**wanted, "definitions": schema.get("definitions", {})})
    for error in validator.iter_errors(laid_over(wanted.get("default"), value)):
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
        return f"{key}{place}, {fault(error.validator, error.validator_value, error.instance)}"
    return None


def fault(rule: str, wanted: Any, found: Any) -> str:
    """Say which rule of a schema a value breaks, and what to do; texts are not shown, they may be secret."""
    what = json.dumps(found) if isinstance(found, bool | int | float) else KINDS[kind_of(found)]
    if rule == "type":
        kinds = [KINDS[kind] for kind in ([wanted] if isinstance(wanted, str) else wanted)]
        return f"which is {what}: give {' or '.join(kinds)}."
    choices = [each["const"] for each in wanted if "const" in each] if rule in {"anyOf", "oneOf"} else []
    choices = wanted if rule == "enum" else choices
    if choices:
        return f"which is {what}: choose {' or '.join(json.dumps(choice) for choice in choices)}."
    return f"which does not fit JupyterLab's rule {json.dumps({rule: wanted})}: change it, or leave it out."


def kind_of(value: Any) -> str:
    """Return what JSON calls a value."""
    kinds = {dict: "object", list: "array", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "string")
