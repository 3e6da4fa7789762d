#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Examine how Jupyter is reached; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: doctor_info
short_description: Visit Jupyter as an iPad does, and say what fails
version_added: "1.0.0"
description:
  - Visits Jupyter at each address as an iPad does, leg by leg, from the machine on which the module runs. The legs are
    V(name), V(tcp), V(ssh), V(tls), V(http), V(interstitial), V(login_page), V(proof), V(login), V(contents),
    V(page), V(kernel), V(websocket), V(run) and V(cleanup). What comes after a leg that fails is skipped, except for
    V(cleanup), and so is what the address does not have.
  - A failure has a sentence that says what is wrong and one that says what to do. It is not a failure of the module.
  - One kernel is started for each address that lets it come so far, and stopped again.
  - Where ngrok answers in place of Jupyter, the sentences say what its code means.
  - Nothing secret is sent before the server has proven (V(proof)) that it has O(proof_key), on the connection that is
    then used wherever the server keeps it open.
  - The addresses are examined side by side. No proxy is used.
author: ["Reachable contributors (@reachable)"]
requirements:
  - websocket-client (for the legs from V(login) on)
  - the program ssh (for addresses with O(endpoints[].ssh))
attributes:
  check_mode:
    support: full
    description: Nothing is changed in any mode.
  diff_mode:
    support: none
    description: There is nothing to show.
  idempotent:
    support: full
options:
  endpoints:
    description: The addresses.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the result calls this address.
        type: str
        required: true
      url:
        description:
          - The address with the C(base_url) of the server, without C(/lab) or C(/nbclassic).
          - With O(endpoints[].ssh) it is the one that the iPad opens inside of the tunnel, such as
            C(http://localhost:8888/).
        type: str
        required: true
      tunnel:
        description:
          - Whether the address is that of a tunnel, which may put a page of its own in front of Jupyter. The leg
            V(interstitial) then opens the login page as Safari does. It does not fail when that page is there.
          - All other requests ask the tunnel to leave its page out.
        type: bool
        default: false
      ssh:
        description: The way to Jupyter through an SSH server.
        type: dict
        suboptions:
          host:
            description: The SSH server.
            type: str
            required: true
          port:
            description: Its port.
            type: int
            default: 22
          user:
            description: The user as whom to log in.
            type: str
            required: true
          key_file:
            description: The file with the user's private key, which has no passphrase.
            type: path
            required: true
          target:
            description: Where Jupyter listens, seen from the server, as C(HOST:PORT).
            type: str
            required: true
          known_hosts_file:
            description: A file with the keys of the server, as ssh itself keeps them.
            type: path
          host_keys:
            description: >-
              The keys of the server, in the form of its own C(/etc/ssh/ssh_host_*_key.pub). They count whatever the
              server's name and port are, as those of a tunnel change.
            type: list
            elements: str
      own:
        description:
          - The IP addresses of the machine, where the address leads straight to it. A name in C(.local) must then lead
            to these only, and at one of these the server must have been reached at that very address. So a machine
            that answers in the host's place, and asks the host for its proof, is refused as well.
          - Elsewhere, as behind a tunnel or a router that forwards a port, only the key counts.
        type: list
        elements: str
        default: []
      authority:
        description: >-
          The certificate of an authority that counts for this address beside those of the system, in PEM. The system's
          store stays as it is.
        type: str
        default: ""
      certificate_name:
        description: >-
          The name or address for which the server's certificate is issued, where it is not that of O(endpoints[].url),
          as on the loopback.
        type: str
        default: ""
  password:
    description: The password of the server. Without it, what comes after V(proof) is skipped.
    type: str
  proof_key:
    description: >-
      The key that the server of this host has (C(Reachable.proof_key) in its configuration, see M(jupyter_config)).
      Without it, no password is sent.
    type: str
  legs:
    description: V(anonymous) stops after V(proof), for a look that needs no password and logs nobody in.
    type: str
    choices: [all, anonymous]
    default: all
  timeout:
    description: Seconds for one address. A tenth of it is kept for V(cleanup).
    type: float
    default: 30
  wait:
    description: For how many of these seconds a failed V(tcp) or V(http) is tried again, as after a restart.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Visit Jupyter from here
  doctor_info:
    endpoints:
      - name: lan
        url: http://192.0.2.7:8888/
        own: [192.0.2.7]
      - name: tunnel
        url: https://name.example/
        tunnel: true
      - name: ssh
        url: http://localhost:8888/
        ssh:
          host: 0.tcp.example
          port: 12345
          user: reachable-tunnel
          key_file: secrets/vps/tunnel_key
          host_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDV1cm5kZXIga2V5IG9mIHRoaXMgZXhhbXBsZSBhYWFh"]
          target: 127.0.0.1:8888
    password: "{{ vault_jupyter_password }}"
    proof_key: "{{ proof_key_on_the_host }}"
  register: visit

- name: Wait until Jupyter answers on its own machine
  doctor_info:
    endpoints:
      - name: loopback
        url: http://127.0.0.1:8888/
    legs: anonymous
    wait: 20
  register: visit
  failed_when: not visit.endpoints[0].reachable
"""

RETURN = r"""
endpoints:
  description: What was found, in the order of the option.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The name as given.
      type: str
    url:
      description: The address as given.
      type: str
    reachable:
      description: Whether no leg failed.
      type: bool
    failed_leg:
      description: The first leg that failed.
      type: str
    problem:
      description: What is wrong, in one sentence.
      type: str
      sample: "Nothing listens at 192.0.2.7 port 8888."
    fix:
      description: What to do about it, in one sentence.
      type: str
    foreign:
      description: Whether another machine than the host is at the address, or under the name.
      type: bool
    jupyter_version:
      description: The version of Jupyter Server, as soon as V(http) succeeded.
      type: str
    busy_kernels:
      description: How many kernels compute, besides the one of this visit; as soon as V(kernel) was tried.
      type: int
    interstitial:
      description: Whether the leg V(interstitial) met a page of ngrok that browsers have to pass.
      type: bool
    certificate:
      description: The certificate of the server, where V(tls) succeeded.
      type: dict
      contains:
        issuer:
          description: Who issued it.
          type: str
        names:
          description: The names and addresses for which it was issued.
          type: list
          elements: str
        begin:
          description: The day on which it begins to be valid, in UTC.
          type: str
        end:
          description: The day on which it ends.
          type: str
        is_ending:
          description: >-
            Whether it ends within 30 days, and less than a quarter of its life is left, so that it should have been
            renewed by now.
          type: bool
    legs:
      description: All legs in their order.
      type: list
      elements: dict
      contains:
        leg:
          description: Its name.
          type: str
        state:
          description: How it went.
          type: str
          choices: [ok, failed, skipped]
        seconds:
          description: How long it took.
          type: float
        detail:
          description: What was seen, or why it was skipped.
          type: str
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.reachable import examination, visitor


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=examination.ARGUMENT_SPEC, supports_check_mode=True)
    asked = module.params
    options = examination.options_of(asked)
    if options.password and not options.anonymous and visitor.WEBSOCKET_ERROR:
        module.fail_json(msg=missing_required_lib("websocket-client"), exception=visitor.WEBSOCKET_ERROR)

    module.exit_json(changed=False, endpoints=examination.examine_all(asked["endpoints"], options))


if __name__ == "__main__":
    main()
