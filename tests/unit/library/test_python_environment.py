"""The module on real environments, with the real uv and an index of tiny wheels."""

from __future__ import annotations

import base64
import errno
import fcntl
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import python_environment
from ansible.module_utils.reachable import locks, sources
from ansible.module_utils.reachable.portable_pip import portable_pip
from package_index import Index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import RunModule

UV = Path(sys.executable).parent / "uv"

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    """A folder that other users can enter too, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def index(ground: Path) -> Index:
    made = Index(
        ground / "index",
        ("base", "1.0", ""),
        ("base", "2.0", ""),
        ("extra", "1.0", "base"),
        ("extra", "2.0", "base"),
        ("other", "1.0", ""),
        ("rival", "1.0", "base<2"),
    )
    made.add("uv", "0.1", scripts={"uv": f'#!/bin/sh\nexec "{UV}" "$@"\n'})
    return made


@pytest.fixture
def place(ground: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for environments, and the index as the host's own settings name it."""
    index.is_the_only_one(monkeypatch)
    folder = ground / "place"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


Ensure = Any
SHARED = ("uv", "pip", "python", "sources")


@pytest.fixture
def ensure(run_module: RunModule, place: Path) -> Ensure:
    """Run the module on one environment, ENV, with the uv of the tests."""

    def run(check: bool = False, **options: Any) -> dict[str, Any]:
        shared = {name: options.pop(name) for name in SHARED if name in options}
        environment = {"path": str(place / "env"), **options}
        result = run_module(python_environment, check=check, environments=[environment], **{"uv": str(UV), **shared})
        left_over = list(place.rglob("*.tmp"))
        assert not left_over
        if "failed" in result:
            assert (result.get("changed", False), result.get("environments", [])) == (False, [])
        else:
            assert result["changed"] == result["environments"][0]["changed"]
        return result

    return run


