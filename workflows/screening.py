"""The configuration of `screen.smk`: checked, and a library cut into shards from the sizes of its files alone."""

from __future__ import annotations

from collections.abc import Mapping
from glob import glob
from importlib import import_module
from pathlib import Path
from typing import Any

from molgen.core.errors import InputError
from molgen.data.library import pieces, shards
from workflows.configuration import valid

SCHEMA = Path(__file__).parent / "config" / "screen" / "schema.yaml"


def checked(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with its defaults and with patterns in `library` replaced by the files that they name."""
    values = valid(config, SCHEMA)
    values["library"] = [path for pattern in values["library"] for path in _files(pattern)]
    import_module("molgen.screening.settings").ScreenSettings.parse(
        values["screen"], where="workflow configuration: screen"
    )
    import_module("molgen.scoring.objective").Objective.read(Path(values["objective"]))
    return values


def numbers(config: Mapping[str, Any]) -> tuple[list[int], int]:
    """The shards in which something begins, of how many. The same whenever the files are of the same sizes."""
    whole = pieces([Path(path) for path in config["library"]], "workflow configuration: library")
    size = sum(piece.path.stat().st_size for piece in whole if piece.path.is_file())
    count = max(1, round(size / (1e6 * config["shard_megabytes"])))
    return [number for number, found in enumerate(shards(whole, count), 1) if found], count


def _files(pattern: str) -> list[str]:
    """The file of that name, or the files that match it, in the order of their names."""
    if Path(pattern).exists():
        return [pattern]
    found = sorted(glob(pattern))  # noqa: PTH207 (Path.glob takes no absolute pattern)
    if not found:
        raise InputError(f"workflow configuration: library: {pattern}: no such file; check the path")
    return found
