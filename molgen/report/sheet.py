"""The candidates as columns: the ranked table with what the page needs beside it, made once a run.

Both back ends of the page read it: the report embeds it, and the review server keeps it as a file, so that 50,000
molecules start in seconds the second time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rdkit import Chem

from molgen.chem.alerts import DEFAULT_SETS, SETS, located
from molgen.chem.diversity import sphere_exclusion
from molgen.chem.hazards import PREFIX, flags, hazards
from molgen.chem.parse import BadMolecule, parse
from molgen.chem.profile import Wanted, profile
from molgen.core import tables
from molgen.core.errors import InputError
from molgen.core.progress import progress
from molgen.core.tables import PROPERTIES, PROPERTY_COLUMNS
from molgen.core.workers import map_ordered
from molgen.report.maps import chemical_map
from molgen.report.neighbours import Neighbour, nearest_known, nearest_training
from molgen.report.predictions import Named, predicted
from molgen.report.run import Run

CHUNK = 500
CLUSTERED_ABOVE = 0.5  # similarity to a cluster's best molecule (Morgan, radius 2)
DESIRABILITY = ".desirability"
FIXED = {"rank", "smiles", "score", "scaffold", "passed", "failed", "alerts", "reason"}  # shown in their own way
WITHOUT_PLACE = {
    "smiles",
    "inchikey",
    "scaffold",
    "nearest",
    "near",
    "alerts",
    "alert_atoms",
    "predicted",
    "map_x",
    "map_y",
    "group",
}  # of the sheet, but no columns of the page
LABELS = {"rotatable_bonds": "Rot. bonds", "aromatic_rings": "Arom. rings", "heavy_atoms": "Heavy atoms"}
LABELS |= {"rings": "Rings", "fsp3": "Fsp3", "stereocentres": "Stereocentres", "charge": "Charge", "count": "Drawn"}
LABELS |= {"source": "Generator", "index": "Draw"}
BITS = 2048
NEAR = pa.list_(
    pa.struct([("set", pa.string()), ("name", pa.string()), ("smiles", pa.string()), ("similarity", pa.float64())])
)


@dataclass(frozen=True)
class Column:
    """A column that can be sorted, filtered and exported."""

    key: str
    label: str
    unit: str = ""
    meaning: str = ""
    kind: str = "number"
    digits: int = 2


@dataclass(frozen=True)
class Sheet:
    """The candidates in the order of their rank.

    `table` has a row a candidate: smiles, inchikey, scaffold, nearest (training molecule, or null), near (of each set
    of known molecules the nearest), predicted (what each predictor says; absent without any), alerts (names),
    alert_atoms (for each name its atoms), map_x and map_y, group (number of its cluster), and a column for each of
    `columns` and each component's desirability.
    """

    table: pa.Table
    columns: list[Column] = field(default_factory=list)

    def __len__(self) -> int:
        return self.table.num_rows

    @property
    def components(self) -> list[str]:
        """Names of the objective's components."""
        return [n.removesuffix(DESIRABILITY) for n in self.table.schema.names if n.endswith(DESIRABILITY)]

    @property
    def smiles(self) -> list[str]:
        return self.table["smiles"].to_pylist()

    def row(self, place: int) -> dict[str, Any]:
        """Everything known of one candidate."""
        return self.table.slice(place, 1).to_pylist()[0]


