# SPDX-License-Identifier: Apache-2.0
"""Where everything lies by default, and how folders may be called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from .managers import MANAGERS, Manager

if TYPE_CHECKING:
    from collections.abc import Mapping

# Programs fail on other signs, and sockets below a long path.
PLAIN_FOLDER = re.compile(r"/(?!.*/\.{1,2}(/|\Z))[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
LONGEST_PREFIX = min(manager.longest_prefix for manager in MANAGERS.values())
ANY_FOLDER = re.compile(r'/(?!.*/\.{0,2}(/|\Z))(?!\.{1,2}(/|\Z))[^"\\%$:;\x00-\x20/][^"\\%$:;\x00-\x1f]*(?<! )')
# What is there is gone after a reboot, or hidden from services.
PASSING = re.compile(r"/(tmp|var/tmp|run|dev|proc|sys)(/|\Z)")
# What is there is hidden from services of the system.
HOMES = re.compile(r"/(home|root)/")


# As whom services of the whole machine run on Linux.
USERS = {"jupyter": "jupyter", "ngrok": "reachable-ngrok", "endpoint": "reachable-endpoint"}
# What a bare home may lack above what is a person's own; it goes again when nothing else has come into it.
PARENTS = {
    "linux": (".config", ".config/systemd", ".config/systemd/user", ".local", ".local/share", ".local/state"),
    "macos": ("Library/LaunchAgents",),
}

# jupyter_server 2.21 asks for it (Requires-Python).
OLDEST_PYTHON = "3.10"


class Places(NamedTuple):
    """Where programs lie, what belongs to the notebook user, and the definitions of services."""

    prefix: str
    state_dir: str
    units: str


def default_places(platform: str, scope: str, home: str) -> Places:
    """Return the folders that nobody has set. ``home`` is that of the person for whom alone it is made.

    Not in "Application Support" on macOS: programs fail on spaces, and sockets on long paths.
    """
    if (platform, scope) == ("linux", "system"):
        return Places("/opt/reachable", "/var/lib/reachable", "/etc/systemd/system")
    if (platform, scope) == ("macos", "system"):
        return Places("/opt/reachable", "/var/db/reachable", "/Library/LaunchDaemons")
    if platform == "macos":
        return Places(f"{home}/Library/reachable", f"{home}/Library/reachable-state", f"{home}/Library/LaunchAgents")
    return Places(f"{home}/.local/share/reachable", f"{home}/.local/state/reachable", f"{home}/.config/systemd/user")


@dataclass(frozen=True)
class Layout:
    """Where everything lies on a host, and as whom it runs.

    ``home`` is that of whoever the modules run as. Services find their sockets below ``runtime_dir``.
    """

    platform: str
    scope: str
    manager: Manager
    home: str
    prefix: str
    state_dir: str
    units: str
    runtime_dir: str

    @property
    def log_dir(self) -> str:
        """Return where services write their logs, unless that is the journal."""
        return "/var/log/reachable" if self.scope == "system" else f"{self.state_dir}/log"

    @property
    def receipt(self) -> str:
        """Return the file that says what was made."""
        return f"{self.state_dir}/receipt.json"

    @property
    def etc(self) -> str:
        """Return the folder of configuration."""
        return f"{self.prefix}/etc"

    @property
    def library(self) -> str:
        """Return the folder with the package for the programs of the tunnel."""
        return f"{self.prefix}/lib"

    # Environments

    @property
    def tools(self) -> str:
        """Return the environment of the modules, with uv."""
        return f"{self.prefix}/tools"

    @property
    def server(self) -> str:
        """Return the environment that serves Jupyter."""
        return f"{self.prefix}/server"

    @property
    def server_hold(self) -> str:
        """Return the file that says which lock of the server was declined."""
        return f"{self.server}.hold"

    @property
    def kernel(self) -> str:
        """Return the environment of notebooks, which belongs to their user."""
        return f"{self.jupyter_home}/kernel"

    @property
    def kernel_lock(self) -> str:
        """Return the file by which two runs wait for each other; in a folder of the user's, programs could hold it."""
        return f"{self.prefix}/kernel.lock"

    # Jupyter

    @property
    def jupyter_home(self) -> str:
        """Return the folder of the notebook user."""
        return f"{self.state_dir}/jupyter"

    @property
    def jupyter_account_home(self) -> str:
        """Return the home of an account of ours, as all but its own sandbox see it: an empty folder of root's."""
        return f"{self.state_dir}/home"

    @property
    def jupyter_etc(self) -> str:
        """Return the folder whose configuration wins over any other."""
        return f"{self.etc}/jupyter"

    @property
    def jupyter_config(self) -> str:
        """Return Jupyter's configuration, which is ours alone."""
        return f"{self.jupyter_etc}/jupyter_server_config.json"

    @property
    def certificate(self) -> str:
        """Return the file with the key and the certificates with which Jupyter serves https."""
        return f"{self.jupyter_etc}/tls.pem"

    @property
    def jupyter_defaults(self) -> str:
        """Return the folder whose configuration any other wins over."""
        return f"{self.jupyter_etc}/defaults"

    @property
    def jupyter_share(self) -> str:
        """Return the folder with kernels, extensions and pages."""
        return f"{self.prefix}/share/jupyter"

    @property
    def jupyter_pages(self) -> str:
        """Return the folder of what pages have for an iPad."""
        return f"{self.jupyter_share}/pages"

    @property
    def requests_dir(self) -> str:
        """Return the folder in which Jupyter counts the requests through an http tunnel, for the watcher to read."""
        return f"{self.state_dir}/requests"

    @property
    def requests(self) -> str:
        """Return the file with that count."""
        return f"{self.requests_dir}/month.json"

    # Drift

    @property
    def drift_etc(self) -> str:
        """Return the folder of what lets a host look for drift by itself, and of its configuration."""
        return f"{self.prefix}/drift"

    @property
    def drift_config(self) -> str:
        """Return what its program reads."""
        return f"{self.drift_etc}/drift.json"

    @property
    def drift_variables(self) -> str:
        """Return the variables that ansible-pull is given."""
        return f"{self.drift_etc}/variables.json"

    @property
    def drift_environment(self) -> str:
        """Return the environment with ansible-pull."""
        return f"{self.drift_etc}/environment"

    @property
    def drift_library(self) -> str:
        """Return the folder with the package for its program."""
        return f"{self.drift_etc}/lib"

    @property
    def drift_dir(self) -> str:
        """Return the folder of what it found, and of the checkout."""
        return f"{self.state_dir}/drift"

    @property
    def drift_checkout(self) -> str:
        """Return the folder to which the repository is fetched."""
        return f"{self.drift_dir}/checkout"

    @property
    def drift_result(self) -> str:
        """Return the file that says what drift the host has found by itself."""
        return f"{self.drift_dir}/result.json"

    # Certificates from an authority

    @property
    def acme_etc(self) -> str:
        """Return the folder of what gets certificates from an authority, and of its configuration."""
        return f"{self.prefix}/acme"

    @property
    def acme_config(self) -> str:
        """Return what its program reads."""
        return f"{self.acme_etc}/acme.json"

    @property
    def acme_options(self) -> str:
        """Return the options of certbot, with the account that was made elsewhere."""
        return f"{self.acme_etc}/certbot.ini"

    @property
    def acme_authority(self) -> str:
        """Return the certificate of whoever vouches for the authority's server."""
        return f"{self.acme_etc}/authority.pem"

    @property
    def acme_environment(self) -> str:
        """Return the environment with certbot."""
        return f"{self.acme_etc}/environment"

    @property
    def acme_library(self) -> str:
        """Return the folder with the package for its program."""
        return f"{self.acme_etc}/lib"

    @property
    def acme_dir(self) -> str:
        """Return the folder of root's in which certbot keeps what it got."""
        return f"{self.state_dir}/acme"

    @property
    def acme_result(self) -> str:
        """Return the file that says how it went the last time."""
        return f"{self.acme_dir}/result.json"

    # Ways in

    @property
    def endpoint_dir(self) -> str:
        """Return the folder of what is published on the host."""
        return f"{self.state_dir}/endpoint"

    @property
    def endpoints(self) -> str:
        """Return the file with the addresses that are published on the host."""
        return f"{self.endpoint_dir}/endpoint.json"

    @property
    def endpoint_history(self) -> str:
        """Return the file that says how they changed."""
        return f"{self.endpoint_dir}/history.jsonl"

    @property
    def watcher_config(self) -> str:
        """Return the watcher's configuration."""
        return f"{self.etc}/watcher.json"

    @property
    def notify_urls(self) -> str:
        """Return the file that says whom the watcher tells."""
        return f"{self.etc}/notify_urls"

    @property
    def ngrok(self) -> str:
        """Return the folder of an agent that comes from an archive."""
        return f"{self.prefix}/ngrok"

    @property
    def ngrok_record(self) -> str:
        """Return the file by which such an agent is known again."""
        return f"{self.ngrok}/ngrok.json"

    @property
    def ngrok_etc(self) -> str:
        """Return the folder of the agent's configuration."""
        return f"{self.etc}/ngrok"

    @property
    def ngrok_config(self) -> str:
        """Return the agent's configuration."""
        return f"{self.ngrok_etc}/ngrok.yml"

    @property
    def ngrok_token(self) -> str:
        """Return the file with the authtoken."""
        return f"{self.ngrok_etc}/authtoken.yml"

    @property
    def ngrok_runtime(self) -> str:
        """Return the folder of what the agent writes while it runs."""
        return f"{self.runtime_dir}/{'ngrok' if self.platform == 'macos' else 'reachable-ngrok'}"

    @property
    def ngrok_log(self) -> str:
        """Return the agent's log."""
        return f"{self.ngrok_runtime}/agent.log"

    @property
    def ssh_etc(self) -> str:
        """Return the folder of what lets people in by SSH."""
        return f"{self.etc}/ssh"

    @property
    def ssh_keys(self) -> str:
        """Return the file with the keys of those who come in by SSH."""
        return f"{self.ssh_etc}/authorized_keys"

    @property
    def parents(self) -> list[str]:
        """Return the folders that a bare home may lack."""
        return [] if self.scope == "system" else [f"{self.home}/{folder}" for folder in PARENTS[self.platform]]

    @property
    def supervisord_socket(self) -> str:
        """Return where supervisord is talked to."""
        return f"{self.prefix}/etc/supervisord.sock"

    def runtime_folder(self, service: str) -> str:
        """Return the folder for the sockets of a service."""
        return f"{self.runtime_dir}/{service.removeprefix('reachable-') if self.manager.has_short_paths else service}"

    def user(self, service: str) -> str:
        """Return as whom a service of the whole machine runs."""
        return user_of(service, self.platform)

    def definition(self, service: str) -> str:
        """Return the file that makes a service known to its manager. Timers have names of their own."""
        folder = f"{self.prefix}/etc/supervisord.d" if self.manager.is_ours else self.units
        return f"{folder}/{service}{'' if service.endswith('.timer') else self.manager.suffix}"

    def unit(self, service: str) -> str:
        """Return the file that systemd or launchd would read, whichever the platform has."""
        return f"{self.units}/{service}{'.plist' if self.platform == 'macos' else '.service'}"


