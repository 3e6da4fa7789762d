"""The files on the server that are worked on."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from client import CELL, NOTEBOOK_MODEL

if TYPE_CHECKING:
    from client import Browser

CONTENT: dict[str, Any] = NOTEBOOK_MODEL["content"]  # type: ignore[assignment]  # it is one value of several kinds
MODEL: dict[str, Any] = {**NOTEBOOK_MODEL, "content": {**CONTENT, "cells": [CELL]}}
FILE = json.dumps(MODEL["content"]).encode()


def put_notebook(server: Browser, name: str, model: dict[str, Any] = MODEL) -> str:
    """Have a notebook on the server, by default one that adds one and one; return its name."""
    answer = server.ask("PUT", f"/api/contents/{quote(name)}", json=model)
    assert answer.ok, answer.text
    return name


def remove(server: Browser, *names: str) -> None:
    """Have no such files on the server."""
    for name in names:
        status = server.ask("DELETE", f"/api/contents/{quote(name)}").status_code
        assert status in (204, 404), f"{name} cannot be removed: {status}"


def wait_for_kernel(server: Browser, name: str, seconds: float) -> None:
    """Wait until a page has the kernel of a notebook: without one, Lab and Notebook run nothing, and do not say so."""
    deadline = time.monotonic() + seconds
    while not any(
        session["path"] == name and session["kernel"]["connections"]
        for session in server.ask("GET", "/api/sessions").json()
    ):
        assert time.monotonic() < deadline, f"No page has the kernel of {name} within {seconds} s."
        time.sleep(0.2)
