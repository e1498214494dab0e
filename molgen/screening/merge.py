"""`screen --merge`: the finished shards of a library to the result that one run over all of it gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from molgen.core.artifacts import Identity, already_made, building, read_provenance, work_path
from molgen.core.errors import InputError
from molgen.screening.part import Counts, Part
from molgen.screening.result import PART, write_result
from molgen.screening.screen import finished
from molgen.screening.settings import Plan

PLACES = 1 << 44  # more than a shard has


def merge(folders: Sequence[Path], out: Path) -> dict[str, Any]:
    """Writes the merged result to the folder `out` and returns its summary; PartialError if a shard was damaged.

    Objective, K and settings are those of the shards, which must be all of one library. Full tables stay with them.
    """
    records = {folder: _record(folder) for folder in folders}
    ordered = sorted(folders, key=lambda folder: records[folder]["identity"]["settings"]["shard"])
    settings = _common([records[folder]["identity"]["settings"] for folder in ordered], ordered)
    identity = Identity("screen", {**settings, "merged": len(ordered)}, {f.name: records[f]["key"] for f in ordered})
    if not already_made(out, identity):
        with building(out, identity) as aside:
            where = f"{len(ordered)} shards"
            plan = Plan.of_identity(settings)
            write_result(aside, _parts(ordered), Counts(), plan, shard=None, where=where, work=work_path(out, identity))
    return finished(out)


def _record(folder: Path) -> dict[str, Any]:
    """The provenance of a finished shard."""
    record = read_provenance(folder) if folder.is_dir() else None
    if record is None or "shard" not in record["identity"]["settings"] or not (folder / PART).is_dir():
        raise InputError(f"{folder}: not a finished shard; make it with `molgen screen --shard I/N`")
    return record


def _common(settings: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> dict[str, Any]:
    """What all shards were made with; an InputError if they differ, or if they are not exactly those of a library."""
    own = ("shard",)
    first = {key: value for key, value in settings[0].items() if key not in own}
    for values, folder in zip(settings, folders, strict=True):
        for key, value in first.items():
            if values.get(key) != value:
                raise InputError(f"{folder}: another {key} than in {folders[0]}; make all shards in the same way")
    numbers = Counter(values["shard"] for values in settings)
    twice = [number for number, times in numbers.items() if times > 1]
    missing = [n for n in range(1, first["of"] + 1) if n not in numbers and n not in first["empty"]]
    if twice:
        raise InputError(f"shard {twice[0]}/{first['of']}: named twice; name each shard once")
    if missing:
        raise InputError(f"shard {missing[0]}/{first['of']} is missing ({len(missing)} in all); make it, or name it")
    return {key: value for key, value in first.items() if key not in ("of", "empty")}


def _parts(folders: Sequence[Path]) -> list[Part]:
    """The shards as parts, with lines numbered from the beginning of each file again."""
    parts, lines = [], Counter[str]()
    for number, folder in enumerate(folders):
        part = Part(folder / PART, Counter(lines), number * PLACES)
        parts.append(part)
        lines += part.counts.lines
    return parts
