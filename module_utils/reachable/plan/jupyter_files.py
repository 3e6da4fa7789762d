# SPDX-License-Identifier: Apache-2.0
"""The files and folders of Jupyter, as entries of the module file_tree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import network, plans, texts
from .entries import Entry, folder
from .lab import lab_overrides

if TYPE_CHECKING:
    from .declaration import Declaration
    from .layout import Layout
    from .situation import Situation

# Folders below the prefix. What Jupyter has to know lies in these, whatever is in them besides.
FOLDERS = (
    "etc",
    "etc/jupyter",
    "etc/jupyter/defaults",
    "etc/jupyter/defaults/labconfig",
    "etc/jupyter/defaults/nbconfig",
    "share",
    "share/jupyter",
    "share/jupyter/kernels",
    "share/jupyter/kernels/python3",
    "share/jupyter/labextensions",
    "share/jupyter/labextensions/@reachable",
    "share/jupyter/labextensions/@reachable/touch",
    "share/jupyter/labextensions/@reachable/touch/static",
    "share/jupyter/nbextensions",
    "share/jupyter/nbextensions/reachable",
    "share/jupyter/pages",
    "share/jupyter/pages/static",
    "share/jupyter/pages/static/reachable",
    "share/jupyter/pages/templates",
)
KERNELSPEC = "share/jupyter/kernels/python3/kernel.json"
# What pages have for an iPad, and from which file of ours: a style for fingers, a login page of our own, and what the
# Home Screen wants to know. It is read when it is asked for, so nothing need be restarted for it.
PAGES = {
    "share/jupyter/labextensions/@reachable/touch/package.json": "package.json",
    "share/jupyter/labextensions/@reachable/touch/static/touch.js": "touch.js",
    "share/jupyter/nbextensions/reachable/touch.js": "touch.js",
    "share/jupyter/pages/static/reachable/touch.css": "touch.css",
    "share/jupyter/pages/static/reachable/manifest.webmanifest": "manifest.webmanifest",
    "share/jupyter/pages/static/reachable/icon.svg": "icon.svg",
    "share/jupyter/pages/static/reachable/icon.png": "icon.png",
    "share/jupyter/pages/templates/login.html": "login.html",
}
NBCLASSIC_EXTENSIONS = "etc/jupyter/defaults/nbconfig/common.json"
# What makes the server answer to the names under which its tunnels are known, prove that it is the one of this host,
# bear with guessers, count requests and keep the machine awake, makes pages come sooner, and shows them what the
# kernel's packages have for them. A server reads it at its start.
EXTENSION = (
    "jupyter_server_config.py",
    "reachable_hostnames.py",
    "reachable_proof.py",
    "reachable_limits.py",
    "reachable_login.py",
    "reachable_network.py",
    "reachable_preload.py",
    "reachable_front_ends.py",
    "reachable_awake.py",
    "reachable_requests.py",
    "reachable_kernels.py",
)
LAB_OVERRIDES = "labconfig/default_setting_overrides.json"
# What is good for an iPad, unless somebody wants it otherwise: here, in jupyter_settings, or in their own
# configuration. Each stands in a file that the part of Jupyter reads for which it is, so that a person's file of the
# same name wins. What is for the server names folders, too.
DEFAULTS: dict[str, dict[str, Any]] = {
    "jupyter_server_config.json": {
        "ServerApp": {
            "tornado_settings": {"compress_response": True},  # JupyterLab's first load is a quarter of it
            "identity_provider_class": "reachable_login.ReachableIdentityProvider",
        },
        "MappingKernelManager": {"kernel_manager_class": "reachable_kernels.ReachableKernelManager"},
    },
    "jupyter_lab_config.json": {
        "LabApp": {
            # Neither news nor another version is a matter of who reads notebooks.
            "news_url": None,
            "check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
        }
    },
    "jupyter_notebook_config.json": {
        # It advertises the new notebook, which the Juno app cannot open.
        "NotebookApp": {"show_banner": False}
    },
}
POLKIT = "/etc/polkit-1/rules.d"
AWAKE_RULE = f"{POLKIT}/50-reachable-awake.rules"


def files(layout: Layout, wanted: Declaration) -> list[str]:
    """Return the files and folders that are to be looked at."""
    below = [*FOLDERS, KERNELSPEC, *PAGES, NBCLASSIC_EXTENSIONS]
    paths = [
        layout.prefix,
        *(f"{layout.prefix}/{path}" for path in below),
        *extension_paths(layout),
        layout.jupyter_config,
        layout.server,
        layout.server_hold,
        layout.state_dir,
        layout.jupyter_account_home,
        layout.jupyter_home,
        layout.requests_dir,
        str(wanted.jupyter_notebook_dir),
        POLKIT,
        AWAKE_RULE,
    ]
    return list(dict.fromkeys(paths))


def extension_paths(layout: Layout) -> list[str]:
    """Return the files that a server reads at its start, but for its configuration."""
    defaults = [f"{layout.jupyter_defaults}/{name}" for name in (*DEFAULTS, LAB_OVERRIDES)]
    return [*(f"{layout.jupyter_etc}/{name}" for name in EXTENSION), *defaults]


def extension(there: Situation) -> list[Entry]:
    """Return those files."""
    written = [
        *(there.project.text(f"roles/jupyter/files/{name}") for name in EXTENSION),
        *(f"{json.dumps(values, indent=2)}\n" for values in defaults(there).values()),
        texts.json_text(lab_overrides(there.wanted.jupyter_settings, requests_count=plans.requests_a_month(there) > 0)),
    ]
    return [{"path": path, "content": text} for path, text in zip(extension_paths(there.layout), written)]


def defaults(there: Situation) -> dict[str, dict[str, Any]]:
    """Return the defaults, by the files in which they stand."""
    layout, kernels = there.layout, {"tcp_kernels": there.wanted.jupyter_tcp_kernels}
    server = DEFAULTS["jupyter_server_config.json"]["ServerApp"]
    pages = {
        "extra_static_paths": [f"{layout.jupyter_pages}/static"],
        "extra_template_paths": [f"{layout.jupyter_pages}/templates"],
    }
    own = {"ServerApp": {**server, **pages}, "ReachableKernelManager": kernels}
    return {**DEFAULTS, "jupyter_server_config.json": {**DEFAULTS["jupyter_server_config.json"], **own}}


def folders(there: Situation) -> list[Entry]:
    """Return the folders, with what Jupyter has to know of the kernel, and the pages."""
    layout, account = there.layout, there.account
    own = {"owner": account.name, "group": account.group}
    return [
        folder(layout.prefix),
        *(folder(f"{layout.prefix}/{path}") for path in FOLDERS),
        {"path": f"{layout.prefix}/{KERNELSPEC}", "content": kernelspec(layout)},
        folder(layout.state_dir),
        folder(layout.jupyter_home, **own, mode="0700"),
        # The watcher reads there.
        *([folder(layout.requests_dir, **own, mode="0755")] if plans.requests_a_month(there) else []),
        *pages(there),
        *network.entries(there),
        *([folder(layout.jupyter_account_home)] if account.is_ours else []),
    ]


def kernelspec(layout: Layout) -> str:
    """Return what Jupyter has to know of the kernel.

    By absolute path: jupyter_client replaces a bare "python" by the server's own.
    """
    values = {
        "argv": [f"{layout.kernel}/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "metadata": {"debugger": True},
    }
    return f"{json.dumps(values, indent=2)}\n"


def pages(there: Situation) -> list[Entry]:
    """Return what pages have for an iPad."""
    load = {"load_extensions": {"reachable/touch": True}}
    return [
        *(page(there, path, name) for path, name in PAGES.items()),
        {"path": f"{there.layout.prefix}/{NBCLASSIC_EXTENSIONS}", "content": f"{json.dumps(load, indent=2)}\n"},
    ]


def page(there: Situation, path: str, name: str) -> Entry:
    """Return one file of them."""
    source = f"roles/jupyter/files/pages/{name}"
    content = (
        {"base64": there.project.base64(source)} if name.endswith(".png") else {"content": there.project.text(source)}
    )
    return {"path": f"{there.layout.prefix}/{path}", **content}


def notebooks(there: Situation) -> Entry:
    """Return the folder of the notebooks."""
    return folder(there.notebook_dir, owner=there.account.name, group=there.account.group, mode="0700")


def awake_rules(there: Situation) -> list[Entry]:
    """Return what lets a service keep the machine awake on Linux, which only people who are logged in may by default.

    On Debian 12 the folder is polkit's own user's, who can make nothing of root's there.
    """
    if not (there.wanted.reachable_keep_awake and there.layout.platform == "linux" and there.scope == "system"):
        return []
    owner = there.file(POLKIT)["owner"]
    return [{"path": AWAKE_RULE, "owner": owner, "group": owner, "content": awake_rule(there.account.name)}]


def awake_rule(user: str) -> str:
    """Return the rule of polkit's for a user."""
    return f"""\
// Written by Reachable. A change here is taken back by the next run.
polkit.addRule(function (action, subject) {{
  if (action.id == "org.freedesktop.login1.inhibit-block-sleep" && subject.user == "{user}") {{
    return polkit.Result.YES;
  }}
}});
"""
