# SPDX-License-Identifier: Apache-2.0
"""The declaration: what people set, which are the variables of docs/variables.md."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What a value is to be, and what it is, in the words of a person who writes YAML.
WANTED = {"str": "text", "path": "a path", "list": "a list", "dict": "a dictionary"}
EXAMPLES = {"list": '["a", "b"]', "dict": '{"a": "b"}'}
FOUND = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a dictionary"}


@dataclass(frozen=True)
class Declaration:
    """The public variables, each of its kind. None is what nobody has set."""

    # preflight
    reachable_scope: str
    reachable_prefix: str
    reachable_state_dir: str
    reachable_config_conflicts: str
    reachable_secrets_dir: str | None
    reachable_cards_dir: str | None
    reachable_proxy: str | None
    reachable_ca_certificate: str | None
    reachable_bundle: str | None
    # certificate
    reachable_tls: str
    reachable_ca_dir: str | None
    tls_names: list[str]
    tls_certificate: str | None
    tls_key: str | None
    acme_directory: str
    acme_agree: bool
    acme_email: str | None
    acme_ca_certificate: str | None
    acme_eab_kid: str | None
    acme_eab_hmac_key: str | None
    # receipt
    reachable_yes: bool
    reachable_purge: bool
    # jupyter
    jupyter_port: int
    jupyter_listen: str
    jupyter_default_interface: str
    jupyter_notebook_dir: str | None
    jupyter_password: str | None
    jupyter_password_hash: str | None
    jupyter_password_allow_weak: bool
    jupyter_password_adopt: bool
    jupyter_login_attempts: int
    jupyter_login_days: int
    jupyter_connections: int
    jupyter_memory_max: str
    jupyter_packages: list[str]
    jupyter_requirements_file: str | None
    jupyter_server_extensions: list[str]
    jupyter_tcp_kernels: list[str]
    jupyter_settings: dict[Any, Any]
    jupyter_sandbox: dict[Any, Any]
    reachable_keep_awake: bool
    jupyter_user: str
    # ngrok
    ngrok_authtoken: str | None
    ngrok_transport: str
    ngrok_domain: str | None
    ngrok_remote_addr: str | None
    ngrok_endpoints: list[Any]
    ngrok_login_rate_limit: int
    ngrok_allowed_networks: list[str]
    ngrok_traffic_policy: dict[str, Any]
    ngrok_plan: str
    ngrok_install_method: str
    ngrok_repository_url: str
    ngrok_repository_suite: str
    ngrok_repository_key_url: str
    ngrok_repository_key_checksum: str | None
    ngrok_archive_url: str | None
    ngrok_archive_checksum: str | None
    ngrok_executable: str | None
    ngrok_agent_settings: dict[str, Any]
    ngrok_ssh_port: int
    ngrok_patience: int
    # drift
    reachable_drift_schedule: str | None
    reachable_drift_action: str
    reachable_drift_repository: str | None
    reachable_drift_ref: str | None
    reachable_drift_inventory: str | None
    reachable_drift_vault_password_file: str | None
    # endpoint
    endpoint_public_url: str | None
    endpoint_patience: int
    endpoint_notify_urls: list[str]
    endpoint_notify_command: list[str]
    endpoint_probe_seconds: int
    endpoint_offline_seconds: int
    endpoint_flap_changes: int
    endpoint_flap_seconds: int
    endpoint_history_length: int

    def tunnels(self) -> list[Any]:
        """Return the tunnels that are asked for, as entries of ``ngrok_endpoints``."""
        if self.ngrok_endpoints:
            return self.ngrok_endpoints
        if self.ngrok_transport == "none":
            return []
        entry = {"domain": self.ngrok_domain, "remote_addr": self.ngrok_remote_addr}
        return [{"transport": self.ngrok_transport, **entry}]


# Those of which every host needs one, whatever it is.
NEEDED = frozenset(field.name for field in fields(Declaration) if "None" not in str(field.type))


def read(values: Mapping[str, Any], specs: Mapping[str, Mapping[str, Any]]) -> Declaration:
    """Return the declaration that values make, which are of the right kinds. After -e NAME=VALUE all is text."""

    def converted(name: str) -> Any:
        value, kind = values[name], specs[name]["type"]
        if value is None or kind not in {"int", "bool"}:
            return value
        return int(value) if kind == "int" else str(value).lower() == "true"

    return Declaration(**{field.name: converted(field.name) for field in fields(Declaration)})


def unknown_names(given: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return a sentence for each given name that is not known, with the known one that it resembles most."""
    known = list(known)
    sentences = []
    for name in sorted(set(filter(None, given)) - set(known)):
        close = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {close[0]}?" if close else "remove it; the README lists all that there are."
        sentences.append(f"There is no variable {name}: {advice}")
    return sentences


def wrong_kinds(values: Mapping[str, Any], specs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each value that is missing, or not of the kind, or among the choices, that its spec names.

    One is missing that refers to what nobody has defined.

    Ansible's own check would convert values, for itself alone: roles then get the ones that it had let pass. It also
    prints them, be they passwords.
    """
    undefined = (
        "{} refers to a variable that is not set: set that one, for a password best in a vault, or write !unsafe "
        "before a text that is no template."
    )
    sentences = [
        wrong_kind(name, values[name], spec) if name in values else undefined.format(name)
        for name, spec in specs.items()
    ]
    return [sentence for sentence in sentences if sentence]


def wrong_kind(name: str, value: Any, spec: Mapping[str, Any]) -> str | None:
    """Say what is wrong with the kind of a value, and what to do; None if nothing is."""
    kind, choices = spec["type"], spec.get("choices")
    if value is None:
        return f"{name} is empty: give it a value, or leave it out." if name in NEEDED else None
    if choices and value not in choices:
        return f"{name} is '{value}': choose {' or '.join(choices)}."
    if kind == "int":
        # After -e NAME=VALUE it is text.
        is_number = not isinstance(value, bool) and re.fullmatch(r"-?\d+", str(value))
        return None if is_number else f"{name} is '{value}': give a whole number."
    if kind == "bool":
        return None if str(value).lower() in {"true", "false"} else f"{name} is '{value}': give true or false."
    found = next((words for known, words in FOUND.items() if isinstance(value, known)), "a date")
    if kind in EXAMPLES:
        return wrong_collection(name, value, kind, found, spec.get("elements"))
    return None if found == "text" else f"{name} must be {WANTED[kind]}, not {found}: put it in quotes."


def wrong_collection(name: str, value: Any, kind: str, found: str, elements: str | None) -> str | None:
    """Say what is wrong with what should be a list or a dictionary; None if nothing is."""
    if found != WANTED[kind]:
        example = EXAMPLES[kind]
        return f"{name} must be {WANTED[kind]}, not {found}: write {example}, or after -e '{{\"{name}\": {example}}}'."
    if elements == "str" and not all(isinstance(element, str) for element in value):
        return f"{name} must be a list of texts: put every entry in quotes."
    return None
