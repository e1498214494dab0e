"""Fits a predictor: the kind, its calibration, its domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from molgen.chem.fingerprints import morgan
from molgen.chem.parse import parse
from molgen.chem.tanimoto import top
from molgen.core.errors import InputError
from molgen.predictor.kinds import KINDS
from molgen.predictor.model import Predictor
from molgen.predictor.settings import PredictorSettings


def labels(values: np.ndarray, settings: PredictorSettings) -> tuple[np.ndarray, bool, float | None]:
    """What is to be learnt: values, or 0 and 1; whether they are classes, and from which value on one is active."""
    different = np.unique(values)
    if settings.task == "regression" or (settings.task == "auto" and settings.active is None and len(different) != 2):
        if len(different) < 2:
            raise InputError(f"every molecule has the value {different[0]:g}; there is nothing to learn")
        return values, False, None
    threshold = float(different[-1] if settings.active is None else settings.active)
    if settings.active is None and len(different) != 2:
        raise InputError(
            f"{len(different)} different values are no two classes; say from which value one is: active=VALUE"
        )
    y = (values >= threshold).astype(np.float64)
    if min(y.sum(), len(y) - y.sum()) < settings.folds:
        raise InputError(
            f"{int(y.sum())} of {len(y)} molecules are at least {threshold:g}; each class needs {settings.folds}"
        )
    return y, True, threshold


def fit(smiles: Sequence[str], values: np.ndarray, target: str, settings: PredictorSettings, seed: int) -> Predictor:
    """A predictor of measured values; molecules are canonical SMILES, each once."""
    y, classes, threshold = labels(values, settings)
    mols = [parse(text) for text in smiles]
    kind, unseen = KINDS[settings.kind].fit(mols, y, classes, settings, seed)
    prints = morgan(mols)
    others = top(prints, prints, 2).similarity[:, 1]  # the nearest but itself
    floor = 0.0
    if classes:
        odd = np.where(y == 1, 1 - unseen.mean, unseen.mean)
        scores = np.concatenate([odd[y == 0], odd[y == 1]])
    else:
        floor = max(
            float(np.median(unseen.spread)), 1e-6
        )  # else a molecule whose parts agree by chance has no interval
        scores = np.abs(y - unseen.mean) / (unseen.spread + floor)
    return Predictor(
        kind,
        settings,
        target,
        classes,
        threshold,
        list(smiles),
        y,
        prints,
        scores,
        floor,
        float(np.quantile(others, settings.domain)),
    )
