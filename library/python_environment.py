#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Keep Python virtual environments equal to their lock files; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: python_environment
short_description: Keep Python virtual environments equal to their lock files
version_added: "1.0.0"
author: ["Reachable contributors (@reachable)"]
description:
  - Makes virtual environments with uv from locks with hashes, side by side, and repairs them when anything has drifted.
  - Drift is what uv finds missing, superfluous or in another version, an interpreter that is gone or has another
    version than O(python), and an environment whose making or changing was interrupted.
    The content of installed files is not compared.
  - An environment that uv cannot repair is made anew. Until the new one is complete the old one stands aside as
    C(PATH.old), and comes back when making the new one fails.
  - Each environment keeps the lock that it was made from as C(lock.txt).
notes:
  - Two runs wait for each other, at most fifteen minutes. Beside C(path) stand C(PATH.lock) for that, C(PATH.tmp) while
    the module runs, and with C(replace) C(PATH.d), and C(PATH.hold) once a lock was declined.
  - Downloads go through C(PATH.tmp), never through a cache that lasts. Files of such a cache are hard links to those of
    the environment, so damage in one would be damage in the other.
  - Indexes, proxies and certificates that the host's own settings name for pip (C(pip.conf), C(PIP_*)) or uv (C(UV_*))
    count for both. Other settings of uv, pip, Python and conda have no effect.
  - Where SELinux is in use, files get the contexts that its policy has for their paths.
  - The host needs no pip, and of Python's own venv only what makes an environment without one. For an environment that
    holds O(uv) the controller's own pip is brought along.
attributes:
  check_mode:
    support: partial
    description: Nothing is built or changed. Where there is no environment yet, C(packages), C(user_requirements)
      and what these need are not part of the prediction, because only the package index knows them.
  diff_mode:
    support: full
    description: Shows the packages that differ, one C(name==version) a line.
  idempotent:
    support: full
    description: An environment that satisfies all requirements is not touched, and no package index is asked.
