# SPDX-License-Identifier: Apache-2.0
"""Where pip and uv get packages from: the indexes, proxies and certificates that a machine has for them.

Whatever else people, or their distribution, set for pip, uv, Python or conda means installations of their own, and
would break these: ``user``, ``require-virtualenv``, ``target``, ``constraint``.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from typing import TYPE_CHECKING

from . import files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Variables that name package sources for pip and uv.
SOURCES = "(PIP|UV)_.*(CERT|HOST|INDEX|KEYRING|LINKS|PROXY|RETRIES|TIMEOUT).*|PIP_CONFIG_FILE"
# All that change what pip, uv and Python do.
STEERING = re.compile("(CONDA|PIP|UV|VIRTUAL_ENV)(_.*)?|PYTHON.*")

# The bundles of Linux distributions, because pip before version 24.2 trusts only its own list. The bundle of macOS is
# left out, because it lacks the certificates that the Keychain trusts.
CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")

# What uv has for a source of pip's, and what stands between several of them.
OF_UV = {
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", " "),
    "PIP_EXTRA_INDEX_URL": ("UV_INDEX", " "),
    "PIP_FIND_LINKS": ("UV_FIND_LINKS", ","),
    "PIP_TRUSTED_HOST": ("UV_INSECURE_HOST", " "),
    "PIP_CERT": ("SSL_CERT_FILE", " "),
    "PIP_CLIENT_CERT": ("SSL_CLIENT_CERT", " "),
    "PIP_PROXY": ("ALL_PROXY", " "),
}
# What uv has had for the same before.
FORMER_OF_UV = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}
TRUE = {"1", "true", "yes", "y", "on", "t"}  # as pip reads them
ALIASES = {"PIP_PYPI_URL": "PIP_INDEX_URL"}


def surroundings(given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with which pip and uv run."""
    kept = {name: value for name, value in given.items() if not STEERING.fullmatch(name)}
    of_both = {name: value for name, value in given.items() if re.fullmatch(SOURCES, name)}
    of_both = {**of_pips_files(given), **of_both}
    bundles = [given.get("CURL_CA_BUNDLE"), given.get("SSL_CERT_FILE"), *filter(os.path.exists, CA_BUNDLES), None]
    return {
        # Unlike PIP_CERT, this does not override what pip has been told.
        "REQUESTS_CA_BUNDLE": next(filter(None, bundles), ""),
        **in_words_of_uv(of_both, given),
        **kept,
        **of_both,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_NO_CONFIG": "1",
        "UV_SYSTEM_CERTS": "1",
    }


def in_words_of_uv(of_pip: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return for uv what pip was told, unless uv was told otherwise."""
    words = {
        name: separator.join(of_pip[source].split())
        for source, (name, separator) in OF_UV.items()
        if of_pip.get(source) and not {name, FORMER_OF_UV.get(name, name)} & given.keys()
    }
    # pip takes the best version that any index has, uv only those of the first index that knows the package.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **words} if "UV_INDEX" in words else words


def options_of_uv(given: Mapping[str, str]) -> list[str]:
    """Return the options for uv of what it has no variable for: that no index counts."""
    told = {**of_pips_files(given), **given}.get("PIP_NO_INDEX", "")
    return ["--no-index"] if told.lower() in TRUE else []


def of_pips_files(given: Mapping[str, str]) -> dict[str, str]:
    """Return the sources in the configuration of pip, as variables of its own."""
    found: dict[str, str] = {}
    parsers = list(map(read, configuration_files(given)))
    for section in ("global", "install"):
        for parser in parsers:
            for key, value in parser.items(section) if parser.has_section(section) else []:
                name = f"PIP_{key.strip().lstrip('-').replace('-', '_').upper()}"
                found[ALIASES.get(name, name)] = value
    return {name: value for name, value in found.items() if re.fullmatch(SOURCES, name)}


def configuration_files(given: Mapping[str, str]) -> Iterator[str]:
    """Yield where pip looks for its configuration, what counts most last."""
    named = given.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return
    home, on_macos = given.get("HOME") or os.path.expanduser("~"), sys.platform == "darwin"
    of_apple = "Library/Application Support"
    for folder in [f"/{of_apple}"] if on_macos else (given.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"):
        yield f"{folder}/pip/pip.conf"
    yield "/etc/pip.conf"
    if not os.path.exists(named):
        yield f"{home}/.pip/pip.conf"
        own = f"{home}/{of_apple}"
        is_apples = on_macos and os.path.isdir(f"{own}/pip")
        yield f"{own if is_apples else given.get('XDG_CONFIG_HOME') or f'{home}/.config'}/pip/pip.conf"
    if named:
        yield named


def read(path: str) -> configparser.RawConfigParser:
    """Read a file as pip does. One that pip cannot read says nothing."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(files.read_regular(path, follow_links=True).decode(errors="replace"))
    except (OSError, ValueError, configparser.Error):
        return configparser.RawConfigParser()
    return parser
