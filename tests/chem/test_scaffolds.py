"""Scaffolds equal RDKit's."""

from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from molgen.chem.scaffolds import generic, murcko


def test_scaffold_equals_rdkit(mols):
    for mol in mols[:500]:
        assert murcko(mol) == MurckoScaffold.MurckoScaffoldSmiles(mol=mol)


def test_generic_scaffold_equals_rdkit(mols):
    for mol in [*mols[:500], *mols[2000:]]:
        scaffold = MurckoScaffold.MakeScaffoldGeneric(MurckoScaffold.GetScaffoldForMol(mol))
        expected = Chem.CanonSmiles(Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(scaffold)))
        assert generic(mol) == expected, Chem.MolToSmiles(mol)


def test_no_ring_no_scaffold():
    for function in (murcko, generic):
        assert function(Chem.MolFromSmiles("CCO")) == ""
        assert function(Chem.MolFromSmiles("[Na+].[Cl-]")) == ""
        assert function(Chem.MolFromSmiles("CC1CC1CCC")) == "C1CC1"


def test_a_generic_scaffold_forgets_elements_bonds_and_what_hangs_on_it():
    assert generic(Chem.MolFromSmiles("O=C1CCN(CC1)Cc1ccncc1")) == generic(Chem.MolFromSmiles("OC1CCC(CC1)Cc1ccccc1"))
    assert generic(Chem.MolFromSmiles("C1CC1.c1ccccc1")) == "C1CC1.C1CCCCC1"
    assert generic(Chem.MolFromSmiles("FS(F)(F)(F)(F)c1ccccc1")) == "C1CCCCC1"
