"""What a host that has its certificate from an authority makes of certbot's words, and what it puts in place."""

from __future__ import annotations

import getpass
import grp
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from reachable import acme
from reachable.timed import Output

# What certbot 5.8.0 prints, with Pebble 2.6.0 as the authority unless it is said otherwise, and what people read.
WORDS = json.loads(Path(__file__).with_name("certbot_words.json").read_text(encoding="utf-8"))
DIRECTORY = "https://acme.example.org/dir"
CONFIG_DIR = "/var/lib/reachable/acme/config"
NOON = 1_800_000_000.0


@pytest.mark.parametrize("case", WORDS, ids=[each["what"] for each in WORDS])
def test_why_there_is_no_certificate(case: dict[str, str]) -> None:
    assert acme.problem(Output(1, case["stdout"], case["stderr"]), DIRECTORY, CONFIG_DIR) == case["sentence"]


def test_what_others_say_is_one_line_that_ends() -> None:
    sentence = acme.problem(Output(1, "", "gone\n" + "word " * 300), DIRECTORY, CONFIG_DIR)
    assert "\n" not in sentence
    assert sentence.endswith(" ....")
    assert len(sentence) < 600


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (["lab.example.org"], ["--domain", "lab.example.org"]),
        (["8.8.8.8"], ["--preferred-profile", "shortlived", "--ip-address", "8.8.8.8"]),
        (
            ["lab.example.org", "2a01:4f8::1"],
            ["--preferred-profile", "shortlived", "--domain", "lab.example.org", "--ip-address", "2a01:4f8::1"],
        ),
    ],
)
def test_the_command_line(names: list[str], options: list[str]) -> None:
    assert acme.command_line(names) == options


@pytest.mark.parametrize(
    ("renewal", "is_of_another"),
    [
        ("", False),
        ("version = 5.8.0\n[renewalparams]\nserver = https://acme.example.org/dir\n", False),
        ("version = 5.8.0\n[renewalparams]\nserver = https://acme.example.org/directory\n", True),
    ],
)
def test_whether_it_is_of_another_authority(renewal: str, is_of_another: bool) -> None:
    assert acme.is_of_another(renewal, DIRECTORY) is is_of_another


ASKED = {"server": DIRECTORY, "names": ["lab.example.org"]}
OTHER = {"server": DIRECTORY, "names": ["old.example.org"]}


@pytest.mark.parametrize(
    ("before", "failed", "failures", "got"),
    [
        ({}, "", 0, ASKED),
        ({}, "x", 1, None),
        ({"failures": 1, "got": None}, "x", 2, None),
        ({"failures": 0, "got": OTHER}, "x", 1, OTHER),
        ({"failures": 2, "got": OTHER}, "", 0, ASKED),
    ],
)
def test_failures_in_a_row(before: dict[str, Any], failed: str, failures: int, got: dict[str, Any] | None) -> None:
    assert acme.described(before, failed, ASKED, NOON) == {
        "time": "2027-01-15T08:00:00+00:00",
        "failures": failures,
        "problem": failed,
        "got": got,
    }


