"""Fragments joined anew: counts against RDKit's own search, weights and draws against all trees written out."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import BRICS

from molgen.core.errors import ArtifactError
from molgen.data.store import Store
from molgen.generators.combinatorial import (
    LABELS,
    MOST,
    SITE,
    Combinatorial,
    CombinatorialConfig,
    Counts,
    Trees,
    count_fragments,
    labels,
)
from molgen.generators.folder import load_model

FRAGMENTS = {"[1*]C": 6, "[1*]N[2*]": 3, "[2*]O": 4, "[1*]C([1*])[2*]": 1, "N": 2, "[2*]CCO": 1}
JOINS = {(1, 1): 3, (1, 2): 5, (2, 2): 2}  # 11 ends of label 1, 9 of label 2


def _toy(sizes: dict[int, int]) -> Counts:
    counts = Counts.none()
    counts.fragments.update(FRAGMENTS)
    for (a, b), number in JOINS.items():
        counts.joins[a, b] += number
        counts.joins[b, a] += number
    for size, number in sizes.items():
        counts.sizes[size] = number
    return counts


@pytest.fixture(scope="module")
def model(features: Path) -> Combinatorial:
    store = Store.open(features)
    return Combinatorial.fit(CombinatorialConfig(), store, Combinatorial.usable(store, store.rows("train")), 0)


def test_counts_are_those_of_rdkits_search(model: Combinatorial, features: Path) -> None:
    store = Store.open(features)
    joins: Counter[tuple[int, int]] = Counter()
    sizes: Counter[int] = Counter()
    for smiles in store.smiles(store.rows("train")):
        found = [tuple(map(_label, kinds)) for _, kinds in BRICS.FindBRICSBonds(Chem.MolFromSmiles(smiles))]
        joins.update([(a, b) for a, b in found] + [(b, a) for a, b in found])
        sizes[len(found) + 1] += 1
    counts = model.counts
    own: Counter[tuple[int, int]] = Counter()
    for a, b in zip(*np.nonzero(counts.joins), strict=True):
        own[_label(str(a)), _label(str(b))] += int(counts.joins[a, b])
    assert own == joins
    assert {size: int(n) for size, n in enumerate(counts.sizes) if n} == sizes
    assert counts.fragments.total() == sum(size * n for size, n in sizes.items())


def _label(text: str) -> int:
    """The number of a label. RDKit's search in Python calls some carbons of rings 4 that the one in C++ calls 15."""
    return {15: 4}.get(number := int(text.strip("ab")), number)


def test_each_draw_is_a_molecule_whose_fragments_are_known(model: Combinatorial) -> None:
    samples = model.sample(300, seed=0)
    assert samples.reasons == [None] * 300
    assert len(set(samples.smiles)) > 290
    trees = [model.trees.draw(np.random.default_rng(i)) for i in range(50)]
    assert all(len(tree.edges) == len(tree.symbols) - 1 for tree in trees)
    assert {t for tree in trees for t in tree.symbols} <= {SITE.sub("*", t) for t in model.counts.fragments}


def test_draws_have_as_many_fragments_as_training_molecules(model: Combinatorial) -> None:
    sizes = [len(model.trees.draw(np.random.default_rng(i)).symbols) for i in range(1_000)]
    expected = model.counts.sizes @ np.arange(MOST + 1) / model.counts.sizes.sum()
    assert np.mean(sizes) == pytest.approx(expected, abs=4 * np.std(sizes) / math.sqrt(1_000))


def _branches(label: int, size: int) -> Iterator[tuple[tuple[Any, ...], float]]:
    """All that may hang on a site, written out, with its weight. A branch: label there, text, branches of its sites."""
    ends = np.zeros(LABELS)
    for (a, b), number in JOINS.items():
        ends[a] += number
        ends[b] += number
    joins = _toy({}).joins
    for text, count in FRAGMENTS.items():
        found = labels(text)
        for used, own in enumerate(found):
            weight = count * joins[label, own] / ends[label] / ends[own]
            for rest, more in _forests([x for i, x in enumerate(found) if i != used], size - 1):
                if weight:
                    yield (text, used, rest), weight * more


