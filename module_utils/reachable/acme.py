# SPDX-License-Identifier: Apache-2.0
"""Keep this host's certificate valid: ask the authority when it is due, and put key and chain in place as one file.

A timer runs this program on the host, and so does ``up``: ``python -m reachable.acme --config FILE``. certbot does the
talking. It is called once each time, so that nobody asks an authority in a loop.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from . import files, timed
from .endpoints import is_address
from .notifier import read, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .timed import Output

    Run = Callable[[list[str]], Output]

PATIENCE_SECONDS = 600.0
LINEAGE = "reachable"
OPENS_PORT = (
    "let port 80 be reached from the internet, in this host's firewall and in its provider's, and see that the name "
    "or the address leads to this host"
)
LEADS_HERE = "let the name lead to this host (its A and AAAA records), and wait until that is known everywhere"
ANSWERS_ITSELF = (
    "another server has answered there: let the name lead to this host alone (its A and AAAA records), and no proxy "
    "stand before its port 80"
)
# What an authority calls the reason why it does not believe that a name is ours (RFC 8555, 6.7), and what to do.
OF_CHALLENGES = {
    "connection": OPENS_PORT,
    "dns": LEADS_HERE,
    "unauthorized": ANSWERS_ITSELF,
    "incorrectResponse": ANSWERS_ITSELF,
    "caa": "allow this authority in the domain's CAA record",
}
UNKNOWN_NAME = re.compile("no such host|NXDOMAIN|no valid A(AAA)? records|SERVFAIL")
CHALLENGE = re.compile(r"^ *(?:Identifier|Domain): *(\S+)\n *Type: *(\S+)\n *Detail: *(.+)$", re.MULTILINE)
AGAIN_AFTER = re.compile(r"retry after (\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?)(?:Z| UTC)?", re.IGNORECASE)
RATE_LIMIT = re.compile("too many|rate ?limit", re.IGNORECASE)
# What stands in certbot's words where the authority's server has not been talked to, and what to do.
OF_SERVERS = {
    "SSLError": "set acme_ca_certificate to the certificate of whoever vouches for it, or correct acme_directory",
    "NameResolutionError": "correct acme_directory, or let the host find names (DNS)",
    "ConnectionError|Timeout|MaxRetryError|was not done after": (
        "correct acme_directory, or see to it that the host gets there; the timer tries again within half a day"
    ),
    r"<Response \[4|KeyError|JSONDecodeError|is not a valid ACME": (
        "correct acme_directory, which is no directory of an authority"
    ),
}
# What stands in the authority's own words about the account, and what to do.
OF_ACCOUNTS = {
    "Account .* not found|account .*(does not exist|deactivated|revoked)": (
        "remove {config_dir}/accounts, and run './reachable up', which makes a new account"
    ),
    "external account|'kid'|eab": "set acme_eab_kid and acme_eab_hmac_key to what the authority has given you",
    "email|contact": "correct acme_email",
    "agree": "read the terms, and set acme_agree to true",
}
CAUSE = re.compile(r"Caused by \w+\((.*)\)\)$")
NOISE = re.compile(
    r"^(Saving debug log|Ask for help|An unexpected error occurred|Some challenges have failed|\(You can)"
)


class Config(NamedTuple):
    """The program's configuration.

    ``names`` are those of the certificate, ``options`` is the file with certbot's, and ``config_dir`` where it keeps
    what it got. ``environment`` says through which proxy and trusting whom it talks to the ``server``. ``target`` is
    the file that key and chain become, which belongs to ``owner`` and ``group`` and is in a folder of root's, and
    ``result`` the one that says how it went.
    """

    host: str
    certbot: str
    names: list[str]
    options: str
    config_dir: str
    server: str
    environment: dict[str, str]
    target: str
    owner: str
    group: str
    result: str


# Decisions: plain values in, plain values out


def command_line(names: list[str]) -> list[str]:
    """Return the options of certbot that say for which names, and for how long where that is not the authority's."""
    addresses = [name for name in names if is_address(name)]
    # An authority that has no such profile gives what it always does.
    profile = ["--preferred-profile", "shortlived"] if addresses else []
    kinds = [("--ip-address" if name in addresses else "--domain", name) for name in names]
    return [*profile, *(part for kind in kinds for part in kind)]


def problem(output: Output, server: str, config_dir: str) -> str:
    """Say in one sentence why there is no certificate, in the authority's own words, and what to do."""
    challenges = CHALLENGE.findall(output.stdout)
    if challenges:
        return of_challenge(*challenges[0])
    said = " ".join(words(output))
    if "Could not bind TCP port 80" in said:
        return (
            "port 80 is taken by another program, and the authority asks there: stop that program, or set "
            "reachable_tls to files with the certificate that it has."
        )
    if RATE_LIMIT.search(said):
        return of_limit(said)
    if remedy := among(OF_SERVERS, said):
        cause = CAUSE.search(said)
        return f"{server} cannot be talked to ({plain(cause[1] if cause else said)}): {remedy}."
    remedy = among(OF_ACCOUNTS, said).format(config_dir=config_dir)
    return f"{server} gives none: {plain(said)}{f': {remedy}' if remedy else ''}."


