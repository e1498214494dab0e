"""Offspring of molecules: children that RDKit accepts and a chemist would not refuse at first sight."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

import numpy as np
from rdkit import Chem

from molgen.optimize.crossover import crossover
from molgen.optimize.mutation import mutate

MUTATED = 0.3  # share of children that are changed once more
ODD = re.compile(r"\[[SP]@*H")  # hydrogens on sulphur or phosphorus of a high valence
TRIES = 20  # attempts a child, on average


def offspring(
    parents: Sequence[str],
    count: int,
    generator: np.random.Generator,
    *,
    largest: int = 50,
    crossed: float = 0.7,
    known: Container[str] = (),
) -> list[str]:
    """Up to `count` distinct children, canonical SMILES, none of them a parent or `known`.

    Parents are drawn at random; one that is to be drawn more often stands there more often. A share `crossed` of the
    attempts have two parents, the others are mutations of one; some children are changed once more (`MUTATED`).
    `largest` is the most heavy atoms a child may have. Fewer are found where hardly any attempt gives a new molecule.
    """
    found: dict[str, None] = {}
    own = set(parents)
    for _ in range(TRIES * count):
        if len(found) >= count:
            break
        a, b = (parents[int(i)] for i in generator.integers(len(parents), size=2))
        child = crossover(a, b, generator) if generator.random() < crossed else mutate(a, generator)
        smiles = accepted(child, largest)
        if smiles is not None and child is not None and generator.random() < MUTATED:
            smiles = accepted(mutate(child, generator), largest) or smiles
        if smiles is not None and smiles not in own and smiles not in known:
            found[smiles] = None
    return list(found)


def accepted(mol: Chem.Mol | None, largest: int) -> str | None:
    """The canonical SMILES of a molecule that sanitizes, is one fragment, and has no strained or huge ring."""
    if mol is None or not 0 < mol.GetNumAtoms() <= largest:
        return None
    if Chem.SanitizeMol(mol, catchErrors=True) or not _rings_are_plain(mol):
        return None
    smiles: str = Chem.MolToSmiles(mol)
    if "." in smiles or ODD.search(smiles):
        return None
    again = Chem.MolFromSmiles(smiles)
    return Chem.MolToSmiles(again) if again is not None else None


def _rings_are_plain(mol: Chem.Mol) -> bool:
    """No ring of more than 7 atoms, no double bond in one of 3 or 4, no cumulated or triple bonds in one."""
    for ring in mol.GetRingInfo().BondRings():
        if len(ring) > 7:
            return False
        orders = [mol.GetBondWithIdx(i).GetBondTypeAsDouble() for i in ring]
        if max(orders) > 2 or (len(ring) < 5 and max(orders) > 1):
            return False
        if len(ring) >= 5 and any(x == y == 2 for x, y in zip(orders, orders[1:] + orders[:1], strict=True)):
            return False
    return True
