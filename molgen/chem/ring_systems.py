"""Ring systems: rings that share atoms (fused, bridged, spiro), as one piece without what hangs on them.

What is double-bonded to a ring stays, as in RDKit's Murcko scaffolds, for it makes another system of it: a pyridone is
no pyridine.
"""

from __future__ import annotations

import re

from rdkit import Chem

_BRACKETS = re.compile(r"\[[^]]*\]")
_DIGIT = re.compile(r"\d")  # outside of brackets: a ring closure


def ring_systems(mol: Chem.Mol) -> list[str]:
    """Canonical SMILES, without stereo, of each distinct ring system, sorted; [] for a molecule without rings.

    Two ring systems that a double bond joins count as one. Open valences are filled with hydrogen.
    """
    if mol.GetRingInfo().NumRings() == 0:
        return []
    cut = _bonds_to_cut(mol)
    parts = Chem.FragmentOnBonds(mol, cut, addDummies=False) if cut else mol
    pieces = Chem.MolToSmiles(parts, isomericSmiles=False).split(".")
    return sorted({piece for piece in pieces if _DIGIT.search(_BRACKETS.sub("", piece))})


def _bonds_to_cut(mol: Chem.Mol) -> list[int]:
    """The bonds that leave a ring system."""
    inside: set[int] = set()
    others: list[tuple[int, int, int]] = []
    for bond in mol.GetBonds():
        begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if bond.IsInRing() or _is_double_at_ring(bond):
            inside |= {begin, end}
        else:
            others.append((bond.GetIdx(), begin, end))
    return [bond for bond, begin, end in others if begin in inside or end in inside]


def _is_double_at_ring(bond: Chem.Bond) -> bool:
    return bond.GetBondType() == Chem.BondType.DOUBLE and (
        bond.GetBeginAtom().IsInRing() or bond.GetEndAtom().IsInRing()
    )
