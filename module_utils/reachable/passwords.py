# SPDX-License-Identifier: Apache-2.0
"""Decide about the notebook password and its hash, on the controller."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from passlib.hash import argon2

from . import files
from .common_passwords import COMMON_PASSWORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# jupyter_server/auth/security.py: argon2.PasswordHasher(memory_cost=10240, time_cost=10, parallelism=8)
MEMORY_KIB = 10240
PASSES = 10
LANES = 8
ARGON2_BYTES = (16, 32)  # of argon2-cffi before 21.2, and since; a hash that was cut short has another length
SHORTEST_CHARACTERS = 12
LONGEST_BYTES = 4096  # passlib's limit
LEGACY_DIGITS = {"sha1": 40, "sha256": 64}
# Typed on a tablet's keyboard: one case, no look-alikes. 20 of 31 signs are 99 bits.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


class RefusedError(Exception):
    """An input cannot be used; the text says which one, why, and what to do."""


class Decision(NamedTuple):
    """The hash for the configuration, whence the password is known, and why the hash is new (or is not)."""

    hash: str
    source: str
    reason: str


def refuse_weak(password: str, allow_weak: bool, public: bool = False, variable: str = "jupyter_password") -> None:
    """Raise RefusedError for a password that must not protect a server, above all not one on the internet."""
    if not password:
        raise RefusedError(f"{variable} is empty: set a password, or leave the variable out to have one generated.")
    if len(password.encode()) > LONGEST_BYTES:
        raise RefusedError(f"{variable} is longer than {LONGEST_BYTES} bytes: use a shorter one.")
    if re.search(r"[\x00-\x1f\x7f]", password):
        raise RefusedError(
            f"{variable} has a line break or another control character, which cannot be typed on a login page: "
            "remove it."
        )
    if password != password.strip():  # as tornado's get_argument does
        raise RefusedError(f"{variable} begins or ends with a space, which Jupyter's login page leaves out: remove it.")
    if allow_weak and not public:
        return
    way_out = ": choose another, or set jupyter_password_allow_weak to true."
    if public:
        way_out = ", and Jupyter is to be public: choose another, or take away endpoint_public_url and the tunnel."
    if password.lower() in COMMON_PASSWORDS:
        raise RefusedError(f"{variable} is one of the most common passwords{way_out}")
    if len(password) < SHORTEST_CHARACTERS:
        raise RefusedError(f"{variable} is shorter than {SHORTEST_CHARACTERS} characters{way_out}")


def hash_problem(text: str) -> str | None:
    """Say what is wrong with the form of a hash; None when Jupyter can read it."""
    return tried("", text)[0]


def tried(password: str, text: str) -> tuple[str | None, bool]:
    """Say what is wrong with the form of a hash, and tell whether it belongs to the password.

    Jupyter answers a login with 500 when the text after ``argon2:`` is malformed, and nobody can log in when
    anything else is. To hash a password takes its time on purpose, so both come of one.
    """
    algorithm, _, rest = text.partition(":")
    if algorithm == "argon2":
        try:
            is_its = verify(password, text)  # from_string would let a hash pass that was cut short in its salt
            whole = len(argon2.from_string(rest).checksum) in ARGON2_BYTES
        except (ValueError, TypeError):
            whole = False
        return (None, is_its) if whole else ("what follows 'argon2:' is no argon2 hash", False)
    if algorithm in LEGACY_DIGITS:
        digits = LEGACY_DIGITS[algorithm]
        if rest.isascii() and re.fullmatch(rf"[^:]+:[0-9a-f]{{{digits}}}", rest):
            return None, verify(password, text)
        return f"after '{algorithm}:' it needs a salt, a colon and {digits} hexadecimal digits", False
    return "it does not begin with 'argon2:', 'sha256:' or 'sha1:'", False


def verify(password: str, text: str) -> bool:
    """Tell whether a well-formed hash belongs to the password, as Jupyter's passwd_check does."""
    algorithm, _, rest = text.partition(":")
    if algorithm == "argon2":
        return bool(argon2.verify(password, rest))
    salt, _, digest = rest.partition(":")
    own = hashlib.new(algorithm, password.encode() + salt.encode()).hexdigest()
    return hmac.compare_digest(own, digest)


def strong_enough(text: str) -> bool:
    """Tell whether a well-formed hash costs a guesser at least as much as one of ours."""
    algorithm, _, rest = text.partition(":")
    if algorithm != "argon2":
        return False
    found = argon2.from_string(rest)
    work = found.memory_cost * found.rounds
    return bool(found.type.lower() == "id" and found.memory_cost >= MEMORY_KIB and work >= MEMORY_KIB * PASSES)


def new_hash(password: str) -> str:
    """Hash a password in the form that Jupyter reads."""
    hasher = argon2.using(type="ID", memory_cost=MEMORY_KIB, rounds=PASSES, parallelism=LANES)
    return f"argon2:{hasher.hash(password)}"


def decide(password: str, source: str, current: str) -> Decision:
    """Keep the current hash of a known password, or make a new one and say why."""
    if not current:
        return Decision(new_hash(password), source, "the host has no password hash yet")
    problem, is_its = tried(password, current)
    if problem:
        return Decision(new_hash(password), source, "the hash on the host is malformed")
    if not is_its:
        return Decision(new_hash(password), source, "the hash on the host belongs to another password")
    if not strong_enough(current):
        return Decision(new_hash(password), source, "the hash on the host is cheaper to guess than today's")
    return Decision(current, source, "the hash on the host belongs to this password")


