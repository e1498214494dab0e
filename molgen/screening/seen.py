"""Which molecules were met: runs of 8-byte digests on the disk, joined without holding them all in memory.

A run is two flat files: digests, ascending with repeats, and a byte for each that says how its molecule fared.

Two different molecules share a digest with a chance of 2^-64, so of n molecules about n^2 / 2^65 are taken for another
one: 0.0003 of 10^8, 0.03 of 10^9.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

AT_ONCE = 1 << 22  # digests in memory while runs are joined
BINS = 50  # of the histogram of scores, each 1 / BINS wide
DIGESTS, CLASSES = "digests.u64", "classes.u8"


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


class Run:
    """A run in the folder where `write` or `save` put it. It holds no file open: a large library has thousands."""

    def __init__(self, folder: Path) -> None:
        self._digests, self._classes = folder / DIGESTS, folder / CLASSES
        self.rows = self._classes.stat().st_size

    def places(self, edges: np.ndarray) -> list[int]:
        """Where the rows whose digests are between two neighbouring edges begin and end, with both ends of the run."""
        if self.rows == 0:
            return [0] * (len(edges) + 2)
        return [0, *np.searchsorted(np.memmap(self._digests, "<u8", "r"), edges).tolist(), self.rows]

    def read(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Digests and classes of some rows."""
        digests = np.fromfile(self._digests, "<u8", last - first, offset=8 * first)
        return digests, np.fromfile(self._classes, np.uint8, last - first, offset=first)


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


def joined(runs: Sequence[Run]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All rows of the runs as one ascending run, in pieces of about `AT_ONCE`; equal digests are in one piece."""
    parts = -(-sum(run.rows for run in runs) // AT_ONCE)
    edges = np.array([((1 << 64) * part) // parts for part in range(1, parts)], np.uint64)
    places = [run.places(edges) for run in runs]
    for part in range(parts):
        found = [run.read(place[part], place[part + 1]) for run, place in zip(runs, places, strict=True)]
        digests = np.concatenate([some for some, _ in found])
        if len(digests):
            order = np.argsort(digests, kind="stable")
            yield digests[order], np.concatenate([kinds for _, kinds in found])[order]


def write(folder: Path, digests: np.ndarray, kinds: np.ndarray) -> None:
    """Writes rows in any order as a run in `folder`."""
    order = np.argsort(digests, kind="stable")
    _write(folder, [(digests[order], kinds[order])])


def save(folder: Path, runs: Sequence[Run]) -> None:
    """Writes the runs, joined, as one in `folder`."""
    _write(folder, joined(runs))


def _write(folder: Path, pieces: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
    with (folder / DIGESTS).open("wb") as first, (folder / CLASSES).open("wb") as second:
        for digests, kinds in pieces:
            first.write(digests.astype("<u8").tobytes())  # a full disk is an error, as it is not in a memory map
            second.write(kinds.tobytes())
