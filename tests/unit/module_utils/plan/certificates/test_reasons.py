"""Why a certificate is brought to a host, and who is told that one ends."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import pytest
from authorities import Authority, authority
from bare_host import FILE, situation
from reachable.plan import certificates, host_refusals
from reachable.plan.situation import Authority as There
from reachable.plan.situation import Controller

if TYPE_CHECKING:
    from pathlib import Path

    from reachable.plan.situation import Situation

PATH = "/opt/reachable/etc/jupyter/tls.pem"
NAMES = ("192.0.2.7", "vps", "localhost", "127.0.0.1", "::1")
OURS = {"owner": "jupyter", "group": "jupyter", "mode": "0600", "fits": True}


@pytest.fixture
def root(tmp_path: Path) -> Authority:
    return authority(tmp_path, "Our own")


def host(root: Authority, pem: str, tls: str = "ca", known: bool = True, **more: Any) -> Situation:
    """Return a host with a certificate."""
    found = {PATH: {**FILE, **OURS, "pem": pem, **more.pop("found", {})}}
    kept = There(root=root.pem, key_fits=True, is_private=True) if known else There()
    controller = dataclasses.replace(Controller(authority=kept, now=time.time()), **more.pop("controller", {}))
    return situation({"reachable_tls": tls}, {"certificates": found}, controller=controller, **more)


def certificate(path: Path) -> str:
    """Return the certificate in a file that has its key, too."""
    text = path.read_text()
    return text[text.index("-----BEGIN CERTIFICATE") :]


@pytest.mark.parametrize(
    ("made", "found", "reason"),
    [
        ({"end": 390}, {}, ""),
        ({"end": 390}, {"state": "absent", "pem": "", "fits": False}, "There is none."),
        ({"end": 390}, {"fits": False}, "There is none that can be served with the key beside it."),
        ({"end": 390}, {"mode": "0644"}, "Not jupyter alone can read and replace it."),
        ({"begin": 3, "end": 390}, {}, "It begins on "),
        ({"end": 100}, {}, "It ends on "),
        ({"end": -1}, {}, "It ended on "),
    ],
)
def test_why_another_one_is_brought(root: Authority, made: dict[str, Any], found: dict[str, Any], reason: str) -> None:
    planned = certificates.planned(host(root, certificate(root.issue(*NAMES, **made)), found=found))
    assert planned["is_to_bring"] is bool(reason)
    assert planned["reason"].startswith(reason)
    assert bool(planned["reason"]) is bool(reason)


def test_a_name_that_is_missing_is_named(root: Authority) -> None:
    planned = certificates.planned(host(root, certificate(root.issue("vps", *NAMES[2:], end=390))))
    assert planned["reason"] == "It does not count for 192.0.2.7."


def test_one_of_another_authority_is_replaced(root: Authority, tmp_path: Path) -> None:
    other = authority(tmp_path, "Our own")
    planned = certificates.planned(host(root, certificate(other.issue(*NAMES, end=390))))
    assert planned["reason"] == "It is not from the authority that this machine has."


@pytest.mark.parametrize(
    ("end", "pulled", "said"), [(90, True, ""), (20, True, "ends on "), (-1, True, "ended on "), (20, False, "")]
)
def test_who_cannot_renew_it_tells_that_it_ends(root: Authority, end: float, pulled: bool, said: str) -> None:
    pem = certificate(root.issue(*NAMES, begin=-300, end=end)) + root.pem
    planned = certificates.planned(host(root, pem, pulled=pulled, known=not pulled))
    assert planned["overdue"].startswith(f"The certificate of vps {said}" if said else "")
    assert bool(planned["overdue"]) is bool(said)


@pytest.mark.parametrize("wanted", ["auto", "ca"])
def test_a_host_that_pulls_trusts_the_authority_behind_its_certificate(root: Authority, wanted: str) -> None:
    there = host(root, certificate(root.issue(*NAMES, end=390)) + root.pem, wanted, known=False, pulled=True)
    planned = certificates.planned(there)
    assert (planned["kind"], planned["is_to_bring"], planned["is_surplus"]) == ("ca", False, False)
    assert there.certificate.trust == {"authority": root.pem}


def test_no_certificate_is_issued_by_a_clock_that_is_wrong(root: Authority) -> None:
    wrong = {"seconds_ahead": 400 * 86400.0}
    (sentence,) = host_refusals.of_host(host(root, "", controller=wrong))
    assert sentence.startswith("The clock of vps is 400 days ahead of this machine's: ")
    assert not [*host_refusals.of_host(host(root, "", "off", controller=wrong))]
