# SPDX-License-Identifier: Apache-2.0
"""What is said to a kernel, and what it answers, in messages over a WebSocket.

Source: "Messaging in Jupyter", https://jupyter-client.readthedocs.io/en/stable/messaging.html; "WebSocket protocols" in
the documentation of Jupyter Server for ``channel``.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

from .advice import LegError

if TYPE_CHECKING:
    from collections.abc import Iterable


def execute_request(code: str) -> dict[str, Any]:
    """Make a message that asks a kernel to execute code (sections "General Message Format" and "Execute")."""
    return {
        "channel": "shell",
        "header": {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "session": uuid.uuid4().hex,
            "username": "",
            "date": dt.datetime.now(dt.timezone.utc).isoformat(),
            "version": "5.3",
        },
        "parent_header": {},
        "metadata": {},
        "content": {"code": code, "silent": False, "store_history": False, "allow_stdin": False},
    }


def read_answer(messages: Iterable[dict[str, Any]], request_id: str) -> str:
    """Return the outcome of a calculation: its result, its output, or its error.

    The kernel is done when it reports that it is idle after this request (section "Kernel status").
    Raise LegError if it dies before, or if the messages end.
    """
    said = ""
    for message in messages:
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] in ("restarting", "dead"):
            raise LegError("kernel_mute", "the kernel died")
        if message["parent_header"].get("msg_id") != request_id:
            continue
        if kind == "execute_result":
            said += content["data"]["text/plain"]
        elif kind == "stream":
            said += content["text"]
        elif kind == "error":
            said += f"{content['ename']}: {content['evalue']}"
        elif kind == "status" and content["execution_state"] == "idle":
            return said
    raise LegError("kernel_mute", "the connection was closed")
