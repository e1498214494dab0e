"""Where things lie that can be made again at any time: computed once on this machine, shared by all runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$MOLGEN_CACHE`, or `molgen` in the user's cache folder. May not exist yet."""
    if given := os.environ.get("MOLGEN_CACHE"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "molgen"
