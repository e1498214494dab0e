"""Functional groups by Ertl's rules, which need no list of groups (J. Cheminform. 9:36, 2017).

Atoms are marked: every heteroatom; both ends of a double or triple bond, outside of aromatic rings, that is not between
aromatic atoms; a saturated carbon with two single bonds to O, N or S; a three-ring of two carbons and O, N or S. Marked
atoms that are bonded form a group, which is written with the carbons next to it.
"""

from __future__ import annotations

from rdkit import Chem

_ACETAL = frozenset((7, 8, 16))
_MULTIPLE = (Chem.BondType.DOUBLE, Chem.BondType.TRIPLE)


def functional_groups(mol: Chem.Mol) -> list[str]:
    """SMILES, without stereo, of each functional group and the carbons next to it, sorted; repeats stay."""
    atoms = groups_of_atoms(mol)
    return sorted(
        Chem.MolFragmentToSmiles(mol, sorted(group | _carbons_around(mol, group)), isomericSmiles=False)
        for group in atoms
    )


def groups_of_atoms(mol: Chem.Mol) -> list[set[int]]:
    """The atoms of each group."""
    marked, groups = _marked(mol), list[set[int]]()
    while marked:
        group, new = set[int](), {marked.pop()}
        while new:
            group |= new
            around = {n.GetIdx() for atom in new for n in mol.GetAtomWithIdx(atom).GetNeighbors()}
            new = around & marked
            marked -= new
        groups.append(group)
    return groups


def _marked(mol: Chem.Mol) -> set[int]:
    marked = {atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() not in (1, 6)}
    single: dict[int, int] = {}  # atom -> aliphatic O, N, S that it is bonded to once
    for bond in mol.GetBonds():
        begin, end = bond.GetBeginAtom(), bond.GetEndAtom()
        if bond.GetBondType() in _MULTIPLE:
            for one, other in ((begin, end), (end, begin)):
                carbons = one.GetAtomicNum() == other.GetAtomicNum() == 6 and not other.GetIsAromatic()
                if not one.GetIsAromatic() and (other.GetAtomicNum() != 6 or carbons):
                    marked |= {one.GetIdx(), other.GetIdx()}
        elif bond.GetBondType() == Chem.BondType.SINGLE:
            for one, other in ((begin, end), (end, begin)):
                if other.GetAtomicNum() in _ACETAL and not other.GetIsAromatic():
                    single[one.GetIdx()] = single.get(one.GetIdx(), 0) + 1
    for index, count in single.items():
        atom = mol.GetAtomWithIdx(index)
        if count > 1 and atom.GetAtomicNum() == 6 and not atom.GetIsAromatic() and atom.GetTotalDegree() == 4:
            marked.add(index)
    for ring in mol.GetRingInfo().AtomRings():
        if len(ring) == 3:
            kinds = [mol.GetAtomWithIdx(i) for i in ring]
            hetero = [a for a in kinds if a.GetAtomicNum() in _ACETAL]
            if len(hetero) == 1 and _saturated(mol, ring) and sum(a.GetAtomicNum() == 6 for a in kinds) == 2:
                marked |= set(ring)
    return marked


def _saturated(mol: Chem.Mol, ring: tuple[int, ...]) -> bool:
    pairs = zip(ring, (*ring[1:], ring[0]), strict=True)
    return all(mol.GetBondBetweenAtoms(a, b).GetBondType() == Chem.BondType.SINGLE for a, b in pairs)


def _carbons_around(mol: Chem.Mol, group: set[int]) -> set[int]:
    around = (n for atom in group for n in mol.GetAtomWithIdx(atom).GetNeighbors())
    return {atom.GetIdx() for atom in around if atom.GetAtomicNum() == 6}
