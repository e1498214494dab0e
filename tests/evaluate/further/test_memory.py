"""Nearest training molecules, the area under the curve, and balance, by hand and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from sklearn.metrics import roc_auc_score

from molgen.evaluate.further import balance, memory
from molgen.evaluate.further.ranks import auc
from molgen.evaluate.metrics import NotMeasuredError

from .made import context, some


def test_the_nearest_training_molecule_equals_brute_force():
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    prints = [[generator.GetFingerprint(Chem.MolFromSmiles(s)) for s in part] for part in (some(20, 30), some(30))]
    expected = [max(DataStructs.BulkTanimotoSimilarity(p, prints[1])) for p in prints[0]]
    found = memory.METRICS["NearestTrain"](context(some(20, 30), some(10, 60), some(30)))
    assert found.value == pytest.approx(np.mean(expected), abs=1e-6)


def test_a_copy_of_the_training_set_is_seen():
    copied = context(some(30), some(30, 40), some(30))
    assert memory.METRICS["NearestTrain"](copied).value == 1
    assert memory.METRICS["NearestTrainTail"](copied).value == 1
    assert memory.METRICS["NearestTrainAUC"](copied).value == 1
    honest = context(some(30, 40), some(30, 40), some(30))
    assert memory.METRICS["NearestTrainTail"](honest).value <= 0.01
    assert memory.METRICS["NearestTrainAUC"](honest).value == 0.5
    assert sum(memory.histogram(honest)["counts"]["generated"]) == 30


def test_the_tails_threshold_is_exceeded_by_at_most_one_in_a_hundred():
    values = np.arange(200) / 200
    assert (values > memory.threshold(values)).mean() == 0.01
    assert memory.threshold(np.array([0.3])) == 0.3


values = st.lists(st.sampled_from([-np.inf, 0.0, 1.0, 2.5, 3.0]), min_size=1, max_size=12)


@given(values, values)
def test_auc_is_the_share_of_pairs(a, b):
    pairs = [1.0 if x > y else 0.5 if x == y else 0.0 for x in a for y in b]
    assert auc(np.array(a), np.array(b)).value == pytest.approx(np.mean(pairs))


def test_auc_equals_scikit_learns_and_its_interval_has_the_right_width():
    generator, seen = np.random.default_rng(0), []
    for _ in range(80):
        a, b = generator.normal(0.5, 1, 60), generator.normal(0, 1, 90)
        found = auc(a, b)
        assert found.value == pytest.approx(roc_auc_score([1] * 60 + [0] * 90, np.concatenate([a, b])))
        seen.append((found.value, (found.bounds[1] - found.bounds[0]) / 2 / 1.96))
    found, errors = np.array(seen).T
    assert 0.8 < errors.mean() / found.std() < 1.25


def test_imbalance_by_hand():
    # charge: draws a half neutral, a half positive; data all neutral
    found = context(["CCO", "CC[NH3+]"], ["CCC", "CCCC", "CCN", "CCF"], ["CCO"])
    assert balance.METRICS["Imbalance/charge"](found).value == 1 / 2
    kinds = balance.ratios(found, "charge")
    assert (kinds["neutral"]["draws"], kinds["neutral"]["data"], kinds["neutral"]["ratio"]) == (0.5, 1, 0.5)
    assert kinds["negative"]["ratio"] is None
    assert kinds["positive"]["low"] < kinds["positive"]["ratio"] < kinds["positive"]["high"]


def test_kinds_of_rings_and_scaffolds():
    train = ["c1ccc(-c2ccccc2)cc1"] * 3 + ["CCO"]
    drawn = ["CCO", "c1ccccc1", "C1CCCC1", "c1ccc2c(c1)CCC2", "c1ccc(-c2ccccc2)cc1"]
    found = context(drawn, ["CCC"], train)
    names, kinds, _ = balance.by_rings(found)
    assert [names[k] for k in kinds] == ["none", "aromatic only", "aliphatic only", "both", "aromatic only"]
    names, kinds, _ = balance.by_scaffold(found)
    assert [names[k] for k in kinds] == ["fewer than two rings"] * 3 + ["not in training", "frequent in training"]
    with pytest.raises(NotMeasuredError, match="no 'train' split"):
        balance.METRICS["Imbalance/scaffold"](context(["CCO"], ["CCC"], []))


def test_sizes_are_fifths_of_the_data():
    data = ["C" * n for n in range(1, 11)]
    names, kinds, own = balance.by_size(context(["C", "C" * 30], data, ["C"]))
    assert names == ["up to 2 atoms", "3 to 4 atoms", "5 to 6 atoms", "7 to 8 atoms", "over 8 atoms"]
    assert kinds.tolist() == [0, 4]
    assert np.bincount(own).tolist() == [2] * 5
    assert balance.by_size(context(["C"], data[:5], ["C"]))[0][:3] == ["up to 1 atoms", "2 atoms", "3 atoms"]
    assert balance.by_size(context(["C"], ["CC"] * 5, ["C"]))[0] == ["any size"]


def test_the_interval_of_a_ratio_has_the_right_width():
    generator = np.random.default_rng(0)
    draws, data = generator.binomial(200, 0.3, 400), generator.binomial(300, 0.2, 400)
    held = [
        r["low"] < 1.5 < r["high"] for r in (balance.ratio(a, 200, b, 300) for a, b in zip(draws, data, strict=True))
    ]
    assert 0.91 < np.mean(held) < 0.985
