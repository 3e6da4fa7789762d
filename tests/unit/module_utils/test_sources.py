"""Of what people and distributions set for pip and uv count indexes, proxies and certificates, in all places."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from reachable import files, sources

if TYPE_CHECKING:
    from pathlib import Path

ALWAYS = {"PIP_CONFIG_FILE", "PIP_DISABLE_PIP_VERSION_CHECK", "REQUESTS_CA_BUNDLE", "UV_NO_CONFIG", "UV_SYSTEM_CERTS"}
# Whatever the machine has on which this runs.
NOWHERE = {"XDG_CONFIG_DIRS": "/nowhere", "HOME": "/nowhere"}


@pytest.fixture(autouse=True)
def no_files_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    real = files.read_regular

    def read(path: str, **options: bool) -> bytes:
        if path == "/etc/pip.conf":
            raise FileNotFoundError
        return bytes(real(path, **options))

    monkeypatch.setattr(files, "read_regular", read)
    monkeypatch.setattr(sys, "platform", "linux")


def found(**given: str) -> dict[str, str]:
    """Return the variables that count, without those that are always set."""
    seen = sources.surroundings({**NOWHERE, **given})
    return {name: value for name, value in seen.items() if name not in {*ALWAYS, *NOWHERE}}


@pytest.mark.parametrize(
    "name",
    [
        "PIP_USER",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_CONSTRAINT",
        "PIP_NO_BINARY",
        "PIP_BREAK_SYSTEM_PACKAGES",
        "UV_SYSTEM_PYTHON",
        "UV_CONSTRAINT",
        "UV_PYTHON",
        "UV_CONFIG_FILE",
        "UV_REQUIRE_HASHES",
        "UV_OVERRIDE",
        "UV_PROJECT_ENVIRONMENT",
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONUSERBASE",
        "PYTHONWARNINGS",
        "CONDA_PREFIX",
        "VIRTUAL_ENV",
    ],
)
def test_what_means_installations_of_ones_own_does_not_count(name: str) -> None:
    assert found(**{name: "1"}) == {}


@pytest.mark.parametrize(
    ("given", "for_uv"),
    [
        ({"PIP_INDEX_URL": "https://a"}, {"UV_DEFAULT_INDEX": "https://a"}),
        ({"PIP_INDEX_URL": "https://a", "UV_DEFAULT_INDEX": "https://b"}, {}),
        ({"PIP_INDEX_URL": "https://a", "UV_INDEX_URL": "https://b"}, {}),
        (
            {"PIP_EXTRA_INDEX_URL": "https://a\n https://b"},
            {"UV_INDEX": "https://a https://b", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ({"PIP_FIND_LINKS": "/a /b"}, {"UV_FIND_LINKS": "/a,/b"}),
        ({"PIP_TRUSTED_HOST": "a b"}, {"UV_INSECURE_HOST": "a b"}),
        ({"PIP_CERT": "/ca.pem"}, {"SSL_CERT_FILE": "/ca.pem"}),
        ({"PIP_CERT": "/ca.pem", "SSL_CERT_FILE": "/other.pem"}, {}),
        ({"PIP_CLIENT_CERT": "/me.pem"}, {"SSL_CLIENT_CERT": "/me.pem"}),
        ({"PIP_PROXY": "http://p:3128"}, {"ALL_PROXY": "http://p:3128"}),
        ({"PIP_PROXY": "http://p:3128", "ALL_PROXY": "http://q"}, {}),
        ({"https_proxy": "http://p:3128", "UV_INDEX_MINE_PASSWORD": "x", "UV_KEYRING_PROVIDER": "subprocess"}, {}),
    ],
)
def test_sources_count_for_both(given: dict[str, str], for_uv: dict[str, str]) -> None:
    assert found(**given) == {**given, **for_uv}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_pips_files_count_in_its_own_order(tmp_path: Path) -> None:
    home, wide, named = tmp_path / "home", tmp_path / "etc", tmp_path / "named.conf"
    given = {"HOME": str(home), "XDG_CONFIG_DIRS": str(wide)}
    write(wide / "pip/pip.conf", "[global]\nindex-url = https://wide\nuser = true\nproxy = http://p\ntarget = /t\n")
    assert sources.surroundings(given)["PIP_INDEX_URL"] == "https://wide"
    write(home / ".pip/pip.conf", "[global]\nindex_url = https://legacy\nrequire-virtualenv = true\n")
    assert sources.surroundings(given)["PIP_INDEX_URL"] == "https://legacy"
    write(
        home / ".config/pip/pip.conf",
        "[global]\nINDEX-URL = https://home\nextra-index-url =\n  https://a\n  https://b\n",
    )
    assert sources.surroundings(given)["PIP_INDEX_URL"] == "https://home"
    write(wide / "pip/pip.conf", "[install]\nindex-url = https://for-install\n[global]\nproxy = http://p\n")
    assert sources.surroundings(given)["PIP_INDEX_URL"] == "https://for-install"
    write(named, "[install]\npypi-url = https://named/%20x\n[freeze]\ntimeout = 1\n")
    seen = sources.surroundings({**given, "PIP_CONFIG_FILE": str(named)})
    assert (seen["PIP_INDEX_URL"], seen["PIP_PROXY"]) == ("https://named/%20x", "http://p")
    assert "PIP_EXTRA_INDEX_URL" not in seen
    assert sources.surroundings({**given, "PIP_INDEX_URL": "https://mine"})["PIP_INDEX_URL"] == "https://mine"
    seen = sources.surroundings(given)
    assert seen["PIP_CONFIG_FILE"] == os.devnull
    assert seen["PIP_EXTRA_INDEX_URL"].split() == ["https://a", "https://b"]
    assert not {"PIP_USER", "PIP_TARGET", "PIP_REQUIRE_VIRTUALENV", "PIP_TIMEOUT"} & seen.keys()
    assert "PIP_INDEX_URL" not in sources.surroundings({**given, "PIP_CONFIG_FILE": os.devnull})


@pytest.mark.parametrize("text", ["index-url = x", "[global]\nindex-url = a\nindex-url = b\n", "\0", "[global"])
def test_a_file_that_pip_cannot_read_says_nothing(text: str, tmp_path: Path) -> None:
    assert found(PIP_CONFIG_FILE=str(write(tmp_path / "pip.conf", text))) == {}


def test_a_file_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "pip").mkdir()
    os.mkfifo(tmp_path / "pip/pip.conf")
    assert found(XDG_CONFIG_HOME=str(tmp_path)) == {"XDG_CONFIG_HOME": str(tmp_path)}


def test_the_real_pip_looks_at_the_same_files(tmp_path: Path) -> None:
    given = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": f"{tmp_path}/a:{tmp_path}/b", "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "pip", "config", "debug"]
    said = subprocess.run(command, env=given, capture_output=True, text=True, check=True).stdout
    looked_at = [line.split(", exists")[0].strip() for line in said.splitlines() if ", exists" in line]
    in_the_environment = f"{sys.prefix}/pip.conf"
    assert list(sources.configuration_files(given)) == [path for path in looked_at if path != in_the_environment]


@pytest.mark.parametrize(
    ("told", "options"),
    [("1", ["--no-index"]), ("true", ["--no-index"]), ("Yes", ["--no-index"]), ("0", []), ("", []), (None, [])],
)
def test_uv_hears_that_no_index_counts(told: str | None, options: list[str], tmp_path: Path) -> None:
    given = {**NOWHERE, **({} if told is None else {"PIP_NO_INDEX": told})}
    assert sources.options_of_uv(given) == options
    if told:
        named = write(tmp_path / "pip.conf", f"[global]\nno-index = {told}\n")
        assert sources.options_of_uv({**NOWHERE, "PIP_CONFIG_FILE": str(named)}) == options