def take_ready_hash(text: str, current: str, public: bool) -> Decision:
    """Use a hash that was made elsewhere."""
    problem = hash_problem(text)
    if problem:
        raise RefusedError(
            f"jupyter_password_hash is malformed, {problem}: make one with 'jupyter server password' and copy it whole."
        )
    if public and not strong_enough(text):
        raise RefusedError(
            "jupyter_password_hash is cheap to guess, and Jupyter is to be public: make an argon2 one with "
            "'jupyter server password', or set jupyter_password."
        )
    same = hmac.compare_digest(text.encode(), current.encode())
    return Decision(text, "hash", "the host has this hash" if same else "the host has another hash or none")


def adopt(options: Mapping[str, Any], password: str | None, source: str) -> Decision:
    """Use the hash with which Jupyter was opened before. Of a password that is known it must be the hash."""
    text, place, public = options["adopted_hash"], options["adopted_from"], options["public"]
    way_out = "leave jupyter_password_adopt out"
    problem = hash_problem(text)
    if problem:
        raise RefusedError(
            f"jupyter_password_adopt is true, but the hash in {place} is malformed, {problem}: {way_out}."
        )
    if password is None:
        if public and not strong_enough(text):
            raise RefusedError(
                f"jupyter_password_adopt is true, but the hash in {place} is cheap to guess, and Jupyter is to be "
                f"public: set jupyter_password to the same password, which makes a better hash of it, or {way_out}."
            )
        return Decision(text, "adopted", f"Jupyter had the hash in {place} before")
    if not verify(password, text):
        which = "jupyter_password" if source == "given" else f"the password in the file {options['password_file']}"
        raise RefusedError(
            f"jupyter_password_adopt is true, but {which} is not the one whose hash stands in {place}: "
            f"give up the one, or {way_out}."
        )
    return decide(password, source, text)


def generate_password() -> str:
    """Make a password of five groups of four signs."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(5))


def read_stored(path: str) -> str | None:
    """Read the generated password; None when there is none yet."""
    try:
        with open(path, encoding="utf-8") as file:
            password = file.read().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RefusedError(
            f"The stored password cannot be read, {error.strerror}: {path}. Make it readable for you."
        ) from error
    except ValueError as error:
        raise RefusedError(
            f"The stored password is damaged, it is no text: {path}. Delete the file to keep the one that the host has."
        ) from error
    if not password:
        raise RefusedError(f"The stored password is empty: {path}. Delete the file to keep the one that the host has.")
    return password


def store(path: str, password: str) -> None:
    """Write a password where only its owner can read it; an interrupted write leaves no file.

    Once this has returned, it is still there after a power failure.
    """
    folder = os.path.dirname(path)
    with refused_if_unwritable(path):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        files.replace(path, f"{password}\n".encode())
        sync_folder(folder)


@contextlib.contextmanager
def refused_if_unwritable(path: str) -> Iterator[None]:
    """Raise RefusedError in place of an OSError."""
    try:
        yield
    except OSError as error:
        raise RefusedError(
            f"The password cannot be stored, {error.strerror}: {path}. Make its folder writable for you."
        ) from error


def sync_folder(path: str) -> None:
    """Bring a folder's own list of files to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def coming(path: str) -> str:
    """Return where a new password is kept until the host has been proven to have it."""
    return f"{path}.new"


class Kept(NamedTuple):
    """The password that is kept here, and what became of a rotation that was cut short.

    ``taken`` tells whether the host has its new password; None when there was no such rotation.
    """

    password: str | None
    taken: bool | None = None


def read_kept(path: str, current: str) -> Kept:
    """Read the password that is kept here; between the one of before and a new one the hash on the host decides."""
    new = read_stored(coming(path))
    if new is None:
        return Kept(read_stored(path))
    taken = not hash_problem(current) and verify(new, current)
    return Kept(new if taken else read_stored(path), taken)


def end_rotation(path: str, taken: bool) -> None:
    """Keep the new password, which the host has taken, in place of the one of before; or forget it."""
    with refused_if_unwritable(path):
        if taken:
            os.rename(coming(path), path)
        else:
            os.unlink(coming(path))
        sync_folder(os.path.dirname(path))


def tell_in_force(kept: Kept, source: str, path: str) -> list[str]:
    """Say which password is in force after a rotation that was cut short; nothing when there was none."""
    if kept.taken is None:
        return []
    which = {
        "given": "the one in jupyter_password",
        "hash": "the one behind jupyter_password_hash",
        "adopted": "the one that Jupyter had before",
        "stored": f"the {'new' if kept.taken else 'old'} one, which is in the file {path},",
        "generated": f"one that is generated now, in the file {path},",
        "kept": "the old one, of which only the host has a hash,",
    }[source]
    return [f"The last change of the password was cut short: {which} is in force."]


def resolve(options: Mapping[str, Any], stored: str | None) -> tuple[Decision, str | None]:
    """Choose the password's source; return the decision and, if one was generated, the password to store."""
    current, public = options["current_hash"], options["public"]
    if options["password_hash"] is not None:
        return take_ready_hash(options["password_hash"], current, public), None
    password, source = (stored, "stored") if options["password"] is None else (options["password"], "given")
    if password is not None and (source == "given" or public):
        refuse_weak(password, options["allow_weak"], public)
    if options["adopted_hash"] is not None:
        return adopt(options, password, source), None
    if password is not None:
        return decide(password, source, current), None
    if current and not hash_problem(current):
        if public and not strong_enough(current):
            raise RefusedError(
                "Of the password only a hash is known that is cheap to guess, and Jupyter is to be public: "
                "set jupyter_password."
            )
        return Decision(current, "kept", "only the host knows this password, as a hash"), None
    if not options["generate"]:
        raise RefusedError(
            "The host has no password hash that Jupyter can read, and the password is not known here: "
            "run './reachable up' on the machine that manages it."
        )
    generated = generate_password()
    return decide(generated, "generated", current), generated
