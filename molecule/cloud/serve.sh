#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The machine beside the test hosts: the stand-in for ngrok's cloud with the given options, what agents are installed from
# (port 8000), and a receiver for notifications (port 8025).
python3 -m http.server --directory /agents 8000 &
python3 /cloud/receiver.py 8025 &
exec python3 /doubles/ngrok_cloud.py --certificate /keys/cloud.pem --key /keys/cloud.key --listen 0.0.0.0 \
  --control 0.0.0.0:4480 "$@"