options:
  environments:
    description:
      - The environments. One that holds O(uv) is made first, the others side by side.
      - When one fails the others are finished all the same.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The environment, for example V(/opt/reachable/tools).
        type: path
        required: true
      requirements:
        description: Content of the lock, in the format of pip's requirements with C(--hash), with environment markers
          where hosts differ. It names whatever its packages need.
          Requirements that stand without hashes behind a line C(# Resolved on the host:) are resolved under it when
          the environment is made. What becomes of them, with hashes, is C(added.txt) in the environment, and holds
          until another lock or other requirements are asked for. They come as wheels only, because root may be who
          installs them.
        type: str
        required: true
      excludes:
        description: Packages that those requirements do not bring along, one a line.
        type: str
        default: ""
      exact:
        description:
          - Packages that the lock does not name are removed.
          - With V(false) they stay. When the environment has to be made anew they are installed again in the same
            version, and a warning names those for which that fails.
        type: bool
        default: true
      packages:
        description:
          - Further requirements, without hashes, for example V(numpy) or V(pandas==3.0.1). Needs C(exact=false).
          - They are resolved under the versions of the lock, and an installed version that satisfies them stays.
        type: list
        elements: str
        default: []
      user_requirements:
        description: Content of a requirements file, treated as C(packages). Paths in it have to be absolute.
        type: str
        default: ""
      replace:
        description:
          - C(path) is a symlink to a folder in C(PATH.d). When anything differs a new environment is made there, and
            the symlink then switched in one step, so a program never runs from an environment that is half changed.
          - The environment that was in use before stays, and so does the last one that was made from another lock, to
            go back to. Older ones are removed.
        type: bool
        default: false
      lock:
        description:
          - Which lock counts. Where it is not V(settled), C(replace) is needed.
          - V(declared) is that of C(requirements).
          - V(previous) goes back to the environment that was made from another lock than the one in use, as it stands.
            From then on the lock of C(requirements) is declined, until it is asked for as V(declared).
          - V(settled) is that of C(requirements), unless that very lock is declined. Then it is the one that the
            environment in use was made from, and V(previous) has nothing to do.
        type: str
        choices: [settled, declared, previous]
        default: settled
      check_command:
        description:
          - Program and arguments to run before C(replace) switches to a new environment, for which C({path}) stands.
          - When it fails the new environment is removed and the old one stays in use.
          - It is not run where no environment is in use that works, for then nothing can break, unless C(requirements)
            has more than a lock.
        type: list
        elements: str
        default: []
      check_files:
        description: Files for C(check_command), as their path in the folder in which it runs, with their content.
          Others on the host may read them meanwhile.
        type: dict
        default: {}
      check_user:
        description: The user as whom C(check_command) runs, by default the one that runs the module.
        type: str
      check_lock_file:
        description: A lock that others have to have let go of before C(check_command) runs, such as the C(lock_file)
          of an environment that it uses.
        type: path
      owner:
        description:
          - The user that the environment belongs to. By default the one that runs the module.
          - Everything is done with that user's rights, so root never follows links or runs programs of theirs.
            The folder above C(path) has to exist and to be writable for that user.
        type: str
      lock_file:
        description:
          - The file by which two runs wait for each other, by default C(PATH.lock).
          - For an environment of an O(environments[].owner) name one in a folder of whoever runs the module, or the
            programs of the owner could hold it.
        type: path
      sandbox:
        description:
          - Directives of systemd, each C(NAME=VALUE), of the sandbox for all programs that run as C(owner) or as
            C(check_user), where these are others than who runs the module. Without it these programs may do all that
            their users may.
          - It needs root, and a systemd that serves D-Bus. The programs have to find in it all that they need.
        type: list
        elements: str
        default: []
      shown_by:
        description: The environment of a Jupyter server for whose pages packages may have something. See C(extensions).
        type: path
  proxies:
    description: Variables that name the proxy for downloads, which beat those of the host's environment.
    type: dict
    default: {}
  trust:
    description: Variables that say whose certificates count in downloads, which do so, too.
    type: dict
    default: {}
  sources:
    description: Variables of pip and uv that say where packages come from, which do so, too.
    type: dict
    default: {}
  uv:
    description: The uv to use. One of O(environments) that holds it is made with O(pip), and changed with that uv.
    type: path
    required: true
  pip:
    description: The controller's pip as a zip file in base64. Set by the action of this name, not in a task.
    type: str
    default: ""
  python:
    description: The interpreter that the environments are based on. By default the one that runs the module.
    type: path
"""

EXAMPLES = r"""
- name: Install the tools, and uv with them
  python_environment:
    environments:
      - path: /opt/reachable/tools
        requirements: "{{ lookup('file', 'requirements/tools.txt') }}"
    uv: /opt/reachable/tools/bin/uv

- name: Install Jupyter, and switch to it once it starts; leave alone what its user added to the kernel
  python_environment:
    environments:
      - path: /opt/reachable/server
        requirements: "{{ lookup('file', 'requirements/server.txt') }}"
        replace: true
        check_command: ["{path}/bin/jupyter", server, --version]
      - path: /var/lib/reachable/kernel
        requirements: "{{ lookup('file', 'requirements/kernel.txt') }}"
        exact: false
        packages: [numpy]
        owner: jupyter
    uv: /opt/reachable/tools/bin/uv
"""

RETURN = r"""
python_version:
  description: Version of the Python that the environments are based on.
  type: str
  returned: success
  sample: 3.11.2
environments:
  description: What became of each environment, in the order in which they were made.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: The environment as programs should name it.
      type: str
      sample: /opt/reachable/server
    environment:
      description: The folder that holds it. Another one than C(path) with C(replace); in check mode the one in use now.
      type: str
      sample: /opt/reachable/server.d/2
    changed:
      description: Whether it was changed, or in check mode would be.
      type: bool
    held:
      description: Whether the lock that was asked for is declined, so that the one of before counts.
      type: bool
    extensions:
      description: >-
        With C(shown_by), the packages with a part for the C(server) that it does not have, and by name the front ends
        for C(pages), with the versions of JupyterLab that they need; null where that is not asked for.
      type: dict
      sample: {server: [jupyterlab-git-core], pages: {"@jupyter-widgets/jupyterlab-manager": [^3.0.0 || ^4.0.0]}}
    packages_changed:
      description: The packages that differ, or in check mode would differ. V(null) means not installed.
      type: list
      elements: dict
      sample: [{name: jupyterlab, before: 4.5.0, after: 4.5.1}]
      contains:
        name:
          description: Name of the package.
          type: str
        before:
          description: Version before.
          type: str
        after:
          description: Version after.
          type: str
"""

import base64
import contextlib
import errno
import io
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import front_ends, locks, sources
from ansible.module_utils.reachable.environments import (
    ADDED,
    LOCK,
    MARKER,
    Failure,
    Interpreter,
    NotRunningError,
    Packages,
    added_to,
    hold_of,
    installed,
    interpreter,
    is_as_locked,
    is_complete,
    lock_in_force,
    lock_of,
    marker_of,
    name_of,
    records,
)
from ansible.module_utils.reachable.lockfile import ADDITIONS, LockError, additions, locked_packages, normalized
from ansible.module_utils.reachable.run_as import RunAsError, run_as, start_as, surroundings_of
from ansible.module_utils.reachable.sandbox import Ended, Sandbox, SandboxError, run_here, told, understood

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ansible.module_utils.reachable.sandbox import Programs

# How long to wait for another person's uv that holds the lock of an environment.
INSTALLER_PATIENCE_SECONDS = 300.0

# Longer than a build of large packages. Code that notebooks have put into their environment may never end.
PROGRAM_SECONDS = 3600.0

# This file exists only where SELinux is in use.
SELINUX = Path("/sys/fs/selinux/enforce")
SYSTEM_PROGRAMS = "/usr/sbin:/sbin"

# What brings more indexes into a file of requirements.
OTHER_INDEXES = re.compile(r"(?m)^\s*--extra-index-url\b")

# Advice for failures of uv and pip, by a pattern of their messages.
ADVICE = {
    r"(?i)hash mismatch|do not match the hashes": (
        "The package index gave other files than the lock names: try again, then ask who runs the index or the proxy."
    ),
    r"No space left": "Free some space on that disk.",
    r"error sending request|Failed to establish a new connection|timed out": (
        "Check that this host reaches the package index (network, proxy, index-url in pip.conf)."
    ),
    r"No solution found|No matching distribution|Couldn't parse": (
        "Check the names and versions in packages, user_requirements and requirements."
    ),
}


class Change(NamedTuple):
    """The packages to remove and those to install; a new version of a package is in both."""

    gone: Packages
    come: Packages


@dataclass(frozen=True)
class Wanted:
    """The wanted state of an environment: the module's options, with the interpreter that they name."""

    path: Path
    requirements: str
    excludes: str
    exact: bool
    packages: list[str]
    user_requirements: str
    replace: bool
    lock: str
    check_command: list[str]
    check_files: dict[str, str]
    check_user: str | None
    check_lock_file: str | None
    owner: str | None
    lock_file: Path
    sandbox: list[str]
    python: Interpreter
    uv: Path
    pip: str = ""
    declined: str = ""
    shown_by: str | None = None
    # The lock of the requirements behind the lock, once it is known.
    added: str = ""
    # The user who runs the module opens the lock if the owner may not.
    lock_descriptor: int | None = None
    # Runs programs, either directly or in the sandbox of the owner.
    programs: Programs = run_here

    def beside(self, suffix: str) -> Path:
        """Return the path of a helper file or folder beside the environment."""
        return self.path.with_name(self.path.name + suffix)

    @property
    def scratch(self) -> Path:
        """The private folder for inputs, downloads and temporary files, in which programs run."""
        return self.beside(".tmp")

    @property
    def aside(self) -> Path:
        """The folder of the old environment until the new one is complete."""
        return self.beside(".old")

    @property
    def inputs(self) -> dict[str, str]:
        """The input files of programs, named after the options, because error messages name the files."""
        return {
            "requirements.txt": self.requirements.partition(f"\n{ADDITIONS}\n")[0],
            "additions.txt": "\n".join(additions(self.requirements)),
            "excludes.txt": self.excludes,
            "packages.txt": "\n".join(self.packages),
            "user_requirements.txt": self.user_requirements,
        }

    @property
    def locked(self) -> Packages:
        """The packages of the lock for this host."""
        packages: Packages = {
            **locked_packages(self.added, self.python.markers),
            **locked_packages(self.requirements, self.python.markers),
        }
        return packages

    @property
    def extras(self) -> list[str]:
        """The arguments of uv for the packages that are wanted on top of the lock."""
        given = self.packages or self.user_requirements
        # As pip does, for which such files are written, it takes of all indexes the best version.
        strategy = ["--index-strategy", "unsafe-best-match"] if OTHER_INDEXES.search(self.user_requirements) else []
        return ["-r", "packages.txt", "-r", "user_requirements.txt", *strategy] if given else []


# What is there


def from_elsewhere(environment: Path) -> set[str]:
    """Return the packages that were installed from a folder, an archive or a repository instead of a package index."""
    return {
        normalized(record.name.split("-", 1)[0])
        for record in records(environment)
        if (record / "direct_url.json").exists()
    }


def in_use(wanted: Wanted) -> Path | None:
    """Return the folder of the present environment, in whatever state it is, or None. Raises Failure."""
    path = wanted.path
    if wanted.replace:
        if path.exists() and not path.is_symlink():
            raise Failure("this is not the symlink that replace needs there; move it away.")
        return path.resolve() if path.exists() else None
    if path.is_symlink():
        raise Failure("this is a symlink; name the folder itself, or remove the symlink.")
    if path.exists() and not any((path / name).exists() for name in ("pyvenv.cfg", MARKER)) and any(path.iterdir()):
        raise Failure("this holds something that is no Python environment; choose another path.")
    if wanted.aside.exists() and not (path / MARKER).exists():
        return wanted.aside
    return path if path.exists() else None


# Programs


def surroundings(wanted: Wanted) -> dict[str, str]:
    """Return the environment variables for uv, pip and the check command."""
    return {
        **sources.surroundings(os.environ),
        "NO_COLOR": "1",
        "TMPDIR": str(wanted.scratch),
        "UV_CACHE_DIR": str(wanted.scratch / "cache"),
        "UV_COMPILE_BYTECODE": "1",
        "UV_CREDENTIALS_DIR": str(wanted.scratch / "credentials"),
        "UV_PYTHON_DOWNLOADS": "never",
    }


def run(wanted: Wanted, command: Sequence[str | Path], folder: Path | None = None) -> str:
    """Run a program and return its output. Raises NotRunningError, and Failure with the end of its output."""
    words, place = [str(part) for part in command], str(folder or wanted.scratch)
    return output_of(words, lambda: wanted.programs(words, surroundings(wanted), place, PROGRAM_SECONDS))


def output_of(command: Sequence[str], work: Callable[[], Ended]) -> str:
    """Return the output of a program. Raises NotRunningError, and Failure with the end of its output."""
    try:
        ended = work()
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{command[0]} did not end within {PROGRAM_SECONDS / 60:g} minutes, and was ended") from error
    except OSError as error:
        raise NotRunningError(f"{command[0]} does not run ({error.strerror})") from error
    except SandboxError as error:
        raise Failure(str(error)) from error
    if ended.status < 0:
        raise NotRunningError(f"{command[0]} was ended by signal {-ended.status}")
    if ended.status:
        lines = [line for line in f"{ended.output}\n{ended.errors}".splitlines() if line.strip()]
        end = re.sub(r"://[^/@\s]+@", "://****@", "\n".join(lines[-12:]))
        raise Failure(f"{command[0]} failed with status {ended.status}:\n{end}")
    return str(ended.output)


def run_installer(wanted: Wanted, command: Sequence[str | Path]) -> str:
    """Run uv or pip and return its output. Raises NotRunningError, and Failure with advice."""
    try:
        return run(wanted, command)
    except NotRunningError as error:
        raise NotRunningError(f"{error}; name one that does, or remove its environment to have it made anew") from error
    except Failure as error:
        advice = next((f"\n{advice}" for cause, advice in ADVICE.items() if re.search(cause, str(error))), "")
        raise Failure(f"{error}{advice}") from error


def run_uv(wanted: Wanted, command: str, *arguments: str) -> str:
    """Run a command of uv that takes packages from somewhere. Raises NotRunningError, and Failure with advice."""
    return run_installer(wanted, [wanted.uv, "pip", command, *sources.options_of_uv(os.environ), *arguments])


def uv_pip(wanted: Wanted, environment: Path, command: str, *arguments: str) -> str:
    """Run uv on the packages of an environment and return its output. Raises Failure."""
    # If uv made its lock itself, every user could hold it, and uv does not say who does.
    locks.wait_for(str(environment / ".lock"), INSTALLER_PATIENCE_SECONDS)
    common = ["--quiet", "--python", str(environment / "bin" / "python")]
    return run_uv(wanted, command, *common, *arguments)


@contextlib.contextmanager
def workshop(wanted: Wanted) -> Iterator[None]:
    """Hold the lock against other runs, and provide the private folder with the inputs, while the work lasts."""
    wanted.path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = wanted.lock_descriptor
    with os.fdopen(locks.open_own(str(wanted.lock_file)) if descriptor is None else descriptor, "rb") as lock:
        locks.acquire(lock.fileno(), str(wanted.lock_file), locks.PATIENCE_SECONDS)
        shutil.rmtree(wanted.scratch, ignore_errors=True)
        wanted.scratch.mkdir(mode=0o700)
        try:
            for name, text in wanted.inputs.items():
                (wanted.scratch / name).write_text(text, encoding="utf-8")
            yield
        finally:
            shutil.rmtree(wanted.scratch)
            locks.release(lock.fileno())


# From what is there to what is wanted


def plan(wanted: Wanted, environment: Path) -> Change:
    """Ask uv which packages it would remove and install in an environment. Raises Failure."""
    command = locked_only(wanted)
    if wanted.extras:  # they have no hashes, and only the index knows what they need
        command = ["install", "-r", "requirements.txt", *wanted.extras]
    answer = json.loads(uv_pip(wanted, environment, *command, "--dry-run", "--output-format", "json"))

    def those(action: str) -> Packages:
        return {change["name"]: change["version"] for change in answer["changes"] if change["action"] == action}

    return Change(those("uninstalled"), those("installed"))


def expected(wanted: Wanted, before: Packages) -> Change:
    """Predict without uv which packages are removed and installed. Raises LockError."""
    return difference(before, wanted.locked if wanted.exact else before | wanted.locked)


def difference(before: Packages, after: Packages) -> Change:
    """Return the change from one set of packages to another."""
    return Change(dict(before.items() - after.items()), dict(after.items() - before.items()))


def locked_only(wanted: Wanted) -> list[str]:
    """Return the arguments of uv for the packages of the lock. The lock is complete, so uv resolves nothing."""
    if wanted.exact:
        return ["sync", "--require-hashes", "requirements.txt", *([ADDED] if wanted.added else [])]
    return ["install", "--no-deps", "--require-hashes", "-r", "requirements.txt"]


def with_added(wanted: Wanted, old: Path | None, check_mode: bool) -> Wanted:
    """Return the wanted state with a lock for what stands behind the lock. Raises Failure.

    It is that of the old environment where that was made from the same.
    """
    if not additions(wanted.requirements):
        return wanted
    added = added_to(old) if old and lock_of(old) == wanted.requirements else ""
    try:
        added = added or resolved(wanted)
    except NotRunningError:
        if not check_mode:
            raise
    (wanted.scratch / ADDED).write_text(added, encoding="utf-8")
    return replace(wanted, added=added)


def resolved(wanted: Wanted) -> str:
    """Ask uv for a lock of what stands behind the lock, without what is in that. Raises Failure."""
    how = ["--quiet", "--no-header", "--no-annotate", "--generate-hashes", "--only-binary", ":all:"]
    under = ["--constraints", "requirements.txt", "--excludes", "excludes.txt", "--python", wanted.python.path]
    try:
        text = run_uv(wanted, "compile", *how, *under, "additions.txt")
    except NotRunningError:
        raise
    except Failure as error:
        asked = ", ".join(additions(wanted.requirements))
        raise Failure(f"{asked} cannot be had for this server, which stays as it was: {error}") from error
    entries = re.split(r"(?m)^(?=[\w.-]+(?:\[.*\])?==)", text)
    locked = locked_packages(wanted.requirements, wanted.python.markers)
    return "".join(each for each in entries if not locked_packages(each, wanted.python.markers).keys() & locked.keys())


def add(wanted: Wanted, environment: Path, added: Packages) -> None:
    """Install the packages on top of the lock, and as far as possible those that had been added. Raises Failure."""
    under_lock = ["install", "--constraints", "requirements.txt"]
    pins = [f"{name}=={version}" for name, version in added.items()]
    if pins:
        try:
            uv_pip(wanted, environment, *under_lock, *pins)
        except Failure:  # one unavailable package fails all of them, so each is tried alone
            for pin in pins:
                with contextlib.suppress(Failure):
                    uv_pip(wanted, environment, *under_lock, pin)
    if wanted.extras:
        uv_pip(wanted, environment, *under_lock, *wanted.extras)
    label(wanted, environment)


def label(wanted: Wanted, environment: Path) -> None:
    """Set the labels of SELinux's policy on the new files, so that programs may run. Raises Failure."""
    restorecon = shutil.which("restorecon", path=SYSTEM_PROGRAMS)
    if restorecon and SELINUX.exists():
        run(wanted, [restorecon, "-R", environment])


def update(wanted: Wanted, environment: Path) -> None:
    """Change the packages of an environment in place. Raises Failure."""
    before = installed(environment)
    (environment / MARKER).unlink()
    try:
        install_by_uv(wanted, environment)
        add(wanted, environment, {})
    except Failure:
        if installed(environment) == before:  # uv gave up before its first change
            mark(wanted, environment)
        raise
    mark(wanted, environment)


def build(wanted: Wanted, environment: Path, added: Packages) -> None:
    """Make a new environment, and leave it to the caller to mark it as complete. Raises Failure."""
    run(wanted, [wanted.python.path, "-I", "-m", "venv", "--without-pip", environment])
    install = install_by_pip if wanted.pip else install_by_uv
    install(wanted, environment)
    add(wanted, environment, added)
    if wanted.added:
        (environment / ADDED).write_text(wanted.added, encoding="utf-8")


def install_by_uv(wanted: Wanted, environment: Path) -> None:
    """Install the packages of the lock. Raises Failure."""
    uv_pip(wanted, environment, *locked_only(wanted))


def install_by_pip(wanted: Wanted, environment: Path) -> None:
    """Install the packages of the lock, which include uv, with a temporary pip. Raises Failure."""
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(wanted.pip))) as archive:
        archive.extractall(wanted.scratch)
    pip: list[str | Path] = [environment / "bin/python", "-I", wanted.scratch / "pip"]
    quietly = ["--no-input"]
    options = ["--no-cache-dir", "--no-deps", "--require-hashes"]
    run_installer(wanted, [*pip, *quietly, "install", *options, "-r", "requirements.txt"])


