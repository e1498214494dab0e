"""Pareto fronts: which molecules no other one beats in everything at once."""

from __future__ import annotations

import numpy as np


def fronts(values: np.ndarray, at_least: int) -> np.ndarray:
    """The front of each row, int64 (n,), from 1; larger is better in every column of `values` (n, goals).

    A row is in front 1 if no other row is at least as good in every goal and better in one; in front 2 if that holds
    once front 1 is taken away; and so on, until `at_least` rows have one. 0: not reached.
    """
    front = np.zeros(len(values), np.int64)
    number = 0
    while (front > 0).sum() < min(at_least, len(values)):
        number += 1
        waiting = np.flatnonzero(front == 0)
        front[waiting[_undominated(values[waiting])]] = number
    return front


def _undominated(values: np.ndarray) -> np.ndarray:
    """Indices of the rows that no row dominates."""
    # What dominates a row has a larger sum, and rounding keeps a sum from falling when a goal rises. So in the order
    # of sums each row is judged after all that could beat it; equal sums are told apart goal by goal.
    left = np.lexsort((*values.T[::-1], values.sum(axis=1)))[::-1]
    found = []
    while len(left):
        best, left = left[0], left[1:]
        found.append(best)
        no_better = (values[left] <= values[best]).all(axis=1)
        equal = (values[left] == values[best]).all(axis=1)
        left = left[~no_better | equal]
    return np.array(found, np.int64)
