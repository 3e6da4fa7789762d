# SPDX-License-Identifier: Apache-2.0
"""What a host has against a declaration: one sentence for each thing, which says what, where, and what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reachable.versions import version_key

from . import conflicts, distributions, jupyter_service, layout, notes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from .situation import Situation

GIGABYTE = 1_000_000_000
NEW_USER = re.compile("[a-z_][a-z0-9_-]*")
LOOPBACK = re.compile(r"(127\.|::1\Z|fe80:)")
BUS = "/run/dbus/system_bus_socket"
POLKIT = "/etc/polkit-1/rules.d"
OLDEST_PYTHON_OF_ANSIBLE = "3.11"  # that ansible-core 2.19 runs on


def of_places(there: Situation) -> Iterator[str]:
    """Refuse to look elsewhere than where it lies."""
    wanted, name = there.wanted, there.name
    prefix_then, state_dir_then = places_then(there)
    if prefix_then not in {"", wanted.reachable_prefix}:
        yield (
            f"reachable_prefix is {wanted.reachable_prefix}, but on {name} Reachable lies in {prefix_then}: set it "
            "back, or run ./reachable down with that value first."
        )
    if state_dir_then not in {"", wanted.reachable_state_dir}:
        yield (
            f"reachable_state_dir is {wanted.reachable_state_dir}, but on {name} Reachable keeps it in "
            f"{state_dir_then}: set it back, or run ./reachable down with that value first."
        )
    # Its own systemd runs for as long as a person is logged in.
    is_logged_out = there.scope == "user" and there.manager.is_ours
    if is_logged_out and there.is_there(there.layout.unit("reachable-jupyter")):
        user = there.user["name"]
        yield (
            f"The services of {user} on {name} belong to systemd, which does not run for {user} now: log in there "
            f"meanwhile, or let an administrator run loginctl enable-linger {user}."
        )


def places_then(there: Situation) -> tuple[str, str]:
    """Return where it lay when the run before this one wrote the service; empty where nobody knows.

    Under supervisord the definition lies in the prefix itself, so that in another one there is none.
    """
    files = (there.layout.unit("reachable-jupyter"), there.layout.definition("reachable-jupyter"))
    unit = next(filter(None, map(there.content, files)), "")
    prefix = re.search(r'(?m)^(?:ExecStart="|\s*<string>)(/.*)/server/bin/', unit)
    state_dir = re.search(r'REACHABLE_ENDPOINTS(?:="?|</key>\s*<string>)(/[^"<\n]*)/endpoint/', unit)
    return prefix[1] if prefix else prefix_in_receipt(there), state_dir[1] if state_dir else ""


def prefix_in_receipt(there: Situation) -> str:
    """Return which other folder a receipt has, that could be the prefix."""
    folders = [*there.receipt.get("folders", []), *there.receipt.get("contents", [])]
    if not there.receipt.get("services") or there.layout.prefix in folders:
        return ""
    return ", ".join(folder for folder in folders if folder not in {there.layout.state_dir, there.layout.log_dir})


def of_host(there: Situation) -> Iterator[str]:
    """Refuse a host on which a declaration cannot be carried out."""
    yield from of_places(there)
    yield from of_system(there)
    yield from of_folders(there)
    yield from of_notebooks(there)
    yield from of_scope(there)
    yield from of_user(there)
    yield from of_network(there)
    yield from of_tunnel(there)
    yield from of_certificate(there)
    if there.wanted.reachable_drift_schedule is not None:
        yield from of_drift(there)
    yield from conflicts.lacking(there)
    if there.wanted.reachable_config_conflicts == "fail" and there.conflicts:
        yield from there.conflicts
        yield "Take that out, or set reachable_config_conflicts to warn."


def of_certificate(there: Situation) -> Iterator[str]:
    """Refuse https that cannot be."""
    wanted = there.wanted.reachable_tls
    if there.has_tunnel and wanted not in {"auto", "off"}:
        yield (
            f"reachable_tls is {wanted}, and the tunnel of {there.name} brings plain http to Jupyter: leave it out, as "
            "a tunnel over http has https of its own, or set ngrok_transport to none."
        )
    if there.certificate.scheme == "https":
        yield from notes.of_clock(there)
    yield from there.certificate.refusals()


def of_system(there: Situation) -> Iterator[str]:
    """Refuse systems on which this cannot work."""
    name, system, manager = there.name, there.facts["system"], there.manager
    if not distributions.is_supported(system):
        yield f"{name} runs {system['name']}, which is not supported: use {distributions.SUPPORTED}."
    if system["architecture"] not in distributions.ARCHITECTURES:
        yield (
            f"{name} runs programs for {system['architecture']}, for which not all packages can be had: install a "
            f"64-bit system there, for {' or '.join(distributions.ARCHITECTURES)}."
        )
    yield from of_python(there)
    if there.scope == "system" and manager.has_sandbox and not there.is_there(BUS):
        yield (
            f"{name} has no D-Bus, over which systemd is asked for the sandbox of programs: install and start it there "
            "(Debian: apt install dbus)."
        )
    lacks_polkit = not manager.has_sessions or not there.is_there(POLKIT)
    if there.wanted.reachable_keep_awake and there.layout.platform == "linux" and lacks_polkit:
        yield (
            f"reachable_keep_awake is true, but {name} does not have both systemd and polkit, which that takes: "
            "install them there (Debian: apt install polkitd), or leave it out."
        )


def of_python(there: Situation) -> Iterator[str]:
    """Refuse a host without a Python that services can use."""
    package, python = there.distribution.python, there.python
    if there.facts["python"] is None and not python.is_to_come:
        advice = f"an administrator has to install the package {package} there"
        yield (
            f"{there.name} has Python {there.facts['system']['python']}, and Jupyter needs "
            f"{layout.OLDEST_PYTHON} or newer: {advice if package else there.distribution.python_advice}."
        )
    is_hidden = there.has_tunnel or not python.path.startswith(f"{there.account.home}/")
    is_confined = there.scope == "system" and there.manager.has_sandbox
    if is_confined and layout.HOMES.match(python.path) and is_hidden:
        yield (
            f"The Python that is used on {there.name} is {python.path}, where the service cannot reach it: set "
            "ansible_python_interpreter to the system's own, /usr/bin/python3."
        )


def of_folders(there: Situation) -> Iterator[str]:
    """Refuse folders in which programs cannot be, or that are somebody's already."""
    name, prefix, state_dir = there.name, there.layout.prefix, there.layout.state_dir
    if there.scope == "system" and layout.HOMES.match(state_dir) and not there.was_installed:
        yield (
            f"reachable_state_dir is {state_dir}, where services of the system on {name} cannot look: set it to a "
            "folder outside of /home and /root, or reachable_scope to user."
        )
    if there.facts["system"]["selinux"] and there.scope == "system" and not re.match("/(opt|usr)/", prefix):
        yield (
            f"reachable_prefix is {prefix}, but SELinux on {name} lets services run programs below /opt and /usr only: "
            "set it to a folder there."
        )
    rooms = {"reachable_prefix": there.facts["paths"][prefix], "reachable_state_dir": there.facts["paths"][state_dir]}
    for variable, room in rooms.items():
        if not (room["writable"] and room["executable"]):
            yield (
                f"{variable} is {getattr(there.wanted, variable)}, but {room['nearest']} on {name} is no folder that "
                "can be written and have programs: set it to a folder elsewhere."
            )
    if strange := there.strangers([prefix, state_dir]):
        yield (
            f"{' and '.join(strange)} on {name} belongs to another user than {there.user['name']}: choose a folder "
            "that does not exist yet."
        )
    is_new = not (there.receipt or there.receipt_is_lost)
    if is_new and (occupied := [folder for folder in (prefix, state_dir) if not there.facts["paths"][folder]["empty"]]):
        yield f"{' and '.join(occupied)} on {name} holds other things already: choose a folder that does not exist yet."
    # Ansible and its collections are half a gigabyte.
    needed = 2 if there.wanted.reachable_drift_schedule is not None else 1
    free = min(room["free_bytes"] for room in rooms.values())
    if free < needed * GIGABYTE and not there.is_complete:
        yield (
            f"{name} has only {round(free / GIGABYTE, 1)} GB of the {needed} GB free that are needed below {prefix} "
            f"and {state_dir}: make room, or set reachable_prefix and reachable_state_dir to a larger disk."
        )


