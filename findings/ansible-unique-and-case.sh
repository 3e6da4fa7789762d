#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ansible-core 2.19.14: whether the filter `unique` tells /srv/Data from /srv/data depends on what else is in the list. While
# all elements can be hashed it takes Jinja's filter, which ignores case. A single list or dictionary among them makes it
# fall back, with a warning, to one of its own that does not: the same two paths are one element, or two.
#
# One would guess that whether two elements are the same is a matter of these two. The documentation says that
# case_sensitive is false by default, and not that an unrelated third element decides. Saying that default aloud is no way
# out: `unique(case_sensitive=false)` is an error where `unique` falls back.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.19.14 jinja2==3.1.6
cd "$folder"
cat > play.yml <<'PLAY'
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        dest: "{{ playbook_dir }}/{{ item.name }}"
        content: "{{ item.paths | unique | to_json }}\n"
        mode: "0600"
      loop:
        - {name: alone, paths: [/srv/Data, /srv/data]}
        - {name: beside_a_list, paths: [/srv/Data, /srv/data, [x]]}
    - ansible.builtin.debug:
        msg: "{{ ['/srv/Data', '/srv/data', ['x']] | unique(case_sensitive=false) }}"
      ignore_errors: true
      register: said
    - ansible.builtin.copy: {dest: "{{ playbook_dir }}/said", content: "{{ said.failed }}\n", mode: "0600"}
PLAY
ANSIBLE_HOME="$folder/home" venv/bin/ansible-playbook --connection=local --inventory=localhost, \
  --extra-vars="ansible_python_interpreter=$folder/venv/bin/python" play.yml > /dev/null 2>&1
echo "alone:                                $(cat alone)"
echo "beside a list:                        $(cat beside_a_list)"
echo "the same with case_sensitive=false:   an error: $(cat said)"
[ "$(cat alone)" = '["/srv/Data"]' ]
[ "$(cat beside_a_list)" = '["/srv/Data", "/srv/data", ["x"]]' ]
[ "$(cat said)" = True ]
