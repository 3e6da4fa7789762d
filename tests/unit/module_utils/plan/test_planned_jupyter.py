"""What of Jupyter is missing on a host, its service, and what there is to tell about it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bare_host import ADA, FILE, FOLDER, ROOM, ROOT, ROOT_USER, TOKEN, situation
from reachable.plan import bundle, jupyter, jupyter_files, receipts
from reachable.plan.entries import missing_entries, wanted
from reachable.plan.moves import moves_of
from reachable.plan.situation import Former, Situation

CONFIG = "/opt/reachable/etc/jupyter/jupyter_server_config.json"
HOME = "/var/lib/reachable/jupyter"
RULE = "/etc/polkit-1/rules.d/50-reachable-awake.rules"
HASH = "argon2:$argon2id$v=19$m=10240,t=10,p=8$c29tZXNhbHQ$" + 43 * "A"
KEY = 64 * "a"
CLOSED = {
    "name": "jupyter",
    "uid": 999,
    "home": "/var/lib/reachable/home",
    "home_exists": True,
    "shell": "/usr/sbin/nologin",
    "comment": "Runs Jupyter for Reachable",
    "group": "jupyter",
    "groups": [],
    "expired": True,
    "lingers": False,
    "in_session": False,
}
PERSON = {"user": {**ADA, "lingers": True, "may_linger": True, "becomes_root": False}}
OF_ADA: dict[str, Any] = {
    "reachable_prefix": "/home/ada/.local/share/reachable",
    "reachable_state_dir": "/home/ada/.local/state/reachable",
    "jupyter_notebook_dir": "/home/ada",
    "jupyter_user": "ada",
}


def of_ada(**facts: Any) -> Situation:
    """Return a host where it is for a person alone."""
    users = {"ada": {**ADA, "comment": "", "home_exists": True}}
    return situation(OF_ADA, {**PERSON, "users": users, **facts}, scope="user")


def converged(given: dict[str, Any] | None = None) -> Situation:
    """Return a host after all that is missing was made, as host_info finds it then."""
    facts: dict[str, Any] = {"users": {"jupyter": CLOSED}, "files": {"/etc/polkit-1/rules.d": FOLDER}}
    there = situation(given, facts)
    entries = [
        *jupyter_files.folders(there),
        *jupyter_files.extension(there),
        *jupyter_files.awake_rules(there),
        jupyter_files.notebooks(there),
    ]
    facts["files"] |= {entry["path"]: {**FILE, **wanted(entry, ROOT_USER)} for entry in entries}
    settings = json.loads(json.dumps(there.settings))
    settings["PasswordIdentityProvider"]["hashed_password"] = HASH
    settings["Reachable"] = {"proof_key": KEY}
    content = json.dumps(settings, indent=2, sort_keys=True) + "\n"
    facts["files"][CONFIG] = {**FILE, "owner": "jupyter", "group": "jupyter", "mode": "0600", "content": content}
    paths = (there.layout.tools, there.layout.server, there.layout.kernel)
    return situation(given, {**facts, "environments": dict.fromkeys(paths, "settled")})


def receipt(**made: list[str]) -> dict[str, Any]:
    """Return a receipt as the file in which it is found."""
    content = json.dumps({kind: made.get(kind, []) for kind in receipts.KINDS})
    return {"/var/lib/reachable/receipt.json": {**FILE, "content": content}}


def without(there: Situation, path: str) -> Situation:
    """Return a host on which a file is missing."""
    files = {name: found for name, found in there.facts["files"].items() if name != path}
    return situation({}, {**there.facts, "files": files})


@pytest.mark.parametrize("given", [{}, {"reachable_keep_awake": True}])
def test_nothing_is_missing_once_all_was_made(given: dict[str, Any]) -> None:
    planned = jupyter.planned(converged(given))
    missing = {key: value for key, value in planned.items() if key.endswith(("_missing", "_differs", "_to_settle"))}
    assert {key for key, value in missing.items() if value} == set()
    assert planned["is_installed"]
    assert (planned["current_hash"], planned["current_proof_key"]) == (HASH, KEY)
    assert planned["restart_handlers"] == []


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/opt/reachable/share/jupyter/kernels/python3/kernel.json", "folders_missing"),
        ("/opt/reachable/share/jupyter/pages/static/reachable/icon.png", "folders_missing"),
        (f"{HOME}/notebooks", "folders_missing"),
        ("/var/lib/reachable/home", "folders_missing"),
        ("/opt/reachable/etc/jupyter/reachable_login.py", "extension_missing"),
        ("/opt/reachable/etc/jupyter/defaults/jupyter_lab_config.json", "extension_missing"),
    ],
)
def test_what_somebody_removed_is_missing(path: str, key: str) -> None:
    planned = jupyter.planned(without(converged(), path))
    assert [entry["path"] for entry in planned[key]] == [path]
    assert not planned["is_installed"]


def test_the_configuration_is_compared_apart_from_hash_and_key() -> None:
    there = converged()
    assert not jupyter.config_differs(there)
    assert jupyter.config_differs(without(there, CONFIG))
    assert jupyter.config_differs(situation({"jupyter_port": 9999}, dict(there.facts)))
    opened = {**there.facts["files"], CONFIG: {**there.facts["files"][CONFIG], "mode": "0644"}}
    assert jupyter.config_differs(situation({}, {**there.facts, "files": opened}))


def test_the_configuration_is_written_as_the_module_writes_it() -> None:
    import jupyter_config  # noqa: PLC0415 - the module

    there = converged({"jupyter_settings": {"Reachable": {"mine": 1}, "MyApp": {"name": "Café"}}})
    written = jupyter_config.render(there.settings, HASH, KEY)
    assert there.content(CONFIG) != written  # Reachable.mine
    files = {**there.facts["files"], CONFIG: {**there.facts["files"][CONFIG], "content": written}}
    again = situation({"jupyter_settings": there.wanted.jupyter_settings}, {**there.facts, "files": files})
    assert not jupyter.config_differs(again)


def test_a_bare_host_gets_everything() -> None:
    states = dict.fromkeys(("/opt/reachable/tools", "/opt/reachable/server", f"{HOME}/kernel"), "absent")
    planned = jupyter.planned(situation({}, {"environments": states}))
    assert not planned["is_installed"]
    assert planned["config_differs"]
    assert len(planned["environments_to_settle"]) == 3
    assert planned["restart_handlers"] == ["Restart reachable-jupyter"]
    paths = [entry["path"] for entry in planned["folders_missing"]]
    assert {"/opt/reachable", "/var/lib/reachable/home", HOME, f"{HOME}/notebooks"} <= {*paths}
    # A folder comes before what is in it.
    assert all(
        path.rpartition("/")[0] in (*paths[:number], "", "/opt", "/var/lib") for number, path in enumerate(paths)
    )


def test_a_host_of_which_only_the_receipt_is_known() -> None:
    files = receipt(users=["jupyter"], notebooks=[f"{HOME}/notebooks"])
    planned = jupyter.planned(situation({}, {"files": files}))
    assert planned["environments_to_settle"] == []
    assert (planned["current_hash"], planned["is_held"]) == ("", False)
    assert planned["rollback_refused"]


def test_what_is_handed_over_is_not_missing() -> None:
    there = converged()
    users = {**there.facts["users"], "ada": {**ADA, "comment": "", "home_exists": True}}
    files = {**there.facts["files"], **receipt(notebooks=[f"{HOME}/notebooks"])}
    facts = {**there.facts, "users": users, "files": files}
    there = situation({"jupyter_user": "ada"}, facts)
    planned = jupyter.planned(there)
    assert planned["folders_missing"] == []
    assert jupyter.accounts(there) == {}
    assert planned["config"]["owner"] == "ada"


def test_folders_in_what_is_handed_over_are_made_afterwards() -> None:
    users = {"ada": {**ADA, "comment": "", "home_exists": True}}
    files = {HOME: {**FOLDER, "owner": "ada", "mode": "0700"}}  # as a run leaves it that was cut
    there = situation({}, {"files": files, "users": {"jupyter": None, **users}})
    planned = jupyter.planned(there)
    assert [entry["path"] for entry in planned["folders_missing_afterwards"]] == [f"{HOME}/notebooks"]
    assert not any(entry["path"].startswith(HOME) for entry in planned["folders_missing"])
    assert moves_of(there).hand_over == [HOME]


@pytest.mark.parametrize(("empty", "is_made"), [(True, True), (False, False)])
def test_a_folder_that_notebooks_are_moved_to_is_not_made(empty: bool, is_made: bool) -> None:
    seen = {"paths": {"/srv/old": {**ROOM, "empty": empty}}, "files": {"/srv/old": {**FOLDER, "owner": "jupyter"}}}
    there = situation({}, {"files": receipt(notebooks=["/srv/old"])}, moves=seen)
    missing = [entry["path"] for entry in jupyter.planned(there)["folders_missing"]]
    assert (f"{HOME}/notebooks" in missing) is is_made


def test_everything_that_is_looked_up_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()

    class Found(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            asked.add(path)
            return super().get(path, default)

    def missing(entries: list[dict[str, Any]], host: dict[str, Any]) -> list[dict[str, Any]]:
        asked.update(entry["path"] for entry in entries)
        return missing_entries(entries, host)

    monkeypatch.setattr(jupyter, "missing_entries", missing)
    for given in ({"ngrok_authtoken": TOKEN}, {"reachable_keep_awake": True}):
        there = converged(given)
        facts = {**there.facts, "files": Found(there.facts["files"])}
        jupyter.planned(Situation(**{**vars_of(there), "facts": facts}))
    known = {*jupyter.files(there.layout, there.wanted)}
    # What the situation itself reads, and others look at.
    others = {there.layout.receipt, there.layout.unit("reachable-jupyter"), "/opt/reachable/etc/ngrok/authtoken.yml"}
    others |= {*bundle.files(there.layout)}
    assert asked - others <= known
    assert known - asked == {there.layout.server}  # of the service, which is restarted where it is newer


def vars_of(there: Situation) -> dict[str, Any]:
    """Return what a situation was made of."""
    return {name: getattr(there, name) for name in Situation.__dataclass_fields__}


@pytest.mark.parametrize(
    ("distribution", "given", "groups"),
    [
        ("debian", {}, []),
        ("opensuse-leap", {}, ["jupyter"]),
        ("opensuse-leap", {"ngrok_authtoken": 49 * "2"}, ["jupyter", "reachable-ngrok", "reachable-endpoint"]),
    ],
)
def test_groups_that_are_not_made_with_their_users(distribution: str, given: dict[str, Any], groups: list[str]) -> None:
    facts = {"system": {"distribution": distribution, "release": "15.6"}, "users": {"reachable-tunnel": None}}
    assert jupyter.groups_missing(situation(given, facts)) == groups


@pytest.mark.parametrize(
    ("manager", "lingers", "may_linger", "needs_may_is_missing"),
    [
        ("systemd", True, False, (True, True, False)),
        ("systemd", False, True, (True, True, True)),
        ("systemd", False, False, (True, False, False)),
        ("supervisord", False, True, (False, False, False)),
    ],
)
def test_services_of_a_person_go_on(
    manager: str, lingers: bool, may_linger: bool, needs_may_is_missing: tuple[bool, bool, bool]
) -> None:
    user = {**PERSON["user"], "lingers": lingers, "may_linger": may_linger}
    there = of_ada(user=user, service_manager=manager)
    is_missing = jupyter.planned(there)["lingering_is_missing"]
    assert (jupyter.needs_lingering(there), jupyter.may_linger(there), is_missing) == needs_may_is_missing
    assert jupyter.receipt(there).get("lingering", []) == (["ada"] if jupyter.may_linger(there) else [])


def test_for_the_whole_machine_nobody_lingers() -> None:
    there = situation({}, {"user": {**ROOT_USER, "may_linger": True}})
    assert not jupyter.needs_lingering(there)
    assert not jupyter.may_linger(there)


def test_the_service_of_the_whole_machine() -> None:
    [service] = jupyter.services(situation({"jupyter_sandbox": {"MemoryMax": "1G", "PrivateTmp": None}}))
    assert (service.user, service.group, service.directory) == ("jupyter", "jupyter", f"{HOME}/notebooks")
    assert service.environment == {
        "HOME": HOME,
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PATH": f"{HOME}/kernel/bin:/usr/local/bin:/usr/bin:/bin",
        "JUPYTER_CONFIG_PATH": f"/opt/reachable/etc/jupyter:{HOME}/.jupyter:/opt/reachable/etc/jupyter/defaults",
        "JUPYTER_CONFIG_DIR": f"{HOME}/.jupyter",
        "JUPYTER_PATH": "/opt/reachable/share/jupyter",
        "REACHABLE_ENDPOINTS": "/var/lib/reachable/endpoint/endpoint.json",
    }
    assert service.sandbox == {"MemoryMax": "1G", "PrivateTmp": None}
    assert (service.home_shows, service.account_home) == (HOME, "/var/lib/reachable/home")
    assert service.writable_paths == [HOME, f"{HOME}/notebooks"]
    assert {CONFIG, "/opt/reachable/server", "/opt/reachable/etc/jupyter/reachable_proof.py"} <= {*service.files}


def test_the_service_of_a_person() -> None:
    [service] = jupyter.services(of_ada(ca_bundle="/etc/ssl/certs/ca-certificates.crt"))
    home = "/home/ada/.local/state/reachable/jupyter"
    assert service.environment["HOME"] == "/home/ada"
    etc = "/home/ada/.local/share/reachable/etc/jupyter"
    folders = [etc, "/home/ada/.jupyter", f"{home}/.jupyter", f"{etc}/defaults"]
    assert service.environment["JUPYTER_CONFIG_PATH"] == ":".join(folders)
    assert service.environment["PIP_CERT"] == "/etc/ssl/certs/ca-certificates.crt"
    assert (service.home_shows, service.writable_paths) == (None, [home, "/home/ada"])


def test_what_keeps_the_machine_awake() -> None:
    given = {"reachable_keep_awake": True}
    there = situation(given, {"files": {"/etc/polkit-1/rules.d": {**FOLDER, "owner": "polkitd"}}})
    [service] = jupyter.services(there)
    assert json.loads(service.environment["REACHABLE_KEEP_AWAKE"])[0] == "systemd-inhibit"
    [rule] = jupyter.planned(there)["awake_rules_missing"]
    assert (rule["path"], rule["owner"], rule["group"]) == (RULE, "polkitd", "polkitd")
    assert 'subject.user == "jupyter") {\n    return polkit.Result.YES;' in rule["content"]
    assert jupyter.receipt(there)["files"] == [RULE]
    assert jupyter_files.awake_rules(situation({**OF_ADA, **given}, PERSON, scope="user")) == []
    on_a_mac = situation(given, {"service_manager": "launchd", "macos": {"domain": "system"}})
    assert jupyter_files.awake_rules(on_a_mac) == []
    [service] = jupyter.services(on_a_mac)
    assert service.environment["REACHABLE_KEEP_AWAKE"] == '["caffeinate", "-i"]'


def test_every_file_of_the_role_is_brought_to_hosts() -> None:
    files = ROOT / "roles/jupyter/files"
    assert {path.name for path in (files / "pages").iterdir()} == {*jupyter_files.PAGES.values()}
    assert {path.name for path in files.glob("*.py")} == {*jupyter_files.EXTENSION, "trial.py"}


def test_what_the_receipt_lists() -> None:
    assert jupyter.receipt(situation()) == {
        "services": ["reachable-jupyter"],
        "users": ["jupyter"],
        "folders": ["/opt/reachable", "/var/lib/reachable"],
        "notebooks": [f"{HOME}/notebooks"],
    }
    users = {"ada": {**ADA, "comment": "", "home_exists": True}}
    facts = {"users": users, "files": {"/srv/work": FOLDER}}
    of_somebody = situation({"jupyter_user": "ada", "jupyter_notebook_dir": "/srv/work"}, facts)
    assert jupyter.receipt(of_somebody).keys() == {"services", "folders"}


@pytest.mark.parametrize(
    ("python", "made", "packages"),
    [(None, [], ["python3.12"]), ({"path": "/usr/bin/python3.12", "version": "3.12"}, ["python3.12"], ["python3.12"])],
)
def test_a_python_that_is_brought_along_is_listed(python: Any, made: list[str], packages: list[str]) -> None:
    system = {"distribution": "rhel", "release": "9.6", "python": "3.9"}
    there = situation({}, {"system": system, "files": receipt(packages=made)})
    there = Situation(**{**vars_of(there), "facts": {**there.facts, "python": python}})
    assert jupyter.receipt(there)["packages"] == packages


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, ""),
        ({"jupyter_password": "kXf82-opqjz-9sd"}, "jupyter_password"),
        ({"jupyter_password_hash": HASH}, "jupyter_password_hash"),
    ],
)
def test_where_people_set_the_password(given: dict[str, Any], name: str) -> None:
    assert jupyter.password_variable(situation(given).wanted) == name


def adopting(current: str, adopted: str, **given: Any) -> dict[str, Any]:
    """Return what is planned where a person's own configuration has a password."""
    password = {
        "hash": adopted,
        "file": "/home/ada/.jupyter/x.json",
        "line": 3,
        "class": "ServerApp",
        "trait": "password",
    }
    found: dict[str, Any] = {"settings": [], "problems": [], "password": password if adopted else None}
    content = json.dumps({"PasswordIdentityProvider": {"hashed_password": current}})
    files = {CONFIG: {**FILE, "content": content}} if current else {}
    facts = {"files": files, "jupyter_config": found}
    return jupyter.planned(situation({"jupyter_password_adopt": True, **given}, facts))


