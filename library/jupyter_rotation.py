#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Change the notebook password, and prove it; see DOCUMENTATION. The code is the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: jupyter_rotation
short_description: Change the notebook password, and prove it
version_added: "1.0.0"
description:
  - Does both ends of a change of the password, on the controller and in Ansible's own process. In between the host
    gets the hash with M(jupyter_config), and Jupyter is restarted.
  - V(begun) logs in with the old password, and keeps the new one beside O(password_file), in a file with C(.new) at the
    end of its name.
  - No password is sent before the server has proven that it is this host's, by the key that stands in O(config), as
    for M(doctor_info).
  - V(finished) proves that the new password works, and that the old one and the logins of before are refused, and then
    puts the new password in place of the old one.
  - Whoever finds both files later, as M(jupyter_password) and V(begun) do, tells by the hash that the host has which of
    the two passwords is in force. So a change may be cut short at any moment.
  - Jupyter signs its cookies with the hash (C(cookie_secret_hook) in C(jupyter_server/auth/identity.py)). So a new hash
    logs every device out, even one of the same password.
author: ["Reachable contributors (@reachable)"]
requirements: ["libpass (imported as passlib)", argon2-cffi, the program ssh (for addresses with C(ssh))]
attributes:
  check_mode:
    support: full
    description: Logs in with the old password and writes nothing. V(finished) proves nothing then.
  diff_mode:
    support: none
    description: There is nothing to show but secrets.
  idempotent:
    support: none
    description: Each change is one.
options:
  state:
    description: Which end of the change.
    type: str
    choices: [begun, finished]
    required: true
  password_file:
    description: Where the password is kept on the controller, readable by its owner alone.
    type: path
    required: true
  new_password:
    description: >-
      The new password. One with fewer than 12 characters or among the most common ones is refused. Without it one is
      generated.
    type: str
  config:
    description: The content of the configuration that the host has now. Needed for V(begun).
    type: str
  allow_weak:
    description: Accept a short or common O(new_password).
    type: bool
    default: false
  public:
    description: Whether Jupyter can be reached from the internet. A weak O(new_password) is refused then in any case.
    type: bool
    default: false
  endpoints:
    description:
      - The addresses, as for M(doctor_info). The first at which Jupyter asks for its password is used.
      - When Jupyter does so at none of them, nothing is changed. When there are none, nothing can be proven.
      - Needed for V(begun).
    type: list
    elements: dict
  before:
    description: What V(begun) has returned under this name. Needed for V(finished).
    type: dict
  timeout:
    description: Seconds for one visit.
    type: float
    default: 30
  wait:
    description: For how many of these seconds V(finished) waits for a Jupyter that does not answer yet.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Begin to change the password
  jupyter_rotation:
    state: begun
    password_file: secrets/laptop/jupyter_password
    config: "{{ content_of_jupyter_server_config_json }}"
    endpoints:
      - name: lan
        url: http://192.0.2.7:8888/
  register: change
  no_log: true

- name: Prove the new password
  jupyter_rotation:
    state: finished
    password_file: secrets/laptop/jupyter_password
    before: "{{ change.before }}"
    wait: 30
  no_log: true
"""

RETURN = r"""
hash:
  description: The hash of the new password, for C(PasswordIdentityProvider.hashed_password).
  type: str
  returned: O(state=begun)
settings:
  description: O(config) without its hash and its key, for the option C(settings) of M(jupyter_config).
  type: dict
  returned: O(state=begun)
before:
  description: >-
    The address that was used, for each old password that is known whether it logged in, and as C(proof_key) the key for
    M(jupyter_config). A secret.
  type: dict
  returned: O(state=begun)
proof:
  description: How the server treats the passwords and the logins of before. Each is V(not tried) without an address.
  type: dict
  returned: O(state=finished)
  contains:
    new_password:
      description: V(works).
      type: str
    old_password:
      description: V(refused), or V(not known here).
      type: str
    old_logins:
      description: V(refused), or V(none known) when the old password did not log in.
      type: str
"""
