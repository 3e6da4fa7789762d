"""Settings of JupyterLab's plugins fit the schemas of the lock, and what does not is said in one sentence."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from reachable.plan import lab

ROOT = Path(__file__).resolve().parents[4]
SCHEMAS: dict[str, dict[str, Any]] = json.loads((ROOT / "requirements/server.schemas.json").read_text())
THEMES = "@jupyterlab/apputils-extension:themes"
NEWS = "@jupyterlab/apputils-extension:notification"
BROWSER = "@jupyterlab/filebrowser-extension:widget"
TRACKER = "@jupyterlab/notebook-extension:tracker"


def test_the_defaults_fit() -> None:
    assert lab.refused_plugin_settings(lab.DEFAULTS, SCHEMAS) == []


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ServerApp": {"no": "plugin"}},
        {THEMES: {"theme": "JupyterLab Dark", "overrides": {"code-font-size": "18px"}}},
        {THEMES: None},  # takes the defaults of ours out
        {THEMES: {"adaptive-theme": None}},
        {BROWSER: {"toolbar": []}},
        {TRACKER: {"kernelStatus": {"showProgress": False}}},  # laid over the default, which has more
        {"@jupyterlab/codemirror-extension:plugin": {"defaultConfig": {"fontSize": 18}, "what the schema lets in": 1}},
    ],
)
def test_what_fits(settings: dict[str, Any]) -> None:
    assert lab.refused_plugin_settings(settings, SCHEMAS) == []


@pytest.mark.parametrize(
    ("plugin", "values", "problems"),
    [
        (
            "@jupyterlab/apputils-extension:theme",
            {},
            [f", which is no plugin of this JupyterLab: did you mean {THEMES}?"],
        ),
        ("@mine", {"a": 1}, [", which is no plugin of this JupyterLab: leave it out."]),
        ("ServerApp:ip", "::", [", which is no plugin of this JupyterLab: leave it out."]),
        (THEMES, "JupyterLab Dark", [f" without its settings: write it like {lab.EXAMPLE}."]),
        ("@jupyterlab/console-extension:tracker", None, [f" without its settings: write it like {lab.EXAMPLE}."]),
        ("@jupyterlab/mathjax-extension:plugin", {"a": 1}, [", which has no settings: leave it out."]),
        (
            THEMES,
            {"adaptive-theme": "yes", "them": "x"},
            [
                " adaptive-theme, which is text: give true or false.",
                " them, which that plugin does not know: did you mean theme?",
            ],
        ),
        (THEMES, {"theme": None}, [" theme, which is null: give text."]),
        (THEMES, {"theme": ["x"]}, [" theme, which is a list: give text."]),
        (THEMES, {"adaptive-theme": dt.date(2026, 1, 1)}, [" adaptive-theme, which is text: give true or false."]),
        (
            THEMES,
            {"overrides": {"code-font-size": 16}},
            [" overrides.code-font-size, which is 16: give text or null."],
        ),
        (NEWS, {"fetchNews": False}, [' fetchNews, which is false: choose "true" or "false" or "none".']),
        (
            TRACKER,
            {"windowingMode": "half"},
            [' windowingMode, which is text: choose "defer" or "full" or "none" or "contentVisibility".'],
        ),
        (
            BROWSER,
            {"toolbar": [{"name": "a"}, {"name": "b", "rank": -1}]},
            [' toolbar[1].rank, which does not fit JupyterLab\'s rule {"minimum": 0}: change it, or leave it out.'],
        ),
    ],
)
def test_what_does_not_fit_is_said(plugin: str, values: Any, problems: list[str]) -> None:
    sentences = [f"jupyter_settings has {plugin}{problem}" for problem in problems]
    assert lab.refused_plugin_settings({plugin: values}, SCHEMAS) == sentences


def test_a_secret_text_is_not_shown() -> None:
    [sentence] = lab.refused_plugin_settings({THEMES: {"adaptive-theme": "kXf82"}}, SCHEMAS)
    assert "kXf82" not in sentence


@pytest.mark.parametrize(
    ("settings", "overrides"),
    [
        ({}, {"@a:b": {"one": 1, "two": {"x": 1, "y": 2}}}),
        ({"@a:b": {"one": 3}}, {"@a:b": {"one": 3, "two": {"x": 1, "y": 2}}}),
        ({"@a:b": {"two": {"y": 3}}}, {"@a:b": {"one": 1, "two": {"x": 1, "y": 3}}}),
        ({"@a:b": {"one": None}}, {"@a:b": {"two": {"x": 1, "y": 2}}}),
        ({"@a:b": {"one": None, "two": None}}, {}),
        ({"@a:b": None}, {}),
        ({"@a:b": None, "@c:d": {"e": None}, "ServerApp": {"f": 1}}, {"@c:d": {"e": None}}),
    ],
)
def test_settings_are_laid_over_the_defaults(
    settings: dict[str, Any], overrides: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = {"@a:b": {"one": 1, "two": {"x": 1, "y": 2}}}
    monkeypatch.setattr(lab, "DEFAULTS", defaults)
    assert lab.lab_overrides(settings) == overrides
    assert defaults == {"@a:b": {"one": 1, "two": {"x": 1, "y": 2}}}


def test_plugins_are_told_from_classes() -> None:
    settings: dict[Any, Any] = {"ServerApp": {}, THEMES: {}, "@x": {}, "x:y": {}, 5: {}}
    assert lab.class_settings(settings) == {"ServerApp": {}, 5: {}}
    assert lab.plugin_settings(settings) == {THEMES: {}, "@x": {}, "x:y": {}}


def test_notebook_asks_less_where_requests_count_unless_somebody_wants_it_otherwise() -> None:
    plugin = "@jupyter-notebook/notebook-extension:checkpoints"
    assert plugin not in lab.lab_overrides({})
    assert lab.lab_overrides({}, requests_count=True)[plugin] == {"checkpointPollingInterval": 600}
    theirs = {plugin: {"checkpointPollingInterval": 30}}
    assert lab.lab_overrides(theirs, requests_count=True)[plugin] == theirs[plugin]
    assert plugin not in lab.lab_overrides({plugin: None}, requests_count=True)
    for name, values in lab.WHERE_REQUESTS_COUNT.items():
        assert lab.plugin_problems(name, values, {}, SCHEMAS) == []
