"""What a plan is for a host, and how that host is once somebody has acted on it."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from bare_host import SPECS
from reachable.plan import entries, jupyter, make, steps

if TYPE_CHECKING:
    from reachable.plan.situation import Situation

RUNNING = {"state": "running", "at_boot": True, "uptime": 100, "drop_ins": []}
RECORD = make.Record(
    values={},
    specs=SPECS,
    recalled={"file": "/given/host.yml", "is_there": False, "found": {}, "given": [], "declared": [], "specs": SPECS},
    scopes={},
    takes="given",
    is_writable=True,
    steps=[*steps.NEEDS],
)


def planned(host: Situation) -> dict[str, Any]:
    """Return the plan for a host."""
    return make.make(host, RECORD)


def missing(plan: dict[str, Any]) -> list[entries.Entry]:
    """Return all files and folders that a plan wants to be made."""
    server, ngrok, watcher = plan["jupyter"], plan["ngrok"], plan["endpoint"]["watcher"]
    return [
        *(server["folders_missing"] + server["extension_missing"] + server["awake_rules_missing"]),
        *server["folders_missing_afterwards"],
        *(
            entry
            for kind in ("configuration_missing", "keeper_missing", "ssh_missing")
            for entry in ngrok.get(kind, [])
        ),
        *(entry for kind in ("programs_missing", "configuration_missing") for entry in watcher.get(kind, [])),
        *(entry for service in plan["services"].values() for entry in service.get("missing", [])),
        *(entry for service in plan["services"].values() for entry in service.get("logs_job", [])),
        *plan["receipt"]["entries"],
    ]


def acted_on(host: Situation, plan: dict[str, Any]) -> Situation:
    """Return the host as it is after somebody has acted on a plan."""
    config = plan["jupyter"]["config"]
    settings = json.loads(json.dumps(config["settings"]))
    settings["PasswordIdentityProvider"]["hashed_password"] = "argon2:hash"
    settings.setdefault("Reachable", {})["proof_key"] = 64 * "0"
    text = json.dumps(settings, indent=2, sort_keys=True) + "\n"
    rights = {"owner": config["owner"], "group": config["group"], "mode": "0600"}
    made = [entries.wanted(entry, host.user) for entry in missing(plan)]
    files = {each["path"]: {"age": 1000.0, "content": None, **each} for each in made}
    files[config["path"]] = {"state": "file", "age": 1000.0, "content": text, **rights}
    users = {
        each["name"]: {
            **{key: each[key] for key in ("name", "home", "comment")},
            "uid": 990,
            "group": each["name"],
            "groups": [],
            "shell": host.distribution.no_shell,
            "expired": each["is_closed"],
            "home_exists": True,
            "lingers": False,
            "in_session": False,
        }
        for each in plan["accounts"].values()
    }
    tools = "alternative" if host.has_tunnel else "settled"
    environments = {host.layout.tools: tools, host.layout.server: "settled", host.layout.kernel: "settled"}
    facts = {
        **host.facts,
        "files": {**host.facts["files"], **files},
        "users": {**host.facts["users"], **users},
        "environments": environments,
        "daemons": {
            name: RUNNING if name in plan["services"] else found for name, found in host.facts["daemons"].items()
        },
        "user": {**host.user, "lingers": jupyter.may_linger(host)},
    }
    return dataclasses.replace(host, facts=facts)
