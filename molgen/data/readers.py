"""Molecule files as streams of rows: .smi, .csv, .tsv, .sdf and .parquet; all but the last also as .gz or .zst.

A row that cannot be used has a `problem`; only a file that cannot be used at all is an error.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
from rdkit import Chem

from molgen.chem.parse import BadMolecule, parse
from molgen.core.errors import InputError
from molgen.core.tables import opened
from molgen.data.streams import Lines, extension

SMILES_NAMES = ("smiles", "canonical_smiles", "smi", "isomeric_smiles", "mol", "structure")
NAME_NAMES = ("name", "id", "title", "compound", "molecule_name", "pref_name", "iupac", "chembl_id")
LINE_FORMATS = {".smi": " ", ".smiles": " ", ".txt": " ", ".csv": ",", ".tsv": "\t"}
FORMATS = (*LINE_FORMATS, ".sdf", ".parquet")
MAX_RECORD = 1 << 22  # characters of an SDF record
MAX_CELL_LINES = 20  # lines that a quoted cell may span


class Row(NamedTuple):
    """One row of a file. `text` is a SMILES, or a mol block where the reader's `blocks` says so."""

    line: int
    text: str
    name: str | None = None
    split: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Columns:
    """Which columns to read; None finds the usual names, and no split."""

    smiles: str | None = None
    name: str | None = None
    split: str | None = None


class Reader:
    """Iterates over the rows of one file, once. Afterwards `damage` says what of it could not be read.

    `start` and `end` choose a part of the file by its bytes: the lines, or the row groups of a .parquet, that begin
    there. Rows are numbered from the part's beginning; `lines` is the number of the last one read, blank ones included.
    """

    def __init__(self, path: Path, columns: Columns | None = None, start: int = 0, end: int | None = None) -> None:
        self.path, self.columns = path, columns or Columns()
        self._start, self._end = start, end
        self.format, self.compression = extension(path)
        if self.format not in FORMATS:
            raise InputError(
                f"{path}: unknown format {self.format or '(no extension)'!r}; known: {', '.join(FORMATS)}, "
                "and all but the last with .gz or .zst behind"
            )
        if not path.exists():
            raise InputError(f"{path}: no such file; check the path")
        if path.is_dir():
            raise InputError(f"{path}: a folder; a file is expected")
        self.blocks = self.format == ".sdf"
        self.blank = self.lines = 0
        self.damage: str | None = None
        self._text: Lines | None = None
        self._read = 0  # of a .parquet

    def __iter__(self) -> Iterator[Row]:
        if self.format == ".parquet":
            return self._checked(self._parquet())
        if self.format == ".sdf":
            return self._checked(self._sdf())
        if LINE_FORMATS[self.format] == " ":
            return self._checked(self._smi())
        return self._checked(self._csv())

    @property
    def position(self) -> int:
        """The offset in the file up to which it has been read."""
        return self._text.position if self._text else self._read

    def _checked(self, rows: Iterator[Row]) -> Iterator[Row]:
        empty = self._end is None
        for row in rows:
            empty = False
            yield row
        if empty:
            raise InputError(f"{self.path}: holds no molecules; one a line is expected")

    def _lines(self) -> Iterator[tuple[int, str]]:
        self._text = Lines(self.path, self._start, self._end)
        for line in self._text:
            self.lines += 1
            yield self.lines, line
        self.damage = self._text.damage

    def _smi(self) -> Iterator[Row]:
        if self.columns.smiles or self.columns.split:
            raise InputError(f"{self.path}: a {self.format} file has no column names; take the column options away")
        for number, line in self._lines():
            parts = line.split(None, 1)
            if parts:
                yield Row(number, parts[0], parts[1].strip() if len(parts) > 1 else None)
            else:
                self.blank += 1

    def _csv(self) -> Iterator[Row]:
        table = _Csv(self._lines(), LINE_FORMATS[self.format])
        places: tuple[int, int | None, int | None] | None = None
        width = 0
        for number, cells, problem in table:
            if places is None:
                places, is_header = find_columns(self.path, cells, self.columns)
                width = table.width = len(cells)
                if is_header:
                    continue
            if problem is None and len(cells) < width:
                problem = f"{len(cells)} columns, the header has {width}"
            if problem:
                yield Row(number, table.delimiter.join(cells), problem=problem)
                continue
            smiles, name, split = (cells[i].strip() if i is not None else None for i in places)
            yield Row(number, smiles or "", name or None, split)
        self.blank += table.blank

    def _sdf(self) -> Iterator[Row]:
        record: list[str] = []
        number, size = 1, 0
        for _, line in self._lines():
            if line.startswith("$$$$"):
                yield self._block(number, record, size)
                record, number, size = [], number + 1, 0
            elif size <= MAX_RECORD:
                record.append(line)
                size += len(line)
        if any(line.strip() for line in record) and not self.damage:
            yield self._block(number, record, size)

    def _block(self, number: int, record: list[str], size: int) -> Row:
        text, name = "\n".join(record), record[0].strip() if record else ""
        if size > MAX_RECORD:
            return Row(number, text[:200], problem=f"record longer than {MAX_RECORD:,} characters")
        return Row(number, text, name or None)

    def _parquet(self) -> Iterator[Row]:
        with opened(self.path) as file:
            names = file.schema_arrow.names
            places, _ = find_columns(self.path, names, self.columns, header=True)
            wanted = [names[i] if i is not None else None for i in places]
            starts = row_groups(file)
            groups = [g for g, at in enumerate(starts) if self._start <= at < (self._end or at + 1)]
            rows = sum(file.metadata.row_group(g).num_rows for g in groups)
            end = self._end or self.path.stat().st_size
            for batch in file.iter_batches(8192, row_groups=groups, columns=sorted({n for n in wanted if n})):
                self._read = self._start + (end - self._start) * (self.lines + batch.num_rows) // rows
                data = {name: batch.column(name).to_pylist() for name in batch.schema.names}
                for i in range(batch.num_rows):
                    self.lines += 1
                    smiles, name, split = (None if n is None or data[n][i] is None else str(data[n][i]) for n in wanted)
                    yield Row(self.lines, smiles or "", name, split)


