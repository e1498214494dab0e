"""The parts of a search against plain formulas: weights, the Gaussian process, the curve, the scaffold memory."""

from __future__ import annotations

from collections import Counter
from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from rdkit import Chem

from molgen.chem.fingerprints import morgan_counts
from molgen.optimize import surrogate
from molgen.optimize.curve import area, curve_svg, mean_of_best
from molgen.optimize.memory import Memory, drawn, quantile_weights, rank_weights, replayed
from molgen.optimize.scaffold_memory import ScaffoldMemory
from molgen.optimize.surrogate import NOISES, Surrogate, likeness, prints


def test_parents_are_drawn_by_quantiles():
    chances = np.diff(quantile_weights(1000), prepend=0)
    assert chances.sum() == pytest.approx(1)
    assert (np.diff(chances) <= 1e-12).all()
    shares = [chances[:10].sum(), chances[10:100].sum(), chances[100:].sum()]
    exact = np.zeros(1000)
    for threshold in np.maximum(np.ceil(1000 * np.logspace(-3, 0, 25)), 1).astype(int):
        exact[:threshold] += 1 / threshold / 25
    assert shares == pytest.approx([exact[:10].sum(), exact[10:100].sum(), exact[100:].sum()])


def test_draws_follow_the_weights():
    weights = rank_weights(4, 0.5)  # 1/2, 1/3, 1/4, 1/5
    found = np.bincount(drawn(weights, 40_000, np.random.default_rng(0)), minlength=4) / 40_000
    expected = np.array([1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert found == pytest.approx(expected / expected.sum(), abs=0.01)


def test_memory_keeps_order_ranks_and_files(tmp_path):
    memory = Memory()
    memory.add(["C", "CC", "CCC"], [0.2, 0.9, 0.2])
    memory.add(["C"], [0.1])
    assert memory.smiles == ["C", "CC", "CCC"]
    assert memory.ranked().tolist() == [1, 2, 0]
    assert set(replayed(memory, 50, 0.01, np.random.default_rng(0))) == {0, 1, 2}
    memory.save(tmp_path / "memory.parquet")
    again = Memory()
    again.load(tmp_path / "memory.parquet")
    assert (again.smiles, again.values.tolist()) == (memory.smiles, memory.values.tolist())


KINDS = ("[#6;a]", "[#7,#8;!H0]", "[#7,#8;H0]", "[F,Cl,Br,I]", "[!#6;!#7;!#8;!F;!Cl;!Br;!I]")


def features_of_pairs(mol: Chem.Mol) -> Counter[object]:
    """Pairs of atoms by what they match, and the number of bonds between them."""
    found = [mol.GetSubstructMatches(Chem.MolFromSmarts(kind)) for kind in KINDS]
    kind = {atom: 1 + k for k, matches in enumerate(found) for (atom,) in matches}
    distance = Chem.GetDistanceMatrix(mol)
    pairs = combinations_with_replacement(range(mol.GetNumAtoms()), 2)
    return Counter((*sorted((kind.get(a, 0), kind.get(b, 0))), distance[a, b]) for a, b in pairs)


def test_the_kernel_is_the_mean_of_minmax_on_counts():
    smiles = ["CCCCCCO", "CCCCO", "c1c[nH]cc1CCO", "CSC(=O)CCN(C)Cl"]
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    views = [[Counter(morgan_counts(mol, radius)) for mol in mols] for radius in range(3)]
    views.append([features_of_pairs(mol) for mol in mols])
    views.append([Counter(Chem.GetDistanceMatrix(m)[np.triu_indices(m.GetNumAtoms())].tolist()) for m in mols])
    found = likeness(prints(smiles), prints(smiles))
    for i, j in product(range(4), repeat=2):
        minmax = [(view[i] & view[j]).total() / (view[i] | view[j]).total() for view in views]
        assert found[i, j] == pytest.approx(np.mean(minmax), abs=0.02)  # bits are folded, so some may fall together


def test_the_surrogate_is_a_gaussian_process(zinc_smiles):
    train, test = zinc_smiles[:30], zinc_smiles[30:36]
    values = np.array([Chem.MolFromSmiles(s).GetNumHeavyAtoms() / 40 for s in train])
    found = Surrogate(noise=0.01).fit(train, values)
    mean, spread = found.predict(test)
    kernel = likeness(prints(train), prints(train)) + 0.01 * np.eye(30)
    cross = likeness(prints(test), prints(train))
    values = np.maximum(values, np.quantile(values, 0.25))
    centred = values - values.mean()
    scale = centred @ np.linalg.inv(kernel) @ centred / 30
    assert mean == pytest.approx(values.mean() + cross @ np.linalg.inv(kernel) @ centred)
    exact = scale * (1 - np.einsum("ij,jk,ik->i", cross, np.linalg.inv(kernel), cross))
    assert spread**2 == pytest.approx(exact)
    own, _ = found.predict(train)  # of the bad, that they are bad
    assert np.abs(own - values).max() < 0.05


def test_some_molecules_decide_on_the_noise(zinc_smiles, monkeypatch):
    atoms = np.array([Chem.MolFromSmiles(s).GetNumHeavyAtoms() / 40 for s in zinc_smiles[:90]])
    noisy = atoms + np.random.default_rng(0).normal(0, 0.2, 90)
    found = [Surrogate().fit(zinc_smiles[:90], values).found.noise for values in (atoms, noisy)]
    assert found == [NOISES[0], NOISES[-1]]
    monkeypatch.setattr(surrogate, "JUDGES", 30)
    assert [Surrogate().fit(zinc_smiles[:90], values).found.noise for values in (atoms, noisy)] == found


def test_values_that_are_all_the_same_can_be_fitted():
    mean, spread = Surrogate().fit(["C", "CC", "CCC"], np.full(3, 0.5)).predict(["CCCC"])
    assert mean[0] == pytest.approx(0.5)
    assert np.isfinite(spread).all()


def test_the_mean_of_the_best_is_that_of_sorted_scores():
    scores = np.random.default_rng(0).random(50)
    expected = [np.sort(scores[: n + 1])[::-1][:10].mean() for n in range(50)]
    assert mean_of_best(scores) == pytest.approx(np.array(expected))


def _pmo_area(scores: list[float], calls: int) -> float:
    """The benchmark's own rule, written down again."""
    total = before = 0.0
    done = 0
    for n in range(100, min(len(scores), calls), 100):
        now = np.mean(sorted(scores[:n], reverse=True)[:10])
        total, before, done = total + 100 * (now + before) / 2, now, n
    now = np.mean(sorted(scores, reverse=True)[:10])
    total += (len(scores) - done) * (now + before) / 2 + max(calls - len(scores), 0) * now
    return total / calls


@pytest.mark.parametrize(("calls", "budget"), [(1000, 1000), (950, 1000), (130, 1000), (40, 100)])
def test_the_area_is_the_benchmarks(calls, budget):
    scores = np.random.default_rng(1).random(calls) ** 3
    assert area(scores, budget) == pytest.approx(_pmo_area(scores.tolist(), budget))


def test_the_picture_names_each_strategy():
    svg = curve_svg({"genetic": [np.array([0.1, 0.2]), np.array([0.3])], "a < b": [np.array([0.5])]})
    assert "genetic (2)" in svg
    assert "a &lt; b" in svg
    assert svg.count("<polyline") == 2
    assert svg.count("<polygon") == 1


def test_a_full_scaffold_is_worth_nothing():
    memory = ScaffoldMemory(per_scaffold=2, good=0.5)
    benzenes = ["Cc1ccccc1", "CCc1ccccc1", "CCCc1ccccc1", "CCCCc1ccccc1"]
    assert memory.judged(benzenes, np.array([0.9, 0.3, 0.8, 0.7])).tolist() == [0.9, 0.3, 0.8, 0.0]
    assert memory.judged([benzenes[3], benzenes[0]], np.array([0.7, 0.9])).tolist() == [0.0, 0.9]
    assert memory.judged(["C1CCNCC1"], np.array([0.6])).tolist() == [0.6]
