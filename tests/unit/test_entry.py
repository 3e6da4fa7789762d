"""The entry in a copy of the tree, with a stub in the place of Python that writes down how it was called."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SHELLS = [shell for shell in (["dash"], ["bash", "--posix"]) if shutil.which(shell[0])]
STUB = """#!/bin/sh
for word in "$0" "$PWD" "$@"; do printf '%s\\0' "$word"; done
exit 2
"""
UP = """# Make a Jupyter reachable
#
# ./reachable up ada@vps   does all of it
---
# not this
- name: Nothing
"""


@dataclass
class Call:
    """How the stub was called."""

    program: str
    folder: str
    arguments: list[str]


class Tree:
    """A copy of what the entry needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.decoy = folder.parent / "decoy"  # where a shell that minds CDPATH would go
        (self.decoy / folder.name).mkdir(parents=True)
        (folder / "playbooks").mkdir(parents=True)
        (folder / "playbooks/up.yml").write_text(UP)
        for verb in ("drift", "status"):
            (folder / f"playbooks/{verb}.yml").write_text("# Show where it is\n---\n[]\n")
        (folder / "requirements").mkdir()
        shutil.copy(ROOT / "reachable", folder)
        (folder / ".venv/bin").mkdir(parents=True)
        for path in ("requirements/controller.txt", ".venv/lock.txt"):
            (folder / path).write_text("ansible-core==2.19\n")
        self.write(".venv/bin/python", STUB)

    def write(self, path: str, script: str) -> None:
        (self.folder / path).write_text(script)
        (self.folder / path).chmod(0o755)

    def run(
        self,
        *arguments: str,
        shell: list[str] | None = None,
        cwd: str | Path = "/",
        entry: str | None = None,
        lines: str = "",
    ) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE", "REACHABLE"))}
        command = [*(shell or ["sh"]), entry or str(self.folder / "reachable"), *arguments]
        environment["CDPATH"] = str(self.decoy)
        return subprocess.run(
            command, input=lines, capture_output=True, text=True, cwd=cwd, env=environment, check=False
        )

    def call(
        self, *arguments: str, shell: list[str] | None = None, cwd: str | Path = "/", entry: str | None = None
    ) -> Call:
        done = self.run(*arguments, shell=shell, cwd=cwd, entry=entry)
        assert (done.returncode, done.stderr) == (2, "")
        program, folder, *rest = done.stdout.removesuffix("\0").split("\0")
        return Call(program, folder, rest)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "my iPad's $HOME")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    "words", [[], ["ada@host"], ["--check", "--", "host"], ["-e", "a=b c", "", "*", "$HOME", "`id`", "a\nb"]]
)
def test_what_is_run(words: list[str], shell: list[str], tree: Tree) -> None:
    assert tree.call("up", *words, shell=shell) == Call(
        program=f"{tree.folder}/.venv/bin/python",
        folder="/",
        arguments=["-P", f"{tree.folder}/surroundings.py", "up", *words],
    )


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_standard_input_is_left_to_the_playbook(shell: list[str], tree: Tree) -> None:
    tree.write(".venv/bin/python", "#!/bin/sh\ncat\n")
    assert tree.run("up", shell=shell, lines="a new password\n").stdout == "a new password\n"