def make_sheet(
    run: Run,
    limit: int,
    workers: int = 1,
    *,
    neighbours: bool = True,
    known: Sequence[str] = (),
    predictors: Sequence[Named] = (),
) -> Sheet:
    """The best `limit` candidates of a run; empty if there is no ranked table. `known`: files of known molecules."""
    if not run.candidates.is_file():
        return sheet_of(pa.table({"smiles": pa.array([], pa.string())}))
    ranked = tables.read(run.candidates, tables.CANDIDATES).sort_by("rank").slice(0, limit)
    made, prints, good = _profiles(run, ranked, workers)
    ranked = ranked.take(pa.array(good, pa.int64()))
    columns: dict[str, Any] = {"smiles": ranked["smiles"], "inchikey": pa.array(made["inchikey"], pa.string())}
    columns["scaffold"] = ranked["scaffold"]
    columns["alerts"] = pa.array(made["alerts"], pa.list_(pa.string()))
    columns["alert_atoms"] = pa.array(made["alert_atoms"], pa.list_(pa.list_(pa.int32())))
    columns |= {"rank": ranked["rank"], "score": ranked["score"]}
    columns |= {n: pa.array(made[n], pa.float64()) for n in PROPERTIES}
    columns |= {n: _plain(ranked[n]) for n in ranked.schema.names if n not in FIXED}
    columns["alert_count"] = pa.array([len(a) for a in made["alerts"]], pa.int64())
    columns |= _near(run, ranked["smiles"].to_pylist(), workers, neighbours, known)
    told = predicted(columns["smiles"].to_pylist(), predictors, workers)
    if taken := [name for name in told if name in columns]:
        raise InputError(f"predictor {taken[0]!r}: the candidates have a column of that name; rename its folder")
    columns |= told
    place = chemical_map(prints)
    columns |= {"map_x": pa.array(place[:, 0]), "map_y": pa.array(place[:, 1])}
    centres = sphere_exclusion(prints, similarity=CLUSTERED_ABOVE, workers=workers)
    columns["group"] = pa.array(np.unique(centres, return_inverse=True)[1] + 1, pa.int64())
    return sheet_of(pa.table(columns))


def sheet_of(table: pa.Table) -> Sheet:
    """A sheet from its table: what each column is called and means."""
    known = {c.name: c for c in (*PROPERTY_COLUMNS, *tables.CANDIDATES.columns, *tables.SAMPLES.columns)}
    about = {
        "rank": Column("rank", "Rank", meaning="place in the ranking", digits=0),
        "score": Column("score", "Score", meaning="the objective's value, 0 to 1", digits=3),
        "alert_count": Column(
            "alert_count", "Alerts", meaning="structural alerts (PAINS, BRENK) and hazard flags", digits=0
        ),
        "similarity": Column(
            "similarity",
            "Nearest",
            meaning="Tanimoto similarity to the nearest training molecule (Morgan, radius 2, 2,048 bits), 0 to 1",
        ),
    }
    columns = []
    for key in table.schema.names:
        if key in WITHOUT_PLACE or key.endswith(DESIRABILITY):
            continue
        if key not in about:
            text = pa.types.is_string(table.schema.field(key).type)
            found = known.get(key)
            unit = found.unit if found and found.unit not in {"count", "log10"} else ""
            meaning = found.meaning if found else ""
            kind, digits = ("text", 0) if text else ("number", _digits(table[key].to_numpy()))
            about[key] = Column(key, LABELS.get(key, key), unit, meaning, kind, digits)
        columns.append(about[key])
    return Sheet(table, columns)


def _near(run: Run, smiles: list[str], workers: int, training: bool, known: Sequence[str]) -> dict[str, pa.Array]:
    """The columns `nearest`, `near`, and `similarity` where there is a training set."""
    found: dict[str, list[Neighbour | None]] = {}
    if training and run.molecules.is_file():
        found["training set"] = nearest_training(smiles, Path(run.molecules), workers)
    for file in known:
        found[Path(file).name.split(".")[0]] = nearest_known(smiles, Path(file))
    train = found.get("training set", [None] * len(smiles))
    near = [
        [{"set": name, "name": one.name, "smiles": one.smiles, "similarity": one.similarity}
         for name, all_ in found.items() if (one := all_[row])]
        for row in range(len(smiles))
    ]  # fmt: skip
    columns = {"nearest": pa.array([n.smiles if n else None for n in train], pa.string()), "near": pa.array(near, NEAR)}
    if any(train):
        columns["similarity"] = pa.array([round(n.similarity, 4) if n else None for n in train], pa.float64())
    return columns