def of_notebooks(there: Situation) -> Iterator[str]:
    """Refuse a folder for notebooks that is somebody else's, or none."""
    name, folder = there.name, there.notebook_dir
    found, home = there.file(folder), there.layout.home
    if found["state"] not in {"absent", "directory"}:
        yield f"jupyter_notebook_dir is {folder}, which is no folder on {name}: choose another path."
    private = rf"({home}|/Users/[^/]+)/(Desktop|Documents|Downloads|Library/Mobile Documents)(/|\Z)|/Volumes(/|\Z)"
    if there.layout.platform == "macos" and re.match(private, folder):
        yield (
            f"jupyter_notebook_dir is {folder}, where macOS on {name} lets no service look: choose a folder outside of "
            "Desktop, Documents, Downloads, iCloud and /Volumes, such as ~/notebooks with its path written out."
        )
    owner = found["owner"]
    if not there.notebooks_are_ours and found["state"] == "directory" and owner != there.account.name:
        if owner == "root":
            yield (
                f"jupyter_notebook_dir is {folder}, which belongs to root on {name}, and Jupyter never runs as root: "
                "choose a folder that does not exist yet, or give that one to a user and set jupyter_user to the same."
            )
        else:
            yield (
                f"jupyter_notebook_dir is {folder}, which belongs to {owner} on {name}: set jupyter_user to {owner}, "
                "or choose another folder."
            )
    is_below = folder.startswith(f"{there.layout.jupyter_home}/")
    nearest = there.facts["paths"][folder]["nearest"]
    if found["state"] == "absent" and not is_below and nearest != folder.rpartition("/")[0]:
        yield (
            f"jupyter_notebook_dir is {folder}, and the folder above it does not exist on {name}: make that folder, or "
            "choose another one."
        )
    yield from of_moves(there)


