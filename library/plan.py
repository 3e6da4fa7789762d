#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""The module plan, whose work the action of this name does on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Refuse what cannot be meant, look at a host, and work out what follows from it there
description:
  - Without O(host), checks what people have set, and then looks at all that the plan asks for with M(host_info), so use
    C(no_log). If something is wrong it looks at nothing, and returns one sentence for each thing in RV(refused), which
    names the variable and says what to do.
  - With O(host), says what that host has against it, and what roles need to know of it. It changes nothing, runs on the
    controller and takes no connection to the host.
version_added: "1.0.0"
author: ["Reachable contributors (@reachable)"]
options:
  values:
    description: Values that count instead of those that the variables have, by name.
    type: dict
    default: {}
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
    default: {}
  place:
    description: The file in which they stand.
    type: str
    default: ""
  checks:
    description: >-
      Whether a declaration that cannot be meant is refused. Without O(host) only; whoever only looks takes it as it is.
    type: bool
    default: false
  depth:
    description: What is to be looked at, V(all) that counts, what an V(upgrade) is about, or what every verb asks for.
    type: str
    choices: [all, upgrade, little]
    default: little
  with_history:
    description: Whether that is also how addresses of tunnels have changed.
    type: bool
    default: false
  only_kept:
    description: Whether nothing but those is looked at.
    type: bool
    default: false
  host:
    description: What M(host_info) found.
    type: dict
  former:
    description: >-
      The scope in which it was installed before, if it is to move: C(scope), C(user), C(prefix) and C(state_dir), and
      in C(facts) what M(host_info) found there.
    type: dict
  moves:
    description: What M(host_info) found of the folders between which notebooks are to be moved.
    type: dict
    default: {}
  since:
    description: What M(host_info) has found later in the same run, laid over O(host).
    type: dict
    default: {}
  connected_to:
    description: The name or the address by which the host was found; nothing where it is this very machine.
    type: str
  only_looks:
    description: Whether nothing is to be made or changed. Then tunnels are those that are there.
    type: bool
    default: false
  bundles:
    description: Whether a bundle is to be made for the host, and nothing else. Then the plan says of what.
    type: bool
    default: false
  recalled:
    description: What M(given) returned. Needed where O(host) is given.
    type: dict
  takes:
    description: >-
      What is to be taken from the receipt on the host before anything is done, what was V(given) to it where the
      controller knows nothing of it, or V(all) that is otherwise now.
    type: str
    choices: [given, all]
    default: given
  scopes:
    description: As whom, and where, it is installed as far as the controller knows, by scope.
    type: dict
    default: {}
  server_lock:
    description: The lock of Jupyter's server, if it is another one than that of this project.
    type: str
attributes:
  check_mode:
    description: Runs in check mode, where it does the same.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
"""

EXAMPLES = r"""
- name: Check the variables, and look at the host
  plan:
    specs: {jupyter_port: {type: int, default: 8888}}
    platform: linux
    scope: system
    home: "~"
    checks: true
    place: inventory/given/vps.yml
  register: found
  no_log: true

- name: Work out what follows for this host
  plan:
    specs: {jupyter_port: {type: int, default: 8888}}
    platform: linux
    scope: system
    home: /root
    host: "{{ found }}"
    recalled: "{{ recalled }}"
"""

RETURN = r"""
refused:
  description: >-
    A sentence for each thing that is wrong with the variables, or that the host has against them. Without one, and
    without O(host), it returns what M(host_info) does.
  type: list
  returned: when O(host) is given, or the variables cannot be meant
misplaced:
  description: Those of O(refused) that say that it lies elsewhere, or cannot be acted on now.
  type: list
  returned: when O(host) is given
manager:
  description: What the host's service manager can do, by name.
  type: dict
  returned: when O(host) is given
port_refused:
  description: The sentence that says who else holds Jupyter's port; empty where nobody does.
  type: str
  returned: when O(host) is given
ssh_refused:
  description: The sentence that says what in the host's SSH server keeps the tunnel's user out; empty without it.
  type: str
  returned: when O(host) is given
accounts:
  description: What there is to do about each account that is made, by what it is for.
  type: dict
  returned: when O(host) is given
services:
  description: >-
    What it takes to stop and to remove each service that may be there, by name, and of those that are wanted what there
    is to do so that they run as they should.
  type: dict
  returned: when O(host) is given
former_services:
  description: What it takes to stop and to remove the services of the scope of before.
  type: dict
  returned: when O(host) is given
drift:
  description: What the role C(drift) does.
  type: dict
  returned: when O(host) is given
distribution:
  description: What is known of the host's distribution.
  type: dict
  returned: when O(host) is given
jupyter:
  description: >-
    What of Jupyter is missing (C(folders_missing), C(environments_to_settle), ...), what an upgrade or a rollback does,
    its service, and what there is to tell about it. In its configuration are the password's hash and whatever secrets
    people add.
  type: dict
  returned: when O(host) is given
moves:
  description: What is moved and handed over before Jupyter runs.
  type: dict
  returned: when O(host) is given
endpoint:
  description: >-
    The addresses at which people find Jupyter, how each is examined, and what is to be done for the watcher of tunnels.
  type: dict
  returned: when O(host) is given
ngrok:
  description: What is to be done for a tunnel. Its authtoken is in it.
  type: dict
  returned: when O(host) is given
receipt:
  description: >-
    What is written down on the host before it is made, and what goes of it: what nobody wants any more (C(surplus)), a
    scope that is left (C(former)), or all of it (C(end)).
  type: dict
  returned: when O(host) is given
made:
  description: The values with which the host was made, as its receipt says.
  type: dict
  returned: when O(host) is given
taken:
  description: Those that are to be taken before anything is done; see O(takes).
  type: dict
  returned: when O(host) is given
since:
  description: What was given as O(since).
  type: dict
  returned: when O(host) is given
former:
  description: The C(user) of the scope that is left, and whether something C(is_there).
  type: dict
  returned: when O(host) is given
mover:
  description: With whose rights notebooks are moved.
  type: str
  returned: when O(host) is given
user:
  description: The C(name) and C(group) of whoever runs modules on the host.
  type: dict
  returned: when O(host) is given
log_dir:
  description: The folder of logs where there is no journal.
  type: str
  returned: when O(host) is given
kept:
  description: What is written and removed on the controller, whether it C(differs), and what is told of it.
  type: dict
  returned: when O(host) is given
python:
  description: The C(path) and C(version) of the Python for environments, and whether it C(is_to_come).
  type: dict
  returned: when O(host) is given
"""
