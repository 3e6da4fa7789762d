"""What stands in a person's own configuration of Jupyter is found where it stands, and never run."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from open_folder import open_folder
from reachable import jupyter_configs

if TYPE_CHECKING:
    from collections.abc import Iterable

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can read as somebody else")
TRAITS = ["ip", "port", "base_url", "root_dir", "password", "hashed_password", "token", "extensions"]
OWN: dict[str, dict[str, Any]] = {
    "ServerApp": {"ip": "127.0.0.1", "root_dir": "/srv", "quit_button": False, "default_url": "/lab"},
    "PasswordIdentityProvider": {"hashed_password": "argon2:ours", "token": ""},
    "KernelManager": {"transport": "ipc"},
    "MappingKernelManager": {"cull_interval": 10},
}
REMEDIES = {"ip": "use jupyter_listen", "base_url": "leave it out", "cookie_secret": "leave it out"}


def read(folder: Path, traits: Iterable[str] = TRAITS, **texts: str) -> dict[str, Any]:
    """Write files, whose names have an underscore for the dot, and read them."""
    for name, text in texts.items():
        stem, _, form = name.rpartition("_")
        (folder / f"{stem}.{form}").write_text(text, encoding="utf-8")
    found: dict[str, Any] = jupyter_configs.read([str(folder)], list(traits))
    return found


def brief(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return line, class, trait and value of settings; Ellipsis is a value that is not known."""
    return [
        (each["line"], each["class"], each["trait"], each["value"] if each["known"] else ...)
        for each in found["settings"]
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("c.NotebookApp.ip = '*'", [(1, "NotebookApp", "ip", "*")]),
        ("# c.NotebookApp.ip = '*'", []),
        ("c = get_config()\n\nc.ServerApp.port = 1", [(3, "ServerApp", "port", 1)]),
        ("conf = get_config()\nconf.ServerApp.port = 1", [(2, "ServerApp", "port", 1)]),
        ("get_config().ServerApp.port = 1", [(1, "ServerApp", "port", 1)]),
        ("app = c.ServerApp\napp.port = 1\napp = 2\napp.port = 3", [(2, "ServerApp", "port", 1)]),
        ("c['ServerApp']['port'] = 1", [(1, "ServerApp", "port", 1)]),
        ("c.ServerApp['port'] = 1", [(1, "ServerApp", "port", 1)]),
        ("c.ServerApp[name] = 1", []),
        ("c.ServerApp.port: int = 1", [(1, "ServerApp", "port", 1)]),
        ("c.ServerApp.port: int", []),
        ("c.A.port = c.B.port = 1", [(1, "A", "port", 1), (1, "B", "port", 1)]),
        ("c.A.ip, c.A.port = '*', 1", [(1, "A", "ip", "*"), (1, "A", "port", 1)]),
        ("c.A.ip, c.A.port = both()", [(1, "A", "ip", ...), (1, "A", "port", ...)]),
        ("c.A.port = 1 + 1\nc.A.ip = os.environ['IP']", [(1, "A", "port", ...), (2, "A", "ip", ...)]),
        ("c.A.ip = b'x'", [(1, "A", "ip", ...)]),
        ("c.A.port += 1", [(1, "A", "port", ...)]),
        ("c.A.extensions.update(x=True)\nc.A.extensions.append(1)", [(n, "A", "extensions", ...) for n in (1, 2)]),
        ("c.A.update({'ip': '*', key: 1, **more}, port=2, **rest)", [(1, "A", "port", 2), (1, "A", "ip", "*")]),
        ("c.A.update(others)", []),
        ("setattr(c.A, 'ip', '*')\nsetattr(c.A, name, 1)\nsetattr(x, 'ip', 2)\nsetattr()", [(1, "A", "ip", "*")]),
        ("if x:\n    c.A.ip = 1\nelse:\n    c.A.ip = 2", [(2, "A", "ip", 1), (4, "A", "ip", 2)]),
        ("c.ServerApp.IdentityProvider.token = ''", [(1, "ServerApp.IdentityProvider", "token", "")]),
        ("d.A.ip = 1\nA.ip = 2\nc.ip = 3\nc.A = {'ip': 4}\nip = 5\nc['ip'] = 6", []),
        ("c.A.other = 1", []),
        ("c.A.token = 'secret'\nc.A.password = 'secret'\nc.A.token = ''",
         [(1, "A", "token", ...), (2, "A", "password", ...), (3, "A", "token", "")]),
        ("c.A.ip = '\\d'", [(1, "A", "ip", "\\d")]),
        ("\ufeffc.A.ip = 1", [(1, "A", "ip", 1)]),
    ],
)  # fmt: skip
def test_python(text: str, found: list[tuple[Any, ...]], tmp_path: Path) -> None:
    read_there = read(tmp_path, jupyter_server_config_py=text)
    assert brief(read_there) == found
    assert "secret" not in json.dumps(read_there["settings"])
    assert read_there["problems"] == []