def changes(result: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    assert "failed" not in result, result["msg"]
    (environment,) = result["environments"]
    return [(change["name"], change["before"], change["after"]) for change in environment["packages_changed"]]


def warnings(result: dict[str, Any]) -> list[str]:
    return [summary["event"]["msg"] for summary in result.get("warnings", [])]


def user_installs(environment: Path, *packages: str) -> None:
    """Do what %pip install does."""
    subprocess.run([UV, "pip", "install", "-q", "--python", environment / "bin/python", *packages], check=True)


def version_in(environment: Path, name: str) -> str:
    code = f"import {name}; print({name}.version)"
    done = subprocess.run([environment / "bin/python", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


MATRIX = [
    {},
    {"replace": True, "check_command": ["{path}/bin/python", "-c", "import base"]},
    {"exact": False},
    {"exact": False, "packages": ["base"], "user_requirements": "# mine\nbase>=1\n"},
]


@pytest.mark.parametrize("options", MATRIX)
def test_check_run_check_run(options: dict[str, Any], ensure: Ensure, index: Index, place: Path) -> None:
    first = index.lock("base==1.0", "other==1.0", "extra==1.0 ; sys_platform == 'win32'")
    second = index.lock("base==2.0", "other==1.0")

    for lock, expected in (
        (first, [("base", None, "1.0"), ("other", None, "1.0")]),
        (second, [("base", "1.0", "2.0")]),
    ):
        before = sorted(place.rglob("*"))
        predicted = ensure(check=True, requirements=lock, **options)
        assert sorted(place.rglob("*")) == before
        done = ensure(requirements=lock, **options)
        again = [ensure(check=check, requirements=lock, **options) for check in (True, False)]

        assert predicted["changed"]
        assert done["changed"]
        assert changes(predicted) == changes(done) == expected
        assert predicted["diff"] == done["diff"]
        assert [(result["changed"], changes(result)) for result in again] == [(False, []), (False, [])]
    names = {"before_header": f"{place}/env", "after_header": f"{place}/env"}
    assert done["diff"] == [{"before": "base==1.0\n", "after": "base==2.0\n", **names}]
    assert version_in(place / "env", "base") == "2.0"
    assert done["environments"][0]["path"] == str(place / "env")
    assert done["environments"][0]["environment"] == str((place / "env").resolve())
    assert done["python_version"] == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize("enforces", [True, False])
def test_selinux_knows_the_programs_before_an_environment_counts_as_complete(
    enforces: bool, ensure: Ensure, index: Index, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_environment, "SYSTEM_PROGRAMS", str(place))
    monkeypatch.setattr(python_environment, "SELINUX", place if enforces else place / "none")
    restorecon = place / "restorecon"
    restorecon.write_text(f'#!/bin/sh\n[ ! -e "$2/reachable.json" ] && echo "$@" >>{place}/labelled\n')
    restorecon.chmod(0o755)
    for version in ("1.0", "2.0"):
        assert ensure(requirements=index.lock(f"base=={version}"))["changed"]
    labelled = place / "labelled"
    assert (labelled.read_text() if labelled.exists() else "") == 2 * f"-R {place}/env\n" * enforces


def test_exact_removes_what_the_lock_does_not_name(ensure: Ensure, index: Index, place: Path) -> None:
    lock = index.lock("base==2.0")
    ensure(requirements=lock)
    user_installs(place / "env", "extra==1.0")

    assert changes(ensure(check=True, requirements=lock)) == [("extra", "1.0", None)]
    assert changes(ensure(requirements=lock)) == [("extra", "1.0", None)]


def test_additive_leaves_the_users_packages_alone(ensure: Ensure, index: Index, place: Path) -> None:
    options = {"requirements": index.lock("base==2.0"), "exact": False, "packages": ["extra<2"]}
    assert changes(ensure(**options)) == [("base", None, "2.0"), ("extra", None, "1.0")]
    user_installs(place / "env", "other")
    assert not ensure(**options)["changed"]

    user_installs(place / "env", "base==1.0", "extra==2.0")
    expected = [("base", "1.0", "2.0"), ("extra", "2.0", "1.0")]
    assert changes(ensure(check=True, **options)) == changes(ensure(**options)) == expected
    user_installs(place / "env", "extra==2.0")
    assert not ensure(**{**options, "packages": ["extra"]})["changed"]


@pytest.mark.parametrize("exact", [True, False])
def test_the_lock_is_whole(exact: bool, ensure: Ensure, index: Index) -> None:
    lock = index.lock("extra==1.0")  # which needs base
    assert changes(ensure(requirements=lock, exact=exact)) == [("extra", None, "1.0")]
    lock = index.lock("extra==2.0")
    assert changes(ensure(requirements=lock, exact=exact)) == [("extra", "1.0", "2.0")]


def test_no_index_is_asked_when_nothing_differs(ensure: Ensure, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"requirements": index.lock("base==2.0"), "exact": False, "packages": ["extra"]}
    ensure(**options)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/")
    assert not ensure(**options)["changed"]


def test_settings_of_the_host_do_not_steer(
    ensure: Ensure, index: Index, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constraint = place / "constraint.txt"
    constraint.write_text("base<2\n")
    for name, value in (("UV_CONSTRAINT", str(constraint)), ("UV_SYSTEM_PYTHON", "1"), ("PYTHONPATH", "/nowhere")):
        monkeypatch.setenv(name, value)
    assert changes(ensure(requirements=index.lock("base==2.0"))) == [("base", None, "2.0")]


def test_of_all_indexes_of_a_file_the_best_version_counts(ensure: Ensure, index: Index, place: Path) -> None:
    other = Index(place / "other-index")
    other.add("extra", "0.5")
    file = f"--extra-index-url {other.url}\nextra>=1\n"
    ensure(requirements=index.lock("base==2.0"), exact=False, user_requirements=file)
    assert version_in(place / "env", "extra") == "2.0"


def test_of_the_configuration_of_pip_only_sources_count(
    ensure: Ensure, index: Index, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name)
    for name in ("PIP_USER", "PIP_REQUIRE_VIRTUALENV", "UV_SYSTEM_PYTHON"):
        monkeypatch.setenv(name, "1")
    for name in ("CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "PIP_TARGET"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("HOME", str(place / "home"))
    configuration = place / "home/.config/pip/pip.conf"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(
        f"[global]\nindex-url = {index.url}\n[install]\nuser = yes\nno-deps = yes\ndry-run = yes\n"
    )
    # The first is installed by pip, and by uv what comes on top.
    own = {"uv": str(place / "env/bin/uv"), "pip": base64.b64encode(portable_pip()).decode()}
    result = ensure(requirements=index.lock("uv==0.1"), packages=["extra"], exact=False, **own)
    assert {name for name, _, _ in changes(result)} == {"uv", "extra", "base"}


def test_an_environment_from_an_image_is_made_anew(
    ensure: Ensure, index: Index, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"requirements": index.lock("base==2.0"), "exact": False, "packages": ["extra"]}
    ensure(**options)
    (place / "env/lib").rename(place / "lib")
    rename = Path.rename

    def across_layers(path: Path, target: Path) -> Path:
        if path == place / "env":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", across_layers)
    assert ensure(**options)["changed"]
    assert version_in(place / "env", "base") == "2.0"
    assert not (place / "env.old").exists()


def break_interpreter(env: Path) -> None:
    (env / "bin/python").unlink()
    (env / "bin/python").symlink_to("/gone")


def break_marker(env: Path) -> None:
    (env / "reachable.json").unlink()


def age_python(env: Path) -> None:
    marker = json.loads((env / "reachable.json").read_text())
    (env / "reachable.json").write_text(json.dumps({**marker, "version": "3.1"}))


def break_metadata(env: Path) -> None:
    next(env.glob("lib/python*/site-packages/base-2.0.dist-info/METADATA")).unlink()


def empty_config(env: Path) -> None:
    (env / "pyvenv.cfg").write_text("")


def replace_config(env: Path) -> None:
    (env / "pyvenv.cfg").unlink()
    (env / "pyvenv.cfg").mkdir()


@pytest.mark.parametrize(
    ("damage", "options"),
    [
        (break_interpreter, {"replace": True}),
        (break_interpreter, {"exact": False}),
        (break_marker, {"exact": False}),
        (age_python, {"exact": False}),
        (break_metadata, {"exact": False}),
        (empty_config, {"exact": False}),
        (replace_config, {"exact": False}),
    ],
)
def test_a_damaged_environment_is_made_anew(
    damage: Any, options: dict[str, Any], ensure: Ensure, index: Index, place: Path
) -> None:
    options = {**options, "requirements": index.lock("base==2.0")}
    ensure(**options)
    if not options.get("exact", True):
        user_installs(place / "env", "extra==1.0")
    damage((place / "env").resolve())

    predicted, done = ensure(check=True, **options), ensure(**options)

    assert predicted["changed"]
    assert done["changed"]
    assert changes(predicted) == changes(done) == []
    assert warnings(done) == []
    assert version_in(place / "env", "base") == "2.0"
    if not options.get("exact", True):
        assert version_in(place / "env", "extra") == "1.0"
    assert not (place / "env.old").exists()
    assert not ensure(**options)["changed"]


def test_what_cannot_be_installed_again_is_named(ensure: Ensure, index: Index, place: Path) -> None:
    options = {"requirements": index.lock("base==2.0"), "exact": False}
    ensure(**options)
    user_installs(place / "env", "extra==1.0", str(next((index.folder / "other").glob("*.whl"))))
    site = next((place / "env").glob("lib/python*/site-packages"))
    shutil.copytree(site / "extra-1.0.dist-info", site / "gone-7.dist-info")
    break_marker(place / "env")

    done = ensure(**options)

    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert warnings(done) == [
        f"{name}, which had been added to {place}/env, could not be installed again for Python {python}. "
        f"In a notebook, %pip install {name.split()[0]} may find a version."
        for name in ("gone 7", "other 1.0")
    ]
    assert version_in(place / "env", "extra") == "1.0"


def test_an_interrupted_rebuild_loses_nothing(
    ensure: Ensure, index: Index, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"requirements": index.lock("base==2.0"), "exact": False}
    ensure(**options)
    user_installs(place / "env", "extra==1.0")
    break_marker(place / "env")
    (place / "env").rename(place / "env.old")
    subprocess.run([UV, "venv", "-q", place / "env"], check=True)

    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    failed = ensure(**options)
    assert failed["msg"].endswith(
        "Check that this host reaches the package index (network, proxy, index-url in pip.conf)."
    )
    assert version_in(place / "env", "extra") == "1.0"
    assert not (place / "env.old").exists()

    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    (place / "env").rename(place / "env.old")
    assert changes(ensure(check=True, **options)) == changes(ensure(**options)) == []
    assert version_in(place / "env", "extra") == "1.0"
    assert not (place / "env.old").exists()

    shutil.copytree(place / "env", place / "env.old", symlinks=True)
    assert not ensure(check=True, **options)["changed"]
    assert (place / "env.old").exists()
    assert not ensure(**options)["changed"]
    assert not (place / "env.old").exists()


def test_replace_keeps_the_environment_before_and_no_other(ensure: Ensure, index: Index, place: Path) -> None:
    for number, pins in enumerate((["base==1.0"], ["base==2.0"], ["base==2.0", "other==1.0"]), start=1):
        result = ensure(requirements=index.lock(*pins), replace=True)
        assert result["environments"][0]["environment"] == str((place / f"env.d/{number}").resolve())
    assert sorted(entry.name for entry in (place / "env.d").iterdir()) == ["2", "3"]
    assert os.readlink(place / "env") == "env.d/3"

    (place / "env").unlink()
    (place / "env").symlink_to("env.d/2")  # a rollback
    (place / "env.d/9").mkdir()  # an interrupted build
    assert changes(ensure(requirements=index.lock("base==1.0"), replace=True)) == [("base", "2.0", "1.0")]
    assert sorted(entry.name for entry in (place / "env.d").iterdir()) == ["10", "2"]


def rolled_back(ensure: Ensure, index: Index) -> tuple[str, str]:
    """Make an environment, another one in its place, and go back; return both locks."""
    old, new = index.lock("base==1.0"), index.lock("base==2.0")
    ensure(requirements=old, replace=True)
    ensure(requirements=new, replace=True)
    for check in (True, False):
        done = ensure(requirements=new, replace=True, lock="previous", check=check)
        assert changes(done) == [("base", "2.0", "1.0")]
        assert done["environments"][0]["held"]
    return old, new


def test_the_environment_before_is_held_until_another_lock_is_declared(
    ensure: Ensure, index: Index, place: Path
) -> None:
    _, new = rolled_back(ensure, index)
    assert os.readlink(place / "env") == "env.d/1"
    for options in ({"lock": "previous"}, {}, {"check": True}):
        again = ensure(requirements=new, replace=True, **options)
        assert (again["changed"], again["environments"][0]["held"]) == (False, True)

    break_interpreter((place / "env").resolve())
    repaired = ensure(requirements=new, replace=True)
    assert (repaired["changed"], changes(repaired)) == (True, [])
    assert repaired["environments"][0]["held"]
    assert version_in(place / "env", "base") == "1.0"

    newer = ensure(requirements=index.lock("base==2.0", "other==1.0"), replace=True)
    assert changes(newer) == [("base", "1.0", "2.0"), ("other", None, "1.0")]
    assert not newer["environments"][0]["held"]
    assert not (place / "env.hold").exists()


def test_packages_come_from_a_folder_and_from_nowhere_else(
    ensure: Ensure, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    wheels = str(index.folder / "base")
    folder = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, "UV_FIND_LINKS": wheels}
    wanted = {"requirements": index.lock("base==1.0"), "replace": True, "sources": folder}
    assert changes(ensure(**wanted)) == [("base", None, "1.0")]
    other = ensure(**{**wanted, "requirements": index.lock("other==1.0")})
    assert "other==1.0" in other["msg"]
    assert "127.0.0.1" not in other["msg"]


def test_what_was_declined_can_be_asked_for(ensure: Ensure, index: Index, place: Path) -> None:
    old, new = rolled_back(ensure, index)
    done = ensure(requirements=new, replace=True, lock="declared")
    assert changes(done) == [("base", "1.0", "2.0")]
    assert not done["environments"][0]["held"]
    assert not ensure(requirements=new, replace=True)["changed"]
    # Back to what is declared: nothing is declined.
    back = ensure(requirements=old, replace=True, lock="previous")
    assert changes(back) == [("base", "2.0", "1.0")]
    assert not back["environments"][0]["held"]
    assert not (place / "env.hold").exists()


def test_an_environment_that_cannot_be_held_any_more(ensure: Ensure, index: Index, place: Path) -> None:
    _, new = rolled_back(ensure, index)
    shutil.rmtree((place / "env").resolve())
    done = ensure(requirements=new, replace=True)
    assert version_in(place / "env", "base") == "2.0"
    assert not done["environments"][0]["held"]


def test_a_repair_keeps_what_can_be_gone_back_to(ensure: Ensure, index: Index, place: Path) -> None:
    old, new = index.lock("base==1.0"), index.lock("base==2.0")
    for lock in (old, new):
        ensure(requirements=lock, replace=True)
    for damage in (break_interpreter, break_marker):
        damage((place / "env").resolve())
        ensure(requirements=new, replace=True)
    assert sorted(entry.name for entry in (place / "env.d").iterdir()) == ["1", "3", "4"]
    ensure(requirements=new, replace=True, lock="previous")
    assert os.readlink(place / "env") == "env.d/1"


@pytest.mark.parametrize("damage", [break_interpreter, age_python])
def test_nothing_to_go_back_to(damage: Any, ensure: Ensure, index: Index, place: Path) -> None:
    options = {"replace": True, "lock": "previous"}
    old, new = index.lock("base==1.0"), index.lock("base==2.0")
    ensure(requirements=old, replace=True)
    none = f"{place}/env: there is no environment from before, so there is nothing to go back to."
    assert ensure(requirements=new, **options)["msg"] == none

    ensure(requirements=new, replace=True)
    damage(place / "env.d/1")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    for check in (True, False):
        assert ensure(requirements=new, check=check, **options)["msg"] == (
            f"{place}/env: the environment from before cannot run any more: it is damaged, or was made for another "
            f"Python than {python}, which this host has now."
        )
    assert os.readlink(place / "env") == "env.d/2"
    assert not (place / "env.hold").exists()


def test_the_check_has_its_files_and_is_left_out_where_nothing_can_break(
    ensure: Ensure, index: Index, place: Path
) -> None:
    options = {
        "replace": True,
        "check_command": ["{path}/bin/python", "check/it.py"],
        "check_files": {
            "check/it.py": "import glob, sys; sys.exit(open('check/why').read() + str(glob.glob('../../*/*.txt')))",
            "check/why": "not today, ",
        },
    }
    ensure(requirements=index.lock("base==1.0"), **options)
    failed = ensure(requirements=index.lock("base==2.0"), **options)
    assert failed["msg"].endswith("bin/python failed with status 1:\nnot today, ['../../1/lock.txt']")
    break_interpreter((place / "env").resolve())
    assert ensure(requirements=index.lock("base==2.0"), **options)["changed"]


def test_the_check_waits_for_a_lock(ensure: Ensure, index: Index, place: Path) -> None:
    lock = place / "kernel.lock"
    options = {"replace": True, "check_command": ["true"], "check_lock_file": str(lock)}
    ensure(requirements=index.lock("base==1.0"), **options)
    lock.touch(mode=0o600)
    with subprocess.Popen(["flock", lock, "sh", "-c", "touch held; sleep 5; touch free"], cwd=place) as holder:
        while not (place / "held").exists():
            time.sleep(0.01)
        assert ensure(requirements=index.lock("base==2.0"), **options)["changed"]
        assert (place / "free").exists()
        holder.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for another user")
def test_the_check_runs_as_its_user(ensure: Ensure, index: Index, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NGROK_AUTHTOKEN", "2abc")
    check = "import os, sys; sys.exit(f'{os.getuid()} {sorted(os.environ)} {open(\"why\").read()}')"
    options = {
        "replace": True, "check_user": "nobody", "python": "/usr/bin/python3",
        "check_command": ["/usr/bin/python3", "-c", check], "check_files": {"why": "not today"},
    }  # fmt: skip
    ensure(requirements=index.lock("base==1.0"), **options)
    failed = ensure(requirements=index.lock("base==2.0"), **options)["msg"]
    assert f"\n{pwd.getpwnam('nobody').pw_uid} [" in failed
    assert failed.endswith("not today")
    assert "NGROK_AUTHTOKEN" not in failed
    assert os.listdir(place / "env.d") == ["1"]
    missing = ensure(requirements=index.lock("base==2.0"), **{**options, "check_command": ["/nowhere"]})["msg"]
    assert missing.endswith("check_command fails: /nowhere does not run (No such file or directory)")
    unknown = ensure(requirements=index.lock("base==2.0"), **{**options, "check_user": "no-such-user"})["msg"]
    assert unknown.endswith("there is no user no-such-user on this host; create it first.")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["sh", "-c", "echo {path} is not well; exit 3"], "sh failed with status 3:\n{place}/env.d/2 is not well"),
        (["{path}/bin/none"], "{place}/env.d/2/bin/none does not run (No such file or directory)"),
    ],
)
def test_a_failing_check_switches_nothing(
    command: list[str], reason: str, ensure: Ensure, index: Index, place: Path
) -> None:
    options = {"replace": True, "check_command": command}
    assert ensure(requirements=index.lock("base==1.0"), **options)["changed"]

    failed = ensure(requirements=index.lock("base==2.0"), **options)

    assert failed["msg"] == (
        f"{place}/env: it stays as it was, for in the new one check_command fails: {reason.format(place=place)}"
    )
    assert [entry.name for entry in (place / "env.d").iterdir()] == ["1"]
    assert version_in(place / "env", "base") == "1.0"


def test_an_environment_with_its_own_uv(ensure: Ensure, index: Index, place: Path) -> None:
    options: dict[str, Any] = {
        "requirements": index.lock("base==2.0", "uv==0.1"),
        "uv": str(place / "env/bin/uv"),
        "pip": base64.b64encode(portable_pip()).decode(),
    }
    predicted, done = ensure(check=True, **options), ensure(**options)
    assert changes(predicted) == changes(done) == [("base", None, "2.0"), ("uv", None, "0.1")]
    assert not ensure(**options)["changed"]
    assert next((place / "env").glob("lib/python*/site-packages/__pycache__/base.*.pyc"))

    # Nobody needs it while nothing differs; one that does not run is replaced as soon as something does.
    (place / "env/bin/uv").write_bytes(b"\x7fELF")
    assert not ensure(**options)["changed"]
    options["requirements"] = index.lock("base==1.0", "uv==0.1")
    predicted, done = ensure(check=True, **options), ensure(**options)
    assert changes(predicted) == changes(done) == [("base", "2.0", "1.0")]
    assert not ensure(**options)["changed"]


def test_no_uv(ensure: Ensure, index: Index, place: Path) -> None:
    options = {"requirements": index.lock("base==2.0"), "uv": "/nowhere/uv"}
    message = (
        f"{place}/env: /nowhere/uv does not run (No such file or directory); "
        "name one that does, or remove its environment to have it made anew"
    )
    assert changes(ensure(check=True, **options)) == [("base", None, "2.0")]
    assert ensure(**options)["msg"] == message
    assert not (place / "env").exists()

    ensure(requirements=index.lock("base==1.0"))
    assert changes(ensure(check=True, **options)) == [("base", "1.0", "2.0")]
    assert ensure(**options)["msg"] == message
    assert not ensure(requirements=index.lock("base==1.0"))["changed"]


NAMES = "Check the names and versions in packages, user_requirements and requirements."
FILES = "The package index gave other files than the lock names: try again, then ask who runs the index or the proxy."


@pytest.mark.parametrize(
    ("options", "said", "advice"),
    [
        ({"packages": ["no-such-package"]}, "no-such-package was not found", NAMES),
        ({"packages": ["rival"]}, "your requirements are unsatisfiable", NAMES),
        ({"user_requirements": "numpy>>1"}, "Couldn't parse requirement in `user_requirements.txt`", NAMES),
        ({"requirements": f"base==2.0 --hash=sha256:{'0' * 64}"}, "Hash mismatch", FILES),
    ],
)
def test_failures_are_explained_and_change_nothing(
    options: dict[str, Any], said: str, advice: str, ensure: Ensure, index: Index
) -> None:
    old = {"requirements": index.lock("base==1.0"), "exact": False}
    new = {**old, "requirements": index.lock("base==2.0"), **options}
    fresh = ensure(**new)
    made = ensure(**old)
    failed = ensure(**new)

    for result in (fresh, failed):
        assert said in " ".join(result["msg"].split())
        assert result["msg"].endswith(advice)
    assert changes(made) == [("base", None, "1.0")]
    assert not ensure(**old)["changed"]


def test_passwords_in_addresses_are_not_shown(ensure: Ensure, index: Index) -> None:
    failed = ensure(
        requirements=index.lock("base==2.0"), exact=False, user_requirements="https://ada:secret@[127.0.0.1/x.whl"
    )
    assert "https://****@[127.0.0.1/x.whl" in failed["msg"]
    assert "secret" not in failed["msg"]


def test_what_is_no_environment_is_not_touched(ensure: Ensure, index: Index, place: Path) -> None:
    lock = index.lock("base==2.0")
    (place / "env").mkdir()
    (place / "env/notebook.ipynb").write_text("")
    assert ensure(requirements=lock)["msg"] == (
        f"{place}/env: this holds something that is no Python environment; choose another path."
    )
    assert ensure(requirements=lock, replace=True)["msg"] == (
        f"{place}/env: this is not the symlink that replace needs there; move it away."
    )
    (place / "env").rename(place / "real")
    (place / "env").symlink_to("real")
    assert ensure(requirements=lock)["msg"] == (
        f"{place}/env: this is a symlink; name the folder itself, or remove the symlink."
    )
    assert [entry.name for entry in (place / "real").iterdir()] == ["notebook.ipynb"]


ME = pwd.getpwuid(os.geteuid()).pw_name
NOT_EXACT = "{env}: packages, user_requirements: an exact environment holds nothing but the lock; set exact: false."
NO_OWNER = (
    f"{{env}}: only root can work as no-such-user, this is {ME}; set become: true."
    if os.geteuid()
    else "{env}: there is no user no-such-user on this host; create it first."
)


NOT_REPLACED = "{env}: lock: only of one that is replaced there is another to choose; set replace: true."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"packages": ["x"]}, NOT_EXACT),
        ({"user_requirements": "x"}, NOT_EXACT),
        ({"python": "/nowhere/python3"}, "python: /nowhere/python3 does not run; name an interpreter that does."),
        ({"owner": "no-such-user"}, NO_OWNER),
        ({"lock": "previous"}, NOT_REPLACED),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str, ensure: Ensure, index: Index, place: Path) -> None:
    assert ensure(requirements=index.lock("base==2.0"), **options)["msg"] == message.format(env=place / "env")


