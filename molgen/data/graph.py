"""Approximate neighbours: a navigable small-world graph over the fingerprints of a library, by usearch.

A search walks the graph (HNSW; Malkov and Yashunin, IEEE TPAMI 2020, 42, 824) instead of comparing to every molecule,
and may miss some neighbours. The similarities of those it finds are exact.
"""

from __future__ import annotations

import numpy as np
from usearch.index import Index, Matches, MetricKind

from molgen.chem.tanimoto import Best, tanimoto_of_pairs
from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import ArtifactError
from molgen.core.progress import progress
from molgen.data.index import Library

GRAPH = "graph.usearch"
CONNECTIVITY, EXPANSION = 16, 128  # edges of a molecule; molecules kept in sight while one is added
CHUNK = 4_096


class Graph:
    """The graph of a library, beside its fingerprints; made when it is not there. Opened as a memory map.

    `expansion` molecules are kept in sight during a search: the more, the fewer are missed.
    """

    def __init__(self, library: Library, expansion: int = 128) -> None:
        self._library, path = library, library.folder / GRAPH
        identity = Identity("neighbors", {"connectivity": CONNECTIVITY, "expansion": EXPANSION}, {"index": library.key})
        if not already_made(path, identity, option="--library"):
            with building(path, identity, workers=1) as aside:
                _build(library).save(str(aside))
        self._index = _empty(library, expansion)
        try:
            self._index.view(str(path))
        except RuntimeError as error:
            raise ArtifactError(f"{path}: not a whole graph ({error}); remove it and make it again") from None

    def top(self, queries: np.ndarray, k: int, *, workers: int = 1) -> Best:
        """As `molgen.chem.tanimoto.top`, but not sure to be the best."""
        found = self._index.search(queries, min(k, len(self._library)), threads=workers)
        best = Best(np.full((len(queries), k), -1, np.int64), np.zeros((len(queries), k), np.float32))
        for row, matches in enumerate([found] if isinstance(found, Matches) else found):
            rows = np.sort(np.asarray(matches.keys).astype(np.int64))
            exact = tanimoto_of_pairs(queries[row : row + 1], self._library.prints[rows])
            order = np.argsort(-exact, kind="stable")
            best.rows[row, : len(rows)], best.similarity[row, : len(rows)] = rows[order], exact[order]
        return best


def _build(library: Library) -> Index:
    """In one thread: with several, the edges would depend on which molecule was faster."""
    index = _empty(library)
    with progress("graph", len(library), "molecules") as bar:
        for start in range(0, len(library), CHUNK):
            some = np.ascontiguousarray(library.prints[start : start + CHUNK])
            index.add(np.arange(start, start + len(some)), some, threads=1)
            bar.advance(len(some))
    return index


def _empty(library: Library, expansion: int = EXPANSION) -> Index:
    return Index(
        ndim=library.settings.bits,
        metric=MetricKind.Tanimoto,
        dtype="b1",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION,
        expansion_search=expansion,
    )
