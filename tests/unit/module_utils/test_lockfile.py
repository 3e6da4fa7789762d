"""A lock says the same here as to installers."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from reachable.lockfile import LockError, applies, locked_packages

REQUIREMENTS = Path(__file__).parents[3] / "requirements"


def host(version: str, platform: str = "linux") -> dict[str, str]:
    darwin = platform == "darwin"
    return {
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "posix",
        "platform_machine": "arm64" if darwin else "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "23.5.0" if darwin else "6.1.0-13-amd64",
        "platform_system": "Darwin" if darwin else "Linux",
        "platform_version": "#1 SMP",
        "python_full_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": platform,
    }


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("version", ["3.10.0", "3.10.13", "3.11.0", "3.11.4", "3.11.5", "3.12.1", "3.14.2"])
@pytest.mark.parametrize("name", ["controller", "kernel", "server", "test", "tools", "uv"])
def test_the_projects_locks_mean_what_packaging_says(name: str, version: str, platform: str) -> None:
    text = (REQUIREMENTS / f"{name}.txt").read_text()
    lines = [line.removesuffix("\\").strip() for line in text.splitlines() if line[:1].isalnum()]
    wanted = {}
    for requirement in map(Requirement, lines):
        if not requirement.marker or requirement.marker.evaluate({**host(version, platform), "extra": ""}):
            wanted[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")

    assert locked_packages(text, host(version, platform)) == wanted
    assert wanted


@pytest.mark.parametrize(
    ("marker", "truth"),
    [
        ("python_full_version < '3.12'", True),
        ("python_full_version < '3.9'", False),
        ("'3.9' < python_full_version", True),
        ("python_full_version <= '3.11'", True),
        ("python_full_version == '3.11.*'", True),
        ("python_full_version != '3.11.*'", False),
        ("python_version == '3.11.0'", True),
        ("platform_release >= '5.10'", True),
        ("platform_machine in 'x86_64 aarch64'", True),
        ("platform_machine not in 'x86_64 aarch64'", False),
        ("sys_platform == 'win32' or (os_name == 'posix' and python_version > '3.9')", True),
        ("sys_platform == 'linux' and python_version > '3.11'", False),
    ],
)
def test_a_marker(marker: str, truth: bool) -> None:
    assert applies(marker, host("3.11.0")) is truth


@pytest.mark.parametrize(
    "marker",
    [
        "extra == 'x'",
        "python_version ~= '3.11'",
        "python_version",
        "__import__('os').name == 'posix'",
        "sys_platform <",
    ],
)
def test_what_is_no_marker_is_named(marker: str) -> None:
    with pytest.raises(LockError) as caught:
        applies(marker, host("3.11.0"))
    assert str(caught.value) == f"requirements: the environment marker {marker!r} cannot be evaluated."


def test_forms_of_lines() -> None:
    lock = "--index-url https://example.org\n# note\nFoo.Bar_x[all]==1.0 ; os_name == 'posix' \\\n    --hash=sha256:0\n"
    assert locked_packages(lock + "b==2 --hash=sha256:1  # via a\nc==3", host("3.12.1")) == {
        "foo-bar-x": "1.0",
        "b": "2",
        "c": "3",
    }


def test_a_line_without_a_version() -> None:
    with pytest.raises(LockError) as caught:
        locked_packages("foo>=1", host("3.12.1"))
    assert str(caught.value) == "requirements: 'foo>=1' locks nothing; write name==version with its hashes."
