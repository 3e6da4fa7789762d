#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ansible-core 2.19.14: a task whose `when` is false takes a process of its own all the same, also an include_tasks that then
# includes nothing, as the condition is looked at by whoever would do the work. Only `meta` is decided by the process that
# reads the playbook: an `end_role` passes over all the tasks behind it for nothing.
#
# One would guess that what is not to be done is known before somebody is called to do it, and so split roles into files, each
# with its condition. On a host where nothing is to be done such a role forks once for each of them.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.19.14
cd "$folder"
mkdir -p roles/conditions/tasks roles/end/tasks seen
echo '- ansible.builtin.debug:' > roles/conditions/tasks/part.yml
for _ in 1 2 3 4 5 6 7 8 9 10; do
  printf -- '- ansible.builtin.include_tasks: part.yml\n  when: is_to_do\n'
done > roles/conditions/tasks/main.yml
{
  printf -- '- ansible.builtin.meta: end_role\n  when: not is_to_do\n'
  cat roles/conditions/tasks/main.yml
} > roles/end/tasks/main.yml
cp roles/conditions/tasks/part.yml roles/end/tasks/
# Each fork of Ansible's leaves a file.
cat > count.py <<'PROGRAM'
import os
import sys

from ansible.cli.playbook import main

os.register_at_fork(after_in_child=lambda: open(f"seen/{os.getpid()}", "w").close())
sys.argv = ["ansible-playbook", *sys.argv[1:]]
main()
PROGRAM
for role in conditions end; do
  rm -f seen/*
  printf -- '- hosts: localhost\n  gather_facts: false\n  vars: {is_to_do: false}\n  roles: [%s]\n' "$role" > "$role.yml"
  ANSIBLE_HOME="$folder/home" environment/bin/python count.py --connection=local --inventory=localhost, "$role.yml" > said.txt
  find seen -type f | wc -l > "$role.forks"
done
echo "processes for ten includes that are passed over:           $(cat conditions.forks)"
echo "processes for the same behind a meta that ends the role:    $(cat end.forks)"
[ "$(cat conditions.forks)" -ge 10 ] && [ "$(cat end.forks)" -eq 0 ]
