#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The floor for ./reachable up: the same steps with the same locks, as a script that runs once, as root, on a bare Debian.
# Beside it lie the locks, the controller's pip and the file `password`.
set -eu
cd "$(dirname "$0")"

prefix=/opt/reachable
home=/var/lib/reachable/jupyter
export PIP_CERT=/etc/ssl/certs/ca-certificates.crt UV_SYSTEM_CERTS=1 UV_COMPILE_BYTECODE=1

useradd --system --home-dir "$home" --shell /usr/sbin/nologin jupyter
mkdir -p "$prefix/etc/jupyter" "$prefix/share/jupyter/kernels/python3" "${home%/*}"
install --directory --owner=jupyter --group=jupyter --mode=0700 "$home" "$home/notebooks"

for environment in "$prefix/tools" "$prefix/server" "$home/kernel"; do
  python3 -m venv --without-pip "$environment"
done
"$prefix/tools/bin/python" pip.zip/pip install --quiet --require-hashes --requirement tools.txt
for environment in "$prefix/server" "$home/kernel"; do
  "$prefix/tools/bin/uv" pip sync --quiet --require-hashes --python "$environment/bin/python" "${environment##*/}.txt"
done
chown --recursive jupyter:jupyter "$home/kernel"

cat > "$prefix/share/jupyter/kernels/python3/kernel.json" <<JSON
{
  "argv": ["$home/kernel/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
  "display_name": "Python 3",
  "language": "python"
}
JSON

config=$prefix/etc/jupyter/jupyter_server_config.json
install --owner=jupyter --group=jupyter --mode=0600 /dev/null "$config"
hash=$("$prefix/server/bin/python" -c 'from jupyter_server.auth import passwd; print(passwd(open("password").read()))')
cat > "$config" <<JSON
{
  "ServerApp": {
    "ip": "0.0.0.0",
    "port_retries": 0,
    "root_dir": "$home/notebooks",
    "open_browser": false,
    "cookie_secret_file": "$home/cookie_secret"
  },
  "PasswordIdentityProvider": {"hashed_password": "$hash", "password_required": true, "token": ""},
  "KernelManager": {"transport": "ipc"}
}
JSON

cat > /etc/systemd/system/reachable-jupyter.service <<UNIT
[Service]
Type=exec
User=jupyter
WorkingDirectory=$home/notebooks
ExecStart=$prefix/server/bin/jupyter-server
Environment=HOME=$home SHELL=/bin/bash LANG=C.UTF-8 PATH=$home/kernel/bin:/usr/local/bin:/usr/bin:/bin
Environment=JUPYTER_CONFIG_PATH=$prefix/etc/jupyter JUPYTER_PATH=$prefix/share/jupyter
Environment=JUPYTER_RUNTIME_DIR=/run/reachable-jupyter
RuntimeDirectory=reachable-jupyter
RuntimeDirectoryMode=0700
UMask=0077
Restart=always

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --quiet --now reachable-jupyter
