"""A part: all that is known of a stretch of a library, as a folder. Neighbouring parts are joined to one of both.

A chunk of rows, a block of chunks and a finished shard are parts, and a result is written from parts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from molgen.core.artifacts import write_json
from molgen.core.tables import REJECTS, SCREENED, Writer, opened, read, write
from molgen.screening import seen
from molgen.screening.best import Best
from molgen.screening.settings import Plan

COUNTS, BEST, REJECTED, ROWS = "counts.json", "best.parquet", "rejects.parquet", "rows.parquet"
# The file's name is plain text here: codes of a dictionary would differ with how a library is cut.
REJECTS_SCHEMA = pa.schema([pa.field(c.name, pa.string() if c.name == "file" else c.dtype) for c in REJECTS.columns])


@dataclass
class Counts:
    """Rows read, rows that are molecules, rows that passed; rows by reason, by failed filter, by file; and what is
    known only of whole pieces of files: their lines, blank ones, and damage."""

    read: int = 0
    valid: int = 0
    passed: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    blank: int = 0
    damage: list[str] = field(default_factory=list)

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def values(self) -> dict[str, Any]:
        """As plain values for JSON."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {key: dict(value) if isinstance(value, Counter) else value for key, value in found.items()}

    @classmethod
    def of(cls, values: dict[str, Any]) -> Counts:
        """From the plain values of JSON."""
        kept: dict[str, Any] = {k: Counter(v) if isinstance(v, dict) else v for k, v in values.items()}
        return cls(**kept)


@dataclass(frozen=True)
class Part:
    """A part's folder. `first_line` is added to the lines of a file, `first_place` to the places of the best."""

    folder: Path
    first_line: Counter[str] = field(default_factory=Counter)
    first_place: int = 0

    @property
    def counts(self) -> Counts:
        """The counts."""
        return Counts.of(json.loads((self.folder / COUNTS).read_text(encoding="utf-8")))

    def best(self) -> pa.Table | None:
        """The best rows, or None if there are none."""
        if not (self.folder / BEST).exists():
            return None
        rows = read(self.folder / BEST)
        places = pc.add(rows["place"], self.first_place)
        return self._numbered(rows).set_column(rows.schema.get_field_index("place"), "place", places)

    def rejects(self) -> Iterator[pa.Table]:
        """The rejected rows, in order, a few at a time."""
        if (self.folder / REJECTED).exists():
            with opened(self.folder / REJECTED) as file:
                for batch in file.iter_batches():
                    yield self._numbered(pa.Table.from_batches([batch]))

    def _numbered(self, rows: pa.Table) -> pa.Table:
        if not self.first_line:
            return rows
        files, numbers = rows["file"].to_pylist(), rows["line"].to_pylist()
        lines = [number + self.first_line[file] for file, number in zip(files, numbers, strict=True)]
        return rows.set_column(rows.schema.get_field_index("line"), "line", pa.array(lines, pa.int64()))


def write_part(folder: Path, counts: Counts, best: pa.Table | None, rejects: pa.Table, rows: pa.Table | None) -> None:
    """Writes the tables and counts of a part into its folder; an empty table has no file."""
    for name, table, kind in ((BEST, best, None), (REJECTED, rejects, REJECTS), (ROWS, rows, SCREENED)):
        if table is not None and table.num_rows:
            write(folder / name, table, kind)
    write_json(folder / COUNTS, counts.values())


def join(parts: Sequence[Part], folder: Path, plan: Plan, *, rows: bool = True) -> None:
    """Writes the part that consists of `parts`, in their order, into an empty folder, in bounded memory."""
    best = Best(plan.kept, plan.per_scaffold)
    for part in parts:
        if (some := part.best()) is not None:
            best.add(some)
    if (table := best.table()) is not None:
        write(folder / BEST, table)
    seen.save(folder, [seen.Run(part.folder) for part in parts])
    write_rejects(folder / REJECTED, parts)
    if rows:
        _write_rows(folder / ROWS, parts)
    write_json(folder / COUNTS, total(parts).values())


def total(parts: Sequence[Part]) -> Counts:
    """The counts of all parts."""
    return sum((part.counts for part in parts), Counts())


def write_rejects(path: Path, parts: Sequence[Part]) -> None:
    """The rejected rows of all parts as one table."""
    with Writer(path, REJECTS_SCHEMA, REJECTS) as writer:
        for part in parts:
            for rows in part.rejects():
                writer.write(rows)


def _write_rows(path: Path, parts: Sequence[Part]) -> None:
    """The full table of all parts, if they have one."""
    found = [part.folder / ROWS for part in parts if (part.folder / ROWS).exists()]
    if not found:
        return
    with opened(found[0]) as first:
        schema = first.schema_arrow
    with Writer(path, schema, SCREENED) as writer:
        for file in found:
            writer.write(read(file))
