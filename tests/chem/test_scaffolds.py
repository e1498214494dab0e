"""Scaffolds equal RDKit's."""

from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from molgen.chem.scaffolds import murcko


def test_scaffold_equals_rdkit(mols):
    for mol in mols[:500]:
        assert murcko(mol) == MurckoScaffold.MurckoScaffoldSmiles(mol=mol)


def test_no_ring_no_scaffold():
    assert murcko(Chem.MolFromSmiles("CCO")) == ""
    assert murcko(Chem.MolFromSmiles("CC1CC1CCC")) == "C1CC1"
