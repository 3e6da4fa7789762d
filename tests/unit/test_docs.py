"""What is said of links in documents that lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from imports import imported

docs = imported("documents", Path(__file__).parents[1] / "docs.py")

OTHER = """# What `up` does, and what not

## Twice

## Twice

```sh
# no heading
```
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[another](docs/other.md) <img src='x'> [far](https://example.org/none.md#none)", None),
        ("[its heading](docs/other.md#what-up-does-and-what-not)", None),
        ("[the second](docs/other.md#twice-1)", None),
        ("# Here\n[a heading of its own](#here)", None),
        ("[none](docs/none.md#twice)", "docs/none.md#twice, which does not exist"),
        ('<img src="docs/none.png" alt="">', "docs/none.png, which does not exist"),
        ("[none](docs/other.md#thrice)", "docs/other.md#thrice, where there is no such heading"),
        ("[code](docs/other.md#no-heading)", "docs/other.md#no-heading, where there is no such heading"),
        ("# Here\n[none](#there)", "#there, where there is no such heading"),
    ],
)
def test_links(tmp_path: Path, text: str, problem: str | None) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/other.md").write_text(OTHER)
    (tmp_path / "README.md").write_text(text)
    problems = docs.dead_links(tmp_path / "README.md", text)
    assert problems == ([f"README.md links to {problem}"] if problem else [])
