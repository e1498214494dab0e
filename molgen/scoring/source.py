"""Where molecules to score come from: a .smi file (plain or .gz) or any Parquet table with a `smiles` column."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa

from molgen.core.errors import InputError
from molgen.core.tables import opened

CHUNK = 1_024  # rows; small enough to share the work evenly, large enough to pay for the way to a worker
SMI = pa.schema([("smiles", pa.string()), ("name", pa.string())])
KNOWN = (".smi", ".smiles", ".txt", ".gz", ".parquet")
BOM = "\ufeff"
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)


class Source:
    """An opened input: its columns (`schema`), its rows if that is known, and its chunks."""

    def __init__(self, file: Path) -> None:
        self.file = file
        if file.is_file() and file.suffix not in KNOWN:
            raise InputError(
                f"{file}: a .smi, .smi.gz or .parquet file is expected; `molgen prepare` reads other formats"
            )
        self.is_table = file.suffix == ".parquet"
        self.damage: str | None = None  # what stopped the reading before the end of the file
        self.schema, self.rows = self._look()

    def _look(self) -> tuple[pa.Schema, int | None]:
        if not self.is_table:
            if "\0" in self._head():
                raise InputError(f"{self.file}: a binary file; a .smi or .parquet file is expected")
            return SMI, None
        with opened(self.file) as table:
            schema = pa.schema([_plain(field) for field in table.schema_arrow])
            if "smiles" not in schema.names:
                raise InputError(f"{self.file}: no column 'smiles'; it has {', '.join(schema.names)}")
            if schema.field("smiles").type not in (pa.string(), pa.large_string()):
                raise InputError(f"{self.file}: column 'smiles' is {schema.field('smiles').type}, string is expected")
            return schema, table.metadata.num_rows

    def chunks(self) -> Iterator[pa.Table]:
        """The rows in order, `CHUNK` at a time."""
        return self._of_table() if self.is_table else self._of_text()

    def _of_table(self) -> Iterator[pa.Table]:
        with opened(self.file) as table:
            for batch in table.iter_batches(CHUNK):
                yield pa.Table.from_batches([batch]).cast(self.schema)

    def _of_text(self) -> Iterator[pa.Table]:
        rows: list[tuple[str, str | None]] = []
        for line in self._lines():
            smiles, *name = line.split(maxsplit=1)
            rows.append((smiles, name[0].strip() if name else None))
            if len(rows) == CHUNK:
                yield _table(rows)
                rows = []
        if rows:
            yield _table(rows)

    def _lines(self) -> Iterator[str]:
        """The lines that are not blank, without a byte-order mark, as far as the file can be read."""
        with _text(self.file) as stream:
            try:
                for line in stream:
                    text = line.removeprefix(BOM)
                    if text.strip():
                        yield text
            except DAMAGED as error:
                self.damage = f"{self.file}: damaged or truncated ({error}); what was readable is done"

    def _head(self) -> str:
        with _text(self.file) as stream:
            try:
                return stream.readline(4_096)
            except gzip.BadGzipFile:
                raise InputError(f"{self.file}: not a gzip file, though its name ends in .gz") from None
            except (EOFError, zlib.error):
                return ""  # damaged near its beginning: found again, and said, when it is read


def read_smiles(file: Path) -> list[str]:
    """Every SMILES of a small file, as it stands there."""
    source = Source(file)
    found = [smiles for chunk in source.chunks() for smiles in chunk["smiles"].to_pylist() if smiles]
    if source.damage:
        raise InputError(source.damage)
    return found


def _table(rows: list[tuple[str, str | None]]) -> pa.Table:
    smiles, names = zip(*rows, strict=True)
    return pa.table([pa.array(smiles, pa.string()), pa.array(names, pa.string())], SMI)


def _text(file: Path) -> IO[str]:
    try:
        if file.suffix == ".gz":
            return gzip.open(file, "rt", encoding="utf-8", errors="replace")
        return file.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; check the path") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None


def _plain(field: pa.Field) -> pa.Field:
    """The field with its values instead of a dictionary of them, whose codes differ between chunks."""
    return pa.field(field.name, field.type.value_type) if pa.types.is_dictionary(field.type) else field
