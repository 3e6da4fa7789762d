"""Each way in which a visit fails has a code, and each code says what is wrong and what to do."""

from __future__ import annotations

import errno
import http.client
import inspect
import re

import pytest
from reachable import advice, examination, kernel_messages, ssh_tunnel, tls, visitor

SPEAKERS = (advice, examination, kernel_messages, tls, visitor)


@pytest.mark.parametrize(
    ("error", "name", "code"),
    [
        (TimeoutError(), "tcp", "unanswered"),
        (TimeoutError(), "contents", "silent"),
        (TimeoutError(), "tls", "tls_silent"),
        (TimeoutError(), "kernel", "kernel_silent"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "tcp", "no_route"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "tcp", "no_route"),
        (ConnectionResetError(), "contents", "hung_up"),
        (http.client.IncompleteRead(b""), "contents", "hung_up"),
        (OSError(errno.EMFILE, "Too many open files"), "tcp", "unexpected"),
    ],
)
def test_errors_of_the_system_have_a_code(error: Exception, name: str, code: str) -> None:
    assert advice.explain(error, name).code == code


def test_each_code_has_advice_and_each_advice_a_code() -> None:
    source = "".join(map(inspect.getsource, SPEAKERS))
    said_by_ssh = {code for _, code in ssh_tunnel.TROUBLES} | {ssh_tunnel.diagnose("")[0]}
    for code, sentences in advice.ADVICE.items():
        assert len(re.findall(rf'"{code}"', source)) > 1 or code in said_by_ssh, f"{code} is never used"
        assert all(re.fullmatch(r"[A-Z{].*\.|{fix}", sentence) for sentence in sentences), code
    raised = set(re.findall(r'LegError\("(\w+)"', source)) | set(re.findall(r'code = "(\w+)"', source))
    named = set(advice.TIMEOUT_CODES.values()) | set(tls.REFUSALS.values())
    assert raised | named | said_by_ssh | set(advice.STARTING) <= set(advice.ADVICE)
