"""A tunnel through ngrok's cloud: what is made for it on a host, and what people are told."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from ansible.plugins.filter.core import to_nice_yaml
from bare_host import FILE, TOKEN, situation
from reachable.allowance import ADVICE
from reachable.plan import endpoint, entries, jupyter_files, jupyter_service, package, plans, texts, watcher, ways_in
from reachable.plan.situation import Controller, Situation
from reachable.plan.ways_in import ngrok

if TYPE_CHECKING:
    from pathlib import Path

AGENT = {"path": "/usr/local/bin/ngrok", "version": "3.39.10", "sha256": 64 * "a", "md5": 32 * "b", "target": ""}
SUM = 64 * "0"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ/PQn5/2NaXd3LTztfwpsK7yS4y6G5HbgCl3cf1SWsJ"
GIVEN: dict[str, dict[str, Any]] = {
    "http": {},
    "tcp and ssh": {"ngrok_endpoints": [{"transport": "tcp"}, {"transport": "ssh"}]},
    "archive": {"ngrok_install_method": "archive", "ngrok_archive_checksum": f"sha256:{SUM}"},
    "none": {"ngrok_install_method": "none", "ngrok_executable": "/usr/bin/ngrok"},
    "policy": {"ngrok_traffic_policy": {"on_http_request": [{"actions": [{"type": "deny"}]}]}},
    "told": {"endpoint_notify_urls": ["ntfy://topic"], "endpoint_public_url": "https://notebooks.example.org"},
}


def tunnel(given: dict[str, Any] | None = None, facts: dict[str, Any] | None = None, **more: Any) -> Situation:
    """Return a host that is to have a tunnel."""
    users = dict.fromkeys(["reachable-ngrok", "reachable-endpoint", "reachable-tunnel"])
    given = {"ngrok_authtoken": TOKEN, **(given or {})}
    controller = Controller("203.0.113.9", has_tunnel_key=True, tunnel_public_key=f"{KEY} reachable-tunnel@vps")
    return situation(given, {"users": users, **(facts or {})}, **{"controller": controller, **more})


def made(there: Situation) -> list[entries.Entry]:
    """Return all files and folders of a tunnel."""
    return [
        *ngrok.configuration(there),
        *package.tunnel_entries(there),
        *ngrok.ssh_files(there),
        *watcher.configuration(there),
    ]


def found(there: Situation) -> dict[str, Any]:
    """Return what host_info finds of them once they are made."""
    return {entry["path"]: {**FILE, **entries.wanted(entry, there.user)} for entry in made(there)}


# With what ssh-keygen says of it.
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ/PQn5/2NaXd3LTztfwpsK7yS4y6G5HbgCl3cf1SWsJ"
FINGERPRINT = "SHA256:d3uWe7yxyP/AoDokQ8u3Epfz3tmLhB7BPvqbXuLmCzA"


@pytest.mark.parametrize("key", [KEY, f"{KEY} root@vps", f"{KEY} root@vps with words\n"])
def test_a_fingerprint(key: str) -> None:
    assert ngrok.fingerprints([key]) == [f"ssh-ed25519 {FINGERPRINT}"]
    assert ngrok.fingerprints([]) == []


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="needs ssh-keygen")
@pytest.mark.parametrize(
    ("kind", "bits", "called"),
    [
        ("ed25519", "256", "ssh-ed25519"),
        ("ecdsa", "256", "ecdsa-sha2-nistp256"),
        ("rsa", "2048", "ssh-rsa"),
    ],
)
def test_fingerprints_are_those_of_ssh(kind: str, bits: str, called: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-C", "root@vps", "-f", key], check=True)
    said = subprocess.run(["ssh-keygen", "-l", "-f", key], check=True, capture_output=True, text=True).stdout
    assert ngrok.fingerprints([key.with_suffix(".pub").read_text()]) == [f"{called} {said.split()[1]}"]


FREE = {"http_requests": 20000, "gigabytes": 1, "tcp_connections": 5000, "warning_page": True}
QUOTA = (
    "This plan has 20,000 requests and 1 GB a month. A JupyterLab page that lies open uses them up in 10 hours, the "
    "classic list of files (/nbclassic) in 4 days, and a classic notebook hardly uses any: prefer these, and close "
    "pages."
)
LARGER_QUOTA = (
    "This plan has 100,000 requests and 5 GB a month. A JupyterLab page that lies open uses them up in 50 hours, the "
    "classic list of files (/nbclassic) in 23 days, and a classic notebook hardly uses any: prefer these, and close "
    "pages."
)
WARNING = "In Safari ngrok shows a warning page first, once a week: press Visit Site."
CONNECTIONS = "This plan has 5,000 connections a month, and needs a payment card on file."


@pytest.mark.parametrize(
    ("transport", "plan", "notes"),
    [
        ("http", FREE, [QUOTA, WARNING]),
        ("http", {**FREE, "warning_page": False}, [QUOTA]),
        ("http", {"warning_page": True}, [WARNING]),
        ("http", {"http_requests": 100000, "gigabytes": 5}, [LARGER_QUOTA]),
        ("http", {}, []),
        ("tcp", FREE, [CONNECTIONS]),
        ("ssh", FREE, [CONNECTIONS]),
        ("tcp", {}, []),
    ],
)
def test_what_a_plan_means(transport: str, plan: dict[str, Any], notes: list[str]) -> None:
    assert ngrok.plan_notes({"transport": transport}, plan) == notes


def test_the_plans_are_understood() -> None:
    assert {name: ngrok.plan_notes({"transport": "http"}, plan) for name, plan in plans.PLANS.items()} == {
        "free": [QUOTA, WARNING],
        "paid": [],
    }


# It stays the same for a tenth, as a second run writes no other card.
COUNTED = "Of the 20,000 requests that ngrok's plan allows in a month, {} are left, as this host counts."
ALL = COUNTED.format("more than 18,000")


@pytest.mark.parametrize(
    ("given", "allowance", "notes"),
    [
        ({}, {"month": "2026-12", "used": 0, "allowed": 20000}, [ALL]),
        ({}, {"month": "2026-12", "used": 1999, "allowed": 20000}, [ALL]),
        ({}, {"month": "2026-12", "used": 2000, "allowed": 20000}, [COUNTED.format("more than 16,000")]),
        ({}, {"month": "2026-12", "used": 16000, "allowed": 20000}, [COUNTED.format("more than 2,000"), ADVICE]),
        ({}, {"month": "2026-12", "used": 18000, "allowed": 20000}, [COUNTED.format("no more than 2,000"), ADVICE]),
        ({}, {"month": "2026-12", "used": 20001, "allowed": 20000}, [COUNTED.format("no more than 2,000"), ADVICE]),
        ({}, {"month": "2026-12", "used": 5, "allowed": 1}, [ALL]),
        ({}, {"month": "2026-12", "used": "1", "allowed": 20000}, [ALL]),
        ({}, {"month": "[2026]", "used": 1, "allowed": 20000}, [ALL]),
        ({}, ["2026-12", 1, 20000], [ALL]),
        ({}, None, [ALL]),
        ({"ngrok_plan": "paid"}, {"month": "2026-12", "used": 4321, "allowed": 20000}, []),
        ({"ngrok_transport": "tcp"}, {"month": "2026-12", "used": 4321, "allowed": 20000}, []),
    ],
)
def test_what_is_left_of_a_plan_is_said_where_it_is_counted(
    given: dict[str, Any], allowance: Any, notes: list[str]
) -> None:
    path = tunnel().layout.endpoints
    content = texts.json_text({"endpoints": [], **({"allowance": allowance} if allowance else {})})
    there = tunnel(given, {"files": {path: {**FILE, "content": content}}})
    assert ngrok.Ngrok(there).notes() == notes


@pytest.mark.parametrize(
    ("given", "is_counted"),
    [
        ({}, True),
        ({"ngrok_endpoints": [{"transport": "http"}, {"transport": "ssh"}]}, True),
        ({"ngrok_plan": "paid"}, False),
        ({"ngrok_transport": "tcp"}, False),
        ({"ngrok_authtoken": None}, False),
    ],
)
def test_requests_are_counted_on_a_free_plan_with_http_alone(given: dict[str, Any], is_counted: bool) -> None:
    there = tunnel(given)
    folder, file = there.layout.requests_dir, there.layout.requests
    service = jupyter_service.service(there)
    made = {entry["path"]: entry.get("mode") for entry in jupyter_files.folders(there)}
    assert made.get(folder) == ("0755" if is_counted else None)
    assert (folder in service.writable_paths) == is_counted
    assert service.environment.get("REACHABLE_REQUESTS") == (file if is_counted else None)
    overrides = jupyter_files.extension(there)[-1]["content"]
    assert ("checkpointPollingInterval" in overrides) == is_counted
    told = watcher.config(there)
    wanted = (file, 20000) if is_counted else (None, None)
    assert (told.get("requests_file"), told.get("requests_a_month")) == wanted


# What is made


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("scope", ["system", "user"])
@pytest.mark.parametrize("version", ["2.3.41", "3.39.10"])
def test_acting_on_the_plan_leaves_nothing_to_do(name: str, scope: str, version: str) -> None:
    program = ngrok.program_name(tunnel(GIVEN[name], scope=scope).layout, tunnel(GIVEN[name]).wanted)
    facts = {"programs": {program: {**AGENT, "version": version}}}
    if name == "policy" and version.startswith("2"):
        pytest.skip("agent 2 knows no policies")
    before = tunnel(GIVEN[name], facts, scope=scope)
    planned = ngrok.planned(before)
    work = endpoint.planned(before)["watcher"]
    for each in (planned["configuration_missing"], planned["keeper_missing"], work["configuration_missing"]):
        assert each
    assert bool(planned["ssh_missing"]) == planned["has_ssh"] == ("ssh" in name)

    after = tunnel(GIVEN[name], {**facts, "files": found(before)}, scope=scope)
    planned = ngrok.planned(after)
    work = endpoint.planned(after)["watcher"]
    for each in ("configuration_missing", "keeper_missing", "ssh_missing"):
        assert planned[each] == []
    assert work["configuration_missing"] == work["programs_missing"] == []


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("scope", ["system", "user"])
@pytest.mark.parametrize("manager", ["systemd", "supervisord", "launchd"])
def test_all_that_is_looked_up_is_looked_at(name: str, scope: str, manager: str) -> None:
    asked: set[str] = set()

    class Asked(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            asked.add(path)
            return super().get(path, default)

    macos = {"domain": "system", "firewall": "on", "may_make_users": True} if manager == "launchd" else None
    there = tunnel(GIVEN[name], {"service_manager": manager, "macos": macos}, scope=scope)
    there.facts["files"] = Asked()  # type: ignore[index]  # of a test it is a dictionary
    ngrok.planned(there)
    endpoint.planned(there)
    looked_at = {*ways_in.files(there.layout, there.wanted), *endpoint.files(there.layout, True), there.layout.receipt}
    assert asked - looked_at <= {there.layout.jupyter_config, there.layout.unit("reachable-jupyter")}
    # All that is made lies where somebody looks.
    assert {entry["path"] for entry in made(there)} <= looked_at


def test_no_secret_is_where_it_would_be_printed() -> None:
    there = tunnel({"endpoint_notify_urls": ["mailto://user:s3cret@example.org"]})
    shown = [{key: value for key, value in entry.items() if key != "secret"} for entry in made(there)]
    commands = [service.command for service in ways_in.services(there)]
    assert not any(secret in str((shown, commands)) for secret in (TOKEN, "s3cret"))
    assert [entry["mode"] for entry in made(there) if "secret" in entry] == ["0600", "0600"]


@pytest.mark.parametrize(
    ("scope", "manager", "owner"),
    [("system", "systemd", "root"), ("system", "supervisord", "reachable-ngrok"), ("user", "systemd", "root")],
)
def test_who_may_read_the_authtoken(scope: str, manager: str, owner: str) -> None:
    entry = ngrok.token_entry(tunnel(facts={"service_manager": manager}, scope=scope))
    assert (entry["owner"], entry["mode"]) == (owner, "0600")
    assert entry["secret"] == f'version: 3\nagent:\n  authtoken: "{TOKEN}"\n'


def test_the_authtoken_of_an_agent_2() -> None:
    there = tunnel(facts={"programs": {"ngrok": {**AGENT, "version": "2.3.41"}}})
    assert ngrok.token_entry(there)["secret"] == f'authtoken: "{TOKEN}"\n'
    assert ngrok.config_entry(there)["validate"] == []


def test_the_configuration_as_the_agent_reads_it() -> None:
    there = tunnel(facts={"programs": {"ngrok": AGENT}})
    entry = ngrok.config_entry(there)
    assert entry["validate"] == ["/usr/local/bin/ngrok", "config", "check", "--config", "{path}"]
    assert entry["content"] == (
        "# Written by Reachable. A change here is taken back by the next run.\n"
        "version: 3\n"
        "agent:\n"
        "  web_addr: false\n"
        "  inspect_db_size: -1\n"
        "  log: stdout\n"
        "  log_format: json\n"
        "  remote_management: false\n"
        "  update_check: false\n"
        "endpoints:\n"
        "- name: ngrok-http\n"
        "  upstream:\n"
        "    url: http://127.0.0.1:8888\n"
    )


class Tagged(str):
    """A text as Ansible hands it over."""

    __slots__ = ()


def test_values_of_ansible_become_yaml() -> None:
    value = {Tagged("b"): [Tagged("x: y"), 1, True, None], "a": {"long": 30 * "word "}}
    plain = {"b": ["x: y", 1, True, None], "a": {"long": 30 * "word "}}
    nice: str = to_nice_yaml(plain, indent=2, sort_keys=False)
    assert texts.yaml_text(value) == nice.strip() + "\n"


def test_the_service() -> None:
    service = ngrok.service(tunnel(facts={"programs": {"ngrok": AGENT}}))
    etc = "/opt/reachable/etc/ngrok"
    assert service.command == [
        *("/opt/reachable/tools/bin/python", "-m", "reachable.ngrok_agent"),
        *("--log=/run/reachable-ngrok/agent.log", "--cloud=connect.ngrok-agent.com:443"),
        *("--secret-file", f"{etc}/authtoken.yml", "--endpoint", "ngrok-http", "http", "http://127.0.0.1:8888", "--"),
        *("/usr/local/bin/ngrok", "start", "--all", "--config", f"{etc}/ngrok.yml", "--config", f"{etc}/authtoken.yml"),
    ]
    assert service.credentials == [f"{etc}/authtoken.yml"]
    assert {f"{etc}/ngrok.yml", f"{etc}/authtoken.yml"} < set(service.files)
    assert "/opt/reachable/lib" not in service.files


def test_what_sshd_is_told() -> None:
    sshd, keys = (each["content"] for each in ngrok.ssh_files(tunnel({"jupyter_port": 9999}))[2:])
    assert sshd.startswith(
        "# Written by Reachable. A change here is taken back by the next run.\n# reachable-tunnel may"
    )
    assert "  PermitOpen 127.0.0.1:9999 localhost:9999\n" in sshd
    assert sshd.endswith("  ForceCommand /bin/false\nMatch all\n")
    assert keys.splitlines()[1] == (
        f'restrict,port-forwarding,permitopen="127.0.0.1:9999",permitopen="localhost:9999" {KEY} reachable-tunnel@vps'
    )
    # A host that pulls has no key.
    assert len(ngrok.ssh_files(tunnel(pulled=True))) == 3


# Whether the agent is the one that is wanted

FOLDER_OF_ARCHIVE = f"/opt/reachable/ngrok/{SUM[-12:]}"
RECORD = '{"sha256": "' + 64 * "a" + '", "version": "3.39.10"}\n'
PACKAGE = {
    ngrok.PACKAGE_FILES: {"content": "/.\n/usr/local/bin/ngrok\n"},
    ngrok.PACKAGE_CHECKSUMS: {"content": f"{32 * 'b'}  usr/local/bin/ngrok\n"},
    ngrok.KEYRING: {"content": "key"},
    ngrok.SOURCE: {"content": ngrok.source(tunnel())["content"]},
}
PACKAGES = (
    '{"packages": ["ngrok"], '
    + ", ".join(
        f'"{kind}": []'
        for kind in ("services", "users", "files", "folders", "contents", "notebooks", "parents", "lingering")
    )
    + "}"
)
OURS = {"/var/lib/reachable/receipt.json": {"content": PACKAGES}}


@pytest.mark.parametrize(
    ("given", "program", "files", "expected"),
    [
        ({}, AGENT, PACKAGE, True),
        ({}, None, PACKAGE, False),
        ({}, {**AGENT, "version": None}, PACKAGE, False),
        ({}, AGENT, {}, False),
        *(({}, AGENT, {path: found for path, found in PACKAGE.items() if path != left_out}, False)
          for left_out in (ngrok.PACKAGE_FILES, ngrok.KEYRING, ngrok.SOURCE)),
        # another program stands where the package's was, which counts where the package is ours
        ({}, {**AGENT, "md5": 32 * "c"}, PACKAGE, True),
        ({}, {**AGENT, "md5": 32 * "c"}, {**PACKAGE, **OURS}, False),
        ({}, AGENT, {**PACKAGE, **OURS}, True),
        ({"ngrok_repository_key_checksum": f"sha256:{SUM}"}, AGENT, PACKAGE, False),
        ({"ngrok_repository_key_checksum": "SHA256:2C70E12B7A0646F92279F427C7B38E7334D8E5389CFF167A1DC30E73F826B683"},
         AGENT, PACKAGE, True),
        (GIVEN["none"], AGENT, {}, True),
        (GIVEN["archive"], {**AGENT, "target": f"{FOLDER_OF_ARCHIVE}/ngrok"},
         {"/opt/reachable/ngrok/ngrok.json": {"content": RECORD}}, True),
        (GIVEN["archive"], {**AGENT, "target": f"{FOLDER_OF_ARCHIVE}/ngrok"}, {}, False),
        (GIVEN["archive"], {**AGENT, "target": "/elsewhere/ngrok"},
         {"/opt/reachable/ngrok/ngrok.json": {"content": RECORD}}, False),
    ],
)  # fmt: skip
def test_whether_the_agent_is_installed(
    given: dict[str, Any], program: dict[str, Any] | None, files: dict[str, Any], expected: bool
) -> None:
    there = tunnel(given)
    there = tunnel(given, {"programs": {there.agent_program: program}, "files": files})
    assert ngrok.is_installed(there) is expected


SILENT = "The ngrok agent on vps does not run: look at /usr/local/bin/ngrok, or choose another ngrok_install_method."
TOO_OLD = (
    "The ngrok agent is 2.3.41, which knows no traffic policies: leave out ngrok_traffic_policy, "
    "ngrok_login_rate_limit and ngrok_allowed_networks, or install agent 3."
)


@pytest.mark.parametrize(
    ("version", "given", "sentences"),
    [("3.39.10", {}, []), (None, {}, [SILENT]), ("2.3.41", {"ngrok_login_rate_limit": 5}, [TOO_OLD])],
)
def test_an_agent_that_was_installed_and_is_of_no_use(
    version: str | None, given: dict[str, Any], sentences: list[str]
) -> None:
    there = tunnel(given, {"programs": {"ngrok": {**AGENT, "version": version}}})
    assert ngrok.planned(there)["unusable"] == sentences


# What is asked of the list of ways in


@pytest.mark.parametrize(
    ("given", "facts", "receipt"),
    [
        ({"ngrok_authtoken": None}, {}, {}),
        ({}, {}, {"services": ["reachable-ngrok", "reachable-endpoint"],
                  "users": ["reachable-ngrok", "reachable-endpoint"], "packages": ["ngrok"],
                  "files": ["/opt/reachable/etc/watcher.json", "/opt/reachable/etc/notify_urls", ngrok.SOURCE,
                            ngrok.KEYRING],
                  "folders": ["/opt/reachable/etc/ngrok", "/opt/reachable/lib", "/var/lib/reachable/endpoint"]}),
        ({**GIVEN["tcp and ssh"], **GIVEN["archive"]}, {"service_manager": "supervisord"},
         {"services": ["reachable-ngrok", "reachable-endpoint"],
          "users": ["reachable-ngrok", "reachable-endpoint", "reachable-tunnel"], "packages": [],
          "files": ["/opt/reachable/etc/watcher.json", "/opt/reachable/etc/notify_urls", ngrok.SSHD_CONFIG],
          "folders": ["/opt/reachable/etc/ngrok", "/opt/reachable/lib", "/var/lib/reachable/endpoint",
                      "/opt/reachable/run/reachable-ngrok", "/opt/reachable/ngrok", "/opt/reachable/etc/ssh"]}),
    ],
)  # fmt: skip
def test_what_the_receipt_lists(given: dict[str, Any], facts: dict[str, Any], receipt: dict[str, list[str]]) -> None:
    assert ways_in.receipt(tunnel(given, facts)) == receipt


@pytest.mark.parametrize(
    ("given", "public", "behind_tunnel"),
    [
        ({"ngrok_authtoken": None}, False, False),
        ({}, True, True),
        ({"ngrok_transport": "none"}, False, False),
        ({"ngrok_transport": "none", "endpoint_public_url": "https://notebooks.example.org"}, True, False),
    ],
)
def test_who_finds_it(given: dict[str, Any], public: bool, behind_tunnel: bool) -> None:
    there = tunnel(given)
    assert (ways_in.is_public(there), ways_in.has_tunnel(there)) == (public, behind_tunnel)
    assert there.listens_to == ("loopback" if behind_tunnel else "lan")