def mark(wanted: Wanted, environment: Path) -> None:
    """Mark an environment as complete."""
    (environment / LOCK).write_text(wanted.requirements, encoding="utf-8")
    (environment / MARKER).write_text(json.dumps(marker_of(wanted.python)))


def under_lock_in_force(wanted: Wanted) -> Wanted:
    """Return the wanted state with the lock in force, and with the declared lock if that is declined."""
    in_force = wanted.requirements
    if wanted.replace and wanted.lock != "declared":
        in_force = lock_in_force(wanted.path, wanted.requirements)
    declined = "" if in_force == wanted.requirements else wanted.requirements
    return replace(wanted, requirements=in_force, declined=declined)


def rebuild(wanted: Wanted, old: Path | None) -> list[str]:
    """Replace the old environment by a new one; if that fails, the old one stays.

    Returns warnings about added packages that the new environment lacks. Raises OSError and Failure.
    """
    added, unavailable = {}, set()
    if old and not wanted.exact:
        locked = wanted.locked
        added = {name: version for name, version in installed(old).items() if name not in locked}
        unavailable = from_elsewhere(old)
    make = make_beside if wanted.replace else make_in_place
    make(wanted, old, {name: version for name, version in added.items() if name not in unavailable})
    return [
        f"{name} {added[name]}, which had been added to {wanted.path}, could not be installed again for "
        f"Python {wanted.python.markers['python_version']}. In a notebook, %pip install {name} may find a version."
        for name in sorted(added.keys() - installed(wanted.path).keys())
    ]


