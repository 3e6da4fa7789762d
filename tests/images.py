# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Make the image of a kind of test host, unless it is there already: `python tests/images.py debian12`."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BASES = {
    "debian12": "debian:bookworm",
    "debian13": "debian:trixie",
    "ubuntu2204": "ubuntu:22.04",
    "ubuntu2404": "ubuntu:24.04",
    "fedora42": "fedora:42",
    "rocky9": "rockylinux:9",
    "alma10": "almalinux:10",
    "leap156": "opensuse/leap:15.6",
    "arch": "archlinux:latest",
}
RECIPE = Path(__file__).resolve().parents[1] / "molecule/images"
CERTIFICATES = Path("/usr/local/share/ca-certificates")
LABEL = "reachable.recipe"


def main() -> None:
    """Build `reachable-test-KIND` when it is missing or was made by another recipe."""
    kind = sys.argv[1]
    image = f"reachable-test-{kind}"
    mirror = debian_mirror()
    recipe = digest(kind, mirror)
    if output("podman", "images", "--quiet", f"--filter=reference={image}", f"--filter=label={LABEL}={recipe}"):
        print(f"{image} is up to date")
        return

    distribution, release = BASES[kind].split(":")
    base = bootstrap(release, mirror) if mirror and distribution == "debian" else BASES[kind]
    with tempfile.TemporaryDirectory() as context:
        shutil.copytree(RECIPE, context, dirs_exist_ok=True)
        certificates = Path(context, "ca-certificates")
        certificates.mkdir()
        for certificate in CERTIFICATES.glob("*.crt"):
            shutil.copy(certificate, certificates)
        build = ["podman", "build", "--layers=false", f"--label={LABEL}={recipe}", f"--build-arg=BASE={base}"]
        run(*build, f"--tag={image}", context)
    run("podman", "image", "prune", "--force", f"--filter=label={LABEL}")


def digest(kind: str, mirror: str | None) -> str:
    """Return a digest of everything that the image is made of, except the packages."""
    result = hashlib.sha256(f"{kind} {mirror}".encode())
    for file in (*sorted(RECIPE.iterdir()), *sorted(CERTIFICATES.glob("*.crt"))):
        result.update(file.name.encode() + b"\0" + file.read_bytes())
    return result.hexdigest()


def debian_mirror() -> str | None:
    """Return the address from which this machine installs Debian's packages, or None if it is no Debian."""
    if not shutil.which("apt-get"):
        return None
    addresses = output("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").split()
    return next((address for address in addresses if address.rstrip("/").endswith("/debian")), None)


def bootstrap(suite: str, mirror: str) -> str:
    """Make the smallest Debian from its packages, import it as an image and return the image's name."""
    name = f"reachable-base-{suite}"
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        run("mmdebstrap", "--variant=minbase", suite, archive.name, mirror)
        run("podman", "import", archive.name, name)
    return name


def run(*command: str) -> None:
    """Run a command with its output in ours."""
    print("+", *command, flush=True)
    subprocess.run(command, check=True)


def output(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    main()
