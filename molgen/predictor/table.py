"""Measured values: a table with SMILES and a target to distinct molecules with one value each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rdkit import Chem

from molgen.chem.parse import BadMolecule, parse
from molgen.chem.standardise import standardise
from molgen.core.errors import InputError, nearest
from molgen.data.readers import SMILES_NAMES, Reader


@dataclass(frozen=True)
class Measured:
    """Molecules (canonical, largest fragment, neutral), their values, and why rows were left out.

    `splits` and `times` are the columns that a split may ask for, None where the table has none.
    """

    smiles: list[str]
    values: np.ndarray
    rejects: dict[str, int]
    rows: int
    splits: list[str] | None = None
    times: np.ndarray | None = None

    def take(self, places: np.ndarray) -> tuple[list[str], np.ndarray]:
        """Some molecules with their values."""
        return [self.smiles[i] for i in places], self.values[places]


def read_frame(file: Path) -> pd.DataFrame:
    """A .csv, .tsv, .sdf (also compressed) or .parquet file; an InputError if it is none."""
    try:
        if ".sdf" in file.suffixes:
            return pd.DataFrame(_record(row.text) for row in Reader(file))
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        return pd.read_csv(file, sep="\t" if ".tsv" in file.suffixes else ",", encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; check the path") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file}: not a table ({str(error).splitlines()[0][:120]})") from None


def _record(text: str) -> dict[str, str]:
    """The data fields of an SDF record, and its molecule as `smiles`; no SMILES if it is no molecule."""
    supplier = Chem.SDMolSupplier()
    supplier.SetData(text, sanitize=False)
    mol = next(supplier, None)
    if mol is None:
        return {"smiles": ""}
    fields = {name: mol.GetProp(name) for name in mol.GetPropNames()}
    return {**fields, "smiles": Chem.MolToSmiles(mol)}


def smiles_column(frame: pd.DataFrame, file: Path, given: str | None) -> str:
    """The column of the SMILES: the one given, or the first with a usual name."""
    if given is not None:
        return _column(frame, file, given)
    for name in frame.columns:
        if str(name).casefold() in SMILES_NAMES:
            return str(name)
    raise InputError(f"{file}: no SMILES column; name it with --smiles-column (there: {', '.join(map(str, frame))})")


def read_measured(
    file: Path,
    target: str,
    *,
    smiles: str | None = None,
    split: str | None = None,
    time: str | None = None,
) -> Measured:
    """The molecules of a table that have a finite value. Of several values of one molecule, the median.

    A column of two values tells classes: a molecule that has both is left out, as the median would be a third class.
    `split` and `time` name further columns. An InputError if fewer than 10 molecules are left.
    """
    frame = read_frame(file)
    where = smiles_column(frame, file, smiles)
    values = pd.to_numeric(frame[_column(frame, file, target)], errors="coerce").to_numpy(np.float64)
    rejects: Counter[str] = Counter()
    found: dict[str, list[int]] = {}
    for row, (text, value) in enumerate(zip(frame[where].tolist(), values.tolist(), strict=True)):
        if not np.isfinite(value):
            rejects["no value"] += 1
            continue
        try:
            found.setdefault(clean(str(text)), []).append(row)
        except BadMolecule as error:
            rejects[f"no molecule: {error.reason}"] += 1
    if len(np.unique(values[np.isfinite(values)])) == 2:
        torn = [text for text, rows in found.items() if np.ptp(values[rows])]
        rejects["in both classes"] = sum(len(found.pop(text)) for text in torn)
    if len(found) < 10:
        reason = rejects.most_common(1)[0][0] if rejects else "too few rows"
        raise InputError(
            f"{file}: {len(found)} molecules with a value of {target!r} (most often: {reason}); 10 are needed"
        )
    first = [rows[0] for rows in found.values()]
    rejects["repeated molecule"] = sum(len(rows) - 1 for rows in found.values())
    return Measured(
        list(found),
        np.array([np.median(values[rows]) for rows in found.values()]),
        {reason: count for reason, count in rejects.items() if count},
        len(frame),
        [str(frame[_column(frame, file, split)].iloc[i]) for i in first] if split else None,
        pd.to_numeric(frame[_column(frame, file, time)], errors="coerce").to_numpy(np.float64)[first] if time else None,
    )


def clean(smiles: str) -> str:
    """The canonical SMILES of the largest fragment, neutral; BadMolecule if there is none."""
    return standardise(parse(smiles.strip()))[1]


def _column(frame: pd.DataFrame, file: Path, name: str) -> str:
    if name not in frame.columns:
        raise InputError(f"{file}: no column {name!r}{nearest(name, map(str, frame.columns))}")
    return name