def set_aside(old: Path, aside: Path) -> None:
    """Rename an environment. What an image has brought along, in a layer below, can only be copied. Raises OSError."""
    try:
        old.rename(aside)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copytree(old, aside, symlinks=True)
        (old / MARKER).unlink(missing_ok=True)  # from here on the copy counts
        shutil.rmtree(old)


def make_in_place(wanted: Wanted, old: Path | None, added: Packages) -> None:
    """Make an environment at its final path, with the old one moved aside meanwhile. Raises OSError and Failure."""
    if old == wanted.path:
        shutil.rmtree(wanted.aside, ignore_errors=True)
        set_aside(old, wanted.aside)
    shutil.rmtree(wanted.path, ignore_errors=True)
    try:
        build(wanted, wanted.path, added)
        mark(wanted, wanted.path)
    except BaseException:
        shutil.rmtree(wanted.path, ignore_errors=True)
        if old:
            wanted.aside.rename(wanted.path)
        raise


def make_beside(wanted: Wanted, old: Path | None, added: Packages) -> None:
    """Make an environment in its own folder, check it, and switch the symlink to it. Raises OSError and Failure."""
    folder = wanted.beside(".d")
    folder.mkdir(exist_ok=True)
    numbers = [int(entry.name) for entry in folder.iterdir() if entry.name.isdigit()]
    new = folder / str(max(numbers, default=0) + 1)
    try:
        build(wanted, new, added)
        # Where nothing can break, what nobody has tried with this server still may not work.
        if wanted.added or (old and is_complete(old, wanted.python, wanted.exact)):
            check(wanted, new)
        mark(wanted, new)  # only now, so that it is never mistaken for one that was in use
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    staying = {new, environment_before(wanted, old)}
    switch(wanted, new)
    for entry in folder.iterdir():
        if entry not in staying and entry.resolve() != old:
            shutil.rmtree(entry)


