"""What `screen` leaves: candidates, rejects, the summary, and on demand the full table; written from parts."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from molgen.chem.diversity import sphere_exclusion
from molgen.chem.fingerprints import morgan
from molgen.chem.parse import parse
from molgen.core.artifacts import remove, write_json
from molgen.core.errors import InputError
from molgen.core.tables import CANDIDATES, Writer
from molgen.data.library import Shard
from molgen.screening import seen
from molgen.screening.best import Best
from molgen.screening.part import COUNTS, ROWS, Counts, Part, join, total, write_rejects
from molgen.screening.settings import Plan

CANDIDATES_FILE, REJECTS_FILE, SUMMARY = "candidates.parquet", "rejects.parquet", "summary.json"
FULL, PART = "all", "part"  # folders: the full table, and what a merge needs of a shard


def write_result(
    folder: Path, parts: Sequence[Part], whole: Counts, plan: Plan, *, shard: Shard | None, where: str, work: Path
) -> None:
    """Writes the result of `parts` into a new folder. `whole` is what is known only of whole pieces of files.

    InputError if there is no molecule, and it is not a shard; what was done in `work` is then of no use, and removed.
    """
    counts = total(parts) + whole
    if not counts.valid and shard is None:
        remove(work)
        reason, rows = (counts.rejects.most_common(1) or [("no rows", 0)])[0]
        raise InputError(f"{where}: no molecule in {counts.read:,} rows; {rows:,} of them: {reason}; check the file")
    folder.mkdir()
    best = Best(plan.kept, plan.per_scaffold)
    for part in parts:
        if (rows_of := part.best()) is not None:
            best.add(rows_of)
    picked = _picked(best.table(), plan)
    wanted = seen.digest(picked["smiles"].to_pylist() if picked is not None else [])
    distinct = seen.count([seen.Run(part.folder) for part in parts], wanted)
    _write_candidates(folder / CANDIDATES_FILE, picked, distinct.rows, plan)
    write_rejects(folder / REJECTS_FILE, parts)
    write_json(folder / SUMMARY, _summary(counts, distinct, picked))
    for number, part in enumerate(parts):
        _link(part.folder / ROWS, folder / FULL / f"{number:05}.parquet")
    if shard is not None:
        (folder / PART).mkdir()
        join(parts, folder / PART, plan, rows=False)
        write_json(folder / PART / COUNTS, counts.values())


def _picked(kept: pa.Table | None, plan: Plan) -> pa.Table | None:
    """The candidates, best first, of all molecules that were kept."""
    if kept is None or plan.settings.diversity != "leader":
        return kept
    prints = morgan([parse(smiles) for smiles in kept["smiles"].to_pylist()])
    _, leaders = np.unique(sphere_exclusion(prints, similarity=plan.settings.similarity), return_index=True)
    return kept.take(pa.array(np.sort(leaders)[: plan.top], pa.int64()))


def _write_candidates(path: Path, picked: pa.Table | None, rows: np.ndarray, plan: Plan) -> None:
    table = _schema(plan).empty_table()
    if picked is not None:
        ranks = pa.array(range(1, picked.num_rows + 1), pa.int64())
        own = {"rank": ranks, "count": pa.array(rows, pa.int64())}
        table = pa.table([own[name] if name in own else picked[name] for name in table.column_names], table.schema)
    with Writer(path, table.schema, CANDIDATES) as writer:
        writer.write(table)


def _schema(plan: Plan) -> pa.Schema:
    judged = [component.name for component in plan.objective.components]
    extra = {"name": pa.string(), "file": pa.string(), "line": pa.int64()}
    for name in dict.fromkeys([*judged, *(condition.component.name for condition in plan.objective.filters)]):
        extra[name] = pa.float64()
        if name in judged:
            extra[f"{name}.desirability"] = pa.float64()
    return CANDIDATES.schema(extra | {"alerts": pa.string()})


def _summary(counts: Counts, distinct: seen.Distinct, picked: pa.Table | None) -> dict[str, Any]:
    """Molecules are counted once each where it says `distinct`, rows otherwise."""
    return {
        "read": counts.read,
        "valid": counts.valid,
        "distinct": distinct.molecules,
        "distinct_passed": distinct.passed,
        "candidates": picked.num_rows if picked is not None else 0,
        "best": picked["score"][0].as_py() if picked is not None and picked.num_rows else None,
        "blank_lines": counts.blank,
        "damage": counts.damage,
        "rejects": _sorted(counts.rejects),
        "failed": _sorted(counts.failed),
        "files": dict(counts.files),
        "histogram": {"from": 0, "to": 1, "distinct_passed": distinct.histogram.tolist()},
    }


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _link(source: Path, target: Path) -> None:
    """Gives a file a second name, or copies it where the file system has no such thing."""
    if source.exists():
        target.parent.mkdir(exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
