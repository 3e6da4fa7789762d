# SPDX-License-Identifier: Apache-2.0
"""Do a piece of work as another user, so that nothing in that user's folders can use root's rights."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

from .sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

# Variables that another user's programs may see: paths, the language, proxies, certificates and package sources. Any
# other variable may hold a secret of the person who manages the host, which that user's programs could read.
KEPT = re.compile(
    "PATH|TZ|LANG|LANGUAGE|LC_[A-Z]+"
    "|(?i:(https?|all|no)_proxy)|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE"
    f"|{SOURCES}"
)


class RunAsError(Exception):
    """The work has ended without a result; the text is what is known about it."""


def run_as(user: str | None, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Call ``work`` as another user and return its result; see start_as. Raises KeyError and RunAsError."""
    return start_as(user, work)()


def start_as(user: str | None, work: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Start ``work`` in a child process that runs as ``user`` until its end (None: as the present user).

    The child has the user's UID, groups, HOME and working directory, also for every program that ``work`` runs, and
    sees only the environment variables that ``KEPT`` names. The calling process keeps its own rights and does not wait.
    The returned function waits for the result of ``work`` (plain JSON data), and raises RunAsError. Raises KeyError if
    there is no such user.
    """
    account = pwd.getpwnam(user) if user else None
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        answer_as(account, work, writer)
    os.close(writer)

    def wait() -> dict[str, Any]:
        with os.fdopen(reader) as pipe:
            text = pipe.read()
        _, status = os.waitpid(child, 0)
        answer: dict[str, Any] = json.loads(text) if text else {"error": f"it ended with status {status}"}
        if "error" in answer:
            raise RunAsError(f"The work{f' as user {user}' if user else ''} broke off: {answer['error']}")
        return dict(answer["result"])

    return wait


def answer_as(account: pwd.struct_passwd | None, work: Callable[[], dict[str, Any]], writer: int) -> NoReturn:
    """Become the user, work, write the answer and end, without running the parent's exit handlers."""
    try:
        if account:
            become(account)
        answer = json.dumps({"result": work()})
    except BaseException:  # noqa: BLE001 - the parent reports any error
        answer = json.dumps({"error": traceback.format_exc()})
    try:
        with os.fdopen(writer, "w") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def become(account: pwd.struct_passwd) -> None:
    """Become another user for good."""
    os.setgroups(os.getgrouplist(account.pw_name, account.pw_gid)[: os.sysconf("SC_NGROUPS_MAX")])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    environment = surroundings_of(account)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir("/")
    with contextlib.suppress(OSError):
        os.chdir(account.pw_dir)


def surroundings_of(account: pwd.struct_passwd) -> dict[str, str]:
    """Return the environment for another user's programs: the variables that ``KEPT`` names, and the user's own."""
    kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
    return {**kept, "HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name}