def switch(wanted: Wanted, environment: Path) -> None:
    """Switch the symlink to an environment, and record the lock that is declined in favour of its own."""
    hold = hold_of(wanted.path)
    if wanted.declined:
        hold.write_text(name_of(wanted.declined))
    link = wanted.scratch / "link"
    link.symlink_to(environment.relative_to(wanted.path.parent))
    link.replace(wanted.path)
    if not wanted.declined:
        hold.unlink(missing_ok=True)


def environment_before(wanted: Wanted, current: Path | None) -> Path | None:
    """Return the newest environment whose lock differs from the current one's, if there is one."""
    lock = lock_of(current) if current else None
    others = [entry for entry in wanted.beside(".d").glob("[0-9]*") if lock_of(entry) not in (None, lock)]
    return max(others, key=lambda entry: int(entry.name), default=None)


def check(wanted: Wanted, new: Path) -> None:
    """Run the check command on a new environment. Raises Failure and locks.LockError."""
    if not wanted.check_command:
        return
    folder = new / "check"  # other users may read it there
    folder.mkdir()
    for name, content in wanted.check_files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    if wanted.check_lock_file:
        locks.wait_for(wanted.check_lock_file, locks.PATIENCE_SECONDS)
    command = [part.replace("{path}", str(new)) for part in wanted.check_command]
    try:
        if wanted.check_user:
            run_as_visitor(wanted, wanted.check_user, command, folder)
        else:
            run(wanted, command, folder)
    except Failure as error:
        raise Failure(f"it stays as it was, for in the new one check_command fails: {error}") from error
    shutil.rmtree(folder)


