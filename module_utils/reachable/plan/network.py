# SPDX-License-Identifier: Apache-2.0
"""The way out: through which proxy, and trusting whom, for what is installed, for services and for kernels."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .declaration import Declaration
    from .entries import Entry
    from .layout import Layout
    from .situation import Situation

NONE, AUTO = "none", "auto"
PROXY = re.compile(r"https?://[^\s/]+/?")
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
PROXIES = ("http_proxy", "https_proxy")
# What no proxy is asked for. The networks are those that are never on the internet, so that a laptop need not be
# configured anew in each.
HERE = ("localhost", "127.0.0.0/8", "127.0.0.1", "::1")
LAN = (".local", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fe80::/10", "fc00::/7")
# By which pip, uv, requests, curl, git and Python itself know whom to trust.
TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT")
KEPT_AS = "secret_proxy"


def refusals(wanted: Declaration, certificate: str | None) -> Iterator[str]:
    """Refuse what is no proxy, and what is no certificate. The address of a proxy may have a password in it."""
    proxy, file = wanted.reachable_proxy, wanted.reachable_ca_certificate
    if proxy not in {None, NONE, AUTO} and not PROXY.fullmatch(proxy or ""):
        yield "reachable_proxy is no address of a proxy: write it like http://proxy.example.org:3128, or none or auto."
    if file is not None and CERTIFICATE not in (certificate or ""):
        yield (
            f"reachable_ca_certificate is '{file}', where no certificate in the form PEM is: give the absolute path of "
            "a file on this machine that has one."
        )


def bundle(layout: Layout) -> str:
    """Return the file with the host's own certificates and those that are trusted beside them."""
    return f"{layout.etc}/certificates.pem"


def files(layout: Layout, wanted: Declaration, bundles: tuple[str, ...]) -> list[str]:
    """Return the files to look at. The host's own certificates are many, so only where they are needed."""
    return [bundle(layout), *(bundles if wanted.reachable_ca_certificate else [])]


def entries(there: Situation) -> list[Entry]:
    """Return that file, if there is one."""
    if not there.wanted.reachable_ca_certificate:
        return []
    own = there.content(there.facts["ca_bundle"] or "").rstrip()
    return [{"path": bundle(there.layout), "content": f"{own}\n{(there.ca_certificate or '').strip()}\n".lstrip()}]


def former_files(there: Situation) -> list[str]:
    """Return that file where it is there and nobody wants it any more."""
    path = bundle(there.layout)
    return [] if there.wanted.reachable_ca_certificate or not there.is_there(path) else [path]


def given_proxy(there: Situation) -> str:
    """Return the proxy that was given, now or before; empty where none was, or none is wanted any more.

    The host keeps it, as it may have a password in it.
    """
    proxy = there.wanted.reachable_proxy
    if proxy is None:
        found = re.search(rf'"{KEPT_AS}": ("(?:[^"\\]|\\.)*")', there.current_config)
        return str(json.loads(found[1])) if found else ""
    return "" if proxy == AUTO else proxy


def proxies(there: Situation) -> dict[str, str]:
    """Return the variables that name the proxy: the one that was given, else those of the host. They may be secret."""
    given, of_host = given_proxy(there), there.facts.get("proxies") or {}
    spared = [each for each in of_host.get("no_proxy", "").split(",") if each]
    if given == NONE:
        return {}
    found = dict.fromkeys(PROXIES, given) if given else {name: of_host[name] for name in PROXIES if of_host.get(name)}
    if not found:
        return {}
    # What the host spares, somebody has thought about.
    spared = [*spared, *HERE, *(LAN if given or not spared else ())]
    variables = {**found, "no_proxy": ",".join(dict.fromkeys(map(str.strip, spared)))}
    return {name: value for lower, value in variables.items() for name in (lower, lower.upper())}


def for_pip(there: Situation) -> dict[str, str]:
    """Return the same for an installation, where a proxy that was given beats the one in the host's pip.conf."""
    given = given_proxy(there)
    return {**proxies(there), **({"PIP_PROXY": given} if given not in {"", NONE} else {})}


def settings(there: Situation) -> dict[str, dict[str, Any]]:
    """Return what Jupyter's configuration keeps of it, by names that hide it in diffs."""
    given, variables = given_proxy(there), proxies(there)
    kept: dict[str, Any] = {"secret_variables": variables, KEPT_AS: given}
    told = {name: value for name, value in kept.items() if value}
    return {"Reachable": told} if told else {}


def trust(there: Situation, name: str = "REQUESTS_CA_BUNDLE") -> dict[str, str]:
    """Return the variables that say whom to trust: who was given beside whom the host trusts, else the latter only."""
    if there.wanted.reachable_ca_certificate:
        return dict.fromkeys(TRUST, bundle(there.layout))
    return {name: there.facts["ca_bundle"]} if there.facts["ca_bundle"] else {}


def trust_for_pip(there: Situation) -> dict[str, str]:
    """Return the same for an installation, which knows itself whom the host trusts."""
    return trust(there) if there.wanted.reachable_ca_certificate else {}
