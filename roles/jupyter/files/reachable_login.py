# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. The login: a browser that is known gets in at once, strangers guess so many passwords an hour.

Behind a tunnel all come from one address, so strangers share one budget for wrong passwords: some at once, then one
after the other. Who guesses from one address gets half of it, and does not lock out whoever comes from another. Once it
is used up, passwords of strangers are not even looked at, or a right one would show.

A browser that has logged in before has a signed mark, and with it a budget of its own, so nobody makes its owner wait.
It forgets the mark with a new password, and by as many wrong ones as strangers have. Who manages the host has the key
of the installation, which counts as a mark.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ipaddress
import math
import os
import secrets
import sys
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import PasswordIdentityProvider
from jupyter_server.auth.login import LoginFormHandler
from traitlets import Int, default

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR_SECONDS = 3600
# The part of an hour's budget that may be used up at once.
BURST_SHARE = 1 / 11
# Who is refused waits for that as well, and so does not keep the server busy.
PAUSE_SECONDS = 2.0
LONGEST_PASSWORD = 4096
MOST_BUDGETS = 1024
MARK_DAYS = 400  # browsers keep no cookie for longer
# Not the least, or nobody could log in while notebooks compute.
LOW_PRIORITY = 5
INTRODUCTION = "Reachable-Visitor"
WAIT_STATUS = 429
WRONG_STATUS = 401


