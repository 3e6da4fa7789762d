"""A hash is kept while it belongs to the password and is strong enough; Jupyter itself is the judge of each."""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible.plugins.loader import action_loader
from jupyter_server.auth.security import passwd, passwd_check
from passlib.hash import argon2
from reachable import passwords

if TYPE_CHECKING:
    from conftest import RunAction

SAMPLES = json.loads(Path(__file__).with_name("jupyter_password_hashes.json").read_text(encoding="utf-8"))
PASSWORD: str = SAMPLES["password"]
BY_JUPYTER: str = SAMPLES["valid"]["jupyter_server 2.21.1 passwd()"]
KEPT = "the hash on the host belongs to this password"
CHEAP = "the hash on the host is cheaper to guess than today's"
OTHER = "the hash on the host belongs to another password"
MALFORMED = "the hash on the host is malformed"
NONE = "the host has no password hash yet"
NO_ARGON2 = "what follows 'argon2:' is no argon2 hash"
NO_PREFIX = "it does not begin with 'argon2:', 'sha256:' or 'sha1:'"
GENERATED = re.compile(r"([2-9a-hjkmnp-z]{4}-){4}[2-9a-hjkmnp-z]{4}")


MEMORY_KIB, PASSES = 128, 4  # a thousandth of what is asked for in earnest, or each hash would take a while


def jupyter_accepts(text: str, password: str) -> bool:
    """Let Jupyter say whether a hash belongs to a password."""
    return bool(passwd_check(text, password))  # type: ignore[no-untyped-call]  # Jupyter has no types


def jupyter_hashes(password: str, algorithm: str = "argon2") -> str:
    """Let Jupyter hash a password."""
    return str(passwd(password, algorithm))  # type: ignore[no-untyped-call]  # Jupyter has no types


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for less than Jupyter does."""
    monkeypatch.setattr(passwords, "MEMORY_KIB", MEMORY_KIB)
    monkeypatch.setattr(passwords, "PASSES", PASSES)


def own_hash(password: str = PASSWORD, **cost: Any) -> str:
    """Hash a password, perhaps at another cost than what is asked for."""
    asked: dict[str, Any] = {"type": "ID", "memory_cost": MEMORY_KIB, "rounds": PASSES, "parallelism": 8}
    return f"argon2:{argon2.using(**{**asked, **cost}).hash(password)}"


OWN = own_hash()


def unsalted(value: str | bool) -> str:
    """Name a test without the salt of its hash, so that all processes of a parallel run agree on the name."""
    return re.sub("(?<=[0-9]:).+", "", str(value), flags=re.DOTALL)


@pytest.fixture
def settle(run_action: RunAction) -> RunAction:
    """Return the action."""
    return functools.partial(run_action, "jupyter_password")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a generated password is kept; its folder is still to be made."""
    return tmp_path / "secrets/laptop/jupyter_password"


@pytest.fixture
def stored(file: Path) -> Path:
    """The same with a password in it."""
    file.parent.mkdir(parents=True)
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    ("current", "reason"),
    [
        ("", NONE),
        *((SAMPLES["valid"][made_by], KEPT) for made_by in list(SAMPLES["valid"])[:4]),
        (OWN, KEPT),
        (own_hash(memory_cost=MEMORY_KIB + 1), KEPT),
        (own_hash(rounds=PASSES + 1), KEPT),
        (own_hash(parallelism=1), KEPT),
        (own_hash(memory_cost=MEMORY_KIB * 4, rounds=1), KEPT),
        (own_hash(memory_cost=MEMORY_KIB * 4 - 1, rounds=1), CHEAP),
        (own_hash(memory_cost=MEMORY_KIB - 1), CHEAP),
        (own_hash(memory_cost=MEMORY_KIB - 1, rounds=PASSES * 2), CHEAP),
        (own_hash(rounds=PASSES - 1), CHEAP),
        (own_hash(type="I"), CHEAP),
        (own_hash(type="D"), CHEAP),
        (SAMPLES["valid"]["jupyter passwd(algorithm='sha1') legacy"], CHEAP),
        (SAMPLES["valid"]["jupyter passwd(algorithm='sha256') legacy"], CHEAP),
        (SAMPLES["valid"]["jupyter passwd(algorithm='sha512') legacy"], MALFORMED),
        *((text, MALFORMED) for text in SAMPLES["malformed"] if text),
        (BY_JUPYTER[:-1], MALFORMED),
        (own_hash("another password"), OTHER),
        (jupyter_hashes("another password", "sha1"), OTHER),
        (jupyter_hashes("another password", "sha256"), OTHER),
    ],
    ids=unsalted,
)
def test_a_hash_is_kept_or_not(current: str, reason: str) -> None:
    decision = passwords.decide(PASSWORD, "given", current)
    assert decision.reason == reason
    if reason == KEPT:
        assert decision.hash == current
    else:
        assert decision.hash != current
        assert jupyter_accepts(decision.hash, PASSWORD)


