"""What of -e is kept, what a receipt says of it, and what of both is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from reachable import given

SPECS: dict[str, Any] = {
    "endpoint_notify_urls": {"type": "list", "default": [], "no_log": True},
    "jupyter_packages": {"type": "list", "default": []},
    "jupyter_password": {"type": "str", "no_log": True},
    "jupyter_port": {"type": "int", "default": 8888},
    "jupyter_requirements_file": {"type": "path"},
    "jupyter_settings": {"type": "dict", "default": {}},
    "jupyter_user": {"type": "str"},
    "ngrok_domain": {"type": "str"},
    "reachable_cards_dir": {"type": "path"},
    "reachable_keep_awake": {"type": "bool", "default": False},
    "reachable_scope": {"type": "str", "default": "auto"},
    "reachable_secrets_dir": {"type": "path"},
    "reachable_state_dir": {"type": "path"},
    "reachable_yes": {"type": "bool", "default": False},
}
NOTHING = given.MadeWith({}, [])


def recalled(**more: Any) -> dict[str, Any]:
    file = "/fleet/given/vps.yml"
    return {"specs": SPECS, "file": file, "is_there": False, "found": {}, "given": [], "declared": [], **more}


def receipt(values: dict[str, Any], names: list[str]) -> given.MadeWith:
    found: given.MadeWith = given.read_made_with(json.dumps({"made_with": values, "given": names}), SPECS)
    return found


# Where it is kept


def test_it_lies_beside_the_first_inventory_that_is_a_file_or_folder(tmp_path: Path) -> None:
    file, folder = tmp_path / "mine.yml", tmp_path / "all"
    file.touch()
    folder.mkdir()
    gone = str(tmp_path / "gone.yml")
    for sources, place in (
        ([str(file), str(folder)], tmp_path),
        ([gone, str(folder), str(file)], folder),
        (["vps,", str(file)], tmp_path),
        (["vps,"], Path("/own")),
        ([], Path("/own")),
    ):
        assert given.file_for("vps", sources, "/own") == f"{place}/given/vps.yml"


@pytest.mark.parametrize("host", ["../vps", "/etc/passwd", ".hidden", ".."])
def test_a_host_cannot_lead_elsewhere(host: str) -> None:
    with pytest.raises(given.GivenError, match="cannot be the name of a file: give the host another name"):
        given.file_for(host, [], "/own")


# What people write into it


@pytest.mark.parametrize(
    "content", [None, {}, {"jupyter_port": 8822, "ansible_become_user": "ada"}, {"jupyter_port": "abc"}]
)
def test_what_a_file_says_is_taken(content: Any) -> None:
    assert given.check_kept(content, SPECS, "FILE") == (content or {})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (["jupyter_port"], "FILE must be a list of variables: write each like jupyter_port: 8822."),
        ({1: 2}, "FILE must be a list of variables: write each like jupyter_port: 8822."),
        ({"jupyter_prot": 1}, "FILE has jupyter_prot, and there is no such variable: did you mean jupyter_port?"),
        ({"xyz": 1}, "FILE has xyz, and there is no such variable: take it out."),
        ({"ansible_connection": "local"}, "FILE has ansible_connection, and there is no such variable: take it out."),
        ({"jupyter_password": "x"}, "FILE has jupyter_password, which is a secret: take it out, use a vault."),
        ({"reachable_yes": True}, "FILE has reachable_yes, which is meant for one run: take it out."),
    ],
)
def test_what_cannot_be_kept_is_refused(content: Any, sentence: str) -> None:
    with pytest.raises(given.GivenError) as error:
        given.check_kept(content, SPECS, "FILE")
    assert str(error.value) == sentence


# What is kept


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("jupyter_port", "8822", 8822),
        ("jupyter_port", " 8822\n", 8822),
        ("jupyter_port", 8888, 8888),
        ("reachable_keep_awake", "True", True),
        ("reachable_keep_awake", False, False),
        ("jupyter_packages", ["numpy"], ["numpy"]),
        ("jupyter_user", "123", "123"),
        ("ngrok_domain", None, None),
        ("reachable_cards_dir", "/cards", "/cards"),
        ("reachable_scope", "user", "user"),
        ("ansible_become_user", "ada", "ada"),
        ("jupyter_settings", {"ServerApp": {"token": ""}}, {"ServerApp": {"token": ""}}),
    ],
)
def test_what_is_given_is_kept_as_what_it_is(name: str, value: Any, kept: Any) -> None:
    found, notes = given.to_keep(recalled(given=[name]), {}, {name: value}, True)
    assert (found, notes) == ({name: kept}, [])
    assert type(found[name]) is type(kept)


@pytest.mark.parametrize(
    ("name", "value", "more", "why"),
    [
        ("endpoint_notify_urls", ["ntfy://x"], {}, "it is a secret: give it in the inventory, best in a vault"),
        ("jupyter_settings", {"A": {"token": "x"}}, {}, "it has what looks like a secret: give it in the inventory"),
        ("jupyter_port", 1, {"declared": ["jupyter_port"]}, "the inventory has it, too, which counts then: change it"),
        ("jupyter_port", 1, {"writable": False}, "/fleet/given cannot be written: give it in the inventory"),
    ],
)
def test_what_is_not_kept_is_said(name: str, value: Any, more: dict[str, Any], why: str) -> None:
    writable = more.pop("writable", True)
    decided = given.to_keep(recalled(given=[name], **more), {}, {name: value}, writable)
    assert decided.values == {}
    assert len(decided.sentences) == 1
    assert decided.sentences[0].startswith(f"{name} is not kept for the next run, because {why}")


@pytest.mark.parametrize("name", ["jupyter_password", "reachable_yes", "ansible_user", "molecule_cache"])
def test_of_what_nobody_will_miss_nothing_is_said(name: str) -> None:
    assert given.to_keep(recalled(given=[name]), {}, {name: "x"}, True) == ({}, [])


def test_what_was_kept_stays_until_it_is_given_anew() -> None:
    before = recalled(found={"jupyter_port": 8822, "jupyter_user": "ada"}, given=["jupyter_port"])
    assert given.to_keep(before, {}, {"jupyter_port": "8888"}, True).values == {
        "jupyter_port": 8888,
        "jupyter_user": "ada",
    }


def test_what_the_inventory_has_is_kept_on_without_effect() -> None:
    before = recalled(found={"jupyter_port": 8822, "jupyter_user": "ada"}, declared=["jupyter_port"])
    kept = given.to_keep(before, {}, {"jupyter_port": 1}, True).values
    assert kept == before["found"]
    assert given.in_force(kept, before) == {"jupyter_user": "ada"}


# What a receipt says


def test_a_receipt_says_what_the_host_was_made_with_but_no_secret_and_nothing_of_this_machine() -> None:
    values = {
        "endpoint_notify_urls": ["ntfy://x"],
        "jupyter_password": "x",
        "jupyter_port": "8822",
        "jupyter_requirements_file": "/here",
        "jupyter_settings": {"A": {"token": "x"}},
        "jupyter_user": "ada",
        "reachable_cards_dir": "/here",
        "reachable_scope": "user",
        "ansible_become_user": "ada",
    }
    assert given.made_with(values, SPECS, ["jupyter_port", "reachable_cards_dir", "ansible_become_user"]) == {
        "made_with": {"jupyter_port": 8822, "jupyter_user": "ada"},
        "given": ["jupyter_port"],
    }


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "no JSON",
        "[]",
        "{}",
        '{"made_with": []}',
        '{"made_with": {"jupyter_port": 1}}',
        '{"made_with": 1, "given": []}',
    ],
)
def test_a_receipt_that_says_nothing_of_it(text: str | None) -> None:
    assert given.read_made_with(text, SPECS) == NOTHING


@pytest.mark.parametrize(
    "name",
    [
        *sorted(given.OF_THIS_MACHINE),
        *sorted(given.CONNECTION),
        "ansible_connection",
        "jupyter_password",
        "reachable_yes",
        "__x",
        "x",
    ],
)
def test_no_host_is_believed_about_what_is_not_its_own(name: str) -> None:
    assert receipt({name: "/etc/shadow", "jupyter_port": 1}, [name]) == ({"jupyter_port": 1}, [])


def test_up_takes_up_what_was_given_where_nothing_is_known_of_it() -> None:
    there = receipt(
        {"jupyter_port": 8822, "jupyter_user": "ada", "ngrok_domain": "x"}, ["jupyter_port", "jupyter_user"]
    )
    assert given.taken_up(recalled(), there) == {"jupyter_port": 8822, "jupyter_user": "ada"}
    assert given.taken_up(recalled(given=["jupyter_port"]), there) == {"jupyter_user": "ada"}
    assert given.taken_up(recalled(declared=["jupyter_user"]), there) == {"jupyter_port": 8822}
    # Whoever took something out of the file wants it gone.
    assert given.taken_up(recalled(is_there=True), there) == {}
    kept = given.to_keep(recalled(), given.taken_up(recalled(), there), {}, True).values
    assert kept == {"jupyter_port": 8822, "jupyter_user": "ada"}


def test_who_looks_takes_what_the_host_was_made_with_unless_e_has_it() -> None:
    there = receipt({"jupyter_port": 8822, "jupyter_user": "ada", "reachable_keep_awake": False}, [])
    now = {"jupyter_port": "8888", "jupyter_user": "ada", "reachable_keep_awake": "false"}
    assert given.as_found(recalled(declared=["jupyter_port"]), there, now) == {"jupyter_port": 8822}
    assert given.as_found(recalled(given=["jupyter_port"]), there, now) == {}
    assert given.as_found(recalled(), there, {**now, "jupyter_port": "8822"}) == {}


# How it is said


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8822, "8822"),
        (True, "true"),
        (None, "null"),
        ("/srv/notebooks", "/srv/notebooks"),
        ({"a": ["b"]}, '{"a": ["b"]}'),
        ("\x1b[2J", '"\\u001b[2J"'),
        ("x" * 100, "x" * 59 + "…"),
    ],
)
def test_values_are_shown_as_one_would_give_them(value: Any, text: str) -> None:
    assert given.shown({"name": value}) == [f"name={text}"]


def test_a_sentence_says_where_the_variable_is_kept() -> None:
    sentences = ["jupyter_port is 0: give another.", "jupyter_password is short."]
    assert given.with_place(sentences, ["jupyter_port", "jupyter"], "FILE") == [
        "jupyter_port is 0: give another. It is kept in FILE.",
        "jupyter_password is short.",
    ]
    assert given.about(sentences, ["jupyter_password"]) == ["jupyter_password is short."]
