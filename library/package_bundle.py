#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Put all packages that hosts need into one file; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: package_bundle
short_description: Put all packages that hosts need into one file
version_added: "1.0.0"
description:
  - Downloads the wheels for environments as M(python_environment) makes them, for other machines than this one, by
    their locks with hashes, and writes them as one uncompressed tar.
  - What people want in the environment for notebooks, and what stands behind a lock, is resolved for the Python and the
    system of the host.
  - Sources and proxies are those that this machine has for pip and uv.
notes:
  - Needs pip and uv in the environment of the Python that runs it.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
    description: Nothing is downloaded, and that the file would change is foretold, as without it that is reported.
  diff_mode:
    support: none
  idempotent:
    support: none
    description: The file is written anew each time.
options:
  path:
    description: The file to write. One that is there is replaced.
    type: path
    required: true
  hosts:
    description: For which hosts it is.
    type: list
    elements: dict
    required: true
    suboptions:
      target:
        description: What kind of host it is and what is wanted there, as the plan has it.
        type: dict
        required: true
      environments:
        description: The environments, with the options of M(python_environment) that say what is in them.
        type: list
        elements: dict
        required: true
      markers:
        description: The environment markers of the host's Python, from M(python_platform_info).
        type: dict
        required: true
      glibc:
        description: The version of glibc there, from the same.
        type: str
        default: ""
      macos:
        description: The version of macOS there, from the same.
        type: str
        default: ""
"""

EXAMPLES = r"""
- name: Put the packages of a host into a file
  package_bundle:
    path: /media/usb/bundle.tar
    hosts:
      - target: {python: "3.11", architecture: x86_64, system: linux, locks: [], packages: [numpy], requirements: []}
        environments: [{requirements: "{{ lookup('file', 'requirements/kernel.txt') }}", packages: [numpy]}]
        markers: "{{ found.markers }}"
        glibc: "{{ found.glibc }}"
"""

RETURN = r"""
path:
  description: The file.
  type: str
  returned: success
  sample: /media/usb/bundle.tar
wheels:
  description: How many packages are in it.
  type: int
  returned: success, unless in check mode
  sample: 143
bytes:
  description: Its size.
  type: int
  returned: success, unless in check mode
  sample: 84213760
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import bundles
from ansible.module_utils.reachable.lockfile import LockError, additions, locked_lines, locked_packages
from ansible.module_utils.reachable.sources import options_of_uv, surroundings
from packaging.tags import mac_platforms

# The oldest glibc that tags name (PEP 600), and what some were called before (PEP 513, PEP 571 and PEP 599). What
# packaging has for that it has for its own machine only.
OLDEST_GLIBC = {"x86_64": 5}
OLDEST_GLIBC_ELSEWHERE = 17
FORMER_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
# uv has names for some versions only. Each system that is supported has this one or a newer one.
GLIBC = "2_28"
# What pip and uv say of what there is only as source.
NO_WHEEL = re.compile(r"No matching distribution found for (\S+)|has no (?:usable |compatible )?wheels")


class BundleFailure(Exception):  # noqa: N818 - the outcome of a task, in Ansible's own word
    """The packages cannot be had; the text says why and what to do."""


def platforms(host: dict[str, Any]) -> list[str]:
    """Return the platform tags of wheels that can be installed on a host."""
    machine = host["markers"]["platform_machine"]
    if host["macos"]:
        major, minor = (*map(int, host["macos"].split(".")), 0)[:2]
        return list(mac_platforms((major, minor), machine))
    if not host["glibc"]:
        return [f"linux_{machine}"]
    newest, oldest = int(host["glibc"].split(".")[1]), OLDEST_GLIBC.get(machine, OLDEST_GLIBC_ELSEWHERE)
    found = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, oldest - 1, -1)]
    former = [f"{name}_{machine}" for minor, name in FORMER_NAMES.items() if oldest <= minor <= newest]
    return [f"linux_{machine}", *found, *former]


