"""Make library/ and module_utils/ importable as Ansible makes them, and run modules and actions in this process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ansible.module_utils
import pytest
from ansible.errors import AnsibleActionFail
from ansible.module_utils.testing import patch_module_args
from ansible.plugins.loader import action_loader

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    RunModule = Callable[..., dict[str, Any]]
    RunAction = Callable[..., dict[str, Any]]

ROOT = Path(__file__).resolve().parents[2]
for folder in ("", "module_utils", "library", "filter_plugins"):
    sys.path.insert(0, str(ROOT / folder))
ansible.module_utils.__path__.append(str(ROOT / "module_utils"))
action_loader.add_directory(str(ROOT / "action_plugins"))

from bare_host import Checkout
from reachable.plan import package

# Who asks for one of these starts Jupyter or Ansible.
OF_PROGRAMS = {"jupyters", "play", "terminal"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start programs by what they ask for; others say it themselves."""
    for item in items:
        if OF_PROGRAMS & {*getattr(item, "fixturenames", ())}:
            item.add_marker("programs")


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunModule:
    """Return a function that runs a module's main() and returns what it printed as its result."""
    # Tests of plugins make this process a controller, where a module's warnings would go to the screen.
    monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)

    def run(module: ModuleType, check: bool = False, diff: bool = True, **arguments: Any) -> dict[str, Any]:
        # On a host each module has a process of its own, and nobody else's warnings.
        monkeypatch.setattr("ansible.module_utils.common.warnings._global_warnings", {})
        internal = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": "/tmp"}
        with patch_module_args({**arguments, **internal}), pytest.raises(SystemExit):
            module.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of programs on a host: with the package as hosts get it."""
    file = tmp_path_factory.mktemp("lib") / "reachable.zip"
    file.write_bytes(package.archive(Checkout().modules()))
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(file)}


# What Ansible says in a run without --tags and --skip-tags.
UNTAGGED = {"ansible_run_tags": ["all"], "ansible_skip_tags": []}


@pytest.fixture
def run_action() -> RunAction:
    """Return a function that runs an action as a task does, and returns its result.

    ``execute`` stands for the way to the host: it gets what the action changes, and returns the module's result.
    """

    def run(
        name: str,
        /,
        *,
        check: bool = False,
        transport: str = "ssh",
        become: bool = False,
        execute: Callable[..., dict[str, Any]] | None = None,
        variables: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> dict[str, Any]:
        task = SimpleNamespace(action=name, args=arguments, async_val=0, check_mode=check)
        connection = SimpleNamespace(transport=transport, become=become, _shell=SimpleNamespace(tmpdir="/nowhere"))
        templar = SimpleNamespace(template=lambda value: value)  # in these tests no variable has a template
        action = action_loader.get(name, task, connection, play_context=None, loader=None, templar=templar)
        action._execute_module = execute
        try:
            result: dict[str, Any] = action.run(task_vars=UNTAGGED | (variables or {}))
        except AnsibleActionFail as error:
            return {**error.result, "failed": True, "msg": error.message}
        return result

    return run
