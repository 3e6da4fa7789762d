"""When a host gets which certificate, and what is served with it."""

from __future__ import annotations

import dataclasses
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from authorities import authority
from bare_host import TOKEN, situation
from reachable.plan import certificates, endpoint, host_refusals, jupyter, services, settings
from reachable.plan.certificates import ca, x509
from reachable.plan.situation import Authority, Controller, Given

if TYPE_CHECKING:
    from pathlib import Path

    import authorities
    from reachable.plan.situation import Situation

DAY = 86400
CERTIFICATE = "/opt/reachable/etc/jupyter/tls.pem"
NAMES = ("203.0.113.9", "192.0.2.7", "vps", "localhost", "127.0.0.1", "::1")


@pytest.fixture
def root(tmp_path: Path) -> authorities.Authority:
    return authority(tmp_path)


def served(path: Path, **other: Any) -> dict[str, Any]:
    """Return the facts of a host that serves a certificate, as host_info tells them."""
    pem = "".join(f"{each}\n" for each in x509.PEM.findall(path.read_text()))
    found = {"state": "file", "owner": "jupyter", "group": "jupyter", "mode": "0600", "pem": pem, "fits": True}
    return {"certificates": {CERTIFICATE: {**found, **other}}}


def host(
    root: authorities.Authority | None, facts: dict[str, Any] | None = None, days: float = 0, **given: Any
) -> Situation:
    """Return a host as the controller with an authority sees it in some days."""
    here = Authority("/secrets/ca", root.pem, key_fits=True, is_private=True) if root else Authority("/secrets/ca")
    controller = Controller("203.0.113.9", now=time.time() + days * DAY, authority=here)
    return situation({"reachable_tls": "ca", **given}, facts, controller=controller)


def with_authority(there: Situation, **other: Any) -> Situation:
    """Return the same host, where the authority is another one."""
    known = dataclasses.replace(there.controller.authority, **other)
    return dataclasses.replace(there, controller=dataclasses.replace(there.controller, authority=known))


def test_a_host_that_has_the_right_one_is_left_alone(root: authorities.Authority) -> None:
    there = host(root, served(root.issue(*NAMES, end=397)))
    planned = certificates.planned(there)
    assert not any(planned[each] for each in ("is_to_bring", "is_to_prepare", "is_surplus", "is_to_do"))
    assert settings.own_settings(there)["ServerApp"]["certfile"] == CERTIFICATE


@pytest.mark.parametrize(
    "other",
    [{"mode": "0644"}, {"owner": "root"}, {"fits": False}, {"pem": ""}, {"pem": "-----BEGIN CERTIFICATE-----x"}],
)
def test_one_that_is_not_as_it_should_be_is_replaced(root: authorities.Authority, other: dict[str, Any]) -> None:
    there = host(root, served(root.issue(*NAMES, end=397), **other))
    assert certificates.planned(there)["is_to_bring"]


@pytest.mark.parametrize(
    ("names", "days", "given", "is_to_bring"),
    [
        (NAMES, 264, {}, False),
        # a third of its life before its end
        (NAMES, 266, {}, True),
        # the clock was wrong when it was issued
        (NAMES, -20, {}, True),
        # the machine has another address, or is asked for under another name
        (NAMES[1:], 0, {}, True),
        ((*NAMES, "192.0.2.99"), 0, {}, False),
        (NAMES, 0, {"tls_names": ["Notebooks.example.org"]}, True),
        ((*NAMES, "notebooks.example.org"), 0, {"tls_names": ["Notebooks.example.org"]}, False),
    ],
)
def test_it_is_renewed_in_time_and_for_other_names(
    root: authorities.Authority, names: tuple[str, ...], days: float, given: dict[str, Any], is_to_bring: bool
) -> None:
    there = host(root, served(root.issue(*names, end=397)), days, **given)
    assert certificates.planned(there)["is_to_bring"] is is_to_bring


def test_one_of_another_authority_is_replaced(root: authorities.Authority, tmp_path: Path) -> None:
    other = authority(tmp_path, "Made for a test")
    assert certificates.planned(host(other, served(root.issue(*NAMES, end=397))))["is_to_bring"]


