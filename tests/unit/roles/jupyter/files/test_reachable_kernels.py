"""Kernels that know only TCP get it, on the loopback, and all others speak over sockets in a private folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from imports import imported
from traitlets.config import Config

FILES = Path(__file__).parents[5] / "roles/jupyter/files"
reachable_kernels = imported("reachable_kernels", FILES / "reachable_kernels.py")

CONFIG = Config(
    {"KernelManager": {"transport": "ipc"}, "ReachableKernelManager": {"tcp_kernels": ["deno", "scala*", ".net-*"]}}
)


@pytest.mark.parametrize(
    ("name", "transport"),
    [
        ("python3", "ipc"),
        ("deno", "tcp"),
        ("scala", "tcp"),
        ("scala213", "tcp"),
        (".net-csharp", "tcp"),
        ("ir", "ipc"),
        ("denominator", "ipc"),
        ("Deno", "ipc"),
    ],
)
def test_how_a_kernel_is_spoken_to(name: str, transport: str, tmp_path: Path) -> None:
    manager = reachable_kernels.ReachableKernelManager(
        config=CONFIG, kernel_name=name, connection_file=str(tmp_path / "kernel.json")
    )
    manager.write_connection_file()
    written = json.loads((tmp_path / "kernel.json").read_text())
    assert (written["transport"], written["ip"]) == (
        transport,
        "127.0.0.1" if transport == "tcp" else str(tmp_path / "kernel-ipc"),
    )
