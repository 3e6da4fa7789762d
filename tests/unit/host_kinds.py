"""The kinds of hosts in distributions.yml: what host_info finds on each, and what is given to `up` there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from bare_host import situation
from reachable.plan.layout import default_places

if TYPE_CHECKING:
    from reachable.plan.situation import Situation

BUS = "/run/dbus/system_bus_socket"
KINDS: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("distributions.yml").read_text())
SUPPORTED = [name for name, kind in KINDS.items() if "refused" not in kind]
REFUSED = [name for name, kind in KINDS.items() if "refused" in kind]
SYSTEM = {"architecture": "x86_64", "wsl": False, "selinux": False}
USERS = {
    "system": {
        "name": "root",
        "uid": 0,
        "group": "root",
        "home": "/root",
        "lingers": False,
        "may_linger": False,
        "becomes_root": True,
    },
    "user": {
        "name": "eve",
        "uid": 1001,
        "group": "eve",
        "home": "/home/eve",
        "lingers": False,
        "may_linger": True,
        "becomes_root": False,
    },
}
TUNNEL = {
    "ngrok_authtoken": "2abcdefghijklmnopqrstuvwxyz_0123456789ABCDEFGHIJK",
    "ngrok_endpoints": [{"transport": "http"}, {"transport": "ssh"}],
    "endpoint_notify_urls": ["ntfy://my-topic"],
}
GIVEN: dict[str, dict[str, Any]] = {
    "nothing": {},
    "macos": {
        "ngrok_authtoken": TUNNEL["ngrok_authtoken"],
        "endpoint_notify_urls": ["ntfy://my-topic"],
        "reachable_keep_awake": True,
        "ngrok_install_method": "archive",
        "ngrok_archive_url": "https://downloads.example.org/ngrok.tgz",
        "ngrok_archive_checksum": "sha256:" + 64 * "0",
    },
    "awake": {"reachable_keep_awake": True},
    "brewless": {"ngrok_authtoken": TUNNEL["ngrok_authtoken"]},
    "downloads": {"jupyter_notebook_dir": "/Users/eve/Downloads/work"},
    "elsewhere": {"reachable_prefix": "/srv/reachable"},
    "tunnel": TUNNEL,
    "https": {"reachable_tls": "ca"},
    "acme": {"reachable_tls": "acme", "tls_names": ["notebooks.example.org"], "acme_agree": True},
    "archive": {
        **TUNNEL,
        "ngrok_install_method": "archive",
        "ngrok_archive_url": "https://downloads.example.org/ngrok.tgz",
        "ngrok_archive_checksum": "sha256:" + 64 * "0",
    },
}


def recorded(kind: dict[str, Any]) -> dict[str, Any]:
    """Complete what host_info found."""
    version = kind["system"]["python"]
    return {
        "python": {"path": f"/usr/bin/python{version}", "version": version},
        "service_manager": "systemd",
        "bus": True,
        "macos": None,
        "ca_bundle": None,
        "addresses": {"hostname": "host", "ipv4": "192.0.2.7", "ipv6": None, "mdns": None, "own": ["192.0.2.7"]},
        "user": USERS[kind.get("scope", "system")],
        **{
            key: value
            for key, value in kind.items()
            if key in ("python", "service_manager", "bus", "ca_bundle", "macos", "user")
        },
        "system": {**SYSTEM, **kind["system"]},
    }


def has_tunnel(name: str) -> bool:
    """Tell whether a host of a kind is given a tunnel."""
    return "ngrok_authtoken" in GIVEN[KINDS[name].get("given", "nothing")]


def asks_an_authority(name: str) -> bool:
    """Tell whether a host of a kind is given what gets it a certificate."""
    return GIVEN[KINDS[name].get("given", "nothing")].get("reachable_tls") == "acme"


def there(name: str) -> Situation:
    """Return a bare host of a kind, with the defaults of its platform and scope."""
    kind = KINDS[name]
    scope, found = kind.get("scope", "system"), recorded(kind)
    platform = "macos" if found["macos"] else "linux"
    person = found["user"]
    places = default_places(platform, scope, person["home"])
    user = {"linux": "jupyter", "macos": "_jupyter"}[platform] if scope == "system" else person["name"]
    given: dict[str, Any] = {
        "reachable_scope": scope,
        "reachable_prefix": places.prefix,
        "reachable_state_dir": places.state_dir,
        "jupyter_user": user,
        "jupyter_notebook_dir": f"{places.state_dir}/jupyter/notebooks" if scope == "system" else person["home"],
        "ngrok_install_method": {"linux": "repository", "macos": "homebrew"}[platform],
        **GIVEN[kind.get("given", "nothing")],
    }
    accounts = {person["name"]: {**person, "comment": "", "home_exists": True}} if scope == "user" else {}
    facts = {**found, "users": accounts, "files": {BUS: {"state": "other" if found["bus"] else "absent"}}}
    return situation(given, facts, name=name, scope=scope)
