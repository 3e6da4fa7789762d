"""What the test command makes ready before it runs scenarios."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
from imports import imported

ROOT = Path(__file__).resolve().parents[2]
INVENTORIES = sorted(folder.parent.name for folder in ROOT.glob("molecule/*/inventory"))

# Python has a package of this name, too.
command = imported("test_command_line", ROOT / "tests/test.py")


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


def test_a_seed_is_a_number_and_chance_chooses_it_only_where_all_is_run() -> None:
    assert command.with_seed(["faults", "--seed", "7", "all"]) == (["faults", "all"], "7")
    assert command.with_seed(["faults"]) == (["faults"], command.SEED)
    seeds = {command.with_seed(["all"])[1] for _ in range(9)}
    assert len(seeds) > 1
    assert all(seed.isdecimal() for seed in seeds)
    for wrong in (["--seed"], ["--seed", "faults"]):
        with pytest.raises(SystemExit, match="Give a number after --seed"):
            command.with_seed(wrong)


def test_no_task_names_an_image_by_itself() -> None:
    files = [file for file in ROOT.glob("molecule/**/*.yml") if "inventory" not in file.parts]
    assert [str(file) for file in files if re.search("image: reachable-test-", file.read_text())] == []


def test_there_is_one_scenario_more_than_processors_and_a_wide_part_leaves_room_for_one() -> None:
    wide, *narrow = [
        command.Part("", name, [], width) for name, width in (("unit", command.AT_ONCE - 1), *4 * [("", 1)])
    ]
    narrow = narrow[: command.AT_ONCE]
    assert command.first_that_fits([wide, *narrow], []) is wide
    assert command.first_that_fits(narrow, [wide]) is narrow[0]
    assert command.first_that_fits([wide], narrow[:2]) is None
    assert command.first_that_fits(narrow, narrow[:1] * command.AT_ONCE) is None
    assert command.first_that_fits([], []) is None


def test_what_a_part_uses_of_a_processor_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(command, "LOGS", tmp_path)
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    part = command.Part("unit", "busy", [sys.executable, "-c", busy])
    command.run([part])
    assert part.passed
    assert part.processor >= 0.3
    failing = command.Part("unit", "failing", ["false"])
    command.run([failing])
    assert not failing.passed
    assert re.search(r"^passed   busy +\d+\.\d s, +\d+\.\d s of a processor$", capsys.readouterr().out, re.MULTILINE)


def test_each_unit_test_is_in_one_part() -> None:
    unit, programs = command.unit_parts(is_exhaustive=False)
    assert unit.command[-1] == "not programs and not exhaustive"
    assert programs.command[-1] == "programs and not exhaustive"
    assert [part.command[-1] for part in command.unit_parts(is_exhaustive=True)] == ["not programs", "programs"]
