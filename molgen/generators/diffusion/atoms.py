"""The atom level: nodes are atoms, a pair's class is its bond's type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from rdkit import Chem

from molgen.core.errors import SettingsError
from molgen.data.store import Store
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.level import Piece, written
from molgen.generators.diffusion.noise import Distributions
from molgen.represent.counts import UNIT
from molgen.represent.graphs import BONDS, UNKNOWN_ATOM, AtomSymbol, graph_of, molecule_of


class AtomLevel:
    """Atoms of the store's types (charge, aromaticity and its hydrogens are part of the type) and their bonds."""

    def __init__(self, symbols: Sequence[AtomSymbol]) -> None:
        self.symbols = tuple(symbols)
        self.node_classes, self.edge_classes = len(self.symbols), 1 + len(BONDS)
        self.masses = [round(UNIT * mass(symbol)) for symbol in self.symbols]
        self._number = {symbol: i for i, symbol in enumerate(self.symbols) if i != UNKNOWN_ATOM}
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
        ids = self._ids(store)
        if store.header["unknown_atoms"] or UNKNOWN_ATOM in ids[UNKNOWN_ATOM + 1 :]:
            places = np.flatnonzero(ids[np.asarray(store.atoms)] == UNKNOWN_ATOM)
            sizes[np.isin(rows, np.searchsorted(store.atom_offsets, places, side="right") - 1)] = 0
        return sizes

    def graphs(self, store: Store, rows: np.ndarray) -> Graphs:
        found = store.graphs(rows)
        n = int(found.atom_counts[0])
        begin, end, kind = torch.from_numpy(found.bonds).unbind(1)
        matrix = torch.zeros(len(rows), n, n, dtype=torch.long)
        matrix[begin // n, torch.minimum(begin, end) % n, torch.maximum(begin, end) % n] = kind + 1
        return Graphs.of(torch.from_numpy(self._ids(store)[found.atoms]).view(-1, n), matrix)

    def _ids(self, store: Store) -> np.ndarray:
        """What a store's ids of atom types are here."""
        return np.array([self._number.get(atom, UNKNOWN_ATOM) for atom in store.atom_symbols], np.int64)

    def graph(self, smiles: str) -> Graphs | None:
        found = graph_of(smiles)
        return None if found is None or not self._known(found.atoms) else self._dense(found.atoms, found.bonds)

    def part(self, smiles: str) -> Piece:
        found = graph_of(smiles)
        own = [i for i, atom in enumerate(found.atoms) if atom.atomic_number] if found else []
        if found is None or not self._known([found.atoms[i] for i in own]):
            raise SettingsError(f"scaffold = {smiles!r}: with an atom that this model does not know; take another part")
        place = {atom: i for i, atom in enumerate(own)}
        inner = [(place[b], place[e], kind) for b, e, kind in found.bonds.tolist() if b in place and e in place]
        spokes = [{b, e} & set(own) for b, e, _ in found.bonds.tolist() if (b in place) != (e in place)]
        points = np.zeros(len(own), bool)
        points[[place[i] for ends in spokes for i in ends]] = True
        return Piece(self._dense([found.atoms[i] for i in own], np.array(inner, np.int64).reshape(-1, 3)), points, 1)

    def _known(self, atoms: Sequence[AtomSymbol]) -> bool:
        return all(atom in self._number for atom in atoms)

    def _dense(self, atoms: Sequence[AtomSymbol], bonds: np.ndarray) -> Graphs:
        matrix = torch.zeros(1, len(atoms), len(atoms), dtype=torch.long)
        begin, end, kind = torch.from_numpy(bonds.astype(np.int64)).unbind(1)
        matrix[0, torch.minimum(begin, end), torch.maximum(begin, end)] = kind + 1
        return Graphs.of(torch.tensor([[self._number[atom] for atom in atoms]]), matrix)

    def smiles(self, nodes: Sequence[int], pairs: np.ndarray) -> str:
        above, below = np.triu_indices(len(nodes), 1)
        joined = np.flatnonzero(pairs)
        bonds = np.stack([above[joined], below[joined], pairs[joined] - 1], axis=1)
        return written(molecule_of([self.symbols[node] for node in nodes], bonds))

    def settle(self, drawn: Graphs, nodes: Distributions, pairs: Distributions) -> Graphs:
        return drawn


def mass(symbol: AtomSymbol) -> float:
    """Of an atom without its hydrogens; 0 for the unknown one."""
    return Chem.GetPeriodicTable().GetAtomicWeight(symbol.atomic_number)
