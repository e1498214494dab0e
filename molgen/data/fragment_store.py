"""Fragment graphs of a feature store, kept beside it: in `features.fragments/NAME`, one folder for each vocabulary.

symbols.json       texts of the symbols, the most frequent in the training split first, and their counts there
nodes.npy          (nodes,) uint16 symbol ids of all molecules end to end; UNKNOWN where the training split lacks it
node_offsets.npy   (molecules + 1,) int64
edges.npy          (edges, 4) uint8: node, its site, other node, its site
edge_offsets.npy   (molecules + 1,) int64

Only the splits `train` and `valid` are cut; another molecule, or one without a fragment graph, has no nodes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from molgen.chem.parse import BadMolecule
from molgen.core.artifacts import Identity, already_made, building, read_provenance, write_json
from molgen.core.errors import ArtifactError, InputError
from molgen.core.progress import progress
from molgen.core.workers import available_cores, map_ordered
from molgen.data.store import Store, gather
from molgen.represent.fragments import Edge, Fragmenter
from molgen.represent.symbols import symbol

CHUNK = 2_000  # molecules a work item
SAMPLE = 200_000  # molecules of the training split from which the vocabulary is learnt
UNKNOWN = 65_535
ARRAYS = ("nodes", "node_offsets", "edges", "edge_offsets")


class FragmentStore:
    """The fragment graphs of a store's molecules, by row."""

    def __init__(self, texts: list[str], counts: list[int], arrays: dict[str, np.ndarray]) -> None:
        self.texts, self.counts = texts, counts
        self.nodes, self.node_offsets = arrays["nodes"], arrays["node_offsets"]
        self.edges, self.edge_offsets = arrays["edges"], arrays["edge_offsets"]

    @classmethod
    def of(cls, store: Store, vocabulary: int | Sequence[str], *, workers: int | None = None) -> FragmentStore:
        """Opens the fragment graphs of a store, or makes them first (with progress, over all cores).

        `vocabulary` is how many fragments of several atoms to learn from the training split, or their texts: then those
        of a vocabulary that was learnt from this store will do too, if it is the same.
        """
        learnt = isinstance(vocabulary, int)
        digest = "" if learnt else hashlib.sha256("\n".join(vocabulary).encode()).hexdigest()[:12]  # type: ignore[arg-type]
        folder = store.folder.with_name(f"{store.folder.name}.fragments")
        out = folder / (f"learnt-{vocabulary}" if learnt else f"given-{digest}")
        settings = {"vocabulary": vocabulary if learnt else digest}
        with _alone(folder):
            if not isinstance(vocabulary, int) and (same := cls._learnt(folder, store, set(vocabulary))) is not None:
                return same
            identity = Identity.of("fragments", settings, {"features": store.folder})
            if not already_made(out, identity):
                workers = workers or available_cores()
                texts = learn(store, vocabulary, workers) if isinstance(vocabulary, int) else list(vocabulary)
                with building(out, identity, workers=workers) as aside:
                    aside.mkdir()
                    _write(aside, store, texts, workers)
        return cls.open(out)

    @classmethod
    def _learnt(cls, folder: Path, store: Store, vocabulary: set[str]) -> FragmentStore | None:
        """Those whose vocabulary was learnt from this store and is this one, if they are there."""
        for out in sorted(folder.glob("learnt-*")):
            settings = {"vocabulary": int(out.name.removeprefix("learnt-"))}
            record = read_provenance(out)
            if record is None or record["key"] != Identity.of("fragments", settings, {"features": store.folder}).key:
                continue
            found = cls.open(out)
            if {text for text in found.texts if len(symbol(text).atoms) > 1} == vocabulary:
                return found
        return None

    @classmethod
    def open(cls, folder: Path) -> FragmentStore:
        """Opens a finished folder; ArtifactError if it is damaged."""
        try:
            header = json.loads((folder / "symbols.json").read_text(encoding="utf-8"))
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
            return cls(header["symbols"], header["counts"], arrays)
        except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
            raise ArtifactError(f"{folder}: not whole ({error}); remove it, it is made again") from None

    def lengths(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and edges of each molecule."""
        nodes = self.node_offsets[rows + 1] - self.node_offsets[rows]
        return nodes, self.edge_offsets[rows + 1] - self.edge_offsets[rows]

    def graphs(self, rows: np.ndarray) -> Iterator[tuple[list[int], list[Edge]]]:
        """Symbol ids and edges of each molecule."""
        nodes, node_counts = gather(self.nodes, self.node_offsets, rows)
        edges, edge_counts = gather(self.edges, self.edge_offsets, rows)
        node_list, edge_list = nodes.tolist(), [tuple(edge) for edge in edges.tolist()]
        n = e = 0
        for node_count, edge_count in zip(node_counts.tolist(), edge_counts.tolist(), strict=True):
            yield node_list[n : n + node_count], edge_list[e : e + edge_count]
            n, e = n + node_count, e + edge_count


class _Cut(NamedTuple):
    """Fragment graphs of a chunk; ids are places in the chunk's own list of texts."""

    texts: list[str]
    nodes: np.ndarray
    node_counts: np.ndarray
    edges: np.ndarray
    edge_counts: np.ndarray


def learn(store: Store, size: int, workers: int) -> list[str]:
    """The most frequent fragments of two and more atoms, in at most 200,000 molecules of the training split."""
    rows = store.rows("train")
    rows = rows[:: max(1, -(-len(rows) // SAMPLE))]
    counts: Counter[str] = Counter()
    for cut in _cuts(store, rows, None, workers, "fragments"):
        counts.update(dict(zip(cut.texts, np.bincount(cut.nodes, minlength=len(cut.texts)).tolist(), strict=True)))
    several = [text for text in counts if len(symbol(text).atoms) > 1]
    return sorted(several, key=lambda text: (-counts[text], text))[:size]


def _write(folder: Path, store: Store, vocabulary: list[str], workers: int) -> None:
    rows = np.sort(np.concatenate([store.rows("train"), store.rows("valid")]))
    train = np.asarray(store.splits)[rows] == 0
    ids: dict[str, int] = {}
    counts: Counter[int] = Counter()
    nodes, edges, node_counts, edge_counts, first = [], [], [], [], 0
    for cut in _cuts(store, rows, tuple(vocabulary), workers, "cut"):
        lookup = np.array([ids.setdefault(text, len(ids)) for text in cut.texts], np.int64)
        found = lookup[cut.nodes] if len(cut.nodes) else cut.nodes.astype(np.int64)
        learnt = found[np.repeat(train[first : first + len(cut.node_counts)], cut.node_counts)]
        counts.update(dict(zip(*(a.tolist() for a in np.unique(learnt, return_counts=True)), strict=True)))
        first += len(cut.node_counts)
        nodes.append(found.astype(np.uint32))
        edges.append(cut.edges)
        node_counts.append(cut.node_counts)
        edge_counts.append(cut.edge_counts)
    if not counts:
        raise InputError(f"{store.folder}: no molecule of the train split has a fragment graph")
    texts = sorted((t for t, i in ids.items() if counts[i]), key=lambda t: (-counts[ids[t]], t))[:UNKNOWN]
    final = np.full(len(ids), UNKNOWN, np.uint16)
    final[[ids[text] for text in texts]] = np.arange(len(texts))
    np.save(folder / "nodes.npy", final[np.concatenate(nodes)])
    np.save(folder / "edges.npy", np.concatenate(edges))
    for name, values in (("node", node_counts), ("edge", edge_counts)):
        lengths = np.zeros(len(store), np.int64)
        lengths[rows] = np.concatenate(values)
        np.save(folder / f"{name}_offsets.npy", np.concatenate([[0], np.cumsum(lengths)]))
    write_json(folder / "symbols.json", {"symbols": texts, "counts": [counts[ids[t]] for t in texts]})


def _cuts(
    store: Store, rows: np.ndarray, vocabulary: tuple[str, ...] | None, workers: int, label: str
) -> Iterator[_Cut]:
    chunks = [rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)]
    with progress(label, len(rows), "molecules") as bar:
        for cut in map_ordered(partial(_cut, store.folder, vocabulary), chunks, min(workers, len(chunks))):
            bar.advance(len(cut.node_counts))
            yield cut


def _cut(folder: Path, vocabulary: tuple[str, ...] | None, rows: np.ndarray) -> _Cut:
    store, fragmenter = _tools(folder, vocabulary)
    atoms, atom_counts = gather(store.atoms, store.atom_offsets, rows)
    bonds, bond_counts = gather(store.bonds, store.bond_offsets, rows)
    table, ids, a, b = store.atom_symbols, atoms.tolist(), 0, 0
    bond_list = bonds.tolist()
    texts: dict[str, int] = {}
    nodes: list[int] = []
    edges: list[Edge] = []
    counts = np.zeros((2, len(rows)), np.int64)
    for i, (atom_count, bond_count) in enumerate(zip(atom_counts.tolist(), bond_counts.tolist(), strict=True)):
        try:
            graph = fragmenter([table[k] for k in ids[a : a + atom_count]], bond_list[b : b + bond_count])
        except BadMolecule:
            pass
        else:
            nodes += [texts.setdefault(text, len(texts)) for text in graph.symbols]
            edges += graph.edges
            counts[:, i] = len(graph.symbols), len(graph.edges)
        a, b = a + atom_count, b + bond_count
    return _Cut(list(texts), np.array(nodes, np.uint16), counts[0], np.array(edges, np.uint8).reshape(-1, 4), counts[1])


@lru_cache(maxsize=2)
def _tools(folder: Path, vocabulary: tuple[str, ...] | None) -> tuple[Store, Fragmenter]:
    """Once a process: what a fragment looks like as a symbol is remembered from chunk to chunk."""
    return Store.open(folder), Fragmenter(None if vocabulary is None else frozenset(vocabulary))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds back the other processes of a training on several devices, until the first has made what all read."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
