"""The reference of an evaluation: a prepared folder, read in batches and never held whole, or fetched .smi files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from molgen.core import tables
from molgen.core.cache import cache_folder
from molgen.core.errors import InputError
from molgen.core.seeds import numpy_generator
from molgen.data.fetch import fetch
from molgen.data.sources import data_sets
from molgen.evaluate.draws import chunks

MOLECULES_FILE = "molecules.parquet"
SPLITS = ("train", "valid", "test", "test_scaffolds")
BATCH = 65_536


def reference_files(reference: str | Path) -> dict[str, Path]:
    """What a reference consists of: `{"reference": its table}` for a prepared folder, else a split's name -> its .smi.

    `reference` is a folder of `molgen prepare` or `molgen data fetch`, or the name of a data set, which is fetched once
    into the cache folder. An InputError that says how to make one if there is none.
    """
    folder = Path(reference)
    if not folder.is_dir() and str(reference) in data_sets():
        folder = fetch(str(reference), cache_folder() / "data" / str(reference))
    if not folder.is_dir():
        known = ", ".join(data_sets())
        raise InputError(
            f"--reference {reference}: no such folder or data set ({known}); give a folder that `molgen prepare` or "
            "`molgen data fetch` made"
        )
    if (folder / MOLECULES_FILE).is_file():
        return {"reference": folder / MOLECULES_FILE}
    files = {split: folder / f"{split}.smi" for split in SPLITS if (folder / f"{split}.smi").is_file()}
    if not files:
        raise InputError(
            f"{folder}: holds no {MOLECULES_FILE} and no {SPLITS[0]}.smi or the like; give a folder that "
            "`molgen prepare` or `molgen data fetch` made"
        )
    return files


def open_reference(reference: str | Path, wanted: set[str]) -> Reference | Fetched:
    """The reference, and which of the `wanted` SMILES its train split has."""
    files = reference_files(reference)
    if "reference" in files:
        return Reference.scan(files["reference"], wanted)
    return Fetched.scan(files, wanted)


class Rows(NamedTuple):
    """Molecules of a split: SMILES, and where they are known their properties, float64 (n, properties)."""

    smiles: list[str]
    properties: np.ndarray | None = None


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

    def draw(self, split: str, limit: int | None, seed: int) -> Rows:
        """A split's molecules; at most `limit`, drawn without replacement, in file order."""
        rows = self.rows.get(split, np.empty(0, dtype=np.int64))
        rows = rows[_chosen(len(rows), limit, seed, split)]
        with tables.opened(self.file) as file:
            known = [name for name in tables.PROPERTIES if name in file.schema_arrow.names]
        smiles, start = list[str](), 0
        values = [np.empty((0, len(known)))]
        for batch in _batches(self.file, ["smiles", *known]):
            inside = rows[(rows >= start) & (rows < start + batch.num_rows)] - start
            found = batch.take(pa.array(inside))
            smiles += found["smiles"].to_pylist()
            values += [np.column_stack([found[name].to_numpy() for name in known])] if known else []
            start += batch.num_rows
        return Rows(smiles, np.concatenate(values) if len(known) == len(tables.PROPERTIES) else None)


@dataclass(frozen=True)
class Fetched:
    """The same of one .smi file a split, whose SMILES are taken as they stand there (as MOSES does).

    The files are read again for each `draw`: the text of a training set is more than all else that is held.
    """

    files: Mapping[str, Path]
    rows: dict[str, int]
    known: set[str]

    @classmethod
    def scan(cls, files: Mapping[str, Path], wanted: set[str]) -> Fetched:
        """Reads all SMILES once. Memory: the found ones, and a batch."""
        rows, known = dict.fromkeys(files, 0), set[str]()
        for split, file in files.items():
            for words in _first_words(file):
                rows[split] += len(words)
                if split == "train":
                    known |= wanted.intersection(words)
        return cls(files, rows, known)

    def size(self, split: str) -> int:
        """Molecules in a split; 0 if there is no such split."""
        return self.rows.get(split, 0)

    def draw(self, split: str, limit: int | None, seed: int) -> Rows:
        """A split's molecules; at most `limit`, drawn without replacement, in file order."""
        rows = _chosen(self.size(split), limit, seed, split)
        smiles, start = list[str](), 0
        for words in _first_words(self.files[split]) if len(rows) else ():
            inside = rows[(rows >= start) & (rows < start + len(words))] - start
            smiles += [words[row] for row in inside.tolist()]
            start += len(words)
        return Rows(smiles)


def _first_words(file: Path) -> Iterator[list[str]]:
    """The SMILES of a file, a batch at a time, its blank lines left out."""
    with file.open(encoding="utf-8-sig") as lines:
        for some in chunks(lines, BATCH):
            words = (line.split(maxsplit=1) for line in some)
            yield [found[0] for found in words if found]


def _chosen(rows: int, limit: int | None, seed: int, split: str) -> np.ndarray:
    if limit is None or rows <= limit:
        return np.arange(rows)
    return np.sort(numpy_generator(seed, "evaluate", split).choice(rows, limit, replace=False))


def _batches(file: Path, columns: list[str]) -> Iterator[pa.Table]:
    with tables.opened(file, tables.MOLECULES) as table:
        for batch in table.iter_batches(batch_size=BATCH, columns=columns):
            yield pa.Table.from_batches([batch])
