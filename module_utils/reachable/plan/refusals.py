# SPDX-License-Identifier: Apache-2.0
"""What must not be: one sentence for each thing that is wrong, which says what, where, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import layout, network, packages, requirements_files, settings, tunnels
from .certificates import acme

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .declaration import Declaration

HTTP_ADDRESS = re.compile(r"https?://([^\s/:@?#\[\]]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?")
WEB_ADDRESS = re.compile(r"(https?|file)://\S+")
NOTIFY_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
SHA256 = re.compile("sha256:[0-9A-Fa-f]{64}")
USER = re.compile("[A-Za-z_][A-Za-z0-9_.-]{0,30}")
MEMORY = re.compile("([1-9]|[1-9][0-9]|100)%|[1-9][0-9]*[KMGT]?|infinity")
CALENDAR = re.compile("[A-Za-z0-9*][A-Za-z0-9 *,./:~_+-]*")
REPOSITORY = re.compile("[A-Za-z0-9/][A-Za-z0-9@:/._~+-]*")
REFERENCE = re.compile("[A-Za-z0-9][A-Za-z0-9._/-]*")
PLAIN_FILE = re.compile("/[A-Za-z0-9._/-]+")
PORTS = range(1, 65536)
FEWEST_GUESSES = 12  # the burst that a person's own mistakes may take
LOGIN_DAYS = range(1, 401)
CONNECTIONS = range(10, 3001)


@dataclass(frozen=True)
class Surroundings:
    """What counts beside the values: the host's name, for whom it is, and what the controller has.

    ``home`` is ``~`` before the host was looked at. ``unwritable`` has those of our folders on the controller where
    the person who runs this may not write, ``requirements`` the text of ``jupyter_requirements_file``, or None where
    there is no such file, ``ca_certificate`` that of ``reachable_ca_certificate``, ``acme_certificate`` that of
    ``acme_ca_certificate``. ``schemas`` are those of JupyterLab's plugins.
    """

    host: str
    platform: str
    scope: str
    home: str
    pulled: bool
    unwritable: frozenset[str]
    requirements: str | None
    ca_certificate: str | None
    acme_certificate: str | None
    schemas: Mapping[str, Mapping[str, Any]]


def of_declaration(wanted: Declaration, around: Surroundings) -> Iterator[str]:
    """Yield a sentence for each value that cannot be meant."""
    yield from of_places(wanted, around)
    yield from network.refusals(wanted, around.ca_certificate)
    yield from acme.refusals(wanted, around.acme_certificate)
    yield from of_jupyter(wanted, around)
    yield from settings.refused_settings(wanted.jupyter_settings, around.schemas)
    yield from settings.refused_directives(wanted.jupyter_sandbox)
    yield from of_tunnels(wanted)
    yield from of_agent(wanted, around)
    if wanted.reachable_drift_schedule is not None or around.pulled:
        yield from of_drift(wanted, around)
    yield from of_endpoint(wanted)


def of_places(wanted: Declaration, around: Surroundings) -> Iterator[str]:
    """Refuse folders that cannot be used, on the host and here."""
    default = layout.default_places(around.platform, around.scope, around.home)
    prefix, state_dir = wanted.reachable_prefix, wanted.reachable_state_dir
    at_home = layout.HOMES.match(prefix) and wanted.reachable_scope != "user"
    is_long = len(prefix) > layout.LONGEST_PREFIX
    if prefix != default.prefix and (not layout.is_lasting(prefix, layout.PLAIN_FOLDER) or is_long or at_home):
        yield (
            f"reachable_prefix is '{prefix}': give a folder of its own like /opt/reachable, with at most "
            f"{layout.LONGEST_PREFIX} letters, digits, '.', '_' and '-', and outside /home, /root, /tmp and the like, "
            "where a service cannot use it."
        )
    if state_dir != default.state_dir and not layout.is_lasting(state_dir, layout.PLAIN_FOLDER):
        yield (
            f"reachable_state_dir is '{state_dir}': give a folder of its own like /var/lib/reachable, with letters, "
            "digits, '.', '_' and '-' only, and outside /tmp and the like, where nothing lasts."
        )
    yield from of_notebooks(wanted, around)
    for name, folder in (
        ("reachable_secrets_dir", wanted.reachable_secrets_dir or ""),
        ("reachable_cards_dir", wanted.reachable_cards_dir or ""),
    ):
        if not folder.startswith("/") or folder in around.unwritable:
            yield f"{name} is '{folder}': give the absolute path of a folder on this machine where you may write."


def of_notebooks(wanted: Declaration, around: Surroundings) -> Iterator[str]:
    """Refuse a folder for notebooks that cannot be one."""
    folder, home = wanted.jupyter_notebook_dir or "", f"{wanted.reachable_state_dir}/jupyter"
    if folder not in {f"{home}/notebooks", around.home} and not layout.is_lasting(folder, layout.ANY_FOLDER):
        yield (
            f"jupyter_notebook_dir is '{folder}': give a path like /srv/notebooks, without any of \"\\%$:; and "
            "without a slash at its end, and outside /tmp and the like, where nothing lasts."
        )
    ours = {wanted.reachable_prefix, wanted.reachable_state_dir, home}
    if folder in ours or f"{folder}/".startswith(f"{home}/kernel/"):
        yield (
            f"jupyter_notebook_dir is {folder}, where Reachable keeps its own files: give notebooks a folder of their "
            "own."
        )


def of_jupyter(wanted: Declaration, around: Surroundings) -> Iterator[str]:
    """Refuse what Jupyter cannot be given, but for its settings."""
    if wanted.jupyter_port not in PORTS:
        yield f"jupyter_port is {wanted.jupyter_port}: give a number from 1 to 65535."
    if wanted.jupyter_login_attempts < FEWEST_GUESSES:
        yield (
            f"jupyter_login_attempts is {wanted.jupyter_login_attempts}: give a number of wrong passwords an hour, at "
            f"least {FEWEST_GUESSES}."
        )
    if wanted.jupyter_login_days not in LOGIN_DAYS:
        yield (
            f"jupyter_login_days is {wanted.jupyter_login_days}: give a number of days, from {LOGIN_DAYS[0]} to "
            f"{LOGIN_DAYS[-1]}."
        )
    if wanted.jupyter_connections not in CONNECTIONS:
        yield (
            f"jupyter_connections is {wanted.jupyter_connections}: give a number of connections, from {CONNECTIONS[0]} "
            f"to {CONNECTIONS[-1]}."
        )
    if not MEMORY.fullmatch(wanted.jupyter_memory_max):
        yield f"jupyter_memory_max is '{wanted.jupyter_memory_max}': write it like 80% or 6G, or infinity."
    if wanted.endpoint_patience < 1:
        yield f"endpoint_patience is {wanted.endpoint_patience}: give a number of seconds, at least 1."
    yield from of_packages(wanted, around)
    if wanted.jupyter_password is not None and wanted.jupyter_password_hash is not None:
        yield "jupyter_password and jupyter_password_hash are both set: keep one of them."
    if wanted.jupyter_password_adopt and wanted.jupyter_password_hash is not None:
        yield "jupyter_password_adopt and jupyter_password_hash are both set: keep one of them."
    if not USER.fullmatch(wanted.jupyter_user) or wanted.jupyter_user == "root":
        yield (
            f"jupyter_user is '{wanted.jupyter_user}': give the name of a user other than root, in letters, digits, "
            "'.', '_' and '-'."
        )


def of_packages(wanted: Declaration, around: Surroundings) -> Iterator[str]:
    """Refuse packages that are none, and files that lead elsewhere."""
    if wrong := packages.no_packages(wanted.jupyter_packages):
        yield (
            f"jupyter_packages has {listed(wrong)}, which is no package name with an optional version: write it like "
            "'numpy' or 'pandas==3.0.1'."
        )
    if wrong := packages.no_packages(wanted.jupyter_server_extensions):
        yield (
            f"jupyter_server_extensions has {listed(wrong)}, which is no package name with an optional version: "
            "write it like 'jupyterlab-git' or 'jupyter-server-proxy==4.4.0'."
        )
    if wanted.jupyter_requirements_file is not None and around.requirements is None:
        yield packages.no_requirements(wanted.jupyter_requirements_file)
    for problem in requirements_files.problems(around.requirements or ""):
        yield f"jupyter_requirements_file {problem}"


def of_tunnels(wanted: Declaration) -> Iterator[str]:
    """Refuse tunnels that cannot be, and what ngrok does for other transports only."""
    entries = wanted.tunnels()
    transports = [entry["transport"] for entry in entries if isinstance(entry, dict) and "transport" in entry]
    lacks_http = bool(entries) and "http" not in transports
    of_http = [phase for phase in wanted.ngrok_traffic_policy if str(phase).startswith("on_http_")]
    if wanted.ngrok_ssh_port not in PORTS:
        yield f"ngrok_ssh_port is {wanted.ngrok_ssh_port}: give a number from 1 to 65535."
    if wanted.ngrok_login_rate_limit > 0 and lacks_http:
        yield (
            "ngrok_login_rate_limit is set, but ngrok counts logins for the transport http only: leave it out, or "
            "choose that."
        )
    if of_http and lacks_http:
        yield (
            f"ngrok_traffic_policy has '{of_http[0]}', which ngrok does for the transport http only: leave it out, or "
            "choose that."
        )
    if wanted.ngrok_login_rate_limit < 0:
        yield (
            f"ngrok_login_rate_limit is {wanted.ngrok_login_rate_limit}: give a number of logins a minute, or 0 for no "
            "limit."
        )
    if wrong := tunnels.no_networks(wanted.ngrok_allowed_networks):
        yield (
            f"ngrok_allowed_networks has {listed(wrong)}, which is no network: write it like 198.51.100.0/24 or "
            "2001:db8::/32."
        )
    if wanted.ngrok_endpoints and (wanted.ngrok_domain is not None or wanted.ngrok_remote_addr is not None):
        yield (
            "ngrok_endpoints and ngrok_domain or ngrok_remote_addr are both set: put the address into its entry of "
            "ngrok_endpoints."
        )
    variables = {} if wanted.ngrok_endpoints else tunnels.ENTRY_VARIABLES
    yield from tunnels.endpoint_entry_problems(entries, variables)
    yield from tunnels.policy_problems(wanted.ngrok_traffic_policy, None)


def of_agent(wanted: Declaration, around: Surroundings) -> Iterator[str]:
    """Refuse an agent that cannot be had, and what it cannot be told."""
    if wanted.ngrok_patience < 1:
        yield f"ngrok_patience is {wanted.ngrok_patience}: give a number of seconds, at least 1."
    if wanted.ngrok_authtoken is not None and (problem := tunnels.authtoken_problem(wanted.ngrok_authtoken)):
        yield problem
    yield from tunnels.agent_setting_problems(wanted.ngrok_agent_settings, None)
    if wanted.ngrok_install_method == "archive":
        yield from of_archive(wanted)
    yield from of_repository(wanted, around)
    executable = wanted.ngrok_executable or ""
    if wanted.ngrok_install_method == "none" and not layout.ANY_FOLDER.fullmatch(executable):
        yield (
            f"ngrok_executable is '{executable}': with ngrok_install_method none, give the absolute path of the agent "
            "on the host."
        )
    if wanted.ngrok_executable is not None and wanted.ngrok_install_method != "none":
        yield (
            f"ngrok_executable is set, but ngrok_install_method is {wanted.ngrok_install_method}: set that to none, or "
            "leave ngrok_executable out."
        )


def of_archive(wanted: Declaration) -> Iterator[str]:
    """Refuse an archive without its address, or without what it should be."""
    url, checksum = wanted.ngrok_archive_url or "", wanted.ngrok_archive_checksum or ""
    if not WEB_ADDRESS.fullmatch(url):
        yield (
            f"ngrok_archive_url is '{url}': with ngrok_install_method archive, give the address of the agent's .tgz "
            "archive."
        )
    if not SHA256.fullmatch(checksum):
        yield (
            f"ngrok_archive_checksum is '{checksum}': with ngrok_install_method archive, give sha256: and the 64 "
            "hexadecimal digits of the archive's checksum."
        )


def of_repository(wanted: Declaration, around: Surroundings) -> Iterator[str]:
    """Refuse a repository whose packages somebody on the way could exchange."""
    checksum, key = wanted.ngrok_repository_key_checksum, wanted.ngrok_repository_key_url
    if checksum is not None and not SHA256.fullmatch(checksum):
        yield (
            f"ngrok_repository_key_checksum is '{checksum}': give sha256: and the 64 hexadecimal digits of the key's "
            "checksum, or leave it out."
        )
    if not WEB_ADDRESS.fullmatch(wanted.ngrok_repository_url) or not WEB_ADDRESS.fullmatch(key):
        yield (
            "ngrok_repository_url or ngrok_repository_key_url is no address: write them like "
            "https://packages.example.org."
        )
    is_plain = key.lower().startswith("http://")
    if wanted.ngrok_install_method == "repository" and checksum is None and is_plain:
        yield (
            f"ngrok_repository_key_url is '{key}', and whoever stands on the way could give {around.host} another key, "
            "and with it other packages: give an address with https, or set ngrok_repository_key_checksum."
        )


def of_drift(wanted: Declaration, around: Surroundings) -> Iterator[str]:
    """Refuse what a host cannot compare itself with."""
    schedule, repository = wanted.reachable_drift_schedule, wanted.reachable_drift_repository or ""
    reference, inventory = wanted.reachable_drift_ref, wanted.reachable_drift_inventory or ""
    if schedule is None:
        yield (
            f"reachable_drift_schedule is not set for {around.host} in the repository: set it in the inventory there, "
            "or take the timer away with './reachable up'."
        )
    elif not CALENDAR.fullmatch(schedule):
        yield f"reachable_drift_schedule is '{schedule}': write it like daily or Mon..Fri 06:00."
    if re.match("https?://[^/]*@", repository):
        yield (
            "reachable_drift_repository has a name or a password before its '@', which everybody on the host could "
            "read: leave it out, and let root's git know it (gitcredentials(7))."
        )
    if re.match("(?i)(http|git|ftp)://", repository):
        yield (
            f"reachable_drift_repository is '{repository}', and whoever stands on the way could give {around.host} "
            "other playbooks, which root runs there: give an address with https or SSH, or a path on the host."
        )
    if schedule is not None and not REPOSITORY.fullmatch(repository):
        yield (
            f"reachable_drift_repository is '{repository}': with reachable_drift_schedule, give the git repository "
            "with this project and its inventory, like https://example.org/fleet.git."
        )
    if reference and not REFERENCE.fullmatch(reference):
        yield f"reachable_drift_ref is '{reference}': give the name of a branch or tag, or a commit."
    if schedule is not None and (".." in inventory or not REFERENCE.fullmatch(inventory)):
        yield (
            f"reachable_drift_inventory is '{inventory}': with reachable_drift_schedule, give the path of the "
            "inventory within the repository, like inventory/mine.yml."
        )
    vault = wanted.reachable_drift_vault_password_file
    if vault and not PLAIN_FILE.fullmatch(vault):
        yield (
            f"reachable_drift_vault_password_file is '{vault}': give the absolute path of a file on the host, with "
            "letters, digits, '.', '_' and '-' only."
        )


def of_endpoint(wanted: Declaration) -> Iterator[str]:
    """Refuse addresses that are none. One of Apprise's may have a password in it, and is not repeated."""
    if wanted.endpoint_public_url is not None:
        public = HTTP_ADDRESS.fullmatch(wanted.endpoint_public_url)
        if not public or int(public["port"] or 80) not in PORTS:
            yield (
                f"endpoint_public_url is '{wanted.endpoint_public_url}': write it like "
                "http://notebooks.example.org:8888, without a path."
            )
    if not all(NOTIFY_ADDRESS.fullmatch(address) for address in wanted.endpoint_notify_urls):
        yield (
            "endpoint_notify_urls has an entry that is no address of Apprise: write each like ntfy://my-topic or "
            "mailto://user:password@example.org."
        )
    if wanted.endpoint_notify_command and not wanted.endpoint_notify_command[0].startswith("/"):
        yield (
            f"endpoint_notify_command begins with '{wanted.endpoint_notify_command[0]}': give the absolute path of a "
            "program on the host."
        )
    numbers = {
        "endpoint_probe_seconds": wanted.endpoint_probe_seconds,
        "endpoint_offline_seconds": wanted.endpoint_offline_seconds,
        "endpoint_flap_changes": wanted.endpoint_flap_changes,
        "endpoint_flap_seconds": wanted.endpoint_flap_seconds,
        "endpoint_history_length": wanted.endpoint_history_length,
    }
    if too_small := [name for name, number in numbers.items() if number < 1]:
        yield f"{' and '.join(too_small)} is less than 1: give a number from 1 on."


def listed(words: list[str]) -> str:
    """Write several words, each in quotes."""
    return "'" + "' and '".join(words) + "'"
