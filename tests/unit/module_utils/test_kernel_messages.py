"""Of all that a kernel says, the answer to a request is found."""

from __future__ import annotations

from typing import Any

import pytest
from reachable import kernel_messages
from reachable.advice import LegError


def message(kind: str, parent: str = "me", **content: Any) -> dict[str, Any]:
    return {"header": {"msg_type": kind}, "parent_header": {"msg_id": parent} if parent else {}, "content": content}


BUSY, IDLE = message("status", execution_state="busy"), message("status", execution_state="idle")
RESULT = message("execute_result", data={"text/plain": "2"})


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([BUSY, RESULT, IDLE], "2"),
        ([BUSY, IDLE], ""),
        ([message("status", "other", execution_state="idle"), RESULT, IDLE], "2"),
        ([message("execute_result", "other", data={"text/plain": "3"}), RESULT, IDLE], "2"),
        ([message("stream", name="stdout", text="hello "), RESULT, IDLE], "hello 2"),
        ([message("error", ename="NameError", evalue="no 1"), IDLE], "NameError: no 1"),
    ],
)
def test_the_kernels_answer(messages: list[dict[str, Any]], expected: str) -> None:
    assert kernel_messages.read_answer(messages, "me") == expected


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([BUSY], "the connection was closed"),
        ([BUSY, message("status", "", execution_state="restarting"), RESULT, IDLE], "the kernel died"),
        ([message("status", "", execution_state="dead")], "the kernel died"),
    ],
)
def test_a_kernel_that_gives_no_answer(messages: list[dict[str, Any]], text: str) -> None:
    with pytest.raises(LegError, match=text) as caught:
        kernel_messages.read_answer(messages, "me")
    assert caught.value.code == "kernel_mute"
