"""`molgen prepare`: raw molecule files to a clean table of distinct molecules, a table of rejects and a summary."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from molgen.core.artifacts import Identity, already_made, building, remove, write_json
from molgen.core.errors import InputError, PartialError
from molgen.core.progress import progress
from molgen.core.seeds import numpy_generator
from molgen.core.tables import MOLECULES, PROPERTIES, REJECTS, Writer
from molgen.core.workers import map_ordered
from molgen.data.clean import Chunk, Cleaned, clean
from molgen.data.kept import going_on
from molgen.data.library import batches, labels
from molgen.data.prepare_settings import PrepareSettings
from molgen.data.readers import Columns, Reader, Row
from molgen.data.splits import by_files
from molgen.data.summary import Summary

__all__ = ["PrepareSettings", "prepare"]

CHUNK = 500  # rows; part of no result


def prepare(
    inputs: Sequence[Path], out: Path, settings: PrepareSettings | None = None, *, seed: int = 0, workers: int = 1
) -> Path:
    """Writes `molecules.parquet`, `rejects.parquet` and `summary.json` to the folder `out`.

    Rows keep their order. The first of equal molecules (by canonical SMILES, over all files) is kept. Memory is bounded
    but for about 200 bytes a molecule, by which repeats are recognised. PartialError, with the output written, if a
    file could not be read to its end; InputError if no molecule is left. What is done so far lies in a hidden folder
    beside `out`, keyed by the identity; the same call goes on from there.
    """
    settings = settings or PrepareSettings()
    names = labels(inputs, "prepare")
    values = {**settings.values(), "files": names}  # their order decides which of equal molecules is kept
    identity = Identity.of("prepare", values, dict(zip(names, inputs, strict=True)), seed)
    work = out.parent / f".{out.name}.{identity.key}.work"
    if not already_made(out, identity):
        with building(out, identity, workers=workers) as aside:
            aside.mkdir()
            rows = _Rows(inputs, names, settings, seed)
            _write(aside, rows, partial(clean, settings=settings, seed=seed), settings, work, workers)
    remove(work)
    damage = json.loads((out / "summary.json").read_text(encoding="utf-8"))["damage"]
    if damage:
        raise PartialError("; ".join(damage))
    return out


def _write(
    folder: Path,
    rows: _Rows,
    cleaning: Callable[[Chunk], Cleaned],
    settings: PrepareSettings,
    work: Path,
    workers: int,
) -> None:
    summary, seen = Summary(), _Seen()
    names = PROPERTIES if settings.properties else ()
    schema = MOLECULES.schema(dict.fromkeys(names, pa.float32()))
    with (
        Writer(folder / "molecules.parquet", schema, MOLECULES) as molecules,
        Writer(folder / "rejects.parquet", REJECTS.schema(), REJECTS) as rejects,
        progress("prepare", rows.total, "rows") as bar,
    ):
        for cleaned in going_on(work, rows, lambda chunks: map_ordered(cleaning, chunks, workers)):
            seen.move_repeats(cleaned)
            summary.add(cleaned)
            molecules.write(_molecules_table(cleaned, schema))
            rejects.write(_rejects_table(cleaned))
            bar.advance(len(cleaned.smiles) + len(cleaned.rejects))
    if not summary.molecules:
        remove(work)
        reason, count = summary.reasons.most_common(1)[0]
        lost = f"no molecule is left of {summary.rows:,} rows; {count:,} of them: {reason}"
        raise InputError(f"{rows.where}: {lost}; check file and settings")
    write_json(folder / "summary.json", summary.values(rows.blank, rows.damage))


class _Rows:
    """The chunks of all files, in order: the whole, the first `limit`, or a seeded `sample` of the rows."""

    def __init__(self, inputs: Sequence[Path], labels: Sequence[str], settings: PrepareSettings, seed: int) -> None:
        self._inputs, self._labels, self._settings, self._seed = inputs, labels, settings, seed
        self._split_of = self._splits_of_files() if settings.split == "files" else {}
        self._readers: list[Reader] = []
        self.where = str(inputs[0]) if len(inputs) == 1 else f"{len(inputs)} files"
        self.total = settings.sample or settings.limit
        for path in inputs:
            self._reader(path)  # a wrong name or format is told before any work

    @property
    def blank(self) -> int:
        return sum(reader.blank for reader in self._readers)

    @property
    def damage(self) -> list[str]:
        return [reader.damage for reader in self._readers if reader.damage]

    def __iter__(self) -> Iterator[Chunk]:
        chosen = self._sampled() if self._settings.sample else None
        self._readers, start, left = [], 0, self._settings.limit
        for path, label in zip(self._inputs, self._labels, strict=True):
            reader = self._reader(path)
            self._readers.append(reader)
            rows: Iterator[Row] = iter(reader)
            if chosen is not None:
                picked = _Picked(rows, chosen, start)
                rows = iter(picked)
            for batch in batches(rows, CHUNK):
                batch = batch[:left]
                if batch:
                    yield Chunk(label, reader.blocks, batch, self._split_of.get(label))
                left = None if left is None else left - len(batch)
                if left == 0:
                    return
            start = picked.end if chosen is not None else start

    def _reader(self, path: Path) -> Reader:
        s = self._settings
        return Reader(path, Columns(s.smiles_column, s.name_column, s.split_column if s.split == "column" else None))

    def _sampled(self) -> np.ndarray:
        """Ascending numbers of the rows to take, counted over all files (a first pass only counts them)."""
        count = sum(1 for path in self._inputs for _ in self._reader(path))
        count = min(count, self._settings.limit or count)
        size = min(int(self._settings.sample or 0), count)
        self.total = size
        return np.sort(numpy_generator(self._seed, "prepare", "sample").choice(count, size, replace=False))

    def _splits_of_files(self) -> dict[str, str]:
        stems = {label: Path(label).name.split(".")[0] for label in self._labels}
        splits = by_files(stems.values())
        of_label = {label: splits[stem] for label, stem in stems.items()}
        if "valid" not in of_label.values() and self._settings.valid_fraction > 0:
            of_label = {label: "train+valid" if split == "train" else split for label, split in of_label.items()}
        return of_label


class _Picked:
    """The rows whose numbers, counted from `start`, are among `chosen`; `end` is the number after the last."""

    def __init__(self, rows: Iterator[Row], chosen: np.ndarray, start: int) -> None:
        self._rows, self._chosen, self.end = rows, chosen, start

    def __iter__(self) -> Iterator[Row]:
        wanted = set(self._chosen[np.searchsorted(self._chosen, self.end) :].tolist())
        for row in self._rows:
            if self.end in wanted:
                yield row
            self.end += 1


class _Seen:
    """Molecules met so far, by digest, with where each was first."""

    def __init__(self) -> None:
        self._first: dict[bytes, int] = {}
        self._files: list[str] = []

    def move_repeats(self, cleaned: Cleaned) -> None:
        """Moves molecules that were met before from the molecules to the rejects."""
        if not self._files or self._files[-1] != cleaned.file:
            self._files.append(cleaned.file)
        here, repeats = (len(self._files) - 1) << 48, []
        for i, digest in enumerate(cleaned.digests):
            place = here | cleaned.lines[i]
            if self._first.setdefault(digest, place) != place:
                repeats.append(i)
        if repeats:
            self._reject(cleaned, repeats)

    def _reject(self, cleaned: Cleaned, repeats: list[int]) -> None:
        for i in repeats:
            first = self._first[cleaned.digests[i]]
            where = f"first at {self._files[first >> 48]} line {first & ((1 << 48) - 1)}"
            cleaned.rejects.append((cleaned.lines[i], cleaned.smiles[i][:200], "duplicate", where))
        cleaned.rejects.sort(key=lambda reject: reject[0])
        cleaned.remove(set(repeats))


def _molecules_table(cleaned: Cleaned, schema: pa.Schema) -> pa.Table:
    columns = {
        "smiles": cleaned.smiles,
        "name": cleaned.names,
        "file": [cleaned.file] * len(cleaned.smiles),
        "line": cleaned.lines,
        "split": cleaned.splits,
    }
    arrays = [pa.array(columns[f.name], f.type) for f in schema if f.name in columns]
    arrays += [pa.array(column) for column in cleaned.properties.T[: len(schema) - len(arrays)]]
    return pa.Table.from_arrays(arrays, schema=schema)


def _rejects_table(cleaned: Cleaned) -> pa.Table:
    lines, inputs, reasons, details = zip(*cleaned.rejects, strict=True) if cleaned.rejects else ((), (), (), ())
    columns = [[cleaned.file] * len(lines), lines, inputs, reasons, details]
    schema = REJECTS.schema()
    return pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
