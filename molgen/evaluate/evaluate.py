"""The stage `evaluate`: a file of draws and a prepared reference to one JSON file of metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from molgen.core.artifacts import Identity, already_made, building, write_json
from molgen.core.errors import ArtifactError, InputError
from molgen.core.settings import Settings
from molgen.core.tables import PROPERTIES
from molgen.evaluate.describe import Described, describe
from molgen.evaluate.distributions import distributions
from molgen.evaluate.draws import Draws, read_draws
from molgen.evaluate.metrics import Evidence, measure
from molgen.evaluate.reference import Reference, molecules_file

HELD_OUT = ("test", "test_scaffolds")


class EvaluateSettings(Settings):
    """Settings of an evaluation."""

    limit: int = Field(
        default=30_000, ge=1, description="most molecules a set that are described and compared in pairs"
    )


def evaluate(
    generated: Path,
    reference: str | Path,
    out: Path,
    settings: EvaluateSettings | None = None,
    *,
    seed: int = 0,
    workers: int = 1,
) -> dict[str, Any]:
    """Measures the draws in `generated` against a prepared folder and writes `out`; returns what was written.

    Validity, uniqueness and novelty look at every draw. All else looks at the first `limit` valid draws, and at
    `limit` molecules of each larger split, drawn with the seed.
    """
    settings = settings or EvaluateSettings()
    if out.suffix != ".json":
        raise InputError(f"{out}: --out must end in .json")
    table = molecules_file(reference)
    identity = Identity.of("evaluate", settings.values(), {"generated": generated, "reference": table}, seed)
    if already_made(out, identity):
        return read_metrics(out)
    draws = read_draws(generated, workers)
    scanned = Reference.scan(table, set(draws.valid))
    described = describe("generated", draws.valid[: settings.limit], workers)
    splits = {s: _split(scanned, s, settings.limit, seed, workers) for s in HELD_OUT if scanned.size(s)}
    evidence = Evidence(draws, scanned.known, described, splits, scanned.size("train"), workers)
    train = _train_properties(scanned, settings.limit, seed, workers)
    with building(out, identity, workers=workers) as aside:
        write_json(aside, _record(evidence, scanned, train, settings))
    return read_metrics(out)


def read_metrics(file: Path) -> dict[str, Any]:
    """A metrics file's content; an ArtifactError if it is not one."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise ArtifactError(f"{file}: not a metrics file (not JSON); make it again with `molgen evaluate`") from None
    if not isinstance(found, dict) or not isinstance(found.get("metrics"), dict):
        raise ArtifactError(f"{file}: not a metrics file (no 'metrics'); make it again with `molgen evaluate`")
    return found


def _split(scanned: Reference, split: str, limit: int, seed: int, workers: int) -> Described:
    rows = scanned.draw(split, limit, seed)
    return describe(split, rows["smiles"].to_pylist(), workers, _known_properties(rows))


def _train_properties(scanned: Reference, limit: int, seed: int, workers: int) -> dict[str, np.ndarray]:
    """Properties of (at most `limit`) training molecules; computed only where the table lacks them."""
    rows = scanned.draw("train", limit, seed)
    known = _known_properties(rows)
    if known is None:
        described = describe("train", rows["smiles"].to_pylist(), workers)
        return _by_name(described)
    return {name: known[~np.isnan(known[:, i]), i] for i, name in enumerate(PROPERTIES)}


def _known_properties(rows: pa.Table) -> np.ndarray | None:
    """The property columns as one array, or None if the table was prepared without them."""
    if any(name not in rows.column_names for name in PROPERTIES):
        return None
    return np.column_stack([rows[name].to_numpy().astype(np.float64) for name in PROPERTIES])


def _by_name(described: Described) -> dict[str, np.ndarray]:
    return {name: described.values(name) for name in PROPERTIES}


def _record(
    evidence: Evidence, scanned: Reference, train: dict[str, np.ndarray], settings: EvaluateSettings
) -> dict[str, Any]:
    values, notes = measure(evidence)
    draws = evidence.draws
    compared = {"generated": len(evidence.generated), **{s: len(d) for s, d in evidence.splits.items()}}
    sets = {"generated": _by_name(evidence.generated), "train": train}
    if "test" in evidence.splits:
        sets["test"] = _by_name(evidence.splits["test"])
    return {
        "n": len(draws),
        "metrics": values,
        "notes": notes,
        "counts": _counts(draws, evidence.known),
        "reference": {"rows": {s: scanned.size(s) for s in sorted(scanned.rows)}, "limit": settings.limit}
        | {"compared": compared},
        "distributions": distributions(sets),
    }


def _counts(draws: Draws, known: set[str]) -> dict[str, Any]:
    distinct = len(set(draws.valid))
    return {
        "drawn": len(draws),
        "valid": len(draws.valid),
        "unique": distinct,
        "novel": distinct - len(known),
        "invalid": dict(sorted(draws.reasons.items(), key=lambda item: (-item[1], item[0]))),
    }
