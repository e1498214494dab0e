"""The verb's functions: train a predictor, evaluate one (or a way of making one), predict with one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from molgen.chem.parse import BadMolecule, parse
from molgen.core.artifacts import Identity, already_made, building, write_json
from molgen.core.errors import InputError
from molgen.core.progress import progress
from molgen.core.tables import PREDICTIONS, Writer
from molgen.predictor.fit import fit, labels
from molgen.predictor.metrics import CLASSIFICATION, REGRESSION, with_intervals
from molgen.predictor.model import Predictions, Predictor
from molgen.predictor.partition import How, partitions
from molgen.predictor.settings import PredictorSettings
from molgen.predictor.table import Measured, clean, read_measured
from molgen.scoring.source import Source

METRICS = "metrics.json"


@dataclass(frozen=True)
class Columns:
    """The columns of a table of measured values."""

    target: str
    smiles: str | None = None
    split: str | None = None
    time: str | None = None

    def read(self, file: Path) -> Measured:
        """The table's molecules with their values."""
        return read_measured(file, self.target, smiles=self.smiles, split=self.split, time=self.time)


def train(file: Path, columns: Columns, out: Path, settings: PredictorSettings, *, seed: int = 0) -> dict[str, Any]:
    """Fits a predictor to every molecule of a table; `metrics.json` has what it predicts of molecules not seen by the
    part that predicts (out-of-bag, or out-of-fold)."""
    values = {"columns": vars(columns), **settings.values()}
    identity = Identity.of("predictor train", values, {"table": file}, seed)
    if not already_made(out, identity):
        measured = columns.read(file)
        found = fit(measured.smiles, measured.values, columns.target, settings, seed)
        with building(out, identity) as work:
            work.mkdir()
            found.save(work)
            report = {
                "molecules": len(measured.smiles),
                "rows": measured.rows,
                "rejects": measured.rejects,
                "classes": found.classes,
                "actives": int(found.values.sum()) if found.classes else None,
                "domain": found.nearest_allowed,
            }
            write_json(work / METRICS, report)
    read: dict[str, Any] = json.loads((out / METRICS).read_text(encoding="utf-8"))
    return read


def cross_validate(
    file: Path,
    columns: Columns,
    out: Path,
    settings: PredictorSettings,
    *,
    how: How = "scaffold",
    folds: int = 5,
    test: float = 0.2,
    seed: int = 0,
) -> dict[str, Any]:
    """Fits to the training part of each partition and measures on its test part; figures are over all test parts."""
    asked = {"columns": vars(columns), "split": how, "folds": folds, "test": test, **settings.values()}
    identity = Identity.of("predictor evaluate", asked, {"table": file}, seed)
    if not already_made(out, identity):
        measured = columns.read(file)
        labels(measured.values, settings)  # refuses what cannot be learnt before any work
        parts = partitions(measured, how, folds, test, seed)
        rows, found = [], []
        with progress("evaluate", len(parts), "folds") as bar:
            for learnt, tested in parts:
                predictor = fit(*measured.take(learnt), columns.target, settings, seed)
                found.append(predictor.predict([parse(measured.smiles[i]) for i in tested]))
                rows.append(tested)
                bar.advance(1)
        joined = Predictions(*(np.concatenate(part) for part in zip(*found, strict=True)))
        places = np.concatenate(rows)
        y, classes, _ = labels(measured.values, settings)
        report = {"split": how, "folds": len(parts)} | figures(y[places], joined, classes, settings.confidence, seed)
        with building(out, identity) as work:
            write_json(work, report)
    read: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return read


