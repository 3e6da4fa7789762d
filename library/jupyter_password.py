#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Keep the hash of the notebook password; see DOCUMENTATION. The code is the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: jupyter_password
short_description: Hash the notebook password, once
version_added: "1.0.0"
description:
  - Decides which hash belongs into the configuration of a Jupyter server and returns it. The hash that the
    host has now is kept when it belongs to the password and is strong enough, because a new one, even of the
    same password, logs every device out.
  - Runs on the controller, in Ansible's own process, so that the password never leaves it. It touches nothing on
    the host.
  - Without O(password) and O(password_hash) the password is the one in O(password_file), which is generated
    when neither that file nor a hash on the host exists. A hash on the host of which no password is known here
    is kept as it is.
  - It also decides on the key by which the server proves to M(doctor_info) that it is the one of this host. Each
    installation keeps the one that it has, and one that has none gets a new one.
  - Where M(jupyter_rotation) was cut short, there is a new password beside O(password_file). When the hash on the host
    belongs to it, it is kept in place of the old one, else it is dropped; a warning says which password is in force.
  - Jupyter reads C(argon2:), C(sha1:) and C(sha256:) hashes (C(jupyter_server/auth/security.py)); this module
    verifies all three and makes C(argon2:) ones, with argon2id, 10 MiB, 10 passes and 8 lanes as Jupyter itself does.
author: ["Reachable contributors (@reachable)"]
requirements: ["libpass (imported as passlib)", argon2-cffi]
attributes:
  check_mode:
    support: full
    description: Predicts the change. Where a password would be generated, the hash is of one that is thrown away.
  diff_mode:
    support: full
    description: Says why the hash changes; neither passwords nor hashes are shown.
  idempotent:
    support: full
options:
  password:
    description: The password. A password with fewer than 12 characters or among the most common ones is refused.
    type: str
  password_hash:
    description: A ready-made hash, as C(jupyter server password) writes it. The password need not be known then.
    type: str
  password_file:
    description: Where a generated password is kept on the controller, readable by its owner alone.
    type: path
    required: true
  current_hash:
    description: The hash that the host has now; empty when there is none.
    type: str
    default: ""
  current_proof_key:
    description: The key that the host has now; empty when there is none.
    type: str
    default: ""
  generate:
    description: Generate a password where none is known. Else that is refused.
    type: bool
    default: true
  adopted_hash:
    description: >-
      The hash with which a Jupyter was opened before this one. It is taken as it is; where the password is known, it
      must be the one behind it, and a cheap hash is replaced.
    type: str
  adopted_from:
    description: Where O(adopted_hash) stands, for people.
    type: str
    default: ""
  allow_weak:
    description: Accept a short or common O(password).
    type: bool
    default: false
  public:
    description: >-
      Whether Jupyter will be reachable from the internet. Weak passwords and hashes that are cheap to guess are refused
      then, whatever O(allow_weak) says.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Hash the notebook password
  jupyter_password:
    password: "{{ vault_jupyter_password }}"
    password_file: secrets/laptop/jupyter_password
    current_hash: "{{ hash_on_the_host }}"
    current_proof_key: "{{ proof_key_on_the_host }}"
  register: notebook_password
  no_log: true

- name: Generate a password once and keep it on the controller
  jupyter_password:
    password_file: secrets/laptop/jupyter_password
  register: notebook_password
  no_log: true
"""

RETURN = r"""
hash:
  description: What belongs into C(PasswordIdentityProvider.hashed_password).
  type: str
  returned: success
proof_key:
  description: What belongs into C(Reachable.proof_key).
  type: str
  returned: success
source:
  description: >-
    Where the password is known from. V(kept) means that only its hash is known, on the host, V(adopted) that it was
    O(adopted_hash).
  type: str
  choices: [given, hash, stored, generated, kept, adopted]
  returned: success
reason:
  description: Why the hash is new, or that it is not.
  type: str
  returned: success
  sample: the hash on the host belongs to another password
"""