def run_as_visitor(wanted: Wanted, user: str, command: Sequence[str], folder: Path) -> str:
    """Run a program as the user for whom an environment is checked, and return its output. Raises Failure."""

    def work() -> Ended:
        if not wanted.sandbox:
            answer = run_as(user, lambda: told(command, os.environ, str(folder), PROGRAM_SECONDS))
            return understood(answer, command, PROGRAM_SECONDS)
        environment = surroundings_of(pwd.getpwnam(user))
        with contextlib.closing(Sandbox(user, wanted.sandbox, wanted.python.path)) as programs:
            return programs.run(command, environment, str(folder), PROGRAM_SECONDS)

    try:
        return output_of(command, work)
    except KeyError as error:
        raise Failure(f"there is no user {user} on this host; create it first.") from error
    except RunAsError as error:
        raise Failure(str(error)) from error


def glance(wanted: Wanted, check_mode: bool) -> dict[str, Any] | None:
    """Return the result if it is known without uv, else None. Raises OSError, LockError, Failure."""
    current = in_use(wanted)
    if current:
        quiet = not wanted.extras and not wanted.aside.exists()
        as_locked = quiet and is_as_locked(current, wanted.python, wanted.requirements, wanted.exact)
        return result(wanted, False, Change({}, {})) if as_locked else None
    return result(wanted, True, expected(wanted, {})) if check_mode else None


def converge(wanted: Wanted, check_mode: bool) -> dict[str, Any]:
    """Converge the environment, or predict the changes. Raises OSError, LockError, Failure."""
    at_a_glance = glance(wanted, check_mode)
    if at_a_glance:
        return at_a_glance
    with workshop(wanted):
        old = in_use(wanted)
        if old == wanted.path and not check_mode and (old / MARKER).exists():
            shutil.rmtree(wanted.aside, ignore_errors=True)  # left by a run that was interrupted at its very end
        wanted = with_added(wanted, old, check_mode)
        change = None  # unknown, so the environment is made anew
        if old and old != wanted.aside and is_complete(old, wanted.python, wanted.exact):
            try:
                change = plan(wanted, old)
            except NotRunningError:
                if not wanted.pip:
                    if not check_mode:
                        raise
                    change = expected(wanted, installed(old))
        if change and not any(change):
            return result(wanted, False, change)
        before = installed(old) if old else {}
        if check_mode:
            return result(wanted, True, change or expected(wanted, before))
        warnings = []
        if old and change and not wanted.replace:
            update(wanted, old)
        else:
            warnings = rebuild(wanted, old)
        shutil.rmtree(wanted.aside, ignore_errors=True)
        return result(wanted, True, difference(before, installed(wanted.path)), *warnings)