def test_a_host_without_one_gets_one_for_all_that_is_on_the_card(root: authorities.Authority) -> None:
    addresses = {"mdns": "vps.local", "ipv6": "2001:db8::7", "hostname": "VPS"}
    there = host(root, {"addresses": addresses}, tls_names=["*.example.org", "notebooks.example.org", "192.0.2.99"])
    issued = certificates.planned(there)["ca"]
    assert issued["names"] == [
        *("DNS:vps.local", "IP:203.0.113.9", "IP:192.0.2.7", "IP:2001:db8::7", "DNS:vps", "DNS:notebooks.example.org"),
        *("IP:192.0.2.99", "DNS:localhost", "IP:127.0.0.1", "IP:::1"),
    ]
    assert issued["common_name"] == "vps.local"
    assert not issued["authority"]["is_to_make"]


@pytest.mark.parametrize(
    ("other", "is_to_make", "is_to_renew", "is_to_bring"),
    [
        ({}, False, False, False),
        ({"is_private": False}, True, False, False),
        ({"key_fits": False, "is_private": False}, True, False, True),
        ({"root": ""}, True, True, True),
    ],
)
def test_an_authority_that_lacks_something_is_repaired(
    root: authorities.Authority, other: dict[str, Any], is_to_make: bool, is_to_renew: bool, is_to_bring: bool
) -> None:
    planned = certificates.planned(with_authority(host(root, served(root.issue(*NAMES, end=397))), **other))
    made = planned["ca"]["authority"]
    assert (made["is_to_make"], made["is_to_renew"]) == (is_to_make, is_to_renew)
    assert (planned["is_to_prepare"], planned["is_to_bring"]) == (is_to_make or is_to_bring, is_to_bring)


def test_a_root_is_renewed_before_one_that_it_issues_would_outlive_it(root: authorities.Authority) -> None:
    days = 3650 - 2 * ca.LEAF_DAYS
    leaf = served(root.issue(*NAMES, begin=days - 9, end=days + 397))
    assert not certificates.planned(host(root, leaf, days - 1))["is_to_prepare"]
    planned = certificates.planned(host(root, leaf, days + 1))
    # With the same key: what it has issued stays, also for those who have only the certificate of before.
    assert (planned["is_to_prepare"], planned["is_to_bring"]) == (True, False)
    made = planned["ca"]["authority"]
    assert (made["is_to_make"], made["is_to_renew"]) == (True, True)
    assert made["entries"][-1] == {"path": "/secrets/ca/root.before.pem", "content": root.pem}


def test_an_ipad_is_to_take_a_new_root(root: authorities.Authority, tmp_path: Path) -> None:
    other = authority(tmp_path)
    # so many days ago these authorities were new
    there = with_authority(host(root, days=-890), before=other.pem)
    assert "The authority is another one than before" in [*there.certificate.notes()][-1]
    same = with_authority(host(root, days=-890), before=root.pem)
    assert re.search(r"at the latest on \d{4}-\d\d-\d\d\.", [*same.certificate.notes()][-1])
    for known in (host(root, days=-890), with_authority(host(root), before=other.pem)):
        assert len([*known.certificate.notes()]) == 1


def test_a_server_that_lacks_its_certificate_is_silent_for_that(root: authorities.Authority) -> None:
    facts = {"daemons": {"reachable-jupyter": {"state": "running", "at_boot": True}}, "silent_ports": [8888]}
    whole = host(root, {**facts, **served(root.issue(*NAMES, end=397))})
    for there, is_silent in ((whole, True), (host(root, facts), False)):
        (service,) = jupyter.services(there)
        assert services.work(there, service)["is_silent"] is is_silent


@pytest.mark.parametrize(
    ("given", "has_one", "kind"),
    [
        ({"reachable_tls": "auto"}, True, "ca"),
        ({"reachable_tls": "auto"}, False, "off"),
        ({"reachable_tls": "auto", "ngrok_authtoken": TOKEN}, True, "off"),
        ({"reachable_tls": "off"}, True, "off"),
    ],
)
def test_what_is_there_stays_where_nobody_has_chosen(
    root: authorities.Authority, given: dict[str, Any], has_one: bool, kind: str
) -> None:
    there = host(root, served(root.issue(*NAMES, end=397)) if has_one else None, **given)
    planned = certificates.planned(there)
    assert (planned["kind"], planned["is_surplus"]) == (kind, has_one and kind == "off")
    assert ("certfile" in settings.own_settings(there)["ServerApp"]) is (kind == "ca")
    assert endpoint.planned(there)["server"]["url"] == f"{there.certificate.scheme}://127.0.0.1:8888"


