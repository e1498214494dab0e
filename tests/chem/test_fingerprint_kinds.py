"""Fingerprints of each kind and both similarities against RDKit's own bit vectors."""

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import AllChem, rdMolDescriptors
from rdkit.Chem.Pharm2D import Generate, Gobbi_Pharm2D

from molgen.chem.fingerprint_kinds import KINDS, MAX_FEATURES, fingerprints, tversky
from molgen.chem.fingerprints import tanimoto

ORACLES = {
    "ECFP": lambda mol: AllChem.GetMorganFingerprintAsBitVect(mol, 2, 2048),
    "FCFP": lambda mol: AllChem.GetMorganFingerprintAsBitVect(mol, 2, 2048, useFeatures=True),
    "atom_pair": lambda mol: rdMolDescriptors.GetHashedAtomPairFingerprintAsBitVect(mol, 2048),
    "pharmacophore": lambda mol: Generate.Gen2DFingerprint(mol, Gobbi_Pharm2D.factory),
}


@pytest.mark.parametrize("kind", KINDS)
def test_similarities_equal_rdkits(kind, mols):
    some = [mol for mol in mols if 5 < mol.GetNumAtoms() < 40][:15]
    bits = [ORACLES[kind](mol) for mol in some]
    prints, made = fingerprints(some, kind)
    assert made.all()
    assert np.bitwise_count(prints).sum(axis=1).tolist() == [b.GetNumOnBits() for b in bits]
    expected = [[DataStructs.TanimotoSimilarity(a, b) for b in bits] for a in bits]
    np.testing.assert_allclose(tanimoto(prints, prints), expected, atol=1e-6)
    for alpha, beta in ((0.9, 0.1), (0.0, 1.0), (1.0, 1.0)):
        expected = [[DataStructs.TverskySimilarity(a, b, alpha, beta) for b in bits] for a in bits]
        np.testing.assert_allclose(tversky(prints, prints, alpha, beta), expected, rtol=1e-12)


def test_nothing_in_common_and_nothing_at_all_are_0():
    prints = np.array([[0] * 8, [255] * 8], np.uint8)
    assert tversky(prints, prints, 0.0, 0.0).tolist() == [[0, 0], [0, 1]]


def test_what_would_take_minutes_is_not_made():
    large = Chem.MolFromSmiles("NCC(=O)" * MAX_FEATURES + "O")
    _, made = fingerprints([large, Chem.MolFromSmiles("OCC")], "pharmacophore")
    assert made.tolist() == [False, True]
