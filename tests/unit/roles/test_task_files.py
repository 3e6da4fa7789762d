# SPDX-License-Identifier: Apache-2.0
"""Whatever roles and playbooks include is there, also what only a failure comes to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(
    [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/handlers/*.yml"), *ROOT.glob("playbooks/**/*.yml")]
)
ROLES = ("ansible.builtin.include_role", "ansible.builtin.import_role")
TASKS = ("ansible.builtin.include_tasks", "ansible.builtin.import_tasks")


def mappings(content: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping in a file, however deep."""
    if isinstance(content, dict):
        yield content
    for each in content.values() if isinstance(content, dict) else content if isinstance(content, list) else []:
        yield from mappings(each)


def included(file: Path) -> Iterator[Path]:
    """Yield the files that a file includes, but for those whose name depends on the host."""
    for each in mappings(yaml.safe_load(file.read_text())):
        for role in (each[kind] for kind in ROLES if isinstance(each.get(kind), dict)):
            yield ROOT / "roles" / role["name"] / "tasks" / f"{role.get('tasks_from', 'main')}.yml"
        for name in (each[kind] for kind in TASKS if isinstance(each.get(kind), str)):
            path = name.replace("{{ role_path }}", str(file.parents[1]))
            if "{{" not in path:
                yield Path(path) if path.startswith("/") else file.parent / path


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(ROOT)) for file in FILES])
def test_what_is_included_is_there(file: Path) -> None:
    assert [path for path in included(file) if not path.is_file()] == []


def test_tags_choose_among_all_steps_of_up() -> None:
    steps = yaml.safe_load((ROOT / "playbooks/tasks/provision.yml").read_text())
    assert [step["name"] for step in steps if not step.get("tags")] == []
