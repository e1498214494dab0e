"""What property models say of the candidates: value, interval, and whether they have seen anything like them.

The predictors are those of the run's objective, and folders that a user names. A molecule is given to them as it
stands in the table, as the objective's component does, so that the value is the component's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from molgen.chem.parse import parse
from molgen.core.artifacts import fingerprint
from molgen.core.errors import InputError, MolgenError
from molgen.core.progress import progress
from molgen.core.workers import map_ordered
from molgen.report.run import Run

if TYPE_CHECKING:
    from molgen.predictor.model import Predictor

CHUNK = 250
PREDICTED = pa.list_(
    pa.struct(
        [
            ("name", pa.string()),
            ("target", pa.string()),
            ("classes", pa.bool_()),
            ("confidence", pa.float64()),
            ("usual", pa.list_(pa.float64())),  # where 99 % of the measured values lie
            ("value", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("could_be", pa.list_(pa.string())),  # the classes that cannot be excluded
            ("similarity", pa.float64()),
            ("limit", pa.float64()),  # similarity below which a molecule is outside the domain
            ("nearest", pa.string()),
            ("inside", pa.bool_()),
        ]
    )
)


@dataclass(frozen=True)
class Named:
    """A predictor's folder, and what its value is called. `own`: the objective has it, as a component of that name."""

    name: str
    folder: Path
    own: bool


def predictors_of(run: Run, folders: Sequence[str]) -> list[Named]:
    """The predictors of the run's objective that are still where they were, then the ones in `folders`.

    What the objective used and is gone or has changed is said in the gaps; a bad folder of the user is an InputError.
    """
    found: dict[str, Named] = {}
    for record in run.provenance.values():
        identity = record.get("identity", {})
        settings = identity.get("settings", {})
        objective = {"score": settings, "optimize": settings.get("objective")}.get(identity.get("verb")) or {}
        for one in objective.get("components", []):
            if one.get("type") == "predictor" and one["name"] not in found and _unchanged(run, one):
                found[one["name"]] = Named(one["name"], Path(one["predictor_file"]["path"]), own=True)
    for folder in folders:
        _loaded(folder)
        name = Path(folder).resolve().name
        if name in found:
            raise InputError(f"{folder}: another predictor is called {name!r} here; rename the folder")
        found[name] = Named(name, Path(folder), own=False)
    return list(found.values())


def _unchanged(run: Run, component: Mapping[str, Any]) -> bool:
    reference = component["predictor_file"]
    where = f"The predictor of {component['name']} ({reference['path']})"
    try:
        if fingerprint(Path(reference["path"])) == reference["sha256"]:
            return True
        run.gaps.append(f"{where} has changed since the molecules were scored: no intervals are shown.")
    except (MolgenError, OSError):
        run.gaps.append(f"{where} is not there any more: no intervals are shown.")
    return False


def predicted(smiles: Sequence[str], predictors: Sequence[Named], workers: int = 1) -> dict[str, pa.Array]:
    """The column `predicted` (a struct a predictor), and for each that is not the objective's own a column of its
    values. Nothing without predictors."""
    if not predictors or not smiles:
        return {}
    chunks = [list(smiles[i : i + CHUNK]) for i in range(0, len(smiles), CHUNK)]
    rows: list[list[dict[str, Any]]] = [[] for _ in smiles]
    columns: dict[str, pa.Array] = {}
    for one in predictors:
        values = []
        with progress(one.name, len(smiles), "predictions") as bar:
            for found in map_ordered(partial(_of_chunk, folder=str(one.folder)), chunks, workers):
                values += [{"name": one.name, **value} for value in found]
                bar.advance(len(found))
        for row, value in zip(rows, values, strict=True):
            row.append(value)
        if not one.own:
            columns[one.name] = pa.array([value["value"] for value in values], pa.float64())
    return {"predicted": pa.array(rows, PREDICTED), **columns}


def _of_chunk(smiles: list[str], folder: str) -> list[dict[str, Any]]:
    model = _loaded(folder)
    found = model.predict([parse(text) for text in smiles])
    usual = [0.0, 1.0] if model.classes else np.quantile(model.values, [0.005, 0.995]).round(6).tolist()
    common: dict[str, Any] = {"target": model.target, "classes": model.classes, "usual": usual}
    common |= {"confidence": model.settings.confidence, "limit": round(model.nearest_allowed, 4)}
    return [
        common
        | {name: round(float(getattr(found, field)[row]), 6) for name, field in
           (("value", "mean"), ("low", "low"), ("high", "high"), ("similarity", "similarity"))}
        | {
            "could_be": [c for c, there in zip(("inactive", "active"), found.could_be[row], strict=True) if there]
            if model.classes else None,
            "nearest": model.smiles[int(found.nearest[row])],
            "inside": bool(found.inside[row]),
        }
        for row in range(len(smiles))
    ]  # fmt: skip


@lru_cache(maxsize=8)
def _loaded(folder: str) -> Predictor:
    from molgen.predictor.model import Predictor

    return Predictor.load(Path(folder))
