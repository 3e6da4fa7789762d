# SPDX-License-Identifier: Apache-2.0
"""What may be wrong on the way to a Jupyter server, by code, and how to fix it."""

from __future__ import annotations

import errno
import http.client
import socket

UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}
# Codes that a starting server may cause. A server that does not answer at all is not starting, but behind a firewall.
STARTING = (
    *("refused", "hung_up", "silent", "tls_silent", "broken"),
    *("tunnel_starting", "ssh_hung_up", "ssh_target_closed"),
)
# Codes that show that another machine is at the address.
FOREIGN = ("name_shared", "other_host")
TIMEOUT_CODES = {
    "name": "name_silent",
    "tcp": "unanswered",
    "tls": "tls_silent",
    "kernel": "kernel_silent",
    "websocket": "websocket_silent",
    "run": "kernel_mute",
    "cleanup": "kernel_left",
}

# The problem and its fix, by code. {url}, {host} and {port} are those of the address.
ADVICE = {
    "bad_url": (
        "{url} is not an address of a Jupyter server.",
        "Write it as http://HOST:PORT/ or https://HOST/.",
    ),
    "name_unknown": (
        "The name {host} is not known.",
        "Look for a typing mistake in it, and compare it with the address that './reachable status' shows.",
    ),
    "mdns_unknown": (
        "Nobody in this network answers to the name {host}.",
        "Names in .local are only known inside one network: join the same Wi-Fi or use the machine's IP address.",
    ),
    "name_shared": (
        "The name {host} leads to another machine than the one that is meant.",
        "Two machines have this name: give one of them another, or use the IP address of the one that is meant.",
    ),
    "name_silent": (
        "No name server answers when asked for {host}.",
        "Check the internet connection of the machine that runs this check.",
    ),
    "refused": (
        "Nothing listens at {host} port {port}.",
        "Start the service with './reachable up'; './reachable status' shows whether a tunnel's address has changed.",
    ),
    "unanswered": (
        "{host} port {port} does not answer: a firewall drops the connection, or it is in another network.",
        "Open port {port} in its firewall and use its network; on the iPad, switch the app on under 'Local Network'.",
    ),
    "no_route": (
        "There is no way from here to {host}.",
        "Check that the machine is on and that both are in the same network.",
    ),
    "no_ssh": (
        "The machine that runs this check has no program ssh.",
        "Install the client of OpenSSH on it.",
    ),
    "not_ssh": (
        "What answers at {host} port {port} is not SSH.",
        "Compare host and port with the address that './reachable status' shows; a tunnel's may have changed.",
    ),
    "ssh_hung_up": (
        "{host} port {port} closes the connection instead of greeting as SSH.",
        "Check that the SSH service runs on the machine to which the tunnel leads.",
    ),
    "ssh_host_unknown": (
        "The SSH server at {host} port {port} has a host key that is not known here.",
        "Compare the address with './reachable status', and run './reachable up', which learns the machine's keys.",
    ),
    "ssh_host_changed": (
        "The SSH server at {host} port {port} has another host key than the machine that is meant.",
        "Compare the address with './reachable status': it may belong to others now; './reachable up' learns new keys.",
    ),
    "ssh_key_file": (
        "The key {key_file} cannot be used.",
        "Check that the file is there and that nobody but you can read it; './reachable up' makes a missing one.",
    ),
    "ssh_key_refused": (
        "The SSH server at {host} port {port} refuses the key of the user {user}.",
        "Run './reachable up', which gives the server the public part of {key_file}.",
    ),
    "ssh_forward_refused": (
        "The SSH server lets {user} in, but does not forward to {target}.",
        "Run './reachable up', which permits it, and look for AllowTcpForwarding in the server's own configuration.",
    ),
    "ssh_target_closed": (
        "Nothing listens at {target} on the other side of the SSH tunnel.",
        "Start the service with './reachable up'.",
    ),
    "ssh_failed": (
        "The SSH connection to {host} port {port} fails.",
        "Look at the detail of this leg, and at the log of the SSH service on that machine.",
    ),
    "expired": (
        "The certificate of {host} has expired: it ended on {end}.",
        "Run './reachable up', which renews one of ours; one of yours has to be renewed by whoever issued it.",
    ),
    "early": (
        "The certificate of {host} is not valid yet: it begins on {begin}.",
        "Check the clock of the machine that issued it, and issue it anew, or wait until then.",
    ),
    "wrong_clock": (
        "The clock of {host} is {days} days apart from this machine's, and its certificate valid by one of them only.",
        "Set the one that is wrong: 'timedatectl' shows its date, and 'timedatectl set-ntp true' keeps it right.",
    ),
    "other_name": (
        "The certificate at {url} was issued for {names}, not for {host}.",
        "Use a name for which it was issued, or add {host} to tls_names and run './reachable up'.",
    ),
    "untrusted": (
        "The certificate of {host} comes from {issuer}, an authority that this machine does not trust.",
        "Install the authority's certificate on this machine and on the iPad, or use one of a public authority.",
    ),
    "other_authority": (
        "The certificate of {host} comes from {issuer}, and neither from our own authority nor from a public one.",
        "Run './reachable up', which issues one; if this stays, something on the way puts its own in its place.",
    ),
    "no_chain": (
        "{host} sends its certificate without that of {issuer}, which stands between it and a root.",
        "Put the certificates in between behind the server's own, in one file; certbot calls it fullchain.pem.",
    ),
    "unfit": (
        "The certificate of {host} does not keep to the rules for servers: {reason}.",
        "Issue one that does: './reachable up' with reachable_tls=ca, or a public authority.",
    ),
    "too_long": (
        "The certificate of {host} is valid for {days} days, and Apple's devices accept at most 825.",
        "Issue one for a shorter time.",
    ),
    "old_tls": (
        "{host} port {port} speaks only versions of TLS that are no longer safe, and devices refuse them.",
        "Let the server, or the proxy in front of it, speak TLS 1.2 or 1.3.",
    ),
    "tls_refused": (
        "{host} port {port} does not agree on a TLS connection.",
        "Check the TLS settings of the server: TLS 1.2 or newer is needed.",
    ),
    "tls_silent": (
        "{host} port {port} takes the connection, but does not begin to encrypt it.",
        "Run './reachable up': the server's key may not match its certificate; './reachable logs' tells.",
    ),
    "http_expected": (
        "{host} port {port} speaks plain http, but the address says https.",
        "Use http:// in the address, or run './reachable up' with reachable_tls=ca for https.",
    ),
    "https_expected": (
        "{host} port {port} speaks https, but the address says http.",
        "Use https:// in the address.",
    ),
    "silent": (
        "{url} takes the connection but does not answer.",
        "Restart the service with './reachable up' and look at the log of its service.",
    ),
    "hung_up": (
        "{url} closes the connection instead of answering.",
        "Look at the log of its service; the service may be restarting or crashing.",
    ),
    "not_jupyter": (
        "What answers at {url} is not Jupyter.",
        "Check host, port and path; another program may have taken the port, or the server has another base_url.",
    ),
    "redirected": (
        "{url} sends visitors elsewhere: {location}.",
        "Use the address to which it points, if it is yours, or take the redirect out of the proxy.",
    ),
    "tunnel": (
        "The tunnel answers in place of Jupyter: {meaning} ({ngrok}).",
        "{fix}",
    ),
    "tunnel_starting": (
        "The tunnel answers in place of Jupyter: {meaning} ({ngrok}).",
        "{fix}",
    ),
    "broken": (
        "{url} answers with an error of the server: HTTP {status}.",
        "Restart the service with './reachable up' and look at the log of its service.",
    ),
    "host_refused": (
        "Jupyter refuses every request that names it {host}.",
        "Add {host} to ServerApp.local_hostnames and restart the service; './reachable up' does so for its own tunnel.",
    ),
    "gate": (
        "Something in front of Jupyter refuses the visit: HTTP {status}.",
        "Let the request to {url} pass in the proxy or tunnel: its own login or its list of addresses stops it.",
    ),
    "open": (
        "Anybody can use the server at {url}: it asks for neither password nor token.",
        "Stop it now, and protect it with a password: './reachable up' configures one.",
    ),
    "no_form": (
        "The login page at {url} has no form that takes a password.",
        "Run './reachable up', which configures a login by password.",
    ),
    "unproven": (
        "The server at {url} cannot prove that it is the one of this host.",
        "Run './reachable up', which gives it what that takes; if this stays, another machine is at the address.",
    ),
    "other_host": (
        "What answers at {url} is the server of another machine, which gets no password.",
        "Two machines may have one name or address: change that of one, or use an address that only this one has.",
    ),
    "wrong_password": (
        "The server at {url} refuses the password: jupyter_password differs from the one that it has.",
        "Run './reachable up' to give it this password, or correct jupyter_password.",
    ),
    "token_only": (
        "The server at {url} refuses the password and offers a login by token: it may have no password at all.",
        "Run './reachable up', which configures a login by password, and check that this is the server you mean.",
    ),
    "login_forbidden": (
        "The server at {url} refuses the login form.",
        "Check that the proxy or tunnel passes cookies unchanged.",
    ),
    "host_rewritten": (
        "The server at {url} believes that the visit comes from another site.",
        "Let the proxy or tunnel pass the Host header unchanged.",
    ),
    "throttled": (
        "There were too many wrong passwords at {url}.",
        "Try again in {seconds} seconds.",
    ),
    "login_broken": (
        "The login at {url} does not work: HTTP {status}.",
        "Run './reachable up', which repairs a malformed password hash, and look at the log of its service.",
    ),
    "no_contents": (
        "The list of files cannot be read: HTTP {status}.",
        "Check that the notebook folder exists and belongs to the notebook user; the log of its service tells more.",
    ),
    "no_page": (
        "Jupyter answers, but does not show the page with which a visit begins: {seen}.",
        "Run './reachable up', which installs anew what is missing; './reachable logs' has what Jupyter says of it.",
    ),
    "kernel_refused": (
        "Jupyter cannot start a kernel: HTTP {status}.",
        "Look at the log of its service; './reachable up' repairs the environment of the kernel.",
    ),
    "kernel_silent": (
        "The kernel does not start in time.",
        "Look at the log of its service, and check that the machine has memory and processor time to spare.",
    ),
    "websocket_refused": (
        "Jupyter refuses the WebSocket to the kernel.",
        "Let the proxy or tunnel pass the headers Host, Origin and Cookie unchanged.",
    ),
    "websocket_blocked": (
        "The WebSocket to the kernel does not open.",
        "Let the proxy pass WebSockets: the headers Upgrade and Connection, over HTTP/1.1.",
    ),
    "websocket_silent": (
        "The WebSocket to the kernel does not open in time.",
        "Check that the machine has memory and processor time to spare; a proxy in between has to pass WebSockets.",
    ),
    "kernel_mute": (
        "The kernel started but does not calculate.",
        "Look at the log of its service: the kernel may have died; './reachable up' repairs its environment.",
    ),
    "wrong_answer": (
        "The kernel's answer to 1+1 is not 2.",
        "Look at the kernel's startup files, such as ~/.ipython/profile_default/startup.",
    ),
    "kernel_left": (
        "The kernel that was started for this check could not be stopped.",
        "Stop it in Jupyter under 'Running', or restart the service.",
    ),
    "unexpected": (
        "The check of {url} met an error that it does not know.",
        "Look at the detail of this leg and at the log of its service.",
    ),
}


class LegError(Exception):
    """A leg failed.

    ``code`` is a key of ADVICE, ``detail`` the technical words, ``facts`` fill the placeholders of the advice.
    """

    def __init__(self, code: str, detail: object, **facts: object) -> None:
        """Keep the parts."""
        super().__init__(str(detail))
        self.code = code
        self.facts = facts


def explain(error: Exception, leg: str) -> LegError:
    """Return the LegError for an error that a leg did not explain itself."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, LegError):
        return error
    if isinstance(error, (TimeoutError, socket.timeout)):  # before Python 3.10 these are two
        return LegError(TIMEOUT_CODES.get(leg, "silent"), error)
    if isinstance(error, ConnectionRefusedError):
        return LegError("refused", error)
    if isinstance(error, OSError) and error.errno in UNREACHABLE:
        return LegError("no_route", error)
    if isinstance(error, (ConnectionError, http.client.HTTPException)):
        return LegError("hung_up", text)
    return LegError("unexpected", text)
