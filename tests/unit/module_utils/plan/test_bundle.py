"""The bundle: what it has to be for, when a host gets it, and that nothing is fetched from elsewhere then."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from bare_host import FILE, FOLDER, situation
from reachable import bundles
from reachable.plan import bundle, jupyter

FILE_HERE, PLACE = "/media/usb/bundle.tar", "/opt/reachable/bundle"
ABSENT = {"/opt/reachable/server": "absent"}
PROVEN = f'{{"Reachable": {{"proof_key": "{64 * "a"}"}}}}'
GIVEN = {"reachable_bundle": FILE_HERE}
ANEW = "make one with './reachable bundle', with the variables of vps, where there is a network."


def with_bundle(given: dict[str, Any] | None = None, facts: dict[str, Any] | None = None, **other: Any) -> Any:
    """Return a situation with a bundle made for it, but for what of that is to be other."""
    there = situation({**GIVEN, **(given or {})}, facts)
    made = dataclasses.replace(bundle.target(there), **other)
    return dataclasses.replace(there, bundle=bundles.about([made], {}))


def test_one_that_was_made_for_it_is_taken() -> None:
    assert [*bundle.refusals(with_bundle({"jupyter_packages": ["numpy"]}))] == []
    assert [*bundle.refusals(with_bundle({"jupyter_packages": ["numpy"]}, packages=["numpy", "pandas"]))] == []
    assert [*bundle.refusals(situation())] == []


@pytest.mark.parametrize(
    ("given", "other", "lacking"),
    [
        ({}, {"python": "3.13"}, "Python 3.11 on linux and x86_64"),
        ({}, {"architecture": "aarch64"}, "Python 3.11 on linux and x86_64"),
        ({}, {"locks": []}, "the packages that this version of Reachable, or jupyter_server_extensions, asks for"),
        ({"jupyter_packages": ["b", "a", "c"]}, {"packages": ["c"]}, "a, b of jupyter_packages"),
    ],
)
def test_one_that_was_made_for_something_else_is_refused(
    given: dict[str, Any], other: dict[str, Any], lacking: str
) -> None:
    assert [*bundle.refusals(with_bundle(given, **other))] == [
        f"reachable_bundle is '{FILE_HERE}', which has nothing for {lacking}: {ANEW}"
    ]


def test_requirements_have_to_be_the_same() -> None:
    there = dataclasses.replace(with_bundle(), requirements="numpy==2.0\n")
    assert "jupyter_requirements_file as it is now" in next(bundle.refusals(there))


@pytest.mark.parametrize(
    ("found", "problem", "words"),
    [(None, "there is no such file here", "there is no such file here"), ("{", "", "it is damaged")],
)
def test_what_is_none_is_refused(found: str | None, problem: str, words: str) -> None:
    there = dataclasses.replace(situation(GIVEN), bundle=found, bundle_problem=problem)
    assert [*bundle.refusals(there)] == [f"reachable_bundle is '{FILE_HERE}', which cannot be used, as {words}: {ANEW}"]


def test_a_host_gets_it_once_and_only_where_something_is_to_be_installed() -> None:
    bare = with_bundle(facts={"environments": ABSENT})
    assert bundle.planned(bare)["is_to_bring"]
    has = {PLACE: FOLDER, f"{PLACE}/bundle.json": {**FILE, "content": bare.bundle}}
    assert not bundle.planned(with_bundle(facts={"environments": ABSENT, "files": has}))["is_to_bring"]
    assert not bundle.planned(with_bundle(facts={"environments": dict.fromkeys(ABSENT, "settled")}))["is_to_bring"]
    other = {**has, f"{PLACE}/bundle.json": {**FILE, "content": "{}"}}
    planned = bundle.planned(with_bundle(facts={"environments": ABSENT, "files": other}))
    assert (planned["is_to_bring"], planned["is_there"]) == (True, True)


def test_packages_come_from_it_and_from_nowhere_else() -> None:
    assert bundle.sources(with_bundle()) == {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": f"{PLACE}/wheels",
        "UV_FIND_LINKS": f"{PLACE}/wheels",
    }
    assert bundle.sources(situation()) == {}


def test_it_goes_once_nobody_wants_it() -> None:
    there = situation(facts={"files": {PLACE: FOLDER}})
    assert bundle.planned(there)["is_left_over"]
    assert not jupyter.planned(there)["is_installed"]
    assert not bundle.planned(situation())["is_left_over"]


def test_an_upgrade_needs_one_that_fits() -> None:
    config = {"/opt/reachable/etc/jupyter/jupyter_server_config.json": {**FILE, "content": PROVEN}}
    facts = {"files": config, "environments": dict.fromkeys(ABSENT, "settled")}
    assert jupyter.planned(with_bundle(facts=facts))["upgrade_refused"] == ""
    assert "which has nothing for" in jupyter.planned(with_bundle(facts=facts, locks=[]))["upgrade_refused"]
