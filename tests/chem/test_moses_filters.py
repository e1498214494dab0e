"""The benchmark's filters against a plain search for each of its patterns, hydrogens and all."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest
from rdkit import Chem

from molgen.chem.moses_filters import passes

HIT = ["O=CC", "C1OC1C", "CCCl", "c1ccsc1C", "N=Nc1ccccc1", "NCN", "Nc1ccccc1N=CC", "BrC(Br)(Br)C", "CSSC", "c1occc1C"]


def patterns() -> list[Chem.Mol]:
    with files("molgen.chem").joinpath("moses_filters.csv").open() as stream:
        return [Chem.MolFromSmarts(row["smarts"]) for row in csv.DictReader(stream)]


def test_there_are_22_and_480_patterns():
    found = patterns()
    assert len(found) == 502
    assert all(found)


def test_the_screen_changes_nothing(zinc_smiles):
    everything = patterns()
    for smiles in [*zinc_smiles[:60], *HIT]:
        mol = Chem.MolFromSmiles(smiles)
        whole = Chem.AddHs(mol)
        plain = not any(whole.HasSubstructMatch(query) for query in everything)
        charged = any(atom.GetFormalCharge() for atom in mol.GetAtoms())
        odd = any(atom.GetSymbol() not in ("C", "N", "S", "O", "F", "Cl", "Br", "H") for atom in mol.GetAtoms())
        large = any(len(ring) >= 8 for ring in mol.GetRingInfo().AtomRings())
        assert passes(mol) == (plain and not charged and not odd and not large), smiles


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("c1ccccc1C", True),
        ("CC=O", False),
        ("C[NH3+]", False),
        ("CCI", False),
        ("C1CCCCCCC1", False),
        ("CC1CCCCCC1", True),
    ],
)
def test_by_hand(smiles, expected):
    assert passes(Chem.MolFromSmiles(smiles)) is expected