def of_moves(there: Situation) -> Iterator[str]:
    """Refuse notebooks to move where they cannot be."""
    name, folder, before = there.name, there.notebook_dir, there.notebooks_before
    if before and sum(not room["empty"] for room in there.moves["paths"].values()) > 1:
        yield (
            f"jupyter_notebook_dir is {folder}, which holds files on {name}, and so does {' and '.join(before)}, from "
            "where notebooks would be moved: move them yourself, or choose another folder."
        )
    if any(each.startswith(f"{folder}/") or folder.startswith(f"{each}/") for each in before):
        yield (
            f"jupyter_notebook_dir is {folder}, and notebooks lie in {' and '.join(before)} now: one cannot be moved "
            "into the other, choose another folder."
        )
    known = {folder, *there.notebooks_made}
    if there.receipt_is_lost and (served := [each for each in there.served_folders if each not in known]):
        yield (
            f"jupyter_notebook_dir is {folder}, but Jupyter on {name} serves {' and '.join(served)}, and the receipt "
            f"{there.layout.receipt}, which says whose that is, is lost: set jupyter_notebook_dir to {served[0]} for "
            "one ./reachable up, which writes it anew."
        )
    if strange := strange_notebooks(there):
        yield (
            f"{' and '.join(strange)} on {name} is listed in the receipt of {person(there)}, but belongs to somebody "
            "else: take it out there, or set reachable_scope back."
        )
    former = [there.former.prefix, there.former.state_dir] if there.former else []
    if any(f"{folder}/".startswith(f"{each}/") for each in former):
        yield (
            f"jupyter_notebook_dir is {folder}, where Reachable keeps its own files on {name} until it is moved: "
            "choose another folder."
        )


def no_users(name: str) -> str:
    """Say that a macOS does not let its users go, nor others come, and what to do."""
    return (
        f"macOS on {name} lets nobody make or remove users over SSH: allow full disk access for remote users in its "
        "System Settings, below General, Sharing and the (i) of Remote Login, or run this on the machine itself."
    )


def person(there: Situation) -> str:
    """Return the person between whom and the whole machine it moves."""
    return str(there.former.user if there.former and there.former.scope == "user" else there.user["name"])


def strange_notebooks(there: Situation) -> list[str]:
    """Return folders that only a person's receipt calls theirs.

    Root moves nothing only because a person's own receipt says so, to which every notebook of theirs can write.
    """
    if not there.former:
        return []
    of_root = there.former.receipt if there.former.scope == "system" else there.receipt
    files: Mapping[str, Any] = there.moves["files"]
    owners = {"", person(there)}
    return [path for path in files if path not in of_root.get("notebooks", []) and files[path]["owner"] not in owners]


