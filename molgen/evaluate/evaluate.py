"""The stage `evaluate`: a file of draws and a prepared reference to one JSON file of metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from molgen.core.artifacts import Identity, already_made, building, write_json
from molgen.core.errors import InputError
from molgen.core.settings import Settings
from molgen.core.tables import PROPERTIES
from molgen.evaluate.describe import Described, describe
from molgen.evaluate.distributions import distributions
from molgen.evaluate.draws import Draws, copied_after, read_draws
from molgen.evaluate.floor import floor
from molgen.evaluate.frechet import Gaussian, gaussian
from molgen.evaluate.further.further import Further, measure_further
from molgen.evaluate.further.likelihoods import of_model
from molgen.evaluate.further.names import GROUPS
from molgen.evaluate.intervals import intervals
from molgen.evaluate.metrics import Evidence, measure
from molgen.evaluate.record import read_metrics
from molgen.evaluate.reference import Fetched, Reference, open_reference, reference_files
from molgen.evaluate.statistics import chemnet, delivered, described

HELD_OUT = ("test", "test_scaffolds")
UNIQUE_AT = (1_000, 10_000)


class EvaluateSettings(Settings):
    """Settings of an evaluation."""

    limit: int = Field(default=30_000, ge=1, description="most valid draws that are described and compared")
    validity: Literal["strict", "literature"] = Field(
        default="strict",
        description="whether several fragments and repaired draws are molecules (literature) or not (strict)",
    )
    floor: bool = Field(default=True, description="measure as many training molecules, too")
    further: tuple[Literal["guacamol", "manifold", "parts", "memory", "balance"], ...] = Field(
        default=(), description="groups of metrics beyond the MOSES table; `all` is all of them"
    )
    further_limit: int = Field(default=10_000, ge=1, description="most molecules of a set that those look at")
    likelihoods: int = Field(default=2_000, ge=1, description="molecules of each split whose likelihoods are computed")
    reference_limit: int | None = Field(
        default=None, ge=1, description="most molecules of a held-out split; null: all, as the benchmarks do"
    )

    @field_validator("further", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        """`all`, or a group alone, stands for a list."""
        return GROUPS if value == "all" else [value] if isinstance(value, str) else value


def evaluate(
    generated: Path,
    reference: str | Path,
    out: Path,
    settings: EvaluateSettings | None = None,
    *,
    model: str | None = None,
    other: Path | None = None,
    seed: int = 0,
    workers: int = 1,
) -> dict[str, Any]:
    """Measures the draws in `generated` against a prepared folder and writes `out`; returns what was written.

    Validity, uniqueness and novelty look at every draw. All else looks at the first `limit` valid draws. What is
    known of the held-out splits is kept in the cache folder. With `model`, a folder or a shipped name of a model that
    has likelihoods, also those of the splits, and of a file of `other` molecules.
    """
    settings = settings or EvaluateSettings()
    if out.suffix != ".json":
        raise InputError(f"{out}: --out must end in .json")
    files = reference_files(reference)
    asked = settings.values() | {"chemnet": weights_there()}
    inputs = {"generated": generated, **files, **_model_files(model, other)}
    identity = Identity.of("evaluate", asked, inputs, seed)
    if already_made(out, identity):
        return read_metrics(out)
    draws = read_draws(generated, workers, strict=settings.validity == "strict")
    scanned = open_reference(reference, set(draws.valid))
    rows = {s: scanned.draw(s, settings.reference_limit, seed) for s in HELD_OUT if scanned.size(s)}
    held_out = {split: found.smiles for split, found in rows.items()}
    splits = {  # property distributions are compared with those of `test` alone
        s: described(s, found.smiles, workers, found.properties, properties=s == "test") for s, found in rows.items()
    }
    drawn = describe("generated", draws.valid[: settings.limit], workers)
    evidence = Evidence(draws, scanned.known, drawn, splits, scanned.size("train"), workers)
    whole = {s: delivered(scanned.draw(s, None, seed).smiles) for s in held_out}
    evidence = with_chemnet(evidence, held_out, whole)
    train, floor_row = _training_set(scanned, evidence, held_out, settings, seed)
    record = _record(evidence, scanned, train, settings) | {"floor": floor_row}
    if settings.further:
        record = _further(evidence, scanned, settings, seed).into(record)
    if model is not None:
        record = of_model(scanned, model, other, settings.likelihoods, seed, workers).into(record)
    with building(out, identity, workers=workers) as aside:
        write_json(aside, record)
    return read_metrics(out)


def weights_there() -> bool:
    """Whether ChemNet's weights are installed: an evaluation without them is another one."""
    from molgen.evaluate.chemnet import ChemNetMissingError, weights_file

    try:
        weights_file()
    except ChemNetMissingError:
        return False
    return True


