"""The stage `feedback`: a preference model learnt from what chemists decided, and how far to believe it.

Judgements of one reviewer are compared with each other, never with those of another, who may be stricter: like is
above maybe, maybe above reject, and each such pair is one observation of the Bradley-Terry model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import Field
from rdkit import Chem

from molgen.chem.fingerprints import morgan_bits
from molgen.chem.parse import BadMolecule, parse
from molgen.chem.scaffolds import murcko
from molgen.core import tables
from molgen.core.artifacts import Identity, already_made, building, write_json
from molgen.core.errors import InputError
from molgen.core.seeds import numpy_generator
from molgen.core.settings import Settings
from molgen.review.events import Event, decisions, opinions, read_decisions
from molgen.scoring.preference import BITS, Preference, standardised, values_of

LEVELS = {"reject": 0, "maybe": 1, "like": 2}
FEWEST = 10  # judged molecules
STEPS, CLOSE = 50, 1e-8  # of Newton's method


class FeedbackSettings(Settings):
    """Settings of a preference model."""

    l2: float = Field(default=1.0, gt=0, description="how strongly weights are held near zero")
    folds: int = Field(default=5, ge=2, le=20, description="parts of the cross-validation, by scaffold")
    pairs: int = Field(default=20_000, ge=100, description="most pairs that are compared; a seeded choice beyond")


@dataclass(frozen=True)
class Judged:
    """Molecules with verdicts, their Morgan bits and properties. `pairs` int64 (n, 2): of the same reviewer, the first
    was judged higher."""

    smiles: list[str]
    mols: list[Chem.Mol]
    bits: np.ndarray
    values: np.ndarray
    pairs: np.ndarray
    reviewers: int


def feedback(source: Path, out: Path, settings: FeedbackSettings | None = None, *, seed: int = 0) -> dict[str, Any]:
    """Learns from the decisions of a run (or a decisions file) and writes the model to `out`; returns its metrics."""
    settings = settings or FeedbackSettings()
    events = _events(source)
    text = "\n".join(sorted(f"{e['id']} {e['kind']} {e['value']}" for e in events))
    identity = Identity("feedback", settings.values() | {"events": len(events)}, {"decisions": _hash(text)}, seed)
    if already_made(out, identity):
        found: dict[str, Any] = yaml.safe_load((out / "metrics.json").read_text())
        return found
    judged = judge(events, settings, seed)
    metrics = cross_validated(judged, settings, seed, _scores(source))
    with building(out, identity) as aside:
        aside.mkdir()
        fit(judged, judged.pairs, settings.l2).save(aside)
        (aside / "config.yaml").write_text(yaml.safe_dump({"type": "preference", **settings.values()}))
        write_json(aside / "metrics.json", metrics)
    return metrics


def judge(events: Sequence[Mapping[str, Any]], settings: FeedbackSettings, seed: int) -> Judged:
    """The molecules with a verdict and the pairs to learn from; an InputError if they are too few or all alike."""
    held, smiles, mols = opinions(events), list[str](), list[Chem.Mol]()
    by_reviewer: dict[str, list[tuple[int, int]]] = {}
    for text, by in held.items():
        verdicts = {name: o.verdict for name, o in by.items() if o.verdict}
        if not verdicts:
            continue
        try:
            mols.append(parse(text))
        except BadMolecule:
            continue
        for name, verdict in verdicts.items():
            by_reviewer.setdefault(name, []).append((len(smiles), LEVELS[verdict]))
        smiles.append(text)
    pairs = [
        (a, b) for mine in by_reviewer.values() for a, high in mine for b, low in mine if high > low
    ]  # of the same reviewer
    if len(smiles) < FEWEST or not pairs:
        why = "all with the same verdict" if len(smiles) >= FEWEST else f"at least {FEWEST} are needed"
        raise InputError(f"{len(smiles)} molecules have a verdict, {why}; decide on more, some good and some bad")
    chosen = np.array(pairs, np.int64)
    if len(chosen) > settings.pairs:
        rows = numpy_generator(seed, "feedback pairs").choice(len(chosen), settings.pairs, replace=False)
        chosen = chosen[np.sort(rows)]
    return Judged(smiles, mols, morgan_bits(mols, bits=BITS), values_of(mols), chosen, len(by_reviewer))


def fit(judged: Judged, pairs: np.ndarray, l2: float) -> Preference:
    """The most probable weights under pairs and an L2 penalty, by Newton's method.

    The optimum lies in the span of the molecules' features, so it is looked for there. Pairs share molecules: together
    they weigh as much as there are molecules.
    """
    rows = np.unique(pairs)
    values = judged.values[rows]
    mean, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-6)
    known = standardised(judged.bits[rows], values, mean, scale)
    _, sizes, axes = np.linalg.svd(known, full_matrices=False)
    axes = axes[sizes > 1e-9 * sizes[0]]
    place = np.searchsorted(rows, pairs)
    reduced = known @ axes.T
    difference = reduced[place[:, 0]] - reduced[place[:, 1]]
    weights = _newton(difference, len(rows) / len(pairs), l2) @ axes
    return Preference(weights, mean, scale, float(np.median(known @ weights)))


def _newton(difference: np.ndarray, weight: float, l2: float) -> np.ndarray:
    """Minimises weight * sum(log(1 + exp(-difference @ w))) + l2 / 2 * |w|^2, which is strictly convex."""
    w = np.zeros(difference.shape[1])
    for _ in range(STEPS):
        wrong = 1 / (1 + np.exp(difference @ w))
        gradient = l2 * w - weight * difference.T @ wrong
        curvature = weight * (difference * (wrong * (1 - wrong))[:, None]).T @ difference + l2 * np.eye(len(w))
        step = np.linalg.solve(curvature, gradient)
        w = w - step
        if np.abs(step).max() < CLOSE:
            break
    return w


def cross_validated(
    judged: Judged, settings: FeedbackSettings, seed: int, scores: Mapping[str, float]
) -> dict[str, Any]:
    """How often the higher-judged of two molecules of unseen scaffolds is put first; beside it, the objective's score.

    Molecules of a scaffold stay together. A pair counts where both are unseen; ties count half.
    """
    scaffolds = [murcko(mol) for mol in judged.mols]
    names = sorted(set(scaffolds))
    order = numpy_generator(seed, "feedback folds").permutation(len(names))
    fold_of = {names[i]: place % settings.folds for place, i in enumerate(order)}
    fold = np.array([fold_of[s] for s in scaffolds])
    right, count, by_score, scored = 0.0, 0, 0.0, 0
    shares = []
    for part in range(settings.folds):
        unseen = (fold[judged.pairs] == part).all(axis=1)
        seen = (fold[judged.pairs] != part).all(axis=1)
        if not unseen.any() or not seen.any():
            continue
        model = fit(judged, judged.pairs[seen], settings.l2)
        strength = standardised(judged.bits, judged.values, model.mean, model.scale) @ model.weights
        found = _order(strength[judged.pairs[unseen]])
        shares.append(found.mean())
        right, count = right + found.sum(), count + len(found)
        known = [[scores[judged.smiles[i]] for i in pair] for pair in judged.pairs[unseen]
                 if all(judged.smiles[i] in scores for i in pair)]  # fmt: skip
        if known:
            by_score, scored = by_score + _order(np.array(known)).sum(), scored + len(known)
    return {
        "molecules": len(judged.smiles),
        "reviewers": judged.reviewers,
        "pairs": len(judged.pairs),
        "unseen_pairs": count,
        "accuracy": float(right / count) if count else None,
        "accuracy_by_fold": [round(float(s), 4) for s in shares],
        "accuracy_of_score": float(by_score / scored) if scored else None,
    }


def _order(values: np.ndarray) -> np.ndarray:
    """1 where the first of two is larger, 1/2 where they are equal."""
    return (values[:, 0] > values[:, 1]) + 0.5 * (values[:, 0] == values[:, 1])


def _events(source: Path) -> list[Mapping[str, Any]]:
    if source.is_dir():
        return list(decisions(source))
    found: list[Event] = read_decisions(source)
    return [event.model_dump(mode="json") for event in found]


def _scores(source: Path) -> dict[str, float]:
    """The objective's score of each candidate of a run, to compare with."""
    file = source / "candidates.parquet"
    if not source.is_dir() or not file.is_file():
        return {}
    table = tables.read(file, tables.CANDIDATES, ["smiles", "score"])
    return dict(zip(table["smiles"].to_pylist(), table["score"].to_pylist(), strict=True))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
