"""Strained motifs: of each kind one that has it, and unstrained ones beside it."""

from __future__ import annotations

import pytest
from rdkit import Chem

from molgen.chem.strain import strained_motifs


@pytest.mark.parametrize(
    ("smiles", "motif"),
    [
        ("C1=CC1", "unsaturated three-ring"),
        ("C1=CC=C1", "four-ring of two double bonds"),
        ("C1CCC#CCC1", "linear part in a ring"),  # cycloheptyne
        ("C1=C=CCCC1", "linear part in a ring"),  # 1,2-cyclohexadiene
        ("C1CC2CC12", "small rings that share a bond"),  # housane
        ("C1C2CC1C2", "small rings that share a bond"),  # bicyclo[1.1.1]pentane
        ("C1CC12CC2", "spiro three-rings"),
        ("C1ON1", "three-ring of two heteroatoms"),
        ("C1CC2CCC1=C2", "double bond at a bridgehead"),  # norborn-1-ene
    ],
)
def test_each_motif_is_found(smiles, motif):
    assert motif in strained_motifs(Chem.MolFromSmiles(smiles))


@pytest.mark.parametrize(
    "smiles",
    [
        "CCO",
        "C1CC1",
        "C1CCC1",
        "C1=CCC1",
        "C1CO1",
        "c1ccc2[nH]ccc2c1",
        "C1CC2CCC1C=C2",  # its double bond is not at the bridgehead
        "O=S1(=O)CCCC1",  # two double bonds at one atom, but not in the ring
        "C1CCCCC#CCCCC1",  # cycloundecyne
        "C1CC1C1CC1",
        "C1CC2(C1)CCNCC2",
    ],
)
def test_unstrained_ones_have_none(smiles):
    assert strained_motifs(Chem.MolFromSmiles(smiles)) == []
