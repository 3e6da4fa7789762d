"""Interfaces learn where the front ends of the kernel's packages lie, behind all that they know."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from imports import imported
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.services.config.manager import ConfigManager
from traitlets import List, Unicode

FILES = Path(__file__).parents[5] / "roles/jupyter/files"
reachable_front_ends = imported("reachable_front_ends", FILES / "reachable_front_ends.py")


class Lab(ExtensionApp):
    name = "lab"
    labextensions_path = List(Unicode(), ["/server"])


class Classic(ExtensionApp):
    name = "classic"
    extra_nbextensions_path = List(Unicode())


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    kernelspec = tmp_path / "share/kernels/python3/kernel.json"
    kernelspec.parent.mkdir(parents=True)
    kernelspec.write_text(json.dumps({"argv": [f"{tmp_path}/kernel/bin/python", "-m", "ipykernel_launcher"]}))
    monkeypatch.setenv("JUPYTER_PATH", f"{tmp_path}/share")
    return tmp_path / "kernel"


def test_where_files_lie(kernel: Path) -> None:
    lab, classic, other = Lab(), Classic(), ExtensionApp()
    apps = {"jupyterlab": {lab}, "nbclassic": {classic}, "other": {other}, "reachable_front_ends": set()}
    server = SimpleNamespace(extension_manager=SimpleNamespace(extension_apps=apps))
    reachable_front_ends._link_jupyter_server_extension(server)
    assert lab.labextensions_path == ["/server", f"{kernel}/share/jupyter/labextensions"]
    assert classic.extra_nbextensions_path == [f"{kernel}/share/jupyter/nbextensions"]


@pytest.mark.usefixtures("kernel")
def test_what_the_classic_notebook_loads(tmp_path: Path) -> None:
    for path, loaded in (
        ("kernel/etc/jupyter/nbconfig/notebook.d/widgets.json", {"widgets/extension": True, "theirs": False}),
        ("nbconfig/notebook.json", {"theirs": True}),
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(json.dumps({"load_extensions": loaded}))
    server = SimpleNamespace(config_manager=ConfigManager(read_config_path=[str(tmp_path / "nbconfig")]))
    reachable_front_ends._load_jupyter_server_extension(server)
    assert server.config_manager.get("notebook")["load_extensions"] == {"widgets/extension": True, "theirs": True}
