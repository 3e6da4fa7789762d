"""What services are kept from."""

from __future__ import annotations

import ipaddress
from typing import Any

from reachable.plan import sandboxes


def test_a_service_is_kept_from_metadata_but_not_from_names() -> None:
    every = sandboxes.metadata_to_deny(["127.0.0.53"])
    assert every == list(sandboxes.METADATA_ADDRESSES)
    assert [str(ipaddress.ip_address(address)) for address in every] == every
    assert sandboxes.metadata_left_open(["127.0.0.53"]) == []
    azure = ["168.63.129.16"]
    assert sandboxes.metadata_to_deny(azure) == [address for address in every if address not in azure]
    assert sandboxes.metadata_left_open(azure) == azure


def sandbox(
    own: dict[str, Any], profile: str = "notebooks", scope: str = "system", **more: Any
) -> dict[str, list[str]]:
    lines = sandboxes.sandbox_directives(own, profile, scope, ["127.0.0.53"], **more)
    names = dict.fromkeys(line.partition("=")[0] for line in lines)
    return {name: [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")] for name in names}


def test_a_sandbox_is_what_its_profile_says_and_what_is_asked_for() -> None:
    plain = sandbox({})
    assert plain["NoNewPrivileges"] == ["yes"]
    assert plain["CapabilityBoundingSet"] == [""]
    assert plain["ProtectHome"] == ["yes"]
    assert "169.254.169.254" in plain["IPAddressDeny"][0].split()
    other = sandbox({"MemoryMax": "80%", "ProtectProc": None, "RestrictSUIDSGID": False, "TasksMax": 9})
    assert {name for name in plain if plain[name] != other.get(name)} == {"ProtectProc", "RestrictSUIDSGID"}
    assert [other[name] for name in ("RestrictSUIDSGID", "MemoryMax", "TasksMax")] == [["no"], ["80%"], ["9"]]
    assert sandbox({}, "network")["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]
    assert "NoNewPrivileges" not in sandbox({}, "administration")
    assert set(sandbox({}, scope="user", writable=["/srv"])) <= set(sandboxes.WITHOUT_NAMESPACES)


def test_a_sandbox_lets_in_the_folders_of_a_service() -> None:
    folders: dict[str, Any] = {"writable": ["/var/lib/x", "/home/ada/n b"], "home": ["/var/lib/x", "/var/lib/home"]}
    inside = sandbox({}, **folders)
    assert inside["ReadWritePaths"] == ['"/var/lib/x"']
    assert inside["BindPaths"] == ['"/home/ada/n b"', "/var/lib/x:/var/lib/home"]
    assert (inside["ProtectHome"], inside["RemoveIPC"]) == (["tmpfs"], ["no"])
    before = sandbox({}, **folders, are_there=False)
    assert before["ReadWritePaths"] == ['"-/var/lib/x"']
    assert before["BindPaths"] == ['"-/home/ada/n b"', "-/var/lib/x:/var/lib/home"]
