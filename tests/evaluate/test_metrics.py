"""Each metric against RDKit's own functions, brute force, or a case small enough to do by hand."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molgen.evaluate.describe import brics_fragments, describe
from molgen.evaluate.distributions import bin_edges
from molgen.evaluate.draws import Draws
from molgen.evaluate.metrics import METRICS, Evidence, cosine, measure, wasserstein

from .prepared import TEST, TEST_SCAFFOLDS

MOLECULES = ["CCO", "CCO", "c1ccccc1", "c1ccc(-c2ccncc2)cc1", "c1ccc2ncccc2c1", "CC(=O)Nc1ccc(O)cc1"]


def evidence(smiles: list[str], **more) -> Evidence:
    splits = {"test": describe("test", TEST, 1), "test_scaffolds": describe("sf", TEST_SCAFFOLDS, 1)}
    values = {"known": set(), "splits": splits, "train_size": 1} | more
    return Evidence(Draws([*smiles]), generated=describe("generated", smiles, 1), **values)


def similarities(some: list[str], others: list[str]) -> np.ndarray:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    a, b = ([generator.GetFingerprint(Chem.MolFromSmiles(s)) for s in x] for x in (some, others))
    return np.array([DataStructs.BulkTanimotoSimilarity(f, b) for f in a])


def test_diversity_and_nearest_neighbours_equal_brute_force():
    found = evidence(MOLECULES)
    pairs = similarities(MOLECULES, MOLECULES)
    assert METRICS["IntDiv"](found) == pytest.approx(1 - pairs.mean(), abs=1e-6)
    assert METRICS["IntDiv2"](found) == pytest.approx(1 - np.sqrt((pairs**2).mean(1)).mean(), abs=1e-6)
    assert METRICS["SNN/Test"](found) == pytest.approx(similarities(MOLECULES, TEST).max(1).mean(), abs=1e-6)
    assert METRICS["SNN/TestSF"](found) == pytest.approx(
        similarities(MOLECULES, TEST_SCAFFOLDS).max(1).mean(), abs=1e-6
    )


def test_scaffolds_by_hand():
    # two rings or more: phenylpyridine and quinoline; the test split has biphenyl and quinoline
    assert METRICS["Scaf/Test"](evidence(MOLECULES)) == pytest.approx(1 / 2)
    assert METRICS["Scaf/TestSF"](evidence(MOLECULES)) == 0
    values, notes = measure(evidence(["CCO"]), ["Scaf/Test", "valid"])
    assert values == {"Scaf/Test": None, "valid": 1}
    assert "two rings" in notes["Scaf/Test"]


def test_fragments_by_hand():
    # an ester is cut at both sides of its oxygen (BRICS rules L1-L3 and L3-L4); ethanol is not cut
    assert brics_fragments(Chem.MolFromSmiles("CCO")) == ["CCO"]
    assert sorted(brics_fragments(Chem.MolFromSmiles("CCOC(C)=O"))) == ["[1*]C(C)=O", "[3*]O[3*]", "[4*]CC"]
    assert METRICS["Frag/Test"](evidence(TEST)) == pytest.approx(1)
    assert METRICS["Frag/Test"](evidence(["CCCO", "CCCO"])) == pytest.approx(
        2 / (2 * np.sqrt(sum(n * n for n in describe("t", TEST, 1).fragments.values())))
    )


@pytest.mark.parametrize(("k", "expected"), [(1_000, 0.5), (10_000, 501 / 1_500)])
def test_uniqueness_at_k_counts_the_first_k_valid_draws(k, expected):
    some = describe("g", ["CCO"], 1)
    rows = ["C" * (1 + i % 500) for i in range(1_000)] + ["N"] * 500 + [None] * 9_000
    draws = Evidence(Draws(rows), set(), some, {}, 1)
    values, notes = measure(draws, [f"unique@{k}"])
    assert values == {f"unique@{k}": expected}
    assert expected is not None or "valid draws" in notes[f"unique@{k}"]


def test_novelty_counts_distinct_molecules():
    assert METRICS["Novelty"](evidence(MOLECULES, known={"CCO"})) == 4 / 5
    values, notes = measure(evidence(MOLECULES, train_size=0), ["Novelty"])
    assert values == {"Novelty": None}
    assert "train" in notes["Novelty"]


def test_property_distance_of_a_split_to_itself_is_nothing():
    found = evidence(TEST)
    for name in ("logP", "SA", "QED", "weight"):
        assert METRICS[name](found) == pytest.approx(0, abs=1e-9)


def test_weight_distance_is_in_grams_a_mole():
    heavier = evidence(["CCCO"], splits={"test": describe("t", ["CCCCO"], 1)})
    assert METRICS["weight"](heavier) == pytest.approx(14.027, abs=1e-3)


numbers = st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=1, max_size=8)


@given(numbers, numbers)
def test_wasserstein_equals_the_best_matching(a, b):
    # with every value of `a` repeated len(b) times and the other way round, matching in order is optimal
    expected = np.abs(np.sort(np.repeat(a, len(b))) - np.sort(np.repeat(b, len(a)))).mean()
    assert wasserstein(np.array(a), np.array(b)) == pytest.approx(expected, abs=1e-6)


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 10**9), min_size=1),
       st.dictionaries(st.sampled_from("abcd"), st.integers(1, 10**9), min_size=1))  # fmt: skip
def test_cosine_equals_numpy_and_does_not_overflow(a, b):
    x, y = ([float(c.get(k, 0)) for k in "abcd"] for c in (a, b))
    expected = np.dot(x, y) / np.linalg.norm(x) / np.linalg.norm(y)
    assert cosine(Counter(a), Counter(b)) == pytest.approx(expected)


def test_bins_of_counts_are_one_number_wide_and_others_cover_the_values():
    edges = bin_edges(np.array([0.0, 1, 1, 2, 5]), True)
    assert edges.tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    for constant in (np.array([3.0]), np.array([])):
        assert np.all(np.diff(bin_edges(constant, False)) > 0)


def test_repeats_weigh_and_each_molecule_is_described_once():
    found = describe("x", ["CCO", "C", "CCO"], 1)
    assert found.smiles == ["CCO", "C"]
    assert found.counts.tolist() == [2, 1]
    assert len(found) == 3
    assert found.fragments == {"CCO": 2, "C": 1}
    assert sorted(found.values("heavy_atoms")) == [1, 3, 3]


def test_every_pair_of_splits_and_names_is_in_the_table():
    assert {f"{m}/{s}" for m, s in product(("SNN", "Frag", "Scaf"), ("Test", "TestSF"))} <= set(METRICS)
