#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Recall what was given with -e before; see DOCUMENTATION. The code is the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: given
short_description: Recall what was given with -e in earlier runs
version_added: "1.0.0"
description:
  - Reads the file C(given/HOST.yml) beside the first inventory that is a file or a folder, or in O(folder) where none
    is.
  - Tells which variables -e and the inventory have. What is kept in the file counts where neither has it, so that it
    ranks below the inventory and above the defaults of roles.
  - Fails where C(--tags) chooses nothing of the playbook; the tags of this task are all that there are. Where another
    playbook imports it, the task is skipped then.
  - Fails where the Python of Ansible lacks a library that the playbooks need, which C(requirements/libraries.in) names.
  - Runs on the controller, in Ansible's own process. It writes nothing.
author: ["Reachable contributors (@reachable)"]
attributes:
  check_mode:
    support: full
    description: Changes nothing in any case.
  diff_mode:
    support: none
    description: Changes nothing in any case.
  idempotent:
    support: full
options:
  folder:
    description: The folder for inventories; the project's own unless another is given.
    type: path
  specs:
    description: >-
      Files with the argument specs of roles. What they describe under C(main) are the variables that there are.
    type: list
    elements: path
    required: true
"""

EXAMPLES = r"""
- name: Recall what was given before
  given:
    specs: ["{{ playbook_dir | dirname }}/roles/jupyter/meta/argument_specs.yml"]
  register: recalled

- name: Use what nothing else sets
  ansible.builtin.set_fact:
  args: "{{ recalled.kept }}"
"""

RETURN = r"""
declared:
  description: The names of variables that the inventory has for the host.
  type: list
  returned: success
file:
  description: Where it is kept.
  type: path
  returned: success
found:
  description: What the file says.
  type: dict
  returned: success
given:
  description: The names of variables that -e has now.
  type: list
  returned: success
is_there:
  description: Whether there is a file.
  type: bool
  returned: success
kept:
  description: What of the file counts, because nothing else has it.
  type: dict
  returned: success
project:
  description: The folder of the project.
  type: path
  returned: success
specs:
  description: The variables that there are.
  type: dict
  returned: success
"""