def _profiles(run: Run, ranked: pa.Table, workers: int) -> tuple[dict[str, list[Any]], np.ndarray, list[int]]:
    """Values by column, packed fingerprints, and the rows that are molecules; the others are said in the gaps."""
    smiles = ranked["smiles"].to_pylist()
    names = ranked["alerts"].to_pylist() if "alerts" in ranked.schema.names else [None] * len(smiles)
    chunks = [(smiles[i : i + CHUNK], names[i : i + CHUNK]) for i in range(0, len(smiles), CHUNK)]
    made: dict[str, list[Any]] = {n: [] for n in ("inchikey", "alerts", "alert_atoms", *PROPERTIES)}
    prints, good, row = [np.zeros((0, BITS // 8), np.uint8)], list[int](), 0
    with progress("candidates", len(smiles), "molecules") as bar:
        for found in map_ordered(_profile_chunk, chunks, workers):
            for one in found:
                if isinstance(one, str):
                    run.gaps.append(f"Candidate {ranked['rank'][row].as_py()} is not drawn: {one}.")
                else:
                    good.append(row)
                    prints.append(one.pop("print")[None])
                    for name, value in one.items():
                        made[name].append(value)
                row += 1
            bar.advance(len(found))
    return made, np.concatenate(prints), good


def _profile_chunk(chunk: tuple[list[str], list[Any]]) -> list[dict[str, Any] | str]:
    """For each SMILES its values, or why it is none. `names` are the alerts that the table holds, if it does."""
    found: list[dict[str, Any] | str] = []
    for smiles, names in zip(*chunk, strict=True):
        try:
            mol = parse(smiles or "")
        except BadMolecule as bad:
            found.append(str(bad))
            continue
        known = profile(mol, Wanted(alerts=(), bits=BITS, smiles=False, scaffold=False))
        row: dict[str, Any] = {n: round(v, 6) for n, v in known.properties.items()}
        row |= {"inchikey": known.inchikey or "", "print": known.fingerprint}
        row["alerts"] = _names(names) if names is not None else [*_located(mol, DEFAULT_SETS), *flags(mol)]
        row["alert_atoms"] = alert_atoms(mol, row["alerts"])
        found.append(row)
    return found


def alert_atoms(mol: Chem.Mol, names: Sequence[str]) -> list[list[int]]:
    """For each alert that a molecule has, its atoms; [] for one that cannot be found again (of another tool)."""
    if not names:
        return []
    sets = tuple(dict.fromkeys(part for name in names if (part := name.partition(":")[0]) in SETS))
    places = _located(mol, sets)
    for hazard in hazards(mol) if any(name.startswith(PREFIX) for name in names) else ():
        matches = mol.GetSubstructMatches(Chem.MolFromSmarts(hazard.smarts))
        places[f"{PREFIX}{hazard.name} ({hazard.kind})"] = sorted({a for match in matches for a in match})
    return [places.get(name, []) for name in names]


def _located(mol: Chem.Mol, sets: Sequence[str]) -> dict[str, list[int]]:
    if not sets:
        return {}
    return {a.name: sorted({atom for place in a.places for atom in place}) for a in located(mol, sets)}


def _names(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    return [str(v) for v in value]


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Numbers as float64 with null for what is not finite; everything else as text."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return pa.array([round(v, 6) if v is not None and math.isfinite(v) else None for v in column.to_pylist()],
                        pa.float64())  # fmt: skip
    texts = ["; ".join(map(str, v)) if isinstance(v, list) else v for v in column.to_pylist()]
    return pa.array([None if v is None else str(v) for v in texts], pa.string())


def _digits(values: np.ndarray) -> int:
    numbers = values[np.isfinite(values.astype(np.float64))].astype(np.float64)
    if (numbers == np.floor(numbers)).all():
        return 0
    return 1 if np.abs(numbers).max() >= 50 else 2
