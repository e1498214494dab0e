"""Diverse picks against plain loops over RDKit's similarities."""

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molgen.chem.diversity import maxmin, sphere_exclusion
from molgen.chem.fingerprints import morgan


@pytest.fixture
def chosen(mols: list[Chem.Mol]) -> list[Chem.Mol]:
    return mols[:150]


@pytest.fixture
def similarity(chosen: list[Chem.Mol]) -> np.ndarray:
    """RDKit's own Tanimoto similarities, (n, n)."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(mol) for mol in chosen]
    return np.array([DataStructs.BulkTanimotoSimilarity(p, prints) for p in prints])


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_maxmin_is_the_greedy_pick(chosen: list[Chem.Mol], similarity: np.ndarray, weight: float) -> None:
    values = np.sort(np.random.default_rng(0).random(len(chosen)))[::-1]
    picked = [0]
    while len(picked) < 20:
        gains = {
            i: weight * float(np.float32(1 - similarity[i, picked].max())) + (1 - weight) * values[i]
            for i in range(len(chosen))
            if i not in picked
        }
        picked.append(max(gains, key=lambda i: (round(gains[i], 6), -i)))
    found = maxmin(morgan(chosen), values, 20, weight=weight)
    assert found == picked
    if weight == 0:
        assert found == list(range(20))


def test_maxmin_of_fewer_than_asked_for_takes_all(chosen: list[Chem.Mol]) -> None:
    assert sorted(maxmin(morgan(chosen[:5]), np.zeros(5), 9, weight=0.5)) == [0, 1, 2, 3, 4]
    assert maxmin(morgan([]), np.zeros(0), 9, weight=0.5) == []


@pytest.mark.parametrize("limit", [0.25, 0.4, 1.0])
def test_sphere_exclusion_is_the_leader_algorithm(chosen: list[Chem.Mol], similarity: np.ndarray, limit: float) -> None:
    leaders: list[int] = []
    expected = []
    for i in range(len(chosen)):
        near = [number for number, leader in enumerate(leaders) if similarity[i, leader] >= limit]
        expected.append(near[0] if near else len(leaders))
        if not near:
            leaders.append(i)
    found = sphere_exclusion(morgan(chosen), similarity=limit)
    assert found.tolist() == expected
    assert len(leaders) > 1