def test_a_password_is_adopted_once() -> None:
    planned = adopting("", HASH)
    assert (planned["adopted_hash"], planned["adopted_from"]) == (HASH, "/home/ada/.jupyter/x.json:3")
    assert planned["warnings"] == []
    assert adopting("", HASH, jupyter_password_adopt=False)["adopted_hash"] is None
    assert adopting("", "")["adopted_hash"] == ""
    assert adopting("other", HASH)["adopted_hash"] is None


@pytest.mark.parametrize(
    ("current", "adopted", "given", "is_told"),
    [
        ("other", HASH, {}, True),
        (HASH, HASH, {}, False),
        ("other", "", {}, False),
        ("other", HASH, {"jupyter_password": "kXf82-opqjz-9sd"}, False),
        ("other", HASH, {"jupyter_password_adopt": False}, False),
    ],
)
def test_a_password_that_comes_too_late(current: str, adopted: str, given: dict[str, Any], is_told: bool) -> None:
    sentence = (
        "jupyter_password_adopt has no effect: Jupyter on vps has another password than the one in "
        "/home/ada/.jupyter/x.json:3. Leave it out."
    )
    assert adopting(current, adopted, **given)["warnings"] == ([sentence] if is_told else [])


def test_hash_and_key_of_the_scope_before_are_taken_along() -> None:
    state_dir, prefix = "/home/ada/.local/state/reachable", "/home/ada/.local/share/reachable"
    content = f'{{"hashed_password": "{HASH}", "proof_key": "{KEY}"}}'
    files = {f"{prefix}/etc/jupyter/jupyter_server_config.json": {**FILE, "content": content}}
    planned = jupyter.planned(situation(former=Former("user", "ada", prefix, state_dir, {"files": files})))
    assert (planned["current_hash"], planned["current_proof_key"]) == (HASH, KEY)
    assert planned["config_differs"]
    assert not planned["is_installed"]


