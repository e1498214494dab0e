"""Fragment graphs: a molecule as symbols and the sites that join them, and back.

Nodes are symbols (fragments with sites), in the order of their first atoms in the molecule; an edge bonds a site of one
to a site of another, and every site has one edge. The graph is a tree, unless a ring system had to be broken into its
atoms because its symbol is not in the vocabulary: its ring bonds are then edges between atoms.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from rdkit import Chem

from molgen.chem.parse import BadMolecule
from molgen.represent.graphs import HYPERVALENT, AtomSymbol, Graph, molecule_of
from molgen.represent.motifs import fragments, neighbours_of
from molgen.represent.symbols import SITE, Bond, Site, canonical_symbol, symbol

Edge = tuple[int, int, int, int]  # node, its site, other node, its site
CACHED = 200_000  # fragments as found (not yet canonical) that a process remembers
POINT = ""  # the text of a node that stands for an attachment point: what is there is not said


class FragmentGraph(NamedTuple):
    """A molecule's symbols, by text, and edges; node numbers follow the atoms, so they are canonical if those are."""

    symbols: list[str]
    edges: list[Edge]


class Fragmenter:
    """Cuts graphs into symbols of a vocabulary; a fragment that is not in it is broken into its atoms.

    `vocabulary` holds the texts of symbols of two and more atoms; None keeps every fragment whole. Atoms are always
    taken as they come: whether a model knows them is its own affair.
    """

    def __init__(self, vocabulary: Container[str] | None = None) -> None:
        self.vocabulary = vocabulary
        self._known: dict[tuple, tuple[str, tuple[int, ...]]] = {}

    def __call__(
        self, atoms: Sequence[AtomSymbol], bonds: Sequence[Sequence[int]], points: bool = False
    ) -> FragmentGraph:
        """The fragment graph of a molecule; BadMolecule if it has none. With `points` its `*` become POINT nodes."""
        _check(atoms, points)
        neighbours = neighbours_of(len(atoms), bonds)
        groups = fragments(atoms, neighbours)
        pieces = [self._piece(group, atoms, neighbours) for group in groups]
        if self.vocabulary is not None:
            broken = [g for g, p in zip(groups, pieces, strict=True) if len(g) > 1 and p[0] not in self.vocabulary]
            if broken:
                kept = [g for g in groups if g not in broken]
                atoms, bonds = _kekulized(atoms, bonds, {i for g in broken for i in g})
                neighbours = neighbours_of(len(atoms), bonds)
                groups = sorted([*kept, *([i] for g in broken for i in g)])
                pieces = [self._piece(group, atoms, neighbours) for group in groups]
        return _joined(pieces, len(atoms))

    def of_graph(self, graph: Graph | None, points: bool = False) -> FragmentGraph:
        """The fragment graph of a graph as `graph_of` gives it."""
        if graph is None:
            raise BadMolecule("no graph", "bonds of other types than 1, 2, 3, aromatic, or over 255 atoms")
        return self(graph.atoms, graph.bonds.tolist(), points)

    def _piece(
        self, group: list[int], atoms: Sequence[AtomSymbol], neighbours: Sequence[Sequence[tuple[int, int]]]
    ) -> tuple[str, tuple[int, ...], list[tuple[int, int]]]:
        """A fragment's symbol, for each bond to the outside the symbol's site, and those bonds (inner, outer atom)."""
        local = {atom: i for i, atom in enumerate(group)}
        bonds: list[Bond] = []
        sites: list[tuple[int, int]] = []
        outside: list[tuple[int, int]] = []
        for i, atom in enumerate(group):
            for other, kind in neighbours[atom]:
                j = local.get(other)
                if j is None:
                    sites.append((i, kind + 1))
                    outside.append((atom, other))
                elif i < j:
                    bonds.append((i, j, kind))
        if len(group) == 1 and atoms[group[0]] == SITE:
            return POINT, (0,), outside
        key = (tuple([atoms[i] for i in group]), tuple(bonds), tuple(sites))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= CACHED:
                self._known.clear()
            known = canonical_symbol(key[0], bonds, [Site(*site) for site in sites])
            self._known[key] = known
        return known[0], known[1], outside


def assemble(graph: FragmentGraph) -> Chem.Mol:
    """The molecule of a fragment graph, not yet sanitized."""
    atoms: list[AtomSymbol] = []
    bonds: list[Bond] = []
    places: list[list[int]] = []  # of each symbol's sites: the atom
    for text in graph.symbols:
        piece, first = symbol(text), len(atoms)
        atoms += piece.atoms
        bonds += [(first + begin, first + end, kind) for begin, end, kind in piece.bonds]
        places.append([first + site.atom for site in piece.sites])
    for u, i, v, j in graph.edges:
        bonds.append((places[u][i], places[v][j], symbol(graph.symbols[u]).sites[i].order - 1))
    return molecule_of(atoms, np.array(bonds).reshape(-1, 3))


def _check(atoms: Sequence[AtomSymbol], points: bool) -> None:
    if not atoms:
        raise BadMolecule("no graph", "bonds of other types than 1, 2, 3, aromatic, or over 255 atoms")
    if any(atom.atomic_number == 0 and not (points and atom == SITE) for atom in atoms):
        raise BadMolecule("unknown atom", "an atom without an element, or of a type that the training set never had")


def _joined(pieces: Sequence[tuple[str, tuple[int, ...], list[tuple[int, int]]]], atoms: int) -> FragmentGraph:
    """The edges between pieces; BadMolecule if they are not all connected."""
    ends: dict[tuple[int, int], tuple[int, int]] = {}
    for node, (_, sites, outside) in enumerate(pieces):
        for site, bond in zip(sites, outside, strict=True):
            ends[bond] = (node, site)
    edges = [(*end, *ends[j, i]) for (i, j), end in ends.items() if i < j]
    reached, frontier = {0}, [0]
    around: list[list[int]] = [[] for _ in pieces]
    for u, _, v, _ in edges:
        around[u].append(v)
        around[v].append(u)
    for node in frontier:
        fresh = [n for n in around[node] if n not in reached]
        reached.update(fresh)
        frontier += fresh
    if len(reached) < len(pieces):
        raise BadMolecule("several fragments", "not one connected molecule")
    return FragmentGraph([text for text, _, _ in pieces], edges)


def _kekulized(
    atoms: Sequence[AtomSymbol], bonds: Sequence[Sequence[int]], inside: set[int]
) -> tuple[list[AtomSymbol], list[Bond]]:
    """The same molecule with single and double bonds instead of aromatic ones among the atoms of `inside`."""
    mol = molecule_of(atoms, np.asarray(bonds))
    try:
        Chem.SanitizeMol(mol)
        Chem.Kekulize(mol, clearAromaticFlags=True)
    except Chem.MolSanitizeException as error:
        raise BadMolecule("kekulization", str(error).strip()) from None
    changed = list(atoms)
    for i in inside:
        if atoms[i].aromatic:
            hydrogens = mol.GetAtomWithIdx(i).GetTotalNumHs() if atoms[i].atomic_number in HYPERVALENT else 0
            changed[i] = replace(atoms[i], aromatic=False, hydrogens=hydrogens)
    order = {Chem.BondType.SINGLE: 0, Chem.BondType.DOUBLE: 1, Chem.BondType.TRIPLE: 2}
    kinds = [
        (b, e, order[mol.GetBondBetweenAtoms(b, e).GetBondType()] if b in inside and e in inside else kind)
        for b, e, kind in map(tuple, bonds)
    ]
    return changed, kinds
