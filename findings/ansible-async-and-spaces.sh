#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ansible-core 2.19.14: a task runs with an interpreter in whose path there is a space, and the same task with `async` does
# not. A module is started with a quoted path, whether it is piped or copied; the command line of async_wrapper has the path
# as it is, so the shell looks for a program by its first half. What comes back speaks of neither: "No start of json char found".
#
# One would guess that how a task is waited for has nothing to do with how its interpreter is started. It is met where the
# environment of a project lies in a folder like "My Projects", as delegate_to: localhost takes ansible_playbook_python.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/with space"
"$folder/with space/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.19.14
cd "$folder"
cat > play.yml <<'PLAY'
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.command: {cmd: echo done}
      register: waited_for
      ignore_errors: true
    - ansible.builtin.command: {cmd: echo done}
      async: 20
      poll: 1
      register: in_the_background
      ignore_errors: true
    - ansible.builtin.copy:
        dest: "{{ playbook_dir }}/seen.txt"
        content: "{{ waited_for.stdout | default(waited_for.msg) }}\n{{ in_the_background.stdout | default(in_the_background.msg) }}\n"
        mode: "0600"
PLAY
ANSIBLE_HOME="$folder/home" "with space/bin/python" -m ansible playbook --connection=local \
  --inventory=localhost, --extra-vars='{"ansible_python_interpreter": "{{ ansible_playbook_python }}"}' play.yml > said.txt 2>&1
echo "the task:            $(sed -n 1p seen.txt)"
echo "the same with async: $(sed -n '2,$p' seen.txt)"
[ "$(sed -n 1p seen.txt)" = "done" ]
sed -n '2,$p' seen.txt | grep -q "No start of json char found"
