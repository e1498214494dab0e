"""The likeliest tree that uses every site of its nodes once: what the last step of a fragment graph chooses among."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

TRIES = 400  # edges looked at before a graph is given up
ALTERNATIVES = 8  # classes of a node that are considered


class Site(NamedTuple):
    """An open site: the order of the bond it takes, and its kind within its node."""

    order: int
    kind: int


class Join(NamedTuple):
    """An edge that could be: both ends, and how likely it is against none."""

    weight: float
    u: int
    a: Site
    v: int
    b: Site


def is_connected(nodes: int, edges: Sequence[tuple[int, int, int, int]]) -> bool:
    """Whether edges (node, site, node, site) join all nodes."""
    part = list(range(nodes))
    for u, _, v, _ in edges:
        part = [part[u] if p == part[v] else p for p in part]
    return len(set(part)) == 1


def likely_nodes(drawn: Sequence[int], probs: np.ndarray, sites: Sequence[int]) -> list[int] | None:
    """The drawn classes if their sites are as many as a tree needs, else with the one change that costs least.

    `sites` are the numbers of sites of the classes, `probs` is (n, classes). None if one change is not enough.
    """
    nodes = list(drawn)
    missing = 2 * (len(nodes) - 1) - sum(sites[node] for node in nodes)
    if missing == 0:
        return nodes
    best: tuple[float, int, int] | None = None
    for i, node in enumerate(nodes):
        for other in np.argsort(-probs[i])[:ALTERNATIVES].tolist():
            cost = float(np.log(probs[i, node] + 1e-30) - np.log(probs[i, other] + 1e-30))
            if sites[other] - sites[node] == missing and (best is None or cost < best[0]):
                best = cost, i, other
    if best is None:
        return None
    nodes[best[1]] = best[2]
    return nodes


def likely_tree(open_sites: Sequence[Counter[Site]], weight: Callable[[int, int], np.ndarray]) -> list[Join] | None:
    """Edges that join all nodes and use all sites, likeliest first; None if none was found in a bounded search.

    `weight(u, v)` is (kinds of u, kinds of v): how likely each join of u < v is, in nats against none.
    """
    joins = []
    for u, first in enumerate(open_sites):
        for v, second in enumerate(open_sites[u + 1 :], u + 1):
            table = weight(u, v)
            joins += [
                Join(float(table[a.kind, b.kind]), u, a, v, b) for a in first for b in second if a.order == b.order
            ]
    joins.sort(key=lambda join: -join.weight)
    return _Search().extend([], [Counter(sites) for sites in open_sites], list(range(len(open_sites))), joins)


class _Search:
    """Depth-first, best edge first."""

    def __init__(self) -> None:
        self.left = TRIES

    def extend(
        self, edges: list[Join], sites: Sequence[Counter[Site]], part: Sequence[int], joins: Sequence[Join]
    ) -> list[Join] | None:
        """`edges` made whole from `joins`; `part` is the connected part that each node is in."""
        if len(edges) == len(part) - 1:
            return edges if not any(counts.total() for counts in sites) else None
        for place, join in enumerate(joins):
            self.left -= 1
            if self.left < 0:
                return None
            fresh = [Counter(counts) for counts in sites]
            fresh[join.u][join.a] -= 1
            fresh[join.v][join.b] -= 1
            parts = [part[join.u] if p == part[join.v] else p for p in part]
            stuck = not any(fresh[i].total() for i, p in enumerate(parts) if p == part[join.u])
            if stuck and len(set(parts)) > 1:
                continue  # nothing could join this part to the others
            rest = [j for j in joins[place + 1 :] if fresh[j.u][j.a] and fresh[j.v][j.b] and parts[j.u] != parts[j.v]]
            found = self.extend([*edges, join], fresh, parts, rest)
            if found is not None:
                return found
        return None
