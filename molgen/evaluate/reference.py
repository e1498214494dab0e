"""The reference of an evaluation: a prepared folder, read in batches and never held whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from molgen.core import tables
from molgen.core.errors import InputError
from molgen.core.seeds import numpy_generator

MOLECULES_FILE = "molecules.parquet"
BATCH = 65_536


def molecules_file(reference: str | Path) -> Path:
    """The molecules table of a prepared folder; an InputError that says how to make one if there is none."""
    folder = Path(reference)
    if not folder.is_dir():
        raise InputError(
            f"--reference {reference}: no such folder; for a named data set run `molgen data fetch {folder.name} "
            f"--out raw`, then `molgen prepare raw/*.smi --out {folder.name}`, and give that folder"
        )
    if not (folder / MOLECULES_FILE).is_file():
        raise InputError(f"{folder}: holds no {MOLECULES_FILE}; give a folder that `molgen prepare` made")
    return folder / MOLECULES_FILE


@dataclass(frozen=True)
class Reference:
    """What a pass over the table found: rows of each split, and which of the `wanted` SMILES its train split has."""

    file: Path
    rows: dict[str, np.ndarray]
    known: set[str]

    @classmethod
    def scan(cls, file: Path, wanted: set[str]) -> Reference:
        """Reads SMILES and splits once. Memory: eight bytes a row, and the found SMILES."""
        found: dict[str, list[np.ndarray]] = {}
        known: set[str] = set()
        start = 0
        for batch in _batches(file, ["smiles", "split"]):
            split = batch["split"].cast(pa.string())
            for name in pc.unique(split).to_pylist():
                rows = pc.equal(split, name).combine_chunks().to_numpy(zero_copy_only=False)
                found.setdefault(name, []).append(start + np.flatnonzero(rows))
            train = batch.filter(pc.equal(split, "train"))["smiles"].to_pylist()
            known |= wanted.intersection(train)
            start += batch.num_rows
        return cls(file, {name: np.concatenate(rows) for name, rows in found.items()}, known)

    def size(self, split: str) -> int:
        """Molecules in a split; 0 if there is no such split."""
        return len(self.rows.get(split, ()))

    def draw(self, split: str, limit: int, seed: int) -> pa.Table:
        """A split's `smiles` and property columns; at most `limit` rows, drawn without replacement, in file order."""
        rows = self.rows.get(split, np.empty(0, dtype=np.int64))
        if len(rows) > limit:
            chosen = numpy_generator(seed, "evaluate", split).choice(len(rows), limit, replace=False)
            rows = rows[np.sort(chosen)]
        with tables.opened(self.file) as file:
            names = [c for c in ("smiles", *tables.PROPERTIES) if c in file.schema_arrow.names]
        parts, start = [], 0
        for batch in _batches(self.file, names):
            inside = rows[(rows >= start) & (rows < start + batch.num_rows)] - start
            parts.append(batch.take(pa.array(inside)))
            start += batch.num_rows
        return pa.concat_tables(parts)


def _batches(file: Path, columns: list[str]) -> Iterator[pa.Table]:
    with tables.opened(file, tables.MOLECULES) as table:
        for batch in table.iter_batches(batch_size=BATCH, columns=columns):
            yield pa.Table.from_batches([batch])
