#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# jupyter-kernel-client 1.0.2 with websocket-client 1.9.2: leaving `with JupyterKernelClient(...)` takes ten seconds, on an
# idle machine, with a kernel of its own computer that has nothing to do.
#
# One would guess that closing takes a round trip. But the client reads in a thread of its own, which waits with epoll for up
# to ten seconds, and closes from another one: a descriptor that is closed vanishes from epoll, which wakes nobody. Whoever
# sends the closing frame first lets the server answer, and with that the reader ends at once.
set -eu
folder=$(mktemp -d)
trap 'kill "$server" 2> /dev/null || true; rm -rf "$folder"' EXIT
server=
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jupyter-server==2.21.1 ipykernel==7.4.0 \
  jupyter-kernel-client==1.0.2 websocket-client==1.9.2
cd "$folder"
export HOME="$folder" JUPYTER_CONFIG_DIR="$folder/config" JUPYTER_RUNTIME_DIR="$folder/runtime"
venv/bin/jupyter-server --ServerApp.ip=127.0.0.1 --ServerApp.port=0 --IdentityProvider.token=test --no-browser --allow-root \
  --ServerApp.root_dir="$folder" > server.txt 2>&1 &
server=$!
cat > close.py <<'PYTHON'
import json, pathlib, time
from jupyter_kernel_client import JupyterKernelClient

def seconds(before_closing):
    client = JupyterKernelClient(server_url=url, token="test")
    client.start()
    client.execute("1 + 1")
    before_closing(client)
    begun = time.monotonic()
    client.stop()
    return time.monotonic() - begun

for _ in range(300):
    if files := [*pathlib.Path("runtime").glob("jpserver-*.json")]:
        break
    time.sleep(0.1)
url = json.loads(files[0].read_text())["url"].rstrip("/")
print(f"{seconds(lambda client: None):.0f} {seconds(lambda client: client._manager.client.kernel_socket.sock.send_close()):.0f}")
PYTHON
venv/bin/python close.py > seen.txt
read -r alone after < seen.txt
echo "seconds of stop():                                     $alone"
echo "seconds of stop() where the closing frame was sent:    $after"
[ "$alone" -ge 8 ] && [ "$after" -le 5 ]
