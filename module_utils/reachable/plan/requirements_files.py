# SPDX-License-Identifier: Apache-2.0
"""Files of requirements that people bring along: their text as pip reads it, and what of it cannot count on a host.

Only the text goes to the host. What leads to other files is therefore refused, by its line.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN = 3
ONLY_IT = "only the file itself goes to the host"
ANEW = "make the file anew with 'pip list --format=freeze'"
UNREADABLE = re.compile("[\0\ufffd]")
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # which begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
COMMENT = re.compile(r"(^|\s+)#.*$")
PASSWORD = re.compile(r"://[^/@\s]+@")
# An option in the front of a line, of which the value may follow at once where its name is short.
OPTION = re.compile(r"(?P<name>--[a-z][a-z-]*|-[a-zA-Z])")
HASHES = re.compile(r"(\s+--hash[= ]\s*\S+)+$")
# Those that uv takes from a file.
TAKEN = frozenset(
    {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index", "--no-binary", "--only-binary"}
    | {"--require-hashes"}
)
OF_OTHER_FILES = frozenset({"-r", "--requirement", "-c", "--constraint", "-e", "--editable"})
ARCHIVE = re.compile(r"\S+\.(whl|zip|tar|tgz|tar\.(gz|bz2|xz)|tbz)(\[.*\])?")
ADDRESS = re.compile(r"((?P<name>[\w.-]+(\[[^\]]*\])?)\s*@\s*)?(?P<scheme>[a-zA-Z][a-zA-Z+]+):\S+(\s*;.*)?")
PATH = re.compile(r"(\S+\s*@\s*)?([.~/\\]|[A-Za-z]:|[^;]*[/\\]).*")
WEB = re.compile(r"((git|hg|svn|bzr)\+)?(https?|ssh|git)", re.IGNORECASE)
VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
OF_CONDA = re.compile(r"[\w.-]+=[\w.!+-]+(=\w+)?")


def text_of(content: bytes) -> str:
    """Return the text of a file, whatever wrote it. What cannot be read in it is U+FFFD."""
    for mark, encoding in BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace")
    head = b"\n".join(line for line in content.splitlines()[:2] if line.startswith(b"#"))
    named = CODING.search(head)
    try:
        return content.decode(named[1].decode() if named else "utf-8", errors="replace")
    except LookupError:
        return content.decode(errors="replace")


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands in a file, each with the number of the line where it begins; comments are left out."""
    begun, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start if begun else number
        is_comment = COMMENT.match(line)
        if line.endswith("\\") and not is_comment:
            begun += line[:-1]
            continue
        whole = COMMENT.sub("", begun + ("" if begun and is_comment else line)).strip()
        begun = ""
        if whole:
            yield start, whole
    if whole := begun.strip():
        yield start, whole


def problems(text: str) -> Iterator[str]:
    """Yield what is wrong with a file, and what to do, by its lines, of many only the first."""
    if found := UNREADABLE.search(text):
        number = 1 + text.count("\n", 0, found.start())
        yield f"has bytes in line {number} that are no text: save it as UTF-8."
        return
    wrong = [(number, line, problem) for number, line in lines_of(text) if (problem := problem_of(line))]
    for number, line, problem in wrong[:SHOWN]:
        yield f"has '{PASSWORD.sub('://****@', line)}' in line {number}, {problem}"
    if wrong[SHOWN:]:
        yield f"has {len(wrong) - SHOWN} more of such lines."


def problem_of(line: str) -> str:
    """Return what is wrong with a line, and what to do; nothing where all is well."""
    if VARIABLE.search(line):
        return "and the host does not know what your environment has: write the value into it."
    if option := OPTION.match(line):
        return problem_of_option(option["name"])
    bare = HASHES.sub("", line)
    if address := ADDRESS.fullmatch(bare):
        return problem_of_address(address["name"], address["scheme"].lower())
    if PATH.fullmatch(bare) or ARCHIVE.fullmatch(bare):
        return f"a path, and {ONLY_IT}: name the package, or an address with https."
    if OF_CONDA.fullmatch(bare):
        return f"as conda writes it: {ANEW}, or write it with '=='."
    return "" if is_requirement(bare) else "which names no package: write it like 'numpy' or 'pandas==3.0.1'."


def problem_of_option(name: str) -> str:
    """Return what is wrong with an option."""
    if name in OF_OTHER_FILES:
        return f"and {ONLY_IT}: write the packages into it, or addresses like git+https://example.org/mine.git."
    return "" if name in TAKEN else "an option for pip alone: leave it out."


def problem_of_address(name: str | None, scheme: str) -> str:
    """Return what is wrong with an address."""
    if WEB.fullmatch(scheme):
        return ""
    if name and scheme == "file":
        return f"where it lay when conda built it: {ANEW}, or write '{name}' with a version."
    return f"which is on one machine only, and {ONLY_IT}: name the package, or an address with https."


def is_requirement(line: str) -> bool:
    """Tell whether a line names a package."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - most people ask for none

    try:
        Requirement(line)
    except InvalidRequirement:
        return False
    return True
