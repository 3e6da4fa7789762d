"""`up` once more on a host on which nothing has drifted, with the real playbook and a host that is not there.

The first run says what it wants to be made, and the second finds that it is. The connection plugin beside this file
answers in the host's place, and a small server in Jupyter's.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from host_kinds import KINDS, recorded
from reachable import proofs
from reachable.plan import entries

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAYBOOK = [sys.executable, "-m", "ansible", "playbook"]
HERE = Path(__file__).parent
ROOT = HERE.parents[2]
HASH = "argon2:$argon2id$v=19$m=10240,t=10,p=8$c29tZXNhbHRzb21lc2FsdA$" + 43 * "A"
RUNNING = {"state": "running", "at_boot": True, "uptime": 100, "drop_ins": []}
FORM = '<form><input type="password" name="password"></form>'

pytestmark = pytest.mark.programs


def calls(asked: Path) -> list[dict[str, Any]]:
    """Return the modules that were called on the host, with their arguments."""
    return [json.loads(line) for line in asked.read_text().splitlines()] if asked.exists() else []


def arguments(asked: Path, module: str) -> list[dict[str, Any]]:
    """Return the arguments with which a module was called."""
    return [call["arguments"] for call in calls(asked) if call["module"] == module]


class Jupyter(http.server.BaseHTTPRequestHandler):
    """Answer as a Jupyter that has the configuration which the host was given."""

    asked: Path

    def do_GET(self) -> None:
        """Answer what can be asked without a login."""
        parts = urlsplit(self.path)
        texts = {"/api": '{"version": "2.21.1"}', "/login": FORM, "/reachable/proof": self.proof(parts.query)}
        text = texts.get(parts.path)
        self.send_response(403 if text is None else 200)
        self.send_header("Set-Cookie", "_xsrf=token; Path=/")
        self.send_header("Content-Length", str(len(text or "")))
        self.end_headers()
        self.wfile.write((text or "").encode())

    def proof(self, query: str) -> str:
        """Return the answer to a challenge."""
        (challenge,) = parse_qs(query).get("challenge", [""])
        key = arguments(self.asked, "jupyter_config")[-1]["proof_key"]
        address, port = self.connection.getsockname()
        return json.dumps(
            {
                "host": proofs.code(key, challenge),
                "address": proofs.code(key, challenge, f"{address} {port}"),
            }
        )

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Start the small server, and return its port."""
    handler = type("Answering", (Jupyter,), {"asked": tmp_path / "first.jsonl"})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_port
        server.shutdown()


def up(folder: Path, found: dict[str, Any], asked: Path, port: int) -> str:
    """Run `up` on the host, and return what it says."""
    variables = {
        "ansible_connection": "stub",
        "ansible_host": "127.0.0.1",
        "ansible_pipelining": True,
        "ansible_become": False,
        "ansible_python_interpreter": "/usr/bin/python3",
        "reachable_scope": "system",
        "reachable_secrets_dir": str(folder / "secrets"),
        "reachable_cards_dir": str(folder / "cards"),
        "jupyter_password_hash": HASH,
        "jupyter_port": port,
        # What comes of a lookup is no template, whatever is in it.
        "recorded": f"{{{{ lookup('ansible.builtin.file', '{folder}/found.json') | from_json }}}}",
        "asked": str(asked),
    }
    (folder / "found.json").write_text(json.dumps(found))
    (folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"vps": variables}}}))
    done = subprocess.run(
        [*PLAYBOOK, f"{ROOT}/playbooks/up.yml", f"--inventory={folder}/inventory.yml"],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": f"{ROOT}/ansible.cfg",
            "ANSIBLE_CONNECTION_PLUGINS": f"{HERE}/connection_plugins",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def acted_on(found: dict[str, Any], asked: Path) -> dict[str, Any]:
    """Return what host_info finds once all has been done that it was asked for."""
    made = [entry for call in arguments(asked, "file_tree") for entry in call["entries"]]
    files = {entry["path"]: {"age": 1000.0, "content": None, **entries.wanted(entry, found["user"])} for entry in made}
    (config,) = arguments(asked, "jupyter_config")
    settings = config["settings"]
    settings.setdefault("PasswordIdentityProvider", {})["hashed_password"] = config["password_hash"]
    settings.setdefault("Reachable", {})["proof_key"] = config["proof_key"]
    files[config["path"]] = {
        "path": config["path"],
        "state": "file",
        "age": 1000.0,
        "content": json.dumps(settings, indent=2, sort_keys=True) + "\n",
        "mode": "0600",
        **{key: config[key] for key in ("owner", "group")},
    }
    users = {
        call["name"]: {
            **{key: call[key] for key in ("name", "home", "comment", "shell")},
            "uid": 990,
            "group": call["name"],
            "groups": [],
            "expired": True,
            "home_exists": True,
            "lingers": False,
            "in_session": False,
        }
        for call in arguments(asked, "user")
        if "home" in call
    }
    (environments,) = arguments(asked, "python_environment")
    return {
        **found,
        "files": files,
        "users": users,
        "environments": {each["path"]: "settled" for each in environments["environments"]},
        "daemons": {"reachable-jupyter": RUNNING},
    }


def test_a_run_without_drift_is_one_task_on_the_host(tmp_path: Path, port: int) -> None:
    bare = recorded(KINDS["raspberry"])
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert "no changes" not in up(tmp_path, bare, first, port)
    said = up(tmp_path, acted_on(bare, first), second, port)
    assert [call["module"] for call in calls(second)] == ["host_info"]
    assert said.splitlines()[-1].startswith("1 host, no changes, ")
