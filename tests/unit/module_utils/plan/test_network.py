"""The way out: which proxy counts where, who is trusted, and that a password in a proxy's address is hidden."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bare_host import FILE, situation
from reachable.plan import jupyter, jupyter_files, looks, network, receipt, watcher
from reachable.secrecy import secrets

PROXY = "http://ada:secret@proxy.example.org:3128"
OF_HOST = {"https_proxy": "http://host.example.org:8080", "no_proxy": "intranet, 192.0.2.0/24"}
BUNDLE, OURS = "/etc/ssl/certs/ca-certificates.crt", "/opt/reachable/etc/certificates.pem"
CONFIG = "/opt/reachable/etc/jupyter/jupyter_server_config.json"
CA = "-----BEGIN CERTIFICATE-----\nb\n-----END CERTIFICATE-----"
HERE = "localhost,127.0.0.0/8,127.0.0.1,::1"


def kept(**values: Any) -> dict[str, Any]:
    """Return what a host has whose configuration keeps something."""
    content = json.dumps({"Reachable": values}, indent=2, sort_keys=True)
    return {"files": {CONFIG: {**FILE, "content": content}}}


@pytest.mark.parametrize(
    ("given", "facts", "proxy", "spared"),
    [
        ({}, {}, None, ""),
        ({"reachable_proxy": PROXY}, {}, PROXY, HERE),
        ({"reachable_proxy": PROXY}, {"proxies": OF_HOST}, PROXY, f"intranet,192.0.2.0/24,{HERE}"),
        ({}, {"proxies": OF_HOST}, OF_HOST["https_proxy"], f"intranet,192.0.2.0/24,{HERE}"),
        ({}, kept(secret_proxy=PROXY), PROXY, HERE),
        ({}, {**kept(secret_proxy=PROXY), "proxies": OF_HOST}, PROXY, f"intranet,192.0.2.0/24,{HERE}"),
        ({"reachable_proxy": "http://other"}, kept(secret_proxy=PROXY), "http://other", HERE),
        (
            {"reachable_proxy": "auto"},
            {**kept(secret_proxy=PROXY), "proxies": OF_HOST},
            OF_HOST["https_proxy"],
            "intra",
        ),
        ({"reachable_proxy": "none"}, {**kept(secret_proxy=PROXY), "proxies": OF_HOST}, None, ""),
        ({}, {**kept(secret_proxy="none"), "proxies": OF_HOST}, None, ""),
    ],
)
def test_which_proxy_counts(given: dict[str, Any], facts: dict[str, Any], proxy: str | None, spared: str) -> None:
    found = network.proxies(situation(given, facts))
    assert (found.get("https_proxy"), found.get("HTTPS_PROXY")) == (proxy, proxy)
    assert found.get("no_proxy", "").startswith(spared)
    assert found.get("no_proxy") == found.get("NO_PROXY")


def test_whoever_has_thought_about_it_is_asked_what_to_spare() -> None:
    assert "10.0.0.0/8" in network.proxies(situation({"reachable_proxy": PROXY}))["no_proxy"]
    assert "10.0.0.0/8" not in network.proxies(situation({}, {"proxies": OF_HOST}))["no_proxy"]


def test_a_proxy_that_was_given_beats_that_of_pip_conf() -> None:
    assert network.for_pip(situation({"reachable_proxy": PROXY}))["PIP_PROXY"] == PROXY
    assert "PIP_PROXY" not in network.for_pip(situation({}, {"proxies": OF_HOST}))


def test_what_is_kept_comes_back_as_it_was() -> None:
    there = situation({"reachable_proxy": PROXY + '"'})
    again = situation({}, kept(**there.settings["Reachable"]))
    assert network.given_proxy(again) == PROXY + '"'
    assert again.settings["Reachable"] == there.settings["Reachable"]
    assert "Reachable" not in situation().settings


def test_a_password_is_hidden_and_stands_in_no_unit() -> None:
    there = situation({"reachable_proxy": PROXY})
    assert PROXY in set(secrets(there.settings["Reachable"]))
    [service] = jupyter.services(there)
    assert "secret@" not in json.dumps(service.environment)
    config = watcher.config_entry(there, "reachable-endpoint")
    assert (config["mode"], config["owner"], "content" in config) == ("0600", "reachable-endpoint", False)
    assert json.loads(config["secret"])["variables"]["https_proxy"] == PROXY
    assert "content" in watcher.config_entry(situation(), "reachable-endpoint")


def test_whom_a_host_trusts_beside_its_own() -> None:
    facts = {"ca_bundle": BUNDLE, "files": {BUNDLE: {**FILE, "content": "a\n"}}}
    there = situation({"reachable_ca_certificate": "/x.pem"}, facts, ca_certificate=f"{CA}\n")
    assert {"path": OURS, "content": f"a\n{CA}\n"} in jupyter_files.folders(there)
    assert network.trust_for_pip(there) == network.trust(there) == dict.fromkeys(network.TRUST, OURS)
    [service] = jupyter.services(there)
    assert service.environment["SSL_CERT_FILE"] == OURS
    assert OURS not in service.files  # nothing is restarted for another certificate of the system's


def test_what_the_system_trusts_needs_no_file() -> None:
    there = situation({}, {"ca_bundle": BUNDLE})
    assert network.entries(there) == []
    assert (network.trust(there), network.trust_for_pip(there)) == ({"REQUESTS_CA_BUNDLE": BUNDLE}, {})
    assert BUNDLE not in looks.files(there.wanted, there.layout, with_history=False)


@pytest.mark.parametrize(
    ("wanted", "found", "goes"),
    [
        ({}, {OURS: FILE}, True),
        ({}, {}, False),
        ({"reachable_ca_certificate": "/x.pem"}, {OURS: FILE}, False),
    ],
)
def test_certificates_that_nobody_gives_any_more_go(wanted: dict[str, str], found: dict[str, Any], goes: bool) -> None:
    there = situation(wanted, {"ca_bundle": BUNDLE, "files": {BUNDLE: {**FILE, "content": "a\n"}, **found}})
    surplus = receipt.planned(there, {})["surplus"]
    assert (surplus["files"] if surplus else []) == ([OURS] if goes else [])


@pytest.mark.parametrize("proxy", [None, "none", "auto", "http://proxy:3128", "https://a:b@proxy.example.org/"])
def test_what_may_be_a_proxy(proxy: str | None) -> None:
    assert [*network.refusals(situation({"reachable_proxy": proxy}).wanted, None)] == []


@pytest.mark.parametrize("proxy", ["", "proxy:3128", "ftp://proxy", "http://a b", "http://proxy/path"])
def test_what_is_no_proxy(proxy: str) -> None:
    assert [*network.refusals(situation({"reachable_proxy": proxy}).wanted, None)] == [
        "reachable_proxy is no address of a proxy: write it like http://proxy.example.org:3128, or none or auto."
    ]


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_what_is_no_certificate(content: str | None) -> None:
    assert [*network.refusals(situation({"reachable_ca_certificate": "/x"}).wanted, content)] == [
        (
            "reachable_ca_certificate is '/x', where no certificate in the form PEM is: give the absolute path of a "
            "file on this machine that has one."
        )
    ]
