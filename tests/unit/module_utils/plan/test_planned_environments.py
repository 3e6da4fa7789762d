"""What there is to do about the environments, what an upgrade and a rollback do, and why they do not."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from bare_host import ADA, FILE, TOKEN, Checkout, situation
from reachable.lockfile import additions
from reachable.plan import environments

TOOLS, SERVER, KERNEL = "/opt/reachable/tools", "/opt/reachable/server", "/var/lib/reachable/jupyter/kernel"
SETTLED = {TOOLS: "settled", SERVER: "settled", KERNEL: "settled"}
CONFIG = "/opt/reachable/etc/jupyter/jupyter_server_config.json"
PROVEN = {CONFIG: {**FILE, "content": json.dumps({"Reachable": {"proof_key": 64 * "a"}})}}
DAMAGED = (
    "The environments on vps are damaged, or were made for another Python than its 3.11: run './reachable up', which "
    "makes them anew, and then upgrade."
)
UNPROVEN = (
    "Jupyter on vps cannot prove yet that it is this host's, before it gets the password: run './reachable up', and "
    "then upgrade."
)
MISSING = "There is no Jupyter of Reachable on vps: install it with ./reachable up."


def texts(names: list[str]) -> list[str]:
    """Return the locks of these names, without their ends."""
    return [Checkout().text(f"requirements/{name}.txt").rstrip() for name in names]


@pytest.mark.parametrize(
    ("given", "states", "paths"),
    [
        ({}, {}, []),  # whoever only looks
        ({}, dict.fromkeys(SETTLED, "absent"), [TOOLS, SERVER, KERNEL]),
        ({}, SETTLED, []),
        ({}, {**SETTLED, SERVER: "different"}, [SERVER]),
        ({}, {**SETTLED, KERNEL: "incomplete"}, [KERNEL]),
        ({}, {**SETTLED, TOOLS: "alternative"}, [TOOLS]),
        ({"ngrok_authtoken": TOKEN}, SETTLED, [TOOLS]),
        ({"ngrok_authtoken": TOKEN}, {**SETTLED, TOOLS: "alternative"}, []),
        ({"ngrok_authtoken": TOKEN, "ngrok_transport": "none"}, SETTLED, []),
        ({"reachable_drift_schedule": "daily", "endpoint_notify_urls": ["ntfy://x"]}, SETTLED, [TOOLS]),
        ({"reachable_drift_schedule": "daily"}, SETTLED, []),
        ({"jupyter_packages": ["six"]}, SETTLED, [KERNEL]),
        ({"jupyter_requirements_file": "/tmp/requirements.txt"}, SETTLED, [KERNEL]),
    ],
)
def test_what_there_is_to_do(given: dict[str, Any], states: dict[str, str], paths: list[str]) -> None:
    there = situation(given, {"environments": states})
    assert [each["path"] for each in environments.to_settle(there)] == paths


@pytest.mark.parametrize(("given", "name"), [({}, "tools"), ({"ngrok_authtoken": TOKEN}, "tunnel")])
def test_the_tools_that_are_wanted(given: dict[str, Any], name: str) -> None:
    assert [environments.tools_wanted(situation(given))["requirements"]] == texts([name])


def test_a_new_server_is_tried_as_it_would_run() -> None:
    wanted = environments.server_wanted(situation())
    assert [wanted["requirements"]] == texts(["server"])
    assert (wanted["check_user"], wanted["check_lock_file"]) == ("jupyter", "/opt/reachable/kernel.lock")
    assert wanted["check_command"][1:] == ["trial.py", "trial.json"]
    assert {"trial.py", "trial.json", "reachable/examination.py", "reachable/__init__.py"} <= wanted[
        "check_files"
    ].keys()
    assert json.loads(wanted["check_files"]["trial.json"])["JUPYTER_PATH"] == "/opt/reachable/share/jupyter"
    assert {"CapabilityBoundingSet=", "MemoryMax=80%"} <= {*wanted["sandbox"]}
    assert 'ReadWritePaths="-/var/lib/reachable/jupyter"' in wanted["sandbox"]


def test_the_kernel_belongs_to_its_user() -> None:
    users = {"ada": {**ADA, "comment": "", "home_exists": True}}
    given = {"jupyter_user": "ada", "jupyter_packages": ["six"]}
    wanted = environments.kernel_wanted(situation(given, {"users": users}, requirements="numpy\n"))
    assert (wanted["owner"], wanted["packages"], wanted["user_requirements"]) == ("ada", ["six"], "numpy")
    assert not any(line.startswith("BindPaths=-/var") for line in wanted["sandbox"])


@pytest.mark.parametrize(
    ("scope", "facts", "last"),
    [
        ("system", {"system": {"selinux": True}}, ["ReadWritePaths=/sys/fs/selinux"]),
        ("system", {"service_manager": "supervisord"}, []),
        ("user", {"user": ADA}, []),
    ],
)
def test_where_programs_are_confined(scope: str, facts: dict[str, Any], last: list[str]) -> None:
    assert environments.kernel_wanted(situation({}, facts, scope=scope))["sandbox"][-1:] == last


def test_the_text_of_a_file_that_is_not_there_is_asked_for_by_an_upgrade_only() -> None:
    given = {"jupyter_requirements_file": "/tmp/gone.txt"}
    sentence = (
        "jupyter_requirements_file is '/tmp/gone.txt', and there is no such file here: give the absolute path of a "
        "file on this machine."
    )
    assert environments.kernel_refused(situation(given)) == sentence
    assert environments.kernel_refused(situation(given, requirements="")) == ""
    assert environments.kernel_refused(situation()) == ""


def test_what_is_looked_at() -> None:
    there = situation()
    tools, server, kernel = environments.looked_at(there.wanted, there.layout, there.project)
    assert [tools["requirements"], tools["alternative"]] == texts(["tools", "tunnel"])
    assert (server["path"], server["replace"], kernel["path"], kernel["exact"]) == (SERVER, True, KERNEL, False)
    declared = environments.looked_at_for_upgrade(there.wanted, there.layout, there.project)
    assert [(each["path"], each["replace"]) for each in declared] == [(SERVER, False), (KERNEL, False)]


@pytest.mark.parametrize(("state", "locks"), [("settled", []), ("different", ["declared"])])
def test_an_upgrade_takes_the_lock_that_is_declared(state: str, locks: list[str]) -> None:
    there = situation({}, {"environments": {SERVER: state}})
    assert [each["lock"] for each in environments.server_upgrades(there)] == locks


def test_who_did_not_look_at_the_server_does_not_upgrade_it() -> None:
    assert environments.server_upgrades(situation()) == []


def test_a_rollback_goes_back() -> None:
    before = environments.server_before(situation())
    assert (before["path"], before["lock"], before["replace"]) == (SERVER, "previous", True)


def test_a_lock_that_was_declined_is_held() -> None:
    declared = hashlib.sha256(texts(["server"])[0].encode()).hexdigest()
    for content, is_held in ((declared, True), (hashlib.sha256(b"older").hexdigest(), False)):
        there = situation({}, {"files": {f"{SERVER}.hold": {**FILE, "content": content}}})
        assert environments.is_held(there) is is_held
    assert not environments.is_held(situation())


@pytest.mark.parametrize(
    ("facts", "rollback", "upgrade"),
    [
        ({}, MISSING, MISSING),
        ({"files": PROVEN, "environments": SETTLED}, "", ""),
        ({"files": PROVEN, "environments": {**SETTLED, KERNEL: "different"}}, "", ""),
        (
            {"files": PROVEN, "environments": {**SETTLED, KERNEL: "incomplete"}},
            "",
            DAMAGED,
        ),
        # On macOS host_info looks at the places of Linux, too.
        ({"files": PROVEN, "environments": {**SETTLED, "/var/lib/other/kernel": "absent"}}, "", ""),
        (
            {"files": {CONFIG: {**FILE, "content": "{}"}}, "environments": SETTLED},
            "",
            UNPROVEN,
        ),
    ],
)
def test_why_there_is_no_way_forth_or_back(facts: dict[str, Any], rollback: str, upgrade: str) -> None:
    there = situation({}, facts)
    assert (environments.rollback_refused(there), environments.upgrade_refused(there)) == (rollback, upgrade)


def test_packages_are_told_with_their_environment() -> None:
    package = {"name": "six", "before": None, "after": "1.17.0"}
    done: list[dict[str, Any]] = [
        {"path": SERVER, "packages_changed": []},
        {"path": KERNEL, "packages_changed": [package]},
    ]
    assert environments.packages_changed(done) == [{**package, "environment": KERNEL}]


WITH_EXTENSIONS = {"jupyter_server_extensions": ["jupytext", "Jupyterlab_Git>=0.50"]}


def test_extensions_stand_behind_the_lock_of_the_server() -> None:
    there = situation(WITH_EXTENSIONS)
    [_, looked, _] = environments.looked_at(there.wanted, there.layout, there.project)
    assert looked["requirements"].startswith(texts(["server"])[0])
    assert additions(looked["requirements"]) == ["Jupyterlab_Git>=0.50", "jupytext"]
    made = environments.server_wanted(there)
    assert made["requirements"] == looked["requirements"] == environments.server_before(there)["requirements"]
    declined = hashlib.sha256(looked["requirements"].encode()).hexdigest()
    held = situation(WITH_EXTENSIONS, {"files": {f"{SERVER}.hold": {**FILE, "content": declined}}})
    assert environments.is_held(held)
    assert environments.server_wanted(situation())["requirements"] == texts(["server"])[0]


def test_extensions_bring_nothing_that_the_server_does_without_unless_it_is_asked_for() -> None:
    assert "ipykernel" in environments.server_wanted(situation(WITH_EXTENSIONS))["excludes"]
    assert "ipykernel" not in environments.excluded(situation({"jupyter_server_extensions": ["IPykernel>6"]}))


def test_what_has_no_effect_in_the_environment_of_the_kernel() -> None:
    found = {
        "server": ["jupyterlab-git-core"],
        "pages": {
            "@jupyter-widgets/jupyterlab-manager": ["^3.0.0 || ^4.0.0", "^3.0.0 || ^4.0.0"],
            "old": ["^3.0.0"],
            "mime": [],
            "any": ["*", ">=2"],
        },
    }
    part, misfit = environments.extension_warnings([{"extensions": None}, {"extensions": found}], "4.5.11")
    assert part == (
        "The kernel's environment has jupyterlab-git-core, whose part for the server is not used there: name it in "
        "jupyter_server_extensions."
    )
    assert misfit == (
        "The kernel's environment has old, which is for JupyterLab ^3.0.0 and not for 4.5.11: choose another version "
        "of its package."
    )
    assert environments.lab_version(situation().project).startswith("4.")
