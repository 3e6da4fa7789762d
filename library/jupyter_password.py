#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Keep the hash of the notebook password; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: jupyter_password
short_description: Hash the notebook password, once
version_added: "1.0.0"
description:
  - Decides which hash belongs into the configuration of a Jupyter server and returns it. The hash that the
    host has now is kept when it belongs to the password and is strong enough, because a new one, even of the
    same password, logs every device out.
  - Runs on the controller, so that the password never leaves it. It touches nothing on the host.
  - Without O(password) and O(password_hash) the password is the one in O(password_file), which is generated
    when neither that file nor a hash on the host exists. A hash on the host of which no password is known here
    is kept as it is.
  - Jupyter reads C(argon2:), C(sha1:) and C(sha256:) hashes (C(jupyter_server/auth/security.py)); this module
    verifies all three and makes C(argon2:) ones, with argon2id, 10 MiB, 10 passes and 8 lanes as Jupyter itself does.
author: ["Reachable contributors (@reachable)"]
requirements: ["libpass (imported as passlib)", argon2-cffi]
attributes:
  check_mode:
    support: full
    description: Predicts the change. Where a password would be generated, the hash is of one that is thrown away.
  diff_mode:
    support: full
    description: Says why the hash changes; neither passwords nor hashes are shown.
  idempotent:
    support: full
options:
  password:
    description: The password. A password with fewer than 12 characters or among the most common ones is refused.
    type: str
  password_hash:
    description: A ready-made hash, as C(jupyter server password) writes it. The password need not be known then.
    type: str
  password_file:
    description: Where a generated password is kept on the controller, readable by its owner alone.
    type: path
    required: true
  current_hash:
    description: The hash that the host has now; empty when there is none.
    type: str
    default: ""
  allow_weak:
    description: Accept a short or common O(password).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Hash the notebook password
  jupyter_password:
    password: "{{ vault_jupyter_password }}"
    password_file: secrets/laptop/jupyter_password
    current_hash: "{{ hash_on_the_host }}"
  delegate_to: localhost
  register: notebook_password
  no_log: true

- name: Generate a password once and keep it on the controller
  jupyter_password:
    password_file: secrets/laptop/jupyter_password
  delegate_to: localhost
  register: notebook_password
  no_log: true
"""

RETURN = r"""
hash:
  description: What belongs into C(PasswordIdentityProvider.hashed_password).
  type: str
  returned: success
source:
  description: Where the password is known from. V(kept) means that only its hash is known, on the host.
  type: str
  choices: [given, hash, stored, generated, kept]
  returned: success
reason:
  description: Why the hash is new, or that it is not.
  type: str
  returned: success
  sample: the hash on the host belongs to another password
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
import tempfile
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common_passwords import COMMON_PASSWORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSLIB_ERROR: str | None = None
try:
    from passlib.hash import argon2
except ImportError:
    PASSLIB_ERROR = traceback.format_exc()

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


def refuse_weak(password: str, allow_weak: bool) -> None:
    """Raise RefusedError for a password that must not protect a server."""
    if not password:
        raise RefusedError(
            "jupyter_password is empty: set a password, or leave the variable out to have one generated."
        )
    if len(password.encode()) > LONGEST_BYTES:
        raise RefusedError(f"jupyter_password is longer than {LONGEST_BYTES} bytes: use a shorter one.")
    if re.search(r"[\x00-\x1f\x7f]", password):
        raise RefusedError(
            "jupyter_password has a line break or another control character, which cannot be typed on a login page: "
            "remove it."
        )
    if allow_weak:
        return
    way_out = "choose another, or set jupyter_password_allow_weak to true"
    if password.lower() in COMMON_PASSWORDS:
        raise RefusedError(f"jupyter_password is one of the most common passwords: {way_out}.")
    if len(password) < SHORTEST_CHARACTERS:
        raise RefusedError(f"jupyter_password is shorter than {SHORTEST_CHARACTERS} characters: {way_out}.")


