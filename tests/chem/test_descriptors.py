"""Single descriptors and screened patterns; test_profile.py compares every value with RDKit's."""

import pytest
from rdkit import Chem
from rdkit.Chem import QED

from molgen.chem.descriptors import DESCRIPTORS, properties
from molgen.chem.environments import sketch
from molgen.chem.substructures import Patterns
from molgen.core.errors import InputError
from molgen.core.tables import PROPERTIES


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
        "[C;R2]",
        "[D3](~[D1])(~[D1])~[D1]",
        "*1~*~*1",
        "C!@C",
        "[!$(*#*)&!D1]-,:;!@[!$(*#*)&!D1]",
        "[$([NX3H2]),$(c(:n):n)]~[!$([#6])]",
    ]
    patterns, queries = Patterns(smarts), [Chem.MolFromSmarts(text) for text in smarts]
    for mol in mols[:2000:5] + mols[2000:]:
        assert patterns.matches(mol, sketch(mol)) == [
            i for i, query in enumerate(queries) if mol.HasSubstructMatch(query)
        ]


def test_bad_smarts_is_named():
    with pytest.raises(InputError, match=r"'C\(': not a SMARTS pattern"):
        Patterns(["C("])
