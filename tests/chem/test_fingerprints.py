"""Fingerprints and similarities equal RDKit's."""

import numpy as np
import pytest
from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molgen.chem.fingerprints import morgan, morgan_bits, nearest, tanimoto
from molgen.core.errors import InputError


def _rdkit(mols, radius, bits):
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=bits)
    return [generator.GetFingerprint(mol) for mol in mols]


@pytest.mark.parametrize(("radius", "bits"), [(2, 2048), (3, 1024)])
def test_tanimoto_equals_rdkit(mols, radius, bits):
    a, b = mols[:60], mols[1000:1080]
    found = tanimoto(morgan(a, radius, bits), morgan(b, radius, bits))
    others = _rdkit(b, radius, bits)
    expected = [DataStructs.BulkTanimotoSimilarity(one, others) for one in _rdkit(a, radius, bits)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.dtype == np.float32


def test_nearest_does_not_depend_on_blocks(mols):
    a, b = morgan(mols[:300]), morgan(mols[300:1000])
    similarity = tanimoto(a, b)
    for block in (7, 256, 10_000):
        index, value = nearest(a, b, block)
        assert (index == similarity.argmax(1)).all()
        assert (value == similarity.max(1)).all()


def test_edges(mols):
    empty = morgan([None, mols[0]])
    assert not empty[0].any()
    assert (tanimoto(empty[:1], empty) == 0).all()
    index, value = nearest(empty, empty[:0])
    assert index.tolist() == [-1, -1]
    assert value.tolist() == [0, 0]
    assert morgan([]).shape == (0, 256)
    assert morgan_bits(mols[:2]).shape == (2, 2048)
    with pytest.raises(InputError, match="multiple of 64"):
        morgan(mols[:1], bits=100)
