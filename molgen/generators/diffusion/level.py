"""What the variables of a graph stand for: the part of the family that knows chemistry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from rdkit import Chem

from molgen.chem.parse import canonical
from molgen.data.store import Store
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.noise import Distributions

COUNTED = 10_000  # graphs looked at together


class Counts(NamedTuple):
    """How often each class of node and of pair occurs in the training molecules, and each number of nodes."""

    nodes: list[int]
    pairs: list[int]
    sizes: list[int]


class Piece(NamedTuple):
    """A part of a molecule in a level's classes."""

    graph: Graphs  # a batch of one
    points: np.ndarray  # (nodes,) bool: which of them have a `*`, which is no node
    beside: int  # nodes that a molecule with this part has at least, beside its own


class Level(Protocol):
    """What the variables of a graph stand for."""

    node_classes: int
    edge_classes: int
    masses: list[int]  # of the classes of nodes, hundredths of a dalton
    swapped: tuple[int, ...] | None  # the class of a pair as seen from its other end; None: the same

    def sizes(self, store: Store, rows: np.ndarray) -> np.ndarray:
        """Nodes of each molecule; 0 for one that this level cannot hold."""
        ...

    def graphs(self, store: Store, rows: np.ndarray) -> Graphs:
        """The graphs of rows, which must be of one size."""
        ...

    def graph(self, smiles: str) -> Graphs | None:
        """The graph of a SMILES, a batch of one; None if this level has none for it."""
        ...

    def part(self, smiles: str) -> Piece:
        """A part of a molecule; a SettingsError if this level cannot hold it."""
        ...

    def smiles(self, nodes: Sequence[int], pairs: np.ndarray) -> str:
        """The canonical SMILES of one graph; BadMolecule if it is no molecule (strictly: nothing is repaired)."""
        ...

    def settle(self, drawn: Graphs, nodes: Distributions, pairs: Distributions) -> Graphs:
        """The clean graphs of the last step, from those drawn and what was believed of each variable."""
        ...

    def values(self) -> dict[str, Any]:
        """All that a model's config must hold to make the level again."""
        ...


def count(level: Level, store: Store, rows: np.ndarray) -> Counts:
    """The counts of a store's rows at a level."""
    sizes = level.sizes(store, rows)
    nodes, pairs = np.zeros(level.node_classes, np.int64), np.zeros(level.edge_classes, np.int64)
    for _, graphs in _chunks(level, store, rows, sizes):
        nodes += np.bincount(graphs.nodes.flatten(), minlength=level.node_classes)
        pairs += np.bincount(graphs.pairs.flatten(), minlength=level.edge_classes)
    if level.swapped is not None:  # which end of a pair comes first is chance
        pairs += pairs[list(level.swapped)]
    return Counts(nodes.tolist(), pairs.tolist(), np.bincount(sizes[sizes > 0], minlength=1).tolist())


def likely(level: Level, store: Store, rows: np.ndarray, counts: Counts) -> np.ndarray:
    """Those of some rows whose graphs have a likelihood: of a size and of classes that were counted."""
    sizes = level.sizes(store, rows)
    sizes = np.where(np.isin(sizes, np.flatnonzero(counts.sizes)), sizes, 0)
    nodes, pairs = (torch.tensor(kind) > 0 for kind in (counts.nodes, counts.pairs))
    known = np.zeros(len(rows), bool)
    for places, graphs in _chunks(level, store, rows, sizes):
        known[places] = (nodes[graphs.nodes].all(1) & pairs[graphs.pairs].all(1)).numpy()
    return rows[known]


def _chunks(level: Level, store: Store, rows: np.ndarray, sizes: np.ndarray) -> Iterator[tuple[np.ndarray, Graphs]]:
    """The graphs of all rows that have a size, with their places."""
    for n in np.unique(sizes[sizes > 0]):
        same = np.flatnonzero(sizes == n)
        for some in (same[i : i + COUNTED] for i in range(0, len(same), COUNTED)):
            yield some, level.graphs(store, rows[some])


def written(mol: Chem.Mol) -> str:
    """The canonical SMILES of a molecule that is not sanitized yet; BadMolecule if it is none.

    It goes through its text, so that what counts as valid is decided where it is for every other family.
    """
    mol.UpdatePropertyCache(strict=False)
    return canonical(Chem.MolToSmiles(mol))
