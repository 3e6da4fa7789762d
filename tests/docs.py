# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Write those parts of the documents that roles and modules say about themselves: `python tests/docs.py [--check]`.

They stand between the lines `<!-- begin NAME -->` and `<!-- end NAME -->`. With `--check` nothing is written, and a
document that is out of date, or that links to a file or a heading that is not there, is an error.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
# The roles whose variables people set, the most wanted first.
ROLES = ("jupyter", "certificate", "ngrok", "endpoint", "drift", "preflight")
DOCUMENTS = ("*.md", "docs/*.md", "tests/doubles/*.md")
# Where a link into the project leads, in Markdown or in HTML.
LINK = re.compile(r"""(?:\]\(|\b(?:src|href)=")(?!https?:)([^)"\s]+)""")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# Ansible's markup: C(code), V(value), O(option), RV(return value), M(module).
MARKUP = re.compile(r"\b(?:C|V|O|RV|M)\(([^)]*)\)")


def main() -> None:
    """Bring the documents up to date, or say what is wrong with them."""
    documents = {file: file.read_text(encoding="utf-8") for pattern in DOCUMENTS for file in sorted(ROOT.glob(pattern))}
    outdated = {file: new for file, text in documents.items() if (new := renewed(text)) != text}
    if sys.argv[1:] == ["--check"]:
        problems = [f"{file.relative_to(ROOT)} is out of date: run python tests/docs.py" for file in outdated]
        problems += [problem for file, text in documents.items() for problem in dead_links(file, text)]
        print(*problems, sep="\n", end="\n" if problems else "")
        sys.exit(1 if problems else 0)
    for file, text in outdated.items():
        file.write_text(text, encoding="utf-8")
        print(f"wrote {file.relative_to(ROOT)}")


def dead_links(file: Path, text: str) -> list[str]:
    """Return a sentence for each link of a document into the project that leads nowhere."""
    problems = []
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        target = file.parent / path if path else file
        if not target.exists():
            problems.append(f"{file.name} links to {link}, which does not exist")
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            problems.append(f"{file.name} links to {link}, where there is no such heading")
    return problems


def anchors(document: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    found: Counter[str] = Counter()
    unique = set()
    for heading in HEADING.findall(FENCED.sub("", document)):
        name = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        unique.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return unique


def renewed(document: str) -> str:
    """Return a document with its generated parts as they should be."""
    for name, generate in {"variables": variables, "modules": modules}.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
        if begin in document:
            before, rest = document.split(begin)
            _, after = rest.split(end)
            document = f"{before}{begin}\n{generate()}\n{end}{after}"
    return document


def variables() -> str:
    """Return a table of the variables that people set."""
    options: dict[str, Any] = {}
    for role in ROLES:
        specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
        options |= specs["argument_specs"]["main"]["options"]
    return table("Variable", options, "options")


def modules() -> str:
    """Return a chapter on each module."""
    return "\n".join(chapter(file) for file in sorted(ROOT.glob("library/*.py")))


def chapter(file: Path) -> str:
    """Return what a module says about itself, without its examples."""
    docs, returns = constant(file, "DOCUMENTATION"), constant(file, "RETURN")
    lines = [f"## {file.stem}", "", f"{docs['short_description']}.", ""]
    lines += [f"- {markdown(sentence)}" for sentence in docs["description"]]
    lines += ["", table("Option", docs["options"], "suboptions"), table("Return value", returns, "contains")]
    return "\n".join(lines)


def constant(file: Path, name: str) -> dict[str, Any]:
    """Return the YAML that stands in a constant of a module."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            content: dict[str, Any] = yaml.safe_load(ast.literal_eval(node.value))
            return content
    raise LookupError(f"{file} has no {name}.")


def table(title: str, options: dict[str, Any], nested: str) -> str:
    """Return a Markdown table of options and of those nested in them."""
    cells = [(title, "Type", "Default", "Description"), *rows(options, nested)]
    # Return values have no defaults; a column in which nothing stands is left out.
    columns = [column for column in zip(*cells, strict=True) if any(column[1:])]
    head, *body = zip(*columns, strict=True)
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def rows(options: dict[str, Any], nested: str, parent: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield the name, type, default and description of each option, and of those nested in it."""
    for name, option in options.items():
        kind = f"list of {option['elements']}" if "elements" in option else option["type"]
        choices = " or ".join(f"`{choice}`" for choice in option.get("choices", ()))
        default = option.get("default", "")
        shown = default if isinstance(default, str) else json.dumps(default)
        yield (
            f"`{parent}{name}`",
            choices or kind,
            "required" if option.get("required") else shown and f"`{shown}`",
            markdown(option["description"]),
        )
        yield from rows(option.get(nested, {}), nested, f"{parent}{name}.")


def markdown(text: str | list[str]) -> str:
    """Return a description in Markdown."""
    sentences = text if isinstance(text, list) else [text]
    return " ".join(MARKUP.sub(r"`\1`", sentence.strip()) for sentence in sentences)


if __name__ == "__main__":
    main()
