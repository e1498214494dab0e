"""Crossover of molecular graphs: a piece of one molecule joined to a piece of another.

The idea is Jensen's graph-based genetic algorithm (Chem. Sci. 2019, 10, 3567): cut acyclic bonds, or two bonds of a
ring, and join the pieces. Where a molecule can be cut, and the pieces of each cut, are kept, because parents are chosen
many times.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from rdkit import Chem

SINGLE, DOUBLE = Chem.BondType.SINGLE, Chem.BondType.DOUBLE
MOLECULES, CUTS = 20_000, 100_000  # whose places and pieces are kept


class Piece(NamedTuple):
    """A part of a molecule (kekulized, not sanitized) and the atoms at which it was cut off."""

    mol: Chem.Mol
    cuts: tuple[int, ...]
    atoms: int


class Places(NamedTuple):
    """Where a molecule (kekulized) can be cut: numbers of acyclic bonds, and of pairs of bonds of a ring."""

    mol: Chem.Mol
    chains: Sequence[tuple[int, ...]]
    rings: Sequence[tuple[int, ...]]


def crossover(a: str, b: str, generator: np.random.Generator) -> Chem.Mol | None:
    """A molecule, not yet sanitized, of a piece of `a` and a piece of `b`; None where they have none that fit."""
    first, second = places_of(a), places_of(b)
    ring = generator.random() < 0.5 and bool(first.rings) and bool(second.rings)
    one = _piece(a, first.rings if ring else first.chains, generator)
    other = _piece(b, second.rings if ring else second.chains, generator)
    if one is None or other is None:
        return None
    ends = other.cuts if generator.random() < 0.5 else other.cuts[::-1]
    joined = Chem.RWMol(Chem.CombineMols(one.mol, other.mol))
    for here, there in zip(one.cuts, ends, strict=True):
        joined.AddBond(here, there + one.atoms, DOUBLE if len(ends) == 2 and generator.random() < 0.2 else SINGLE)
    return joined


@lru_cache(maxsize=MOLECULES)
def places_of(smiles: str) -> Places:
    """Where a molecule can be cut, by its SMILES."""
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        return Places(Chem.Mol(), (), ())
    Chem.Kekulize(mol, clearAromaticFlags=True)
    rings = mol.GetRingInfo().BondRings()
    chains = [(bond.GetIdx(),) for bond in mol.GetBonds() if not bond.IsInRing() and bond.GetBondType() == SINGLE]
    return Places(mol, chains, sorted({pair for ring in rings for pair in _pairs(mol, ring)}))


def _piece(smiles: str, places: Sequence[tuple[int, ...]], generator: np.random.Generator) -> Piece | None:
    """One side of one of the cuts; None where there is none, or the molecule stays whole."""
    if not places:
        return None
    place, side = divmod(int(generator.integers(2 * len(places))), 2)
    pieces = pieces_of(smiles, places[place])
    return pieces[side] if pieces else None


def _pairs(mol: Chem.Mol, ring: Sequence[int]) -> list[tuple[int, ...]]:
    """Two single bonds of a ring that share no atom, neither of another ring: cut, they part the molecule."""
    info = mol.GetRingInfo()
    free = sorted(i for i in ring if info.NumBondRings(i) == 1 and mol.GetBondWithIdx(i).GetBondType() == SINGLE)
    return [pair for pair in combinations(free, 2) if len({atom for i in pair for atom in _ends(mol, i)}) == 4]


def _ends(mol: Chem.Mol, bond: int) -> tuple[int, int]:
    found = mol.GetBondWithIdx(bond)
    return found.GetBeginAtomIdx(), found.GetEndAtomIdx()


@lru_cache(maxsize=CUTS)
def pieces_of(smiles: str, bonds: tuple[int, ...]) -> list[Piece]:
    """Both parts of a molecule without some bonds; [] where it stays whole, or a cut has both ends in one part."""
    mol = places_of(smiles).mol
    ends = [_ends(mol, i) for i in bonds]
    atoms = [atom for pair in ends for atom in pair]
    whole = Chem.RWMol(mol)
    for begin, end in ends:
        whole.RemoveBond(begin, end)
    places: list[tuple[int, ...]] = []
    parts = Chem.GetMolFrags(whole, asMols=True, sanitizeFrags=False, fragsMolAtomMapping=places)
    if len(parts) != 2:
        return []
    found = []
    for part, place in zip(parts, places, strict=True):
        where = {atom: i for i, atom in enumerate(place)}
        cuts = tuple(where[atom] for atom in atoms if atom in where)
        if len(cuts) == len(bonds):
            for cut in cuts:
                _open(part.GetAtomWithIdx(cut))
            found.append(Piece(part, cuts, part.GetNumAtoms()))
    return found if len(found) == 2 else []


def _open(atom: Chem.Atom) -> None:
    """Lets RDKit count the hydrogens of an atom anew when it has other neighbours."""
    atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    if atom.GetFormalCharge() == 0:
        atom.SetNoImplicit(False)
        atom.SetNumExplicitHs(0)
