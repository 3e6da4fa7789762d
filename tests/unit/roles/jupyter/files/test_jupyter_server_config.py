"""What the configuration adds stays the same, however many kernels a server starts."""

from __future__ import annotations

from pathlib import Path

from jupyter_client.session import Session
from jupyter_server.serverapp import ServerApp
from traitlets.config.loader import LazyConfigValue, PyFileConfigLoader

FILES = Path(__file__).parents[5] / "roles/jupyter/files"


def test_nothing_grows_with_each_object_that_is_configured() -> None:
    server = ServerApp(config=PyFileConfigLoader("jupyter_server_config.py", path=str(FILES)).load_config())
    for _ in range(10):
        Session(parent=server)
    added = [value for value in server.config.ServerApp.values() if isinstance(value, LazyConfigValue)]
    assert added
    assert all(not (value._extend or value._prepend) for value in added), added
