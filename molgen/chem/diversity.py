"""Diverse picks from molecules sorted best first, on packed fingerprints. Deterministic: ties go to the better."""

from __future__ import annotations

import numpy as np

from molgen.chem.fingerprints import tanimoto


def maxmin(prints: np.ndarray, values: np.ndarray, count: int, *, weight: float) -> list[int]:
    """Greedy MaxMin pick that trades distance with value: indices in picking order.

    Starts with row 0; each further pick has the largest `weight` * (Tanimoto distance to the nearest pick)
    + (1 - `weight`) * value, with values in [0, 1]. `weight` = 1 is the classical MaxMin (Ashton et al.,
    Quant. Struct.-Act. Relat. 2002, 21, 598), 0 the order of the values.
    """
    distance = np.full(len(prints), np.inf)
    free = np.ones(len(prints), bool)
    picked: list[int] = []
    while len(picked) < min(count, len(prints)):
        gain = (1 - weight) * values + weight * distance if picked else -np.arange(len(prints), dtype=np.float64)
        best = int(np.argmax(np.where(free, gain, -np.inf)))  # the first of equals
        picked.append(best)
        free[best] = False
        np.minimum(distance, 1.0 - tanimoto(prints, prints[best : best + 1])[:, 0], out=distance)
    return picked


def sphere_exclusion(prints: np.ndarray, *, similarity: float) -> np.ndarray:
    """Clusters around leaders, int64 (n,): the number of each row's cluster, from 0 in the order of their leaders.

    In row order, a row that is at least `similarity` similar to a leader joins the first such leader, otherwise it
    becomes one (Hudson et al., Quant. Struct.-Act. Relat. 1996, 15, 285; also called leader clustering).
    """
    cluster = np.full(len(prints), -1, np.int64)
    for number in range(len(prints)):
        waiting = np.flatnonzero(cluster < 0)
        if not len(waiting):
            break
        leader = waiting[0]
        near = tanimoto(prints[waiting], prints[leader : leader + 1])[:, 0] >= similarity
        near[0] = True
        cluster[waiting[near]] = number
    return cluster
