#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""The module plan, whose work the action of this name does on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Refuse a declaration that cannot be meant
description:
  - Checks what people have set, before anything is looked at on a host. It fails with one sentence for each thing that
    is wrong, which names the variable and says what to do.
  - It runs on the controller and takes no connection to the host.
version_added: "1.0.0"
author: ["Reachable contributors (@reachable)"]
options:
  values:
    description: The values of the variables, by name. One that refers to what nobody has defined is left out.
    type: dict
    required: true
  names:
    description: All names that look like ours, to find those that are misspelt.
    type: list
    elements: str
    required: true
  specs:
    description: The variables that there are, as the roles' argument specs describe them.
    type: dict
    required: true
  platform:
    description: Which system the host runs, as far as it is known.
    type: str
    choices: [linux, macos]
    required: true
  scope:
    description: For whom it is, for the whole machine or a person.
    type: str
    choices: [system, user]
    required: true
  home:
    description: The home of that person on the host; V(~) before it is known.
    type: str
    required: true
  pulled:
    description: Whether the host itself runs this, with a declaration that it pulled.
    type: bool
    default: false
  kept:
    description: The values that stand in O(place), by name; sentences about them say so.
    type: dict
    required: true
  place:
    description: The file in which they stand.
    type: str
    required: true
  only_kept:
    description: Whether nothing but those is looked at.
    type: bool
    default: false
attributes:
  check_mode:
    description: Runs in check mode, where it does the same.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
"""

EXAMPLES = r"""
- name: Check the variables
  plan:
    values: {jupyter_port: 8888}
    names: [jupyter_port]
    specs: {jupyter_port: {type: int, default: 8888}}
    platform: linux
    scope: system
    home: "~"
    kept: {}
    place: inventory/given/vps.yml
"""

RETURN = r"""
msg:
  description: What is wrong, one sentence in each line.
  type: str
  returned: failure
"""
