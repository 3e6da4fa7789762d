"""Kernels and terminals have the environment of the server, to which the way out is added."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from imports import imported

FILES = Path(__file__).parents[5] / "roles/jupyter/files"
reachable_network = imported("reachable_network", FILES / "reachable_network.py")

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
NAMES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "https_proxy")


@pytest.mark.parametrize(
    ("before", "reachable", "after"),
    [
        ({}, {}, {}),
        ({}, {"secret_variables": {"https_proxy": "http://proxy:3128"}}, {"https_proxy": "http://proxy:3128"}),
        ({"PIP_CERT": BUNDLE}, {}, {"REQUESTS_CA_BUNDLE": BUNDLE}),
        # A certificate that was given counts for all.
        ({"PIP_CERT": "/x", "REQUESTS_CA_BUNDLE": "/x"}, {}, {"PIP_CERT": "/x", "REQUESTS_CA_BUNDLE": "/x"}),
    ],
)
def test_what_kernels_get(
    before: dict[str, str], reachable: dict[str, Any], after: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", dict(before))
    server = SimpleNamespace(config={"Reachable": {"proof_key": "0", **reachable}})
    reachable_network._load_jupyter_server_extension(server)
    assert {name: os.environ[name] for name in NAMES if name in os.environ} == after