def test_python_is_not_run(tmp_path: Path) -> None:
    read(tmp_path, jupyter_server_config_py=f"open({str(tmp_path / 'made')!r}, 'w')\nc.A.ip = 1\n")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{\n"A": {\n"ip": "*",\n"port": 1}}', [(3, "A", "ip", "*"), (4, "A", "port", 1)]),
        ('\n {"A": {"ip": true}, "version": 1, "B": 5}', [(2, "A", "ip", True)]),
        ('{"A": {"ip": null,\n "port": {"x": "\\/"}}}', [(1, "A", "ip", None), (2, "A", "port", {"x": "/"})]),
        ('{"ServerApp": {"IdentityProvider": {"token": "secret"}}}', [(1, "ServerApp.IdentityProvider", "token", ...)]),
        ("{}", []),
    ],
)
def test_json(text: str, found: list[tuple[Any, ...]], tmp_path: Path) -> None:
    read_there = read(tmp_path, jupyter_server_config_json=text)
    assert brief(read_there) == found
    assert read_there["problems"] == []


@pytest.mark.parametrize(
    ("name", "text", "line", "problem"),
    [
        ("jupyter_config.json", b'{"A":\n', 2, "it is malformed (Expecting value), so Jupyter skips it"),
        ("jupyter_config.json", b"[" * 100_000, 0, "it is malformed, so Jupyter skips it"),
        ("jupyter_config.json", b"[1]", 0, "it holds no JSON object, at which Jupyter does not start"),
        ("jupyter_lab_config.py", b"c.A.ip = 1\nc.A.", 2, "it is malformed (invalid syntax), so Jupyter skips it"),
        ("jupyter_lab_config.py", b"c.A.ip = '\xff'", 0, "it is not in UTF-8, so Jupyter skips it"),
        ("jupyter_lab_config.py", b"#" * 1_000_001, 0, "it is too large to be looked at"),
        ("jupyter_lab_config.py", b"\nload_subconfig(name)", 2,
         "it loads a file whose name is known only when Jupyter runs it"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(name: str, text: bytes, line: int, problem: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text)
    found = jupyter_configs.read([str(tmp_path)], TRAITS)
    assert found["problems"] == [{"file": str(tmp_path / name), "line": line, "problem": problem}]


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "jupyter_config.json").mkdir()
    os.mkfifo(tmp_path / "jupyter_config.py")
    (tmp_path / "jupyter_server_config.py").symlink_to("nowhere")
    problems = {Path(each["file"]).name: each["problem"] for each in read(tmp_path)["problems"]}
    assert problems == {
        "jupyter_config.json": "it is no file",
        "jupyter_config.py": "it is no file",
    }


def test_files_that_load_others(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "more.py").write_text("c.A.ip = 1\nload_subconfig('more.py')\n")
    (tmp_path / "sub/rest.py").write_text("c.A.ip = 2\n")
    loads = (
        f"load_subconfig('more.txt')\nload_subconfig('rest.py', path={str(tmp_path / 'sub')!r})\nload_subconfig('no')"
    )
    found = read(tmp_path, jupyter_notebook_config_py=loads)
    places = [(os.path.relpath(each["file"], tmp_path), each["value"]) for each in found["settings"]]
    assert places == [("more.py", 1)] * jupyter_configs.DEEPEST + [("sub/rest.py", 2)]
    assert {each["origin"] for each in found["settings"]} == {"jupyter_notebook_config"}


def test_folders_and_files_in_their_order(tmp_path: Path) -> None:
    names = ["jupyter_server_config", "jupyter_config", "jupyter_lab_config", "jupyter_notebook_config"]
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        for name in [*names, "jupyter_nbclassic_config", "ipython_config"]:
            (tmp_path / folder / f"{name}.json").write_text('{"A": {"ip": 1}}')
            (tmp_path / folder / f"{name}.py").write_text("c.A.ip = 1")
    found = jupyter_configs.read([str(tmp_path / "first"), str(tmp_path / "second"), "/no/such"], TRAITS)
    assert [os.path.relpath(each["file"], tmp_path) for each in found["settings"]] == [
        f"{folder}/{name}.{form}" for name in names for folder in ("first", "second") for form in ("json", "py")
    ]


@pytest.mark.parametrize(
    ("files", "counts"),
    [
        # Whose hash a server takes, as measured with Jupyter
        ({"server_json": "I", "server_py": "N"}, "server.py"),
        ({"server_json": "I", "notebook_json": "N"}, "notebook.json"),
        ({"server_json": "S", "notebook_json": "N"}, "server.json"),
        ({"notebook_json": "N", "lab_json": "L"}, "lab.json"),
        ({"server_json": "I", "notebook_json": "P"}, "notebook.json"),
        ({"server_json": "P", "notebook_json": "P"}, "server.json"),
        ({"base_json": "P", "server_json": "P"}, "server.json"),
        ({"server_json": "P", "base_json": "S"}, "server.json"),
        ({"server_json": "P", "server_py": "P"}, "server.json"),
        ({"notebook_py": "N"}, "notebook.py"),
        ({"notebook_py": "LegacyIdentityProvider.hashed_password"}, None),
        ({}, None),
    ],
)
def test_the_password_that_counts(files: dict[str, str], counts: str | None, tmp_path: Path) -> None:
    long = {"I": "IdentityProvider.hashed_password", "P": "PasswordIdentityProvider.hashed_password",
            "S": "ServerApp.password", "N": "NotebookApp.password", "L": "LabApp.password"}  # fmt: skip
    names = {"server": "jupyter_server_config", "base": "jupyter_config", "lab": "jupyter_lab_config"}
    texts = {}
    for file, key in files.items():
        stem, form = file.split("_")
        section, trait = long.get(key, key).split(".")
        value = f"argon2:{stem}.{form}"
        text = json.dumps({section: {trait: value}}) if form == "json" else f"c.{section}.{trait} = u'{value}'"
        texts[f"{names.get(stem, 'jupyter_notebook_config')}_{form}"] = text
    found = read(tmp_path, **texts)["password"]
    assert (found and found["hash"]) == (counts and f"argon2:{counts}")


def test_the_last_line_counts_and_no_empty_one(tmp_path: Path) -> None:
    text = "c.NotebookApp.password = 'sha1:a'\nc.NotebookApp.password = 'sha1:b'\nc.ServerApp.password = ''\n"
    assert read(tmp_path, jupyter_server_config_py=text)["password"] == {
        "file": str(tmp_path / "jupyter_server_config.py"),
        "line": 2,
        "class": "NotebookApp",
        "trait": "password",
        "hash": "sha1:b",
    }


def test_a_password_that_is_computed_is_not_known(tmp_path: Path) -> None:
    found = read(tmp_path, jupyter_server_config_py="c.ServerApp.password = passwd('secret')\n")["password"]
    assert (found["line"], found["hash"]) == (1, "")


@needs_root
def test_root_reads_as_the_user(tmp_path: Path) -> None:
    secret = tmp_path / "jupyter_config.json"
    secret.write_text('{"A": {"ip": 1}}')
    secret.chmod(0o600)
    open_folder(tmp_path)
    for user in ("nobody", "no-such-user"):
        found = jupyter_configs.read_as(user, [str(tmp_path)], TRAITS)
        assert found["settings"] == []
        assert found["problems"] == [
            {"file": str(secret), "line": 0, "problem": "it cannot be read, Permission denied"}
        ]
    assert jupyter_configs.read_as("root", [str(tmp_path)], TRAITS)["settings"] != []


def test_the_home_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".jupyter").mkdir()
    (tmp_path / ".jupyter/jupyter_config.py").write_text("c.A.ip = 1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", str(tmp_path))
    user = pwd.getpwuid(os.getuid()).pw_name
    assert len(jupyter_configs.read_as(user, ["~/.jupyter"], TRAITS)["settings"]) == 1


EXTENSION = "jupyter_notebook_config"
SERVER = "jupyter_server_config"


@pytest.mark.parametrize(
    ("origin", "section", "trait", "value", "effect"),
    [
        (SERVER, "ServerApp", "ip", "0.0.0.0", "loses"),
        (SERVER, "ServerApp", "ip", "127.0.0.1", None),
        (SERVER, "ServerApp", "ip", ..., "loses"),
        (SERVER, "JupyterApp", "ip", "0.0.0.0", "loses"),
        (SERVER, "NotebookApp", "ip", "0.0.0.0", "wins"),
        (SERVER, "LabApp", "ip", "0.0.0.0", "wins"),
        (SERVER, "LabApp", "ip", "127.0.0.1", None),
        ("jupyter_config", "NotebookApp", "ip", "0.0.0.0", "wins"),
        (EXTENSION, "NotebookApp", "ip", "0.0.0.0", "loses"),
        (EXTENSION, "LabApp", "ip", "0.0.0.0", "loses"),
        (EXTENSION, "JupyterNotebookApp", "ip", "0.0.0.0", "wins"),
        ("jupyter_lab_config", "JupyterNotebookApp", "ip", "0.0.0.0", "wins"),
        (SERVER, "NotebookApp", "notebook_dir", "/x", "loses"),
        (SERVER, "NotebookApp", "root_dir", "/x", "wins"),
        (SERVER, "NotebookApp", "default_url", "/x", "loses"),
        (SERVER, "NotebookApp", "quit_button", True, "loses"),
        (SERVER, "LabApp", "quit_button", True, "wins"),
        (SERVER, "NotebookApp", "password", ..., "loses"),
        (SERVER, "NotebookApp", "token", ..., "loses"),
        (SERVER, "NotebookApp", "token", "", None),
        (SERVER, "ServerApp", "base_url", "/x", "wins"),
        (SERVER, "ServerApp", "base_url", "/", None),
        (EXTENSION, "NotebookApp", "base_url", "/x", "wins"),
        (EXTENSION, "LabApp", "base_url", "/x", None),
        ("jupyter_lab_config", "LabApp", "base_url", "/x", "wins"),
        (SERVER, "ServerApp", "cookie_secret", ..., "wins"),
        (SERVER, "IdentityProvider", "hashed_password", ..., "loses"),
        (SERVER, "PasswordIdentityProvider", "hashed_password", ..., "loses"),
        (SERVER, "ServerApp.PasswordIdentityProvider", "hashed_password", ..., "wins"),
        (SERVER, "ServerApp.IdentityProvider", "token", ..., "wins"),
        (SERVER, "LabApp.IdentityProvider", "token", ..., "loses"),
        (SERVER, "ServerApp.NotebookApp", "base_url", "/x", None),
        (SERVER, "IdentityProvider", "base_url", "/x", None),
        (SERVER, "KernelManager", "transport", "tcp", "loses"),
        (SERVER, "ConnectionFileMixin", "transport", "tcp", "loses"),
        (SERVER, "AsyncIOLoopKernelManager", "transport", "tcp", "wins"),
        (SERVER, "MappingKernelManager", "cull_interval", 20, "loses"),
        (SERVER, "LDAPAuthenticator", "ip", "0.0.0.0", None),
    ],
)
def test_effects(origin: str, section: str, trait: str, value: Any, effect: str | None) -> None:
    setting = {"file": "/f.py", "line": 1, "class": section, "trait": trait, "origin": origin,
               "value": None if value is ... else value, "known": value is not ...}  # fmt: skip
    found = jupyter_configs.conflicts([setting], OWN, REMEDIES)
    assert [each["effect"] for each in found] == ([effect] if effect else [])


@pytest.mark.parametrize(("value", "effect"), [("0.0.0.0", []), ("", []), ("::", []), ("192.0.2.7", ["loses"])])
def test_everywhere_has_several_names(value: str, effect: list[str]) -> None:
    setting = {"file": "/f.py", "line": 1, "class": "ServerApp", "trait": "ip", "origin": SERVER,
               "value": value, "known": True}  # fmt: skip
    found = jupyter_configs.conflicts([setting], {"ServerApp": {"ip": "*"}}, REMEDIES)
    assert [each["effect"] for each in found] == effect


def test_conflicts_are_sorted_once_each_and_without_values(tmp_path: Path) -> None:
    text = (
        "c.ServerApp.base_url = '/x'\nc.ServerApp.ip = 'here'\nc.ServerApp.ip = 'there'\nc.ServerApp.ip = '127.0.0.1'"
    )
    settings = read(tmp_path, jupyter_config_py=text)["settings"]
    about = {"file": str(tmp_path / "jupyter_config.py"), "class": "ServerApp"}
    assert jupyter_configs.conflicts([*reversed(settings), *settings], OWN, REMEDIES) == [
        {**about, "line": 1, "trait": "base_url", "effect": "wins", "instead": "leave it out"},
        {**about, "line": 2, "trait": "ip", "effect": "loses", "instead": "use jupyter_listen"},
        {**about, "line": 3, "trait": "ip", "effect": "loses", "instead": "use jupyter_listen"},
    ]


def test_a_setting_without_a_remedy_has_a_general_one() -> None:
    setting = {"file": "/f", "line": 1, "class": "MappingKernelManager", "trait": "cull_interval", "origin": SERVER,
               "value": 20, "known": True}  # fmt: skip
    assert jupyter_configs.conflicts([setting], OWN, REMEDIES)[0]["instead"] == "use jupyter_settings"


def test_what_a_server_imports_is_told(tmp_path: Path) -> None:
    [found] = read(tmp_path, jupyter_server_config_py='c.ServerApp.contents_manager_class = "jupytext.Manager"\n')[
        "settings"
    ]
    assert (found["line"], found["value"]) == (1, "jupytext.Manager")


def test_what_a_file_brings_itself_is_not(tmp_path: Path) -> None:
    text = 'import sys\nsys.path.append("/srv")\nc.ServerApp.contents_manager_class = "mine.Manager"\n'
    assert read(tmp_path, jupyter_server_config_py=text)["settings"] == []
