# SPDX-License-Identifier: Apache-2.0
"""How a host is, as it matters for what is declared: what host_info found, and what was written down before."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import accounts, certificates, conflicts, distributions, layout, package, receipts, settings, tunnels, ways_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .declaration import Declaration
    from .managers import Manager
    from .project import Project

ABSENT: dict[str, Any] = {"state": "absent", "content": None, "owner": ""}
DAY = 86400
TOOLS = {"settled", "alternative"}  # as host_info calls the two locks of which a host has one


@dataclass(frozen=True)
class Former:
    """The scope in which it was installed before, where it is to move: as whom, where, and how the host is for it."""

    scope: str
    user: str
    prefix: str
    state_dir: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def content(self, path: str) -> str:
        """Return what is in a file; empty where there is none."""
        return str(self.facts.get("files", {}).get(path, ABSENT)["content"] or "")

    @property
    def receipt(self) -> receipts.Receipt:
        """Return what was made there."""
        return receipts.read(self.content(f"{self.state_dir}/receipt.json"))


@dataclass(frozen=True)
class Authority:
    """What there is of the authority for ``reachable_tls=ca``, whose folder is on the controller.

    ``root`` is its certificate in PEM, ``before`` the one of before; empty where there is none. ``key_fits`` says that
    there is the key of the former, and ``is_private`` that nobody but its owner can read that. ``controller`` is the
    name of the machine.
    """

    folder: str = ""
    root: str = ""
    before: str = ""
    key_fits: bool = False
    is_private: bool = False
    controller: str = ""

    @property
    def root_file(self) -> str:
        """Return the file with its certificate."""
        return f"{self.folder}/root.pem"

    @property
    def before_file(self) -> str:
        """Return the file with its certificate of before."""
        return f"{self.folder}/root.before.pem"

    @property
    def key_file(self) -> str:
        """Return the file with its key."""
        return f"{self.folder}/root.key"

    @property
    def is_complete(self) -> bool:
        """Tell whether it can issue certificates, and nobody else can."""
        return self.key_fits and self.is_private


@dataclass(frozen=True)
class Given:
    """What is in the files that ``tls_certificate`` and ``tls_key`` name: PEM, and whether the key fits."""

    certificate: str = ""
    key_fits: bool = False


@dataclass(frozen=True)
class Controller:
    """What only the controller has and sees.

    ``connected_to`` is the name or the address by which it found the host; None where it is the host itself.
    ``reached_at`` are the addresses that this leads to, and ``reaches_http`` tells whether port 80 of the first takes
    connections or refuses them, and does not let them wait; None where nobody has tried. ``finds_hostname`` is true
    where it finds the host, and nothing else, under the name that the host gives itself, and ``is_behind_another``
    where its SSH gets there through another machine. ``now`` is the time on its clock, in seconds since 1970, and
    ``seconds_ahead`` by how much the host's is ahead of it.
    """

    connected_to: str | None = None
    is_behind_another: bool = False
    finds_hostname: bool = False
    reached_at: tuple[str, ...] = ()
    reaches_http: bool | None = None
    has_tunnel_key: bool = False
    tunnel_public_key: str = ""
    now: float = 0
    seconds_ahead: float = 0
    authority: Authority = Authority()
    given: Given = Given()

    @property
    def address(self) -> str | None:
        """Return the first address at which it found the host, an IPv4 one where there is one; None for none."""
        return min(self.reached_at, key=lambda each: ":" in each, default=None)


@dataclass(frozen=True)
class Situation:
    """What is declared for a host, and how that host is.

    ``facts`` is what host_info returned, ``moves`` the same of the folders between which notebooks are to be moved.
    ``project`` has the files that hosts get. ``requirements`` is the text of ``jupyter_requirements_file``, or None
    where there is no such file, ``ca_certificate`` that of ``reachable_ca_certificate``, ``acme_certificate`` that of
    ``acme_ca_certificate``. ``bundle`` is what the one of ``reachable_bundle`` says of itself, and ``bundle_problem``
    why it is none. ``pulled`` is true where the host itself runs this, with a declaration that it pulled, and
    ``only_looks`` where nothing is made or changed.
    """

    name: str
    wanted: Declaration
    scope: str
    facts: Mapping[str, Any]
    former: Former | None
    moves: Mapping[str, Any]
    check_mode: bool
    project: Project
    requirements: str | None = None
    ca_certificate: str | None = None
    bundle: str | None = None
    bundle_problem: str = ""
    acme_certificate: str | None = None
    pulled: bool = False
    only_looks: bool = False
    controller: Controller = Controller()

    def file(self, path: str) -> Mapping[str, Any]:
        """Return what host_info found at a path."""
        found: Mapping[str, Any] = self.facts["files"].get(path, ABSENT)
        return found

    def is_there(self, path: str) -> bool:
        """Tell whether there is something at a path."""
        return bool(self.file(path)["state"] != "absent")

    def content(self, path: str) -> str:
        """Return what is in a file; empty where there is none."""
        return str(self.file(path)["content"] or "")

    @property
    def user(self) -> Mapping[str, Any]:
        """Return whoever the modules run as."""
        user: Mapping[str, Any] = self.facts["user"]
        return user

    def runs_as(self, service: str) -> tuple[str, str]:
        """Return the user and the group as which a service of the tunnel runs."""
        if self.scope == "user":
            return self.user["name"], self.user["group"]
        return self.layout.user(service), self.layout.user(service)

    @property
    def days_ahead(self) -> int:
        """Return by how many days the host's clock is ahead of the controller's; less than one is none."""
        return int(self.controller.seconds_ahead / DAY)

    @cached_property
    def layout(self) -> layout.Layout:
        """Return where everything lies."""
        return layout.layout_of(self.facts, self.scope, self.wanted.reachable_prefix, self.wanted.reachable_state_dir)

    @property
    def manager(self) -> Manager:
        """Return what its service manager can do."""
        return self.layout.manager

    @cached_property
    def distribution(self) -> distributions.Distribution:
        """Return what is known of its distribution."""
        return distributions.distribution_of(self.facts["system"])

    @cached_property
    def python(self) -> distributions.Python:
        """Return the Python for environments."""
        return distributions.python_of(self.facts, self.scope)

    @cached_property
    def receipt(self) -> receipts.Receipt:
        """Return what was made before, as far as it was written down."""
        return receipts.read(self.content(self.layout.receipt))

    @cached_property
    def before(self) -> Situation | None:
        """Return the same declaration in the scope of before, and how the host is for it; None without a look at it."""
        if self.former is None or not self.former.facts:
            return None
        wanted = replace(self.wanted, reachable_prefix=self.former.prefix, reachable_state_dir=self.former.state_dir)
        return replace(self, wanted=wanted, scope=self.former.scope, facts=self.former.facts, former=None)

    @cached_property
    def was_installed(self) -> bool:
        """Tell whether Reachable was here before."""
        return self.is_there(self.layout.jupyter_config) or self.is_there(self.layout.unit("reachable-jupyter"))

    @cached_property
    def receipt_is_lost(self) -> bool:
        """Tell whether there was a receipt that is gone, or that nobody can read any more."""
        return not self.receipt and (self.was_installed or self.is_there(self.layout.receipt))

    @property
    def missing_words(self) -> str:
        """Say that there is no Jupyter of ours here."""
        return f"There is no Jupyter of Reachable on {self.name}: install it with ./reachable up."

    @cached_property
    def account(self) -> accounts.Account:
        """Return the account as which Jupyter runs."""
        name = self.wanted.jupyter_user
        made = self.receipt.get("users", [])
        return accounts.notebook_account(self.facts["users"][name], name, made, self.layout.jupyter_home)

    @cached_property
    def package(self) -> bytes:
        """Return the package for the programs that run on hosts without Ansible, as hosts get it."""
        return package.archive(self.project.modules())

    # Notebooks

    @property
    def notebook_dir(self) -> str:
        """Return the folder of the notebooks."""
        return str(self.wanted.jupyter_notebook_dir)

    @cached_property
    def notebooks_made(self) -> list[str]:
        """Return the folders for notebooks that were made, in whichever scope; they are taken along."""
        former = self.former.receipt.get("notebooks", []) if self.former else []
        lost = (
            [self.folder_in_definition] if self.receipt_is_lost and self.is_own_room(self.folder_in_definition) else []
        )
        return list(dict.fromkeys([*self.receipt.get("notebooks", []), *former, *lost]))

    @cached_property
    def served_folders(self) -> list[str]:
        """Return the folders that Jupyter has served until now, as far as anything but the receipt says so."""
        return list(dict.fromkeys(filter(None, (self.folder_in_definition, self.folder_in_config))))

    @cached_property
    def folder_in_definition(self) -> str:
        """Return in which folder the service runs, which only its administrator can set; empty where nobody knows."""
        files = (self.layout.definition("reachable-jupyter"), self.layout.unit("reachable-jupyter"))
        text = next(filter(None, map(self.content, files)), "")
        found = re.search(
            r"(?m)^(?:WorkingDirectory|directory)=(/.*)$|<key>WorkingDirectory</key>\s*<string>(/[^<]*)<", text
        )
        if not found:
            return ""
        return found[1].replace("%%", "%") if found[1] else html.unescape(found[2])

    @cached_property
    def folder_in_config(self) -> str:
        """Return which folder the configuration names, to which the user of notebooks can write; empty for none."""
        try:
            found = json.loads(self.current_config or "{}")
        except ValueError:
            return ""
        server = found.get("ServerApp") if isinstance(found, dict) else None
        folder = server.get("root_dir") if isinstance(server, dict) else None
        return folder if isinstance(folder, str) and folder.startswith("/") else ""

    def is_own_room(self, folder: str) -> bool:
        """Tell whether a folder is where nobody but Reachable makes folders for notebooks."""
        return folder.startswith((f"{self.layout.state_dir}/", f"{self.layout.prefix}/"))

    @cached_property
    def notebooks_before(self) -> list[str]:
        """Return where notebooks lay before, and lie no more."""
        return [folder for folder in self.notebooks_made if folder != self.notebook_dir]

    @cached_property
    def notebooks_are_ours(self) -> bool:
        """Tell whether we make the folder of the notebooks, and it was not somebody's before."""
        is_below = self.notebook_dir.startswith(f"{self.layout.jupyter_home}/")
        return is_below or not self.is_there(self.notebook_dir) or self.notebook_dir in self.notebooks_made

    # The tunnel

    @cached_property
    def authtoken(self) -> str:
        """Return the authtoken: a host that was given one once has it. It is a secret."""
        kept = self.content(self.layout.ngrok_token)
        former = self.former.content(f"{self.former.prefix}/etc/ngrok/authtoken.yml") if self.former else ""
        found = re.search('authtoken: "([^"]*)"', kept or former)
        return self.wanted.ngrok_authtoken or (found[1] if found else "")

    @cached_property
    def has_tunnel(self) -> bool:
        """Tell whether a tunnel is wanted, and can be."""
        return ways_in.has_tunnel(self)

    @cached_property
    def tunnels(self) -> list[tunnels.Wanted]:
        """Return the tunnels that are wanted, each with where on the host it leads."""
        entries = self.wanted.tunnels() if self.has_tunnel else []
        return tunnels.tunnel_endpoints(entries, self.wanted.jupyter_port, self.wanted.ngrok_ssh_port)

    @cached_property
    def transports(self) -> list[str]:
        """Return the transports of the tunnels."""
        return list(dict.fromkeys(tunnel["transport"] for tunnel in self.tunnels))

    @cached_property
    def agent(self) -> Mapping[str, Any]:
        """Return what host_info found of the agent's program; nothing where there is none that runs."""
        found: Mapping[str, Any] = self.facts["programs"].get(self.agent_program) or {}
        return found

    @property
    def agent_program(self) -> str:
        """Return the name or the path of the agent's program."""
        return ways_in.ngrok.program_name(self.layout, self.wanted)

    @property
    def card_dir(self) -> str:
        """Return the folder on the controller with the cards of the host."""
        return f"{self.wanted.reachable_cards_dir}/{self.name}"

    @property
    def tunnel_key(self) -> str:
        """Return the file on the controller with the key of those who come in by SSH."""
        return f"{self.wanted.reachable_secrets_dir}/{self.name}/tunnel_ssh_key"

    @cached_property
    def agent_version(self) -> str | None:
        """Return the version of the agent. Check mode does not bring back one that was replaced."""
        recorded = re.search('"version": "([0-9.]+)"', self.content(self.layout.ngrok_record))
        return self.agent.get("version") or (recorded[1] if recorded and self.check_mode else None)

    @cached_property
    def brew(self) -> Mapping[str, Any]:
        """Return Homebrew's own program, and to whom it belongs; nothing where there is none."""
        return next((self.file(path) for path in ways_in.ngrok.BREWS if self.is_there(path)), {})

    # The ways in

    @cached_property
    def ways(self) -> list[ways_in.WayIn]:
        """Return the ways in that are wanted."""
        return ways_in.wanted_ways(self)

    @cached_property
    def listens_to(self) -> str:
        """Return where Jupyter listens. Behind a tunnel nobody else need reach the port."""
        if self.wanted.jupyter_listen != "auto":
            return self.wanted.jupyter_listen
        return "loopback" if self.has_tunnel else "lan"

    @cached_property
    def certificate(self) -> certificates.Provider:
        """Return how Jupyter is to have a certificate."""
        return certificates.provider(self)

    # What there is

    @cached_property
    def users_wanted(self) -> list[str]:
        """Return the accounts that are ours."""
        return [
            *([self.account.name] if self.account.is_ours else []),
            *ways_in.receipt(self).get("users", []),
        ]

    @cached_property
    def needs_tunnel_tools(self) -> bool:
        """Tell whether the tools are to have what a tunnel and messages take."""
        tells = self.wanted.reachable_drift_schedule is not None and bool(self.wanted.endpoint_notify_urls)
        return self.has_tunnel or tells

    @cached_property
    def environments(self) -> dict[str, str]:
        """Return how each environment is, by its path, in the words of host_info.

        Whether the host has an authtoken, and so which tools it should have, was not known when it was looked at.
        """
        tools = self.layout.tools
        right = "alternative" if self.needs_tunnel_tools else "settled"
        found = dict(self.facts["environments"])
        if found.get(tools) in TOOLS:
            found[tools] = "settled" if found[tools] == right else "different"
        return found

    @cached_property
    def environment_states(self) -> list[str]:
        """Return how the environments are that lie where they should. On macOS others were looked at, too."""
        places = tuple(f"{folder}/" for folder in (self.layout.prefix, self.layout.state_dir))
        # Which certificate it is to have was not known when it was looked at.
        needless = set() if self.certificate.kind == "acme" else {self.layout.acme_environment}
        found = self.environments.items()
        return [state for path, state in found if path.startswith(places) and path not in needless]

    @property
    def is_complete(self) -> bool:
        """Tell whether all environments are as they should be."""
        return all(state == "settled" for state in self.environment_states)

    @cached_property
    def current_config(self) -> str:
        """Return the configuration that the host has now, with the hash and the key; empty where it has none."""
        former = f"{self.former.prefix}/etc/jupyter/jupyter_server_config.json" if self.former else ""
        return self.content(self.layout.jupyter_config) or (self.former.content(former) if self.former else "")

    @cached_property
    def current_hash(self) -> str:
        """Return the hash of the password that the host has now; empty where it has none."""
        found = re.search('"hashed_password": "([^"]*)"', self.current_config)
        return found[1] if found else ""

    @cached_property
    def current_proof_key(self) -> str:
        """Return the key by which Jupyter proves that it is this host's; empty where it has none."""
        found = re.search('"proof_key": "([0-9a-f]{64})"', self.current_config)
        return found[1] if found else ""

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Return the configuration of Jupyter. What people add to it may be secret."""
        return settings.whole_settings(self)

    @cached_property
    def conflicts(self) -> list[str]:
        """Return a sentence for each setting in somebody's own configuration of Jupyter that is another than ours."""
        return conflicts.sentences_of(self, self.settings)

    @cached_property
    def adopts(self) -> bool:
        """Tell whether the hash in a person's own configuration is taken over, which is done once."""
        return self.wanted.jupyter_password_adopt and not self.current_hash

    @cached_property
    def adopted_hash(self) -> str:
        """Return that hash; empty where there is none."""
        return str(self.adopted_password.get("hash", ""))

    @property
    def adopted_password(self) -> Mapping[str, Any]:
        """Return the password in a person's own configuration, with file and line; nothing where there is none."""
        found: Mapping[str, Any] = (self.facts["jupyter_config"] or {}).get("password") or {}
        return found

    def strangers(self, folders: Iterable[str]) -> list[str]:
        """Return the folders that are there and belong to somebody else than whoever the modules run as."""
        return [folder for folder in folders if self.file(folder)["owner"] not in {"", self.user["name"]}]

    def unusable_agent(self) -> list[str]:
        """Return what is wrong with an agent that is there, for what is asked of it."""
        version = self.agent_version
        if version is None:
            return []
        policy = tunnels.whole_policy(self.wanted)
        return [
            *tunnels.agent_setting_problems(self.wanted.ngrok_agent_settings, version),
            *tunnels.policy_problems(policy, version),
        ]
