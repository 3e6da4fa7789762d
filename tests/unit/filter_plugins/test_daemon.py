"""A definition is written as launchd reads it."""

from __future__ import annotations

import ipaddress
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
    assert {name: each.__name__ for name, each in daemon.FilterModule().filters().items()} == {
        name: name for name in ("metadata_left_open", "metadata_to_deny", "property_list")
    }


def test_a_service_is_kept_from_metadata_but_not_from_names() -> None:
    every = daemon.metadata_to_deny(["127.0.0.53"])
    assert every == list(daemon.METADATA_ADDRESSES)
    assert [str(ipaddress.ip_address(address)) for address in every] == every
    assert daemon.metadata_left_open(["127.0.0.53"]) == []
    azure = ["168.63.129.16"]
    assert daemon.metadata_to_deny(azure) == [address for address in every if address not in azure]
    assert daemon.metadata_left_open(azure) == azure
