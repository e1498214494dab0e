"""Symbols: fragments of molecules with ordered open sites, the letters that the graph families write in.

A symbol is written as a SMILES in which each `*` is a site: `*C` is methyl, `*C(*)=O` a carbonyl, `*c1ccc(*)cc1`
para-phenylene. Hydrogens follow from the sites, so a molecule put together from symbols site by site, each bond of the
order that both sites have, has right valences. Stereochemistry is not part of a symbol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from rdkit import Chem

from molgen.represent.graphs import AtomSymbol, graph_of, molecule_of

SITE = AtomSymbol(0)  # stands where a bond to another fragment begins
MAX_AUTOMORPHISMS = 5_040  # of a symbol; enough for seven equal sites at one atom

Bond = tuple[int, int, int]  # begin, end, type as in `graphs.BONDS`


@dataclass(frozen=True)
class Site:
    """Where a symbol can be bonded: an atom of it, and the order of the bond (1, 2, 3)."""

    atom: int
    order: int


@dataclass(frozen=True)
class Symbol:
    """A fragment and its sites. Symbols are equal if their texts are."""

    text: str
    atoms: tuple[AtomSymbol, ...]
    bonds: tuple[Bond, ...]
    sites: tuple[Site, ...]

    @classmethod
    def of(cls, text: str) -> Symbol:
        """The symbol that a text describes; ValueError if it describes none."""
        graph = graph_of(text)
        if graph is None:
            raise ValueError(f"no symbol: {text}")
        place = np.cumsum([atom != SITE for atom in graph.atoms]) - 1  # atom numbers without the sites
        atoms = tuple(atom for atom in graph.atoms if atom != SITE)
        bonds: list[Bond] = []
        sites: dict[int, Site] = {}
        for begin, end, kind in graph.bonds.tolist():
            if graph.atoms[begin] == SITE:
                sites[begin] = Site(int(place[end]), kind + 1)
            elif graph.atoms[end] == SITE:
                sites[end] = Site(int(place[begin]), kind + 1)
            else:
                bonds.append((int(place[begin]), int(place[end]), kind))
        return cls(text, atoms, tuple(bonds), tuple(sites[i] for i in sorted(sites)))

    @cached_property
    def automorphisms(self) -> tuple[tuple[int, ...], ...]:
        """The symmetries, as permutations of the sites: site `p[i]` can play the part of site `i`."""
        found = {tuple(range(len(self.sites)))}
        if len(self.sites) > 1:
            found.update(_symmetries(self))
        return tuple(sorted(found))

    @cached_property
    def representative(self) -> tuple[int, ...]:
        """For each site, the first of those that are equal to it by symmetry."""
        return tuple(min(p[i] for p in self.automorphisms) for i in range(len(self.sites)))


@lru_cache(maxsize=1 << 16)
def symbol(text: str) -> Symbol:
    """The symbol of a text, made once a process."""
    return Symbol.of(text)


def canonical_symbol(
    atoms: Sequence[AtomSymbol], bonds: Sequence[Bond], sites: Sequence[Site]
) -> tuple[str, tuple[int, ...]]:
    """The text of a fragment with sites in any order, and for each given site its number in the symbol."""
    count = len(atoms)
    spokes = [(site.atom, count + i, site.order - 1) for i, site in enumerate(sites)]
    mol = molecule_of([*atoms, *(SITE for _ in sites)], np.array([*bonds, *spokes]).reshape(-1, 3))
    mol.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(mol)
    text = Chem.MolToSmiles(mol)
    written = [i for i in mol.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"] if i >= count]
    number = {atom - count: place for place, atom in enumerate(written)}
    return text, tuple(number[i] for i in range(len(sites)))


def _symmetries(symbol: Symbol) -> set[tuple[int, ...]]:
    """The site permutations of all automorphisms of the fragment, by backtracking over its atoms and sites."""
    atoms = len(symbol.atoms)
    size = atoms + len(symbol.sites)
    edges: dict[tuple[int, int], int] = {}
    for begin, end, kind in [*symbol.bonds, *((s.atom, atoms + i, s.order - 1) for i, s in enumerate(symbol.sites))]:
        edges[begin, end] = edges[end, begin] = kind
    neighbours = [[j for j in range(size) if (i, j) in edges] for i in range(size)]
    colours = _colours(symbol, edges, neighbours)
    order = _connected_order(neighbours)
    found: set[tuple[int, ...]] = set()
    image = [-1] * size
    used = [False] * size

    def extend(depth: int) -> None:
        if len(found) >= MAX_AUTOMORPHISMS:
            return
        if depth == size:
            found.add(tuple(image[atoms + i] - atoms for i in range(len(symbol.sites))))
            return
        node = order[depth]
        done = [n for n in neighbours[node] if image[n] >= 0]
        for other in neighbours[image[done[0]]] if done else range(size):
            if used[other] or colours[other] != colours[node]:
                continue
            if all(edges.get((image[n], other)) == edges[n, node] for n in done):
                image[node], used[other] = other, True
                extend(depth + 1)
                image[node], used[other] = -1, False

    extend(0)
    return found


def _colours(symbol: Symbol, edges: dict[tuple[int, int], int], neighbours: list[list[int]]) -> list[int]:
    """Colours that no automorphism changes: atom types, refined by those of the neighbours until nothing changes."""
    names: list[object] = [(0, atom) for atom in symbol.atoms]
    names += [(1, site.order) for site in symbol.sites]
    colours = _numbered(names)
    for _ in range(len(names)):
        keys = [(c, tuple(sorted((edges[i, j], colours[j]) for j in neighbours[i]))) for i, c in enumerate(colours)]
        refined = _numbered(keys)
        if len(set(refined)) == len(set(colours)):
            break
        colours = refined
    return colours


def _numbered(names: Sequence[object]) -> list[int]:
    numbers: dict[object, int] = {}
    return [numbers.setdefault(name, len(numbers)) for name in names]


def _connected_order(neighbours: list[list[int]]) -> list[int]:
    """All nodes, each but the first after one of its neighbours."""
    order, seen = [0], {0}
    for node in order:
        fresh = [n for n in neighbours[node] if n not in seen]
        order += fresh
        seen.update(fresh)
    return order
