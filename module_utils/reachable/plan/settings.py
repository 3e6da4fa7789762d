# SPDX-License-Identifier: Apache-2.0
"""The settings of Jupyter that people may add, and those that are ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from . import lab, network, plans

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .situation import Situation

SERVER_CLASSES = ("ServerApp", "NotebookApp", "LabApp", "JupyterApp", "JupyterNotebookApp")
IDENTITY_CLASSES = (
    "IdentityProvider",
    "PasswordIdentityProvider",
    "LegacyIdentityProvider",
    "ReachableIdentityProvider",
)
OUR_CLASSES = (*SERVER_CLASSES, *IDENTITY_CLASSES, "Reachable", "ReachableKernelManager", "ReachableLimits")
REMEDIES = {
    "ip": "use jupyter_listen",
    "port": "use jupyter_port",
    "port_retries": "leave it out, a taken port must be an error",
    "root_dir": "use jupyter_notebook_dir",
    "notebook_dir": "use jupyter_notebook_dir",
    "default_url": "use jupyter_default_interface",
    "open_browser": "leave it out, there is no screen",
    "quit_button": "leave it out, it would end the kernels of all devices",
    "cookie_secret_file": "leave it out, or every restart logs all devices out",
    "cookie_secret": "leave it out, or every restart logs all devices out",
    "password": "use jupyter_password",
    "hashed_password": "use jupyter_password or jupyter_password_hash",
    "password_required": "leave it out, the server must not open without a password",
    "allow_password_change": "leave it out, the next run would take the change back",
    "token": "leave it out and use jupyter_password, tokens are off",
    "wrong_passwords_per_hour": "use jupyter_login_attempts",
    "login_days": "use jupyter_login_days",
    "connections": "use jupyter_connections",
    "tcp_kernels": "use jupyter_tcp_kernels",
    "allow_root": "leave it out, Jupyter never runs as root",
    "base_url": "leave it out, the addresses on the card rely on it",
    "trust_xheaders": "leave it out, it is set behind an http tunnel and nowhere else",
    "sock": "leave it out, the iPad needs a port",
    "certfile": "use reachable_tls",
    "keyfile": "use reachable_tls",
    "proof_key": "leave it out, each installation has one of its own",
}
# A manager's subclass would win over KernelManager.
KERNEL_REMEDIES = {"transport": "use jupyter_tcp_kernels, others must not listen on TCP ports"}
# In jupyter_settings it is meant; elsewhere it is named, because passwords may then be guessed without end.
LOGIN_REMEDIES = {"identity_provider_class": "leave it out and use jupyter_password"}
ELSEWHERE_REMEDIES = {**REMEDIES, **KERNEL_REMEDIES, **LOGIN_REMEDIES}

# A dictionary in a file that wins replaces the whole one of a default, and JupyterLab's first load is a quarter of it.
TORNADO = {"compress_response": True}
# Those that our Python file beside the JSON file adds, where nothing in the JSON file wins over it.
EXTENSIONS = (
    "reachable_front_ends",
    "reachable_hostnames",
    "reachable_limits",
    "reachable_login",
    "reachable_network",
    "reachable_preload",
    "reachable_proof",
)

CLASS_EXAMPLE = "{MappingKernelManager: {cull_idle_timeout: 3600}}"
NAME = re.compile(r"[A-Z][A-Za-z0-9]*")


def refused_settings(settings: Mapping[Any, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield a sentence for each setting that is ours or fits nowhere. ``schemas`` are those of JupyterLab's plugins."""
    for name, traits in lab.class_settings(settings).items():
        if not NAME.fullmatch(str(name)) or not isinstance(traits, dict):
            yield f"jupyter_settings has '{name}' that is no class with its traits: write it like {CLASS_EXAMPLE}."
        else:
            yield from refused_traits(name, traits)
    yield from lab.refused_plugin_settings(settings, schemas)


