"""Standardisation equals RDKit's MolStandardize, and is the same when applied twice."""

import pytest
from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from molgen.chem.standardise import standardise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CCO", "CCO"),
        ("CC(=O)[O-].[Na+]", "CC(=O)O"),
        ("C[NH3+].[Cl-]", "CN"),
        ("C[N+](C)(C)C.[Br-]", "C[N+](C)(C)C"),
        ("O=[N+]([O-])c1ccccc1", "O=[N+]([O-])c1ccccc1"),
        ("[NH3+]CC(=O)[O-]", "NCC(=O)O"),
        ("CCO.CCCCO", "CCCCO"),
        ("[13CH3]C", "C[13CH3]"),
    ],
)
def test_known(text, expected):
    assert standardise(Chem.MolFromSmiles(text))[1] == expected


def test_equals_rdkit_and_is_idempotent(smiles):
    chooser, uncharger = rdMolStandardize.LargestFragmentChooser(), rdMolStandardize.Uncharger()
    for text in smiles:
        mol, found = standardise(Chem.MolFromSmiles(text))
        plain = uncharger.uncharge(chooser.choose(Chem.MolFromSmiles(text)))
        assert found == Chem.MolToSmiles(Chem.MolFromSmiles(Chem.MolToSmiles(plain)))
        assert standardise(mol)[1] == found


def test_stereo_and_switches():
    mol = Chem.MolFromSmiles("F/C=C/[C@H](Cl)Br")
    assert standardise(mol, drop_stereo=True)[1] == "FC=CC(Cl)Br"
    assert "@" in Chem.MolToSmiles(mol)  # the caller's molecule is untouched
    salt = Chem.MolFromSmiles("CC(=O)[O-].[Na+]")
    assert standardise(salt, largest_fragment=False, neutralise=False)[1] == "CC(=O)[O-].[Na+]"
    assert standardise(salt, neutralise=False)[1] == "CC(=O)[O-]"
