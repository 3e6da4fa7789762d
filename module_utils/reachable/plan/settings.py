# SPDX-License-Identifier: Apache-2.0
"""The settings of Jupyter that people may add, and those that are ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from . import lab

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVER_CLASSES = ("ServerApp", "NotebookApp", "LabApp", "JupyterApp", "JupyterNotebookApp")
IDENTITY_CLASSES = (
    "IdentityProvider",
    "PasswordIdentityProvider",
    "LegacyIdentityProvider",
    "ReachableIdentityProvider",
)
OUR_CLASSES = (*SERVER_CLASSES, *IDENTITY_CLASSES, "Reachable", "ReachableLimits")
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
    "allow_root": "leave it out, Jupyter never runs as root",
    "base_url": "leave it out, the addresses on the card rely on it",
    "trust_xheaders": "leave it out, it is set behind an http tunnel and nowhere else",
    "sock": "leave it out, the iPad needs a port",
    "certfile": "leave it out, the addresses on the card are http",
    "keyfile": "leave it out, the addresses on the card are http",
    "proof_key": "leave it out, each installation has one of its own",
}
# A manager's subclass would win over KernelManager.
KERNEL_REMEDIES = {"transport": "leave it out, kernels must not listen on TCP ports"}
# In jupyter_settings it is meant; elsewhere it is named, because passwords may then be guessed without end.
LOGIN_REMEDIES = {"identity_provider_class": "leave it out and use jupyter_password"}
ELSEWHERE_REMEDIES = {**REMEDIES, **KERNEL_REMEDIES, **LOGIN_REMEDIES}

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
