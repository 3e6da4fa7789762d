"""The configuration of Jupyter: what is ours, and what people add to it."""

from __future__ import annotations

from typing import Any

import pytest
from bare_host import TOKEN, situation
from reachable.plan import settings


def test_the_settings_of_a_bare_host() -> None:
    assert situation().settings == {
        "ServerApp": {
            "ip": "*",
            "port": 8888,
            "port_retries": 0,
            "root_dir": "/var/lib/reachable/jupyter/notebooks",
            "default_url": "/lab",
            "open_browser": False,
            "quit_button": False,
            "cookie_secret_file": "/var/lib/reachable/jupyter/cookie_secret",
            "trust_xheaders": False,
        },
        "PasswordIdentityProvider": {"password_required": True, "allow_password_change": False, "token": ""},
        "ReachableIdentityProvider": {"wrong_passwords_per_hour": 132, "login_days": 30},
        "ReachableLimits": {"connections": 1000},
        "KernelManager": {"transport": "ipc"},
    }


@pytest.mark.parametrize(
    ("given", "ip", "trusts"),
    [
        ({}, "*", False),
        ({"jupyter_listen": "loopback"}, "localhost", False),
        ({"ngrok_authtoken": TOKEN}, "localhost", True),
        ({"ngrok_authtoken": TOKEN, "jupyter_listen": "lan"}, "*", False),
        ({"ngrok_authtoken": TOKEN, "ngrok_transport": "tcp"}, "localhost", False),
        ({"ngrok_authtoken": TOKEN, "ngrok_transport": "none"}, "*", False),
    ],
)
def test_where_it_listens_and_whom_it_believes(given: dict[str, Any], ip: str, trusts: bool) -> None:
    server = situation(given).settings["ServerApp"]
    assert (server["ip"], server["trust_xheaders"]) == (ip, trusts)


def test_what_people_add_is_laid_below() -> None:
    added = {
        "ServerApp": {"shutdown_no_activity_timeout": 60, "port": 1},
        "MappingKernelManager": {"cull_idle_timeout": 3600},
        "@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark"},
    }
    whole = situation({"jupyter_settings": added}).settings
    assert whole["ServerApp"]["shutdown_no_activity_timeout"] == 60
    assert whole["ServerApp"]["port"] == 8888
    assert whole["MappingKernelManager"] == {"cull_idle_timeout": 3600}
    assert "@jupyterlab/apputils-extension:themes" not in whole


def test_dictionaries_that_would_replace_ours_get_ours() -> None:
    added = {"ServerApp": {"tornado_settings": {"headers": {}}, "jpserver_extensions": {"mine": True}}}
    server = situation({"jupyter_settings": added, "reachable_keep_awake": True}).settings["ServerApp"]
    assert server["tornado_settings"] == {"headers": {}, "compress_response": True}
    assert server["jpserver_extensions"] == {
        "mine": True,
        **dict.fromkeys(settings.EXTENSIONS, True),
        "reachable_awake": True,
        "reachable_requests": False,
    }


def test_traits_that_matter_elsewhere() -> None:
    watched = settings.watched_traits({"ServerApp": {"mine": 1, "ip": "x"}, "@a:b": {"c": 1}})
    assert [*settings.ELSEWHERE_REMEDIES, "mine"] == watched
