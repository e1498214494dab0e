"""Whether a model repeats its training set: the similarity of each draw to its nearest training molecule.

What to expect of a model that has learnt the distribution and not the molecules are the test split's own similarities
to the training set. Tail: the share of draws that are nearer than 99 % of the test split are; 0.01 is expected. AUC:
how often a draw is nearer than a molecule of the test split; 0.5 is expected, 1 a copy of the training set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from molgen.evaluate.further.context import Context
from molgen.evaluate.further.figures import Figure, mean, share
from molgen.evaluate.further.ranks import auc

TAIL = 0.99
EDGES = np.linspace(0, 1, 21)


def nearest_mean(context: Context) -> Figure:
    """Mean similarity of a draw to its nearest training molecule."""
    return mean(_own(context), high=1.0)


def tail(context: Context) -> Figure:
    """Share of the draws that are nearer than 99 % of the test split are."""
    return share(_own(context) > threshold(_others(context)))


def threshold(similarity: np.ndarray) -> float:
    """The smallest of the similarities that at most 1 % of them exceed."""
    ordered = np.sort(similarity)
    return float(ordered[int(np.ceil(TAIL * len(ordered))) - 1])


def nearer(context: Context) -> Figure:
    """How often a draw is nearer to the training set than a molecule of the test split, ties as half."""
    return auc(_own(context), _others(context), both=False)


def histogram(context: Context) -> dict[str, Any]:
    """The similarities' counts in twenty bins, of the draws and of the test split, and the tail's threshold."""
    sets = {"generated": _own(context), "test": _others(context)}
    counts = {name: np.histogram(values, EDGES)[0].tolist() for name, values in sets.items()}
    means = {name: float(values.mean()) for name, values in sets.items()}
    return {"edges": EDGES.tolist(), "counts": counts, "mean": means, "tail_above": threshold(sets["test"])}


def _own(context: Context) -> np.ndarray:
    return context.nearest_train(context.drawn()).astype(np.float64)


def _others(context: Context) -> np.ndarray:
    return context.nearest_train(context.held_out()).astype(np.float64)


METRICS: dict[str, Callable[[Context], Figure]] = {
    "NearestTrain": nearest_mean,
    "NearestTrainTail": tail,
    "NearestTrainAUC": nearer,
}