class Budget:
    """How many attempts are left: in no hour more than are given, some of them at once."""

    def __init__(self, hourly: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with all that may be used up at once."""
        self._most = max(1.0, hourly * BURST_SHARE)
        self._rate = (hourly - self._most) / HOUR_SECONDS
        self._clock = clock
        self._left, self._at = self._most, clock()
        self.has_told_of: set[str] = set()

    def seconds(self) -> float:
        """Return how long it takes until there is an attempt left; 0 where there is one."""
        now = self._clock()
        self._left, self._at = min(self._most, self._left + (now - self._at) * self._rate), now
        if self._left == self._most:
            self.has_told_of.clear()
        return max(0.0, 1 - self._left) / self._rate

    def take(self) -> None:
        """Use up an attempt."""
        self._left -= 1

    def give_back(self) -> None:
        """Take that back, as for a password that was right."""
        self._left += 1

    def is_first(self, event: str) -> bool:
        """Tell whether that has not happened since all attempts were left."""
        is_first = event not in self.has_told_of
        self.has_told_of.add(event)
        return is_first


class Visitor(NamedTuple):
    """Who sends a password: an address, and the mark of a browser that is known."""

    address: str
    mark: str

    @property
    def source(self) -> str:
        """What has one budget: a mark, an address, or a network of IPv6, where everybody has addresses in plenty."""
        if self.mark:
            return f"mark {self.mark}"
        return str(ipaddress.ip_network((self.address, 64), strict=False)) if ":" in self.address else self.address


class Gate:
    """Says who may try a password."""

    def __init__(self, hourly: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nobody waiting."""
        self._hourly = hourly
        self._clock = clock
        self.strangers = Budget(hourly, clock)
        self._budgets: OrderedDict[str, Budget] = OrderedDict()

    def own_budget(self, visitor: Visitor) -> Budget:
        """Return the budget of a visitor alone."""
        size = self._hourly if visitor.mark else self._hourly / 2
        budget = self._budgets.setdefault(visitor.source, Budget(size, self._clock))
        self._budgets.move_to_end(visitor.source)
        if len(self._budgets) > MOST_BUDGETS:
            self._budgets.popitem(last=False)
        return budget

    def budgets(self, visitor: Visitor) -> list[Budget]:
        """Return all budgets that a wrong password of a visitor is taken from."""
        own = self.own_budget(visitor)
        return [own] if visitor.mark else [own, self.strangers]

    def seconds(self, visitor: Visitor) -> int:
        """Return how long a visitor has to wait; 0 for one who may try now."""
        return math.ceil(max(budget.seconds() for budget in self.budgets(visitor)))


class LoginHandler(LoginFormHandler):
    """The login page. Whoever tries too often gets it again, with what to do."""

    _render: Any  # jupyter_server has no types for these two
    _redirect_safe: Any

    @allow_unauthenticated
    async def post(self) -> None:
        """Log in."""
        provider: Any = self.identity_provider
        password = self.get_body_argument("password", default="")
        visitor = provider.visitor(self)
        if seconds := provider.seconds_to_wait(visitor):
            await asyncio.sleep(PAUSE_SECONDS)
            self.set_status(WAIT_STATUS)
            self.set_header("Retry-After", str(seconds))
            self._render({"error": f"Too many wrong passwords were tried. Try again in {in_words(seconds)}."})
        elif await provider.is_right(password, visitor):
            self.current_user = provider.generate_anonymous_user(self)
            provider.set_login_cookie(self, self.current_user)
            provider.set_mark(self, visitor)
            self._redirect_safe(self.get_argument("next", default=self.base_url))
        else:
            self.set_status(WRONG_STATUS)
            self._render({"error": "This is not the password."})

    def _log(self) -> None:
        """Log the request, unless it is a guess: there may be many, and the provider tells of them in its own way."""
        if self.get_status() not in (WAIT_STATUS, WRONG_STATUS):
            super()._log()


class ReachableIdentityProvider(PasswordIdentityProvider):
    """Checks passwords: not on the server's own thread, one at a time, and only so many wrong ones."""

    wrong_passwords_per_hour = Int(
        132, min=12, config=True, help="Wrong passwords an hour that are looked at, of all browsers that are not known."
    )

    @default("login_handler_class")
    def _login_handler_class(self) -> type[LoginHandler]:
        return LoginHandler

    def __init__(self, **kwargs: Any) -> None:
        """Start with nobody waiting."""
        super().__init__(**kwargs)
        self._gate = Gate(self.wrong_passwords_per_hour)
        self._lost_marks: set[str] = set()
        # Who is known need not wait for strangers here, either.
        self._known_worker = ThreadPoolExecutor(1, "login-known")
        self._strangers_worker = ThreadPoolExecutor(1, "login-strangers", step_back)

    def visitor(self, handler: LoginHandler) -> Visitor:
        """Return who sends a request; the address is the connection's own, never one that a header claims."""
        connection: Any = handler.request.connection
        return Visitor(plain_address(connection.context.address), self.mark(handler) or self.introduction(handler))

    def mark(self, handler: LoginHandler) -> str:
        """Return the mark of a browser that is known, else nothing."""
        found = handler.get_secure_cookie(self.mark_name(handler), max_age_days=MARK_DAYS)
        mark = found.decode() if found else ""
        return "" if mark in self._lost_marks else mark

    def mark_name(self, handler: LoginHandler) -> str:
        """Return the name of the cookie with the mark."""
        return f"known-{self.get_cookie_name(handler)}"

    def introduction(self, handler: LoginHandler) -> str:
        """Return the mark of a visitor who has the key of the installation; ``module_utils/proofs.py`` makes it."""
        mark, _, code = handler.request.headers.get(INTRODUCTION, "").partition(" ")
        key = bytes.fromhex(self.config.get("Reachable", {}).get("proof_key", ""))
        wanted = hmac.new(key, f"reachable visitor\n{mark}".encode(), "sha256").hexdigest()
        return mark if key and hmac.compare_digest(wanted.encode(), code.encode()) else ""

    def set_mark(self, handler: LoginHandler, visitor: Visitor) -> None:
        """Let a browser that has logged in be known, for the next time."""
        if not visitor.mark:
            handler.set_secure_cookie(
                self.mark_name(handler),
                secrets.token_hex(16),
                expires_days=MARK_DAYS,
                httponly=True,
                samesite="Lax",
                secure=handler.request.protocol == "https",
                path=handler.base_url,
            )

    def seconds_to_wait(self, visitor: Visitor) -> int:
        """Return how long a visitor has to wait; 0 for one who may try now."""
        if not (seconds := self._gate.seconds(visitor)):
            return 0
        own, strangers = self._gate.own_budget(visitor), self._gate.strangers
        if own.seconds():
            if own.is_first("too many"):
                # fail2ban reads this line: docs/login.md
                self.log.warning("Login refused: too many wrong passwords from %s", visitor.address)
            if visitor.mark:
                self._lost_marks.add(visitor.mark)
        elif strangers.is_first("too many"):
            self.log.warning("Logins of browsers that are not known have to wait: too many wrong passwords")
        return seconds

    async def is_right(self, password: str, visitor: Visitor) -> bool:
        """Check the password of a visitor who need not wait."""
        budgets = self._gate.budgets(visitor)
        # Before it is looked at, or many that come at once would all be.
        for budget in budgets:
            budget.take()
        worker = self._known_worker if visitor.mark else self._strangers_worker
        is_right = len(password) <= LONGEST_PASSWORD and await asyncio.get_running_loop().run_in_executor(
            worker, self.passwd_check, password
        )
        if is_right:
            for budget in budgets:
                budget.give_back()
        elif budgets[0].is_first("wrong"):
            self.log.warning("Login refused: wrong password from %s", visitor.address)
        return is_right


def plain_address(address: Any) -> str:
    """Write the address of a connection's other end; one through a socket in the file system has none."""
    if not isinstance(address, tuple):
        return "127.0.0.1"
    found = ipaddress.ip_address(address[0].partition("%")[0])
    return str(getattr(found, "ipv4_mapped", None) or found)


def in_words(seconds: int) -> str:
    """Say how long something takes."""
    if seconds == 1:
        return "a second"
    return f"{seconds} seconds" if seconds <= 2 * 60 else f"{math.ceil(seconds / 60)} minutes"


def step_back() -> None:
    """Let all else go before what this thread does, and what it has others do."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOW_PRIORITY)