@pytest.mark.parametrize(
    ("current", "reason"),
    [("", NONE), (SAMPLES["valid"]["jupyter passwd(algorithm='sha256') legacy"], CHEAP), ("garbage", MALFORMED)],
)
def test_check_run_check_run(current: str, reason: str, file: Path, settle: RunAction) -> None:
    options = {"password": PASSWORD, "password_file": str(file)}

    predicted = settle(check=True, current_hash=current, **options)
    done = settle(current_hash=current, **options)
    again = [settle(check=c, current_hash=done["hash"], **options) for c in (True, False)]

    for result in (predicted, done):
        assert (result["changed"], result["source"], result["reason"]) == (True, "given", reason)
        assert result["diff"] == {"before": "", "after": f"new hash: {reason}\n"}
    for result in again:
        assert (result["changed"], result["source"], result["reason"]) == (False, "given", KEPT)
        assert result["hash"] == done["hash"]
        assert result["diff"] == {"before": "", "after": ""}
    assert jupyter_accepts(done["hash"], PASSWORD)
    assert not jupyter_accepts(done["hash"], "another password")
    assert not file.parent.exists()


@pytest.mark.parametrize("made_by", [name for name in SAMPLES["valid"] if "sha512" not in name])
def test_what_jupyter_reads_is_read_here(made_by: str) -> None:
    text = SAMPLES["valid"][made_by]
    assert passwords.hash_problem(text) is None
    assert passwords.verify(PASSWORD, text) is jupyter_accepts(text, PASSWORD) is True
    assert passwords.verify("wrong", text) is jupyter_accepts(text, "wrong") is False


def test_as_much_is_asked_for_as_jupyter_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    parts = [made("password").split("$")[:4] for made in (passwords.new_hash, jupyter_hashes)]
    assert parts[0] == parts[1] == ["argon2:", "argon2id", "v=19", "m=10240,t=10,p=8"]
    assert passwords.strong_enough(BY_JUPYTER)
    assert not passwords.strong_enough(OWN)


@pytest.mark.parametrize("password", ["x" * 4096, "spaces in between", "ünïcode-😀-password"])
def test_jupyter_verifies_what_is_made_here(password: str) -> None:
    passwords.refuse_weak(password, allow_weak=False)
    made = passwords.new_hash(password)
    assert jupyter_accepts(made, password)
    assert not jupyter_accepts(made, password + "x")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", NO_PREFIX),
        (BY_JUPYTER.removeprefix("argon2:"), NO_PREFIX),
        ("nosuch:aa:bb", NO_PREFIX),
        ("shake_128:aa:bb", NO_PREFIX),
        ("ARGON2:x", NO_PREFIX),
        ("argon2:\n", NO_ARGON2),
        ("argon2:garbage", NO_ARGON2),
        (OWN[:-1], NO_ARGON2),
        (OWN[:-3], NO_ARGON2),
        (OWN + "\n", NO_ARGON2),
        (OWN.replace(":", ": "), NO_ARGON2),
        (OWN.rpartition("$")[0], NO_ARGON2),
        (OWN.replace("t=4", "t=0"), NO_ARGON2),
        (OWN.replace("m=128", "m=9"), NO_ARGON2),
        ("sha1:salt:", "after 'sha1:' it needs a salt, a colon and 40 hexadecimal digits"),
        ("sha1::" + 40 * "a", "after 'sha1:' it needs a salt, a colon and 40 hexadecimal digits"),
        ("sha1:ü:" + 40 * "a", "after 'sha1:' it needs a salt, a colon and 40 hexadecimal digits"),
        ("sha1:aa:" + 40 * "A", "after 'sha1:' it needs a salt, a colon and 40 hexadecimal digits"),
        ("sha256:aa:" + 40 * "a", "after 'sha256:' it needs a salt, a colon and 64 hexadecimal digits"),
    ],
    ids=unsalted,
)
def test_a_malformed_hash_is_refused(text: str, problem: str, file: Path, settle: RunAction) -> None:
    result = settle(password_hash=text, password_file=str(file))
    assert result["failed"]
    assert result["msg"] == (
        f"jupyter_password_hash is malformed, {problem}: make one with 'jupyter server password' and copy it whole."
    )


