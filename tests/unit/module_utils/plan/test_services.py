"""What there is to do about services."""

from __future__ import annotations

import json
from typing import Any

import bare_host
import pytest
from reachable.plan import jupyter, moves, receipts, services
from reachable.plan.service import Service
from reachable.plan.situation import Former

UNITS = "/etc/systemd/system"
WATCHER = Service(
    name="reachable-endpoint",
    description="The watcher of Jupyter's tunnel",
    command=["/bin/true"],
    user="reachable-endpoint",
    group="reachable-endpoint",
    directory="/",
    files=["/opt/reachable/etc/watcher.json"],
)
CONFIG = "/opt/reachable/etc/watcher.json"
UNIT = f"{UNITS}/reachable-endpoint.service"
RUNNING = {"state": "running", "at_boot": True, "uptime": 50, "drop_ins": []}
DROP_IN = f"{UNIT}.d/more.conf"


def text_of(path: str, service: Service = WATCHER) -> str:
    """Return what a definition says as it should be."""
    entries = services.entries(bare_host.situation(), service)
    return str(next(entry["content"] for entry in entries if entry["path"] == path))


def work(daemon: dict[str, Any] | None = None, files: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what there is to do about a service that is as it should be, but for what is given."""
    facts = {
        "daemons": {"reachable-endpoint": {**RUNNING, **(daemon or {})}},
        "files": {UNIT: {"content": text_of(UNIT)}, CONFIG: {}, **(files or {})},
    }
    return services.work(bare_host.situation({}, facts), WATCHER)


@pytest.mark.parametrize(
    ("daemon", "files", "is_to_do"),
    [
        ({}, {}, set()),
        ({"state": "stopped"}, {}, {"is_to_start"}),
        ({"state": "failed"}, {}, {"is_to_start"}),
        ({"at_boot": False}, {}, {"is_to_start"}),
        ({"drop_ins": [DROP_IN, f"{UNIT}.d/other.conf"]}, {}, {"differs"}),
        ({}, {UNIT: {"content": "[Unit]\n"}}, {"differs"}),
        # It starts with the restart that follows.
        ({"state": "absent"}, {UNIT: {"state": "absent"}}, {"differs"}),
        ({}, {CONFIG: {"age": 48.9}}, {"is_outdated"}),
        # What starts counts in whole seconds.
        ({}, {CONFIG: {"age": 49.0}}, set()),
        ({}, {CONFIG: {"state": "absent", "age": None}}, set()),
        ({}, {UNIT: {"content": text_of(UNIT), "age": 3.0}}, {"is_outdated"}),
        ({"state": "stopped"}, {CONFIG: {"age": 1.0}}, {"is_to_start"}),
    ],
)
def test_what_there_is_to_do(daemon: dict[str, Any], files: dict[str, Any], is_to_do: set[str]) -> None:
    found = work(daemon, files)
    assert {key for key in ("differs", "is_outdated", "is_silent", "is_to_start") if found[key]} == is_to_do
    assert found["is_to_do"] is bool(is_to_do)
    assert found["drop_ins"] == ([f"{UNIT}.d"] if daemon.get("drop_ins") else [])


@pytest.mark.parametrize(("age", "from_the_future"), [(10.0, []), (-1.0, []), (-86400.0, [CONFIG])])
def test_files_from_the_future_are_newer_once(age: float, from_the_future: list[str]) -> None:
    found = work(files={CONFIG: {"age": age}})
    assert (found["is_outdated"], found["from_the_future"]) == (True, from_the_future)


@pytest.mark.parametrize(
    ("silent", "state", "is_silent"),
    [([8888], "running", True), ([8888], "stopped", False), ([9999], "running", False), ([], "running", False)],
)
def test_a_service_that_hangs_is_to_be_restarted(silent: list[int], state: str, is_silent: bool) -> None:
    service = Service(**{**vars(WATCHER), "port": 8888})
    facts = {
        "daemons": {"reachable-endpoint": {**RUNNING, "state": state}},
        "files": {UNIT: {"content": text_of(UNIT)}, CONFIG: {}},
        "silent_ports": silent,
    }
    found = services.work(bare_host.situation({}, facts), service)
    assert found["is_silent"] is is_silent
    assert found["is_to_do"] is (is_silent or state != "running")


def test_a_service_that_a_timer_starts() -> None:
    service = Service(**{**vars(WATCHER), "name": "reachable-drift", "calendar": "daily"})
    timer = f"{UNITS}/reachable-drift.timer"
    drop_ins = {
        "reachable-drift": f"{UNITS}/reachable-drift.service.d/a.conf",
        "reachable-drift.timer": f"{timer}.d/b.conf",
    }
    facts: dict[str, Any] = {"daemons": {name: {"drop_ins": [path]} for name, path in drop_ins.items()}}
    bare = services.work(bare_host.situation({}, facts), service)
    assert bare["unit"] == "reachable-drift.timer"
    assert [entry["path"] for entry in bare["missing"]] == [f"{UNITS}/reachable-drift.service", timer]
    assert bare["drop_ins"] == [f"{UNITS}/reachable-drift.service.d", f"{timer}.d"]
    written = {entry["path"]: {"content": entry["content"]} for entry in bare["missing"]}
    there = bare_host.situation({}, {"daemons": {"reachable-drift.timer": RUNNING}, "files": written})
    assert not services.work(there, service)["is_to_do"]
    outdated = {**written, timer: {**written[timer], "age": 2.0}}
    facts = {"daemons": {"reachable-drift.timer": RUNNING}, "files": outdated}
    assert services.work(bare_host.situation({}, facts), service)["is_outdated"]


@pytest.mark.parametrize(
    ("manager", "folders"),
    [
        ("systemd", []),
        (
            "supervisord",
            ["/var/log/reachable 0700", "/opt/reachable/run 0755", "/opt/reachable/etc/supervisord.d 0755"],
        ),
        ("launchd", ["/var/log/reachable 0755", "/opt/reachable/run 0755"]),
    ],
)
def test_the_folders_of_a_service(manager: str, folders: list[str]) -> None:
    there = bare_host.situation({}, {"service_manager": manager, "macos": {"domain": "system"}})
    entries = services.entries(there, WATCHER)
    made = [entry for entry in entries if entry.get("state") == "directory"]
    assert [f"{entry['path']} {entry.get('mode', '0755')}" for entry in made] == folders
    own = Service(**{**vars(WATCHER), "runtime_variable": "RUNTIME_DIR", "runtime_mode": "1700"})
    more = [entry for entry in services.entries(there, own) if entry.get("state") == "directory"][len(made) :]
    names = {"supervisord": "reachable-endpoint", "launchd": "endpoint"}
    rights = {"owner": own.user, "group": own.group, "mode": "1700"}
    assert more == (
        [{"path": f"/opt/reachable/run/{names[manager]}", "state": "directory", **rights}] if manager in names else []
    )


JOBS = "/Library/LaunchDaemons"


def test_the_logs_of_launchd_are_kept_short_once() -> None:
    jupyter = Service(**{**vars(WATCHER), "name": "reachable-jupyter"})
    there = bare_host.situation({}, {"service_manager": "launchd", "macos": {"domain": "system"}})
    found = services.work(there, jupyter)
    [job] = found["logs_job"]
    assert (job["path"], found["logs_are_to_start"]) == (f"{JOBS}/reachable-logs.plist", True)
    assert services.work(there, WATCHER)["logs_job"] == []
    for state, is_neglected in (("failed", False), ("running", False), ("stopped", True), ("absent", True)):
        daemons = {"reachable-logs": {**RUNNING, "state": state}, "reachable-jupyter": RUNNING}
        entries = [job, *services.entries(there, jupyter)]
        written = {entry["path"]: {**entry, "group": "root"} for entry in entries if "content" in entry}
        folders = {entry["path"]: {"state": "directory"} for entry in entries if "content" not in entry}
        facts = {"service_manager": "launchd", "macos": {"domain": "system"}, "daemons": daemons}
        again = services.work(bare_host.situation({}, {**facts, "files": {**written, **folders}}), jupyter)
        assert (again["logs_job"], again["logs_are_to_start"]) == ([], is_neglected)
        assert again["is_to_do"] is is_neglected


@pytest.mark.parametrize(
    ("manager", "definition", "kind"),
    [
        ("systemd", f"{UNITS}/reachable-ngrok.service", "unit"),
        ("supervisord", "/opt/reachable/etc/supervisord.d/reachable-ngrok.ini", "supervisord program"),
        ("launchd", f"{JOBS}/reachable-ngrok.plist", "job"),
    ],
)
def test_a_service_by_its_name(manager: str, definition: str, kind: str) -> None:
    facts = {"service_manager": manager, "macos": {"domain": "system"}}
    absent = services.planned(bare_host.situation({}, facts), [])["reachable-ngrok"]
    assert (absent["definition"], absent["kind"], absent["unit"]) == (definition, kind, "reachable-ngrok")
    assert not absent["is_known"] | absent["is_there"] | absent["has_definition"]
    daemons = {"reachable-ngrok": {**RUNNING, "drop_ins": [DROP_IN]}}
    known = services.planned(bare_host.situation({}, {**facts, "daemons": daemons}), [])["reachable-ngrok"]
    assert (known["is_known"], known["is_there"], known["drop_ins"]) == (True, True, [f"{UNIT}.d"])
    files = bare_host.situation({}, {**facts, "files": {definition: {}}})
    written = services.planned(files, [])["reachable-ngrok"]
    assert (written["is_known"], written["is_there"], written["has_definition"]) == (False, True, True)


def test_what_is_wanted_says_more() -> None:
    found = services.planned(bare_host.situation(), [WATCHER])
    assert list(found) == list(services.NAMES)
    assert found["reachable-endpoint"]["missing"]
    assert "missing" not in found["reachable-jupyter"]


def test_the_services_of_the_scope_of_before() -> None:
    assert services.of_former(bare_host.situation()) == {}
    facts = {**bare_host.FACTS, "user": bare_host.ADA, "daemons": {**bare_host.FACTS["daemons"]}}
    facts["daemons"]["reachable-jupyter"] = RUNNING
    former = Former("user", "ada", "/home/ada/.local/share/reachable", "/home/ada/.local/state/reachable", facts)
    found = services.of_former(bare_host.situation(former=former))["reachable-jupyter"]
    assert (found["scope"], found["is_known"]) == ("user", True)
    assert found["definition"] == "/home/ada/.config/systemd/user/reachable-jupyter.service"


@pytest.mark.parametrize(
    ("manager", "listed"),
    [
        ("systemd", {}),
        ("supervisord", {"folders": ["/var/log/reachable"]}),
        ("launchd", {"services": ["reachable-logs"], "folders": ["/var/log/reachable"]}),
    ],
)
def test_what_the_receipt_lists(manager: str, listed: dict[str, list[str]]) -> None:
    assert services.receipt(bare_host.situation({}, {"service_manager": manager})) == listed


@pytest.mark.parametrize(("manager", "removed"), [("systemd", []), ("supervisord", ["reachable-jupyter", "jupyter"])])
def test_what_a_move_takes_away_comes_back_with_the_service(manager: str, removed: list[str]) -> None:
    made = {**{kind: [] for kind in receipts.KINDS}, "notebooks": ["/srv/before"]}
    files: dict[str, Any] = {"/var/lib/reachable/receipt.json": {"content": json.dumps(made)}}
    given = {"jupyter_notebook_dir": "/srv/now"}
    there = bare_host.situation(given, {"service_manager": manager, "files": files})
    [service] = jupyter.services(there)
    files |= {
        entry["path"]: {**entry, "state": entry.get("state", "file")} for entry in services.entries(there, service)
    }
    there = bare_host.situation(given, {"service_manager": manager, "files": files})
    gone = moves.moves_of(there).removed
    assert gone == [f"/opt/reachable/run/{name}" for name in removed]
    missing = [entry["path"] for entry in services.planned(there, [service], gone)["reachable-jupyter"]["missing"]]
    assert missing == [f"/opt/reachable/run/{name}" for name in removed[:1]]
