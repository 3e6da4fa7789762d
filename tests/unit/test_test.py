"""What the test command makes ready before it runs scenarios."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager

ROOT = Path(__file__).resolve().parents[2]
INVENTORIES = sorted(folder.parent.name for folder in ROOT.glob("molecule/*/inventory"))

# Python has a package of this name, too.
spec = importlib.util.spec_from_file_location("test_command_line", ROOT / "tests/test.py")
assert spec
assert spec.loader
command: Any = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = command
spec.loader.exec_module(command)


def images_of(scenario: str) -> set[str]:
    """Return the images that Ansible finds for the hosts of a scenario, or of the benchmark."""
    loader = DataLoader()
    sources = [str(ROOT / "molecule/inventory"), str(ROOT / "molecule" / scenario / "inventory")]
    inventory = InventoryManager(loader=loader, sources=sources)
    variables = VariableManager(loader=loader, inventory=inventory)
    hosts = [variables.get_vars(host=host, include_hostvars=False) for host in inventory.get_hosts("hosts")]
    clouds = [host["cloud_image"] for host in hosts if "cloud_name" in host]
    return {host["container_image"] for host in hosts} | {*clouds}


@pytest.mark.parametrize("scenario", INVENTORIES)
def test_each_image_that_hosts_start_from_is_made(scenario: str) -> None:
    made = {f"reachable-test-{kind}" for kind in command.image_kinds([scenario])}
    assert made == images_of(scenario)


def test_no_task_names_an_image_by_itself() -> None:
    files = [file for file in ROOT.glob("molecule/**/*.yml") if "inventory" not in file.parts]
    assert [str(file) for file in files if re.search("image: reachable-test-", file.read_text())] == []
