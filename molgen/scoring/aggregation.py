"""Aggregations: the desirabilities of a molecule's components to its one score.

Pareto ranks are not among them: a front belongs to a set of molecules (`molgen rank --diversity pareto`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Aggregation = Literal["geometric", "arithmetic", "minimum"]


def aggregate(desirabilities: Sequence[np.ndarray], weights: Sequence[float], how: Aggregation) -> np.ndarray:
    """The joint value of desirabilities, each (n,): in [0, 1], NaN where one of them is NaN.

    Geometric: the weighted geometric mean; one desirability of 0 makes it 0 (Derringer and Suich, J. Qual. Technol.
    1980, 12, 214, eq. 1). Arithmetic: the weighted mean. Minimum: the worst one, whatever the weights (Kim and Lin,
    J. R. Stat. Soc. C 2000, 49, 311, maximise it).
    """
    values = np.stack(desirabilities)
    shares = np.array(weights)[:, None] / sum(weights)
    if how == "minimum":
        return values.min(axis=0)
    if how == "arithmetic":
        return np.clip((values * shares).sum(axis=0), 0.0, 1.0)
    with np.errstate(divide="ignore"):
        return np.clip(np.exp((np.log(values) * shares).sum(axis=0)), 0.0, 1.0)
