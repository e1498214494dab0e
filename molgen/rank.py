"""`rank`: scored tables to the K molecules to look at, best first, each molecule once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from molgen.chem.diversity import maxmin, sphere_exclusion
from molgen.chem.fingerprints import morgan
from molgen.chem.parse import parse
from molgen.chem.scaffolds import murcko
from molgen.core.artifacts import Identity, already_made, building, read_provenance
from molgen.core.errors import InputError
from molgen.core.settings import Settings
from molgen.core.tables import CANDIDATES, SCORED, Writer, opened
from molgen.scoring.distinct import Distinct, distinct, without
from molgen.scoring.pareto import fronts

OWN = {*CANDIDATES.names, "source"} - {"smiles", "score"}  # columns that are made here, whatever the input has


class RankSettings(Settings):
    """How the candidates are picked.

    `none`: by score. `maxmin`: greedy among the best `pool` * K, distance trading with score. `cluster`: the best of
    each cluster first, then the second best, among the best `pool` * K. `pareto`: front by front over the components'
    desirabilities, by score within a front.
    """

    diversity: Literal["none", "maxmin", "cluster", "pareto"] = "none"
    pool: int = Field(default=20, ge=1)  # how many times K molecules to choose from (maxmin, cluster)
    weight: float = Field(default=0.5, ge=0, le=1)  # of distance against score (maxmin)
    similarity: float = Field(default=0.5, gt=0, le=1)  # to its leader, of a cluster's member (cluster; ECFP4 Tanimoto)


@dataclass(frozen=True)
class Summary:
    """How many rows passed the filters, how many distinct molecules that is, how many were known, how many are out."""

    rows: int
    passed: int
    distinct: int
    excluded: int
    candidates: int


def rank(
    files: Sequence[Path],
    out: Path,
    *,
    top: int,
    settings: RankSettings | None = None,
    exclude: Sequence[Path] = (),
    workers: int = 1,
) -> Summary | None:
    """Writes the candidates table; None if `out` was there already.

    `exclude`: molecules that are known (tables, .smi files or `prepare`'s folders) and must not be candidates. Ties
    go by canonical SMILES, so that nothing here is random. Fewer than `top` distinct molecules: all of them.
    """
    settings = settings or RankSettings()
    known = [path / "molecules.parquet" if path.is_dir() else path for path in exclude]
    if out.suffix != ".parquet":
        raise InputError(f"{out}: --out must end in .parquet")
    inputs = {f"scored {i}": path for i, path in enumerate(files)} | {f"known {i}": p for i, p in enumerate(known)}
    identity = Identity.of("rank", {"top": top, "sources": _sources(files), **settings.values()}, inputs)
    if already_made(out, identity):
        return None
    rows, total = _passed(files)
    molecules = distinct(rows, workers)
    kept = without(molecules, known, workers)
    picks, extra = _pick(kept, rows, top, settings, workers)
    with building(out, identity, workers=workers) as aside:
        table = _candidates([kept[i] for i in picks], rows, extra)
        with Writer(aside, table.schema, CANDIDATES) as writer:
            writer.write(table)
    return Summary(total, rows.num_rows, len(molecules), len(molecules) - len(kept), len(picks))


def _sources(files: Sequence[Path]) -> list[str]:
    """What each file is called in the column `source`: its stem, with its folder where stems repeat."""
    stems = [file.stem for file in files]
    return [s if stems.count(s) == 1 else f"{f.resolve().parent.name}/{s}" for f, s in zip(files, stems, strict=True)]


def _passed(files: Sequence[Path]) -> tuple[pa.Table, int]:
    """The rows that passed the filters, of all files, with their source; and how many rows there were."""
    parts, total = [], 0
    for file, source in zip(files, _sources(files), strict=True):
        with opened(file, SCORED) as table:
            schema = pa.schema([_plain(f) for f in table.schema_arrow if f.name not in OWN])
            batches = [_keep(batch) for batch in table.iter_batches(columns=schema.names)]
            total += table.metadata.num_rows
        part = pa.Table.from_batches(batches).cast(schema) if batches else schema.empty_table()
        parts.append(part.append_column("source", pa.array([source] * part.num_rows, pa.string())))
        _check_comparable(files[0], parts[0], file, part)
    return pa.concat_tables(parts, promote_options="permissive"), total


def _keep(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.filter(pc.and_(batch["passed"], pc.is_finite(batch["score"])))


def _plain(field: pa.Field) -> pa.Field:
    dtype = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    return pa.field(field.name, dtype)


def _check_comparable(first: Path, first_rows: pa.Table, other: Path, other_rows: pa.Table) -> None:
    """Scores can be compared only under one objective."""
    records = [(read_provenance(file) or {}).get("identity", {}).get("settings") for file in (first, other)]
    same = records[0] == records[1] if all(records) else _goals(first_rows) == _goals(other_rows)
    if not same:
        raise InputError(f"{other}: scored under another objective than {first}; score both under one")


def _goals(rows: pa.Table) -> list[str]:
    return [name for name in rows.schema.names if name.endswith(".desirability")]


def _pick(
    molecules: list[Distinct], rows: pa.Table, top: int, settings: RankSettings, workers: int
) -> tuple[list[int], dict[str, list[int]]]:
    """Indices of the candidates in their order, and a further column for them where the way of picking has one."""
    if settings.diversity == "none":
        return list(range(min(top, len(molecules)))), {}
    if settings.diversity == "pareto":
        return _by_front(molecules, rows, top)
    pool = molecules[: top * settings.pool]
    prints = morgan([parse(m.smiles) for m in pool])
    if settings.diversity == "maxmin":
        scores = np.array([m.score for m in pool])
        return sorted(maxmin(prints, scores, top, weight=settings.weight)), {}
    centres = sphere_exclusion(prints, similarity=settings.similarity, workers=workers)
    cluster = np.unique(centres, return_inverse=True)[1]  # numbered in the order of the centres, their best molecules
    order = best_of_each_first(cluster)[:top]
    return order, {"cluster": [int(cluster[i]) + 1 for i in order]}


def _by_front(molecules: list[Distinct], rows: pa.Table, top: int) -> tuple[list[int], dict[str, list[int]]]:
    goals = _goals(rows)
    if not goals:
        raise InputError("the scored tables have no `NAME.desirability` column, which pareto needs; score them again")
    values = np.column_stack([rows[goal].to_numpy() for goal in goals])[[m.row for m in molecules]]
    front = fronts(values, top)
    order = sorted(np.flatnonzero(front > 0).tolist(), key=lambda i: (front[i], i))[:top]
    return order, {"front": [int(front[i]) for i in order]}


def best_of_each_first(groups: np.ndarray) -> list[int]:
    """Row order: the first row of each group, then the second of each, and so on."""
    seen: Counter[int] = Counter()
    turns = []
    for group in groups.tolist():
        turns.append(seen[group])
        seen[group] += 1
    return sorted(range(len(turns)), key=lambda i: (turns[i], i))


def _candidates(molecules: list[Distinct], rows: pa.Table, extra: dict[str, list[int]]) -> pa.Table:
    """The candidates table: the fixed columns, then those of the scored rows that the molecules come from."""
    best = rows.take(pa.array([m.row for m in molecules], pa.int64()))
    columns: dict[str, Any] = {
        "rank": pa.array(range(1, len(molecules) + 1), pa.int64()),
        "smiles": pa.array([m.smiles for m in molecules], pa.string()),
        "score": pa.array([m.score for m in molecules], pa.float64()),
        "count": pa.array([m.count for m in molecules], pa.int64()),
        "scaffold": pa.array([murcko(parse(m.smiles)) for m in molecules], pa.string()),
        "source": pa.array(["; ".join(m.sources) for m in molecules], pa.string()),
        **{name: pa.array(values, pa.int64()) for name, values in extra.items()},
    }
    return pa.table(columns | {name: best[name] for name in best.schema.names if name not in columns})
