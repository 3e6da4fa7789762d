"""What gets a certificate from an authority, and what is refused before anybody is asked."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import bare_host
import pytest
import yaml
from authorities import authority
from reachable.plan import receipts, services
from reachable.plan.certificates import acme
from reachable.plan.entries import wanted
from reachable.plan.situation import Controller, Situation

DOMAIN = {"reachable_tls": "acme", "acme_agree": True, "tls_names": ["lab.example.org"]}
OWN = {**DOMAIN, "acme_directory": "https://ca.lan:9000/acme/acme/directory", "tls_names": ["vps.lan"]}
NOW = time.time()
PUBLIC = Controller(connected_to="8.8.8.8", reached_at=("8.8.8.8",), now=NOW)
PRIVATE = Controller(connected_to="192.168.1.5", reached_at=("192.168.1.5",))
PEM = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----"


def of_host(given: dict[str, Any], facts: dict[str, Any] | None = None, **more: Any) -> Situation:
    return bare_host.situation(given, facts, **{"controller": PUBLIC, **more})


RESULT = "/var/lib/reachable/acme/result.json"


def kept(**about: Any) -> dict[str, Any]:
    got = {"server": acme.LETS_ENCRYPT, "names": ["lab.example.org"]}
    return {"content": json.dumps({"failures": 0, "problem": "", "got": got, **about})}


# What a host has against it

CASES: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("acme_refusals.yml").read_text())
CASES = {name: case for name, case in CASES.items() if "sentences" in case}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_a_host_has_against_it(case: dict[str, Any]) -> None:
    controller = Controller(**{"connected_to": "vps", "reached_at": ("8.8.8.8",), **case.get("controller", {})})
    there = of_host(case["given"], case.get("facts"), controller=controller)
    assert [*acme.host_refusals(there)] == case["sentences"]


def test_a_person_without_root_gets_none() -> None:
    there = of_host({**DOMAIN, "reachable_scope": "user"}, {"user": bare_host.ADA}, scope="user")
    [sentence] = acme.host_refusals(there)
    assert sentence == (
        "reachable_tls is acme, which takes port 80 and so root, and on vps you are ada: connect as root or as a user "
        "who may use sudo, or set reachable_tls to ca, files or off."
    )


# For which names


@pytest.mark.parametrize(
    ("given", "controller", "got", "names"),
    [
        (["lab.example.org"], PUBLIC, [], ["lab.example.org"]),
        (["Lab.Example.org", "lab.example.org"], PUBLIC, [], ["lab.example.org"]),
        (["lab.example.org", "2a01:4f8::1"], PUBLIC, ["8.8.8.8"], ["lab.example.org", "2a01:4f8::1"]),
        ([], PUBLIC, [], ["8.8.8.8"]),
        ([], PRIVATE, [], ["192.168.1.5"]),
        ([], Controller(), [], ["192.0.2.7"]),
        # A host behind the NAT of a cloud that looks at itself, one with two addresses, one that has moved, and one
        # that had a domain
        ([], Controller(), ["8.8.8.8"], ["8.8.8.8"]),
        ([], PUBLIC, ["10.0.0.7"], ["10.0.0.7"]),
        ([], PUBLIC, ["9.9.9.9"], ["8.8.8.8"]),
        ([], PUBLIC, ["lab.example.org"], ["8.8.8.8"]),
        ([], Controller(), ["lab.example.org"], ["192.0.2.7"]),
    ],
)
def test_for_which_names(given: list[str], controller: Controller, got: list[str], names: list[str]) -> None:
    facts = {"files": {RESULT: kept(got={"server": acme.LETS_ENCRYPT, "names": got})}}
    there = of_host({**DOMAIN, "tls_names": given}, facts, controller=controller)
    assert acme.asked(there) == {"server": acme.LETS_ENCRYPT, "names": names}


# What it consists of


def test_what_is_brought_to_a_bare_host() -> None:
    there = of_host(DOMAIN)
    found = there.certificate.planned()
    assert there.certificate.is_to_get
    assert found["asks"]
    assert [each["path"] for each in found["environments_to_settle"]] == ["/opt/reachable/acme/environment"]
    entries = {entry["path"]: entry for entry in found["files_missing"]}
    looked_at = set(acme.files(there.layout))
    assert looked_at - set(entries) == {
        "/opt/reachable/acme/authority.pem",
        "/opt/reachable/acme/lib/ansible",
        "/var/lib/reachable/acme/result.json",
    }
    assert set(entries) <= looked_at
    assert acme.receipt(there) == {
        "services": ["reachable-acme.timer", "reachable-acme"],
        "files": ["/var/lib/systemd/timers/stamp-reachable-acme.timer"],
        "folders": ["/opt/reachable/acme", "/var/lib/reachable/acme"],
    }


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({}, ["register-unsafely-without-email = true"]),
        ({"acme_email": "ada@example.org"}, ["email = ada@example.org"]),
        (
            {"acme_email": "ada@example.org", "acme_eab_kid": "kid-1", "acme_eab_hmac_key": "abc"},
            ["email = ada@example.org", "eab-kid = kid-1", "eab-hmac-key = abc"],
        ),
    ],
)
def test_the_options_of_certbot(given: dict[str, Any], lines: list[str]) -> None:
    there = of_host({**DOMAIN, **given})
    text = acme.options(there)
    assert text.splitlines()[-len(lines) :] == lines
    assert f"server = {acme.LETS_ENCRYPT}\n" in text
    # Nobody but root reads them.
    [entry] = [each for each in acme.entries(there) if each["path"] == there.layout.acme_options]
    assert (entry["secret"], entry["mode"]) == (text, "0600")


@pytest.mark.parametrize(
    ("given", "ca_bundle", "trusted"),
    [
        ({}, None, None),
        ({}, "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt"),
        ({"acme_ca_certificate": "/x.pem"}, "/etc/ssl/certs/ca-certificates.crt", "/opt/reachable/acme/authority.pem"),
    ],
)
def test_whom_it_trusts(given: dict[str, Any], ca_bundle: str | None, trusted: str | None) -> None:
    there = of_host({**OWN, **given}, {"ca_bundle": ca_bundle}, acme_certificate=PEM)
    assert acme.config(there)["environment"].get("REQUESTS_CA_BUNDLE") == trusted
    texts = [each["content"] for each in acme.entries(there) if each["path"] == there.layout.acme_authority]
    assert texts == ([f"{PEM}\n"] if given else [])


def test_a_proxy_is_kept_from_others() -> None:
    there = of_host({**DOMAIN, "reachable_proxy": "http://ada:secret@proxy.example.org:3128"})
    assert acme.config(there)["environment"]["https_proxy"].startswith("http://ada:secret@")
    for entry in acme.entries(there):
        assert "ada:secret" not in entry.get("content", "")
    service = acme.service(there)
    assert "ada:secret" not in json.dumps(vars(service))


@pytest.mark.parametrize("name", ["vps", "laptop", "a", "host-2"])
def test_it_runs_twice_a_day(name: str) -> None:
    hours, minute, second = acme.calendar(name).removeprefix("*-*-* ").split(":")
    first, then = map(int, hours.split(","))
    assert (then - first, int(second)) == (12, 0)
    assert 0 <= first < 12
    assert 0 <= int(minute) < 60
    assert acme.calendar(name) == acme.calendar(name) != acme.calendar(f"{name}.example.org")


# When it is asked


IN_PLACE = {"state": "file", "owner": "jupyter", "group": "jupyter", "mode": "0600", "fits": True}
ABOUT = {"name": "jupyter", "uid": 990, "group": "jupyter", "home": "/x", "comment": "", "home_exists": True}


def with_certificate(folder: Path, *names: str, end: float = 60, **about: Any) -> dict[str, Any]:
    """Return the facts of a host that has a certificate."""
    pem = authority(folder).issue(*names, end=end).read_text()
    found = {**IN_PLACE, "pem": pem.partition("-----END PRIVATE KEY-----\n")[2], **about}
    return {"users": {"jupyter": ABOUT}, "certificates": {bare_host.situation().layout.certificate: found}}


@pytest.mark.parametrize(
    ("about", "asks"),
    [
        ({}, False),
        ({"failures": 1, "problem": "x"}, False),
        ({"failures": 2, "problem": "x"}, True),
        ({"got": None}, True),
        ({"got": {"server": "https://ca.lan/x", "names": ["lab.example.org"]}}, True),
        ({"got": {"server": acme.LETS_ENCRYPT, "names": ["old.example.org"]}}, True),
    ],
)
def test_when_the_authority_is_asked(about: dict[str, Any], asks: bool, tmp_path: Path) -> None:
    facts = {**with_certificate(tmp_path, "lab.example.org"), "files": {RESULT: kept(**about)}}
    certificate = of_host(DOMAIN, facts).certificate
    assert (certificate.is_to_bring, certificate.planned()["asks"]) == (False, asks)
    is_told = "The certificate of vps is not renewed, x" in certificate.notes()
    assert is_told is (about.get("failures") == acme.FAILURES)


@pytest.mark.parametrize("content", ["{", "[]", ""])
def test_it_is_asked_where_nobody_knows_how_it_went(content: str, tmp_path: Path) -> None:
    facts = {**with_certificate(tmp_path, "lab.example.org"), "files": {RESULT: {"content": content}}}
    assert of_host(DOMAIN, facts).certificate.planned()["asks"]


@pytest.mark.parametrize(
    "about",
    [
        {"state": "absent", "pem": "", "fits": False},
        {"fits": False},
        {"mode": "0644"},
        {"owner": "root"},
        {"names": ["old.example.org"]},
        {"end": -1},
    ],
)
def test_it_is_asked_where_the_certificate_is_not_right(about: dict[str, Any], tmp_path: Path) -> None:
    names = about.pop("names", ["lab.example.org"])
    facts = {**with_certificate(tmp_path, *names, **about), "files": {RESULT: kept()}}
    assert of_host(DOMAIN, facts).certificate.planned()["asks"]


def test_nothing_is_left_to_do_afterwards(tmp_path: Path) -> None:
    there = of_host(DOMAIN)
    entries = [*acme.entries(there), *services.entries(there, acme.service(there))]
    files = {entry["path"]: wanted(entry, there.user) for entry in entries}
    facts = {
        **with_certificate(tmp_path, "lab.example.org"),
        "files": {**files, RESULT: kept()},
        "environments": {"/opt/reachable/acme/environment": "settled"},
        "daemons": {"reachable-acme.timer": {"state": "running", "at_boot": True}},
    }
    then = of_host(DOMAIN, facts)
    assert not then.certificate.is_to_get
    stopped = {**facts, "daemons": {"reachable-acme.timer": {"state": "stopped"}}}
    assert of_host(DOMAIN, stopped).certificate.is_to_get


# Where nobody has chosen


@pytest.mark.parametrize(
    ("given", "controller", "made", "kind"),
    [
        ({}, PUBLIC, [], "acme"),
        ({}, PRIVATE, [], "off"),
        # A tunnel, or nobody but the machine itself
        ({"ngrok_authtoken": bare_host.TOKEN}, PUBLIC, [], "off"),
        ({"jupyter_listen": "loopback"}, PUBLIC, [], "off"),
        # A host behind the NAT of a cloud that looks at itself has what it has
        ({}, Controller(), ["reachable-acme.timer"], "acme"),
        ({"ngrok_authtoken": bare_host.TOKEN}, Controller(), ["reachable-acme.timer"], "off"),
        # What is said counts
        ({"reachable_tls": "off"}, PUBLIC, [], "off"),
        ({"reachable_tls": "acme"}, PRIVATE, [], "acme"),
    ],
)
def test_how_it_comes_about(given: dict[str, Any], controller: Controller, made: list[str], kind: str) -> None:
    receipt = json.dumps({each: made if each == "services" else [] for each in receipts.KINDS})
    facts = {"files": {RESULT: kept(), "/var/lib/reachable/receipt.json": {"content": receipt}}}
    assert of_host(given, facts, controller=controller).certificate.kind == kind


def test_a_public_address_is_named_where_nobody_has_chosen() -> None:
    [sentence] = acme.host_refusals(of_host({}))
    assert sentence == (
        "vps is at 8.8.8.8, which is public, and the password must not go there in plain text: set acme_agree to true "
        "if you agree to the terms of Let's Encrypt (https://letsencrypt.org/repository/), or set reachable_tls to ca, "
        "files or off."
    )


@pytest.mark.parametrize(
    ("given", "about", "is_to_be_reached"),
    [
        ({}, {}, True),
        ({"reachable_tls": "acme", "tls_names": ["lab.example.org"]}, {}, True),
        ({"reachable_tls": "off"}, {}, False),
        ({}, {"controller": PRIVATE}, False),
        ({"reachable_tls": "acme"}, {"controller": PRIVATE}, False),
        ({"reachable_tls": "acme"}, {"controller": Controller()}, False),
        ({}, {"only_looks": True}, False),
    ],
)
def test_when_port_80_matters(given: dict[str, Any], about: dict[str, Any], is_to_be_reached: bool) -> None:
    assert acme.is_to_be_reached(of_host(given, **about)) is is_to_be_reached


def test_port_80_does_not_matter_once_there_is_a_certificate(tmp_path: Path) -> None:
    facts = {**with_certificate(tmp_path, "lab.example.org"), "files": {RESULT: kept()}}
    assert not acme.is_to_be_reached(of_host(DOMAIN, facts))
    assert not [*acme.host_refusals(of_host(DOMAIN, {**facts, "port_holders": {"80": {"pid": 1, "user": "x"}}}))]