def evaluate(folder: Path, file: Path, columns: Columns, out: Path, *, seed: int = 0) -> dict[str, Any]:
    """Measures a trained predictor on a table; molecules that it was trained on are counted, and left out."""
    identity = Identity.of("predictor evaluate", {"columns": vars(columns)}, {"table": file, "predictor": folder}, seed)
    if not already_made(out, identity):
        predictor, measured = Predictor.load(folder), columns.read(file)
        known = set(predictor.smiles)
        rows = np.array([i for i, smiles in enumerate(measured.smiles) if smiles not in known], np.int64)
        if not len(rows):
            raise InputError(f"{file}: every molecule of it was trained on; give others")
        smiles, values = measured.take(rows)
        y = values if predictor.threshold is None else (values >= predictor.threshold).astype(np.float64)
        found = predictor.predict([parse(text) for text in smiles])
        report = {"known": len(measured.smiles) - len(rows)}
        report |= figures(y, found, predictor.classes, predictor.settings.confidence, seed)
        with building(out, identity) as work:
            write_json(work, report)
    read: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return read


def figures(y: np.ndarray, found: Predictions, classes: bool, confidence: float, seed: int) -> dict[str, Any]:
    """Metrics with intervals; how often the conformal intervals held the truth, and how wide they are; the domain."""
    out: dict[str, Any] = {
        "molecules": len(y),
        "metrics": with_intervals(CLASSIFICATION if classes else REGRESSION, y, found.mean, seed),
        "confidence": confidence,
        "inside_domain": float(found.inside.mean()),
    }
    if classes:
        held = found.could_be[np.arange(len(y)), y.astype(int)]
        out |= {"actives": int(y.sum()), "one_class": float((found.could_be.sum(axis=1) == 1).mean())}
    else:
        held = (found.low <= y) & (y <= found.high)
        out["width"] = float(np.median(found.high - found.low))
        error = np.abs(y - found.mean)
        for name, rows in (("inside", found.inside), ("outside", ~found.inside)):
            out[f"MAE_{name}"] = float(error[rows].mean()) if rows.any() else None
    return out | {"coverage": float(held.mean())}


def predict(folder: Path, file: Path, out: Path) -> dict[str, int]:
    """A row of predictions for each row of a file, in order; a row without a molecule says why."""
    if out.suffix != ".parquet":
        raise InputError(f"{out}: --out must end in .parquet")
    predictor = Predictor.load(folder)
    source = Source(file)
    identity = Identity.of("predictor predict", {}, {"molecules": file, "predictor": folder})
    counts = {"rows": 0, "molecules": 0, "outside": 0}
    if already_made(out, identity):
        return counts
    with building(out, identity) as aside, Writer(aside, PREDICTIONS.schema(), PREDICTIONS) as writer:
        for chunk in source.chunks():
            rows = _rows(predictor, chunk["smiles"].to_pylist())
            writer.write(rows)
            counts["rows"] += rows.num_rows
            counts["molecules"] += rows.num_rows - rows["value"].null_count
            counts["outside"] += rows["inside"].to_pylist().count(False)
        if not counts["rows"]:
            raise InputError(source.damage or f"{file}: no molecules in it")
    return counts


def _rows(predictor: Predictor, texts: list[str | None]) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [None] * len(texts) for name in PREDICTIONS.names}
    columns["smiles"] = list(texts)
    places, mols = [], []
    for place, text in enumerate(texts):
        try:
            mols.append(parse(clean(text or "")))
            places.append(place)
        except BadMolecule as error:
            columns["reason"][place] = f"no molecule: {error.reason}"
    if mols:
        found = predictor.predict(mols)
        for row, place in enumerate(places):
            for name, values in (("value", found.mean), ("low", found.low), ("high", found.high)):
                columns[name][place] = float(values[row])
            columns["could_be"][place] = _could_be(found.could_be[row]) if predictor.classes else None
            columns["similarity"][place] = float(found.similarity[row])
            columns["nearest"][place] = predictor.smiles[int(found.nearest[row])]
            columns["inside"][place] = bool(found.inside[row])
    return pa.table(columns, PREDICTIONS.schema())


def _could_be(which: np.ndarray) -> str:
    names = [name for name, there in zip(("inactive", "active"), which.tolist(), strict=True) if there]
    return " or ".join(names) or "neither"
