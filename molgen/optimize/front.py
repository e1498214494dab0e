"""Several goals at once: which molecules of a search no other beats in every one, and how much they hold.

The goals are the desirabilities of the objective's components, each from 0 to 1, before they are aggregated.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import qmc

from molgen.optimize.experience import Experience
from molgen.scoring.pareto import fronts

POINTS = 2**16  # of Sobol's sequence, at which a hypervolume is looked up: an error below 1e-3


def goals(experience: Experience, names: list[str]) -> Float[np.ndarray, "calls goals"]:
    """The desirabilities of each call, 0 where a filter failed or one of them is missing."""
    values = [[row[f"{name}.desirability"] if row["passed"] else None for name in names] for row in experience.rows]
    found = np.array(values, np.float64).reshape(len(values), len(names))
    return np.where(np.isfinite(found).all(axis=1, keepdims=True), found, 0.0)


def front(values: Float[np.ndarray, "calls goals"]) -> Int[np.ndarray, " front"]:
    """The calls that no other one is better than in one goal and as good in all; none of those that hold nothing."""
    return np.flatnonzero((fronts(values, at_least=1) == 1) & values.any(axis=1))


def hypervolumes(values: Float[np.ndarray, "calls goals"]) -> Float[np.ndarray, " calls"]:
    """The share of the unit cube that is dominated by what was found, after each call.

    A point is dominated if some molecule is at least as good in every goal (Zitzler and Thiele 1998; the reference
    point is 0). The share is counted over points spread evenly, for its exact value costs too much with many goals.
    """
    points = qmc.Sobol(values.shape[1], scramble=False).random(POINTS) + 0.5 / POINTS
    best = np.empty((0, values.shape[1]))
    out = np.zeros(len(values))
    for call, row in enumerate(values):
        if not (best >= row).all(axis=1).any():  # or it dominates nothing that was not dominated before
            best = np.vstack([best[~(best <= row).all(axis=1)], row])
            points = points[~(points <= row).all(axis=1)]
        out[call] = 1 - len(points) / POINTS
    return out