def go_back(wanted: Wanted, check_mode: bool) -> dict[str, Any]:
    """Switch to the previous environment, or predict the changes. Raises OSError, Failure."""
    with workshop(wanted):
        current = in_use(wanted)
        previous = environment_before(wanted, current)
        if not previous:
            raise Failure("there is no environment from before, so there is nothing to go back to.")
        if not is_complete(previous, wanted.python, wanted.exact):
            raise Failure(
                "the environment from before cannot run any more: it is damaged, or was made for another Python "
                f"than {wanted.python.markers['python_version']}, which this host has now."
            )
        if lock_of(previous) != wanted.requirements:
            wanted = replace(wanted, declined=wanted.requirements)
        change = difference(installed(current) if current else {}, installed(previous))
        if not check_mode:
            switch(wanted, previous)
        return result(wanted, True, change)


def settle(wanted: Wanted, check_mode: bool) -> dict[str, Any]:
    """Converge to the lock in force, or predict the changes. Raises OSError, LockError, Failure."""
    wanted = under_lock_in_force(wanted)
    if wanted.lock == "previous" and not wanted.declined:
        return go_back(wanted, check_mode)
    return converge(wanted, check_mode)


def result(wanted: Wanted, changed: bool, change: Change, *warnings: str) -> dict[str, Any]:
    """Return the result for an environment."""
    gone, come = change
    names = sorted(name for name in gone | come if gone.get(name) != come.get(name))
    return {
        "changed": changed,
        "held": bool(wanted.declined),
        "path": str(wanted.path),
        "environment": str(wanted.path.resolve()),
        "packages_changed": [{"name": n, "before": gone.get(n), "after": come.get(n)} for n in names],
        "extensions": front_ends.of_environment(wanted.path) if wanted.shown_by else None,
        "warnings": warnings,
    }


