"""QED, the quantitative estimate of drug-likeness (Bickerton et al., Nature Chemistry 4:90, 2012), 0 to 1.

Equal to RDKit's `QED.qed`, from which the parameters come.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import cache, lru_cache

from rdkit import Chem
from rdkit.Chem import QED

from molgen.chem.contributions import Totals
from molgen.chem.environments import Sketch
from molgen.chem.substructures import Patterns


def qed(mol: Chem.Mol, drawn: Sketch, sums: Totals, *, weight: float, tpsa: float) -> float:
    """QED of a molecule whose sketch and other properties are known already."""
    alerts = len(_alerts().matches(mol, drawn))
    terms = (
        _term("MW", weight),
        _term("ALOGP", sums.logp),
        _count_term("HBA", sums.qed_acceptors),
        _count_term("HBD", sums.donors),
        _term("PSA", tpsa),
        _count_term("ROTB", sums.rotatable),
        _count_term("AROM", _aromatic_rings(drawn, sums.aliphatic)),
        _count_term("ALERTS", alerts),
    )
    return math.exp(sum(terms) / _WEIGHT)


_WEIGHT = sum(QED.WEIGHT_MEAN)


def _term(name: str, value: float) -> float:
    """The logarithm of a property's desirability, times its weight."""
    weight: float = getattr(QED.WEIGHT_MEAN, name)
    return weight * math.log(QED.ads(value, QED.adsParameters[name]))


_count_term = lru_cache(maxsize=4_096)(_term)


@cache
def _alerts() -> Patterns:
    return Patterns(QED.StructuralAlertSmarts)


def _aromatic_rings(drawn: Sketch, aliphatic: Collection[int]) -> int:
    """Rings left when aliphatic ring atoms with a non-aromatic neighbour are taken out.

    RDKit deletes the atoms and counts the rings anew. The number of rings of a graph is its bonds - atoms + components.
    """
    kept = {atom for ring in drawn.rings for atom in ring}.difference(aliphatic)
    pairs = [(a, b) for a, b in zip(drawn.begins, drawn.ends, strict=True) if a < b and a in kept and b in kept]
    return len(pairs) - len(kept) + _components(kept, pairs)


def _components(nodes: set[int], pairs: list[tuple[int, int]]) -> int:
    """Connected components of a graph (union-find)."""
    parent = {node: node for node in nodes}

    def root(node: int) -> int:
        while parent[node] != node:
            node = parent[node]
        return node

    count = len(nodes)
    for a, b in pairs:
        root_a, root_b = root(a), root(b)
        if root_a != root_b:
            parent[root_a] = root_b
            count -= 1
    return count
