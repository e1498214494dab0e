"""The atom level: nodes are atoms, a pair's class is its bond's type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from rdkit import Chem

from molgen.chem.parse import canonical
from molgen.data.store import Store
from molgen.generators.diffusion.dense import Graphs
from molgen.represent.graphs import BONDS, UNKNOWN_ATOM, AtomSymbol, molecule_of


class AtomLevel:
    """Atoms of the store's types (charge, aromaticity and its hydrogens are part of the type) and their bonds."""

    def __init__(self, symbols: Sequence[AtomSymbol]) -> None:
        self.symbols = tuple(symbols)
        self.node_classes, self.edge_classes = len(self.symbols), 1 + len(BONDS)
        self.swapped: tuple[int, ...] | None = None

    @classmethod
    def of(cls, store: Store) -> Self:
        """The level of a store's atom types."""
        return cls(store.atom_symbols)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """The level that `values` described."""
        return cls([AtomSymbol(**symbol) for symbol in values["atom_symbols"]])

    def values(self) -> dict[str, Any]:
        return {"atom_symbols": [symbol.values() for symbol in self.symbols]}

    def sizes(self, store: Store, rows: np.ndarray) -> np.ndarray:
        sizes = store.atom_offsets[rows + 1] - store.atom_offsets[rows]
        if store.header["unknown_atoms"]:
            places = np.flatnonzero(np.asarray(store.atoms) == UNKNOWN_ATOM)
            sizes[np.isin(rows, np.searchsorted(store.atom_offsets, places, side="right") - 1)] = 0
        return sizes

    def graphs(self, store: Store, rows: np.ndarray) -> Graphs:
        found = store.graphs(rows)
        n = int(found.atom_counts[0])
        begin, end, kind = torch.from_numpy(found.bonds).unbind(1)
        matrix = torch.zeros(len(rows), n, n, dtype=torch.long)
        matrix[begin // n, torch.minimum(begin, end) % n, torch.maximum(begin, end) % n] = kind + 1
        return Graphs.of(torch.from_numpy(found.atoms).view(-1, n), matrix)

    def smiles(self, nodes: Sequence[int], pairs: np.ndarray) -> str:
        above, below = np.triu_indices(len(nodes), 1)
        joined = np.flatnonzero(pairs)
        bonds = np.stack([above[joined], below[joined], pairs[joined] - 1], axis=1)
        mol = molecule_of([self.symbols[node] for node in nodes], bonds)
        mol.UpdatePropertyCache(strict=False)
        return canonical(Chem.MolToSmiles(mol))
