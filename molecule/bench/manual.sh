#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What people type today, as a script that runs once, as root, on a bare Debian. Beside it lies the file `password`.
set -eu
cd "$(dirname "$0")"

folder=/opt/jupyter
export DEBIAN_FRONTEND=noninteractive PIP_CERT=/etc/ssl/certs/ca-certificates.crt

apt-get --quiet update
apt-get --quiet --yes install --no-install-recommends python3-venv

python3 -m venv "$folder"
"$folder/bin/pip" install --quiet jupyter nbclassic

hash=$("$folder/bin/python" -c 'from jupyter_server.auth import passwd; print(passwd(open("password").read()))')
install --directory --owner=ada --group=ada --mode=0700 /home/ada/.jupyter /home/ada/notebooks
cat > /home/ada/.jupyter/jupyter_server_config.json <<JSON
{
  "ServerApp": {"ip": "0.0.0.0", "root_dir": "/home/ada/notebooks", "open_browser": false},
  "PasswordIdentityProvider": {"hashed_password": "$hash"}
}
JSON
chown ada:ada /home/ada/.jupyter/jupyter_server_config.json

cat > /etc/systemd/system/jupyter.service <<UNIT
[Service]
User=ada
WorkingDirectory=/home/ada
ExecStart=$folder/bin/jupyter notebook
Restart=always

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --quiet --now jupyter
