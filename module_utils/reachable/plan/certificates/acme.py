# SPDX-License-Identifier: Apache-2.0
"""What gets a certificate from an authority such as Let's Encrypt: certbot, what runs it, and a timer that renews."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from reachable.endpoints import is_address, is_public
from reachable.plan import network, package, public, services, texts
from reachable.plan.entries import Entry, folder, missing_entries
from reachable.plan.service import Service

from .certificate import Provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reachable.plan.declaration import Declaration
    from reachable.plan.layout import Layout
    from reachable.plan.project import Project
    from reachable.plan.receipts import Receipt
    from reachable.plan.situation import Situation

NAME = "reachable-acme"
# Where systemd keeps when the timer fired last.
STAMP = f"/var/lib/systemd/timers/stamp-{NAME}.timer"
PORT = 80
# With which of ``reachable_tls`` it may come about.
POSSIBLE = {"auto", "acme"}
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
TERMS = "https://letsencrypt.org/repository/"
# After so many in a row somebody has to know: one that fails may be the authority's bad day.
FAILURES = 2
DIRECTORY = re.compile(r"https://([\w.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[^\s#%]*)?")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
EAB_KID = re.compile(r"[!-~]+")
EAB_HMAC_KEY = re.compile(r"[A-Za-z0-9_-]+=*")
OPTIONS = """\
# Written by Reachable. A change here is taken back by the next run.
non-interactive = true
agree-tos = true
config-dir = {folder}/config
work-dir = {folder}/work
logs-dir = {folder}/logs
authenticator = standalone
preferred-challenges = http
server = {server}
cert-name = reachable
key-type = ecdsa
keep-until-expiring = true
renew-with-new-domains = true
max-log-backups = 20
"""


class Acme(Provider):
    """An authority of the internet, or one of somebody's own, that asks at port 80 whether a name is the host's."""

    kind = "acme"
    is_to_bring = False

    @property
    def certified(self) -> list[str]:
        """Return the only names and addresses under which a device takes it."""
        return identifiers(self.there)

    @property
    def is_right(self) -> bool:
        """Tell whether the host has one for all names, which is valid now."""
        names, now = set(self.certified), self.there.controller.now
        return self.is_in_place and names <= set(self.chain[0].names) and self.chain[0].is_valid(now)

    @property
    def asks(self) -> bool:
        """Tell whether the authority is to be asked now, and not when the timer fires next."""
        there = self.there
        return not self.is_right or result(there).get("got") != asked(there) or bool(failure(there))

    @property
    def is_to_get(self) -> bool:
        """Tell whether there is something to do on the host."""
        there = self.there
        missing = missing_entries(entries(there), there.facts) or environments_to_settle(there)
        return bool(missing) or self.asks or services.work(there, service(there))["is_to_do"]

    @property
    def trust(self) -> dict[str, str]:
        """Return the authority's certificate, where devices do not know it from the factory."""
        return {"authority": self.there.acme_certificate} if self.there.acme_certificate else {}

    @property
    def trust_here(self) -> dict[str, str]:
        """Return the same, and a name of the certificate's, which no loopback has."""
        return {**self.trust, "certificate_name": self.certified[0]}

    def services(self) -> list[Service]:
        """Return what renews it."""
        return [service(self.there)]

    def receipt(self) -> Receipt:
        """Return what it makes on the host."""
        return receipt(self.there)

    def refusals(self) -> Iterator[str]:
        """Say what the host has against it."""
        return host_refusals(self.there)

    def notes(self) -> Iterator[str]:
        """Say also that it is not renewed."""
        yield from super().notes()
        if problem := failure(self.there):
            yield f"The certificate of {self.there.name} is not renewed, {problem}"

    def planned(self) -> dict[str, Any]:
        """Return what its tasks need."""
        there = self.there
        return {
            "files_missing": missing_entries(entries(there), there.facts),
            "environments_to_settle": environments_to_settle(there),
            "asks": self.asks,
            "problem": failure(there),
            "result": there.layout.acme_result,
        }


# What cannot be meant, whatever the host is


def refusals(wanted: Declaration, certificate: str | None) -> Iterator[str]:
    """Refuse what is no authority, no address for messages, and half an account."""
    file = wanted.acme_ca_certificate
    if not DIRECTORY.fullmatch(wanted.acme_directory):
        yield (
            f"acme_directory is '{wanted.acme_directory}', which is no address of an authority: write it like "
            f"{LETS_ENCRYPT}."
        )
    if wanted.acme_email is not None and not EMAIL.fullmatch(wanted.acme_email):
        yield f"acme_email is '{wanted.acme_email}', which is no address: write it like ada@example.org."
    if file is not None and network.CERTIFICATE not in (certificate or ""):
        yield (
            f"acme_ca_certificate is '{file}', where no certificate in the form PEM is: give the absolute path of a "
            "file on this machine that has one."
        )
    if wanted.acme_eab_hmac_key is not None and wanted.acme_eab_kid is None:
        yield "acme_eab_hmac_key is set without acme_eab_kid: give both, as the authority has given them to you."
    if wanted.acme_eab_kid is not None and not EAB_KID.fullmatch(wanted.acme_eab_kid):
        yield f"acme_eab_kid is '{wanted.acme_eab_kid}': give it as the authority has given it to you, without spaces."
    if wanted.acme_eab_hmac_key is not None and not EAB_HMAC_KEY.fullmatch(wanted.acme_eab_hmac_key):
        yield "acme_eab_hmac_key has other signs than letters, digits, '-' and '_': give it as the authority wrote it."


