"""Mutations of molecular graphs: one small change of a kekulized molecule (Jensen, Chem. Sci. 2019, 10, 3567).

His seven kinds, as edits of the graph instead of reaction SMARTS, at about a tenth of the time; and an eighth, a
group taken off where it hangs, which lets molecules shrink by more than an atom.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from rdkit import Chem

SINGLE, DOUBLE, TRIPLE = Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE
ORDER = {SINGLE: 1, DOUBLE: 2, TRIPLE: 3}
# element: its share among the atoms of new places, as in drug-like molecules
ELEMENTS = {6: 0.6, 7: 0.15, 8: 0.12, 9: 0.04, 16: 0.05, 17: 0.03, 35: 0.01}
VALENCE = {6: 4, 7: 3, 8: 2, 9: 1, 16: 2, 17: 1, 35: 1}
NUMBERS, SHARES = list(ELEMENTS), np.cumsum(list(ELEMENTS.values()))

Mutation = Callable[[Chem.RWMol, np.random.Generator], bool]


def mutate(smiles: str | Chem.Mol, generator: np.random.Generator) -> Chem.Mol | None:
    """A molecule, not yet sanitized, one change away; None where the change that was drawn cannot be made."""
    mol = Chem.RWMol(Chem.MolFromSmiles(smiles) if isinstance(smiles, str) else smiles)
    try:
        Chem.Kekulize(mol, clearAromaticFlags=True)
    except Chem.KekulizeException:
        return None
    kind = MUTATIONS[int(np.searchsorted(CUMULATIVE, generator.random() * CUMULATIVE[-1], side="right"))]
    return mol if kind(mol, generator) else None


def append_atom(mol: Chem.RWMol, generator: np.random.Generator) -> bool:
    """A new atom at a place that has a hydrogen."""
    places = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetTotalNumHs() > 0]
    if not places:
        return False
    place = _pick(places, generator)
    number = _element(generator)
    room = min(VALENCE[number], mol.GetAtomWithIdx(place).GetTotalNumHs())
    order = [SINGLE, DOUBLE, TRIPLE][int(generator.integers(min(room, 3)))] if generator.random() < 0.4 else SINGLE
    _free(mol.GetAtomWithIdx(place))
    mol.AddBond(place, mol.AddAtom(Chem.Atom(number)), order)
    return True


def insert_atom(mol: Chem.RWMol, generator: np.random.Generator) -> bool:
    """A new atom within a single bond."""
    bonds = [bond.GetIdx() for bond in mol.GetBonds() if bond.GetBondType() == SINGLE]
    if not bonds:
        return False
    bond = mol.GetBondWithIdx(_pick(bonds, generator))
    begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    number = _element(generator)
    if VALENCE[number] < 2:
        return False
    mol.RemoveBond(begin, end)
    new = mol.AddAtom(Chem.Atom(number))
    mol.AddBond(begin, new, SINGLE)
    mol.AddBond(new, end, SINGLE)
    return True


def change_atom(mol: Chem.RWMol, generator: np.random.Generator) -> bool:
    """Another element at a place, if its valence holds the bonds there."""
    atom = mol.GetAtomWithIdx(int(generator.integers(mol.GetNumAtoms())))
    number = _element(generator)
    used = sum(ORDER.get(bond.GetBondType(), 9) for bond in atom.GetBonds())
    if number == atom.GetAtomicNum() or used > VALENCE[number] or atom.GetFormalCharge():
        return False
    atom.SetAtomicNum(number)
    _free(atom)
    return True


def change_order(mol: Chem.RWMol, generator: np.random.Generator) -> bool:
    """Another order of a bond."""
    if not mol.GetNumBonds():
        return False
    bond = mol.GetBondWithIdx(int(generator.integers(mol.GetNumBonds())))
    now = ORDER.get(bond.GetBondType(), 0)
    ends = (bond.GetBeginAtom(), bond.GetEndAtom())
    room = min(atom.GetTotalNumHs() for atom in ends)
    orders = [order for order, n in ORDER.items() if n != now and n - now <= room]
    if not now or not orders:
        return False
    bond.SetBondType(orders[int(generator.integers(len(orders)))])
    for atom in ends:
        _free(atom)
    return True


def delete_atom(mol: Chem.RWMol, generator: np.random.Generator) -> bool:
    """An atom at an end away, or one within a chain or ring, whose neighbours are joined."""
    places = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetDegree() <= 2]
    if not places or mol.GetNumAtoms() < 3:
        return False
    atom = mol.GetAtomWithIdx(_pick(places, generator))
    neighbours = [other.GetIdx() for other in atom.GetNeighbors()]
    if len(neighbours) == 2:
        if mol.GetBondBetweenAtoms(*neighbours) is not None:
            return False
        mol.AddBond(neighbours[0], neighbours[1], SINGLE)
    for place in neighbours:
        _free(mol.GetAtomWithIdx(place))
    mol.RemoveAtom(atom.GetIdx())
    return True


def delete_group(mol: Chem.RWMol, generator: np.random.Generator) -> bool:
    """The smaller side of an acyclic single bond away."""
    bonds = [bond.GetIdx() for bond in mol.GetBonds() if not bond.IsInRing() and bond.GetBondType() == SINGLE]
    if not bonds:
        return False
    bond = mol.GetBondWithIdx(_pick(bonds, generator))
    begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    mol.RemoveBond(begin, end)
    parts = sorted(Chem.GetMolFrags(mol), key=len)
    if len(parts) != 2:
        return False
    _free(mol.GetAtomWithIdx(begin))
    _free(mol.GetAtomWithIdx(end))
    for place in sorted(parts[0], reverse=True):
        mol.RemoveAtom(place)
    return True


def add_ring(mol: Chem.RWMol, generator: np.random.Generator) -> bool:
    """A bond between two atoms with hydrogens 3 to 6 bonds apart: a ring of 4 to 7 atoms, mostly of 5 or 6."""
    free = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetTotalNumHs() > 0]
    if len(free) < 2:
        return False
    distances = Chem.GetDistanceMatrix(mol)[np.ix_(free, free)]
    wanted = int(generator.choice([3, 4, 5, 6], p=[0.05, 0.4, 0.5, 0.05]))
    pairs = np.argwhere(np.triu(distances == wanted))
    if not len(pairs):
        return False
    begin, end = (free[int(i)] for i in pairs[generator.integers(len(pairs))])
    for place in (begin, end):
        _free(mol.GetAtomWithIdx(place))
    mol.AddBond(begin, end, SINGLE)
    return True


def delete_ring_bond(mol: Chem.RWMol, generator: np.random.Generator) -> bool:
    """A bond of a ring away."""
    bonds = [bond.GetIdx() for bond in mol.GetBonds() if bond.IsInRing()]
    if not bonds:
        return False
    bond = mol.GetBondWithIdx(_pick(bonds, generator))
    ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    mol.RemoveBond(*ends)
    for place in ends:
        _free(mol.GetAtomWithIdx(place))
    return True


MUTATIONS: tuple[Mutation, ...] = (
    append_atom,
    insert_atom,
    change_atom,
    change_order,
    delete_atom,
    delete_group,
    add_ring,
    delete_ring_bond,
)
CUMULATIVE = np.cumsum([0.17, 0.14, 0.17, 0.14, 0.14, 0.06, 0.12, 0.06])


def _element(generator: np.random.Generator) -> int:
    return NUMBERS[min(int(np.searchsorted(SHARES, generator.random(), side="right")), len(NUMBERS) - 1)]


def _pick(places: list[int], generator: np.random.Generator) -> int:
    return places[int(generator.integers(len(places)))]


def _free(atom: Chem.Atom) -> None:
    """Lets RDKit count the hydrogens of a changed atom anew, and forgets its stereochemistry."""
    atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    if atom.GetFormalCharge() == 0:
        atom.SetNoImplicit(False)
        atom.SetNumExplicitHs(0)
