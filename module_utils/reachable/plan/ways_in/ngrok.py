# SPDX-License-Identifier: Apache-2.0
"""From anywhere, through ngrok's cloud."""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
import re
from typing import TYPE_CHECKING, Any

from reachable.allowance import ADVICE, Allowance
from reachable.plan import accounts, package, plans, published, services, texts, tunnels, watcher
from reachable.plan.accounts import Ours
from reachable.plan.entries import Entry, file_paths, folder, missing_entries
from reachable.plan.service import Service

from .way_in import WayIn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reachable.endpoints import Endpoint
    from reachable.plan.declaration import Declaration
    from reachable.plan.layout import Layout
    from reachable.plan.receipts import Receipt
    from reachable.plan.situation import Situation

DAEMON = "reachable-ngrok"
KEYRING = "/etc/apt/keyrings/ngrok.asc"
SOURCE = "/etc/apt/sources.list.d/ngrok.sources"
# By which dpkg knows what came with a package, and what that looks like.
PACKAGE_FILES = "/var/lib/dpkg/info/ngrok.list"
PACKAGE_CHECKSUMS = "/var/lib/dpkg/info/ngrok.md5sums"
BREWS = ("/opt/homebrew/bin/brew", "/usr/local/bin/brew")
# The way in by SSH: a user who can do nothing but reach Jupyter's port.
SSH_USER = "reachable-tunnel"
SSHD_CONFIG = "/etc/ssh/sshd_config.d/50-reachable-tunnel.conf"
HOST_KEYS = tuple(f"/etc/ssh/ssh_host_{kind}_key.pub" for kind in ("ed25519", "ecdsa", "rsa"))

MANAGED = "# Written by Reachable. A change here is taken back by the next run.\n"
SOURCE_TEXT = """\
Types: deb
URIs: {url}
Suites: {suite}
Components: main
Signed-By: {keyring}
"""
SSHD_TEXT = """\
# {user} may reach Jupyter's port, and can do nothing else.
Match User {user}
  AuthenticationMethods publickey
  AuthorizedKeysFile {keys}
  AllowTcpForwarding local
  PermitOpen 127.0.0.1:{port} localhost:{port}
  AllowStreamLocalForwarding no
  AllowAgentForwarding no
  X11Forwarding no
  PermitTunnel no
  PermitTTY no
  PermitUserRC no
  # No shell, command or subsystem, only forwarding.
  MaxSessions 0
  ForceCommand /bin/false
Match all
"""
KEY_OPTIONS = 'restrict,port-forwarding,permitopen="127.0.0.1:{port}",permitopen="localhost:{port}" {key}\n'

# What pages ask for at most that lie open (docs/ipad.md).
REQUESTS_AN_HOUR = {"lab": 1980, "nbclassic": 180}


