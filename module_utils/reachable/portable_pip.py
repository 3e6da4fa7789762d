# SPDX-License-Identifier: Apache-2.0
"""Make the controller's pip fit for a journey to a host that has none."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from pathlib import Path


def portable_pip() -> bytes:
    """Return the pip of this Python as a zip file, from which every Python runs it: ``python pip.zip/pip``.

    Raises ImportError.
    """
    found = importlib.util.find_spec("pip")
    if not found or not found.origin:
        raise ImportError("There is no pip here.")
    folder = Path(found.origin).parent
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                archive.write(file, file.relative_to(folder.parent))
    return result.getvalue()
