# SPDX-License-Identifier: Apache-2.0
"""The files that make a service known to its manager, as text."""

from __future__ import annotations

import plistlib
import posixpath
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .layout import Layout
    from .service import Service

MANAGED = "Written by Reachable. A change here is taken back by the next run."
MISSED = (
    "# What was missed while the machine was off is made up for, and not all machines of a fleet begin in the same "
    "second."
)
# launchd never opens a log anew, so one that becomes too long is copied and emptied: whoever has it open writes on at
# its end.
SHORTEN_LOGS = (
    'cd "$0" || exit; for log in *.log; do [ "$(wc -c <"$log")" -gt 10000000 ] || continue; '
    'for part in 2 1; do [ ! -e "$log.$part" ] || mv -f "$log.$part" "$log.$((part + 1))"; done; '
    'cp -p "$log" "$log.1" && : >"$log"; done'
)


def environment_of(service: Service, layout: Layout) -> dict[str, str]:
    """Return the environment of a service, with the folder for its sockets where it asks for one."""
    own = {service.runtime_variable: layout.runtime_folder(service.name)} if service.runtime_variable else {}
    return {**service.environment, **own}


def written(lines: Iterable[str]) -> str:
    """Join lines to the text of a file."""
    return "".join(f"{line}\n" for line in lines)


# systemd


def systemd_service(service: Service, layout: Layout, sandbox: Iterable[str]) -> str:
    """Write a service as systemd reads it, systemd.service(5)."""
    return written(
        [
            *(f"# {MANAGED}", "[Unit]", f"Description={service.description}"),
            *(["Wants=network-online.target", "After=network-online.target"] if layout.scope == "system" else []),
            *("StartLimitIntervalSec=0", "", "[Service]"),
            *systemd_process(service, layout),
            *("", "# The sandbox", *sandbox),
            *([] if service.calendar else systemd_install("multi-user" if layout.scope == "system" else "default")),
        ]
    )


def systemd_process(service: Service, layout: Layout) -> Iterator[str]:
    """Write what systemd starts, and how that ends."""
    yield from ["Type=oneshot", "# Notebooks come first.", "Nice=10"] if service.calendar else ["Type=exec"]
    if layout.scope == "system":
        yield from (f"User={service.user}", f"Group={service.group}")
    yield f"WorkingDirectory={service.directory}"
    yield "ExecStart=" + " ".join(f'"{part}"' for part in systemd_command(service))
    yield from (f"LoadCredential={posixpath.basename(path)}:{path}" for path in service.credentials)
    for name, value in environment_of(service, layout).items():
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
        yield f'Environment="{name}={escaped}"'
    if service.runtime_variable:
        yield from (f"RuntimeDirectory={service.name}", f"RuntimeDirectoryMode={service.runtime_mode}")
    yield "UMask=0077"
    if not service.calendar:
        yield from ("Restart=always", "RestartSec=1")
    yield from ("KillMode=mixed", "TimeoutStopSec=20")
    yield from ("# One notebook that takes all the memory must not end the others.", "OOMPolicy=continue")


def systemd_command(service: Service) -> list[str]:
    """Return the command with credentials where systemd puts them, in a folder that only the service sees."""
    return [
        f"${{CREDENTIALS_DIRECTORY}}/{posixpath.basename(part)}" if part in service.credentials else part
        for part in service.command
    ]


def systemd_timer(service: Service) -> str:
    """Write when a service is started, systemd.timer(5)."""
    return written(
        [
            *(f"# {MANAGED}", "[Unit]", f"Description={service.description}"),
            *("", "[Timer]", f"OnCalendar={service.calendar}"),
            MISSED,
            *("Persistent=yes", "RandomizedDelaySec=1min", "FixedRandomDelay=yes"),
            *systemd_install("timers"),
        ]
    )


def systemd_install(target: str) -> list[str]:
    """Write what starts a unit at boot."""
    return ["", "[Install]", f"WantedBy={target}.target"]


# supervisord


def supervisord_config(layout: Layout) -> str:
    """Write the configuration of supervisord itself."""
    etc = f"{layout.prefix}/etc"
    return written(
        [
            *(f"; {MANAGED}", "[unix_http_server]", f"file={layout.supervisord_socket}", "chmod=0700"),
            *("", "[supervisord]", f"logfile={layout.log_dir}/supervisord.log", f"pidfile={etc}/supervisord.pid"),
            *(["user=root"] if layout.scope == "system" else []),
            *("", "[rpcinterface:supervisor]"),
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
            *("", "[supervisorctl]", f"serverurl=unix://{layout.supervisord_socket}"),
            *("", "[include]", f"files={etc}/supervisord.d/*.ini"),
        ]
    )


def supervisord_program(service: Service, layout: Layout) -> str:
    """Write a service as supervisord reads it."""
    environment = environment_of(service, layout).items()
    return written(
        [
            *(f"; {MANAGED}", f"[program:{service.name}]"),
            "command=" + shlex.join(service.command).replace("%", "%%"),
            "directory=" + service.directory.replace("%", "%%"),
            *([f"user={service.user}"] if layout.scope == "system" else []),
            "umask=077",
            "environment=" + ",".join(f'{name}="{value}"' for name, value in environment).replace("%", "%%"),
            *("autostart=true", "autorestart=true", "startsecs=1", "startretries=1000000"),
            *("stopsignal=TERM", "stopwaitsecs=20", "killasgroup=true", "redirect_stderr=true"),
            f"stdout_logfile={layout.log_dir}/{service.name}.log",
            *("stdout_logfile_maxbytes=10MB", "stdout_logfile_backups=3"),
        ]
    )


# launchd


def launchd_job(service: Service, layout: Layout, domain: str) -> str:
    """Write a service as launchd reads it. ``domain`` is the one in which it runs."""
    log = f"{layout.log_dir}/{service.name}.log"
    if layout.scope == "system":
        rights = {"UserName": service.user, "GroupName": service.group}
    else:
        # Without a login at the screen there is only one kind of session for it.
        rights = {"LimitLoadToSessionType": "Background"} if domain.startswith("user/") else {}
    # What launchd itself gives is not the same in all its releases.
    common = {"LOGNAME": service.user, "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "USER": service.user}
    return property_list(
        {
            "Label": service.name,
            "ProgramArguments": service.command,
            "WorkingDirectory": service.directory,
            "EnvironmentVariables": {**common, **environment_of(service, layout)},
            "KeepAlive": True,
            "ExitTimeOut": 20,
            "ProcessType": "Standard",
            "Umask": "077",
            "StandardOutPath": log,
            "StandardErrorPath": log,
            **rights,
        }
    )


def launchd_logs_job(name: str, layout: Layout) -> str:
    """Write the job that keeps the logs of all services short."""
    return property_list(
        {
            "Label": name,
            "ProgramArguments": ["/bin/sh", "-c", SHORTEN_LOGS, layout.log_dir],
            "StartInterval": 3600,
            "LimitLoadToSessionType": ["Aqua", "Background", "System"],
        }
    )


def property_list(definition: Mapping[str, Any]) -> str:
    """Write a definition as launchd reads it, launchd.plist(5)."""
    text = plistlib.dumps(definition, sort_keys=False).decode()
    return text.replace("<plist ", f"<!-- {MANAGED} -->\n<plist ", 1)