def test_two_runs_wait_for_each_other(ensure: Ensure, index: Index, place: Path) -> None:
    begun = []
    with os.fdopen(locks.open_own(str(place / "env.lock")), "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        def release() -> None:
            begun.append((place / "env.tmp").exists())
            fcntl.flock(held, fcntl.LOCK_UN)

        threading.Timer(0.3, release).start()
        assert ensure(requirements=index.lock("base==2.0"))["changed"]
    assert begun == [False]


def test_a_uv_that_does_not_end_is_ended(
    ensure: Ensure, index: Index, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure(requirements=index.lock("base==1.0"))
    monkeypatch.setattr(python_environment, "PROGRAM_SECONDS", 0.3)
    uv = place / "uv"
    uv.write_text("#!/bin/sh\nexec sleep 60\n")
    uv.chmod(0o755)
    answer = ensure(requirements=index.lock("base==2.0"), uv=str(uv))
    assert answer["msg"] == f"{place}/env: {uv} did not end within 0.005 minutes, and was ended"


HOLDING = """
import fcntl, sys
lock = open(sys.argv[1])
fcntl.flock(lock, fcntl.LOCK_EX)
print(flush=True)
input()
"""


def test_whoever_holds_the_lock_of_uv_is_named(
    ensure: Ensure, index: Index, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure(requirements=index.lock("base==1.0"))
    assert (place / "env/.lock").stat().st_mode & 0o777 == 0o600

    monkeypatch.setattr(python_environment, "INSTALLER_PATIENCE_SECONDS", 0)
    command = [sys.executable, "-c", HOLDING, str(place / "env/.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as notebook:
        assert notebook.stdout
        notebook.stdout.readline()
        answer = ensure(requirements=index.lock("base==2.0"))
        notebook.kill()
    assert answer["msg"].startswith(f"{place}/env: {place}/env/.lock has been held by process {notebook.pid} (")


Several = Any


@pytest.fixture
def several(run_module: RunModule, place: Path) -> Several:
    """Run the module on environments, each given as its name and its lock."""

    def run(uv: Path = UV, **locks: str) -> dict[str, Any]:
        environments = [{"path": str(place / name), "requirements": lock} for name, lock in locks.items()]
        return run_module(python_environment, environments=environments, uv=str(uv))

    return run


def test_several_are_told_apart(several: Several, index: Index, place: Path) -> None:
    several(one=index.lock("base==1.0"), two=index.lock("base==1.0"), three=index.lock("base==1.0"))
    (place / "four").mkdir()
    (place / "four/notebook.ipynb").write_text("")

    result = several(
        one=index.lock("base==2.0"),
        two=f"base==2.0 --hash=sha256:{'0' * 64}\n",
        three=index.lock("base==1.0"),
        four=index.lock("base==1.0"),
    )

    assert result["failed"]
    assert result["changed"]
    two, four = result["msg"].split(FILES)
    assert two.startswith(f"{place}/two: {UV} failed with status 1:\n")
    assert four == f"\n{place}/four: this holds something that is no Python environment; choose another path."
    assert [(Path(each["path"]).name, each["changed"]) for each in result["environments"]] == [
        ("one", True),
        ("three", False),
    ]
    assert [(Path(diff["after_header"]).name, diff["before"], diff["after"]) for diff in result["diff"]] == [
        ("one", "base==1.0\n", "base==2.0\n")
    ]


def test_they_are_made_side_by_side(several: Several, index: Index, place: Path) -> None:
    seen = []
    with os.fdopen(locks.open_own(str(place / "one.lock")), "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        def release_after_the_second() -> None:
            deadline = time.monotonic() + 30
            while not (place / "two/reachable.json").exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            seen.append((place / "two/reachable.json").exists())
            fcntl.flock(held, fcntl.LOCK_UN)

        threading.Thread(target=release_after_the_second).start()
        assert several(one=index.lock("base==2.0"), two=index.lock("base==2.0"))["changed"]
    assert seen == [True]


def test_the_one_that_holds_uv_is_made_first(several: Several, index: Index, place: Path) -> None:
    index.add("uv", "0.2", scripts={"uv": f'#!/bin/sh\nexec "{UV}" "$@"\n'})
    several(tools=index.lock("uv==0.1"))
    locks = {"other": index.lock("base==2.0"), "tools": index.lock("uv==0.2")}

    result = several(place / "tools/bin/uv", **locks)
    assert [Path(each["path"]).name for each in result["environments"]] == ["tools", "other"]
    assert version_in(place / "other", "base") == "2.0"

    shutil.rmtree(place / "other")
    result = several(place / "tools/bin/uv", **{**locks, "tools": f"uv==0.1 --hash=sha256:{'0' * 64}\n"})
    assert result["msg"].startswith(f"{place}/tools: ")
    assert not (place / "other").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for another user")
def test_everything_of_an_owner_is_done_as_that_user(ensure: Ensure, index: Index, place: Path) -> None:
    home = place / "home"
    home.mkdir()
    options = {
        "path": str(home / "env"), "requirements": index.lock("base==1.0"), "exact": False, "owner": "nobody",
        "python": "/usr/bin/python3", "uv": str(shutil.copy(UV, place / "uv")),
    }  # fmt: skip
    failed = ensure(**options)
    assert failed["msg"] == (
        f"{home}/env: user nobody may not write there ([Errno 13] Permission denied: '{home}/env.lock'); "
        "give them the folder above."
    )

    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    assert changes(ensure(check=True, **options)) == changes(ensure(**options)) == [("base", None, "1.0")]
    owners = {(entry.lstat().st_uid, entry.lstat().st_gid) for entry in home.rglob("*")}
    assert owners == {(nobody.pw_uid, nobody.pw_gid)}

    # A link that the user plants does not lead root to write elsewhere.
    treasure = place / "treasure"
    treasure.write_text("untouched")
    treasure.chmod(0o600)
    (home / "env/reachable.json").unlink()
    (home / "env/reachable.json").symlink_to(treasure)
    assert ensure(**options)["changed"]
    assert treasure.read_text() == "untouched"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for another user")
def test_check_mode_makes_no_lock_for_an_owner(ensure: Ensure, index: Index, place: Path) -> None:
    home, lock = place / "home", place / "env.lock"
    home.mkdir()
    shutil.chown(home, "nobody")
    options = {
        "path": str(home / "env"), "requirements": index.lock("base==1.0"), "owner": "nobody", "lock_file": str(lock),
        "python": "/usr/bin/python3", "uv": str(shutil.copy(UV, place / "uv")),
    }  # fmt: skip
    assert changes(ensure(check=True, **options)) == [("base", None, "1.0")]
    assert not lock.exists()
    assert changes(ensure(**options)) == [("base", None, "1.0")]
    assert (lock.stat().st_uid, stat.S_IMODE(lock.stat().st_mode)) == (0, 0o600)
    assert not (home / "env.lock").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for another user")
def test_check_mode_before_the_owner_exists(ensure: Ensure, index: Index) -> None:
    options = {"path": "/nowhere/env", "requirements": index.lock("base==1.0"), "owner": "no-such-user"}
    assert changes(ensure(check=True, **options)) == [("base", None, "1.0")]


def test_the_way_out_that_is_given_counts(run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {**os.environ, "https_proxy": "http://host:1"})
    way = {"proxies": {"https_proxy": "http://a:secret@proxy:3128"}, "trust": {"SSL_CERT_FILE": "/x.pem"}}
    run_module(python_environment, environments=[], uv=str(UV), **way)
    found = sources.surroundings(os.environ)
    assert (found["https_proxy"], found["SSL_CERT_FILE"]) == ("http://a:secret@proxy:3128", "/x.pem")


def with_additions(lock: str, *requirements: str) -> str:
    return "\n".join([lock.rstrip(), "# Resolved on the host:", *requirements])


def test_what_stands_behind_the_lock(ensure: Ensure, index: Index, place: Path) -> None:
    lock = index.lock("base==1.0")
    index.add("behind", "1.0", "base")
    wanted = {"requirements": with_additions(lock, "behind"), "replace": True}
    assert ensure(check=True, **wanted)["changed"]
    assert changes(ensure(**wanted)) == [("base", None, "1.0"), ("behind", None, "1.0")]
    assert f"--hash=sha256:{index.hashes['behind==1.0']}" in (place / "env/added.txt").read_text()
    assert "base==" not in (place / "env/added.txt").read_text()
    assert not ensure(**wanted)["changed"]
    # A newer one is left alone, also where the environment has to be repaired, until other ones are asked for.
    index.add("behind", "2.0", "base")
    shutil.rmtree(next(place.glob("env/lib/python*/site-packages/behind-1.0.dist-info")))
    assert changes(ensure(**wanted)) == [("behind", None, "1.0")]
    newer = {**wanted, "requirements": with_additions(lock, "behind>1")}
    assert changes(ensure(check=True, **newer)) == [("behind", "1.0", "2.0")]
    assert changes(ensure(**newer)) == [("behind", "1.0", "2.0")]
    assert changes(ensure(**newer, lock="previous")) == [("behind", "2.0", "1.0")]
    assert not ensure(**newer)["changed"]  # it is declined
    assert changes(ensure(requirements=lock, replace=True)) == [("behind", "1.0", None)]


def test_what_cannot_stand_behind_the_lock(ensure: Ensure, index: Index) -> None:
    lock = index.lock("base==2.0")
    ensure(requirements=lock, replace=True)
    result = ensure(requirements=with_additions(lock, "rival"), replace=True)
    assert "rival cannot be had for this server, which stays as it was" in result["msg"]
    assert not ensure(requirements=lock, replace=True)["changed"]
    assert "set replace: true" in ensure(requirements=with_additions(lock, "rival"))["msg"]


def test_what_it_brings_along_and_what_not(ensure: Ensure, index: Index) -> None:
    wanted = {"requirements": with_additions(index.lock("other==1.0"), "rival"), "replace": True}
    assert changes(ensure(**wanted, excludes="base  # for a reason\n")) == [
        ("other", None, "1.0"),
        ("rival", None, "1.0"),
    ]


def test_what_nobody_has_tried_is_tried_at_once(ensure: Ensure, index: Index) -> None:
    wanted = {"requirements": with_additions(index.lock("base==1.0"), "extra"), "replace": True}
    assert "check_command fails" in ensure(**wanted, check_command=["false"])["msg"]
