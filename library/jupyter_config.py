#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Keep the configuration file of a Jupyter server; see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: jupyter_config
short_description: Write a Jupyter server's configuration with its password hash
version_added: "1.0.0"
description:
  - Keeps one C(jupyter_server_config.json) that nobody else writes. Jupyter reads it first when its folder is named by
    C(JUPYTER_CONFIG_PATH), and everything that it does not set from the user's own files.
  - The file can be read by its owner alone, and neither the old nor the new hash is shown in the diff.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    description: Hashes are hidden; a file that this module did not write is hidden as a whole.
  idempotent:
    support: full
options:
  path:
    description: The file.
    type: path
    required: true
  settings:
    description: The settings, C(Class) to C(trait) to value.
    type: dict
    required: true
  password_hash:
    description: Goes into C(PasswordIdentityProvider.hashed_password), the name that wins over its older ones.
    type: str
    required: true
  proof_key:
    description: >-
      Goes into C(Reachable.proof_key): 64 hexadecimal digits by which the server proves to M(doctor_info) that it is
      the one of this host.
    type: str
    required: true
  owner:
    description: The user as whom the server runs.
    type: str
    required: true
  group:
    description: The group of the file.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Configure Jupyter
  jupyter_config:
    path: /opt/reachable/etc/jupyter/jupyter_server_config.json
    settings:
      ServerApp:
        port: 8888
    password_hash: "{{ notebook_password.hash }}"
    proof_key: "{{ notebook_password.proof_key }}"
    owner: jupyter
    group: jupyter
"""

RETURN = r"""
path:
  description: The file.
  type: str
  returned: success
"""

import copy
import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachable import files
from ansible.module_utils.reachable.secrecy import SECRET, secrets

PROVIDER = "PasswordIdentityProvider"
HASH = "hashed_password"
PROVER = "Reachable"
PROOF_KEY = "proof_key"


def render(settings: dict[str, Any], password_hash: str, proof_key: str) -> str:
    """Write the settings, the hash and the key as the file says them."""
    complete = copy.deepcopy(settings)
    complete.setdefault(PROVIDER, {})[HASH] = password_hash
    complete.setdefault(PROVER, {})[PROOF_KEY] = proof_key
    return json.dumps(complete, indent=2, sort_keys=True) + "\n"


def hide_secrets(content: bytes | None, other: bytes | None, password_hash: str, word: str) -> str | None:
    """Return a file's text with ``word`` in place of each secret, or "same" where the other version has it, too.

    A file without a hash in its place is not ours and is hidden as a whole: it may have one anywhere.
    """
    if content is None:
        return None

    def word_for(secret: Any) -> str:
        text = json.dumps(secret).encode()
        return "same" if other is not None and text in content and text in other else word

    try:
        settings = json.loads(content)
        settings[PROVIDER][HASH]
    except (ValueError, LookupError, TypeError):
        return f"({word_for(password_hash)} content, not written by Reachable)\n"

    def hidden(value: Any, name: str, is_secret: bool) -> Any:
        is_secret = is_secret or SECRET.search(name) is not None
        if isinstance(value, dict):
            return {key: hidden(each, key, is_secret) for key, each in value.items()}
        if isinstance(value, list):
            return [hidden(each, name, is_secret) for each in value]
        if not is_secret or not value or isinstance(value, bool):
            return value
        return f"({word_for(value)} {name})"

    # The name of a class says nothing about its settings.
    told = {
        name: hidden(value, "" if isinstance(value, dict) else name, is_secret=False)
        for name, value in settings.items()
    }
    told[PROVIDER][HASH] = f"({word_for(password_hash)} hash)"
    return json.dumps(told, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "settings": {"type": "dict", "required": True},
            "password_hash": {"type": "str", "required": True, "no_log": True},
            "proof_key": {"type": "str", "required": True, "no_log": True},
            "owner": {"type": "str", "required": True},
            "group": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    options = module.params
    # Ansible shows what a module was called with. The name of a class says nothing about its settings.
    texts = (text for traits in options["settings"].values() for text in secrets(traits) if isinstance(text, str))
    module.no_log_values.update(texts)

    content = render(options["settings"], options["password_hash"], options["proof_key"])
    wanted = files.Entry(options["path"], "file", options["owner"], options["group"], 0o600, content.encode())
    try:
        found = files.inspect(wanted.path)
        if found != wanted and not module.check_mode:
            files.apply(found, wanted)
    except (files.FilesError, OSError) as error:
        module.fail_json(msg=str(error))

    secret = options["password_hash"]
    before = files.describe(found, hide_secrets(found.content, wanted.content, secret, "old"))
    after = files.describe(wanted, hide_secrets(wanted.content, found.content, secret, "new"))
    module.exit_json(
        changed=found != wanted,
        path=wanted.path,
        diff={"before_header": wanted.path, "after_header": wanted.path, "before": before, "after": after},
    )


if __name__ == "__main__":
    main()
