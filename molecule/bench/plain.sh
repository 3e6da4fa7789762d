#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Jupyter by pip beside the one that is there, run once as root: sh plain.sh PORT PASSWORD PACKAGE...
set -eu

port=$1
password=$2
shift 2
folder=/opt/plain-$port
export DEBIAN_FRONTEND=noninteractive PIP_CERT=/etc/ssl/certs/ca-certificates.crt

apt-get --quiet update
apt-get --quiet --yes install --no-install-recommends python3-venv

python3 -m venv "$folder"
"$folder/bin/pip" install --quiet "$@"

hash=$("$folder/bin/python" -c 'import sys; from jupyter_server.auth import passwd; print(passwd(sys.argv[1]))' "$password")
install --directory --owner=ada --group=ada --mode=0700 "/home/ada/plain-$port" "/home/ada/plain-$port/config"
cat > "/home/ada/plain-$port/config/jupyter_server_config.json" <<JSON
{
  "ServerApp": {"ip": "0.0.0.0", "port": $port, "root_dir": "/home/ada/plain-$port", "open_browser": false},
  "PasswordIdentityProvider": {"hashed_password": "$hash"}
}
JSON
chown -R ada:ada "/home/ada/plain-$port"

cat > "/etc/systemd/system/plain-$port.service" <<UNIT
[Service]
User=ada
WorkingDirectory=/home/ada
ExecStart=$folder/bin/jupyter lab
Environment=JUPYTER_CONFIG_DIR=/home/ada/plain-$port/config
Restart=always

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --quiet --now "plain-$port"
