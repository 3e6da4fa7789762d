"""What looks like a secret."""

from __future__ import annotations

from typing import Any

import pytest
from reachable import secrecy


@pytest.mark.parametrize(
    "value",
    [
        {"GitHubConfig": {"access_token": "abc"}},
        {"LDAP": {"bind": [{"password": "abc"}]}},
        {"on_http_request": [{"actions": [{"type": "basic-auth", "config": {"credentials": ["ada:abc"]}}]}]},
        {"client_secret": {"text": "abc"}},
        ["https://ada:abc@example.org/"],
        "https://:abc@example.org/",
    ],
)
def test_a_secret_is_seen_however_deep(value: Any) -> None:
    assert secrecy.has_secret(value)


@pytest.mark.parametrize(
    "value",
    [
        8822,
        "numpy",
        None,
        {},
        {"MappingKernelManager": {"cull_idle_timeout": 3600}},
        {"ServerApp": {"password_required": True, "token": "", "ssl_key_file": "/etc/key.pem"}},
        "https://example.org:8080/a@b:c",
        "git@example.org:fleet.git",
    ],
)
def test_what_is_none_is_let_through(value: Any) -> None:
    assert not secrecy.has_secret(value)


def test_each_of_them_is_found() -> None:
    value = {"a": {"api_key": "abc", "port": 1}, "b": [{"passwords": ["x", "y"]}, "https://ada:z@example.org/"]}
    assert list(secrecy.secrets(value)) == ["abc", "x", "y", "https://ada:z@example.org/"]


def test_the_name_of_the_setting_counts() -> None:
    assert secrecy.has_secret("abc", "api_key")
    assert not secrecy.has_secret("abc", "api")
