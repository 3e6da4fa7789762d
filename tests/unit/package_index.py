"""A package index in a folder, of tiny wheels."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Index:
    """A package index in a folder."""

    def __init__(self, folder: Path, *packages: tuple[str, str, str]) -> None:
        """Make it, with packages of a name and a version, each with what it needs."""
        self.url = folder.as_uri()
        self.folder = folder
        self.hashes: dict[str, str] = {}
        folder.mkdir()
        for package in packages:
            self.add(*package)

    def add(self, name: str, version: str, needs: str = "", scripts: dict[str, str] | None = None) -> None:
        info = f"{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        files = {
            # Python tells versions apart by second and size, and both may be unpacked within a second.
            f"{name}.py": f"version = {version!r}\n" + int(float(version)) * "#",
            f"{info}/METADATA": metadata + (f"Requires-Dist: {needs}\n" if needs else ""),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            **{f"{name}-{version}.data/scripts/{script}": text for script, text in (scripts or {}).items()},
        }
        digests = {k: base64.urlsafe_b64encode(hashlib.sha256(v.encode()).digest()) for k, v in files.items()}
        record = "".join(f"{k},sha256={v.decode().rstrip('=')},\n" for k, v in digests.items())
        page = self.folder / name / "index.html"
        page.parent.mkdir(exist_ok=True)
        wheel = page.with_name(f"{name}-{version}-py3-none-any.whl")
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in (files | {f"{info}/RECORD": record + f"{info}/RECORD,,\n"}).items():
                entry = zipfile.ZipInfo(path)
                entry.external_attr = 0o100755 << 16
                archive.writestr(entry, text)
        self.hashes[f"{name}=={version}"] = hashlib.sha256(wheel.read_bytes()).hexdigest()
        with page.open("a") as links:
            links.write(f'<a href="{wheel.name}">{wheel.name}</a><br/>\n')

    def lock(self, *pins: str) -> str:
        return "".join(f"{pin} --hash=sha256:{self.hashes[pin.split(' ')[0]]}\n" for pin in pins)

    def is_the_only_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this machine's settings for pip and uv name it, and nothing else."""
        for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("UV_DEFAULT_INDEX", self.url)
        monkeypatch.setenv("PIP_INDEX_URL", self.url)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
