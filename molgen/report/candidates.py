"""Candidates as the page shows them: every row of the ranked table with its values, components and neighbours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from rdkit import Chem

from molgen.chem.descriptors import properties
from molgen.chem.hazards import alerts_and_flags
from molgen.chem.parse import BadMolecule, parse
from molgen.core import tables
from molgen.core.tables import PROPERTIES, PROPERTY_COLUMNS
from molgen.report.neighbours import Neighbour, nearest_training
from molgen.report.run import Run

DESIRABILITY = ".desirability"
FIXED = {"rank", "smiles", "score", "scaffold", "passed", "failed", "alerts", "reason"}
LABELS = {"rotatable_bonds": "Rot. bonds", "aromatic_rings": "Arom. rings", "heavy_atoms": "Heavy atoms"}
LABELS |= {"rings": "Rings", "fsp3": "Fsp3", "stereocentres": "Stereocentres", "charge": "Charge", "count": "Drawn"}
LABELS |= {"source": "Generator", "index": "Draw"}


@dataclass(frozen=True)
class Component:
    """A component of the objective: its raw value and its desirability, 0 to 1; None where there is none."""

    name: str
    value: float | str | None
    desirability: float | None


@dataclass(frozen=True)
class Candidate:
    """A row of the page. `values` holds numbers and texts by the key of their column."""

    mol: Chem.Mol
    smiles: str
    inchikey: str
    scaffold: str
    alerts: list[str]
    components: list[Component]
    values: dict[str, float | str | None]
    nearest: Neighbour | None = None


@dataclass(frozen=True)
class Column:
    """A column that can be sorted, filtered and exported."""

    key: str
    label: str
    unit: str = ""
    meaning: str = ""
    kind: str = "number"
    digits: int = 2


@dataclass
class Candidates:
    """The candidates in the order of their rank, and their columns."""

    rows: list[Candidate] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)


def load_candidates(run: Run, limit: int, workers: int, *, neighbours: bool = True) -> Candidates:
    """The best `limit` candidates of a run; empty if there is no ranked table."""
    if not run.candidates.is_file():
        return Candidates()
    table = tables.read(run.candidates, tables.CANDIDATES).sort_by("rank").slice(0, limit)
    rows, mols = [], []
    for row in table.to_pylist():
        try:
            mols.append(parse(row["smiles"] or ""))
            rows.append(row)
        except BadMolecule as bad:
            run.gaps.append(f"Candidate {row['rank']} is not drawn: {bad}.")
    found = _neighbours(run, [r["smiles"] for r in rows], workers) if neighbours else [None] * len(rows)
    made = [_candidate(r, m, n) for r, m, n in zip(rows, mols, found, strict=True)]
    return Candidates(made, _columns(table.schema, made))


def _neighbours(run: Run, smiles: list[str], workers: int) -> list[Neighbour | None]:
    if not run.molecules.is_file():
        return [None] * len(smiles)
    return nearest_training(smiles, Path(run.molecules), workers)


def _candidate(row: Mapping[str, Any], mol: Chem.Mol, nearest: Neighbour | None) -> Candidate:
    names = [c.removesuffix(DESIRABILITY) for c in row if c.endswith(DESIRABILITY)]
    parts = [Component(n, _plain(row.get(n)), _number(row[n + DESIRABILITY])) for n in names]
    found = _alerts(row.get("alerts"), mol)
    values: dict[str, float | str | None] = {"rank": row["rank"], "score": _number(row["score"])}
    values |= {n: _number(v) for n, v in zip(PROPERTIES, properties(mol), strict=True)}
    values |= {k: _plain(v) for k, v in row.items() if k not in FIXED and not k.endswith(DESIRABILITY)}
    values |= {"alert_count": len(found), "similarity": round(nearest.similarity, 4) if nearest else None}
    return Candidate(
        mol, row["smiles"], Chem.MolToInchiKey(mol) or "", row["scaffold"] or "", found, parts, values, nearest
    )


def _alerts(value: Any, mol: Chem.Mol) -> list[str]:
    """Names of the structural alerts: those of the table, or found here if it has none."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    return [str(v) for v in value] if isinstance(value, list) else alerts_and_flags(mol)


def _columns(schema: pa.Schema, rows: list[Candidate]) -> list[Column]:
    known = {c.name: c for c in (*PROPERTY_COLUMNS, *tables.CANDIDATES.columns, *tables.SAMPLES.columns)}
    columns = [
        Column("rank", "Rank", meaning="place in the ranking", digits=0),
        Column("score", "Score", meaning="the objective's value, 0 to 1", digits=3),
    ]
    for key in rows[0].values if rows else ():
        if key in {"rank", "score", "alert_count", "similarity"}:
            continue
        about = known.get(key)
        text = any(isinstance(row.values[key], str) for row in rows)
        unit = about.unit if about and about.unit not in {"count", "log10"} else ""
        columns.append(
            Column(key, LABELS.get(key, key), unit, about.meaning if about else "", "text" if text else "number",
                   _digits(key, rows))
        )  # fmt: skip
    columns.append(
        Column("alert_count", "Alerts", meaning="structural alerts (PAINS, BRENK) and hazard flags", digits=0)
    )
    if any(row.nearest for row in rows):
        meaning = "Tanimoto similarity to the nearest training molecule (Morgan, radius 2, 2,048 bits), 0 to 1"
        columns.append(Column("similarity", "Nearest known", meaning=meaning))
    return columns


def _digits(key: str, rows: list[Candidate]) -> int:
    numbers = [v for row in rows if isinstance(v := row.values[key], int | float)]
    if all(float(v).is_integer() for v in numbers):
        return 0
    return 1 if max(map(abs, numbers)) >= 50 else 2


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, int | float) and math.isfinite(value):
        return round(float(value), 6)
    return None


def _plain(value: Any) -> float | str | None:
    if value is None or isinstance(value, int | float):
        return _number(value)
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
