"""A definition is written as launchd reads it."""

from __future__ import annotations

import plistlib

import daemon


class Tagged(str):
    """A text of which Ansible knows where it is from."""

    __slots__ = ()


def test_a_property_list() -> None:
    definition = {
        "Label": Tagged("x"),
        "ProgramArguments": ["/bin/sh", "a < b & c"],
        "KeepAlive": True,
        "ExitTimeOut": 20,
    }
    text = daemon.property_list(definition)
    assert plistlib.loads(text.encode()) == definition
    assert list(plistlib.loads(text.encode())) == list(definition)
    assert text.splitlines()[2] == daemon.MANAGED.rstrip()


def test_every_filter_has_its_name() -> None:
    assert daemon.FilterModule().filters() == {"property_list": daemon.property_list}