# What the host has against it


def host_refusals(there: Situation) -> Iterator[str]:
    """Refuse a host that can get no certificate so."""
    wanted, name, chosen = there.wanted, there.name, how_chosen(there)
    others = "set reachable_tls to ca, files or off"
    if there.scope == "user":
        yield (
            f"{chosen}, which takes port 80 and so root, and on {name} you are {there.user['name']}: connect as root "
            f"or as a user who may use sudo, or {others}."
        )
        return
    if not there.manager.has_timers:
        yield f"{chosen}, and {name} has no systemd, whose timer renews certificates: {others}."
        return
    yield from refused_names(there, chosen, others)
    if not wanted.acme_agree:
        of = "Let's Encrypt" if wanted.acme_directory == LETS_ENCRYPT else wanted.acme_directory
        terms = f" ({TERMS})" if wanted.acme_directory == LETS_ENCRYPT else ""
        yield f"{chosen}: set acme_agree to true if you agree to the terms of {of}{terms}, or {others}."
    if wanted.acme_eab_kid is not None and not eab_hmac_key(there):
        yield "acme_eab_kid is set without acme_eab_hmac_key: give both, as the authority has given them to you."
    if not Acme(there).asks:
        return
    holder = there.facts["port_holders"].get(str(PORT)) or {}
    if "pid" in holder:
        process = f"process {holder['pid']} ({holder['command']})" if holder["pid"] else "a process"
        yield (
            f"{chosen}, and the authority asks at port 80 of {name}, which {process} of {holder['user']} has: stop it, "
            "or set reachable_tls to files with the certificate that it has."
        )
    elif there.controller.reaches_http is False:
        yield (
            f"{chosen}, and the authority asks at port 80 of {there.controller.address}, which does not answer: let it "
            f"be reached, in the firewall of {name} and in that of its provider, or {others}."
        )


def how_chosen(there: Situation) -> str:
    """Say how it came about that the host is to get one."""
    if there.wanted.reachable_tls == "acme":
        return "reachable_tls is acme"
    return (
        f"{there.name} is at {public.public_address(there)}, which is public, and the password must not go there in "
        "plain text"
    )


def refused_names(there: Situation, chosen: str, others: str) -> Iterator[str]:
    """Refuse names for which no certificate is to be had so."""
    names = identifiers(there)
    if wild := [name for name in names if "*" in name]:
        yield f"{chosen}, but the authority checks no {' and '.join(wild)} over http: name each host in tls_names."
    if there.wanted.acme_directory != LETS_ENCRYPT:
        return
    local = [each for each in names if not is_public(each) and "*" not in each]
    if local:
        yield (
            f"{chosen}, but {' and '.join(local)} cannot be known to the internet, and so not to Let's Encrypt: set "
            f"tls_names to a domain that leads to {there.name}, or {others}."
        )


# For which names, and with whose account


def identifiers(there: Situation) -> list[str]:
    """Return the names of the certificate: those that were given, else the address where the host is found."""
    if there.wanted.tls_names:
        return list(dict.fromkeys(name.lower() for name in there.wanted.tls_names))
    addresses, reached = there.facts["addresses"], there.controller.address
    # What a host that looks at itself cannot see, and what is as good as another one, stays.
    kept = [each for each in names_got(there) if not reached or each in addresses["own"]]
    found = (*filter(is_address, kept), public.public_address(there), reached, addresses["ipv4"], addresses["ipv6"])
    return [next(filter(None, found), there.name)]


def names_got(there: Situation) -> list[str]:
    """Return for which names there was a certificate last."""
    got = result(there).get("got")
    names = got.get("names") if isinstance(got, dict) else None
    return [str(each) for each in names] if isinstance(names, list) else []


def eab_hmac_key(there: Situation) -> str:
    """Return the key of an account that was made elsewhere: a host that was given one once has it. It is a secret."""
    found = re.search(r"(?m)^eab-hmac-key = (.*)$", there.content(there.layout.acme_options))
    return there.wanted.acme_eab_hmac_key or (found[1] if found else "")


def options(there: Situation) -> str:
    """Return the options of certbot that are in a file, as some are secret."""
    wanted, layout = there.wanted, there.layout
    account = {"email": wanted.acme_email} if wanted.acme_email else {"register-unsafely-without-email": "true"}
    if wanted.acme_eab_kid:
        account |= {"eab-kid": wanted.acme_eab_kid, "eab-hmac-key": eab_hmac_key(there)}
    lines = [f"{name} = {value}\n" for name, value in account.items()]
    return OPTIONS.format(folder=layout.acme_dir, server=wanted.acme_directory) + "".join(lines)


