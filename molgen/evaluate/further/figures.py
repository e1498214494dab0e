"""A figure and its interval, from what each molecule contributes to it (see `molgen.evaluate.intervals`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from molgen.evaluate.intervals import FEWEST, Z, standard_error, wilson


class Figure(NamedTuple):
    """A metric's value and its 95 % interval, None where there are too few molecules for one."""

    value: float
    bounds: tuple[float, float] | None = None


def figure(value: float, influences: np.ndarray, low: float = 0.0, high: float = np.inf) -> Figure:
    """A value with the interval that the influences (n,) of n draws give, cut to the range of what it measures."""
    n = len(influences)
    if n < FEWEST:
        return Figure(value)
    half = Z * standard_error(influences.astype(np.float64), np.ones(n))
    return Figure(value, (max(value - half, low), min(value + half, high)))


def mean(values: np.ndarray, low: float = 0.0, high: float = np.inf) -> Figure:
    """The mean of values (n,)."""
    return figure(float(values.mean()), values, low, high)


def share(hits: np.ndarray) -> Figure:
    """The share of n that are true, with Wilson's interval."""
    value = float(hits.mean())
    return Figure(value, wilson(value, len(hits)) if len(hits) >= FEWEST else None)


def covered(reference: np.ndarray, by: np.ndarray, last: np.ndarray, n: int) -> Figure:
    """The weight of what n draws cover, where `by` draws cover each item, and `last` is one of them.

    The interval is the jackknife's: without draw i, the items that it alone covers (by = 1) are lost. The jackknife's
    variance is too large rather than too small (Efron and Stein, Ann. Stat. 9:586, 1981).
    """
    total = float(reference.sum())
    alone = by == 1
    lost = np.bincount(last[alone], weights=reference[alone], minlength=n)
    return figure(float(reference[by > 0].sum()) / total, n * lost / total, high=1.0)
