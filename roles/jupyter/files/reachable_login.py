# SPDX-License-Identifier: Apache-2.0
"""Written by Reachable. The login: a browser that is known gets in at once, strangers guess so many passwords an hour.

Behind a tunnel all come from one address, so strangers share one budget for wrong passwords: some at once, then one
after the other. Who guesses from one address gets half of it, and does not lock out whoever comes from another. Once it
is used up, passwords of strangers are not even looked at, or a right one would show.

A browser that has logged in before has a signed mark, and with it a budget of its own, so nobody makes its owner wait.
It loses the mark with a new password, and by as many wrong ones as strangers have. Who manages the host has the key
of the installation, which counts as a mark.

A login lasts so many days, and ends on the server as well when its browser logs out: its cookie is good for nothing
then, and what is open through it is closed. Another site cannot log people out, no cookie goes along with what it asks
for, and behind https none goes without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ipaddress
import json
import math
import os
import secrets
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakSet

from jupyter_server import CallContext
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import PasswordIdentityProvider
from jupyter_server.auth.login import LoginFormHandler
from reachable_proof import plain
from tornado.websocket import WebSocketHandler
from traitlets import Int, default

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_server.auth.identity import User

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS
# The part of an hour's budget that may be used up at once.
BURST_SHARE = 1 / 11
# Whoever is refused waits for this long as well. After 2 s each, eight guessers still take 1.6 % of the server's time.
PAUSE_SECONDS = 5.0
LONGEST_PASSWORD = 4096
MOST_BUDGETS = 1024
MARK_DAYS = 400  # browsers keep no cookie for longer
XSRF_DAYS = 30
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


class Revoked:
    """What counts no more although its signature is right, until it would have expired: also after a restart."""

    def __init__(self, file: Path) -> None:
        """Read what the file has."""
        self._file = file
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # as one is that was being written when the power went
            found = None
        ends = found.items() if isinstance(found, dict) else ()
        self._ends: dict[str, float] = {name: end for name, end in ends if isinstance(end, (int, float))}

    def __contains__(self, name: str) -> bool:
        """Tell whether something counts no more."""
        return name in self._ends

    def add(self, name: str, days: float) -> None:
        """Let something count no more; it expires in so many days at the latest."""
        now = time.time()
        self._ends = {each: end for each, end in self._ends.items() if end > now} | {name: now + days * DAY_SECONDS}
        new = self._file.with_name(f"{self._file.name}.new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(self._ends), encoding="utf-8")
        new.replace(self._file)


class XsrfCookie(Mapping[str, Any]):
    """How tornado sets the cookie ``_xsrf``: as it is right for the request that is being answered."""

    def __init__(self, path: str) -> None:
        """Start with the path of the server."""
        self._path = path

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of ``set_cookie``."""
        return {"path": self._path, "expires_days": XSRF_DAYS, **safe_options(CallContext.get("JUPYTER_HANDLER"))}

    def __getitem__(self, name: str) -> Any:
        """Return an argument."""
        return self.options[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over their names."""
        return iter(self.options)

    def __len__(self) -> int:
        """Count them."""
        return len(self.options)


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


class LogoutHandler(LoginFormHandler):
    """Ends a session, on the server as well."""

    _render: Any  # as above
    render_template: Any

    @allow_unauthenticated
    def get(self) -> None:
        """Log out whoever comes from a page of this server, as from a menu, and ask all others."""
        site = self.request.headers.get("Sec-Fetch-Site")
        # Browsers of before, and over plain http all, do not say that.
        if site == "same-origin" or (site is None and self.check_referer()):
            self.log_out()
        else:
            self.write(self.render_template("login.html", next="", message=None, is_leaving=True))

    @allow_unauthenticated
    def post(self) -> None:
        """Log out; that a page of this server asks for it was checked before."""
        self.log_out()

    def log_out(self) -> None:
        """End the session, and show the login page."""
        provider: Any = self.identity_provider
        provider.end_session(self)
        self._render({"info": "You are logged out."})


class ReachableIdentityProvider(PasswordIdentityProvider):
    """Checks passwords: not on the server's own thread, one at a time, and only so many wrong ones. Ends sessions."""

    wrong_passwords_per_hour = Int(
        132, min=12, config=True, help="Wrong passwords an hour that are looked at, of all browsers that are not known."
    )

    login_days = Int(30, min=1, max=MARK_DAYS, config=True, help="For how many days a login is good.")

    @default("login_handler_class")
    def _login_handler_class(self) -> type[LoginHandler]:
        return LoginHandler

    @default("logout_handler_class")
    def _logout_handler_class(self) -> type[LogoutHandler]:
        return LogoutHandler

    @default("get_secure_cookie_kwargs")
    def _cookies_are_good_for(self) -> dict[str, Any]:
        return {"max_age_days": self.login_days}

    def __init__(self, **kwargs: Any) -> None:
        """Start with nobody waiting."""
        super().__init__(**kwargs)
        self._gate = Gate(self.wrong_passwords_per_hour)
        server: Any = self.parent
        self._revoked = Revoked(Path(server.cookie_secret_file).with_name("revoked_logins"))
        self._channels: WeakSet[Any] = WeakSet()
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
        return "" if mark in self._revoked else mark

    def mark_name(self, handler: LoginHandler) -> str:
        """Return the name of the cookie with the mark."""
        return f"known-{self.get_cookie_name(handler)}"

    def introduction(self, handler: LoginHandler) -> str:
        """Return the mark of a visitor who has the key of the installation; the package's ``proofs.py`` makes it."""
        mark, _, code = handler.request.headers.get(INTRODUCTION, "").partition(" ")
        key = bytes.fromhex(self.config.get("Reachable", {}).get("proof_key", ""))
        wanted = hmac.new(key, f"reachable visitor\n{mark}".encode(), "sha256").hexdigest()
        return mark if key and hmac.compare_digest(wanted.encode(), code.encode()) else ""

    def set_mark(self, handler: LoginHandler, visitor: Visitor) -> None:
        """Let a browser that has logged in be known, for the next time."""
        if not visitor.mark:
            self.set_cookie(handler, self.mark_name(handler), secrets.token_hex(16), MARK_DAYS)

    def set_cookie(self, handler: Any, name: str, value: str, days: int) -> None:
        """Set a signed cookie that pages cannot read."""
        options = {"expires_days": days, "path": handler.base_url, "httponly": True, **safe_options(handler)}
        if self.secure_cookie is not None:
            options["secure"] = self.secure_cookie
        handler.set_secure_cookie(name, value, **options, **self.cookie_options)

    def set_login_cookie(self, handler: Any, user: User) -> None:
        """Let a browser be logged in."""
        self.set_cookie(handler, self.get_cookie_name(handler), self.user_to_cookie(user), self.login_days)

    async def get_user(self, handler: Any) -> User | None:
        """Return who is logged in, and remember what stays open."""
        user = await self._get_user(handler)
        if user and isinstance(handler, WebSocketHandler):
            self._channels.add(handler)
        return user

    def user_from_cookie(self, cookie_value: str) -> User | None:
        """Return who a cookie says is logged in, unless that session has ended. Each has a user's name of its own."""
        user = super().user_from_cookie(cookie_value)
        return None if user and user.username in self._revoked else user

    def end_session(self, handler: Any) -> None:
        """End the session of a browser, and what is open through it."""
        self.clear_login_cookie(handler)
        user, handler.current_user = handler.current_user, None
        if user:
            self._revoked.add(user.username, self.login_days)
            for channel in [each for each in self._channels if each.current_user == user]:
                channel.close()

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
                self._revoked.add(visitor.mark, MARK_DAYS)
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


def safe_options(handler: Any) -> dict[str, Any]:
    """Return the arguments of ``set_cookie`` that keep a cookie from other sites, and behind https from plain http.

    A proxy may be believed here: by a false word a visitor harms nobody else.
    """
    is_encrypted = handler is not None and "https" in (
        handler.request.protocol,
        handler.request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip(),
    )
    return {"samesite": "Lax", "secure": is_encrypted}


def plain_address(address: Any) -> str:
    """Write the address of a connection's other end; one through a socket in the file system has none."""
    if not isinstance(address, tuple):
        return "127.0.0.1"
    return plain(address[0])


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


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Have the running server keep its cookie _xsrf from other sites; Jupyter calls this at its start."""
    serverapp.web_app.settings["xsrf_cookie_kwargs"] = XsrfCookie(serverapp.base_url)