class Ngrok(WayIn):
    """An agent on the host holds tunnels open, of which the cloud chooses the addresses."""

    transports = ("http", "tcp", "ssh")
    is_tunnel = True
    is_public = True

    @classmethod
    def files(cls, layout: Layout, wanted: Declaration) -> list[str]:  # noqa: ARG003 - whatever is declared
        """Return the files and folders to look at."""
        return [
            *(layout.etc, layout.ngrok_etc, layout.ngrok_config, layout.ngrok_token),
            *(layout.ssh_etc, layout.ssh_keys, SSHD_CONFIG, *HOST_KEYS),
            *package.paths(layout.library),
            *(layout.ngrok, layout.ngrok_record, layout.ngrok_runtime),
            *(PACKAGE_FILES, PACKAGE_CHECKSUMS, KEYRING, SOURCE, *BREWS),
            *watcher.files(layout),
        ]

    @classmethod
    def programs(cls, layout: Layout, wanted: Declaration) -> list[str]:
        """Return the agent's program."""
        return [program_name(layout, wanted)]

    @classmethod
    def users(cls, layout: Layout) -> list[str]:
        """Return the accounts of services and of those who come in by SSH."""
        return [layout.user("ngrok"), layout.user("endpoint"), SSH_USER] if layout.scope == "system" else []

    @classmethod
    def ports(cls, wanted: Declaration) -> list[int]:
        """Return the port of the SSH server, to which a tunnel may lead."""
        return [wanted.ngrok_ssh_port]

    @property
    def is_wanted(self) -> bool:
        """Tell whether a tunnel is wanted, and there is an authtoken for it."""
        return bool(self.there.wanted.tunnels() and self.there.authtoken)

    def endpoints(self) -> list[Endpoint]:
        """Return the addresses that the watcher has published. The key for SSH is on the controller only."""
        hidden = {"ssh"} if self.there.pulled else set()
        return [
            each
            for each in watcher.watched(self.there)
            if each["url"] and each["transport"] in self.transports and each["transport"] not in hidden
        ]

    def declared(self) -> list[dict[str, Any]]:
        """Return the tunnels, each with where it leads."""
        return tunnels.to_watch(self.there.tunnels)

    def accounts(self) -> dict[str, Ours]:
        """Return those of the agent and of the watcher, and the one that lets people in by SSH."""
        there = self.there
        agent = Ours(
            there.layout.user("ngrok"), "the agent's user", "Runs the ngrok agent for Reachable", services=[DAEMON]
        )
        ssh = Ours(SSH_USER, "the tunnel's user", "Reaches Jupyter by SSH for Reachable", is_closed=False)
        return {
            **({"ngrok": agent, "endpoint": watcher.account(there)} if there.scope == "system" else {}),
            **({"ssh": ssh} if "ssh" in there.transports else {}),
        }

    def services(self) -> list[Service]:
        """Return the agent and the watcher."""
        return [service(self.there), watcher.service(self.there)]

    def receipt(self) -> Receipt:
        """Return what the agent, the way in by SSH and the watcher are made of."""
        there, layout = self.there, self.there.layout
        method = there.wanted.ngrok_install_method
        has_repository, has_ssh, of_system = method == "repository", "ssh" in there.transports, there.scope == "system"
        users = [layout.user("ngrok"), layout.user("endpoint")] if of_system else []
        kept_by_us = [] if there.manager.has_runtime_folders else [layout.ngrok_runtime]
        return {
            "services": [DAEMON, watcher.DAEMON],
            "users": [*users, *([SSH_USER] if has_ssh else [])],
            "packages": ["ngrok"] if has_repository else ["ngrok-cask"] if method == "homebrew" else [],
            "files": [
                *(layout.watcher_config, layout.notify_urls),
                *([SSHD_CONFIG] if has_ssh else []),
                *([SOURCE, KEYRING] if has_repository else []),
            ],
            "folders": [
                *(layout.ngrok_etc, layout.library, layout.endpoint_dir, *kept_by_us),
                *([layout.ngrok] if method == "archive" else []),
                *([layout.ssh_etc] if has_ssh else []),
            ],
        }

    def visit(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return how the doctor gets there: by SSH with the key and the host's keys."""
        if endpoint["transport"] != "ssh":
            return super().visit(endpoint)
        there, port = self.there, self.there.wanted.jupyter_port
        return {
            "url": f"http://localhost:{port}/",
            "ssh": {
                "user": SSH_USER,
                "key_file": there.tunnel_key,
                "host_keys": host_keys(there),
                "target": f"127.0.0.1:{port}",
                "host": endpoint["host"],
                "port": endpoint["port"],
            },
        }

    def notes(self) -> list[str]:
        """Return what the account's plan allows."""
        there, plan = self.there, plans.PLANS[self.there.wanted.ngrok_plan]
        allowed = plans.requests_a_month(there)
        counted = plans.allowance(there)
        found = Allowance("", counted.used if counted else 0, allowed)
        used = [found.in_tenths, *([ADVICE] if found.is_nearly_used else [])] if allowed else []
        return [*used, *(note for each in self.endpoints() for note in plan_notes(each, plan))]


# The agent's program


def program_name(layout: Layout, wanted: Declaration) -> str:
    """Return the name or the path of the agent's program."""
    method = wanted.ngrok_install_method
    return (
        f"{layout.ngrok}/ngrok"
        if method == "archive"
        else str(wanted.ngrok_executable)
        if method == "none"
        else "ngrok"
    )


def agent_path(there: Situation) -> str:
    """Return the path of the agent's program."""
    return str(there.agent.get("path") or there.agent_program)


def archive_folder(there: Situation) -> str:
    """Return the folder into which the archive is unpacked."""
    return f"{there.layout.ngrok}/{(there.wanted.ngrok_archive_checksum or '')[-12:]}"


def record(there: Situation) -> Entry:
    """Return the file by which an agent from an archive is known again."""
    found = {key: there.agent.get(key) for key in ("sha256", "version")}
    return {"path": there.layout.ngrok_record, "content": json.dumps(found) + "\n"}


def source(there: Situation) -> Entry:
    """Return the file that makes ngrok's repository known to apt."""
    wanted = there.wanted
    text = SOURCE_TEXT.format(url=wanted.ngrok_repository_url, suite=wanted.ngrok_repository_suite, keyring=KEYRING)
    return {"path": SOURCE, "content": MANAGED + text}


def package_program(there: Situation) -> str:
    """Return the program that came with the package; empty where there is no package."""
    found = re.search(r"(?m)^/.*/ngrok$", there.content(PACKAGE_FILES))
    return found[0] if found else ""


def is_replaced(there: Situation) -> bool:
    """Tell whether another program stands where the one of our package was."""
    checksums = there.content(PACKAGE_CHECKSUMS)
    return (
        "ngrok" in there.receipt.get("packages", [])
        and there.agent.get("path") == package_program(there)
        and checksums != ""
        and str(there.agent.get("md5")) not in checksums
    )


def has_right_repository(there: Situation) -> bool:
    """Tell whether apt knows the repository. What its key looks like is known where somebody gave the checksum."""
    key, checksum = there.file(KEYRING), there.wanted.ngrok_repository_key_checksum
    is_right = (
        checksum is None or checksum.lower() == f"sha256:{hashlib.sha256(there.content(KEYRING).encode()).hexdigest()}"
    )
    return bool(not missing_entries([source(there)], there.facts) and key["state"] == "file" and is_right)


def is_installed(there: Situation) -> bool:
    """Tell whether the agent is there, and the one that is wanted."""
    method = there.wanted.ngrok_install_method
    if there.agent_version is None:
        return False
    if method == "archive":
        return archive_is_in_place(there) and there.content(there.layout.ngrok_record) == record(there)["content"]
    return method != "repository" or bool(
        package_program(there) and not is_replaced(there) and has_right_repository(there)
    )


def archive_is_in_place(there: Situation) -> bool:
    """Tell whether the program of this archive is the one that is used."""
    return bool(there.agent.get("target") == f"{archive_folder(there)}/ngrok")


def unusable(there: Situation) -> list[str]:
    """Return what is wrong with the agent that was just installed."""
    if there.agent_version is None:
        path = agent_path(there)
        return [
            f"The ngrok agent on {there.name} does not run: look at {path}, or choose another ngrok_install_method."
        ]
    return there.unusable_agent()


# Its configuration


def configuration(there: Situation) -> list[Entry]:
    """Return the agent's configuration, with the authtoken in a file of its own."""
    return [folder(there.layout.etc), folder(there.layout.ngrok_etc), token_entry(there), config_entry(there)]


def config_entry(there: Situation) -> Entry:
    """Return the configuration itself. Settings and a policy of the user's may have secrets in them."""
    wanted, version = there.wanted, there.agent_version
    user, group = there.runs_as("ngrok")
    settings = {**tunnels.common_settings(version), **wanted.ngrok_agent_settings}
    config = tunnels.agent_config(there.tunnels, version, settings, tunnels.whole_policy(wanted))
    check = [agent_path(there), "config", "check", "--config", "{path}"]
    return {
        "path": there.layout.ngrok_config,
        "owner": user,
        "group": group,
        "mode": "0600",
        "validate": [] if is_old(there) else check,
        "secret" if wanted.ngrok_traffic_policy or wanted.ngrok_agent_settings else "content": MANAGED
        + texts.yaml_text(config),
    }


def token_entry(there: Situation, owner: str | None = None) -> Entry:
    """Return the authtoken's file, which only the agent may read where its manager hands no credentials over."""
    line = f'authtoken: "{there.authtoken}"\n'
    reader = there.user["name"] if there.manager.has_credentials else there.runs_as("ngrok")[0]
    return {
        "path": there.layout.ngrok_token,
        "secret": line if is_old(there) else f"version: 3\nagent:\n  {line}",
        "owner": owner or reader,
        "mode": "0600",
    }


def is_old(there: Situation) -> bool:
    """Tell whether the agent is one of before version 3."""
    return tunnels.generation(there.agent_version) == 2  # noqa: PLR2004 - the agent's generation


# Its service


def service(there: Situation) -> Service:
    """Return the agent's service."""
    layout = there.layout
    user, group = there.runs_as("ngrok")
    return Service(
        name=DAEMON,
        description="The ngrok agent, Jupyter's tunnel",
        command=[
            *(f"{layout.tools}/bin/python", "-m", "reachable.ngrok_agent"),
            *(f"--log={layout.ngrok_log}", f"--cloud={cloud(there)}", "--secret-file", layout.ngrok_token),
            *(*tunnels.keeper_options(there.tunnels), "--", agent_path(there), "start", "--all"),
            *("--config", layout.ngrok_config, "--config", layout.ngrok_token),
        ],
        credentials=[layout.ngrok_token],
        files=file_paths([*configuration(there), *package.tunnel_entries(there)]),
        user=user,
        group=group,
        directory="/",
        environment=package.environment(layout.library),
        runtime_variable="RUNTIME_DIR",
        runtime_mode="0755",
        sandbox_profile="network",
        # The keeper counts refusals there, and whoever asks reads the last one.
        sandbox={"RuntimeDirectoryPreserve": "restart"},
    )


def cloud(there: Situation) -> str:
    """Return where the agent looks for the cloud."""
    return tunnels.cloud_address(there.wanted.ngrok_agent_settings, there.agent_version)


# The way in by SSH


def sshd_question(wanted: Declaration, layout: Layout) -> dict[str, Any] | None:
    """Return of whom the SSH server is asked; None where nobody is to come in by it."""
    is_asked = layout.scope == "system" and any(tunnel.get("transport") == "ssh" for tunnel in wanted.tunnels())
    return {"user": SSH_USER, "port": wanted.ngrok_ssh_port} if is_asked else None


def ssh_files(there: Situation) -> list[Entry]:
    """Return what lets the tunnel's user forward, and nothing else. The key is on the controller only."""
    layout, port = there.layout, there.wanted.jupyter_port
    key = {
        "path": layout.ssh_keys,
        "content": MANAGED + KEY_OPTIONS.format(port=port, key=there.controller.tunnel_public_key),
    }
    return [
        *(folder(layout.etc), folder(layout.ssh_etc)),
        {
            "path": SSHD_CONFIG,
            "content": MANAGED + SSHD_TEXT.format(user=SSH_USER, keys=layout.ssh_keys, port=port),
            "validate": ["/usr/sbin/sshd", "-t", "-f", "{path}"],
        },
        *([] if there.pulled else [key]),
    ]


def host_keys(there: Situation) -> list[str]:
    """Return the public keys of the host's SSH server."""
    return [key for path in HOST_KEYS if (key := there.content(path).strip())]


def ssh_card(there: Situation) -> dict[str, Any]:
    """Return what people type to come in by SSH, and the fingerprints to compare."""
    return {
        "user": SSH_USER,
        "key_file": there.tunnel_key,
        "public_key": there.controller.tunnel_public_key,
        "host_keys": fingerprints(host_keys(there)),
    }


def fingerprints(keys: Iterable[str]) -> list[str]:
    """Return the SHA256 fingerprints of SSH public keys, as ssh and the apps show them."""
    found = []
    for key in keys:
        kind, blob = key.split()[:2]
        digest = hashlib.sha256(base64.b64decode(blob)).digest()
        found.append(f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}")
    return found


# What people should know


def plan_notes(endpoint: Endpoint, plan: Mapping[str, int]) -> list[str]:
    """Say what people should know of a tunnel on this plan of ngrok's before they rely on it."""
    notes = []
    if endpoint["transport"] == "http" and plan.get("http_requests"):
        hours = {page: plan["http_requests"] // requests for page, requests in REQUESTS_AN_HOUR.items()}
        notes.append(
            f"This plan has {plan['http_requests']:,} requests and {plan['gigabytes']} GB a month. A JupyterLab page "
            f"that lies open uses them up in {hours['lab']} hours, the classic list of files (/nbclassic) in "
            f"{hours['nbclassic'] // 24} days, and a classic notebook hardly uses any: prefer these, and close pages."
        )
    if endpoint["transport"] == "http" and plan.get("warning_page"):
        notes.append("In Safari ngrok shows a warning page first, once a week: press Visit Site.")
    if endpoint["transport"] != "http" and plan.get("tcp_connections"):
        notes.append(
            f"This plan has {plan['tcp_connections']:,} connections a month, and needs a payment card on file."
        )
    return notes


def planned(there: Situation) -> dict[str, Any]:
    """Return what the role ngrok does."""
    return {
        "is_wanted": Ngrok(there).is_wanted,
        "is_to_do": False,
        "brew": {**there.brew, "folder": posixpath.dirname(there.brew["path"])} if there.brew else {},
        "ssh_user": SSH_USER,
        "ssh_key": there.tunnel_key,
        "undeclared": undeclared(there),
        **(wanted_agent(there) if Ngrok(there).is_wanted else {}),
    }


def undeclared(there: Situation) -> list[str]:
    """Return a sentence for each tunnel that the agent has open and nobody declared, as the watcher publishes it."""
    return [each["detail"] for each in published.undeclared(there.content(there.layout.endpoints))]


def wanted_agent(there: Situation) -> Mapping[str, Any]:
    """Return what there is to do for an agent that is wanted."""
    has_ssh = "ssh" in there.transports
    has_ssh_key = there.pulled or bool(there.controller.tunnel_public_key and there.controller.has_tunnel_key)
    missing = {
        "configuration_missing": missing_entries(configuration(there), there.facts),
        "keeper_missing": missing_entries(package.tunnel_entries(there), there.facts),
        "ssh_missing": missing_entries(ssh_files(there), there.facts) if has_ssh else [],
    }
    # The watcher's own is made with the watcher.
    ours = {name: account for name, account in Ngrok(there).accounts().items() if name != "endpoint"}
    to_do = [
        *missing.values(),
        not is_installed(there),
        has_ssh and not has_ssh_key,
        accounts.planned(there, ours),
        undeclared(there),
    ]
    return {
        **missing,
        "is_to_do": any(to_do) or services.work(there, service(there))["is_to_do"],
        "is_installed": is_installed(there),
        "program": there.agent_program,
        "archive": archive_folder(there),
        "archive_is_in_place": archive_is_in_place(there),
        "record": record(there),
        "keyring": KEYRING,
        "source": source(there),
        "package_program": package_program(there),
        "is_replaced": is_replaced(there),
        "unusable": unusable(there),
        "token_entries": [folder(there.layout.ngrok_etc), token_entry(there, owner=there.user["name"])],
        "has_ssh": has_ssh,
        "has_ssh_key": has_ssh_key,
    }