def of_scope(there: Situation) -> Iterator[str]:
    """Refuse what takes rights that nobody has there."""
    name, wanted = there.name, there.wanted
    if there.layout.platform == "macos" and there.scope == "system" and not there.facts["macos"]["may_make_users"]:
        missing = [user for user in there.users_wanted if not there.facts["users"].get(user)]
        if missing:
            yield no_users(name)
    if there.scope == "user" and wanted.jupyter_user != there.user["name"]:
        yield (
            f"jupyter_user is {wanted.jupyter_user}, but on {name} you have the rights of {there.user['name']} only, "
            "as whom Jupyter then runs: leave it out, or connect as root or as a user who may use sudo."
        )
    longest = there.manager.longest_prefix
    if len(there.layout.prefix) > longest:
        yield (
            f"reachable_prefix is {there.layout.prefix}, which is too long for the sockets below it: set it to a "
            f"folder with at most {longest} letters."
        )


def of_user(there: Situation) -> Iterator[str]:
    """Refuse a user as whom Jupyter cannot run."""
    name, account = there.name, there.account
    if not account.is_there and not NEW_USER.fullmatch(account.name):
        yield (
            f"jupyter_user is {account.name}, who does not exist on {name}: give the name of a user there, or of a new "
            "one in lower-case letters, digits, '_' and '-'."
        )
    if not account.home_is_there:
        yield (
            f"jupyter_user is {account.name}, whose home {account.home} does not exist on {name}: make that folder, or "
            "give the name of another user."
        )
    if account.is_root:
        yield f"jupyter_user is {account.name}, which is another name of root on {name}: give the name of another user."
    if there.adopts and not there.adopted_hash:
        yield (
            f"jupyter_password_adopt is true, but {account.name} on {name} has no configuration of Jupyter with a "
            "password's hash in it: set jupyter_user to whoever has one, or leave jupyter_password_adopt out."
        )


def of_network(there: Situation) -> Iterator[str]:
    """Refuse addresses at which Jupyter cannot listen."""
    if jupyter_service.needs_right(there) and not (there.scope == "system" and there.manager.has_sandbox):
        yield (
            f"jupyter_port is {there.wanted.jupyter_port}, and only root may listen below "
            f"{there.facts['first_free_port']} on {there.name}, which Jupyter never runs as: choose a higher number. "
            "With root and systemd any will do."
        )
    localhost = there.facts["localhost"]
    leads_elsewhere = "127.0.0.1" not in localhost or not all(map(LOOPBACK.match, localhost))
    if there.listens_to == "loopback" and leads_elsewhere:
        yield (
            f"Jupyter is to listen on {there.name} itself only, but the name localhost leads to "
            f"{' and '.join(localhost) or 'nothing'} there: write the line '127.0.0.1 localhost' into its /etc/hosts."
        )


def of_tunnel(there: Situation) -> Iterator[str]:
    """Refuse a tunnel that cannot be had there."""
    wanted = there.wanted
    is_chosen = wanted.ngrok_endpoints or wanted.ngrok_transport in {"tcp", "ssh"}
    is_addressed = wanted.ngrok_domain or wanted.ngrok_remote_addr
    if there.has_tunnel:
        yield from of_agent(there)
        yield from there.unusable_agent()
    elif wanted.tunnels() and (is_chosen or is_addressed):
        yield (
            "A tunnel is asked for, but there is no authtoken: set NGROK_AUTHTOKEN or ngrok_authtoken once, from "
            "https://dashboard.ngrok.com."
        )


