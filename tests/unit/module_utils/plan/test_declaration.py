"""What is wrong with the kinds of values is said in whole sentences."""

from __future__ import annotations

from typing import Any

import pytest
from reachable.plan import declaration

KNOWN = ["jupyter_port", "jupyter_password", "jupyter_packages", "reachable_prefix"]


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ([], []),
        ([""], []),  # what splitting an empty text gives
        (KNOWN, []),
        (["jupyter_prot"], ["There is no variable jupyter_prot: did you mean jupyter_port?"]),
        (
            ["reachable_prefx", "jupyter_pasword", "jupyter_port"],
            [
                "There is no variable jupyter_pasword: did you mean jupyter_password?",
                "There is no variable reachable_prefx: did you mean reachable_prefix?",
            ],
        ),
    ],
)
def test_unknown_names(given: list[str], sentences: list[str]) -> None:
    assert declaration.unknown_names(given, iter(KNOWN)) == sentences


def test_a_name_like_no_other() -> None:
    [sentence] = declaration.unknown_names(["ngrok_x"], KNOWN)
    assert sentence.startswith("There is no variable ngrok_x: ")
    assert sentence.endswith("the README lists all that there are.")


@pytest.mark.parametrize(
    ("spec", "right"),
    [
        ({"type": "int"}, [8888, "8888", -1, None]),
        ({"type": "bool"}, [True, False, "true", "False"]),
        ({"type": "str"}, ["", "x", None]),
        ({"type": "path"}, ["/x"]),
        ({"type": "str", "choices": ["lan", "loopback"]}, ["lan"]),
        ({"type": "list", "elements": "str"}, [[], ["x"]]),
        ({"type": "dict"}, [{}, {"a": 1}]),
    ],
)
def test_right_kinds(spec: dict[str, Any], right: list[Any]) -> None:
    assert [declaration.wrong_kinds({"x": value}, {"x": spec}) for value in right] == [[]] * len(right)


@pytest.mark.parametrize(
    ("spec", "value", "sentence"),
    [
        ({"type": "int"}, "88x", "x is '88x': give a whole number."),
        ({"type": "int"}, 1.5, "x is '1.5': give a whole number."),
        ({"type": "int"}, True, "x is 'True': give a whole number."),
        ({"type": "bool"}, "maybe", "x is 'maybe': give true or false."),
        ({"type": "bool"}, 1, "x is '1': give true or false."),
        ({"type": "str"}, 12345678, "x must be text, not a number: put it in quotes."),
        ({"type": "str"}, True, "x must be text, not true or false: put it in quotes."),
        ({"type": "path"}, ["/x"], "x must be a path, not a list: put it in quotes."),
        ({"type": "str", "choices": ["lan", "loopback"]}, "wan", "x is 'wan': choose lan or loopback."),
        (
            {"type": "list"},
            "numpy",
            'x must be a list, not text: write ["a", "b"], or after -e \'{"x": ["a", "b"]}\'.',
        ),
        (
            {"type": "dict"},
            [],
            'x must be a dictionary, not a list: write {"a": "b"}, or after -e \'{"x": {"a": "b"}}\'.',
        ),
        ({"type": "list", "elements": "str"}, ["a", 1], "x must be a list of texts: put every entry in quotes."),
    ],
)
def test_wrong_kinds(spec: dict[str, Any], value: Any, sentence: str) -> None:
    assert declaration.wrong_kinds({"x": value, "y": ""}, {"x": spec, "y": {"type": "str"}}) == [sentence]


def test_a_value_that_is_not_there() -> None:
    sentence = (
        "x refers to a variable that is not set: set that one, for a password best in a vault, or write !unsafe "
        "before a text that is no template."
    )
    assert declaration.wrong_kinds({}, {"x": {"type": "str"}}) == [sentence]


@pytest.mark.parametrize("name", sorted(declaration.NEEDED))
def test_a_value_that_every_host_needs(name: str) -> None:
    sentence = f"{name} is empty: give it a value, or leave it out."
    assert declaration.wrong_kinds({name: None}, {name: {"type": "str"}}) == [sentence]