@pytest.mark.parametrize(
    ("current", "changed", "reason"),
    [
        (OWN, False, "the host has this hash"),
        ("", True, "the host has another hash or none"),
        ("argon2:garbage-ü", True, "the host has another hash or none"),
        (own_hash(), True, "the host has another hash or none"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_ready_made_hash(
    *, current: str, changed: bool, reason: str, check: bool, stored: Path, settle: RunAction
) -> None:
    result = settle(check=check, password_hash=OWN, current_hash=current, password_file=str(stored))
    assert {key: result[key] for key in ("changed", "hash", "source", "reason")} == {
        "changed": changed, "hash": OWN, "source": "hash", "reason": reason,
    }  # fmt: skip


ANOTHER = "choose another, or set jupyter_password_allow_weak to true."
UNTYPABLE = (
    "jupyter_password has a line break or another control character, which cannot be typed on a login page: remove it."
)
SPACE = "jupyter_password begins or ends with a space, which Jupyter's login page leaves out: remove it."


@pytest.mark.parametrize(
    ("password", "message", "way_out"),
    [
        ("", "jupyter_password is empty: set a password, or leave the variable out to have one generated.", False),
        ("ü" * 2049, "jupyter_password is longer than 4096 bytes: use a shorter one.", False),
        ("nul\0in the middle", UNTYPABLE, False),
        ("a line break at its end\n", UNTYPABLE, False),
        (" a space before", SPACE, False),
        ("a space behind\u00a0", SPACE, False),
        ("eleven-char", f"jupyter_password is shorter than 12 characters: {ANOTHER}", True),
        ("Password1234", f"jupyter_password is one of the most common passwords: {ANOTHER}", True),
        ("password", f"jupyter_password is one of the most common passwords: {ANOTHER}", True),
        ("qwertyuiop", f"jupyter_password is one of the most common passwords: {ANOTHER}", True),
    ],
)
def test_a_weak_password_is_refused(password: str, message: str, way_out: bool, file: Path, settle: RunAction) -> None:
    options = {"password": password, "password_file": str(file)}
    assert settle(**options)["msg"] == message
    forced = settle(allow_weak=True, **options)
    if way_out:
        assert jupyter_accepts(forced["hash"], password)
    else:
        assert forced["msg"] == message


def test_a_password_and_a_hash_exclude_each_other(file: Path, settle: RunAction) -> None:
    result = settle(password=PASSWORD, password_hash=OWN, password_file=str(file))
    assert result["msg"] == "parameters are mutually exclusive: password|password_hash"


def test_a_password_is_generated_once(file: Path, settle: RunAction) -> None:
    options = {"password_file": str(file)}

    predicted = settle(check=True, **options)
    assert not file.parent.parent.exists()
    done = settle(**options)
    password = file.read_text().removesuffix("\n")
    again = [settle(check=c, current_hash=done["hash"], **options) for c in (True, False)]

    for result in (predicted, done):
        assert (result["changed"], result["source"], result["reason"]) == (True, "generated", NONE)
        assert password not in str(result)
    assert GENERATED.fullmatch(password)
    assert jupyter_accepts(done["hash"], password)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert os.listdir(file.parent) == [file.name]
    assert [(r["changed"], r["source"], r["hash"]) for r in again] == [(False, "stored", done["hash"])] * 2
    assert file.read_text() == password + "\n"


@pytest.mark.parametrize("current", ["", "argon2:garbage"])
def test_no_password_is_generated_where_it_must_not_be(current: str, file: Path, settle: RunAction) -> None:
    result = settle(password_file=str(file), generate=False, current_hash=current)
    assert result["msg"] == (
        "The host has no password hash that Jupyter can read, and the password is not known here: "
        "run './reachable up' on the machine that manages it."
    )
    assert not file.parent.parent.exists()


def test_generated_passwords_differ() -> None:
    made = {passwords.generate_password() for _ in range(100)}
    assert len(made) == 100
    assert all(map(GENERATED.fullmatch, made))


@pytest.mark.parametrize(
    ("current", "source", "reason"),
    [
        (OWN, "kept", "only the host knows this password, as a hash"),
        (
            SAMPLES["valid"]["jupyter passwd(algorithm='sha1') legacy"],
            "kept",
            "only the host knows this password, as a hash",
        ),
        ("argon2:garbage", "generated", MALFORMED),
    ],
)
def test_a_password_that_only_the_host_knows(
    current: str, source: str, reason: str, file: Path, settle: RunAction
) -> None:
    result = settle(current_hash=current, password_file=str(file))
    assert (result["source"], result["reason"]) == (source, reason)
    assert (result["changed"], result["hash"] == current, file.exists()) == (
        (False, True, False) if source == "kept" else (True, False, True)
    )


@pytest.mark.parametrize(("current", "reason"), [(OWN, KEPT), (own_hash("another"), OTHER), ("", NONE)])
def test_a_stored_password(current: str, reason: str, stored: Path, settle: RunAction) -> None:
    result = settle(current_hash=current, password_file=str(stored))
    assert (result["source"], result["reason"], result["changed"]) == ("stored", reason, reason != KEPT)
    assert jupyter_accepts(result["hash"], PASSWORD)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_an_exposed_file_is_closed(mode: int, stored: Path, settle: RunAction) -> None:
    stored.chmod(mode)
    options = {"current_hash": OWN, "password_file": str(stored)}
    modes = []
    changes = []
    for check in (True, False, True, False):
        changes.append(settle(check=check, **options)["changed"])
        modes.append(stat.S_IMODE(stored.stat().st_mode))
    assert changes == [True, True, False, False]
    assert modes == [mode, 0o600, 0o600, 0o600]


def test_an_empty_stored_password(stored: Path, settle: RunAction) -> None:
    stored.write_text("\n")
    assert settle(password_file=str(stored))["msg"] == (
        f"The stored password is empty: {stored}. Delete the file to keep the one that the host has."
    )


def test_a_stored_password_that_cannot_be_read(tmp_path: Path, settle: RunAction) -> None:
    assert settle(password_file=str(tmp_path))["msg"] == (
        f"The stored password cannot be read, Is a directory: {tmp_path}. Make it readable for you."
    )


def test_what_is_stored_outlasts_a_power_failure(
    file: Path, settle: RunAction, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = []

    def fsync(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        brought.append(sorted(os.listdir(descriptor)) if folder else os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    settle(password_file=str(file))
    assert brought == [len(file.read_text()), [file.name]]


def test_an_interrupted_write_leaves_nothing(file: Path, settle: RunAction, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    assert settle(password_file=str(file))["msg"] == (
        f"The password cannot be stored, No space left on device: {file}. Make its folder writable for you."
    )
    assert os.listdir(file.parent) == []


@pytest.mark.parametrize("password", ["argon2", "m", PASSWORD])
def test_the_hash_is_whole_and_nothing_tells_the_password(password: str, file: Path, settle: RunAction) -> None:
    for current in ("", passwords.new_hash(password)):
        result = settle(password=password, allow_weak=True, current_hash=current, password_file=str(file))
        assert jupyter_accepts(result.pop("hash"), password)
        assert "argon2" not in str(result)
        assert PASSWORD not in str(result)


def test_without_passlib(file: Path, settle: RunAction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys.modules[action_loader.get("jupyter_password", class_only=True).__module__], "passwords", None
    )
    message = settle(password_file=str(file))["msg"]
    assert message.startswith("Failed to import the required Python library (libpass) on ")


NOTHING: dict[str, Any] = {
    "password": None,
    "password_hash": None,
    "password_file": "/secrets/vps/jupyter_password",
    "adopted_hash": None,
    "adopted_from": "/home/ada/.jupyter/jupyter_notebook_config.py:7",
    "current_hash": "",
    "allow_weak": False,
    "public": False,
}
MAKE_ANOTHER = "make an argon2 one with 'jupyter server password', or set jupyter_password."
IN_PUBLIC_SET = ", and Jupyter is to be public: set jupyter_password."
IN_PUBLIC = ", and Jupyter is to be public: choose another, or take away endpoint_public_url and the tunnel."
SHA1 = "sha1:8b1d:" + hashlib.sha1(b"kXf82-opqjz-9sd8b1d").hexdigest()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"password": "kXf82", "allow_weak": True}, f"jupyter_password is shorter than 12 characters{IN_PUBLIC}"),
        ({"password": "Password1234"}, f"jupyter_password is one of the most common passwords{IN_PUBLIC}"),
        (
            {"password_hash": SHA1},
            f"jupyter_password_hash is cheap to guess, and Jupyter is to be public: {MAKE_ANOTHER}",
        ),
        (
            {"current_hash": SHA1},
            f"Of the password only a hash is known that is cheap to guess{IN_PUBLIC_SET}",
        ),
    ],
)
def test_what_is_not_good_enough_for_the_internet(options: dict[str, Any], sentence: str) -> None:
    given = {**NOTHING, "public": True}
    with pytest.raises(passwords.RefusedError) as refusal:
        passwords.resolve({**given, **options}, None)
    assert str(refusal.value) == sentence
    if "password" not in options or options.get("allow_weak"):
        passwords.resolve({**given, **options, "public": False}, None)


def test_a_stored_password_that_somebody_made_weak_is_not_good_enough_for_the_internet() -> None:
    given = {**NOTHING, "public": True}
    with pytest.raises(passwords.RefusedError) as refusal:
        passwords.resolve(given, "kXf82")
    assert str(refusal.value) == f"jupyter_password is shorter than 12 characters{IN_PUBLIC}"
    assert passwords.resolve({**given, "public": False}, "kXf82")[0].source == "stored"


PLACE = NOTHING["adopted_from"]
HINT = "leave jupyter_password_adopt out."
STRONG, LEGACY = own_hash(), jupyter_hashes(PASSWORD, "sha1")


@pytest.mark.parametrize("adopted", [STRONG, LEGACY], ids=unsalted)
@pytest.mark.parametrize("check", [False, True])
def test_a_hash_is_adopted_as_it_is_and_then_kept(check: bool, adopted: str, file: Path, settle: RunAction) -> None:
    result = settle(check=check, adopted_hash=adopted, adopted_from=PLACE, password_file=str(file))
    assert (result["hash"], result["source"], result["changed"]) == (adopted, "adopted", True)
    assert result["diff"]["after"] == f"new hash: Jupyter had the hash in {PLACE} before\n"
    assert not file.exists()
    again = settle(check=check, current_hash=adopted, password_file=str(file))
    assert (again["hash"], again["source"], again["changed"]) == (adopted, "kept", False)


@pytest.mark.parametrize(("password", "source"), [(PASSWORD, "given"), (None, "stored")])
def test_a_known_password_makes_a_cheap_hash_better(password: str | None, source: str) -> None:
    options = {**NOTHING, "password": password, "public": True}
    kept, _ = passwords.resolve({**options, "adopted_hash": STRONG}, None if password else PASSWORD)
    assert (kept.hash, kept.source) == (STRONG, source)
    better, _ = passwords.resolve({**options, "adopted_hash": LEGACY}, None if password else PASSWORD)
    assert passwords.strong_enough(better.hash)
    assert jupyter_accepts(better.hash, PASSWORD)


@pytest.mark.parametrize(
    ("options", "stored", "sentence"),
    [
        ({"adopted_hash": "sha1:x"}, None,
         f"the hash in {PLACE} is malformed, after 'sha1:' it needs a salt, a colon and 40 hexadecimal digits: {HINT}"),
        ({"adopted_hash": LEGACY, "public": True}, None,
         (f"the hash in {PLACE} is cheap to guess, and Jupyter is to be public: set jupyter_password to the same "
         f"password, which makes a better hash of it, or {HINT}")),
        ({"adopted_hash": LEGACY, "password": "another password"}, None,
         f"jupyter_password is not the one whose hash stands in {PLACE}: give up the one, or {HINT}"),
        ({"adopted_hash": LEGACY}, "another password",
         ("the password in the file /secrets/vps/jupyter_password is not the one whose hash stands in "
         f"{PLACE}: give up the one, or {HINT}")),
    ],
)  # fmt: skip
def test_what_cannot_be_adopted(options: dict[str, Any], stored: str | None, sentence: str) -> None:
    with pytest.raises(passwords.RefusedError) as refusal:
        passwords.resolve({**NOTHING, **options}, stored)
    assert str(refusal.value) == f"jupyter_password_adopt is true, but {sentence}"


def test_what_was_adopted_is_in_force_after_a_rotation_that_was_cut_short() -> None:
    kept = passwords.Kept(None, taken=False)
    assert passwords.tell_in_force(kept, "adopted", "/x") == [
        "The last change of the password was cut short: the one that Jupyter had before is in force."
    ]


@pytest.mark.parametrize("check", [True, False])
def test_each_installation_keeps_the_key_of_its_proof(check: bool, settle: RunAction, tmp_path: Path) -> None:
    options = {"password_file": str(tmp_path / "it"), "password": PASSWORD, "check": check}
    first, second = (settle(**options)["proof_key"] for _ in range(2))
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert first != second
    assert settle(current_proof_key=first, **options)["proof_key"] == first


def test_a_password_is_hashed_once_to_know_whether_it_is_that_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    current, genuine = passwords.new_hash(PASSWORD), argon2.verify
    tried: list[str] = []

    def verify(password: str, text: str) -> bool:
        tried.append(password)
        return bool(genuine(password, text))

    monkeypatch.setattr(argon2, "verify", verify)
    assert passwords.decide(PASSWORD, "given", current).hash == current
    assert tried == [PASSWORD]