def of_agent(there: Situation) -> Iterator[str]:
    """Refuse an agent that cannot be installed there, and ways in that the host does not have."""
    wanted, name, you = there.wanted, there.name, there.user["name"]
    method, is_macos = wanted.ngrok_install_method, there.layout.platform == "macos"
    elsewhere = "choose archive, or name an agent that is there with none and ngrok_executable."
    if method == "homebrew" and not there.brew:
        others = "archive or none, or install it from https://brew.sh" if is_macos else "repository, archive or none"
        yield f"ngrok_install_method is homebrew, which {name} does not have: choose {others}."
    owner = there.brew.get("owner", you)
    if method == "homebrew" and there.scope == "user" and owner != you:
        yield (
            f"ngrok_install_method is homebrew, which on {name} belongs to {owner}: let that user run 'brew install "
            "--cask ngrok', and set ngrok_install_method to none and ngrok_executable to its path."
        )
    if "ssh" in there.transports and is_macos:
        yield (
            f"ngrok_transport is ssh, whose user has not been made for macOS, which {name} runs: choose http or tcp."
        )
    if method == "repository" and there.scope == "user":
        yield f"ngrok_install_method is repository, which takes root, and on {name} you are {you}: {elsewhere}"
    if method == "repository" and there.scope == "system" and not there.distribution.repository:
        yield (
            f"ngrok_install_method is repository, which is for Debian and Ubuntu, and {name} runs "
            f"{there.facts['system']['name']}: {elsewhere}"
        )
    if "ssh" in there.transports and there.scope == "user":
        yield (
            f"ngrok_transport is ssh, which takes a user of its own and so root, and on {name} you are {you}: choose "
            "http or tcp."
        )
    if method == "none" and not (there.agent and there.agent_version):
        yield (
            f"ngrok_executable is {wanted.ngrok_executable}, which is no agent that everybody may run on {name}: "
            "correct the path or its rights, or let ngrok_install_method install one."
        )
    if "ssh" in there.transports and not there.facts["port_holders"][str(wanted.ngrok_ssh_port)]:
        yield (
            f"ngrok_transport is ssh, but nothing listens on port {wanted.ngrok_ssh_port} of {name}: install and start "
            "its SSH server, or set ngrok_ssh_port."
        )


def of_drift(there: Situation) -> Iterator[str]:
    """Refuse a timer that the host cannot have."""
    name, schedule = there.name, str(there.wanted.reachable_drift_schedule)
    is_set = "reachable_drift_schedule is set, but"
    if there.scope != "system":
        yield (
            f"{is_set} on {name} Reachable is for {there.user['name']} alone, and the timer works as root: leave it "
            "out."
        )
    if not there.manager.has_timers:
        yield f"{is_set} {name} has no systemd, whose timer it needs: leave it out."
    if there.facts["calendars"].get(schedule):
        yield (
            f"reachable_drift_schedule is '{schedule}', which systemd on {name} does not understand: write it like "
            "daily or Mon..Fri 06:00."
        )
    if there.facts["programs"]["git"] is None:
        yield f"{is_set} {name} has no git: install it there (Debian: apt install git)."
    version = there.python.version
    if version_key(version) < version_key(OLDEST_PYTHON_OF_ANSIBLE):
        yield (
            f"{is_set} {name} has Python {version}, and Ansible needs {OLDEST_PYTHON_OF_ANSIBLE} or newer: leave it "
            "out, or install one there and name it in ansible_python_interpreter."
        )
    vault = there.wanted.reachable_drift_vault_password_file
    if vault and there.facts["paths"][vault]["nearest"] != vault:
        yield (
            f"reachable_drift_vault_password_file is {vault}, and there is no such file on {name}: put the vault's "
            "password there, for root's eyes only."
        )


def of_port(there: Situation) -> str:
    """Say who holds Jupyter's port; empty where nobody else does."""
    holder: Mapping[str, Any] = there.facts["port_holders"].get(str(there.wanted.jupyter_port)) or {}
    if "pid" not in holder or f"{there.layout.prefix}/server" in holder["command"]:
        return ""
    how, end = how_it_was_started(holder, "sudo " if there.scope == "system" else "")
    process = f"process {holder['pid']} ({holder['command']})" if holder["pid"] else "a process"
    return (
        f"jupyter_port {there.wanted.jupyter_port} is taken on {there.name} by {process} of {holder['user']}"
        f"{how if holder['pid'] else ''}: {end}, or set jupyter_port to {holder['next_free'] or 'another number'}, "
        "which is free."
    )


def how_it_was_started(holder: Mapping[str, Any], sudo: str) -> tuple[str, str]:
    """Say how somebody else's process was started, and so what ends it for good. Reachable never does that itself."""
    unit, stays_away = holder.get("unit") or "", "and with 'disable' so that it stays away"
    kill = f"stop it with '{sudo}kill {holder['pid']}'"
    own = f"let {holder['user']} stop it with 'systemctl --user stop {unit}', {stays_away}"
    origins = {
        "service": (f", as the service {unit}", f"stop it with 'sudo systemctl stop {unit}', {stays_away}"),
        "user_service": (f", as their own service {unit}", own),
        "container": (f" in the container {unit}", "stop that container"),
        "supervisord": (" under supervisord", "stop it with supervisorctl"),
        "tmux": (" in tmux", kill),
        "screen": (" in screen", kill),
        "session": (", started by hand", kill),
        "unknown": ("", "stop it"),
    }
    return origins[holder["origin"]]
