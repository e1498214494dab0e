"""Motifs whose rings are strained far beyond those of cyclopropane or cyclobutane alone, or that cannot be closed.

Rules on rings rather than a list of substances (strain: Wiberg, Angew. Chem. Int. Ed. 25:312, 1986). Some of them are
made and sold all the same, bicyclo[1.1.1]pentane above all: a motif is a reason to look, no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

LINEAR, BREDT, SMALL = 9, 8, 4  # rings of fewer atoms cannot hold a linear part; a twisted double bond; small: at most
_SP_IN_A_RING = Chem.MolFromSmarts("[^1;R]")
_MULTIPLE = (Chem.BondType.DOUBLE, Chem.BondType.TRIPLE)


def strained_motifs(mol: Chem.Mol) -> list[str]:
    """The names of the motifs that a molecule has, sorted; [] for most."""
    info = mol.GetRingInfo()
    sizes = [len(ring) for ring in info.AtomRings()]
    found = set[str]()
    if min(sizes, default=LINEAR) <= SMALL or mol.HasSubstructMatch(_SP_IN_A_RING):
        found |= _of_single_rings(mol)
    if sum(size <= SMALL for size in sizes) > 1:
        found |= _small_pairs(info.AtomRings(), info.BondRings())
    if len(sizes) > 1 and _anti_bredt(mol):
        found.add("double bond at a bridgehead")
    return sorted(found)


def _of_single_rings(mol: Chem.Mol) -> set[str]:
    """Motifs that one ring has by itself: small, or with a linear part."""
    info, found = mol.GetRingInfo(), set[str]()
    for atoms, bonds in zip(info.AtomRings(), info.BondRings(), strict=True):
        size, ring = len(atoms), [mol.GetBondWithIdx(i) for i in bonds]
        multiple = sum(b.GetBondType() in _MULTIPLE or b.GetIsAromatic() for b in ring)
        if size == 3 and multiple:
            found.add("unsaturated three-ring")
        if size == 3 and _hetero(mol, atoms) > 1:
            found.add("three-ring of two heteroatoms")
        if size == 4 and multiple > 1:
            found.add("four-ring of two double bonds")
        if size < LINEAR and _linear(ring):
            found.add("linear part in a ring")
    return found


def _linear(ring: Sequence[Chem.Bond]) -> bool:
    """A triple bond, or two double bonds at one atom, among a ring's bonds."""
    if any(bond.GetBondType() == Chem.BondType.TRIPLE for bond in ring):
        return True
    doubles = [b for b in ring if b.GetBondType() == Chem.BondType.DOUBLE]
    carbons = [{a.GetIdx() for a in (b.GetBeginAtom(), b.GetEndAtom()) if a.GetAtomicNum() in (6, 7)} for b in doubles]
    return any(a & b for a, b in combinations(carbons, 2))


def _small_pairs(atoms: Sequence[Sequence[int]], bonds: Sequence[Sequence[int]]) -> set[str]:
    found = set[str]()
    small = [(set(a), set(b)) for a, b in zip(atoms, bonds, strict=True) if len(a) <= SMALL]
    for (atoms_a, bonds_a), (atoms_b, bonds_b) in combinations(small, 2):
        if bonds_a & bonds_b:
            found.add("small rings that share a bond")
        elif len(atoms_a) == len(atoms_b) == 3 and atoms_a & atoms_b:
            found.add("spiro three-rings")
    return found


def _hetero(mol: Chem.Mol, ring: Sequence[int]) -> int:
    return sum(mol.GetAtomWithIdx(i).GetAtomicNum() != 6 for i in ring)


def _anti_bredt(mol: Chem.Mol) -> bool:
    """A double bond of a small ring at a bridgehead, which its orbitals cannot face (Bredt's rule)."""
    heads: list[int] = []
    if not rdMolDescriptors.CalcNumBridgeheadAtoms(mol, heads):  # type: ignore[arg-type]  # which it fills
        return False
    info = mol.GetRingInfo()
    for index in heads:
        for bond in mol.GetAtomWithIdx(index).GetBonds():
            inside = [len(ring) for ring in info.BondRings() if bond.GetIdx() in ring]
            if bond.GetBondType() == Chem.BondType.DOUBLE and inside and max(inside) < BREDT:
                return True
    return False
