"""The configuration is written for its owner alone, and no diff tells a hash."""

from __future__ import annotations

import json
import os
import pwd
import stat
from typing import TYPE_CHECKING, Any

import jupyter_config
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunModule

OWNER = pwd.getpwuid(os.geteuid()).pw_name
NEW_HASH, OLD_HASH = "argon2:$argon2id$v=19$new", "sha1:aabb:old"
NEW_KEY, OLD_KEY = "ab" * 32, "cd" * 32
SETTINGS = {"ServerApp": {"port": 8888}, "PasswordIdentityProvider": {"token": "", "password_required": True}}
HEAD = f"file {OWNER}:{OWNER} 0600\n"


def text(password_hash: str, port: int = 8888, key: str = "(new proof_key)") -> str:
    return f"""{{
  "PasswordIdentityProvider": {{
    "hashed_password": "{password_hash}",
    "password_required": true,
    "token": ""
  }},
  "Reachable": {{
    "proof_key": "{key}"
  }},
  "ServerApp": {{
    "port": {port}
  }}
}}
"""


OLD, NEW, SAME = "(old proof_key)", "(new proof_key)", "(same proof_key)"


def in_another_place(password_hash: str) -> str:
    return json.dumps({"ServerApp": {"password": password_hash}, "PasswordIdentityProvider": {"token": ""}})


@pytest.mark.parametrize(
    ("found", "before", "after"),
    [
        (None, "", HEAD + text("(new hash)")),
        (text(OLD_HASH, key=OLD_KEY), HEAD + text("(old hash)", key=OLD), HEAD + text("(new hash)")),
        (text("xyz", key=OLD_KEY), HEAD + text("(old hash)", key=OLD), HEAD + text("(new hash)")),
        (
            text(NEW_HASH, port=9999, key=NEW_KEY),
            HEAD + text("(same hash)", port=9999, key=SAME),
            HEAD + text("(same hash)", key=SAME),
        ),
        *(
            (garbage, HEAD + "(old content, not written by Reachable)\n", HEAD + text("(new hash)"))
            for garbage in (
                "",
                "[]",
                "{}",
                "hash",
                '"hashed_password"',
                '{"PasswordIdentityProvider": "hashed_password"}',
                text(OLD_HASH)[:-4],
                in_another_place(OLD_HASH),
            )
        ),
        (
            in_another_place(NEW_HASH),
            HEAD + "(same content, not written by Reachable)\n",
            HEAD + text("(same hash)"),
        ),
        (
            text(OLD_HASH, key=OLD_KEY).replace('"token": ""', '"token": "of-the-users-own"'),
            HEAD + text("(old hash)", key=OLD).replace('"token": ""', '"token": "(old token)"'),
            HEAD + text("(new hash)"),
        ),
        (
            text(OLD_HASH, key=NEW_KEY).replace(
                '"port": 8888', '"PasswordIdentityProvider": {"token": 7, "other": ["x"]}'
            ),
            HEAD
            + text("(old hash)", key=SAME).replace(
                '"port": 8888',
                '"PasswordIdentityProvider": {\n'
                '      "other": [\n        "(old other)"\n      ],\n      "token": "(old token)"\n    }',
            ),
            HEAD + text("(new hash)", key=SAME),
        ),
    ],
)
def test_check_run_check_run(found: str | None, before: str, after: str, tmp_path: Path, run_module: RunModule) -> None:
    path = tmp_path / "jupyter_server_config.json"
    if found is not None:
        path.write_text(found)
        path.chmod(0o600)
    options: dict[str, Any] = {
        "path": str(path), "settings": SETTINGS, "password_hash": NEW_HASH, "proof_key": NEW_KEY,
        "owner": OWNER, "group": OWNER,
    }  # fmt: skip

    predicted = run_module(jupyter_config, check=True, **options)
    assert (path.read_text() if path.exists() else None) == found
    done = run_module(jupyter_config, **options)
    again = [run_module(jupyter_config, check=check, **options) for check in (True, False)]

    assert predicted["changed"]
    assert done["changed"]
    header = {"before_header": str(path), "after_header": str(path)}
    assert predicted["diff"] == done["diff"] == {**header, "before": before, "after": after}
    assert [result["changed"] for result in again] == [False, False]
    assert path.read_text() == text(NEW_HASH, key=NEW_KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [path.name]
    for result in (predicted, done, *again):
        assert result["path"] == str(path)
        assert "argon2id" not in str(result)
        assert "aabb" not in str(result)
        assert NEW_KEY not in str(result)
        assert OLD_KEY not in str(result)


def test_a_secret_of_somebody_elses_is_in_the_file_only(tmp_path: Path, run_module: RunModule) -> None:
    path = tmp_path / "config.json"
    settings = {"GitHubConfig": {"api_key": "squeamish", "clients": [{"password": "ossifrage"}], "url": "plain"}}
    ours = {"password_hash": NEW_HASH, "proof_key": NEW_KEY}
    for _ in range(2):
        result = str(run_module(jupyter_config, path=str(path), settings=settings, owner=OWNER, group=OWNER, **ours))
        assert "squeamish" not in result
        assert "ossifrage" not in result
        assert "'url': 'plain'" in result
        assert "squeamish" in path.read_text()


def test_rights_are_repaired(tmp_path: Path, run_module: RunModule) -> None:
    path = tmp_path / "config.json"
    path.write_text(text(NEW_HASH, key=NEW_KEY))
    path.chmod(0o644)
    secrets = {"password_hash": NEW_HASH, "proof_key": NEW_KEY}
    result = run_module(jupyter_config, path=str(path), settings=SETTINGS, owner=OWNER, group=OWNER, **secrets)
    assert result["diff"]["before"] == f"file {OWNER}:{OWNER} 0644\n" + text("(same hash)", key=SAME)
    assert result["diff"]["after"] == HEAD + text("(same hash)", key=SAME)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_settings_are_not_changed_and_the_secrets_win() -> None:
    settings = {"PasswordIdentityProvider": {"hashed_password": "theirs"}, "Reachable": {"proof_key": "theirs"}}
    before = json.dumps(settings)
    assert json.loads(jupyter_config.render(settings, "ours", "ours")) == {
        "PasswordIdentityProvider": {"hashed_password": "ours"},
        "Reachable": {"proof_key": "ours"},
    }
    assert json.dumps(settings) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"owner": "no-such-user"}, "{path} should belong to no-such-user:{owner}, which does not exist."),
        ({"path": "{folder}/.."}, "{folder}/.. should be a file, but a folder is there: move it away."),
        ({"path": "{folder}/none/x"}, "[Errno 2] No such file or directory: '{folder}/none'"),
    ],
)
def test_refusals(options: dict[str, str], message: str, tmp_path: Path, run_module: RunModule) -> None:
    names = {"folder": str(tmp_path), "path": f"{tmp_path}/it", "owner": OWNER}
    given = {"path": names["path"], "owner": OWNER, **{key: value.format(**names) for key, value in options.items()}}
    result = run_module(jupyter_config, settings={}, password_hash=NEW_HASH, proof_key=NEW_KEY, group=OWNER, **given)
    assert result["msg"] == message.format(**names)
    assert os.listdir(tmp_path) == []
