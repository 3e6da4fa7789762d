# SPDX-License-Identifier: Apache-2.0
"""Change a Jupyter server's password and prove it, on the controller.

Between the beginning and the end the host gets the hash and restarts Jupyter. Until then the new password lies beside
the one of before, and at any moment the hash on the host says which of them is in force (see ``passwords.read_kept``).
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from . import examination, passwords, proofs
from .visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENTRANCE = {"login_page": Visitor.open_login_page, **examination.PROOF}
LOGIN = {leg: examination.STAY[leg] for leg in ("login", "contents")}
# How the login form refuses a password, as the doctor calls it; and how the server refuses a login of before.
REFUSED_PASSWORD = ("wrong_password", "token_only")
REFUSED_LOGIN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
NEW_REFUSED = "The new password is refused."
OLD_WORKS = "The old password still works."


class UnprovenError(Exception):
    """The server does not do what it should after the change; the text says what, and which password is in force."""


class Configuration(NamedTuple):
    """What the server's configuration says: the settings, and apart from them the hash and the key for its proof."""

    settings: dict[str, Any]
    hash: str
    proof_key: str


def read_configuration(text: str) -> Configuration:
    """Take the secrets out of the configuration that the host has. Raises RefusedError."""
    try:
        settings = json.loads(text)
        password_hash = str(settings["PasswordIdentityProvider"].pop("hashed_password"))
        proof_key = str(settings.pop("Reachable", {}).get("proof_key", ""))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise passwords.RefusedError(
            "Reachable has set up no Jupyter there, or its configuration is damaged: run './reachable up' first."
        ) from error
    if not proofs.KEY.fullmatch(proof_key):
        raise passwords.RefusedError(
            "Jupyter there cannot prove yet that it is this host's, before it gets a password: run './reachable up' "
            "first."
        )
    return Configuration(settings, password_hash, proof_key)


def visit(
    endpoint: Mapping[str, Any], timeout: float, proof_key: str, password: str, wait: float = 0
) -> examination.Examination:
    """Open the login page of an address, log in and list the files; return the findings."""
    options = examination.Options(password, timeout=timeout, wait=wait, proof_key=proof_key)
    found = examination.arrive(endpoint["url"], options, route=examination.route_of(endpoint))
    found.walk(ENTRANCE)
    found.walk(LOGIN)
    found.visitor.close()
    return found


def revisit(
    endpoint: Mapping[str, Any], timeout: float, proof_key: str, cookies: Mapping[str, str]
) -> tuple[int | None, examination.Examination]:
    """List the files with the cookies of an earlier login; return the status of the answer, and the findings."""
    statuses: list[int] = []

    def list_contents(visitor: Visitor) -> str:
        visitor.cookies = dict(cookies)
        statuses.append(visitor.request("GET", "api/contents?content=0").status)
        return f"HTTP {statuses[0]}"

    options = examination.Options(timeout=timeout, proof_key=proof_key)
    found = examination.arrive(endpoint["url"], options, route=examination.route_of(endpoint))
    found.walk({**examination.PROOF, "earlier_login": list_contents})
    found.visitor.close()
    return next(iter(statuses), None), found


def choose_endpoint(endpoints: list[dict[str, Any]], timeout: float, proof_key: str) -> dict[str, Any] | None:
    """Return the first address at which this host's Jupyter asks for its password; None where there is none to try.

    Raises RefusedError when there are some, but it does so at none of them: then nothing could be proven.
    """
    findings = examination.examine_all(
        endpoints, examination.Options(anonymous=True, timeout=timeout, proof_key=proof_key)
    )
    for endpoint, found in zip(endpoints, findings):
        if found["reachable"]:
            return endpoint
    if findings:
        raise passwords.RefusedError(f"{findings[0]['problem']} {findings[0]['fix']} The password is not changed.")
    return None


def log_in_before(
    endpoint: Mapping[str, Any], known: Sequence[str], timeout: float, proof_key: str
) -> list[dict[str, Any]]:
    """Log in with every password that is known here, and keep the cookies of those that are in force."""
    visits = [(password, visit(endpoint, timeout, proof_key, password)) for password in known]
    return [
        {"password": password, "cookies": found.visitor.cookies if found.failed_leg is None else None}
        for password, found in visits
    ]