def refused_traits(name: str, traits: Mapping[Any, Any]) -> Iterator[str]:
    """Yield a sentence for each trait of a class that is ours, or is no trait."""
    remedies = {
        **(REMEDIES if name in OUR_CLASSES else {}),
        **(KERNEL_REMEDIES if name.endswith("KernelManager") else {}),
    }
    for trait in map(str, traits):
        if re.match("[A-Z]", trait):
            yield f"jupyter_settings has {name}.{trait}, a class within a class: write it beside {name}."
        elif trait in remedies:
            yield f"jupyter_settings has {name}.{trait}, which Reachable sets: {remedies[trait]}."


def refused_directives(sandbox: Mapping[Any, Any]) -> Iterator[str]:
    """Yield a sentence for each entry of ``jupyter_sandbox`` that systemd cannot take as one line."""
    for directive, value in sandbox.items():
        if not NAME.fullmatch(str(directive)) or isinstance(value, dict | list):
            yield (
                f"jupyter_sandbox has '{directive}' that is no directive of systemd with one value: "
                "write it like {RestrictSUIDSGID: false}."
            )


def watched_traits(settings: Mapping[Any, Any]) -> list[str]:
    """Return the traits that matter where a person's own configuration has them."""
    theirs = (trait for traits in lab.class_settings(settings).values() for trait in traits)
    return list(dict.fromkeys([*ELSEWHERE_REMEDIES, *theirs]))


def whole_settings(there: Situation) -> dict[str, Any]:
    """Return the configuration of Jupyter, without the password's hash and the key for the proof.

    Our own settings win over those that people add, each of which is refused there, with what to use instead.
    """
    added = lab.class_settings(there.wanted.jupyter_settings)
    of_server = added.get("ServerApp", {})
    below = {"ServerApp": {"tornado_settings": TORNADO}} if "tornado_settings" in of_server else {}
    extensions = {
        **dict.fromkeys(EXTENSIONS, True),
        "reachable_awake": there.wanted.reachable_keep_awake,
        "reachable_requests": bool(plans.requests_a_month(there)),
    }
    above = {"ServerApp": {"jpserver_extensions": extensions}} if "jpserver_extensions" in of_server else {}
    whole: dict[str, Any] = {}
    for part in (below, added, own_settings(there), above):
        whole = lab.laid_over(whole, part)
    return whole


def own_settings(there: Situation) -> dict[str, dict[str, Any]]:
    """Return the settings that are ours."""
    wanted = there.wanted
    return {
        "ServerApp": {
            # * is IPv4 and IPv6. By name it is whatever others reach under that name, which also stands on the card
            # and in what sshd lets through, so that nobody else can listen there.
            "ip": "*" if there.listens_to == "lan" else "localhost",
            "port": wanted.jupyter_port,
            "port_retries": 0,
            "root_dir": there.notebook_dir,
            "default_url": f"/{wanted.jupyter_default_interface}",
            "open_browser": False,
            "quit_button": False,  # it would end the kernels of all devices
            "cookie_secret_file": f"{there.layout.jupyter_home}/cookie_secret",
            # Behind an http tunnel everybody comes from the loopback; in the LAN everybody could claim to come from
            # elsewhere.
            "trust_xheaders": "http" in there.transports and there.listens_to == "loopback",
            **there.certificate.settings,
        },
        # Without a readable hash the server then refuses to start, instead of opening on a random token.
        "PasswordIdentityProvider": {"password_required": True, "allow_password_change": False, "token": ""},
        "ReachableIdentityProvider": {
            "wrong_passwords_per_hour": wanted.jupyter_login_attempts,
            "login_days": wanted.jupyter_login_days,
        },
        "ReachableLimits": {"connections": wanted.jupyter_connections},
        # Sockets in a private folder: any local user could read a notebook's output on TCP ports.
        "KernelManager": {"transport": "ipc"},
        **network.settings(there),
    }
