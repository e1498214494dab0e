"""The mixture of bags: means and totals of what it draws, rounding, and trees that use each site once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from molgen.core.errors import ArtifactError, InputError
from molgen.data.fragment_store import FragmentStore
from molgen.data.store import Store
from molgen.generators.folder import load_model
from molgen.generators.mixture import NO_BAG, Mixture, MixtureConfig, rounded
from molgen.represent.fragments import Fragmenter
from molgen.represent.graphs import graph_of

CONFIG = MixtureConfig(vocabulary=200, components=4, directions=6)


@pytest.fixture(scope="module")
def model(features: Path) -> Mixture:
    store = Store.open(features)
    return Mixture.fit(CONFIG, store, Mixture.usable(store, store.rows("train")), 0)


@pytest.fixture(scope="module")
def bags(features: Path, model: Mixture) -> np.ndarray:
    """Counts of each symbol in each training molecule that is a tree, cut anew."""
    store = Store.open(features)
    cut = Fragmenter(frozenset(s.text for s in model.symbols if len(s.atoms) > 1))
    number = {text: i for i, text in enumerate(model.texts)}
    rows = []
    for smiles in store.smiles(store.rows("train")):
        graph = cut.of_graph(graph_of(smiles))
        if len(graph.edges) == len(graph.symbols) - 1:
            rows.append(np.bincount([number[text] for text in graph.symbols], minlength=len(number)))
    return np.array(rows)


def test_its_mean_is_that_of_the_training_set(model: Mixture, bags: np.ndarray) -> None:
    arrays = model.arrays()
    np.testing.assert_allclose(arrays["weights"] @ arrays["means"], bags.mean(0), atol=1e-5)


def test_draws_of_the_mixture_have_its_mean_size(model: Mixture, bags: np.ndarray) -> None:
    chance = np.random.default_rng(0)
    drawn = [model.counts(chance) for _ in range(2_000)]
    assert min(map(np.min, drawn)) >= 0
    totals = np.array([counts.sum() for counts in drawn])
    assert totals.mean() == pytest.approx(bags.sum(1).mean(), abs=4 * totals.std() / np.sqrt(2_000))
    assert totals.std() == pytest.approx(bags.sum(1).std(), rel=0.15)


def test_a_bag_is_rounded_fairly() -> None:
    counts = np.array([0.0, 0.2, 1.6, 0.05, 2.0, 0.15])
    chance = np.random.default_rng(1)
    drawn = np.array([np.bincount(rounded(counts, chance), minlength=6) for _ in range(4_000)])
    np.testing.assert_allclose(drawn.mean(0), counts, atol=0.035)
    assert (np.abs(drawn - counts) < 1).all()
    assert (drawn.sum(1) == 4).all()


def test_draws_are_molecules(model: Mixture) -> None:
    samples = model.sample(150, seed=0)
    assert {reason for reason in samples.reasons if reason} <= {NO_BAG}
    assert np.mean([smiles is not None for smiles in samples.smiles]) > 0.9
    assert len(set(samples.smiles)) > 100


def test_a_bag_becomes_a_tree_that_uses_each_site_once(model: Mixture) -> None:
    found = 0
    for draw in range(40):
        chance = np.random.default_rng(draw)
        bag = next(model._bags(model.counts(chance), chance), None)
        edges = model._tree(bag, chance) if bag is not None else None
        if edges is None:
            continue
        found += 1
        used = sorted([(u, i) for u, i, _, _ in edges] + [(v, j) for _, _, v, j in edges])
        assert used == [(n, i) for n, node in enumerate(bag) for i in range(len(model.symbols[node].sites))]
        assert all(model.symbols[bag[u]].sites[i].order == model.symbols[bag[v]].sites[j].order for u, i, v, j in edges)
        joined = {0}
        for _ in edges:
            joined |= {n for u, _, v, _ in edges if {u, v} & joined for n in (u, v)}
        assert joined == set(range(len(bag)))
    assert found > 30


def test_drawn_molecules_are_as_large_as_those_of_the_training_set(model: Mixture, bags: np.ndarray) -> None:
    atoms = np.array([len(s.atoms) for s in model.symbols])
    drawn = [len(graph_of(s).atoms) for s in model.sample(150, seed=2).smiles if s]
    expected = bags @ atoms
    assert np.mean(drawn) == pytest.approx(expected.mean(), abs=5 * expected.std() / np.sqrt(len(drawn)) + 1)


def test_joins_follow_what_was_joined(model: Mixture, features: Path) -> None:
    """Two kinds of sites that were never joined, both frequent, go together worse than by chance."""
    store = Store.open(features)
    found = FragmentStore.of(store, CONFIG.vocabulary)
    affinity = model.arrays()["affinity"]
    assert np.array_equal(affinity, affinity.T)
    joined = np.zeros_like(affinity)
    for nodes, edges in found.graphs(store.rows("train")):
        if len(edges) == len(nodes) - 1 and max(nodes) < len(model.kinds):
            for u, i, v, j in edges:
                a, b = model.kinds[nodes[u]][i], model.kinds[nodes[v]][j]
                joined[a, b] += 1
                joined[b, a] += 1
    ends = joined.sum(1)
    expected = np.log((joined + 1) / (np.outer(ends, ends) / ends.sum() + 1))
    np.testing.assert_allclose(affinity, expected, rtol=1e-5, atol=1e-6)


def test_too_few_molecules_are_one_line(features: Path) -> None:
    store = Store.open(features)
    rows = Mixture.usable(store, store.rows("train"))
    with pytest.raises(InputError, match=r"too few for model.components = 64 .*; lower them"):
        Mixture.fit(MixtureConfig(vocabulary=200, molecules=40), store, rows, 0)


def test_symbols_of_another_model_are_one_line(model: Mixture, tmp_path: Path) -> None:
    model.save(tmp_path)
    text = (tmp_path / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(text.replace(f"- '{model.texts[0]}'\n", "", 1))
    with pytest.raises(ArtifactError, match=r"weights do not fit config.yaml \(at (means|affinity)\)"):
        load_model(str(tmp_path))
