"""Random folds of the training molecules."""

from __future__ import annotations

import numpy as np

from molgen.core import seeds


def folds_of(y: np.ndarray, classes: bool, count: int, seed: int) -> list[np.ndarray]:
    """Row numbers of random folds of equal size; with classes, each has its share of the actives."""
    order = seeds.numpy_generator(seed, "folds").permutation(len(y))
    if classes:
        order = order[np.argsort(y[order], kind="stable")]
    return [np.sort(order[number::count]) for number in range(count)]