def hash_problem(text: str) -> str | None:
    """Say what is wrong with the form of a hash; None when Jupyter can read it.

    Jupyter answers a login with 500 when the text after ``argon2:`` is malformed, and nobody can log in when
    anything else is.
    """
    algorithm, _, rest = text.partition(":")
    if algorithm == "argon2":
        try:
            argon2.verify("", rest)  # from_string would let a hash pass that was cut short in its salt
            whole = len(argon2.from_string(rest).checksum) in ARGON2_BYTES
        except (ValueError, TypeError):
            whole = False
        return None if whole else "what follows 'argon2:' is no argon2 hash"
    if algorithm in LEGACY_DIGITS:
        digits = LEGACY_DIGITS[algorithm]
        if rest.isascii() and re.fullmatch(rf"[^:]+:[0-9a-f]{{{digits}}}", rest):
            return None
        return f"after '{algorithm}:' it needs a salt, a colon and {digits} hexadecimal digits"
    return "it does not begin with 'argon2:', 'sha256:' or 'sha1:'"


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
    if hash_problem(current):
        return Decision(new_hash(password), source, "the hash on the host is malformed")
    if not verify(password, current):
        return Decision(new_hash(password), source, "the hash on the host belongs to another password")
    if not strong_enough(current):
        return Decision(new_hash(password), source, "the hash on the host is cheaper to guess than today's")
    return Decision(current, source, "the hash on the host belongs to this password")


def take_ready_hash(text: str, current: str) -> Decision:
    """Use a hash that was made elsewhere."""
    problem = hash_problem(text)
    if problem:
        raise RefusedError(
            f"jupyter_password_hash is malformed, {problem}: make one with 'jupyter server password' and copy it whole."
        )
    same = hmac.compare_digest(text.encode(), current.encode())
    return Decision(text, "hash", "the host has this hash" if same else "the host has another hash or none")


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
    if not password:
        raise RefusedError(f"The stored password is empty: {path}. Delete the file to have a new one generated.")
    return password


def store(path: str, password: str) -> None:
    """Write a generated password where only its owner can read it; an interrupted write leaves no file."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".reachable-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(password + "\n")
                file.flush()
                os.fsync(descriptor)
            os.rename(temporary, path)  # atomic_move would open a new file to everybody
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise RefusedError(
            f"The generated password cannot be stored, {error.strerror}: {path}. Make its folder writable for you."
        ) from error


def resolve(options: Mapping[str, Any], stored: str | None) -> tuple[Decision, str | None]:
    """Choose the password's source; return the decision and, if one was generated, the password to store."""
    current = options["current_hash"]
    if options["password_hash"] is not None:
        return take_ready_hash(options["password_hash"], current), None
    if options["password"] is not None:
        refuse_weak(options["password"], options["allow_weak"])
        return decide(options["password"], "given", current), None
    if stored is not None:
        return decide(stored, "stored", current), None
    if current and not hash_problem(current):
        return Decision(current, "kept", "only the host knows this password, as a hash"), None
    generated = generate_password()
    return decide(generated, "generated", current), generated


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "password": {"type": "str", "no_log": True},
            "password_hash": {"type": "str", "no_log": True},
            "password_file": {"type": "path", "required": True, "no_log": False},
            "current_hash": {"type": "str", "default": "", "no_log": True},
            "allow_weak": {"type": "bool", "default": False},
        },
        mutually_exclusive=[("password", "password_hash")],
        supports_check_mode=True,
    )
    if PASSLIB_ERROR:
        module.fail_json(msg=missing_required_lib("libpass"), exception=PASSLIB_ERROR)
    # A result is masked wherever it has an input's text: in the refusal of "password", in a hash if the password is
    # "argon2", and in the hash that the host has. So the inputs themselves stay out of the result instead.
    module.no_log_values.clear()

    path = module.params["password_file"]
    try:
        stored = read_stored(path)
        decision, generated = resolve(module.params, stored)
        if generated and not module.check_mode:
            store(path, generated)
    except RefusedError as error:
        module.fail_json(msg=str(error), invocation={})

    exposed = stored is not None and stat.S_IMODE(os.stat(path).st_mode) & 0o077 != 0
    if exposed and not module.check_mode:
        os.chmod(path, 0o600)

    changed = decision.hash != module.params["current_hash"]
    module.exit_json(
        changed=changed or bool(generated) or exposed,
        diff={"before": "", "after": f"new hash: {decision.reason}\n" if changed else ""},
        invocation={},
        **decision._asdict(),
    )


if __name__ == "__main__":
    main()
