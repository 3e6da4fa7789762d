# SPDX-License-Identifier: Apache-2.0
"""Read a universal lock: requirements with hashes, some of them only for some hosts (``name==1.0 ; marker``).

Hosts evaluate the markers with their own values. They have only Python's standard library, so not ``packaging``; a test
compares the two.
"""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

PIN = re.compile(
    r"(?P<name>[\w.-]+)(\[[^\]]*\])?\s*==\s*(?P<version>[^\s;]+)"
    r"(\s*;\s*(?P<marker>.+?))?(\s+(?P<hashes>--hash=.*))?"
)
COMPARISONS: dict[type[ast.cmpop], Callable[..., bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


# What stands behind this line is no lock: requirements that are resolved on the host, under the lock before it.
ADDITIONS = "# Resolved on the host:"


class LockError(ValueError):
    """A line of a lock does not pin a package."""


def with_additions(lock: str, requirements: Iterable[str]) -> str:
    """Return a lock with requirements behind it that are to be resolved under it."""
    asked = sorted(set(requirements))
    return "\n".join([lock.rstrip(), ADDITIONS, *asked]) if asked else lock


def additions(lock: str) -> list[str]:
    """Return the requirements behind a lock."""
    return lock.partition(f"\n{ADDITIONS}\n")[2].splitlines()


def locked_packages(lock: str, host: Mapping[str, str]) -> dict[str, str]:
    """Return the name and version of each package that the lock installs on a host.

    ``host`` has the values of all environment markers (``python_full_version``, ``sys_platform``, ...) there. Names are
    normalized, as installers print them. Raises LockError.
    """
    return {normalized(pin["name"]): pin["version"] for pin in pins(lock, host)}


def locked_lines(lock: str, host: Mapping[str, str]) -> list[str]:
    """Return the same as lines of a lock for that host alone, with their hashes. Raises LockError."""
    return [f"{pin['name']}=={pin['version']} {pin['hashes'] or ''}".rstrip() for pin in pins(lock, host)]


def pins(lock: str, host: Mapping[str, str]) -> Iterator[re.Match[str]]:
    """Yield the lines of a lock that are for a host. Raises LockError."""
    for raw in lock.partition(f"\n{ADDITIONS}\n")[0].replace("\\\n", " ").splitlines():
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        if not line or line.startswith("-"):
            continue
        pin = PIN.fullmatch(line)
        if not pin:
            raise LockError(f"requirements: {line!r} locks nothing; write name==version with its hashes.")
        if not pin["marker"] or applies(pin["marker"], host):
            yield pin


def normalized(name: str) -> str:
    """Return the normalized spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def applies(marker: str, host: Mapping[str, str]) -> bool:
    """Evaluate an environment marker, which is nearly a boolean expression of Python. Raises LockError."""
    try:
        return truth(ast.parse(marker, mode="eval").body, host)
    except (SyntaxError, KeyError, ValueError):
        raise LockError(f"requirements: the environment marker {marker!r} cannot be evaluated.") from None


def truth(node: ast.expr, host: Mapping[str, str]) -> bool:
    """Evaluate one node of a marker. Raises KeyError for anything that is not part of markers."""
    if isinstance(node, ast.BoolOp):
        combine = all if isinstance(node.op, ast.And) else any
        return combine(truth(part, host) for part in node.values)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        comparison, sides = node.ops[0], (node.left, node.comparators[0])
        first, second = (host[x.id] if isinstance(x, ast.Name) else ast.literal_eval(x) for x in sides)
        if isinstance(comparison, (ast.In, ast.NotIn)):
            return (first in second) is isinstance(comparison, ast.In)
        return COMPARISONS[type(comparison)](*comparable(first, second))
    raise KeyError(node)


def comparable(first: str, second: str) -> tuple[object, object]:
    """Return both texts as versions if they are, so that 3.9 < 3.10 and 3.11 == 3.11.0 == 3.11.*; else unchanged."""
    if not (first[:1].isdigit() and second[:1].isdigit()):
        return first, second
    left, right = ([int(n) for n in re.sub(r"[^\d.].*", "", x).split(".") if n] for x in (first, second))
    length = len(right) if second.endswith(".*") else max(len(left), len(right))
    return (left + [0] * length)[:length], (right + [0] * length)[:length]
