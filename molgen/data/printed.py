"""Rows of a molecule file with their fingerprints: what `neighbors` and `cluster` begin with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from pydantic import Field
from rdkit import Chem

from molgen.chem.fingerprints import morgan
from molgen.chem.parse import BadMolecule
from molgen.core.settings import Settings
from molgen.core.workers import map_ordered
from molgen.data.library import batches
from molgen.data.readers import Reader, Row, to_mol

CHUNK = 2_048  # rows that a worker takes at a time
SHOWN = 200  # characters that are kept of what is no molecule


class PrintSettings(Settings):
    """Which fingerprint: Morgan of this radius, folded to this many bits. Radius 2 is ECFP4 (the 4 is a diameter)."""

    radius: int = Field(default=2, ge=0, le=6)
    bits: int = Field(default=2048, ge=64, le=65536, multiple_of=64)


@dataclass(frozen=True)
class Printed:
    """Rows in their order. Where a row has a reason it has no molecule, and no bits are set in its fingerprint."""

    smiles: list[str]
    names: list[str | None]
    lines: list[int]
    reasons: list[str | None]
    prints: np.ndarray  # uint8 (rows, bits / 8)

    @property
    def there(self) -> np.ndarray:
        """Which rows have a molecule, bool (rows,)."""
        return np.array([reason is None for reason in self.reasons], bool)


def printed(reader: Reader, settings: PrintSettings, workers: int = 1) -> Iterator[Printed]:
    """The rows of a file, `CHUNK` at a time, by `workers` processes."""
    work = partial(print_rows, blocks=reader.blocks, settings=settings)
    yield from map_ordered(work, batches(reader, CHUNK), workers)


def print_rows(rows: Sequence[Row], *, blocks: bool, settings: PrintSettings) -> Printed:
    """Some rows with their fingerprints."""
    mols, texts, reasons = zip(*(molecule(row, blocks) for row in rows), strict=True)
    prints = morgan(mols, settings.radius, settings.bits)
    return Printed(list(texts), [row.name for row in rows], [row.line for row in rows], list(reasons), prints)


def molecule(row: Row, blocks: bool) -> tuple[Chem.Mol | None, str, str | None]:
    """A row's molecule, its SMILES (as it stands there; canonical from a mol block), and why there is none."""
    if row.problem:
        return None, row.text[:SHOWN], "unreadable row"
    try:
        mol = to_mol(row.text, block=blocks)
        return mol, Chem.MolToSmiles(mol) if blocks else row.text, None
    except BadMolecule as bad:
        return None, row.text[:SHOWN], bad.reason