def with_chemnet(
    evidence: Evidence, held_out: Mapping[str, Sequence[str]], whole: Mapping[str, Gaussian | None]
) -> Evidence:
    """The evidence with ChemNet statistics of the draws and of the splits, or with why there are none.

    `whole` has those of whole splits that come with molgen: also for a split that was cut to fewer molecules.
    """
    from molgen.evaluate.chemnet import ChemNetMissingError, activations

    generated, workers = evidence.generated, evidence.workers
    if len(generated) < 2:
        return evidence
    try:
        found = {s: whole.get(s) or chemnet(f"ChemNet {s}", smiles, workers) for s, smiles in held_out.items()}
        own = activations(generated.smiles, workers=workers)
        found["generated"] = gaussian(own, generated.counts)
    except ChemNetMissingError as error:
        return replace(evidence, no_chemnet=str(error))
    return replace(evidence, chemnet=found, activations=own)


def _model_files(model: str | None, other: Path | None) -> dict[str, Path]:
    """The inputs that a model's likelihoods add; one that has none is refused before any work."""
    if model is None:
        if other is not None:
            raise InputError(f"--other {other}: needs --model, whose likelihoods tell its molecules apart")
        return {}
    from molgen.generators.folder import model_folder
    from molgen.likelihood import of_molecules

    of_molecules(model, ())
    return {"model": model_folder(model)} | ({"other": other} if other is not None else {})


def _further(evidence: Evidence, scanned: Reference | Fetched, settings: EvaluateSettings, seed: int) -> Further:
    return measure_further(evidence, scanned, settings.further, settings.further_limit, seed, beside=settings.floor)


def _training_set(
    scanned: Reference | Fetched,
    evidence: Evidence,
    held_out: Mapping[str, Sequence[str]],
    settings: EvaluateSettings,
    seed: int,
) -> tuple[dict[str, np.ndarray], dict[str, Any] | None]:
    """Properties of training molecules, and the floor: the metrics of as many of them as were drawn.

    Without the floor, properties only where the reference knows them: those of fetched files would have to be computed.
    """
    known = scanned.draw("train", settings.limit, seed).properties
    properties = {name: np.empty(0) for name in PROPERTIES}
    if known is not None:
        properties = {name: known[~np.isnan(known[:, i]), i] for i, name in enumerate(PROPERTIES)}
    if not settings.floor:
        return properties, None
    rows = scanned.draw("train", min(settings.limit, len(evidence.draws)), seed)
    train = described("train", rows.smiles, evidence.workers, rows.properties, filters=True)
    properties = _by_name(train) if known is None else properties
    if not len(train) or not evidence.splits:
        return properties, None
    return properties, {"n": len(train), "metrics": floor(evidence, train, rows.smiles, held_out)}


def _by_name(described: Described) -> dict[str, np.ndarray]:
    return {name: described.values(name) for name in PROPERTIES}


def _record(
    evidence: Evidence, scanned: Reference | Fetched, train: dict[str, np.ndarray], settings: EvaluateSettings
) -> dict[str, Any]:
    values, notes = measure(evidence)
    draws = evidence.draws
    for k in UNIQUE_AT:
        if len(draws.valid) < k <= len(draws) and values.get(f"unique@{k}") is not None:
            notes[f"unique@{k}"] = f"over the {len(draws.valid):,} valid draws that there are"
    if said := _copies(draws):
        notes["unique"] = said
    compared = {"generated": len(evidence.generated), **{s: len(d) for s, d in evidence.splits.items()}}
    sets = {"generated": _by_name(evidence.generated), "train": train}
    if "test" in evidence.splits:
        sets["test"] = _by_name(evidence.splits["test"])
    return {
        "n": len(draws),
        "metrics": values,
        "intervals": {name: list(bounds) for name, bounds in intervals(evidence, values).items()},
        "notes": notes,
        "counts": _counts(draws, evidence.known),
        "reference": {"rows": {s: scanned.size(s) for s in sorted(scanned.rows)}, "limit": settings.limit}
        | {"compared": compared},
        "distributions": distributions(sets),
    }


def _copies(draws: Draws) -> str:
    """What is odd about repeats: that the file, and not the model, has draws more than once."""
    said = []
    if draws.twice:
        said.append(f"{draws.twice:,} rows have the index of an earlier row: were parts joined twice?")
    if found := copied_after(draws.smiles):
        said.append(f"{found[1]:,} repeats come {found[0]:,} draws after the molecule before: one seed drawn twice?")
    return " ".join(said)


def _counts(draws: Draws, known: set[str]) -> dict[str, Any]:
    repeated = Counter(draws.valid)
    distinct = len(repeated)
    return {
        "drawn": len(draws),
        "valid": len(draws.valid),
        "unique": distinct,
        "novel": distinct - len(known),
        "valid_strict": draws.readings[0],
        "valid_literature": draws.readings[1],
        "several_fragments": draws.several_fragments,
        "repaired": draws.repaired,
        "repeats": len(draws.valid) - distinct,
        "most_repeated": {smiles: count for smiles, count in repeated.most_common(3) if count > 1},
        "invalid": dict(sorted(draws.reasons.items(), key=lambda item: (-item[1], item[0]))),
    }
