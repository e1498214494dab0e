"""Tanimoto similarity of packed fingerprints, exact, on the bit kernels of NumKong.

Fingerprints are rows of uint8 (n, bits / 8). The kernels use what each processor has and round in their own ways; here
every result comes from whole numbers of bits, so that it is the same everywhere and equal similarities are equal:
T = |a and b| / |a or b|, and 0 for two fingerprints without bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numkong
import numpy as np

from molgen.core.workers import map_threads

COLUMNS, TILE = 4_096, 1 << 18  # pairs are taken in tiles of 1 MiB of distances, which stay in a core's cache
SEGMENT, QUERIES = 32 * COLUMNS, 1_024  # what a thread takes at a time: rows of a library, and of those compared to it
SLACK = 1e-6  # more than a kernel's rounding error; what lies within it is decided by the bits


class Pairs(NamedTuple):
    """Pairs of rows of two sets of fingerprints, sorted by both: row numbers (int64) and similarities (float64)."""

    a: np.ndarray
    b: np.ndarray
    similarity: np.ndarray


class Best(NamedTuple):
    """The k most similar rows for each of n: numbers int64 (n, k), -1 where there are fewer, and float32 (n, k)."""

    rows: np.ndarray
    similarity: np.ndarray


def bit_counts(prints: np.ndarray) -> np.ndarray:
    """Bits set in each row, int64 (n,)."""
    words = np.ascontiguousarray(prints).view(np.uint64)
    return np.bitwise_count(words).sum(axis=1, dtype=np.int64)


def tanimoto(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tanimoto similarity of each row of `a` to each of `b`: float32 (n, m) in [0, 1]; two empty rows give 0."""
    a, out = np.ascontiguousarray(a), np.empty((len(a), len(b)), np.float32)
    counts_a, counts_b = bit_counts(a).astype(np.float32), bit_counts(b).astype(np.float32)
    least = 0 if counts_a.all() or counts_b.all() else 1  # of a union: two empty rows must not give 0 / 0
    for columns in _slices(len(b), COLUMNS):
        packed = numkong.hammings_pack(np.ascontiguousarray(b[columns]))
        for rows in _slices(len(a), TILE // COLUMNS):
            differing = np.asarray(numkong.hammings_packed(a[rows], packed)).view(np.int32).astype(np.float32)
            twice_common = counts_a[rows, None] + counts_b[None, columns]
            twice_union = twice_common + differing
            twice_common -= differing
            np.divide(twice_common, np.maximum(twice_union, least) if least else twice_union, out=out[rows, columns])
    return out


def tanimoto_of_pairs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tanimoto similarity of each row of `a` to the same row of `b`, float32 (n,)."""
    common = bit_counts(a & b)
    return (common / np.maximum(bit_counts(a) + bit_counts(b) - common, 1)).astype(np.float32)


def nearest(a: np.ndarray, b: np.ndarray, block: int = SEGMENT) -> tuple[np.ndarray, np.ndarray]:
    """For each row of `a`, the most similar row of `b`: its number (the first of equals, int64) and similarity.

    `b` is taken `block` rows at a time (it may be a memory map). With an empty `b`: -1, similarity 0.
    """
    best = top(a, b, 1, block=block)
    return best.rows[:, 0], best.similarity[:, 0]


def top(a: np.ndarray, b: np.ndarray, k: int, *, block: int = SEGMENT, workers: int = 1) -> Best:
    """For each row of `a`, the `k` most similar rows of `b`, the best first, of equals the first.

    Where `b` has fewer rows, -1 and similarity 0. `b` is taken `block` rows at a time (it may be a memory map) by
    one of `workers` threads.
    """
    best = _nothing(len(a), k)
    tasks = ((rows, columns) for columns in _slices(len(b), block) for rows in _slices(len(a), QUERIES))
    for rows, found in map_threads(partial(_top_of_segment, a, b, k), tasks, workers):
        _improve(best, rows, np.repeat(np.arange(len(found.rows)), k), found.rows.ravel(), found.similarity.ravel())
    return Best(best.rows, np.maximum(best.similarity, 0))


def near(a: np.ndarray, b: np.ndarray, limit: float, *, workers: int = 1) -> Iterator[Pairs]:
    """The pairs of rows of `a` and `b` that are at least `limit` (> 0) similar, tile by tile in a fixed order.

    Memory is that of the hits of a few tiles of 256 x 4,096 pairs. Tiles are spread over `workers` threads.
    """
    tasks = ((rows, columns) for rows in _slices(len(a), 256) for columns in _slices(len(b), COLUMNS))
    yield from map_threads(partial(_near_of_tile, a, b, limit), tasks, workers)


def _near_of_tile(a: np.ndarray, b: np.ndarray, limit: float, tile: tuple[slice, slice]) -> Pairs:
    some, others = np.ascontiguousarray(a[tile[0]]), np.ascontiguousarray(b[tile[1]])
    distance = np.asarray(numkong.jaccards_packed(some, numkong.hammings_pack(others)))
    pairs = _closer(some, others, distance, np.full(len(some), 1 - limit))
    kept = pairs.similarity >= limit
    return Pairs(pairs.a[kept] + tile[0].start, pairs.b[kept] + tile[1].start, pairs.similarity[kept])


def _top_of_segment(a: np.ndarray, b: np.ndarray, k: int, task: tuple[slice, slice]) -> tuple[slice, Best]:
    some, segment = np.ascontiguousarray(a[task[0]]), b[task[1]]
    best = _nothing(len(some), k)
    for columns in _slices(len(segment), COLUMNS):
        others = np.ascontiguousarray(segment[columns])
        packed = numkong.hammings_pack(others)
        for rows in _slices(len(some), TILE // len(others)):
            distance = np.asarray(numkong.jaccards_packed(some[rows], packed))
            limits = 1 - best.similarity[rows, -1]
            if k < len(others) and limits.max() > 1:  # there is nothing to beat yet but the k-th of this tile
                limits = np.minimum(limits, np.partition(distance, k - 1, axis=1)[:, k - 1])
            pairs = _closer(some[rows], others, distance, limits)
            _improve(best, rows, pairs.a, pairs.b + columns.start + task[1].start, pairs.similarity)
    return task[0], best


def _closer(a: np.ndarray, b: np.ndarray, distance: np.ndarray, limits: np.ndarray) -> Pairs:
    """The pairs whose distance is at most the limit of their row, or a rounding error more, with exact similarities."""
    flat = np.flatnonzero(distance <= (limits + SLACK).astype(np.float32)[:, None])
    rows, columns = np.divmod(flat, len(b))
    total = bit_counts(a)[rows] + (bit_counts(b[columns]) if len(columns) < len(b) else bit_counts(b)[columns])
    similarity = 1 - distance.ravel()[flat].astype(np.float64)
    common = np.rint(similarity * total / (1 + similarity))  # a whole number, whatever the kernel's rounding
    return Pairs(rows, columns, common / np.maximum(total - common, 1))


def _nothing(n: int, k: int) -> Best:
    return Best(np.full((n, k), -1, np.int64), np.full((n, k), -1, np.float32))


def _improve(best: Best, part: slice, row: np.ndarray, index: np.ndarray, similarity: np.ndarray) -> None:
    """Puts further pairs into the best of some rows, in place. `row` counts from the first of `part`."""
    if not len(row):
        return
    n, k = best.rows[part].shape
    row = np.concatenate([np.repeat(np.arange(n), k), row])
    index = np.concatenate([best.rows[part].ravel(), index])
    similarity = np.concatenate([best.similarity[part].ravel(), similarity.astype(np.float32)])
    order = np.lexsort((index, -similarity, row))
    chosen = order[np.searchsorted(row[order], np.arange(n))[:, None] + np.arange(k)]
    best.rows[part], best.similarity[part] = index[chosen], similarity[chosen]


def _slices(length: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, length)) for start in range(0, length, size))
