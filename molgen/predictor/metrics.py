"""How good predictions are: figures with bootstrap intervals over molecules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from molgen.core import seeds

Metric = Callable[[np.ndarray, np.ndarray], float]
RESAMPLES = 1_000


def rmse(true: np.ndarray, found: np.ndarray) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((true - found) ** 2)))


def mae(true: np.ndarray, found: np.ndarray) -> float:
    """Mean absolute error."""
    return float(np.mean(np.abs(true - found)))


def r2(true: np.ndarray, found: np.ndarray) -> float:
    """Share of the variance that is explained; nan where there is none."""
    total = float(((true - true.mean()) ** 2).sum())
    return 1 - float(((true - found) ** 2).sum()) / total if total > 0 else float("nan")


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, of equals their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def spearman(true: np.ndarray, found: np.ndarray) -> float:
    """Correlation of ranks; nan where one of them is constant."""
    a, b = ranks(true), ranks(found)
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else float("nan")


def roc_auc(true: np.ndarray, found: np.ndarray) -> float:
    """Chance that an active ranks above an inactive; nan with one class."""
    actives = int(true.sum())
    others = len(true) - actives
    if not actives or not others:
        return float("nan")
    return float((ranks(found)[true == 1].sum() - actives * (actives + 1) / 2) / (actives * others))


def average_precision(true: np.ndarray, found: np.ndarray) -> float:
    """Mean of the precision at each active (area under the precision-recall curve); nan without actives."""
    order = np.argsort(-found, kind="stable")
    hits = true[order] == 1
    if not hits.any():
        return float("nan")
    last = np.flatnonzero(np.append(np.diff(found[order]) != 0, True))  # where a group of equal values ends
    at = last[np.searchsorted(last, np.flatnonzero(hits))]
    return float((np.cumsum(hits)[at] / (at + 1)).mean())


def brier(true: np.ndarray, found: np.ndarray) -> float:
    """Mean squared error of a probability."""
    return float(np.mean((true - found) ** 2))


REGRESSION: dict[str, Metric] = {"RMSE": rmse, "MAE": mae, "R2": r2, "Spearman": spearman}
CLASSIFICATION: dict[str, Metric] = {"ROC-AUC": roc_auc, "PR-AUC": average_precision, "Brier": brier}


def with_intervals(
    metrics: dict[str, Metric], true: np.ndarray, found: np.ndarray, seed: int
) -> dict[str, dict[str, float]]:
    """Each metric with the 2.5 and 97.5 percentiles over bootstrap samples of the molecules."""
    generator = seeds.numpy_generator(seed, "bootstrap")
    samples = generator.integers(len(true), size=(RESAMPLES, len(true)))
    out = {}
    for name, metric in metrics.items():
        values = np.array([metric(true[rows], found[rows]) for rows in samples])
        low, high = np.nanpercentile(values, [2.5, 97.5]) if np.isfinite(values).any() else (np.nan, np.nan)
        out[name] = {"value": metric(true, found), "low": float(low), "high": float(high)}
    return out
