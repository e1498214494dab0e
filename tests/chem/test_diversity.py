"""Diverse picks against plain loops over RDKit's similarities."""

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from rdkit.ML.Cluster import Butina

from molgen.chem import diversity
from molgen.chem.diversity import butina, k_centres, maxmin, neighbour_counts, sphere_exclusion
from molgen.chem.fingerprints import morgan


@pytest.fixture
def chosen(smiles: list[str]) -> list[Chem.Mol]:
    return [Chem.MolFromSmiles(text) for text in smiles[:150]]


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


def test_maxmin_of_a_full_front_is_that_of_all_rows(chosen: list[Chem.Mol], monkeypatch: pytest.MonkeyPatch) -> None:
    prints = np.concatenate([morgan(chosen), morgan(chosen[:50])])  # some twice: ties
    values = np.linspace(1, 0, len(prints))
    for weight in (0.5, 1.0):
        monkeypatch.setattr(diversity, "FRONT", len(prints))
        expected = maxmin(prints, values, len(prints), weight=weight)
        monkeypatch.setattr(diversity, "FRONT", 16)
        assert maxmin(prints, values, len(prints), weight=weight) == expected


@pytest.mark.parametrize("limit", [0.25, 0.4, 1.0])
@pytest.mark.parametrize("batch", [7, 512])
def test_sphere_exclusion_is_the_leader_algorithm(
    chosen: list[Chem.Mol], similarity: np.ndarray, limit: float, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diversity, "BATCH", batch)
    leaders: list[int] = []
    expected = []
    for i in range(len(chosen)):
        near = [leader for leader in leaders if similarity[i, leader] >= limit]
        expected.append(near[0] if near else i)
        if not near:
            leaders.append(i)
    assert sphere_exclusion(morgan(chosen), similarity=limit).tolist() == expected
    assert len(leaders) > 1


@pytest.mark.parametrize("limit", [0.2, 0.35, 0.6])
@pytest.mark.parametrize("workers", [1, 3])
def test_butina_equals_rdkit(smiles: list[str], limit: float, workers: int) -> None:
    mols = [Chem.MolFromSmiles(text) for text in smiles[:400]]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    backwards = mols[::-1]  # RDKit lets the last of equals lead
    prints = [generator.GetFingerprint(mol) for mol in backwards]
    distances = [1 - s for i in range(1, 400) for s in DataStructs.BulkTanimotoSimilarity(prints[i], prints[:i])]
    expected = np.empty(400, int)
    for leader, *others in Butina.ClusterData(distances, 400, 1 - limit + 1e-12, isDistData=True):
        expected[[399 - leader, *(399 - i for i in others)]] = 399 - leader
    assert butina(morgan(mols), similarity=limit, workers=workers).tolist() == expected.tolist()
    assert 1 < len(set(expected)) < 400


def test_neighbour_counts_equal_rdkits(chosen: list[Chem.Mol], similarity: np.ndarray) -> None:
    for limit in (0.2, 0.3):
        expected = (similarity >= limit).sum(1) - 1
        assert neighbour_counts(morgan(chosen), limit).tolist() == expected.tolist()
        assert expected.any()


def test_rows_belong_to_the_nearest_pick(chosen: list[Chem.Mol], similarity: np.ndarray) -> None:
    prints, picked = morgan(chosen), [3, 140, 17, 60]
    expected = [picked[int(np.argmax(row))] for row in similarity[:, picked]]
    assert k_centres(prints, picked).tolist() == expected
    assert k_centres(np.concatenate([prints, prints]), [3, 153])[[3, 153]].tolist() == [3, 153]


def test_what_has_no_bits_is_alone(chosen: list[Chem.Mol]) -> None:
    prints = morgan([None, chosen[0], None, chosen[0]])
    for centre in (sphere_exclusion(prints, similarity=0.5), butina(prints, similarity=0.5)):
        assert centre.tolist() == [0, 1, 2, 1]
    for centre in (sphere_exclusion(prints[:0], similarity=0.5), butina(prints[:0], similarity=0.5)):
        assert centre.tolist() == []
