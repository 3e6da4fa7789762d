#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""The module report, whose work the action of this name does on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Write the card, and hand what people are told of a host to the last page
description:
  - Works out what the card, the tables and the JSON of a verb say, from what was planned for the addresses of a host
    and what was then found at them.
  - It writes the card, which V(status) and V(doctor) have none of, and hands the rest to the callback as the statistic
    C(reachable_report). It runs on the controller and takes no connection to the host.
version_added: "1.0.0"
author: ["Reachable contributors (@reachable)"]
options:
  verb:
    description: >-
      Whose words they are. The verb card says what V(up) says, V(switch) is for upgrade and rollback. V(back) writes
      the card and says nothing, for an upgrade that fails.
    type: str
    choices: [up, status, doctor, password, switch, back]
    required: true
  plan:
    description: What M(plan) returned as C(endpoint).
    type: dict
    required: true
  here:
    description: What M(doctor_info) found from the controller; nothing where it was not asked.
    type: list
    elements: dict
  there:
    description: What M(doctor_info) found from the host itself; nothing where it was not asked.
    type: list
    elements: dict
  agent:
    description: What M(ngrok_endpoint_info) found of the tunnels.
    type: list
    elements: dict
    default: []
  kernels:
    description: What M(doctor_info) found of kernels before a switch.
    type: list
    elements: dict
    default: []
  cards:
    description: The folder of the cards.
    type: str
    required: true
  password_file:
    description: The file in which a generated password is.
    type: str
    required: true
  is_held:
    description: Whether the host was rolled back.
    type: bool
    required: true
  is_known:
    description: Whether it is known with which values the host was made. Otherwise a card might be a guess.
    type: bool
    required: true
  kept:
    description: What is kept of what was given with C(-e).
    type: dict
    required: true
    suboptions:
      values:
        description: The values, by name.
        type: dict
        required: true
      file:
        description: The file in which they are kept; nothing where there is none.
        type: str
      place:
        description: Where they stand.
        type: str
        default: ""
      is_taken_up:
        description: Whether they come from the host's receipt.
        type: bool
        default: false
  warnings:
    description: Sentences about what has no effect.
    type: list
    elements: str
    default: []
  hints:
    description: Sentences of which the card has nothing.
    type: list
    elements: str
    default: []
  history:
    description: Whether V(status) shows how addresses changed.
    type: bool
    default: false
  serve:
    description: Whether the card is then served to the iPad.
    type: bool
    default: false
  proof:
    description: What was proven of a new password.
    type: dict
  switch:
    description: What an upgrade or a rollback has changed.
    type: dict
    suboptions:
      done:
        description: The word for it.
        type: str
        required: true
      idle:
        description: The words where nothing was changed.
        type: str
        required: true
      is_changed:
        description: Whether anything was changed.
        type: bool
        required: true
      is_switched:
        description: Whether another server runs.
        type: bool
        required: true
      packages:
        description: The packages that were changed.
        type: list
        elements: dict
        required: true
attributes:
  check_mode:
    description: Writes no card, and says what a run would come to.
    support: full
  diff_mode:
    description: Shows what changes of the card.
    support: full
"""

EXAMPLES = r"""
- name: Say how it is
  report:
    verb: status
    plan: "{{ plan.endpoint }}"
    here: "{{ seen.endpoints }}"
    cards: /home/ada/.cache/cards
    password_file: /home/ada/secrets/vps/jupyter_password
    is_held: false
    is_known: true
    kept: {values: {}}
"""

RETURN = r"""
problem:
  description: What keeps people from Jupyter, and what to do; empty where nothing does.
  type: str
  returned: always
unpublished:
  description: Entries for M(file_tree) with what is still to be published on the host.
  type: list
  returned: always
"""
