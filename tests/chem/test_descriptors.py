"""Every property equals RDKit's own function."""

import sys

import pytest
from rdkit import Chem, RDConfig
from rdkit.Chem import QED, Descriptors, Lipinski, rdMolDescriptors

from molgen.chem.descriptors import DESCRIPTORS, properties
from molgen.chem.substructures import Patterns
from molgen.core.errors import InputError
from molgen.core.tables import PROPERTIES


@pytest.fixture(scope="session")
def sascorer():
    sys.path.append(RDConfig.RDContribDir)
    from SA_Score import sascorer

    return sascorer


def _oracle(mol, sascorer) -> tuple[float, ...]:
    strict = rdMolDescriptors.NumRotatableBondsOptions.Strict
    return (
        Descriptors.MolWt(mol),
        Descriptors.MolLogP(mol),
        Descriptors.TPSA(mol),
        QED.qed(Chem.Mol(mol)),
        sascorer.calculateScore(Chem.Mol(mol)),
        Lipinski.NumHDonors(mol),
        Lipinski.NumHAcceptors(mol),
        rdMolDescriptors.CalcNumRotatableBonds(mol, strict),
        Lipinski.RingCount(mol),
        Lipinski.NumAromaticRings(mol),
        Lipinski.FractionCSP3(mol),
        len(Chem.FindMolChiralCenters(mol, includeUnassigned=True)),
        sum(atom.GetAtomicNum() > 1 for atom in mol.GetAtoms()),
        sum(atom.GetFormalCharge() for atom in mol.GetAtoms()),
    )


def test_properties_equal_rdkit(smiles, mols, sascorer):
    for text, mol in zip(smiles, mols, strict=True):
        expected = _oracle(Chem.MolFromSmiles(text), sascorer)
        assert dict(zip(PROPERTIES, properties(mol), strict=True)) == dict(zip(PROPERTIES, expected, strict=True)), text


def test_single_descriptors_equal_the_shared_pass(mols):
    for mol in mols[::20]:
        assert tuple(float(DESCRIPTORS[name](Chem.Mol(mol))) for name in PROPERTIES) == properties(mol)


def test_screened_patterns_find_what_a_full_search_finds(mols):
    smarts = [
        *QED.StructuralAlertSmarts,
        "[2H]",
        "*~*",
        "[!#6;!#1]",
        "[#6]1~[#6]~[#6]~[#6]~[#6]~[#6]~1",
        "[O-]",
        "[BH3]",
    ]
    patterns, queries = Patterns(smarts), [Chem.MolFromSmarts(text) for text in smarts]
    for mol in mols:
        assert patterns.matches(mol) == [i for i, query in enumerate(queries) if mol.HasSubstructMatch(query)]


def test_bad_smarts_is_named():
    with pytest.raises(InputError, match=r"'C\(': not a SMARTS pattern"):
        Patterns(["C("])
