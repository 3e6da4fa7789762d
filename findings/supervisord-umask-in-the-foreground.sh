#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# supervisor 4.3.0: `umask` in [supervisord] counts only where supervisord becomes a daemon. In the foreground
# (`supervisord -n`, `nodaemon=true`), which is how containers run it, the setting is read, accepted and never applied:
# programs inherit the umask of whoever started supervisord, and so do the files with their output.
#
# One would guess otherwise, because the documentation calls it the umask of the supervisord process, says nothing of the
# foreground, and the same file works as expected on a machine where init starts the daemon. What does work in both is
# `umask` in each [program:NAME], for what the program itself makes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check supervisor==4.3.0 'setuptools==80.9.0'
cd "$folder"
cat > supervisord.conf <<'CONF'
[supervisord]
logfile = %(here)s/supervisord.log
pidfile = %(here)s/supervisord.pid
umask = 077

[program:mask]
directory = %(here)s
command = sh -c "umask > mask; exec sleep 60"
stdout_logfile = %(here)s/output.log
CONF
umask 022

# Print which mask a program had, and the mode of the file with its output, then end supervisord.
look() {
  until [ -s mask ] && [ -e output.log ]; do sleep 0.1; done
  echo "$(cat mask) $(stat --format=%a output.log)"
  kill "$(cat supervisord.pid)"
  while [ -e supervisord.pid ]; do sleep 0.1; done
  rm -f mask output.log
}

venv/bin/supervisord -c supervisord.conf
daemon=$(look)
venv/bin/supervisord -n -c supervisord.conf > /dev/null 2>&1 &
foreground=$(look)
echo "umask = 077 as a daemon:         $daemon"
echo "umask = 077 in the foreground:   $foreground"
[ "$daemon" = "0077 600" ] && [ "$foreground" = "0022 644" ]
