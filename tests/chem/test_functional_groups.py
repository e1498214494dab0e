"""Functional groups against RDKit's own implementation of the paper, and by hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from rdkit import Chem, RDConfig

from molgen.chem.functional_groups import functional_groups, groups_of_atoms


@pytest.fixture(scope="module")
def oracle():
    file = Path(RDConfig.RDContribDir) / "IFG" / "ifg.py"
    spec = importlib.util.spec_from_file_location("ifg", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.identify_functional_groups


def test_the_atoms_of_groups_equal_those_of_rdkit(zinc_smiles, oracle):
    odd = [
        "C1CO1",
        "C1CN1",
        "OC1CC1",
        "COCOC",
        "C=CC#N",
        "c1ccccc1",
        "CC=O",
        "OCC1OC(CC1O)n2cnc3C(O)CNC=Nc32",
        "C1=CO1",
    ]
    for smiles in [*odd, *zinc_smiles[:400]]:
        mol = Chem.MolFromSmiles(smiles)
        expected = sorted(sorted(group.atomIds) for group in oracle(mol))
        assert sorted(map(sorted, groups_of_atoms(mol))) == expected, smiles


@pytest.mark.parametrize(
    ("smiles", "groups"),
    [
        ("CC(=O)Nc1ccccc1", ["cNC(C)=O"]),  # an anilide
        ("CCOC(C)=O", ["COC(C)=O"]),
        ("NCCN", ["CN", "CN"]),
        ("c1ccncc1", ["cnc"]),
        ("CCC", []),
    ],
)
def test_groups_by_hand(smiles, groups):
    assert functional_groups(Chem.MolFromSmiles(smiles)) == groups
