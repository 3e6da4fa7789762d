"""What is decided for each kind of host, asked directly; roles/test_distributions.py runs `up` for some of them."""

from __future__ import annotations

import pytest
from host_kinds import KINDS, SUPPORTED, has_tunnel, there
from reachable.plan import host_refusals, jupyter

SUFFIXES = {"systemd": ".service", "supervisord": ".ini", "launchd": ".plist"}


@pytest.mark.parametrize("name", KINDS)
def test_what_each_has_against_it(name: str) -> None:
    expected = KINDS[name].get("refused")
    assert [*host_refusals.of_host(there(name))] == ([expected] if expected else [])


@pytest.mark.parametrize("name", SUPPORTED)
def test_where_its_services_are_defined(name: str) -> None:
    host = there(name)
    manager = KINDS[name].get("service_manager", "systemd")
    assert host.manager.name == manager
    assert host.layout.definition("reachable-jupyter").endswith(f"/reachable-jupyter{SUFFIXES[manager]}")
    assert host.has_tunnel == has_tunnel(name)


@pytest.mark.parametrize(
    ("name", "path", "package"),
    [
        ("ubuntu2204", "/usr/bin/python3.10", None),
        ("rocky9", "/usr/bin/python3.11", None),
        ("rhel9", "/usr/bin/python3.12", "python3.12"),  # which is still to come
        ("macos", "/opt/homebrew/opt/python@3.13/bin/python3.13", None),
    ],
)
def test_the_python_of_the_environments(name: str, path: str, package: str | None) -> None:
    host = there(name)
    assert (host.python.path, host.distribution.python if host.python.is_to_come else None) == (path, package)
    assert jupyter.receipt(host).get("packages", []) == ([package] if package else [])


@pytest.mark.parametrize("name", SUPPORTED)
def test_jupyter_runs_as_a_user_of_its_own_or_as_the_person(name: str) -> None:
    host = there(name)
    planned = jupyter.planned(host)
    is_for_all = KINDS[name].get("scope", "system") == "system"
    assert bool(jupyter.accounts(host)) == is_for_all
    assert planned["service"]["user"] == host.wanted.jupyter_user
    ours = host.layout.jupyter_home if is_for_all else host.user["home"]
    assert planned["service"]["environment"]["HOME"] == ours
    assert planned["service"]["environment"].get("PIP_CERT") == KINDS[name]["ca_bundle"]
