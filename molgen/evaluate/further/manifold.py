"""How two sets of points lie in a space: kernel distance, precision, recall, density and coverage.

- Kernel ChemNet distance: the unbiased estimate of the squared maximum mean discrepancy (Gretton et al., J. Mach.
  Learn. Res. 13:723, 2012) under the kernel (x.y / 512 + 1)^3 (KID: Binkowski et al., ICLR 2018), in thousandths.
- Precision and recall: the share of one set within a ball around a point of the other, whose radius is the distance to
  the third nearest neighbour in its own set (Kynkäänniemi et al., NeurIPS 2019).
- Density and coverage: with balls around the data's points only, up to the fifth neighbour: how many balls a draw lies
  in, divided by five; and the share of balls with a draw in them (Naeem et al., ICML 2020).

Spaces: ChemNet's activations (Euclidean), and Morgan fingerprints (1 - Tanimoto similarity).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from molgen.chem.tanimoto import tanimoto
from molgen.evaluate.further.context import Context, Subject
from molgen.evaluate.further.figures import Figure, covered, figure, mean, share

BLOCK = 1_000
NEAR, WIDE = 3, 5  # neighbours that make a radius: of precision and recall, of density and coverage
THOUSANDTHS = 1_000
Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]


def euclidean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances, float32 (n, m)."""
    found = -2 * (a @ b.T)
    found += np.einsum("ij,ij->i", a, a)[:, None]
    found += np.einsum("ij,ij->i", b, b)[None, :]
    return np.maximum(found, 0, out=found)


def jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1 - Tanimoto similarity of packed fingerprints, float32 (n, m)."""
    found: np.ndarray = 1 - tanimoto(a, b)
    return found


def radii(points: np.ndarray, distance: Distance) -> np.ndarray:
    """The distance of each point to its third and to its fifth nearest other point, float32 (n, 2)."""
    out = np.empty((len(points), 2), np.float32)
    for start in range(0, len(points), BLOCK):
        some = distance(points[start : start + BLOCK], points)
        rows = np.arange(len(some))
        some[rows, start + rows] = np.inf  # not itself
        some.partition((NEAR - 1, WIDE - 1), axis=1)
        out[start : start + BLOCK] = some[:, [NEAR - 1, WIDE - 1]]
    return out


class Overlap(NamedTuple):
    """What n draws and m points of the data have to do with each other.

    `within`: whether each draw is in a ball of the data (n,); `balls`: in how many of the wide ones (n,). `recalled`
    and `covering`: how many draws' balls hold each point of the data, and how many draws its wide ball holds (m,);
    `last_...`: one of those draws.
    """

    within: np.ndarray
    balls: np.ndarray
    recalled: np.ndarray
    last_recalled: np.ndarray
    covering: np.ndarray
    last_covering: np.ndarray


def overlap(draws: np.ndarray, data: np.ndarray, distance: Distance) -> Overlap:
    """Both sets need more than five points. Memory: a thousand draws' distances to the data."""
    own, theirs = radii(draws, distance), radii(data, distance)
    n, m = len(draws), len(data)
    within, balls = np.zeros(n, bool), np.zeros(n, np.int64)
    counts, last = np.zeros((2, m), np.int64), np.zeros((2, m), np.int64)
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        apart = distance(draws[part], data)
        within[part] = (apart <= theirs[None, :, 0]).any(axis=1)
        wide = apart <= theirs[None, :, 1]
        balls[part] = wide.sum(axis=1)
        for kind, hits in enumerate((apart <= own[part, 0][:, None], wide)):
            counts[kind] += hits.sum(axis=0)
            last[kind] = np.where(hits.any(axis=0), start + hits.argmax(axis=0), last[kind])
    return Overlap(within, balls, counts[0], last[0], counts[1], last[1])


def kernel_distance(draws: np.ndarray, data: np.ndarray) -> tuple[float, np.ndarray]:
    """The unbiased squared discrepancy, and what each draw contributes to it, float64 (n,); two points of each."""
    n, m = len(draws), len(data)
    own = (_kernel_sums(draws, draws) - _kernel_of_self(draws)) / (n - 1)
    theirs = (_kernel_sums(data, data) - _kernel_of_self(data)) / (m - 1)
    across = _kernel_sums(draws, data) / m
    return float(own.mean() + theirs.mean() - 2 * across.mean()), 2 * (own - across)


def _kernel_sums(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum of each row's kernel with all of `b`, float64 (n,)."""
    sums = [_cubed(a[i : i + BLOCK] @ b.T, a.shape[1]).sum(axis=1, dtype=np.float64) for i in range(0, len(a), BLOCK)]
    return np.concatenate(sums)


def _kernel_of_self(a: np.ndarray) -> np.ndarray:
    return _cubed(np.einsum("ij,ij->i", a, a), a.shape[1]).astype(np.float64)


def _cubed(products: np.ndarray, width: int) -> np.ndarray:
    raised = products / np.float32(width) + 1
    found: np.ndarray = raised * raised * raised
    return found


def kernel_chemnet_distance(context: Context) -> Figure:
    """The kernel distance to the test split, in thousandths; it may be a little below 0."""
    draws, data = context.drawn(2), context.held_out(2)
    value, influences = kernel_distance(draws.activations, data.activations)
    return figure(THOUSANDTHS * value, THOUSANDTHS * influences, low=-np.inf)


def _chemnet(subject: Subject) -> np.ndarray:
    return subject.activations


def _morgan(subject: Subject) -> np.ndarray:
    return subject.fingerprints


SPACES: dict[str, tuple[Callable[[Subject], np.ndarray], Distance]] = {
    "ChemNet": (_chemnet, euclidean),
    "Morgan": (_morgan, jaccard),
}


def _overlap(context: Context, space: str) -> Overlap:
    draws, data = context.drawn(WIDE + 1), context.held_out(WIDE + 1)
    name = f"overlap {space} {draws.label}"
    if name not in context.shared:
        points, distance = SPACES[space]
        context.shared[name] = overlap(points(draws), points(data), distance)
    return context.shared[name]  # type: ignore[return-value]


def precision(context: Context, space: str) -> Figure:
    """Share of the draws that lie within the data."""
    return share(_overlap(context, space).within)


def recall(context: Context, space: str) -> Figure:
    """Share of the data that lie within the draws."""
    found = _overlap(context, space)
    return covered(np.ones(len(found.recalled)), found.recalled, found.last_recalled, len(found.within))


def density(context: Context, space: str) -> Figure:
    """In how many balls of the data a draw lies, over five: above 1 where draws lie where the data are dense."""
    return mean(_overlap(context, space).balls / WIDE)


def coverage(context: Context, space: str) -> Figure:
    """Share of the data that have a draw in their neighbourhood."""
    found = _overlap(context, space)
    return covered(np.ones(len(found.covering)), found.covering, found.last_covering, len(found.within))


METRICS: dict[str, Callable[[Context], Figure]] = {
    "KCD/Test": kernel_chemnet_distance,
    **{
        f"{name}/{space}": partial(function, space=space)
        for space in SPACES
        for name, function in {
            "Precision": precision,
            "Recall": recall,
            "Density": density,
            "Coverage": coverage,
        }.items()
    },
}
