"""The action report: writes the card of a host, and hands what is said of it to the last page."""

from __future__ import annotations

import hashlib
import json
import plistlib
from typing import TYPE_CHECKING, Any

import pytest
from authorities import authority
from bare_host import REACHED, SHUT, TOKEN, situation
from cryptography.hazmat.primitives import serialization
from reachable.endpoints import Origin, endpoint_value
from reachable.plan import endpoint
from reachable.plan.situation import Authority, Controller

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunAction

KEPT: dict[str, Any] = {"values": {}, "file": None}
SSH = endpoint_value(Origin.of("tcp://5.tcp.ngrok.io:12345"), "ngrok-ssh", "ssh", 8888) | {"state": "online"}
PUBLISHED = {"/var/lib/reachable/endpoint/endpoint.json": {"content": json.dumps({"endpoints": [SSH]})}}
TUNNEL = {"ngrok_authtoken": TOKEN, "ngrok_transport": "ssh"}


def said(run_action: RunAction, folder: Path, finding: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what the action says of a host at whose addresses the doctor has found the same."""
    controller = Controller(
        "203.0.113.9",
        has_tunnel_key=True,
        tunnel_public_key="ssh-ed25519 AAAA tunnel@vps",
        authority=more.pop("authority", Authority()),
    )
    how = {key: more.pop(key) for key in ("given", "facts", "only_looks", "pulled") if key in more}
    plan = endpoint.planned(situation(**how, controller=controller))
    here = [{**finding, "name": each["name"], "url": each["url"], "jupyter_version": ""} for each in plan["candidates"]]
    options = {"verb": "up", "here": here, "is_held": False, "is_known": True, "kept": KEPT}
    paths = {"cards": str(folder), "password_file": str(folder / "password")}
    return run_action("report", variables={"inventory_hostname": "vps"}, plan=plan, **{**options, **paths, **more})


def test_the_card_is_written(tmp_path: Path, run_action: RunAction) -> None:
    result = said(run_action, tmp_path / "cards", REACHED)
    card = tmp_path / "cards/vps"
    assert sorted(path.name for path in card.iterdir()) == ["card.html", "card.json", "card.txt"]
    assert "  Safari    http://203.0.113.9:8888/\n" in (card / "card.txt").read_text()
    html = (card / "card.html").read_text()
    assert '<a class="address" href="http://203.0.113.9:8888/">' in html
    assert "<svg" in html
    report = result["ansible_stats"]["data"]["reachable_report"]
    assert report["text"] == (card / "card.txt").read_text()
    assert report["data"] == json.loads((card / "card.json").read_text())
    assert result["changed"] is True
    assert [entry["path"] for entry in result["unpublished"]] == [
        "/var/lib/reachable/endpoint",
        "/var/lib/reachable/endpoint/endpoint.json",
    ]


def test_the_profile_stands_beside_the_card_as_long_as_it_is_needed(tmp_path: Path, run_action: RunAction) -> None:
    root = authority(tmp_path, "Reachable on studio")
    trusted = Authority("/secrets/ca", root=root.pem)
    how: dict[str, Any] = {"given": {"reachable_tls": "ca"}, "authority": trusted, "serve": True}
    report = said(run_action, tmp_path, REACHED, **how)["ansible_stats"]["data"]["reachable_report"]
    file = tmp_path / "vps/reachable.mobileconfig"
    profile = plistlib.loads(file.read_bytes())
    der = root.certificate.public_bytes(serialization.Encoding.DER)
    assert [each["PayloadContent"] for each in profile["PayloadContent"]] == [der]
    fingerprint = hashlib.sha256(der).hexdigest().upper()
    assert (report["profile"], report["fingerprint"].replace(" ", "")) == (str(file), fingerprint)
    html = (tmp_path / "vps/card.html").read_text()
    assert 'href="reachable.mobileconfig"' in html
    assert 'data-probe="https://203.0.113.9:8888/favicon.ico"' in html
    assert report["fingerprint"] in html
    assert "Each iPad has to trust the certificate once" in (tmp_path / "vps/card.txt").read_text()
    assert "Settings &gt; General &gt; VPN &amp; Device Management &gt; Reachable on studio" in html

    report = said(run_action, tmp_path, REACHED, serve=True)["ansible_stats"]["data"]["reachable_report"]
    assert not file.exists()
    assert report.keys().isdisjoint({"profile", "fingerprint"})
    html = (tmp_path / "vps/card.html").read_text()
    assert "mobileconfig" not in html
    assert "trust the certificate" not in (tmp_path / "vps/card.txt").read_text()
    assert "data-probe=" not in html
    assert "reachable_tls=ca" in html


def test_a_picture_over_https_comes_from_jupyter_itself(tmp_path: Path, run_action: RunAction) -> None:
    given = {"reachable_tls": "ca", "endpoint_public_url": "https://notebooks.example.org"}
    said(run_action, tmp_path, REACHED, given=given, authority=Authority("/secrets/ca", root=authority(tmp_path).pem))
    assert 'data-probe="https://203.0.113.9:8888/favicon.ico"' in (tmp_path / "vps/card.html").read_text()


def test_a_card_that_is_right_stays_as_it_is(tmp_path: Path, run_action: RunAction) -> None:
    first = said(run_action, tmp_path, REACHED)
    facts = {"files": {entry["path"]: entry for entry in first["unpublished"]}}
    again = said(run_action, tmp_path, REACHED, facts=facts)
    assert (again["changed"], again["unpublished"]) == (False, [])


def test_check_mode_writes_none(tmp_path: Path, run_action: RunAction) -> None:
    result = said(run_action, tmp_path / "cards", SHUT, check=True)
    assert result["changed"] is True
    assert not (tmp_path / "cards").exists()
    assert result["ansible_stats"]["data"]["reachable_report"]["text"] == ""


def test_what_comes_from_a_host_is_no_markup(tmp_path: Path, run_action: RunAction) -> None:
    said(run_action, tmp_path, SHUT | {"problem": "<script>alert(1)</script>"})
    assert "<script>alert" not in (tmp_path / "vps/card.html").read_text()


def test_the_way_in_by_ssh(tmp_path: Path, run_action: RunAction) -> None:
    facts = {"files": PUBLISHED, "users": {"reachable-tunnel": None}}
    result = said(run_action, tmp_path, REACHED, given=TUNNEL, facts=facts)
    text = (tmp_path / "vps/card.txt").read_text()
    assert "  SSH       host 5.tcp.ngrok.io, port 12345, user reachable-tunnel\n" in text
    assert "ssh-ed25519 AAAA tunnel@vps" in (tmp_path / "vps/card.html").read_text()
    assert result["unpublished"] == []


PROOF = dict.fromkeys(("new_password", "old_password", "old_logins"), "")


NOT_THERE = "There is no Jupyter of Reachable on vps: install it with ./reachable up."


@pytest.mark.parametrize(("verb", "words"), [("up", NOT_THERE), ("password", "")])
def test_no_card_is_written_from_a_guess(verb: str, words: str, tmp_path: Path, run_action: RunAction) -> None:
    guess: dict[str, Any] = {"is_known": False, "only_looks": True, "verb": verb, "proof": PROOF}
    assert said(run_action, tmp_path / "cards", SHUT, **guess).get("msg", "") == words
    assert not (tmp_path / "cards").exists()
    said(run_action, tmp_path / "cards", REACHED, **guess)
    assert (tmp_path / "cards/vps/card.html").exists()


@pytest.mark.parametrize(("verb", "more"), [("status", {}), ("doctor", {}), ("up", {"pulled": True})])
def test_who_writes_no_card(verb: str, more: dict[str, Any], tmp_path: Path, run_action: RunAction) -> None:
    result = said(run_action, tmp_path / "cards", REACHED, verb=verb, **more)
    assert not (tmp_path / "cards").exists()
    assert result["ansible_stats"]["data"]["reachable_report"]["verdict"] == "fine"


def test_a_server_that_came_back_has_a_card_and_no_words_of_its_own(tmp_path: Path, run_action: RunAction) -> None:
    result = said(run_action, tmp_path, REACHED, verb="back")
    assert (tmp_path / "vps/card.txt").exists()
    assert "ansible_stats" not in result
