"""Which molecules were met: sorted runs of 8-byte digests on the disk, joined without holding them all in memory.

Two different molecules share a digest with a chance of 2^-64, so of n molecules about n^2 / 2^65 are taken for another
one: 0.0003 of 10^8, 0.03 of 10^9.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

AT_ONCE = 1 << 22  # digests in memory while runs are joined
BINS = 50  # of the histogram of scores, each 1 / BINS wide
DIGESTS, CLASSES = "digests.u64", "classes.u8"

Run = tuple[np.ndarray, np.ndarray]  # digests, uint64, ascending with repeats; the class of each row, uint8


def digest(smiles: Sequence[str]) -> np.ndarray:
    """The first 8 bytes of each SMILES' BLAKE2b hash, as uint64."""
    data = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in smiles)
    return np.frombuffer(data, "<u8")


def classes(score: np.ndarray, passed: np.ndarray) -> np.ndarray:
    """0 for a molecule that did not pass, otherwise 1 + the bin of its score; uint8."""
    bins = np.clip((np.where(passed, score, 0.0) * BINS).astype(np.int64), 0, BINS - 1)
    return np.where(passed, bins + 1, 0).astype(np.uint8)


@dataclass
class Distinct:
    """Distinct molecules; the scores of those that passed, as counts of `BINS` bins; rows of each wanted molecule."""

    molecules: int
    histogram: np.ndarray
    rows: np.ndarray

    @property
    def passed(self) -> int:
        """How many distinct molecules passed."""
        return int(self.histogram.sum())


def count(runs: Sequence[Run], wanted: np.ndarray) -> Distinct:
    """Counts each molecule once, with the best class of its rows; and the rows of each digest in `wanted`."""
    molecules, totals = 0, np.zeros(BINS + 1, np.int64)
    rows = np.zeros(len(wanted), np.int64)
    for digests, kinds in joined(runs):
        starts = np.flatnonzero(np.r_[True, digests[1:] != digests[:-1]])
        molecules += len(starts)
        totals += np.bincount(np.maximum.reduceat(kinds, starts), minlength=BINS + 1)
        rows += np.searchsorted(digests, wanted, "right") - np.searchsorted(digests, wanted, "left")
    return Distinct(molecules, totals[1:], rows)


def joined(runs: Sequence[Run]) -> Iterator[Run]:
    """All rows of the runs as one ascending run, in pieces of about `AT_ONCE`; equal digests are in one piece."""
    total = sum(len(digests) for digests, _ in runs)
    parts = -(-total // AT_ONCE)
    edges = [np.uint64(((1 << 64) * part) // parts) for part in range(1, parts)]
    places = [[0, *np.searchsorted(digests, np.array(edges, np.uint64)).tolist(), len(digests)] for digests, _ in runs]
    for part in range(parts):
        slices = [slice(place[part], place[part + 1]) for place in places]
        digests = np.concatenate([run[0][s] for run, s in zip(runs, slices, strict=True)])
        if len(digests):
            order = np.argsort(digests, kind="stable")
            kinds = np.concatenate([run[1][s] for run, s in zip(runs, slices, strict=True)])
            yield digests[order], kinds[order]


def save(folder: Path, runs: Sequence[Run]) -> None:
    """Writes the runs, joined, as two flat files in `folder`."""
    with (folder / DIGESTS).open("wb") as first, (folder / CLASSES).open("wb") as second:
        for digests, kinds in joined(runs):
            first.write(digests.tobytes())  # not through a memory map, in which a full disk is a bus error
            second.write(kinds.tobytes())


def load(folder: Path) -> Run:
    """The run in `folder`, as memory maps."""
    if (folder / CLASSES).stat().st_size == 0:
        return np.empty(0, np.uint64), np.empty(0, np.uint8)
    return np.memmap(folder / DIGESTS, "<u8", "r"), np.memmap(folder / CLASSES, np.uint8, "r")
