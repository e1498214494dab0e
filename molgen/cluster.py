"""`cluster`: groups of similar molecules, each with its centre, and the scaffolds of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from molgen.chem.diversity import butina, k_centres, maxmin, sphere_exclusion
from molgen.chem.fingerprints import morgan
from molgen.chem.scaffolds import generic, murcko
from molgen.chem.tanimoto import tanimoto_of_pairs
from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import InputError, PartialError
from molgen.core.progress import progress
from molgen.core.tables import CLUSTERS, Writer, opened
from molgen.core.workers import map_ordered
from molgen.data.library import batches
from molgen.data.printed import CHUNK, PrintSettings, molecule
from molgen.data.readers import Columns, Reader, Row


class ClusterSettings(PrintSettings):
    """How molecules are grouped.

    `butina`: around the molecules with most neighbours first. `sphere`: around the first of the file first, so that a
    file sorted best first has the best as centres. `maxmin`: around `count` diverse picks, to the nearest of them.
    """

    method: Literal["butina", "sphere", "maxmin"] = "butina"
    similarity: float = Field(default=0.65, gt=0, le=1)  # at least, of a member to its centre (butina, sphere)
    count: int = Field(default=100, ge=1)  # how many clusters (maxmin)


@dataclass(frozen=True)
class Described:
    """Rows with fingerprints and scaffolds; where a row has a reason it has no molecule, and no bits are set."""

    smiles: list[str]
    names: list[str | None]
    scaffolds: list[str | None]
    generics: list[str | None]
    reasons: list[str | None]
    prints: np.ndarray


@dataclass(frozen=True)
class Summary:
    """What a table of clusters holds. `scaffolds` are the most frequent ones; `reasons` why rows have no molecule."""

    rows: int
    molecules: int
    clusters: int
    singletons: int
    largest: int
    murcko: int
    generic: int
    without_rings: int
    scaffolds: list[tuple[str, int]]
    reasons: dict[str, int]


def cluster(
    file: Path,
    out: Path,
    *,
    settings: ClusterSettings | None = None,
    columns: Columns | None = None,
    workers: int = 1,
) -> Summary:
    """Writes a row for each row of `file` (any format that `prepare` reads), in order, unless `out` is there.

    A row that is no molecule is kept with the reason. Memory is that of the fingerprints and SMILES, not of the pairs.
    A file that breaks off is a PartialError, raised when what could be read is written.
    """
    settings, columns = settings or ClusterSettings(), columns or Columns()
    if out.suffix != ".parquet":
        raise InputError(f"{out}: --out must end in .parquet")
    wanted = {"smiles_column": columns.smiles, "name_column": columns.name, **settings.values()}
    identity = Identity.of("cluster", wanted, {"molecules": file})
    if already_made(out, identity):
        return summarise(out)
    reader = Reader(file, columns)
    with building(out, identity, workers=workers) as aside:
        table = _table(_described(reader, settings, workers), settings, workers)
        with Writer(aside, table.schema, CLUSTERS) as writer:
            writer.write(table)
    if reader.damage:
        raise PartialError(reader.damage)
    return summarise(out)


def _described(reader: Reader, settings: ClusterSettings, workers: int) -> Described:
    parts = []
    work = partial(_describe, blocks=reader.blocks, settings=settings)
    with progress("cluster", None, "molecules") as bar:
        for part in map_ordered(work, batches(reader, CHUNK), workers):
            parts.append(part)
            bar.advance(len(part.smiles))
    if all(reason for part in parts for reason in part.reasons):
        raise InputError(f"{reader.path}: no molecule is left of {bar.done:,} rows ({parts[0].reasons[0]})")
    lists = ("smiles", "names", "scaffolds", "generics", "reasons")
    joined: dict[str, Any] = {name: [value for part in parts for value in getattr(part, name)] for name in lists}
    return Described(**joined, prints=np.concatenate([part.prints for part in parts]))


def _describe(rows: Sequence[Row], *, blocks: bool, settings: ClusterSettings) -> Described:
    mols, texts, reasons = zip(*(molecule(row, blocks) for row in rows), strict=True)
    scaffolds = [None if mol is None else murcko(mol) for mol in mols]
    known: dict[str | None, str | None] = {None: None}  # many molecules share a scaffold
    for mol, scaffold in zip(mols, scaffolds, strict=True):
        if scaffold not in known:
            known[scaffold] = generic(mol)
    prints = morgan(mols, settings.radius, settings.bits)
    return Described(
        list(texts), [row.name for row in rows], scaffolds, [known[s] for s in scaffolds], list(reasons), prints
    )


def _table(rows: Described, settings: ClusterSettings, workers: int) -> pa.Table:
    there = np.flatnonzero([reason is None for reason in rows.reasons])
    prints = rows.prints[there]
    centre = _centres(prints, settings, workers)
    columns = {"centre": centre == np.arange(len(centre)), "similarity": tanimoto_of_pairs(prints, prints[centre])}
    columns["cluster"], columns["size"] = number(centre)
    place = np.zeros(len(rows.reasons), np.int64)
    place[there] = np.arange(len(there))
    place_of = pa.array(place, mask=np.array([reason is not None for reason in rows.reasons], bool))
    found = {name: pa.array(values).take(place_of) for name, values in columns.items()}
    found |= {"smiles": rows.smiles, "name": rows.names, "reason": rows.reasons}
    found |= {"scaffold": rows.scaffolds, "generic_scaffold": rows.generics}
    return pa.table([found[name] for name in CLUSTERS.names], CLUSTERS.schema())


def _centres(prints: np.ndarray, settings: ClusterSettings, workers: int) -> np.ndarray:
    if settings.method == "maxmin":
        return k_centres(prints, maxmin(prints, np.zeros(len(prints)), settings.count, weight=1))
    method = butina if settings.method == "butina" else sphere_exclusion
    return method(prints, similarity=settings.similarity, workers=workers)


def number(centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number and size of each row's cluster, int64: from 1, the largest first, of equals that of the first centre."""
    centres, of, sizes = np.unique(centre, return_inverse=True, return_counts=True)
    numbers = np.empty(len(centres), np.int64)
    numbers[np.lexsort((centres, -sizes))] = np.arange(1, len(centres) + 1)
    return numbers[of], sizes[of]


def summarise(out: Path) -> Summary:
    """The counts of a table of clusters, read from its file."""
    sizes, scaffolds, generics, reasons = (Counter[Any]() for _ in range(4))
    with opened(out, CLUSTERS) as file:
        for batch in file.iter_batches(columns=["cluster", "scaffold", "generic_scaffold", "reason"]):
            for counter, name in zip((sizes, scaffolds, generics, reasons), batch.schema.names, strict=True):
                counter.update(batch[name].drop_null().to_pylist())
    without_rings = scaffolds.pop("", 0)
    generics.pop("", 0)
    return Summary(
        rows=sizes.total() + reasons.total(),
        molecules=sizes.total(),
        clusters=len(sizes),
        singletons=sum(size == 1 for size in sizes.values()),
        largest=max(sizes.values()),
        murcko=len(scaffolds),
        generic=len(generics),
        without_rings=without_rings,
        scaffolds=sorted(scaffolds.items(), key=lambda item: (-item[1], item[0]))[:5],
        reasons=dict(reasons.most_common()),
    )
