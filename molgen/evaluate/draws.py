"""The draws to be evaluated: a `.smi` file or a samples table, every row strictly a molecule or a reason why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from rdkit import Chem

from molgen.chem.parse import BadMolecule, canonical, parse
from molgen.core import tables
from molgen.core.errors import InputError
from molgen.core.progress import progress
from molgen.core.workers import map_ordered

CHUNK = 2_000
COPY, COPIES = 100, 20  # draws after which a copy may begin, and repeats that it must have, to be called one
Item = TypeVar("Item")
Row = tuple[str | None, str | None, bool]  # SMILES or None, and then the reason; whether it was repaired


@dataclass
class Draws:
    """Every draw in drawing order: `smiles[i]` is canonical, or None where the draw does not count as a molecule.

    `repaired`: draws that their generator changed until they were molecules; `twice`: rows of an index that an earlier
    row has, too; `strict`: whether several fragments and repaired draws are left out of `smiles`.
    """

    smiles: list[str | None] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    twice: int = 0
    strict: bool = True

    def __len__(self) -> int:
        return len(self.smiles)

    @property
    def several_fragments(self) -> int:
        """Draws that the literature counts as valid and that are not one whole molecule."""
        return self.reasons["several fragments"] + sum("." in s for s in self.smiles if s is not None)

    @property
    def readings(self) -> tuple[int, int]:
        """Valid draws as read strictly, and as the literature does: with several fragments, and with repaired ones."""
        valid = sum(s is not None for s in self.smiles)
        apart = self.several_fragments + self.repaired
        return (valid, valid + apart) if self.strict else (valid - apart, valid)

    @property
    def valid(self) -> list[str]:
        """The valid draws in drawing order, repeats included."""
        return [s for s in self.smiles if s is not None]


def read_draws(path: Path, workers: int, *, strict: bool = True) -> Draws:
    """All rows of a file, checked strictly: sanitizes, one fragment, no repair. No row is dropped.

    Not `strict`: several fragments and repaired draws count as a molecule, as they do in the literature.
    """
    draws = Draws(strict=strict)
    with progress("validity", None, "draws") as bar:
        for chunk in map_ordered(partial(_check, strict=strict), chunks(_rows(path), CHUNK), workers):
            for smiles, reason, repaired in chunk:
                draws.smiles.append(smiles)
                draws.repaired += repaired
                if reason is not None:
                    draws.reasons[reason] += 1
            bar.advance(len(chunk))
    if not draws.smiles:
        raise InputError(f"{path}: holds no rows; draw samples with `molgen sample` first")
    if path.suffix == ".parquet":
        draws.twice = _repeated_indices(path)
    return draws


def copied_after(smiles: Sequence[str | None]) -> tuple[int, int] | None:
    """`(draws, repeats)` if most repeats come the same number of draws after the molecule before, else None.

    Chance does not do that: the file holds the draws of one seed more than once. Few repeats, or a model that draws
    hardly more than a few molecules, are not judged.
    """
    last: dict[str, int] = {}
    lags = Counter[int]()
    for row, text in enumerate(smiles):
        if text is None:
            continue
        if text in last:
            lags[row - last[text]] += 1
        last[text] = row
    (lag, count), *_ = lags.most_common(1) or [(0, 0)]
    return (lag, count) if lag >= COPY and count >= COPIES and 2 * count > lags.total() else None


def chunks(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """The items in tuples of `size`, the last one perhaps shorter."""
    rest = iter(items)
    while chunk := tuple(islice(rest, size)):
        yield chunk


def _check(rows: tuple[Row, ...], strict: bool) -> list[Row]:
    return [_check_row(*row, strict) for row in rows]


def _check_row(smiles: str | None, reason: str | None, repaired: bool, strict: bool) -> Row:
    if smiles is None:
        return None, reason or "no SMILES", False
    try:
        found = canonical(smiles) if strict else Chem.MolToSmiles(parse(smiles))
    except BadMolecule as bad:
        return None, bad.reason, False
    repaired = repaired and "." not in found  # several fragments are counted as such
    return (None, "repaired", True) if strict and repaired else (found, None, repaired)


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
        columns = {"smiles": pa.string(), "reason": pa.string(), "repaired": pa.bool_()}
        columns = {name: kind for name, kind in columns.items() if name in names}
        if "repaired" in columns and (kind := file.schema_arrow.field("repaired").type) != pa.bool_():
            raise InputError(f"{path}: its column 'repaired' is {kind}; true or false is expected (bool)")
        for batch in file.iter_batches(columns=list(columns)):
            found = {name: batch[name].cast(kind).to_pylist() for name, kind in columns.items()}
            nothing = [None] * len(batch)
            reasons, repaired = found.get("reason", nothing), map(bool, found.get("repaired", nothing))
            yield from zip(found["smiles"], reasons, repaired, strict=True)


def _repeated_indices(path: Path) -> int:
    """Rows of a samples table whose `index` an earlier row has: parts that were joined twice."""
    with tables.opened(path) as file:
        if "index" not in file.schema_arrow.names:
            return 0
        numbers = file.read(columns=["index"])["index"]
    return len(numbers) - pc.count_distinct(numbers).as_py()


def _line_rows(path: Path) -> Iterator[Row]:
    """One row a line. A blank line is a draw that failed: leaving it out would flatter the validity."""
    try:
        with path.open("rb") as stream:
            if b"\0" in stream.read(4096):
                raise InputError(f"{path}: not a text file; one SMILES a line is expected")
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            for line in lines:
                words = line.split(maxsplit=1)
                yield (words[0] if words else ""), None, False
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
