"""Derivations: a fragment graph as a short sequence of actions, executed by a stack of open sites.

The first action puts down a symbol (the root); each further one fills the open site on top of the stack, either with a
symbol that enters through a site of the same bond order, or by a bond to another open site (a *join*, which closes a
ring between atoms). The other sites of a new symbol go on the stack, the first of them on top. The molecule is
complete when the stack is empty, so there is no stop token, and whatever the actions are, what they build is one
connected molecule in which each atom has the neighbours that its symbol says.

A molecule has one derivation for each root: among the sites that a symbol's symmetry makes equal, the entering one is
called by the first of them, and the others are filled in the order of the nodes that they lead to.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from molgen.chem.parse import BadMolecule
from molgen.represent.fragments import Edge, FragmentGraph
from molgen.represent.symbols import Symbol, symbol

START, START_ANYWHERE = 0, 1  # what stands before a root: the molecule's own, or any of its symbols
FIRST_JOIN = 2
ROOT = 0  # the class of actions that begin; classes 1, 2 and 3 fill a site of that bond order


class Grammar:
    """The actions over a list of symbols, the most frequent first. Ids: starts, joins, then classes 0, 1, 2, 3."""

    def __init__(self, texts: Sequence[str], joins: int) -> None:
        self.texts, self.joins = list(texts), joins
        self.symbols: list[Symbol] = [symbol(text) for text in texts]
        self.ids = {text: i for i, text in enumerate(texts)}
        actions = [(ROOT, i, -1) for i in range(len(texts))]
        for order in (1, 2, 3):
            for i, s in enumerate(self.symbols):
                entries = sorted({r for r in s.representative if s.sites[r].order == order})
                actions += [(order, i, entry) for entry in entries]
        first = FIRST_JOIN + joins
        self.size = first + len(actions)
        self.action_class, self.action_symbol, self.action_entry = (
            np.concatenate([np.full(first, -1), column]) for column in np.array(actions).reshape(-1, 3).T
        )
        bounds = first + np.searchsorted([a[0] for a in actions], range(5))
        self.classes = list(pairwise(bounds.tolist()))
        self.action_of = {(s, e): first + i for i, (_, s, e) in enumerate(actions)}
        self._arranged: dict[tuple[int, int, tuple[int, ...]], tuple[int, list[int]]] = {}

    @cached_property
    def pushed(self) -> list[list[tuple[int, int, int]]]:
        """For each action the sites that it opens: (site of the symbol, bond order, atom of the symbol)."""
        out: list[list[tuple[int, int, int]]] = []
        for s, entry in zip(self.action_symbol.tolist(), self.action_entry.tolist(), strict=True):
            sites = self.symbols[s].sites if s >= 0 else ()
            out.append([(i, site.order, site.atom) for i, site in enumerate(sites) if i != entry])
        return out

    @cached_property
    def action_atoms(self) -> np.ndarray:
        """Atoms that each action adds."""
        counts = np.array([len(s.atoms) for s in self.symbols])
        return np.where(self.action_symbol >= 0, counts[self.action_symbol], 0)

    @cached_property
    def action_arity(self) -> np.ndarray:
        """Sites that each action opens."""
        return np.array([len(sites) for sites in self.pushed])

    @cached_property
    def single(self) -> list[bool]:
        """Whether each action puts down one atom: only single atoms are joined."""
        return (self.action_atoms == 1).tolist()

    def arrange(self, number: int, entry: int, keys: Sequence[int]) -> tuple[int, list[int]]:
        """The action that places a symbol entered through a site (-1: none), and its other sites in filling order.

        `keys` holds the node that each site leads to.
        """
        sites = self.symbols[number].sites
        if len(sites) <= 1:
            return self.action_of[number, 0 if entry == 0 else -1], [] if entry == 0 else list(range(len(sites)))
        ranks = tuple(sorted(range(len(keys)), key=keys.__getitem__))
        cached = self._arranged.get((number, entry, ranks))
        if cached is None:
            rank = {site: i for i, site in enumerate(ranks)}
            first = self.symbols[number].representative[entry] if entry >= 0 else -1
            others = [i for i in range(len(sites)) if i != first]
            possible = [p for p in self.symbols[number].automorphisms if first < 0 or p[first] == entry]
            best = min(possible, key=lambda p: [rank[p[i]] for i in others])
            cached = (self.action_of[number, first], [best[i] for i in others])
            self._arranged[number, entry, ranks] = cached
        return cached

    def derive(self, nodes: Sequence[int], edges: Sequence[Edge], root: int | None = None) -> list[int]:
        """The actions that build a fragment graph (symbol ids, edges) from a root; the rarest symbol unless given.

        BadMolecule if a ring would need a join deeper in the stack than the grammar has.
        """
        leads: list[dict[int, tuple[int, int]]] = [{} for _ in nodes]
        for u, i, v, j in edges:
            leads[u][i] = (v, j)
            leads[v][j] = (u, i)
        start = max(range(len(nodes)), key=lambda n: (nodes[n], -n)) if root is None else root
        build = Build(self)
        open_sites: list[tuple[int, int]] = []  # node, its site: what the stack of `build` stands for
        placed = [False] * len(nodes)

        def place(node: int, entry: int) -> None:
            keys = [leads[node][site][0] for site in range(len(leads[node]))]
            action, order = self.arrange(nodes[node], entry, keys)
            build.apply(action)
            placed[node] = True
            open_sites.extend((node, site) for site in reversed(order))

        place(start, -1)
        while open_sites:
            node, site = open_sites[-1]
            other, entry = leads[node][site]
            if not placed[other]:
                open_sites.pop()
                place(other, entry)
                continue
            partner = open_sites.index((other, entry))
            depth = build.joinable().index(partner)
            if depth >= self.joins:
                raise BadMolecule("ring too deep", f"needs join {depth + 1}, the model has {self.joins}")
            build.apply(FIRST_JOIN + depth)
            open_sites.pop()
            open_sites.pop(partner)
        return build.actions

    def actions_of(self, graph: FragmentGraph, root: int | None = None) -> list[int]:
        """The derivation of a fragment graph; BadMolecule if a symbol is not in the vocabulary."""
        unknown = [text for text in graph.symbols if text not in self.ids]
        if unknown:
            raise BadMolecule("unknown atom", f"{unknown[0]}: the training set never had it")
        return self.derive([self.ids[text] for text in graph.symbols], graph.edges, root)


class Build:
    """A molecule under construction. Open sites are (position of the action, number among its sites, order)."""

    __slots__ = ("actions", "bonded", "edges", "grammar", "stack")

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.actions: list[int] = []
        self.stack: list[tuple[int, int, int]] = []
        self.edges: list[tuple[int, int, int, int]] = []  # position, site of its symbol, other position, its site
        self.bonded: set[tuple[int, int]] = set()

    @property
    def done(self) -> bool:
        """True when every site is filled."""
        return bool(self.actions) and not self.stack

    def joinable(self) -> list[int]:
        """Places in the stack of the sites that the one on top can be bonded to, from the top down.

        A join needs two single atoms that are not bonded yet, and equal orders.
        """
        single, actions = self.grammar.single, self.actions
        top, _, order = self.stack[-1]
        if not single[actions[top]]:
            return []
        return [
            i
            for i in range(len(self.stack) - 2, -1, -1)
            if self.stack[i][2] == order
            and self.stack[i][0] != top
            and single[actions[self.stack[i][0]]]
            and (self.stack[i][0], top) not in self.bonded
        ]

    def apply(self, action: int) -> None:
        """One more action; it must be of the class that is due."""
        position = len(self.actions)
        if action < FIRST_JOIN + self.grammar.joins:
            self._join(self.joinable()[action - FIRST_JOIN])
            self.actions.append(action)
            return
        if self.stack:
            parent, number, _ = self.stack.pop()
            entry = int(self.grammar.action_entry[action])
            self.edges.append((parent, self._site(parent, number), position, entry))
            self.bonded.add((parent, position))
        sites = self.grammar.pushed[action]
        self.stack.extend((position, i, sites[i][1]) for i in range(len(sites) - 1, -1, -1))
        self.actions.append(action)

    def _join(self, place: int) -> None:
        other, other_number, _ = self.stack.pop(place)
        top, number, _ = self.stack.pop()
        self.edges.append((other, self._site(other, other_number), top, self._site(top, number)))
        self.bonded.add((other, top))

    def _site(self, position: int, number: int) -> int:
        return self.grammar.pushed[self.actions[position]][number][0]

    def graph(self) -> FragmentGraph:
        """What has been built, as a fragment graph; its nodes are in the order of the actions."""
        first_action = FIRST_JOIN + self.grammar.joins
        symbols = self.grammar.action_symbol.tolist()
        node: dict[int, int] = {}
        texts: list[str] = []
        for position, action in enumerate(self.actions):
            if action >= first_action:
                node[position] = len(texts)
                texts.append(self.grammar.texts[symbols[action]])
        return FragmentGraph(texts, [(node[u], i, node[v], j) for u, i, v, j in self.edges])
