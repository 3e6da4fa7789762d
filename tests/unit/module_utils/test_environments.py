"""What is in an environment is told without running anything that is in it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from reachable import environments
from reachable.environments import Failure, Interpreter
from reachable.lockfile import LockError

if TYPE_CHECKING:
    from collections.abc import Callable

LOCK = "foo-bar==1.0 --hash=sha256:0\nother==2.0 ; sys_platform == 'none'\n"


@pytest.fixture(scope="module")
def python() -> Interpreter:
    return environments.interpreter(sys.executable)


@pytest.fixture
def environment(tmp_path: Path, python: Interpreter) -> Path:
    """An environment as it is when it is complete."""
    folder = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    add(folder, "Foo_Bar", "1.0")
    (folder / environments.MARKER).write_text(json.dumps(environments.marker_of(python)))
    return folder


def add(folder: Path, name: str, version: str) -> None:
    site = next(folder.glob("lib/python*/site-packages"))
    (site / f"{name}-{version}.dist-info").mkdir()
    (site / f"{name}-{version}.dist-info/METADATA").write_text("Metadata-Version: 2.1\n")
    files = {f"{name}/__init__.py": "", f"{name}/main.py": "print()\n", f"../../../bin/{name}": "#!\n"}
    for path, text in files.items():
        (site / path).parent.mkdir(exist_ok=True)
        (site / path).write_text(text)
    rows = [f"{path},sha256=x,{len(text)}\n" for path, text in files.items()]
    compiled = [f"{name}/__pycache__/main.cpython-313.pyc,,\n", f"{name}-{version}.dist-info/RECORD,,\n"]
    (site / f"{name}-{version}.dist-info/RECORD").write_text("".join([*rows, *compiled]))


def test_an_interpreter_tells_where_it_stands_outside_of_any_environment(python: Interpreter) -> None:
    version = ".".join(platform.python_version_tuple()[:2])
    assert Path(python.path).name == f"python{version}"
    assert not (Path(python.path).parents[1] / "pyvenv.cfg").exists()
    assert python.markers["python_version"] == version
    assert python.markers["sys_platform"] == sys.platform
    assert python.markers["python_full_version"] == platform.python_version()


@pytest.mark.parametrize("program", ["/nowhere/python3", "/bin/false", "/bin/echo"])
def test_what_is_no_interpreter(program: str) -> None:
    with pytest.raises(Failure) as caught:
        environments.interpreter(program)
    assert str(caught.value) == f"python: {program} does not run; name an interpreter that does."


def test_packages(environment: Path) -> None:
    add(environment, "zope.interface", "7.0.post1")
    (next(environment.glob("lib/python*/site-packages")) / "~oo-1.0.dist-info").mkdir()  # pip's name while it works
    assert environments.installed(environment) == {"foo-bar": "1.0", "zope-interface": "7.0.post1"}


def leave_alone(_: Path) -> None:
    pass


def add_a_package(environment: Path) -> None:
    add(environment, "added", "1.0")


def lose_the_package(environment: Path) -> None:
    record = next(environment.glob("lib/python*/site-packages/Foo_Bar-1.0.dist-info"))
    record.rename(record.with_name("unrelated"))


def change_the_version(environment: Path) -> None:
    record = next(environment.glob("lib/python*/site-packages/Foo_Bar-1.0.dist-info"))
    record.rename(record.with_name("Foo_Bar-1.1.dist-info"))


def empty_metadata(environment: Path) -> None:
    next(environment.glob("lib/python*/site-packages/*/METADATA")).write_text("")


def lose_metadata(environment: Path) -> None:
    next(environment.glob("lib/python*/site-packages/*/METADATA")).unlink()


def lose_a_file(environment: Path) -> None:
    next(environment.glob("lib/python*/site-packages/Foo_Bar/main.py")).unlink()


def lose_a_program(environment: Path) -> None:
    (environment / "bin/Foo_Bar").unlink()


def lose_the_code(environment: Path) -> None:
    shutil.rmtree(next(environment.glob("lib/python*/site-packages/Foo_Bar")))


def empty_a_file(environment: Path) -> None:
    next(environment.glob("lib/python*/site-packages/Foo_Bar/main.py")).write_text("")


def have_a_folder_in_the_place_of_a_file(environment: Path) -> None:
    lose_a_file(environment)
    (next(environment.glob("lib/python*/site-packages/Foo_Bar")) / "main.py").mkdir()


def garble_the_record(environment: Path) -> None:
    next(environment.glob("lib/python*/site-packages/Foo_Bar-1.0.dist-info/RECORD")).write_text("Foo_Bar/main.py\n")


def lose_the_marker(environment: Path) -> None:
    (environment / environments.MARKER).unlink()


def garble_the_marker(environment: Path) -> None:
    (environment / environments.MARKER).write_text("{")


def age_the_marker(environment: Path) -> None:
    marker = json.loads((environment / environments.MARKER).read_text())
    (environment / environments.MARKER).write_text(json.dumps({**marker, "version": "3.1"}))


def lose_python(environment: Path) -> None:
    (environment / "bin/python").unlink()
    (environment / "bin/python").symlink_to("/gone")


def change_python(environment: Path) -> None:
    (environment / "bin/python").unlink()
    (environment / "bin/python").symlink_to("/bin/sh")


def empty_the_config(environment: Path) -> None:
    (environment / "pyvenv.cfg").write_text("")


def have_a_folder_in_the_place_of_the_config(environment: Path) -> None:
    (environment / "pyvenv.cfg").unlink()
    (environment / "pyvenv.cfg").mkdir()


def garble_the_config(environment: Path) -> None:
    (environment / "pyvenv.cfg").write_text("[[1], null]\n")


def cut_the_config_short(environment: Path) -> None:
    (environment / "pyvenv.cfg").write_text("home = /us")


def let_nobody_read_the_config(environment: Path) -> None:
    (environment / "pyvenv.cfg").chmod(0)


def let_nobody_read_a_file(environment: Path) -> None:
    next(environment.glob("lib/python*/site-packages/Foo_Bar/main.py")).chmod(0)


@pytest.mark.parametrize(
    ("drift", "exact", "additive"),
    [
        (leave_alone, True, True),
        (add_a_package, False, True),
        *(
            (damage, False, False)
            for damage in (
                lose_the_package,
                change_the_version,
                empty_metadata,
                lose_metadata,
                lose_a_file,
                lose_a_program,
                lose_the_code,
                empty_a_file,
                have_a_folder_in_the_place_of_a_file,
                garble_the_record,
                lose_the_marker,
                garble_the_marker,
                age_the_marker,
                lose_python,
                change_python,
                empty_the_config,
                have_a_folder_in_the_place_of_the_config,
                garble_the_config,
                cut_the_config_short,
                let_nobody_read_the_config,
                let_nobody_read_a_file,
            )
        ),
    ],
)
def test_drift(
    drift: Callable[[Path], None], exact: bool, additive: bool, environment: Path, python: Interpreter
) -> None:
    drift(environment)
    assert environments.is_as_locked(environment, python, LOCK, exact=True) is exact
    assert environments.is_as_locked(environment, python, LOCK, exact=False) is additive
    works = drift in (leave_alone, add_a_package, lose_the_package, change_the_version)
    otherwise = "different" if works else "incomplete"
    assert environments.state_of(environment, python, LOCK, exact=True) == ("settled" if exact else otherwise)


def test_where_people_may_add_packages_they_may_edit_them(environment: Path, python: Interpreter) -> None:
    next(environment.glob("lib/python*/site-packages/Foo_Bar/main.py")).write_text("print('mine')\n")
    assert environments.is_as_locked(environment, python, LOCK, exact=False)
    assert environments.state_of(environment, python, LOCK, exact=True) == "incomplete"


def test_two_packages_may_have_a_file_in_common(environment: Path, python: Interpreter) -> None:
    site = next(environment.glob("lib/python*/site-packages"))
    with (site / "Foo_Bar-1.0.dist-info/RECORD").open("a") as record:
        record.write("Foo_Bar/main.py,sha256=y,99\n\n")
    assert environments.is_as_locked(environment, python, LOCK, exact=True)


def test_what_a_record_names_elsewhere_is_not_looked_at(environment: Path, python: Interpreter) -> None:
    site = next(environment.glob("lib/python*/site-packages"))
    with (site / "Foo_Bar-1.0.dist-info/RECORD").open("a") as record:
        record.write("../../../../elsewhere,sha256=y,99\n/nowhere/at/all,sha256=y,99\n")
    assert environments.is_as_locked(environment, python, LOCK, exact=False)


def test_no_environment(tmp_path: Path, python: Interpreter) -> None:
    assert not environments.is_as_locked(tmp_path / "none", python, LOCK, exact=True)
    assert environments.state_of(tmp_path / "none", python, LOCK, exact=True) == "absent"
    assert environments.lock_of(tmp_path / "none") is None
    assert environments.installed(tmp_path / "none") == {}


def test_a_lock_that_locks_nothing(environment: Path, python: Interpreter) -> None:
    with pytest.raises(LockError, match="locks nothing"):
        environments.is_as_locked(environment, python, "foo>=1", exact=True)


def test_nothing_in_it_is_run(environment: Path, python: Interpreter) -> None:
    site = next(environment.glob("lib/python*/site-packages"))
    (site / "run.pth").write_text(f"import pathlib; pathlib.Path({str(environment / 'was-run')!r}).touch()\n")
    assert environments.is_as_locked(environment, python, LOCK, exact=True)
    assert not (environment / "was-run").exists()
    subprocess.run([environment / "bin/python", "-c", ""], check=True)
    assert (environment / "was-run").exists()


def test_the_lock_in_force(tmp_path: Path) -> None:
    path, other = tmp_path / "env", "foo-bar==2.0\n"
    path.mkdir()
    (path / environments.LOCK).write_text(LOCK)
    assert environments.lock_in_force(path, other) == other

    environments.hold_of(path).write_text(environments.name_of(other))
    assert environments.lock_in_force(path, other) == LOCK
    assert environments.lock_in_force(path, "foo-bar==3.0\n") == "foo-bar==3.0\n"

    (path / environments.LOCK).unlink()
    assert environments.lock_in_force(path, other) == other


def test_what_a_notebook_plants_among_what_is_known_of_a_package(tmp_path: Path) -> None:
    record = tmp_path / "base-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Name: base\n")
    (record / "licenses").mkdir()
    assert environments.is_whole(record)
    planted = record / "direct_url.json"
    os.mkfifo(planted)
    assert not environments.is_whole(record)
    planted.unlink()
    planted.symlink_to("/etc/passwd")
    assert not environments.is_whole(record)
    planted.unlink()
    with planted.open("wb") as file:
        file.truncate(2**40)
    assert not environments.is_whole(record)


@pytest.mark.parametrize("name", [environments.MARKER, environments.LOCK])
def test_what_a_notebook_plants_keeps_nobody_waiting(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    assert environments.lock_of(tmp_path) is None
    assert not environments.is_complete(tmp_path, environments.interpreter(sys.executable), exact=True)
    (tmp_path / name).unlink()
    with (tmp_path / name).open("wb") as file:
        file.truncate(2**40)
    assert environments.lock_of(tmp_path) is None
    assert not environments.is_complete(tmp_path, environments.interpreter(sys.executable), exact=True)