def run(command: list[str], text: str = "") -> str:
    """Run a program, and return what it prints. Raises BundleFailure."""
    done = subprocess.run(
        command, env=surroundings(os.environ), input=text, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return done.stdout
    said = (done.stderr or done.stdout).strip()
    advice = "Check the names and versions, and that this machine reaches the package index."
    if NO_WHEEL.search(said):
        advice = "Only what there is a wheel of for that host can be bundled: choose another version, or leave it out."
    raise BundleFailure(f"Not all packages can be had. {advice} {Path(command[0]).name} says: {said[-1500:]}")


def resolved(environment: dict[str, Any], markers: dict[str, str], folder: Path) -> list[str]:
    """Return with hashes what an environment has beside its lock. Raises BundleFailure."""
    lock = environment["requirements"]
    asked = [*additions(lock), *(environment.get("packages") or [])]
    text = "\n".join([*asked, environment.get("user_requirements") or ""]).strip()
    if not text:
        return []
    constraint = folder / "lock.txt"
    constraint.write_text("\n".join(f"{name}=={version}" for name, version in locked_packages(lock, markers).items()))
    is_mac = markers["sys_platform"] == "darwin"
    machine = {"arm64": "aarch64"}.get(markers["platform_machine"], markers["platform_machine"])
    system = f"{machine}-apple-darwin" if is_mac else f"{machine}-manylinux_{GLIBC}"
    command = [str(Path(sys.prefix) / "bin" / "uv"), "pip", "compile", *options_of_uv(os.environ), "--quiet", "-"]
    command += ["--no-header", "--no-annotate"]
    command += ["--python-version", markers["python_full_version"], "--python-platform", system]
    command += ["--constraint", str(constraint), "--only-binary", ":all:", "--generate-hashes"]
    lines: list[str] = locked_lines(run(command, text), markers)
    return lines


def download(lines: list[str], host: dict[str, Any], folder: Path, scratch: Path) -> None:
    """Download the wheels for a host. Raises BundleFailure."""
    requirements = scratch / "requirements.txt"
    requirements.write_text("\n".join(lines))
    version = host["markers"]["python_version"]
    tags = [word for tag in platforms(host) for word in ("--platform", tag)]
    tags += [word for tag in (f"cp{version.replace('.', '')}", "abi3", "none") for word in ("--abi", tag)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", version, "--implementation", "cp", *tags]
    run([*command, "--dest", str(folder), "--requirement", str(requirements)])


def bundle(path: Path, hosts: list[dict[str, Any]], scratch: Path) -> dict[str, int]:
    """Write a bundle for hosts; return the sizes of the wheels in it. Raises BundleFailure, LockError and OSError."""
    folder = scratch / bundles.WHEELS
    folder.mkdir()
    for host in hosts:
        for environment in host["environments"]:
            lines = [
                *resolved(environment, host["markers"], scratch),
                *locked_lines(environment["requirements"], host["markers"]),
            ]
            # What is in the lock was resolved once more, and pip takes each package once.
            by_name = {line.partition("==")[0]: line for line in lines}
            download([*by_name.values()], host, folder, scratch)
    wheels: dict[str, int] = bundles.write(path, folder, [bundles.Target(**host["target"]) for host in hosts])
    return wheels


def main() -> None:
    """Run the module."""
    host_spec = {
        "target": {"type": "dict", "required": True},
        "environments": {"type": "list", "elements": "dict", "required": True},
        "markers": {"type": "dict", "required": True},
        "glibc": {"type": "str", "default": ""},
        "macos": {"type": "str", "default": ""},
    }
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "hosts": {"type": "list", "elements": "dict", "required": True, "options": host_spec},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"]).absolute()
    if module.check_mode:
        module.exit_json(changed=True, path=str(path))
    try:
        with tempfile.TemporaryDirectory(dir=module.tmpdir) as scratch:
            wheels = bundle(path, module.params["hosts"], Path(scratch))
    except (BundleFailure, LockError, OSError) as error:
        module.fail_json(msg=f"{path}: {error}")
    module.exit_json(changed=True, path=str(path), wheels=len(wheels), bytes=path.stat().st_size)


if __name__ == "__main__":
    main()
