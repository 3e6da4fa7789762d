# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201  (a program for the command line prints)
"""Measure what Reachable costs: ./reachable bench [PART...].

Parts are `fresh` (from a bare host to the first executed cell), `again` (a run without drift), `ten` (the same for
ten hosts), `size` (memory and disk of the host), `venv` (the controller's own environment), `tunnel` (changes of its
address, an outage, idle minutes, a run without drift), `drift`, `upgrade` (seconds in which Jupyter does not answer),
`load` (from the login to a notebook that takes input, over a slow link), `traffic` (requests and bytes of pages that
are left open), `login` (guessers, and what whoever is logged in notices of them) and `down`; without one all of them
run, one after the other. The figures are for comparison within one run, on a machine that does nothing else.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from costs import browser, login, provisioning, tunnel
from costs.hosts import create_hosts
from test import ROOT, hosts, image_parts, run, set_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from costs.hosts import Figure

PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "fresh": provisioning.fresh,
    "again": provisioning.again,
    "ten": provisioning.ten,
    "size": provisioning.size,
    "venv": provisioning.venv,
    "tunnel": tunnel.tunnel,
    "drift": provisioning.drift,
    "upgrade": provisioning.upgrade,
    "load": browser.load,
    "traffic": browser.traffic,
    "login": login.login,
    "down": provisioning.down,
}


def main() -> None:
    """Print the figures of the parts that the command line names."""
    names = sys.argv[1:] or [*PARTS]
    if unknown := [name for name in names if name not in PARTS]:
        sys.exit(f"There is no part {unknown[0]!r}; there are {', '.join(PARTS)}.")
    set_environment()
    os.environ |= {"MOLECULE_PROJECT_DIRECTORY": str(ROOT), "MOLECULE_SCENARIO_NAME": "bench"}
    with contextlib.ExitStack() as stack:
        if names != ["venv"]:
            stack.enter_context(hosts())
            run(image_parts(["bench"]))
            create_hosts()
        for name in names:
            for what, value, goal in PARTS[name]():
                print(f"{what:58}{value:>10}  {goal}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