def test_the_port_of_https_is_not_written(root: authorities.Authority) -> None:
    planned = endpoint.planned(host(root, jupyter_port=443))
    assert [each["url"] for each in planned["candidates"]] == ["https://203.0.113.9", "https://192.0.2.7"]
    assert {each["port"] for each in planned["candidates"]} == {443}


def test_a_host_that_pulls_keeps_what_it_has(root: authorities.Authority) -> None:
    facts = served(root.issue("elsewhere", end=1, behind=(root,)))
    there = dataclasses.replace(host(None, facts), pulled=True)
    assert not certificates.planned(there)["is_to_do"]
    assert [*there.certificate.refusals()] == []
    assert there.certificate.trust == {"authority": root.pem}
    lacking = dataclasses.replace(host(None), pulled=True)
    (sentence,) = lacking.certificate.refusals()
    assert sentence.startswith("reachable_tls is ca, and vps has no certificate that can be served: ")


def given_files(path: Path, facts: dict[str, Any] | None = None, days: float = 0, **other: Any) -> Situation:
    """Return a host that is to serve a certificate that somebody has."""
    given = Given(**{"certificate": path.read_text(), "key_fits": True, **other})
    controller = Controller("203.0.113.9", now=time.time() + days * DAY, given=given)
    wanted = {"reachable_tls": "files", "tls_certificate": "/srv/tls.pem", "tls_key": "/srv/key.pem"}
    return situation(wanted, facts, controller=controller)


def test_a_certificate_that_is_given_is_served(root: authorities.Authority) -> None:
    path, other = root.issue("*.example.org"), root.issue("*.example.org")
    assert certificates.planned(given_files(path))["is_to_bring"]
    assert not certificates.planned(given_files(path, served(path)))["is_to_do"]
    assert certificates.planned(given_files(path, served(other)))["is_to_bring"]
    # the doctor asks the loopback for the name that is in it
    assert endpoint.planned(given_files(path))["server"]["certificate_name"] == "any.example.org"
    # also where the host itself does, which has no more than what it serves
    pulled = dataclasses.replace(given_files(path, served(path), certificate=""), pulled=True)
    assert endpoint.planned(pulled)["server"]["certificate_name"] == "any.example.org"


def test_what_cannot_be_served_is_refused(root: authorities.Authority, tmp_path: Path) -> None:
    middle = root.intermediate("Between")
    whole = middle.issue("vps.example.org", behind=(middle, root))
    assert [*given_files(whole).certificate.refusals()] == []
    assert given_files(whole).certificate.trust == {"authority": root.pem}
    in_disorder = middle.issue("vps.example.org", behind=(root, middle))
    cases = {
        "tls_key is '/srv/key.pem', which is not the key": given_files(whole, key_fits=False),
        "tls_certificate ended on ": given_files(whole, days=100),
        "tls_certificate begins on ": given_files(whole, days=-100),
        "tls_certificate has certificates that did not issue each other": given_files(in_disorder),
        "tls_certificate has no subjectAltName": given_files(write(tmp_path / "root.pem", root.pem)),
    }
    for words, there in cases.items():
        (sentence,) = host_refusals.of_certificate(there)
        assert sentence.startswith(words)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("given", "is_left"), [({}, False), ({"reachable_tls": "off"}, True), ({"reachable_tls": "files"}, True)]
)
def test_who_leaves_the_authority_is_told_how_the_profile_goes(
    root: authorities.Authority, given: dict[str, Any], is_left: bool
) -> None:
    planned = certificates.planned(host(root, served(root.issue(*NAMES, end=397)), **given))
    assert planned["left_behind"].startswith("If no other host needs the profile, take it off the iPad: ") is is_left
    assert bool(planned["left_behind"]) is is_left
    assert planned["is_to_do"] is is_left


def test_a_host_that_never_had_the_authority_leaves_nothing_behind(root: authorities.Authority) -> None:
    assert certificates.planned(host(root, reachable_tls="off"))["left_behind"] == ""