def row_groups(file: pq.ParquetFile) -> list[int]:
    """The offset in the file at which each row group begins."""
    starts = []
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        columns = [group.column(c) for c in range(group.num_columns)]
        starts.append(min(c.dictionary_page_offset or c.data_page_offset for c in columns))
    return starts


def find_columns(
    path: Path, first: Sequence[str], columns: Columns, *, header: bool = False
) -> tuple[tuple[int, int | None, int | None], bool]:
    """Places of the SMILES, name and split columns in a first row, and whether that row is a header.

    Without one (`header=False`), the column whose first cell is a molecule is taken.
    """
    names = [cell.strip() for cell in first]
    folded = [name.casefold() for name in names]

    def place(asked: str | None, usual: Sequence[str]) -> int | None:
        if asked is None:
            return next((folded.index(name) for name in usual if name in folded), None)
        if asked in names or asked.casefold() in folded:
            return names.index(asked) if asked in names else folded.index(asked.casefold())
        raise InputError(f"{path}: no column {asked!r}; it has {', '.join(names)}")

    smiles, name, split = (
        place(columns.smiles, SMILES_NAMES),
        place(columns.name, NAME_NAMES),
        place(columns.split, ()),
    )
    if smiles is not None:
        return (smiles, name if name != smiles else None, split), True
    smiles = None if header else next((i for i, cell in enumerate(names) if _is_molecule(cell)), None)
    if smiles is None:
        raise InputError(f"{path}: no SMILES column found; name it with --smiles-column; it has {', '.join(names)}")
    return (smiles, None, None), False


def _is_molecule(text: str) -> bool:
    try:
        return parse(text).GetNumAtoms() > 1
    except BadMolecule:
        return False


class _Csv:
    """Records of a CSV or TSV text: (line, cells, problem).

    A quoted cell may span lines, but a stray quote must not swallow the good rows below it: such a record ends at its
    own line unless the next few lines complete it to the header's width.
    """

    def __init__(self, lines: Iterator[tuple[int, str]], delimiter: str) -> None:
        self._lines, self._waiting = lines, deque[tuple[int, str]]()
        self.delimiter, self.width, self.blank = delimiter, 0, 0

    def __iter__(self) -> Iterator[tuple[int, list[str], str | None]]:
        while (item := self._next()) is not None:
            number, line = item
            if not line.strip():
                self.blank += 1
                continue
            if not self.width and self.delimiter == "," and "," not in line:
                self.delimiter = max(";\t,", key=line.count)
            if '"' not in line:
                yield number, line.split(self.delimiter), None
            elif line.count('"') % 2 == 0:
                yield number, self._cells(line), None
            else:
                yield self._spanning(number, line)

    def _next(self) -> tuple[int, str] | None:
        return self._waiting.popleft() if self._waiting else next(self._lines, None)

    def _cells(self, text: str) -> list[str]:
        return next(csv.reader([text], delimiter=self.delimiter))

    def _spanning(self, number: int, line: str) -> tuple[int, list[str], str | None]:
        text = line
        taken: list[tuple[int, str]] = []
        while len(taken) < MAX_CELL_LINES and (item := self._next()) is not None:
            taken.append(item)
            text += "\n" + item[1]
            if item[1].count('"') % 2:
                cells = next(csv.reader(text.splitlines(keepends=True), delimiter=self.delimiter))
                if len(cells) == self.width or not self.width:
                    return number, cells, None
                break
        self._waiting.extendleft(reversed(taken))
        return number, [line], "unbalanced quote"


def to_mol(text: str, *, block: bool) -> Chem.Mol:
    """The molecule of a row's text: a SMILES, or an SDF record. BadMolecule with the reason if there is none."""
    if not block:
        return parse(text)
    mol = Chem.MolFromMolBlock(text)
    if mol is None:
        raw = Chem.MolFromMolBlock(text, sanitize=False, removeHs=False)
        problems = Chem.DetectChemistryProblems(raw) if raw is not None else ()
        if raw is None or not problems:
            raise BadMolecule("broken SDF record")
        raise BadMolecule("chemistry", problems[0].Message().strip())
    if mol.GetNumAtoms() == 0:
        raise BadMolecule("no atoms")
    return mol