class Host:
    """A host whose certbot does what the test wants, and says how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "acme.json"
        self.target, self.result, self.calls = folder / "tls.pem", folder / "result.json", folder / "calls"
        self.live = folder / "config/live/reachable"
        self.certbot = folder / "certbot"
        group = grp.getgrgid(os.getegid()).gr_name
        settings = {
            "host": "vps",
            "certbot": str(self.certbot),
            "names": ["lab.example.org"],
            "options": str(folder / "certbot.ini"),
            "config_dir": str(folder / "config"),
            "server": DIRECTORY,
            "environment": {"REQUESTS_CA_BUNDLE": "/bundle.pem"},
            "target": str(self.target),
            "owner": getpass.getuser(),
            "group": group,
            "result": str(self.result),
        }
        self.config.write_text(json.dumps(settings))

    def does(self, script: str) -> None:
        """Say what certbot does."""
        self.certbot.write_text(f'#!/bin/sh\necho "$REQUESTS_CA_BUNDLE$PYTHONPATH $*" >>{self.calls}\n{script}\n')
        self.certbot.chmod(0o755)

    def gets(self, number: int) -> None:
        """Let certbot get a certificate, as it keeps it."""
        archive, live = self.folder / "config/archive/reachable", self.live
        self.does(
            f"mkdir -p {archive} {live}; for part in privkey fullchain; do file=${{part}}{number}.pem; "
            f"echo ${{part}}{number} >{archive}/$file; ln -sf ../../archive/reachable/$file {live}/$part.pem; done"
        )

    def asks(self) -> int:
        """Run the program once."""
        return acme.main(["--config", str(self.config)])


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_key_and_chain_become_one_file(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/opt/reachable/acme/lib/reachable.zip")
    host.gets(1)
    assert host.asks() == 0
    assert host.target.read_text() == "privkey1\nfullchain1\n"
    assert host.target.stat().st_mode & 0o777 == 0o600
    assert (
        host.calls.read_text() == f"/bundle.pem certonly --config {host.folder}/certbot.ini --domain lab.example.org\n"
    )
    assert json.loads(host.result.read_text())["failures"] == 0


def test_what_is_in_place_stays(host: Host) -> None:
    host.gets(1)
    host.asks()
    before = host.target.stat()
    host.asks()
    assert host.target.stat().st_ino == before.st_ino
    host.gets(2)
    host.asks()
    assert host.target.read_text() == "privkey2\nfullchain2\n"


@pytest.mark.parametrize("damage", ["rm {}", "chmod 0644 {}", "rm {0}; echo x > {0}; chmod 0600 {0}"])
def test_what_was_changed_comes_back(host: Host, damage: str) -> None:
    host.gets(1)
    host.asks()
    subprocess.run(["sh", "-c", damage.format(host.target)], check=True)
    host.does("exit 0")
    assert host.asks() == 0
    assert host.target.read_text() == "privkey1\nfullchain1\n"
    assert host.target.stat().st_mode & 0o777 == 0o600


def test_a_failure_is_counted_and_leaves_what_there_is(host: Host, capfd: pytest.CaptureFixture[str]) -> None:
    host.gets(1)
    host.asks()
    host.does("echo 'too many requests, retry after 2026-12-02 04:04:50 UTC' >&2; exit 1")
    assert [host.asks(), host.asks()] == [1, 1]
    kept = json.loads(host.result.read_text())
    assert kept["failures"] == 2
    assert "wait until 2026-12-02 04:04:50 UTC" in kept["problem"]
    assert host.target.read_text() == "privkey1\nfullchain1\n"
    assert "vps has no new certificate, the authority's limit is reached" in capfd.readouterr().out
    host.does("exit 0")
    assert host.asks() == 0
    assert json.loads(host.result.read_text())["problem"] == ""


def test_another_authority_is_asked_at_once(host: Host) -> None:
    host.gets(1)
    renewal = host.folder / "config/renewal"
    renewal.mkdir(parents=True)
    (renewal / "reachable.conf").write_text("[renewalparams]\nserver = https://old.example.org/dir\n")
    host.asks()
    assert host.calls.read_text().endswith("lab.example.org --force-renewal\n")


def test_a_certbot_that_is_gone(host: Host) -> None:
    assert host.asks() == 1
    assert json.loads(host.result.read_text())["problem"] == (
        f"{DIRECTORY} gives none: {host.certbot} does not run (No such file or directory): run './reachable up'."
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory."),
        ("{}", "is no configuration of this program"),
        ("{", "is no configuration of this program"),
    ],
)
def test_a_configuration_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, sentence: str
) -> None:
    path = tmp_path / "acme.json"
    if content is not None:
        path.write_text(content)
    assert acme.main(["--config", str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"{path} {sentence}")