def words(output: Output) -> list[str]:
    """Return what certbot says of a failure, without what it always says; where it says nothing, how it ended."""
    lines = [line.strip() for line in output.stderr.splitlines()]
    told = [line for line in lines if line and not NOISE.match(line)]
    return list(dict.fromkeys(told)) or [f"certbot ended with {output.status}"]


def of_challenge(identifier: str, kind: str, detail: str) -> str:
    """Say why the authority does not believe that a name or an address is ours."""
    remedy = LEADS_HERE if UNKNOWN_NAME.search(detail) else OF_CHALLENGES.get(kind)
    return f"the authority could not check {identifier}: {plain(detail)}{f': {remedy}' if remedy else ''}."


def of_limit(said: str) -> str:
    """Say until when the authority gives no more."""
    found = AGAIN_AFTER.search(said)
    wait = f"wait until {found[1].replace('T', ' ')} UTC" if found else "wait as long as it says"
    return f"the authority's limit is reached, {plain(said)}: {wait}; the timer asks again by itself."


def among(remedies: Mapping[str, str], said: str) -> str:
    """Return what to do about some words; nothing where nobody knows."""
    return next((remedy for sign, remedy in remedies.items() if re.search(sign, said)), "")


def plain(said: str) -> str:
    """Return words of others as a part of a sentence of ours, in one line, and not too many."""
    line = " ".join(said.split()).rstrip(".: ")
    return line if len(line) <= 500 else f"{line[:500]} ..."  # noqa: PLR2004 - as long as a person reads


def is_of_another(renewal: str, server: str) -> bool:
    """Tell whether what certbot keeps is from another authority. It would keep that until it is due."""
    found = re.search(r"(?m)^server = (.*)$", renewal)
    return bool(found and found[1].strip() != server)


def described(before: Mapping[str, Any], failed: str, asked: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Return how it went in the form that is kept: with what was ``asked`` when there was a certificate last.

    ``failures`` counts those in a row.
    """
    failures = before.get("failures", 0) + 1 if failed else 0
    got = before.get("got") if failed else {**asked}
    return {"time": utc(now), "failures": failures, "problem": failed, "got": got}


# Doing


def certbot_of(config: Config) -> Run:
    """Return a function that runs certbot with some options."""
    command = [config.certbot, "certonly", "--config", config.options, *command_line(config.names)]
    return lambda options: timed.run("certbot", [*command, *options], config.environment, PATIENCE_SECONDS)


def ask(config: Config, run: Run) -> str:
    """Ask the authority where it is due, and put in place what there is. Return what went wrong, or nothing."""
    try:
        with open(os.path.join(config.config_dir, "renewal", f"{LINEAGE}.conf"), encoding="utf-8") as file:
            renewal = file.read()
    except FileNotFoundError:
        renewal = ""
    output = run(["--force-renewal"] if is_of_another(renewal, config.server) else [])
    if output.status:
        print(output.stdout, output.stderr, sep="\n", flush=True)  # noqa: T201 - who reads the log wants it whole
        return problem(output, config.server, config.config_dir)
    deploy(config)
    return ""


def deploy(config: Config) -> None:
    """Put key and chain in place as one file, unless they are there: while the two do not match, new clients hang."""
    lineage = os.path.join(config.config_dir, "live", LINEAGE)
    paths = [os.path.join(lineage, name) for name in ("privkey.pem", "fullchain.pem")]
    pem = b"".join(files.read_regular(path, follow_links=True) for path in paths)
    found = files.inspect(config.target)
    wanted = files.Entry(config.target, "file", config.owner, config.group, 0o600, pem)
    if found != wanted:
        files.apply(found, wanted)


def keep(config: Config) -> int:
    """Ask once. The exit status is 1 if there is no valid certificate in the end that could be put in place."""
    failed = ask(config, certbot_of(config))
    asked = {"server": config.server, "names": config.names}
    content = json.dumps(described(read(config.result), failed, asked, time.time()), indent=2)
    files.replace(config.result, f"{content}\n".encode())
    print(f"{config.host} has no new certificate, {failed}" if failed else "The certificate is as it should be.")  # noqa: T201
    return 1 if failed else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the program, and return its exit status."""
    return timed.start("acme", "Keep this host's certificate valid.", Config, keep, arguments)


if __name__ == "__main__":
    sys.exit(main())