def _forests(sites: list[int], size: int) -> Iterator[tuple[tuple[Any, ...], float]]:
    if not sites:
        if size == 0:
            yield (), 1.0
        return
    for part in range(1, size + 1):
        for (first, a), (others, b) in itertools.product(
            list(_branches(sites[0], part)), list(_forests(sites[1:], size - part))
        ):
            yield (first, *others), a * b


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_weights_are_sums_over_all_trees(size: int) -> None:
    trees = Trees(_toy({1: 1, 2: 1, 3: 1, 4: 1}))
    for label in (1, 2):
        expected = sum(weight for _, weight in _branches(label, size))
        assert trees.branches[label, size] == pytest.approx(expected, rel=1e-12)
    for key in ((1,), (1, 2), (1, 1, 2)):
        expected = sum(weight for _, weight in _forests(list(key), size))
        assert trees.forest(key)[size] == pytest.approx(expected, rel=1e-12)


def test_fragments_are_drawn_together_as_often_as_their_trees_weigh() -> None:
    trees = Trees(_toy({3: 1}))
    weights: Counter[tuple[str, ...]] = Counter()
    for text, count in FRAGMENTS.items():
        for rest, weight in _forests(list(labels(text)), 2):
            weights[_sorted([text, *_texts(rest)])] += count * weight
    drawn = Counter(_sorted(trees.draw(np.random.default_rng(i)).symbols) for i in range(4_000))
    assert set(drawn) <= set(weights)
    for fragments, weight in weights.items():
        share = weight / weights.total()
        deviation = math.sqrt(share * (1 - share) / 4_000)
        assert drawn[fragments] / 4_000 == pytest.approx(share, abs=4.5 * deviation + 1e-9)


def _texts(forest: tuple[Any, ...]) -> list[str]:
    return [text for own, _, rest in forest for text in (own, *_texts(rest))]


def _sorted(texts: list[str]) -> tuple[str, ...]:
    return tuple(sorted(SITE.sub("*", text) for text in texts))


def test_stereochemistry_is_left_out_and_a_double_bond_is_joined_by_one() -> None:
    counts = Counts.none()
    count_fragments(Chem.MolFromSmiles("C/C=C/CCC(=O)N[C@@H](C)c1ccccc1"), counts)
    assert not any("@" in text or "/" in text for text in counts.fragments)
    assert counts.joins[7, 7] == 2
    model = Combinatorial(CombinatorialConfig(), counts)
    assert "CC=CCCC(=O)NC(C)c1ccccc1" in {*map(Chem.CanonSmiles, filter(None, model.sample(60, seed=1).smiles))}


def test_fitting_goes_on_where_it_stopped(model: Combinatorial, features: Path) -> None:
    """Counts that were saved half-way, and the other half."""
    store = Store.open(features)
    rows = Combinatorial.usable(store, store.rows("train"))
    part = Combinatorial.fit(CombinatorialConfig(molecules=100), store, rows, 0)

    class Keeper:
        def begin(self, total: int) -> dict[str, np.ndarray]:
            return part.arrays() | {"first": np.array([100])}

        def done(self, count: int, arrays: object, note: str = "") -> None:
            assert count == len(rows) - 100

    again = Combinatorial.fit(CombinatorialConfig(), store, rows, 0, Keeper())
    for name, array in model.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)


def test_counts_that_do_not_fit_together_are_one_line(model: Combinatorial, tmp_path: Path) -> None:
    damaged = Combinatorial(model.config, model.counts)
    joins = model.counts.joins.copy()
    joins[1, 3] += 1
    damaged.counts = model.counts._replace(joins=joins)
    damaged.save(tmp_path)
    with pytest.raises(ArtifactError, match=r"weights do not fit config.yaml \(at joins\)"):
        load_model(str(tmp_path))
