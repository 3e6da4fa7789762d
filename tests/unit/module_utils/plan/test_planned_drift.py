"""What lets a host look for drift by itself."""

from __future__ import annotations

import json
from typing import Any

import bare_host
import pytest
from reachable.plan import drift, services
from reachable.plan.entries import wanted

DECLARED = {
    "reachable_drift_schedule": "daily",
    "reachable_drift_repository": "https://example.org/fleet.git",
    "reachable_drift_inventory": "inventory/mine.yml",
    "endpoint_notify_urls": ["ntfy://my-topic"],
}
CHECKOUT = "/var/lib/reachable/drift/checkout"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def test_nothing_is_done_for_who_does_not_want_it() -> None:
    there = bare_host.situation()
    assert drift.planned(there) == {"is_to_do": False}
    assert drift.receipt(there) == {}
    assert not drift.services(there)
    assert not drift.files(there.layout, there.wanted)


def test_what_is_brought_to_a_bare_host() -> None:
    there = bare_host.situation(DECLARED)
    found = drift.planned(there)
    assert found["is_to_do"]
    assert drift.receipt(there) == {
        "services": ["reachable-drift.timer", "reachable-drift"],
        "files": ["/var/lib/systemd/timers/stamp-reachable-drift.timer"],
        "folders": ["/opt/reachable/drift", "/var/lib/reachable/drift"],
    }
    entries = {entry["path"]: entry for entry in found["files_missing"]}
    # What versions before had is looked for, too.
    assert set(drift.files(there.layout, there.wanted)) - set(entries) == {"/opt/reachable/drift/lib/ansible"}
    assert set(entries) <= set(drift.files(there.layout, there.wanted))
    secret = json.loads(entries["/opt/reachable/drift/variables.json"]["secret"])
    assert secret["endpoint_notify_urls"] == ["ntfy://my-topic"]
    config = json.loads(entries["/opt/reachable/drift/drift.json"]["content"])
    assert (config["host"], config["environment"]) == ("vps", "/opt/reachable/drift/environment")
    assert [each["path"] for each in found["environments_to_settle"]] == ["/opt/reachable/drift/environment"]


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, []),
        ({"reachable_drift_ref": "main"}, ["--checkout", "main"]),
        ({"reachable_drift_vault_password_file": "/root/vault"}, ["--vault-password-file", "/root/vault"]),
    ],
)
def test_the_options_of_ansible_pull(given: dict[str, Any], options: list[str]) -> None:
    whole = drift.config(bare_host.situation({**DECLARED, **given}))["options"]
    url = DECLARED["reachable_drift_repository"]
    assert whole == ["--url", url, "--directory", CHECKOUT, "--limit", "vps", *options]


def test_its_service() -> None:
    [plain] = drift.services(bare_host.situation(DECLARED))
    assert (plain.calendar, plain.user, plain.sandbox_profile) == ("daily", "root", "administration")
    assert plain.environment["ANSIBLE_INVENTORY"] == f"{CHECKOUT}/inventory/mine.yml"
    [certified] = drift.services(bare_host.situation(DECLARED, {"ca_bundle": CERTIFICATES}))
    assert certified.environment == {**plain.environment, "REQUESTS_CA_BUNDLE": CERTIFICATES}


def test_nothing_is_left_to_do_afterwards() -> None:
    there = bare_host.situation(DECLARED)
    [service] = drift.services(there)
    entries = [*drift.entries(there), *services.entries(there, service)]
    files = {entry["path"]: wanted(entry, there.user) for entry in entries}
    facts = {
        "files": files,
        "environments": {"/opt/reachable/drift/environment": "settled"},
        "daemons": {"reachable-drift.timer": {"state": "running", "at_boot": True}},
    }
    assert not drift.planned(bare_host.situation(DECLARED, facts))["is_to_do"]
    stopped = {**facts, "daemons": {"reachable-drift.timer": {"state": "stopped"}}}
    assert drift.planned(bare_host.situation(DECLARED, stopped))["is_to_do"]
