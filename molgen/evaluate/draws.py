"""The draws to be evaluated: a `.smi` file or a samples table, every row strictly a molecule or a reason why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from rdkit import Chem

from molgen.chem.parse import BadMolecule, canonical, parse
from molgen.core import tables
from molgen.core.errors import InputError
from molgen.core.progress import progress
from molgen.core.workers import map_ordered

CHUNK = 2_000
Item = TypeVar("Item")
Row = tuple[str | None, str | None]  # SMILES or None, and then the reason


@dataclass
class Draws:
    """Every draw in drawing order: `smiles[i]` is canonical, or None where the draw does not count as a molecule."""

    smiles: list[str | None] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.smiles)

    @property
    def several_fragments(self) -> int:
        """Draws that the literature counts as valid and that are not one whole molecule."""
        return self.reasons["several fragments"] + sum("." in s for s in self.smiles if s is not None)

    @property
    def valid(self) -> list[str]:
        """The valid draws in drawing order, repeats included."""
        return [s for s in self.smiles if s is not None]


def read_draws(path: Path, workers: int, *, strict: bool = True) -> Draws:
    """All rows of a file, checked strictly: sanitizes, one fragment, no repair. No row is dropped.

    Not `strict`: several fragments count as a molecule, as they do in the literature.
    """
    draws = Draws()
    with progress("validity", None, "draws") as bar:
        for chunk in map_ordered(partial(_check, strict=strict), chunks(_rows(path), CHUNK), workers):
            draws.smiles += [smiles for smiles, _ in chunk]
            draws.reasons.update(reason for _, reason in chunk if reason is not None)
            bar.advance(len(chunk))
    if not draws.smiles:
        raise InputError(f"{path}: holds no rows; draw samples with `molgen sample` first")
    return draws


def chunks(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """The items in tuples of `size`, the last one perhaps shorter."""
    rest = iter(items)
    while chunk := tuple(islice(rest, size)):
        yield chunk


def _check(rows: tuple[Row, ...], strict: bool) -> list[Row]:
    return [_check_row(smiles, reason, strict) for smiles, reason in rows]


def _check_row(smiles: str | None, reason: str | None, strict: bool) -> Row:
    if smiles is None:
        return None, reason or "no SMILES"
    try:
        return (canonical(smiles) if strict else Chem.MolToSmiles(parse(smiles))), None
    except BadMolecule as bad:
        return None, bad.reason


def _rows(path: Path) -> Iterator[Row]:
    if path.suffix == ".parquet":
        return _table_rows(path)
    if path.suffix == ".smi":
        return _line_rows(path)
    raise InputError(f"{path}: a .smi or .parquet file is expected")


def _table_rows(path: Path) -> Iterator[Row]:
    with tables.opened(path) as file:
        names = file.schema_arrow.names
        if "smiles" not in names:
            raise InputError(f"{path}: no column 'smiles'; it has {', '.join(names)}")
        columns = [c for c in ("smiles", "reason") if c in names]
        for batch in file.iter_batches(columns=columns):
            smiles = batch.column(0).cast(pa.string()).to_pylist()
            reasons = batch.column(1).cast(pa.string()).to_pylist() if len(columns) > 1 else [None] * len(smiles)
            yield from zip(smiles, reasons, strict=True)


def _line_rows(path: Path) -> Iterator[Row]:
    """One row a line. A blank line is a draw that failed: leaving it out would flatter the validity."""
    try:
        with path.open("rb") as stream:
            if b"\0" in stream.read(4096):
                raise InputError(f"{path}: not a text file; one SMILES a line is expected")
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            for line in lines:
                words = line.split(maxsplit=1)
                yield (words[0] if words else ""), None
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
