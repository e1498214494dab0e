"""The fragment level: nodes are symbols (fragments with sites), a pair's class says which sites join the two.

A molecule is a tree of symbols. Those with a ring system off the vocabulary (which is then cut into atoms, with ring
bonds between them) are not learnt from.

Sites that a symmetry of their symbol can exchange count as one *kind*, and a class names the kinds of both ends.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import factorial, prod
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from molgen.chem.parse import BadMolecule
from molgen.core.errors import SettingsError
from molgen.data.fragment_store import FragmentStore
from molgen.data.store import Store, gather
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.level import Piece, written
from molgen.generators.diffusion.noise import Distributions
from molgen.generators.diffusion.trees import Site, is_connected, likely_nodes, likely_tree
from molgen.represent.counts import UNIT
from molgen.represent.fragments import POINT, Edge, Fragmenter, FragmentGraph, assemble
from molgen.represent.graphs import graph_of
from molgen.represent.symbols import Symbol, symbol

MOST_SITES = 64


class FragmentLevel:
    """Symbols by their texts, and pairs as (kind of the first's site, kind of the second's), 0 for none."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self.symbols = tuple(symbol(text) for text in texts)
        self.masses = [round(UNIT * rdMolDescriptors._CalcMolWt(Chem.MolFromSmiles(text))) for text in self.texts]
        self._kinds = [_kinds(found) for found in self.symbols]
        self.kinds = 1 + max((kind for kinds in self._kinds for kind in kinds), default=0)
        self.node_classes, self.edge_classes = len(self.texts), 1 + self.kinds**2
        ends = [divmod(c, self.kinds) for c in range(self.kinds**2)]
        self.swapped: tuple[int, ...] | None = (0, *(1 + b * self.kinds + a for a, b in ends))
        self._table = np.zeros((len(self.texts), MOST_SITES), np.int64)
        for row, kinds in zip(self._table, self._kinds, strict=True):
            row[: len(kinds)] = kinds
        self._site_counts = [len(kinds) for kinds in self._kinds]
        self._stores: dict[Path, tuple[FragmentStore, np.ndarray]] = {}

    @classmethod
    def of(cls, store: Store, vocabulary: int) -> Self:
        """The level of a store's `vocabulary` most frequent fragments, and its single atoms."""
        found = FragmentStore.of(store, vocabulary)
        level = cls(found.texts)
        level._stores[store.folder] = found, np.arange(len(found.texts))
        return level

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """The level that `values` described."""
        return cls(values["symbols"])

    def values(self) -> dict[str, Any]:
        return {"symbols": list(self.texts)}

    def sizes(self, store: Store, rows: np.ndarray) -> np.ndarray:
        fragments, ids = self._fragments(store)
        sizes, edges = fragments.lengths(rows)
        nodes, counts = gather(fragments.nodes, fragments.node_offsets, rows)
        known = np.append(ids >= 0, False)[np.minimum(nodes, len(ids))]
        strange = np.bincount(np.repeat(np.arange(len(rows)), counts)[~known], minlength=len(rows))
        return np.where((strange > 0) | (edges != sizes - 1), 0, sizes)

    def graphs(self, store: Store, rows: np.ndarray) -> Graphs:
        fragments, ids = self._fragments(store)
        found, _ = gather(fragments.nodes, fragments.node_offsets, rows)
        nodes = ids[found].reshape(len(rows), -1)
        edges, counts = gather(fragments.edges, fragments.edge_offsets, rows)
        return self._dense(nodes, edges, np.repeat(np.arange(len(rows)), counts))

    def graph(self, smiles: str) -> Graphs | None:
        number = {text: i for i, text in enumerate(self.texts)}
        try:
            found = self._fragmenter()(smiles)
        except BadMolecule:
            return None
        if any(text not in number for text in found.symbols) or len(found.edges) != len(found.symbols) - 1:
            return None
        nodes = np.array([[number[text] for text in found.symbols]])
        edges = np.array(found.edges, np.int64).reshape(-1, 4)
        return self._dense(nodes, edges, np.zeros(len(edges), np.int64))

    def part(self, smiles: str) -> Piece:
        """Cut like a molecule, its points being sites: this says which symbols it is made of."""
        if "*" not in smiles:
            raise SettingsError(
                f"scaffold = {smiles!r}: a model of level fragment has to be told with [*] where it is substituted"
            )
        number = {text: i for i, text in enumerate(self.texts)}
        try:
            found = self._fragmenter()(smiles, points=True)
        except BadMolecule as error:
            raise SettingsError(f"scaffold = {smiles!r}: {error}; take another part") from None
        own = {node: i for i, node in enumerate(j for j, text in enumerate(found.symbols) if text != POINT)}
        unknown = sorted({found.symbols[node] for node in own} - set(number))
        inner = [(own[u], i, own[v], j) for u, i, v, j in found.edges if u in own and v in own]
        if unknown or len(inner) != len(own) - 1:
            lacking = unknown[0] if unknown else "one of its ring systems"
            raise SettingsError(f"scaffold = {smiles!r}: {lacking} is no fragment of this model; take another part")
        points = np.zeros(len(own), bool)
        points[[own[node] for u, _, v, _ in found.edges for node in (u, v) if {u, v} - set(own) and node in own]] = True
        nodes = np.array([[number[found.symbols[node]] for node in own]])
        graph = self._dense(nodes, np.array(inner, np.int64).reshape(-1, 4), np.zeros(len(inner), np.int64))
        return Piece(graph, points, len(found.symbols) - len(own))

    def _fragmenter(self) -> Callable[..., FragmentGraph]:
        """Cuts a SMILES into symbols of this level, and into atoms where a fragment is none."""
        cut = Fragmenter(frozenset(s.text for s in self.symbols if len(s.atoms) > 1))
        return lambda smiles, points=False: cut.of_graph(graph_of(smiles), points)

    def _dense(self, nodes: np.ndarray, edges: np.ndarray, row: np.ndarray) -> Graphs:
        """From symbol ids (batch, n) and edges, of which `row` says to which graph each belongs."""
        u, i, v, j = edges.astype(np.int64).T
        a, b = self._table[nodes[row, u], i], self._table[nodes[row, v], j]
        classes = 1 + np.where(u < v, a * self.kinds + b, b * self.kinds + a)
        matrix = np.zeros((*nodes.shape, nodes.shape[1]), np.int64)
        matrix[row, np.minimum(u, v), np.maximum(u, v)] = classes
        return Graphs.of(torch.from_numpy(nodes), torch.from_numpy(matrix))

    def smiles(self, nodes: Sequence[int], pairs: np.ndarray) -> str:
        edges = self._edges(nodes, pairs)
        return written(assemble(FragmentGraph([self.texts[node] for node in nodes], edges)))

    def _edges(self, nodes: Sequence[int], pairs: np.ndarray) -> list[Edge]:
        """The edges from site to site; BadMolecule unless every site has one, of its order."""
        above, below = np.triu_indices(len(nodes), 1)
        joined = np.flatnonzero(pairs)
        open_sites = [_by_kind(self._kinds[node]) for node in nodes]
        edges: list[Edge] = []
        for u, v, kinds in zip(above[joined].tolist(), below[joined].tolist(), pairs[joined].tolist(), strict=True):
            a, b = divmod(kinds - 1, self.kinds)
            if not open_sites[u][a] or not open_sites[v][b]:
                raise BadMolecule("sites", "a bond to a site that is taken or not there")
            i, j = open_sites[u][a].pop(0), open_sites[v][b].pop(0)
            if self.symbols[nodes[u]].sites[i].order != self.symbols[nodes[v]].sites[j].order:
                raise BadMolecule("sites", "a bond between sites of different orders")
            edges.append((u, i, v, j))
        if any(left for sites in open_sites for left in sites.values()):
            raise BadMolecule("sites", "a site without a bond")
        if len(edges) != len(nodes) - 1:
            raise BadMolecule("sites", "a ring of fragments")
        if not is_connected(len(nodes), edges):
            raise BadMolecule("several fragments", "beside a ring of fragments")
        return edges

    def settle(self, drawn: Graphs, nodes: Distributions, pairs: Distributions) -> Graphs:
        """Where the drawn graph is no tree that uses every site once, the likeliest one that is, if it can be found."""
        out = Graphs(drawn.nodes.clone(), drawn.pairs.clone())
        for row, (own, joined) in enumerate(zip(drawn.nodes.tolist(), drawn.pairs.cpu().numpy(), strict=True)):
            try:
                self._edges(own, joined)
            except BadMolecule:
                found = self._nearest(own, nodes[row].float().cpu().numpy(), pairs[row].float().cpu().numpy())
                if found is not None:
                    out.nodes[row], out.pairs[row] = (torch.from_numpy(part).to(out.nodes) for part in found)
        return out

    def _nearest(self, drawn: list[int], nodes: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        chosen = likely_nodes(drawn, nodes, self._site_counts)
        if chosen is None:
            return None
        n = len(chosen)
        number = np.zeros((n, n), np.int64)
        number[np.triu_indices(n, 1)] = np.arange(len(pairs))
        weights = np.log(pairs[:, 1:] + 1e-30) - np.log(pairs[:, :1] + 1e-30)
        tree = likely_tree(
            [self._open(node) for node in chosen],
            lambda u, v: weights[number[u, v]].reshape(self.kinds, self.kinds),
        )
        if tree is None:
            return None
        found = np.zeros(len(pairs), np.int64)
        for join in tree:
            found[number[join.u, join.v]] = 1 + join.a.kind * self.kinds + join.b.kind
        return np.array(chosen), found

    def _open(self, node: int) -> Counter[Site]:
        """The sites of a symbol."""
        sites = zip(self.symbols[node].sites, self._kinds[node], strict=True)
        return Counter(Site(site.order, kind) for site, kind in sites)

    def _fragments(self, store: Store) -> tuple[FragmentStore, np.ndarray]:
        """A store's fragment graphs, and for each of its symbols the number here (-1: not known)."""
        if store.folder not in self._stores:
            found = FragmentStore.of(store, [s.text for s in self.symbols if len(s.atoms) > 1])
            number = {text: i for i, text in enumerate(self.texts)}
            self._stores[store.folder] = found, np.array([number.get(text, -1) for text in found.texts])
        return self._stores[store.folder]


def _kinds(found: Symbol) -> list[int]:
    """The kind of each site, numbered from 0 in the order of the sites.

    In a symbol whose equal sites cannot be exchanged at will (the four of a thiophene: both outer ones change places
    only together with both inner ones) each site is of its own kind.
    """
    orbits = Counter(found.representative)
    if prod(factorial(size) for size in orbits.values()) != len(found.automorphisms):
        return list(range(len(found.sites)))
    numbers: dict[int, int] = {}
    return [numbers.setdefault(site, len(numbers)) for site in found.representative]


def _by_kind(kinds: Sequence[int]) -> defaultdict[int, list[int]]:
    out: defaultdict[int, list[int]] = defaultdict(list)
    for site, kind in enumerate(kinds):
        out[kind].append(site)
    return out