@pytest.mark.parametrize("cwd", ["/", "..", "."])
def test_from_any_folder(cwd: str, tree: Tree) -> None:
    folder = (tree.folder / cwd).resolve()
    assert tree.call("up", cwd=folder, entry=os.path.relpath(tree.folder / "reachable", folder)) == Call(
        program=f"{tree.folder}/.venv/bin/python",
        folder=str(folder),  # so that -i inventory/mine.yml means the caller's
        arguments=["-P", f"{tree.folder}/surroundings.py", "up"],
    )


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"], ["-h"], [""]])
def test_help_names_the_verbs(arguments: list[str], tree: Tree) -> None:
    done = tree.run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ./reachable VERB [[USER@]HOST[:PORT]] [OPTION...]\n\n")
    assert "\n  status    Show where it is\n  up        Make a Jupyter reachable\n\n  test " in done.stdout


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["host", "--check", "--help"]])
def test_help_for_a_verb_is_the_head_of_its_playbook(arguments: list[str], shell: list[str], tree: Tree) -> None:
    done = tree.run("up", *arguments, shell=shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "Make a Jupyter reachable\n\n./reachable up ada@vps   does all of it\n\nOptions of every verb:\n"
    )
    for option in ("-i", "--limit", "-e", "--check", "--diff", "--ask-become-pass", "--json", "-v"):
        assert f"{option} " in done.stdout


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("word", ["--help", "-h"])
@pytest.mark.parametrize(
    ("verb", "first", "last"),
    [
        ("test", "Run the checks: ./reachable test [", "molecule see the test hosts; they are removed when it ends."),
        ("bench", "Measure what Reachable costs: ./reachable bench [", "on a machine that does nothing else."),
        ("lock", "Renew the locks: ", "which version there is without the bound."),
    ],
)
def test_help_for_a_verb_of_the_project_needs_no_environment(  # noqa: PLR0917 - a row of the table
    verb: str, first: str, last: str, word: str, shell: list[str], tree: Tree
) -> None:
    shutil.rmtree(tree.folder / ".venv")
    shutil.copytree(
        ROOT / "tests", tree.folder / "tests", ignore=lambda _, names: [it for it in names if "." not in it]
    )
    shutil.copy(ROOT / "requirements/lock.py", tree.folder / "requirements")
    done = tree.run(verb, word, shell=shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(first)
    assert done.stdout.endswith(f"{last}\n")


@pytest.mark.parametrize(
    ("verb", "hint"),
    [
        ("upp", " Did you mean ./reachable up?"),
        ("sttaus", " Did you mean ./reachable status?"),
        ("tst", " Did you mean ./reachable test?"),
        ("ada@host", " Did you mean ./reachable up ada@host?"),
        ("--check", " Did you mean ./reachable up --check?"),
        ("remove", ""),
    ],
)
def test_an_unknown_verb(verb: str, hint: str, tree: Tree) -> None:
    done = tree.run(verb)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"reachable: there is no verb '{verb}'.{hint} ./reachable --help lists them.\n"


def test_every_playbook_says_what_it_is_for() -> None:
    done = subprocess.run([ROOT / "reachable"], capture_output=True, text=True, check=True)
    verbs = [path.stem for path in sorted((ROOT / "playbooks").glob("*.yml"))]
    usage, _ = done.stdout.split("\nOptions of every verb:\n")
    rows = [line.split(maxsplit=1) for line in usage.splitlines() if line.startswith("  ")]
    assert [verb for verb, _ in rows] == [*verbs, "test", "bench", "lock"]


MAKER = """
import pathlib, sys
folder, lock = sys.argv[1:]
print(pathlib.Path(folder).name, pathlib.Path(lock).name, file=sys.stderr)
(pathlib.Path(folder) / "bin").mkdir(parents=True, exist_ok=True)
program = pathlib.Path(folder, "bin/python")
program.unlink(missing_ok=True)
program.write_text('#!/bin/sh\\nprintf "%s\\\\n" "${0##*/}" "$@"\\n')
program.chmod(0o755)
"""


def no_environment(folder: Path) -> None:
    shutil.rmtree(folder)


def another_lock(folder: Path) -> None:
    (folder / "lock.txt").write_text("ansible-core==2.18\n")


def no_marker(folder: Path) -> None:
    (folder / "lock.txt").unlink()


def no_python(folder: Path) -> None:
    (folder / "bin/python").unlink()
    (folder / "bin/python").symlink_to("/gone")


def test_what_is_set_for_another_python_is_not_minded(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONHOME", "PYTHONPATH"):
        monkeypatch.setenv(name, "/nowhere")
    no_environment(tree.folder / ".venv")
    (tree.folder / "requirements/environment.py").write_text(MAKER)
    done = tree.run("up")
    assert (done.returncode, done.stderr) == (0, ".venv controller.txt\n")


@pytest.mark.parametrize("drift", [no_environment, another_lock, no_marker, no_python])
def test_an_environment_that_is_not_as_locked_is_made_first(drift: Callable[[Path], None], tree: Tree) -> None:
    drift(tree.folder / ".venv")
    (tree.folder / "requirements/environment.py").write_text(MAKER)
    done = tree.run("up", "host")
    assert (done.returncode, done.stderr) == (0, ".venv controller.txt\n")
    assert done.stdout.splitlines() == ["python", "-P", f"{tree.folder}/surroundings.py", "up", "host"]


def test_an_environment_that_cannot_be_made_ends_it(tree: Tree) -> None:
    no_marker(tree.folder / ".venv")
    (tree.folder / "requirements/environment.py").write_text("import sys; sys.exit('no room')\n")
    done = tree.run("up")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "no room\n")


@pytest.mark.parametrize(
    ("arguments", "made", "said"),
    [
        (["test", "unit", "-x"], ".venv-test test.txt\n", "python\ntests/test.py\nunit\n-x\n"),
        (["bench"], ".venv-test test.txt\n", "python\ntests/bench.py\n"),
        (["lock", "a b"], "", "lock a b\n"),
    ],
)
def test_verbs_for_the_project_itself(arguments: list[str], made: str, said: str, tree: Tree) -> None:
    (tree.folder / "requirements/environment.py").write_text(MAKER)
    (tree.folder / "tests").mkdir()
    for program in ("test", "bench"):
        (tree.folder / f"tests/{program}.py").touch()
    tree.write("requirements/lock.py", '#!/bin/sh\necho "lock $*"\n')
    tree.write(".venv/bin/python", '#!/bin/sh\nexec "$@"\n')
    done = tree.run(*arguments)
    assert (done.returncode, done.stderr, done.stdout) == (0, made, said)


def test_no_python_that_is_new_enough(tree: Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_marker(tree.folder / ".venv")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "cmp"):
        (programs / name).symlink_to(str(shutil.which(name)))
    (programs / "python3").write_text("#!/bin/sh\nexit 1\n")
    (programs / "python3").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    entry = tree.folder / "reachable"
    entry.write_text(entry.read_text().replace(" /usr/bin/python3 ", " "))
    done = tree.run("up")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "reachable: it needs Python 3.11 or newer:"
        " install it (Debian: apt install python3-venv, macOS: brew install python3).\n"
    )
