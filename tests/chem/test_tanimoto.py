"""Similarities, nearest rows and near pairs equal RDKit's, with ties in the order of the rows."""

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molgen.chem import tanimoto as kernels
from molgen.chem.fingerprints import morgan
from molgen.chem.tanimoto import near, nearest, tanimoto, top


@pytest.fixture(scope="module")
def prints(smiles):
    """200 and 400 fingerprints; each of the first 50 of the second stands there again, so that there are ties."""
    mols = [Chem.MolFromSmiles(text) for text in smiles[:549]]
    b = morgan(mols[199:])
    return morgan([*mols[:199], None]), np.concatenate([b, b[:50]])


def rdkit(prints: np.ndarray) -> list[DataStructs.ExplicitBitVect]:
    return [DataStructs.CreateFromBitString("".join(map(str, row))) for row in np.unpackbits(prints, axis=1)]


@pytest.fixture(scope="module")
def expected(prints):
    """RDKit's similarities, float64."""
    a, b = map(rdkit, prints)
    return np.array([DataStructs.BulkTanimotoSimilarity(one, b) for one in a])


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("k", [1, 10, 400, 450])
def test_top_equals_a_stable_sort_of_rdkits(prints, expected, k, workers, small, monkeypatch):
    if small:  # many tiles, and queries in several parts
        monkeypatch.setattr(kernels, "COLUMNS", 64)
        monkeypatch.setattr(kernels, "QUERIES", 100)
    found = top(*prints, k, block=128 if small else 10_000, workers=workers)
    order = np.argsort(-expected, axis=1, kind="stable")[:, :k]
    there = order.shape[1]
    assert (found.rows[:, :there] == order).all()
    assert (found.similarity[:, :there] == np.take_along_axis(expected, order, 1).astype(np.float32)).all()
    assert (found.rows[:, there:] == -1).all()
    assert not found.similarity[:, there:].any()


@pytest.mark.parametrize("limit", [0.2, 1 / 3, 0.5, 1.0])
@pytest.mark.parametrize("workers", [1, 2])
def test_near_pairs_equal_rdkits(prints, expected, limit, workers, monkeypatch):
    monkeypatch.setattr(kernels, "COLUMNS", 256)
    prints = prints[0], np.concatenate([prints[1], prints[0][:2]])
    expected = np.concatenate([expected, np.array([[*map(float, row)] for row in _own(prints)])], axis=1)
    pairs = list(near(*prints, limit, workers=workers))
    a, b, similarity = (np.concatenate(column) for column in zip(*pairs, strict=True))
    order = np.lexsort((b, a))
    assert np.column_stack([a, b])[order].tolist() == np.argwhere(expected >= limit).tolist()
    assert (similarity == expected[a, b]).all()
    assert len(a)


def _own(prints):
    some, others = map(rdkit, (prints[0], prints[0][:2]))
    return [DataStructs.BulkTanimotoSimilarity(one, others) for one in some]


@pytest.mark.parametrize("bits", [64, 1024, 8192])
def test_dense_and_sparse_fingerprints_of_any_length(bits):
    rng = np.random.default_rng(0)
    density = rng.choice([0, 0.01, 0.5, 0.99, 1], 90)
    prints = np.packbits(rng.random((90, bits)) < density[:, None], axis=1)
    vectors = rdkit(prints)
    expected = np.array([DataStructs.BulkTanimotoSimilarity(one, vectors) for one in vectors])
    empty = ~prints.any(axis=1)
    expected[np.ix_(empty, empty)] = 0  # RDKit's is 1 or 0 by version; here nothing is not similar to nothing
    assert (tanimoto(prints, prints) == expected.astype(np.float32)).all()
    found = top(prints, prints, 90)
    assert (found.rows == np.argsort(-expected, axis=1, kind="stable")).all()


def test_rdkits_generator_gives_the_same_bits(smiles):
    mols = [Chem.MolFromSmiles(text) for text in smiles[:100]]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    own = [generator.GetFingerprint(mol) for mol in mols]
    expected = [DataStructs.BulkTanimotoSimilarity(one, own) for one in own]
    assert (tanimoto(morgan(mols), morgan(mols)) == np.array(expected, np.float32)).all()


def test_nothing_to_compare_to(prints):
    index, similarity = nearest(prints[0], prints[1][:0])
    assert (index == -1).all()
    assert not similarity.any()
    assert nearest(prints[0][:0], prints[1])[0].shape == (0,)
    assert tanimoto(prints[0], prints[1][:0]).shape == (200, 0)
    assert list(near(prints[0], prints[1][:0], 0.5)) == []


def test_a_memory_map_will_do(prints, tmp_path):
    np.save(tmp_path / "b.npy", prints[1])
    opened = np.load(tmp_path / "b.npy", mmap_mode="r")
    assert (top(prints[0], opened, 5).rows == top(*prints, 5).rows).all()