def begin(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Log in with the old password, keep a new one beside it, and return its hash. Raises RefusedError."""
    path, given = options["password_file"], options["new_password"]
    settings, current, proof_key = read_configuration(options["config"])
    if given is not None:
        passwords.refuse_weak(given, options["allow_weak"], options["public"], "jupyter_new_password")
    new = passwords.generate_password() if given is None else given
    kept = passwords.read_kept(path, current)
    # One that the running server has not taken yet may lie beside the one of before.
    stored = [passwords.read_stored(each) for each in (path, passwords.coming(path))]
    known = list(dict.fromkeys(password for password in stored if password is not None))
    endpoint = choose_endpoint(options["endpoints"], options["timeout"], proof_key)
    logins = log_in_before(endpoint, known, options["timeout"], proof_key) if endpoint else []

    new_hash = passwords.new_hash(new)
    if not check_mode:
        if kept.taken is not None:
            passwords.end_rotation(path, kept.taken)
        passwords.store(passwords.coming(path), new)
    return {
        "changed": True,
        "hash": new_hash,
        "settings": settings,
        "before": {"endpoint": endpoint, "logins": logins, "proof_key": proof_key, "new_hash": new_hash},
        "warnings": passwords.tell_in_force(kept, "kept" if kept.password is None else "stored", path),
    }


class Proof(NamedTuple):
    """How the server treats each of them, in a word or two."""

    new_password: str
    old_password: str
    old_logins: str


NOT_TRIED = Proof("not tried", "not tried", "not tried")


def finish(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Prove the change and keep the new password in place of the old one. Raises RefusedError, UnprovenError."""
    path, before = options["password_file"], options["before"]
    proof = NOT_TRIED
    if not check_mode:
        new = passwords.read_stored(passwords.coming(path))
        is_kept = new is None
        if new is None:  # another run has found it in force meanwhile, and keeps it
            new = passwords.read_stored(path)
        if new is None or not passwords.verify(new, before["new_hash"]):
            raise passwords.RefusedError(
                f"Another run has changed the password meanwhile: the one in the file {path} is in force once "
                "'./reachable up' has ended with 0."
            )
        if before["endpoint"]:
            proof = prove(new, before, options["timeout"], options["wait"], path)
        if not is_kept:
            passwords.end_rotation(path, taken=True)
    return {"changed": True, "proof": proof._asdict()}


def prove(new: str, before: Mapping[str, Any], timeout: float, wait: float, path: str) -> Proof:
    """Use the new password, then the old one and the logins of before. Raises UnprovenError."""
    endpoint, proof_key = before["endpoint"], before["proof_key"]
    found = visit(endpoint, timeout, proof_key, new, wait)
    if found.failed_leg not in (None, *LOGIN):
        raise UnprovenError(f"{found.problem} {found.fix} {tell_in_force(path, new=False, old=False)}")
    new_works = found.failed_leg is None
    wrong = [] if new_works else [refusal(found)]

    old_passwords = [login["password"] for login in before["logins"] if login["password"] != new]
    answers = [judge_password(visit(endpoint, timeout, proof_key, password)) for password in old_passwords]
    wrong += filter(None, answers)

    old_logins = [login["cookies"] for login in before["logins"] if login["cookies"]]
    wrong += filter(None, (judge_login(*revisit(endpoint, timeout, proof_key, cookies)) for cookies in old_logins))

    if wrong:
        in_force = tell_in_force(path, new=new_works, old=OLD_WORKS in answers)
        raise UnprovenError(" ".join([*dict.fromkeys(wrong), in_force]))
    return Proof("works", "refused" if old_passwords else "not known here", "refused" if old_logins else "none known")


def refusal(found: examination.Examination) -> str:
    """Say what is wrong about a visit with the new password, which did not succeed."""
    return NEW_REFUSED if found.code in REFUSED_PASSWORD else f"The new password does not work: {found.problem}"


def judge_password(found: examination.Examination) -> str | None:
    """Say what is wrong about a visit with the old password; None when it was refused."""
    if found.failed_leg is None:
        return OLD_WORKS
    return (
        None
        if found.code in REFUSED_PASSWORD
        else f"Whether the old password still works is not known: {found.problem}"
    )


def judge_login(status: int | None, found: examination.Examination) -> str | None:
    """Say what is wrong about a visit with cookies of before; None when they were refused."""
    if status == HTTPStatus.OK:
        return "Whoever was logged in before still is."
    what = found.problem or f"HTTP {status}."
    return None if status in REFUSED_LOGIN else f"Whether logins of before are still good is not known: {what}"


def tell_in_force(path: str, *, new: bool, old: bool) -> str:
    """Say which password is in force when not all is as it should be, and what to do."""
    beside = passwords.coming(path)
    if new and old:
        return f"Both are in force, the old one in the file {path} and the new one in {beside}: run './reachable up'."
    if new:
        return f"The new password is in force, in the file {beside}: run './reachable up', which keeps it."
    if old:
        return (
            f"The old password is in force, in the file {path}, until Jupyter restarts and takes the new one, in the "
            f"file {beside}: run './reachable up'."
        )
    return f"What the host has now is the hash of the new password, in the file {beside}: run './reachable up'."
