"""The area under the ROC curve, and its interval."""

from __future__ import annotations

import numpy as np

from molgen.evaluate.further.figures import Figure
from molgen.evaluate.intervals import FEWEST, Z


def auc(higher: np.ndarray, lower: np.ndarray, *, both: bool = True) -> Figure:
    """How often a value of `higher` exceeds one of `lower`, ties as half; both have values, -inf is one.

    The interval is DeLong's (Biometrics 44:837, 1988): of both samples, or with `both` false of the first alone.
    """
    over = placements(higher, lower)
    value = float(over.mean())
    if min(len(higher), len(lower)) < FEWEST:
        return Figure(value)
    variance = over.var(ddof=1) / len(higher)
    if both:
        variance += placements(lower, higher).var(ddof=1) / len(lower)
    half = Z * float(np.sqrt(variance))
    return Figure(value, (max(value - half, 0.0), min(value + half, 1.0)))


def placements(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each value the share of the others below it, and half of those equal to it, float64 (n,)."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, side="left")
    found: np.ndarray = (below + np.searchsorted(ordered, values, side="right")) / (2 * len(ordered))
    return found