# What it consists of


def files(layout: Layout) -> list[str]:
    """Return the files and folders to look at."""
    own = [layout.acme_etc, layout.acme_dir, layout.acme_config, layout.acme_options, layout.acme_authority]
    return [*own, layout.acme_result, *package.paths(layout.acme_library)]


def receipt(there: Situation) -> Receipt:
    """Return what the receipt lists of it."""
    return {
        "services": [f"{NAME}.timer", NAME],
        "files": [STAMP],
        "folders": [there.layout.acme_etc, there.layout.acme_dir],
    }


def environment(layout: Layout, project: Project) -> dict[str, Any]:
    """Return the environment with certbot."""
    return {"path": layout.acme_environment, "requirements": project.text("requirements/certbot.txt").rstrip()}


def environments_to_settle(there: Situation) -> list[dict[str, Any]]:
    """Return that environment unless it is as it should be."""
    wanted = environment(there.layout, there.project)
    return [] if there.environments.get(wanted["path"]) == "settled" else [wanted]


def entries(there: Situation) -> list[Entry]:
    """Return its files and folders. All of them are root's own, so that root follows no path of somebody else's."""
    layout = there.layout
    authority = {"path": layout.acme_authority, "content": f"{(there.acme_certificate or '').strip()}\n"}
    return [
        folder(layout.acme_etc),
        folder(layout.acme_dir, mode="0700"),
        *([authority] if there.wanted.acme_ca_certificate else []),
        {"path": layout.acme_options, "secret": options(there), "mode": "0600"},
        {"path": layout.acme_config, "secret": texts.json_text(config(there)), "mode": "0600"},
        *package.entries(there.package, layout.acme_library),
    ]


def config(there: Situation) -> dict[str, Any]:
    """Return what the program reads. A proxy may have a password in it."""
    layout, user = there.layout, there.account
    trust = {"REQUESTS_CA_BUNDLE": layout.acme_authority} if there.wanted.acme_ca_certificate else network.trust(there)
    return {
        "host": there.name,
        "certbot": f"{layout.acme_environment}/bin/certbot",
        **asked(there),
        "options": layout.acme_options,
        "config_dir": f"{layout.acme_dir}/config",
        "environment": {"LANG": "C.UTF-8", **network.proxies(there), **trust},
        "target": layout.certificate,
        "owner": user.name,
        "group": user.group,
        "result": layout.acme_result,
    }


def service(there: Situation) -> Service:
    """Return the service, which a timer starts."""
    layout = there.layout
    return Service(
        name=NAME,
        description="Keeps the certificate of Jupyter valid",
        command=[f"{layout.tools}/bin/python", "-m", "reachable.acme", "--config", layout.acme_config],
        calendar=calendar(there.name),
        user="root",
        group="root",
        directory=layout.acme_dir,
        environment={"PYTHONPATH": package.archive_path(layout.acme_library), "LANG": "C.UTF-8"},
        writable_paths=[layout.acme_dir, layout.certificate.rpartition("/")[0]],
        sandbox_profile="network",
        sandbox={
            # To listen at port 80, and to hand the file over to the user who reads it.
            "CapabilityBoundingSet": "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_NET_BIND_SERVICE",
            "SystemCallFilter": ["@system-service", "~@privileged @resources", "@chown"],
            # What a certbot of somebody else's has there would count for this one.
            "InaccessiblePaths": "-/etc/letsencrypt",
        },
    )


def calendar(name: str) -> str:
    """Return when the timer fires: twice a day, and not for all hosts of the world at the same time."""
    minute = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % 720
    return f"*-*-* {minute // 60:02},{minute // 60 + 12:02}:{minute % 60:02}:00"


# How it went


def asked(there: Situation) -> dict[str, Any]:
    """Return what is asked of whom, as the program keeps it once there is a certificate."""
    return {"server": there.wanted.acme_directory, "names": identifiers(there)}


def failure(there: Situation) -> str:
    """Return why it has failed, where that was so often that somebody has to know."""
    known = result(there)
    failures = known.get("failures")
    return str(known.get("problem")) if isinstance(failures, int) and failures >= FAILURES else ""


def is_to_be_reached(there: Situation) -> bool:
    """Tell whether it matters if port 80 is reached from outside, and the controller is there."""
    address, certificate = there.controller.address, there.certificate
    is_asked = isinstance(certificate, Acme) and certificate.asks and not there.only_looks
    return is_asked and bool(address) and address == public.public_address(there)


def is_there(there: Situation) -> bool:
    """Tell whether the host has its certificate from an authority already."""
    return f"{NAME}.timer" in there.receipt.get("services", []) and bool(names_got(there))


def result(there: Situation) -> dict[str, Any]:
    """Return how it went the last time; nothing where nobody knows."""
    try:
        found = json.loads(there.content(there.layout.acme_result))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
