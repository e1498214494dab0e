"""Diverse picks and clusters of molecules, on packed fingerprints. Deterministic: ties go to the first row.

Clusters come as `centre`, int64 (n,): for each row the row number of its cluster's centre. All pairs are compared where
the method asks for it, but only a few rows' similarities are held at a time.
"""

from __future__ import annotations

import numpy as np

from molgen.chem.tanimoto import bit_counts, near, nearest, tanimoto

FRONT = 2_048  # rows that may be picked next, whose distances are kept up to date
BATCH = 512  # rows that are tried as centres at a time


def maxmin(prints: np.ndarray, values: np.ndarray, count: int, *, weight: float) -> list[int]:
    """Greedy MaxMin pick that trades distance with value: indices in picking order.

    Starts with row 0; each further pick has the largest `weight` * (Tanimoto distance to the nearest pick)
    + (1 - `weight`) * value, with values in [0, 1]. `weight` = 1 is the classical MaxMin (Ashton et al.,
    Quant. Struct.-Act. Relat. 2002, 21, 598), 0 the order of the values.

    A row's gain only falls while picks are added. So new picks are compared to the rows in front alone, until the best
    of these falls to what the others had; then all rows are compared to the picks that they have not met.
    """
    count, distance, seen = min(count, len(prints)), np.full(len(prints), np.inf), 0
    base = (1 - weight) * values
    picked = [0] if count else []
    while len(picked) < count:
        new, seen = picked[seen:], len(picked)
        np.minimum(distance, 1 - nearest(prints, prints[new])[1], out=distance)
        base[new] = -np.inf
        gain = base + weight * distance
        order = np.argsort(-gain, kind="stable")
        others = gain[order[FRONT]] if len(order) > FRONT else -np.inf
        front = np.sort(order[:FRONT])
        found = _picks_in_front(prints[front], base[front], distance[front], weight, others, count - seen)
        picked += front[found].tolist()
    return picked


def _picks_in_front(
    prints: np.ndarray, base: np.ndarray, distance: np.ndarray, weight: float, others: float, count: int
) -> list[int]:
    """Picks, at least one, as long as their gain is above that of all `others`."""
    picked: list[int] = []
    while len(picked) < count:
        gain = base + weight * distance
        best = int(gain.argmax())
        if picked and gain[best] <= others:
            break
        picked.append(best)
        base[best] = -np.inf
        np.minimum(distance, 1 - tanimoto(prints[best : best + 1], prints)[0], out=distance)
    return picked


def sphere_exclusion(prints: np.ndarray, *, similarity: float, workers: int = 1) -> np.ndarray:
    """Centres of clusters by leaders: in row order, a row that is in no cluster yet takes all that are near it.

    Near is at least `similarity` similar (Hudson et al., Quant. Struct.-Act. Relat. 1996, 15, 285).
    """
    return _spheres(prints, np.arange(len(prints)), similarity, workers)


def butina(prints: np.ndarray, *, similarity: float, workers: int = 1) -> np.ndarray:
    """Centres of clusters by leaders in the order of their number of neighbours, the most first.

    Numbers are those among all rows, not counted again as rows are taken (Butina, J. Chem. Inf. Comput. Sci. 1999, 39,
    747; RDKit's `Butina.ClusterData` without `reordering`, which lets the last of equals lead).
    """
    counts = neighbour_counts(prints, similarity, workers=workers)
    order = np.argsort(-counts, kind="stable")
    return _spheres(prints, order[counts[order] > 0], similarity, workers)


def neighbour_counts(prints: np.ndarray, similarity: float, *, workers: int = 1) -> np.ndarray:
    """How many other rows are at least `similarity` similar to each, int64 (n,).

    |a and b| / |a or b| >= T needs |b| <= |a| / T, so that rows sorted by their bits meet a part of the others only
    (Swamidass and Baldi, J. Chem. Inf. Model. 2007, 47, 302).
    """
    bits = bit_counts(prints)
    order = np.argsort(bits, kind="stable")
    prints, bits, counts = prints[order], bits[order], np.zeros(len(prints), np.int64)
    for start in range(0, len(prints), BATCH):
        rows = prints[start : start + BATCH]
        end = np.searchsorted(bits, bits[start + len(rows) - 1] / similarity + 1e-9, side="right")
        for pairs in near(rows, prints[start:end], similarity, workers=workers):
            a, b = pairs.a[pairs.a < pairs.b], pairs.b[pairs.a < pairs.b]
            counts[start:] += np.bincount(np.concatenate([a, b]), minlength=len(prints) - start)
    found = np.empty_like(counts)
    found[order] = counts
    return found


def k_centres(prints: np.ndarray, picked: list[int]) -> np.ndarray:
    """Centres of clusters around given rows: each row belongs to the one that is nearest, of equals the first."""
    centre = np.array(picked, np.int64)[nearest(prints, prints[picked])[0]]
    centre[picked] = picked  # also where an equal one was picked before
    return centre


def _spheres(prints: np.ndarray, order: np.ndarray, similarity: float, workers: int) -> np.ndarray:
    """Rows of `order`, one after the other, that are in no cluster yet take all waiting rows near them."""
    centre, free = np.arange(len(prints)), np.ones(len(prints), bool)
    while len(order):
        waiting = prints[order]
        close = np.zeros((min(BATCH, len(order)), len(order)), bool)
        for pairs in near(waiting[:BATCH], waiting, similarity, workers=workers):
            close[pairs.a, pairs.b] = True
        for number, row in enumerate(order[:BATCH]):
            if free[row]:
                members = order[np.flatnonzero(close[number])]
                members = members[free[members]]
                centre[members] = row
                free[members] = free[row] = False
        order = order[free[order]]
    return centre
