"""Definitions are written as service managers read them."""

from __future__ import annotations

import plistlib

from reachable.plan import definitions


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
    text = definitions.property_list(definition)
    assert plistlib.loads(text.encode()) == definition
    assert list(plistlib.loads(text.encode())) == list(definition)
    assert text.splitlines()[2] == definitions.MANAGED.rstrip()
