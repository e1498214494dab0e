"""Where a sketcher comes from: OpenChemLib's editor, one JavaScript file (BSD licence), if it is installed."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGE = "openchemlib@9.25.0"  # of the npm registry; the version that the page was tried with
HINT = f"npm install --prefix {sys.prefix} {PACKAGE}"


def sketcher(prefix: str = sys.prefix) -> Path | None:
    """The file to serve; None where it is not installed in this Python's environment."""
    file = Path(prefix) / "node_modules" / "openchemlib" / "dist" / "openchemlib.js"
    return file if file.is_file() else None