AZURE = {"nameservers": ["168.63.129.16"]}


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (situation(), []),
        (situation({}, AZURE), ["Notebooks on vps can ask for the cloud's metadata, ", "168.63.129.16, where it also"]),
        (situation({"jupyter_sandbox": {"IPAddressDeny": "any"}}, AZURE), []),
        (situation({}, {**AZURE, "service_manager": "supervisord"}), []),
        (of_ada(**AZURE), []),
        (
            of_ada(user={**ADA, "lingers": True, "may_linger": True, "becomes_root": True}),
            ["sudo asks ada for no password"],
        ),
    ],
)
def test_what_is_told_below_the_card(there: Situation, words: list[str]) -> None:
    told = jupyter.hints(there)
    assert len(told) == bool(words)
    assert all(word in told[0] for word in words)


def test_where_else_somebody_may_have_configured_it() -> None:
    there = situation({"jupyter_settings": {"MyApp": {"mine": 1}}})
    looked_at = jupyter.other_config(there.layout, there.wanted)
    assert looked_at["folders"][1:3] == [f"{HOME}/.jupyter", "/opt/reachable/server/etc/jupyter"]
    assert (looked_at["user"], looked_at["traits"][-1]) == ("jupyter", "mine")


def test_which_kernels_get_tcp() -> None:
    there = situation({"jupyter_tcp_kernels": ["deno"]})
    [written] = [
        each for each in jupyter_files.extension(there) if each["path"].endswith("/jupyter_server_config.json")
    ]
    assert json.loads(written["content"])["ReachableKernelManager"] == {"tcp_kernels": ["deno"]}
    assert there.settings["KernelManager"] == {"transport": "ipc"}