def outcome(wanted: Wanted, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Work on an environment, and return the result or the failure."""
    os.umask(0o022)  # other users run what root installs
    try:
        return work()
    except (Failure, LockError, locks.LockError) as error:
        return {"failed": f"{wanted.path}: {error}"}
    except PermissionError as error:
        user = pwd.getpwuid(os.geteuid()).pw_name
        return {"failed": f"{wanted.path}: user {user} may not write there ({error}); give them the folder above."}
    except OSError as error:
        return {"failed": f"{wanted.path}: it cannot be made: {error}."}


# Side by side


def side_by_side(environments: list[Wanted], check_mode: bool) -> list[dict[str, Any]]:
    """Converge environments in parallel, each in its own process, and return their results and failures."""
    waiting = [start(wanted, check_mode) for wanted in environments]
    return [wait() for wait in waiting]


def with_lock(wanted: Wanted, check_mode: bool) -> Wanted:
    """Open the lock in place of an owner who may not do so. Raises OSError and locks.LockError."""
    folder = wanted.lock_file.parent
    if not wanted.owner or folder == wanted.path.parent or not folder.is_dir():
        return wanted
    if check_mode and not any(map(os.path.lexists, (wanted.path, wanted.aside))):
        return wanted  # a missing environment needs no lock, and check mode makes none
    return replace(wanted, lock_descriptor=locks.open_own(str(wanted.lock_file)))


def in_sandbox(wanted: Wanted) -> tuple[Wanted, Callable[[], None]]:
    """Make the sandbox for programs of the owner, if there is one. Return the function that ends it as well.

    Raises OSError, and KeyError if there is no such user.
    """
    if not wanted.owner or not wanted.sandbox:
        return wanted, lambda: None
    pwd.getpwnam(wanted.owner)
    programs = Sandbox(wanted.owner, wanted.sandbox, wanted.python.path)
    return replace(wanted, programs=programs.run), programs.close


def start(wanted: Wanted, check_mode: bool) -> Callable[[], dict[str, Any]]:
    """Start the work on an environment, and return a function that waits for the result or the failure."""
    try:
        wanted = with_lock(wanted, check_mode)
    except (OSError, locks.LockError) as error:
        problem = f"{wanted.path}: {error}"
        return lambda: {"failed": problem}
    try:
        wanted, close = in_sandbox(wanted)
        wait = start_as(wanted.owner, lambda: outcome(wanted, lambda: settle(wanted, check_mode)))
    except OSError as error:
        problem = f"{wanted.path}: {error}"
        return lambda: {"failed": problem}
    except KeyError:
        if not check_mode:
            missing = f"{wanted.path}: there is no user {wanted.owner} on this host; create it first."
            return lambda: {"failed": missing}
        # Without its owner, no part of the environment exists yet.
        return lambda: outcome(wanted, lambda: result(wanted, True, expected(wanted, {})))
    finally:
        # The child process has a descriptor of its own.
        if wanted.lock_descriptor is not None:
            os.close(wanted.lock_descriptor)

    def end() -> dict[str, Any]:
        try:
            answer: dict[str, Any] = wait()
        except RunAsError as error:
            return {"failed": f"{wanted.path}: {error}"}
        finally:
            close()
        return answer

    return end


def shown(each: dict[str, Any]) -> dict[str, str]:
    """Return the differing packages of an environment in Ansible's format of differences."""
    lines = {
        side: "".join(f"{change['name']}=={change[side]}\n" for change in each["packages_changed"] if change[side])
        for side in ("before", "after")
    }
    if not any(lines.values()):
        lines = {"before": "not complete, or of another Python\n", "after": "complete\n"}
    return {**lines, "before_header": each["path"], "after_header": each["path"]}


def wanted_environments(params: dict[str, Any], python: Interpreter) -> tuple[list[Wanted], list[Wanted]]:
    """Return the environments that hold uv, and the others. Raises Failure."""
    uv, user = Path(params["uv"]).absolute(), pwd.getpwuid(os.geteuid()).pw_name
    holding, others = [], []
    for options in params["environments"]:
        path = Path(options["path"]).absolute()
        owner = None if options["owner"] == user else options["owner"]
        if options["exact"] and (options["packages"] or options["user_requirements"]):
            raise Failure(
                f"{path}: packages, user_requirements: an exact environment holds nothing but the lock; "
                "set exact: false."
            )
        if additions(options["requirements"]) and not options["replace"]:
            raise Failure(f"{path}: requirements: only one that is replaced has more than a lock; set replace: true.")
        if options["lock"] != "settled" and not options["replace"]:
            raise Failure(f"{path}: lock: only of one that is replaced there is another to choose; set replace: true.")
        visitor = None if options["check_user"] == user else options["check_user"]
        for other in filter(None, [owner, visitor]):
            if os.geteuid() != 0:
                raise Failure(f"{path}: only root can work as {other}, this is {user}; set become: true.")
        lock_file = Path(options["lock_file"] or f"{path}.lock").absolute()
        places = {"path": path, "lock_file": lock_file, "owner": owner, "check_user": visitor}
        wanted = Wanted(**{**options, **places}, python=python, uv=uv)
        if uv.is_relative_to(path):
            holding.append(replace(wanted, pip=params["pip"]))
        else:
            others.append(wanted)
    return holding, others


def leave_out_what_it_has(server: Path, done: list[dict[str, Any]]) -> None:
    """Leave out of what was found in environments the parts that the server has itself."""
    theirs = front_ends.of_environment(server)["server"]
    for each in done:
        parts = each["extensions"]["server"]
        each["extensions"]["server"] = sorted({package for part, package in parts.items() if part not in theirs})


def main() -> None:
    """Run the module."""
    environment_spec = {
        "path": {"type": "path", "required": True},
        "requirements": {"type": "str", "required": True},
        "excludes": {"type": "str", "default": ""},
        "exact": {"type": "bool", "default": True},
        "packages": {"type": "list", "elements": "str", "default": []},
        "user_requirements": {"type": "str", "default": ""},
        "replace": {"type": "bool", "default": False},
        "lock": {"type": "str", "choices": ["settled", "declared", "previous"], "default": "settled"},
        "check_command": {"type": "list", "elements": "str", "default": []},
        "check_files": {"type": "dict", "default": {}},
        "check_user": {"type": "str"},
        "check_lock_file": {"type": "path"},
        "owner": {"type": "str"},
        "lock_file": {"type": "path"},
        "sandbox": {"type": "list", "elements": "str", "default": []},
        "shown_by": {"type": "path"},
    }
    module = AnsibleModule(
        argument_spec={
            "environments": {"type": "list", "elements": "dict", "required": True, "options": environment_spec},
            "uv": {"type": "path", "required": True},
            "pip": {"type": "str", "default": "", "no_log": True},  # no secret, but megabytes
            "proxies": {"type": "dict", "default": {}, "no_log": True},
            "trust": {"type": "dict", "default": {}},
            "sources": {"type": "dict", "default": {}},
            "python": {"type": "path"},
        },
        supports_check_mode=True,
    )
    os.environ.update(module.params["proxies"] | module.params["trust"] | module.params["sources"])
    try:
        python = interpreter(module.params["python"] or sys.executable)
        holding, others = wanted_environments(module.params, python)
    except Failure as error:
        module.fail_json(msg=str(error))

    answers = side_by_side(holding, module.check_mode)
    if not any("failed" in answer for answer in answers):
        answers += side_by_side(others, module.check_mode)

    done = [answer for answer in answers if "failed" not in answer]
    for wanted in filter(lambda wanted: wanted.shown_by, [*holding, *others]):
        leave_out_what_it_has(Path(str(wanted.shown_by)), [each for each in done if each["path"] == str(wanted.path)])
    for each in done:
        for warning in each.pop("warnings"):
            module.warn(warning)
    outcomes = {
        "changed": any(each["changed"] for each in done),
        "environments": done,
        "diff": [shown(each) for each in done if each["changed"]],
    }
    failures = [answer["failed"] for answer in answers if "failed" in answer]
    if failures:
        module.fail_json(msg="\n".join(failures), **outcomes)
    module.exit_json(python_version=python.markers["python_full_version"], **outcomes)


if __name__ == "__main__":
    main()
