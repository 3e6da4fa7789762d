"""The module with the real pip and uv, on an index of tiny wheels, for other machines than this one."""

from __future__ import annotations

import platform
import sys
import tarfile
from typing import TYPE_CHECKING, Any

import package_bundle
import pytest
from ansible.module_utils.reachable import bundles
from ansible.module_utils.reachable.environments import interpreter
from package_index import Index
from packaging import tags

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunModule

pytestmark = pytest.mark.programs

MAC = {"platform_machine": "arm64", "sys_platform": "darwin", "python_version": "3.13", "python_full_version": "3.13.1"}
LINUX = {
    "platform_machine": "x86_64",
    "sys_platform": "linux",
    "python_version": "3.11",
    "python_full_version": "3.11.2",
}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """An index, as the controller's own settings name it."""
    made = Index(
        tmp_path / "index",
        ("base", "1.0", ""),
        ("base", "2.0", ""),
        ("extra", "1.0", "base"),
        ("macs", "1.0", ""),
        ("added", "1.0", "macs; sys_platform == 'darwin'"),
    )
    made.is_the_only_one(monkeypatch)
    return made


def host(markers: dict[str, str], *environments: dict[str, Any], **libraries: str) -> dict[str, Any]:
    """Return a host for which a bundle is."""
    target = bundles.Target(markers["python_version"], markers["platform_machine"], markers["sys_platform"])
    return {"target": vars(target), "environments": [*environments], "markers": markers, **libraries}


def names(file: Path) -> list[str]:
    """Return what packages are in a bundle."""
    with tarfile.open(file) as archive:
        return [name.removeprefix("wheels/").removesuffix("-py3-none-any.whl") for name in archive.getnames()][:-1]


def test_each_host_gets_what_its_markers_say(run_module: RunModule, index: Index, tmp_path: Path) -> None:
    lock = index.lock("base==1.0", "macs==1.0 ; sys_platform == 'darwin'")
    file = tmp_path / "bundle.tar"
    done = run_module(package_bundle, path=str(file), hosts=[host(LINUX, {"requirements": lock}, glibc="2.36")])
    assert (done["wheels"], names(file)) == (1, ["base-1.0"])
    mac = host(MAC, {"requirements": lock}, macos="15.1")
    run_module(package_bundle, path=str(file), hosts=[mac, host(LINUX, {"requirements": lock}, glibc="2.36")])
    assert names(file) == ["base-1.0", "macs-1.0"]
    assert [target.system for target in bundles.targets_in(bundles.read(file))] == ["darwin", "linux"]


def test_what_people_want_is_resolved_under_the_lock_and_for_the_host(
    run_module: RunModule, index: Index, tmp_path: Path
) -> None:
    file, kernel = tmp_path / "bundle.tar", {"requirements": index.lock("base==1.0"), "packages": ["extra", "added"]}
    run_module(package_bundle, path=str(file), hosts=[host(LINUX, kernel, glibc="2.36")])
    assert names(file) == ["added-1.0", "base-1.0", "extra-1.0"]
    server = {"requirements": f"{index.lock('base==1.0').rstrip()}\n# Resolved on the host:\nadded"}
    run_module(package_bundle, path=str(file), hosts=[host(MAC, server, macos="15.1")])
    assert names(file) == ["added-1.0", "base-1.0", "macs-1.0"]
    wanted = {"requirements": index.lock("base==2.0"), "user_requirements": "extra==1.0\n"}
    run_module(package_bundle, path=str(file), hosts=[host(LINUX, wanted, glibc="2.36")])
    assert names(file) == ["base-2.0", "extra-1.0"]


def test_what_cannot_be_had_is_said_and_the_old_one_stays(run_module: RunModule, index: Index, tmp_path: Path) -> None:
    file = tmp_path / "bundle.tar"
    file.write_text("the one of before")
    wanted = {"requirements": index.lock("base==1.0"), "packages": ["no-such-package"]}
    failed = run_module(package_bundle, path=str(file), hosts=[host(LINUX, wanted, glibc="2.36")])
    assert "no-such-package" in failed["msg"]
    forged = index.lock("base==1.0").replace("sha256:", "sha256:0")[:-2]
    failed = run_module(package_bundle, path=str(file), hosts=[host(LINUX, {"requirements": forged}, glibc="2.36")])
    assert "base" in failed["msg"]
    assert file.read_text() == "the one of before"


def test_check_mode_downloads_nothing(run_module: RunModule, index: Index, tmp_path: Path) -> None:
    wanted = {"requirements": index.lock("base==1.0")}
    hosts = [host(LINUX, wanted, glibc="2.36")]
    assert run_module(package_bundle, check=True, path=str(tmp_path / "bundle.tar"), hosts=hosts)["changed"]
    assert not (tmp_path / "bundle.tar").exists()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="It compares what packaging says of its own machine.")
def test_the_tags_are_those_of_packaging() -> None:
    here = host(interpreter(sys.executable).markers, glibc=platform.libc_ver()[1])
    assert {*package_bundle.platforms({**here, "macos": ""})} == {*tags.platform_tags()}