def defaults(platform: str, scope: str, home: str) -> dict[str, str]:
    """Return what people have not set: the places, and as whom Jupyter runs for the whole machine."""
    return {**default_places(platform, scope, home)._asdict(), "jupyter_user": user_of("jupyter", platform)}


def user_of(service: str, platform: str) -> str:
    """Return as whom a service of the whole machine runs. On macOS such names begin with a line."""
    return f"_{USERS[service]}" if platform == "macos" else USERS[service]


def on_macos(scope: str, home: str) -> dict[str, str]:
    """Return what is elsewhere, or called otherwise, on macOS than on Linux."""
    places = [default_places(platform, scope, home) for platform in ("linux", "macos")]
    names = {USERS[service]: user_of(service, "macos") for service in USERS} if scope == "system" else {}
    return {**dict(zip(*places)), **names}


def layout_before(scope: str, home: str, prefix: str, state_dir: str) -> Layout:
    """Return the layout of a host that nobody has looked at, as if it were one with systemd."""
    units = default_places("linux", scope, home).units
    return Layout("linux", scope, MANAGERS["systemd"], home, prefix, state_dir, units, "/run")


def layout_of(facts: Mapping[str, Any], scope: str, prefix: str, state_dir: str) -> Layout:
    """Return the layout of a host as host_info found it."""
    manager = MANAGERS[facts["service_manager"]]
    home = facts["user"]["home"]
    runtime_dir = "/run" if scope == "system" else f"/run/user/{facts['user']['uid']}"
    if not manager.has_runtime_folders:
        runtime_dir = f"{prefix}/run"
    units = default_places(manager.platform, scope, home).units
    return Layout(manager.platform, scope, manager, home, prefix, state_dir, units, runtime_dir)


def is_lasting(folder: str, rule: re.Pattern[str]) -> bool:
    """Tell whether a folder is named by a rule, and is where something lasts."""
    return bool(rule.fullmatch(folder)) and not PASSING.match(folder)
