"""Ring systems against pieces built atom by atom, and against ones known by name."""

import pytest
from rdkit import Chem

from molgen.chem.ring_systems import ring_systems


def built(mol: Chem.Mol) -> set[str]:
    """The same by another way: rings merged while they share atoms, each copied out and capped with hydrogen."""
    groups = [set(ring) for ring in mol.GetRingInfo().AtomRings()]
    double = [
        {b.GetBeginAtomIdx(), b.GetEndAtomIdx()}
        for b in mol.GetBonds()
        if b.GetBondTypeAsDouble() == 2.0 and (b.GetBeginAtom().IsInRing() or b.GetEndAtom().IsInRing())
    ]
    pool, merged = groups + double, []
    while pool:
        group = pool.pop()
        while touching := next((other for other in pool if other & group), None):
            pool.remove(touching)
            group |= touching
        merged.append(group)
    return {_copied(mol, sorted(group)) for group in merged}


def _copied(mol: Chem.Mol, atoms: list[int]) -> str:
    """The atoms, with the bonds in rings or double among them, and a hydrogen for each bond that is lost."""
    piece, place = Chem.RWMol(), {}
    for index in atoms:
        atom = Chem.Atom(mol.GetAtomWithIdx(index))
        atom.SetNumExplicitHs(mol.GetAtomWithIdx(index).GetTotalNumHs())
        atom.SetNoImplicit(True)
        atom.SetIsotope(0)
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        place[index] = piece.AddAtom(atom)
    for bond in mol.GetBonds():
        begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if begin in place and end in place and (bond.IsInRing() or bond.GetBondTypeAsDouble() == 2.0):
            piece.AddBond(place[begin], place[end], bond.GetBondType())
            continue
        for index in (begin, end):
            if index in place:
                atom = piece.GetAtomWithIdx(place[index])
                atom.SetNumExplicitHs(atom.GetNumExplicitHs() + int(bond.GetBondTypeAsDouble()))
    return Chem.CanonSmiles(Chem.MolToSmiles(piece))


def test_equal_to_pieces_built_atom_by_atom(mols):
    for mol in mols[:400]:
        assert set(ring_systems(mol)) == built(mol)


def test_each_is_a_molecule_and_its_own_ring_system(mols):
    for mol in mols[:200]:
        for system in ring_systems(mol):
            assert ring_systems(Chem.MolFromSmiles(system)) == [system] == [Chem.CanonSmiles(system)]


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CCO", []),
        ("Cn1c(=O)c2c(ncn2C)n(C)c1=O", ["O=c1[nH]c(=O)c2[nH]cnc2[nH]1"]),  # caffeine: xanthine
        ("C1CCC2(CC1)OCCO2", ["C1CCC2(CC1)OCCO2"]),  # spiro
        ("CC1(C)C2CCC1(C)C(=O)C2", ["O=C1CC2CCC1C2"]),  # camphor: bridged
        ("c1ccccc1Cc1ccccc1", ["c1ccccc1"]),  # one, twice
        ("c1ccncc1-c1ccc[nH]1", ["c1cc[nH]c1", "c1ccncc1"]),
        ("C1CCCC1=C1CCCC1", ["C1CCC(=C2CCCC2)C1"]),  # joined by a double bond
        ("C[Si]1(C)CCCC1", ["C1CC[SiH2]C1"]),
        ("C[N+]1(CC)CCCC1", ["C1CC[NH2+]C1"]),
        ("[2H]c1ccccc1[C@H](F)C", ["c1ccccc1"]),
    ],
)
def test_known_ones(smiles, expected):
    assert ring_systems(Chem.MolFromSmiles(smiles)) == expected
