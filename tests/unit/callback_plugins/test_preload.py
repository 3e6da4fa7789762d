"""Templates are compiled once, and mean what they meant before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible._internal._templating._engine import TemplateOptions
from ansible._internal._templating._jinja_bits import AnsibleEnvironment
from ansible.template import Templar, trust_as_template
from jinja2 import Environment

from callback_plugins import preload


@pytest.fixture(autouse=True)
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the texts that Jinja has parsed in the test, of which none is known at its start."""
    texts: list[str] = []
    parse = Environment._parse

    def counted(environment: Environment, source: str, *others: Any) -> Any:
        texts.append(str(source))
        return parse(environment, source, *others)

    monkeypatch.setattr(Environment, "_parse", counted)
    compile_template = AnsibleEnvironment.compile.__wrapped__
    monkeypatch.setattr(AnsibleEnvironment, "compile", preload.once(compile_template))
    return texts


def render(text: str, **variables: Any) -> Any:
    """Render a template as a task does, in an environment of its own."""
    return Templar(variables={name: trusted(value) for name, value in variables.items()}).template(trusted(text))


def trusted(value: Any) -> Any:
    return trust_as_template(value) if isinstance(value, str) else value


def test_each_is_compiled_once(parsed: list[str]) -> None:
    assert [render("{{ a + b }}", a="{{ b }}", b=number) for number in (1, 2)] == [2, 4]
    assert sorted(parsed) == ["{{ a + b }}", "{{ b }}"]


def test_files_and_variables_are_told_apart() -> None:
    text = r"""{{ "\\d" }}"""
    engine = Templar()._engine
    of_file = TemplateOptions(escape_backslashes=False)
    for _ in range(2):
        assert engine.template(trust_as_template(text)) == r"\\d"
        assert engine.template(trust_as_template(text), options=of_file) == r"\d"


def test_settings_of_a_template_are_its_own() -> None:
    header = "#jinja2: variable_start_string:'[[', variable_end_string:']]'\n"
    for _ in range(2):
        assert render("[[ 1 + 1 ]]") == "[[ 1 + 1 ]]"
        assert render(header + "[[ 1 + 1 ]]{{ 1 }}") == "2{{ 1 }}"
        assert render("{{ 1 }}") == 1


def test_variables_of_the_play_are_compiled_before_its_tasks(parsed: list[str]) -> None:
    deep = "{% if number %}{{ sum }}{% endif %}"
    variables = {
        "number": 1,
        "plain": "text",
        "sum": "{{ number + 1 }}",
        "list": [{"of": deep}],
        "broken": "{{ is there",
    }
    manager = SimpleNamespace(get_vars=lambda **_: variables)
    play = SimpleNamespace(get_variable_manager=lambda: manager)
    preload.compile_variables(play)
    assert sorted(parsed) == [deep, "{{ is there", "{{ number + 1 }}"]

    parsed.clear()
    assert render(deep, **variables) == 2
    assert parsed == []
