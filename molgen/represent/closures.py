"""The rings that joins close: how large each would be, in a molecule under construction."""

from __future__ import annotations

import numpy as np
from rdkit import Chem

from molgen.represent.derivations import FIRST_JOIN, Build, Grammar
from molgen.represent.graphs import molecule_of
from molgen.represent.symbols import Symbol

Atom = tuple[int, int]  # position of the action, number of the atom in its symbol


def ring_sizes(build: Build, most: int) -> list[int]:
    """For each site of `build.joinable()` the smallest ring that a bond to the site on top would close, in atoms;
    `most` + 1 for one that is larger than that."""
    places = build.joinable()
    if not places:
        return []
    wanted = {(build.stack[place][0], 0) for place in places}  # single atoms
    near, start = _neighbours(build), (build.stack[-1][0], 0)
    size = {start: 1}
    frontier = [start]
    for ring in range(2, most + 1):
        frontier = [other for atom in frontier for other in near[atom] if other not in size]
        size.update(dict.fromkeys(frontier, ring))
        if not frontier or wanted <= size.keys():
            break
    return [size.get((build.stack[place][0], 0), most + 1) for place in places]


def largest_ring(grammar: Grammar) -> int | None:
    """Atoms of the largest ring of a grammar's symbols; None if they have no rings, so that all are made by joins."""
    sizes = [size for symbol in grammar.symbols if len(symbol.bonds) >= len(symbol.atoms) for size in _rings(symbol)]
    return max(sizes, default=None)


def _rings(symbol: Symbol) -> list[int]:
    mol = molecule_of(symbol.atoms, np.array(symbol.bonds))
    Chem.GetSymmSSSR(mol)
    return [len(ring) for ring in mol.GetRingInfo().AtomRings()]


def _neighbours(build: Build) -> dict[Atom, list[Atom]]:
    """The bonds made so far: atoms to the atoms that they are bonded to."""
    grammar = build.grammar
    symbols = [
        grammar.symbols[grammar.action_symbol[action]] if action >= FIRST_JOIN + grammar.joins else None
        for action in build.actions
    ]
    near: dict[Atom, list[Atom]] = {
        (position, atom): [] for position, one in enumerate(symbols) if one for atom in range(len(one.atoms))
    }
    for position, one in enumerate(symbols):
        for begin, end, _ in one.bonds if one else ():
            near[position, begin].append((position, end))
            near[position, end].append((position, begin))
    for u, i, v, j in build.edges:
        one, other = symbols[u], symbols[v]
        assert one is not None
        assert other is not None
        ends = (u, one.sites[i].atom), (v, other.sites[j].atom)
        near[ends[0]].append(ends[1])
        near[ends[1]].append(ends[0])
    return near
