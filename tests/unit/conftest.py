"""Make library/ and module_utils/ importable as Ansible makes them, and run a module in this process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ansible.module_utils
import pytest
from ansible.module_utils.testing import patch_module_args

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    RunModule = Callable[..., dict[str, Any]]

ROOT = Path(__file__).resolve().parents[2]
for folder in ("library", "callback_plugins", "filter_plugins"):
    sys.path.insert(0, str(ROOT / folder))
ansible.module_utils.__path__.append(str(ROOT / "module_utils"))


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunModule:
    """Return a function that runs a module's main() and returns what it printed as its result."""
    # Tests of plugins make this process a controller, where a module's warnings would go to the screen.
    monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)

    def run(module: ModuleType, check: bool = False, diff: bool = True, **arguments: Any) -> dict[str, Any]:
        internal = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": "/tmp"}
        with patch_module_args({**arguments, **internal}), pytest.raises(SystemExit):
            module.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run
