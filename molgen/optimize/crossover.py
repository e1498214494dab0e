"""Crossover of molecular graphs: a piece of one molecule joined to a piece of another.

The idea is Jensen's graph-based genetic algorithm (Chem. Sci. 2019, 10, 3567): cut acyclic bonds, or two bonds of a
ring, and join the pieces. Here each molecule's pieces are cut once and kept, because parents are chosen many times.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from rdkit import Chem

SINGLE, DOUBLE = Chem.BondType.SINGLE, Chem.BondType.DOUBLE
REMEMBERED = 20_000  # molecules whose pieces are kept


class Piece(NamedTuple):
    """A part of a molecule (kekulized, not sanitized) and the atoms at which it was cut off."""

    mol: Chem.Mol
    cuts: tuple[int, ...]
    atoms: int


class Pieces(NamedTuple):
    """All that one cut leaves: pieces with one open end (acyclic bonds), and with two (rings)."""

    chains: Sequence[Piece]
    rings: Sequence[Piece]


def crossover(a: str, b: str, generator: np.random.Generator) -> Chem.Mol | None:
    """A molecule, not yet sanitized, of a piece of `a` and a piece of `b`; None where they have none that fit."""
    first, second = pieces_of(a), pieces_of(b)
    ring = generator.random() < 0.5
    ours, theirs = (first.rings, second.rings) if ring else (first.chains, second.chains)
    if not ours or not theirs:
        ours, theirs = first.chains, second.chains
    if not ours or not theirs:
        return None
    one, other = ours[int(generator.integers(len(ours)))], theirs[int(generator.integers(len(theirs)))]
    ends = other.cuts if generator.random() < 0.5 else other.cuts[::-1]
    joined = Chem.RWMol(Chem.CombineMols(one.mol, other.mol))
    for here, there in zip(one.cuts, ends, strict=True):
        joined.AddBond(here, there + one.atoms, DOUBLE if len(ends) == 2 and generator.random() < 0.2 else SINGLE)
    return joined


@lru_cache(maxsize=REMEMBERED)
def pieces_of(smiles: str) -> Pieces:
    """The pieces of a molecule by its SMILES."""
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        return Pieces((), ())
    Chem.Kekulize(mol, clearAromaticFlags=True)
    rings = mol.GetRingInfo().BondRings()
    chains = [bond.GetIdx() for bond in mol.GetBonds() if not bond.IsInRing() and bond.GetBondType() == SINGLE]
    found = [piece for bond in chains for piece in _cut(mol, [bond])]
    pairs = {tuple(sorted(pair)) for ring in rings for pair in _pairs(mol, ring)}
    return Pieces(tuple(found), tuple(piece for pair in sorted(pairs) for piece in _cut(mol, list(pair))))


def _pairs(mol: Chem.Mol, ring: Sequence[int]) -> list[tuple[int, int]]:
    """Two single bonds of a ring, neither of which belongs to another ring: cut, they part the molecule."""
    info = mol.GetRingInfo()
    free = [i for i in ring if info.NumBondRings(i) == 1 and mol.GetBondWithIdx(i).GetBondType() == SINGLE]
    return [(x, y) for place, x in enumerate(free) for y in free[place + 1 :]]


def _cut(mol: Chem.Mol, bonds: Sequence[int]) -> list[Piece]:
    """The two parts that are left without some bonds; [] where the molecule stays whole, or an end has two cuts."""
    ends = [(mol.GetBondWithIdx(i).GetBeginAtomIdx(), mol.GetBondWithIdx(i).GetEndAtomIdx()) for i in bonds]
    atoms = [atom for pair in ends for atom in pair]
    if len(set(atoms)) < len(atoms):
        return []
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
    return found


def _open(atom: Chem.Atom) -> None:
    """Lets RDKit count the hydrogens of an atom anew when it has other neighbours."""
    atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    if atom.GetFormalCharge() == 0:
        atom.SetNoImplicit(False)
        atom.SetNumExplicitHs(0)
