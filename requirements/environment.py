# SPDX-License-Identifier: Apache-2.0
"""Make one of the project's own environments from a lock: environment.py FOLDER LOCK.

Runs on any Python 3.11 or newer and needs nothing but its standard library. pip only fetches uv, which then installs
everything else many times faster. The lock's copy in the environment is written last: it says that all is there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils"))
from reachable.sources import surroundings

DEBIAN_PACKAGE = ["apt-get", "install", "--yes", "--no-install-recommends", "python3-venv"]


def ensure_venv_module() -> None:
    """Install Debian's python3-venv where that is missing and we may; else say how."""
    try:
        import ensurepip  # noqa: F401, PLC0415 - whether it can be imported is the question
    except ImportError:
        if not shutil.which("apt-get"):
            sys.exit("reachable: this Python has no ensurepip; install your system's package for 'python3 -m venv'.")
        if os.geteuid() != 0:
            sys.exit("reachable: python3 -m venv is missing here; run: sudo apt install python3-venv")
        print("Installing python3-venv ...", file=sys.stderr)  # noqa: T201 - a person waits for it
        for command in (["apt-get", "update"], DEBIAN_PACKAGE):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def make(folder: Path, lock: Path) -> None:
    """Bring the environment to what the lock says; half an environment is made anew."""
    marker = folder / "lock.txt"
    python, uv = folder / "bin" / "python", folder / "bin" / "uv"
    environment = surroundings(os.environ)

    def run(command: list[str | Path]) -> None:
        subprocess.run(command, check=True, env=environment)

    whole = all(file.exists() for file in (marker, uv, python)) and not subprocess.call([python, "-c", ""])
    marker.unlink(missing_ok=True)
    if not whole:
        ensure_venv_module()
        venv.create(folder, clear=True, with_pip=True)
        run([python, "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", lock.with_name("uv.txt")])
    sync: list[str | Path] = [
        uv,
        "pip",
        "sync",
        "--quiet",
        "--compile-bytecode",
        "--require-hashes",
        "--python",
        python,
    ]
    run([*sync, lock])
    shutil.copyfile(lock, marker)


def main() -> None:
    """Make the environment unless another run has just done so."""
    folder, lock = Path(sys.argv[1]), Path(sys.argv[2])
    with folder.with_name(f"{folder.name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        marker = folder / "lock.txt"
        # Its Python is gone when an upgrade of the system took it away.
        if (folder / "bin/python").exists() and marker.exists() and marker.read_bytes() == lock.read_bytes():
            return
        print(f"Preparing {folder.name} (once, and after an update) ...", file=sys.stderr)  # noqa: T201 - see above
        try:
            make(folder, lock)
        except subprocess.CalledProcessError as error:
            sys.exit(f"reachable: {folder.name} could not be made, {error.cmd[0]} failed; see its message above.")


if __name__ == "__main__":
    main()
