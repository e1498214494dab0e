"""GuacaMol's scores by hand, and their densities against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Descriptors
from scipy import stats

from molgen.evaluate.frechet import frechet_distance, gaussian
from molgen.evaluate.further.guacamol import (
    COUNTED,
    DESCRIPTORS,
    INTERNAL,
    METRICS,
    continuous,
    counted,
    density,
    described,
    divergences,
)
from molgen.evaluate.metrics import NotMeasuredError

from .made import context, pretended, some, subject


def test_shares_by_hand():
    # two enantiomers are one molecule, and stand in the training set with no stereo mark
    drawn = ["C[C@H](N)O", "C[C@@H](N)O", "CCO", "CCO", "CCN"]
    found = context(drawn, ["CCC"], ["CC(N)O", "CCCC"], invalid=5)
    assert METRICS["GuacaMol/Valid"](found).value == 5 / 10
    assert METRICS["GuacaMol/Unique"](found).value == 3 / 5
    assert METRICS["GuacaMol/Novel"](found).value == 2 / 3


def test_stereo_in_the_training_set_is_dropped_too():
    found = context(["CC(N)O", "CCO"], ["CCC"], ["C[C@H](N)O", "CCCC"])
    assert METRICS["GuacaMol/Novel"](found).value == 1 / 2


def test_the_descriptors_are_those_that_the_paper_names():
    smiles = ["CC(=O)Nc1ccc(O)cc1", "C1CCNCC1", "OCC(O)CO"]
    values = described(subject("generated", smiles))
    for i, name in enumerate(DESCRIPTORS):
        expected = [getattr(Descriptors, name)(Chem.MolFromSmiles(s)) for s in smiles]
        assert values[:, i] == pytest.approx(expected), name


def test_the_internal_similarity_is_that_to_the_nearest_other_molecule():
    from rdkit import DataStructs
    from rdkit.Chem import rdFingerprintGenerator

    smiles = some(12)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=4096)
    prints = [generator.GetFingerprint(Chem.MolFromSmiles(s)) for s in smiles]
    pairs = np.array([DataStructs.BulkTanimotoSimilarity(p, prints) for p in prints])
    np.fill_diagonal(pairs, 0)
    assert described(subject("generated", smiles))[:, -1] == pytest.approx(pairs.max(axis=1), abs=1e-6)


def test_a_density_equals_scipys():
    values = np.random.default_rng(0).normal(size=50)
    points = np.linspace(-3, 3, 40)
    assert density(values, points) == pytest.approx(stats.gaussian_kde(values)(points), rel=1e-9)


def test_the_divergence_of_densities_follows_the_definition():
    generator = np.random.default_rng(1)
    data, draws = generator.normal(size=60), generator.normal(0.5, 1.5, size=40)
    both = np.concatenate([data, draws])
    points = np.linspace(both.min(), both.max(), 1000)
    p, q = (stats.gaussian_kde(v)(points) + 1e-10 for v in (data, draws))
    assert continuous(data, draws).nats == pytest.approx(stats.entropy(p, q), rel=1e-9)


def test_the_divergence_of_counts_by_hand():
    # ten bins from 0 to 10, of which the data fill the first and the last: half and half against three quarters and one
    data, draws = np.array([0.0, 0, 10, 10]), np.array([0.0, 0, 0, 10])
    assert counted(data, draws).nats == pytest.approx(0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25), abs=1e-6)
    assert counted(data, data).nats == pytest.approx(0, abs=1e-12)
    assert counted(data, np.array([20.0, 30.0])).nats == np.inf


@pytest.mark.parametrize("kind", [continuous, counted])
def test_influences_are_what_one_more_draw_changes(kind):
    generator = np.random.default_rng(2)
    data, draws = generator.poisson(4, 300).astype(float), generator.poisson(5, 400).astype(float)
    data[:2] = -1.0, 15.0  # so that the points of the grid stay where they are
    found = kind(data, draws)
    away = found.influences - found.influences.mean()
    for value in (3.0, 5.0, 9.0):
        changed = kind(data, np.append(draws, value)).nats - found.nats
        expected = away[np.flatnonzero(draws == value)[0]] / len(draws)
        assert changed == pytest.approx(expected, rel=0.35, abs=2e-4)


def test_the_kl_score_is_the_mean_over_ten():
    found = context(some(30), some(5), some(30, 25))
    parts = divergences(found)
    assert set(parts) == {*DESCRIPTORS, INTERNAL}
    assert len(parts) == 10
    score = METRICS["GuacaMol/KL"](found)
    assert score.value == pytest.approx(np.mean([np.exp(-d.nats) for d in parts.values()]))
    assert score.bounds[0] < score.value < score.bounds[1]


def test_the_kl_score_of_the_data_itself_is_one():
    assert METRICS["GuacaMol/KL"](context(some(30), some(5), some(30))).value == pytest.approx(1)


def test_the_fcd_score():
    found = context(some(30), some(5), some(30, 25))
    parts = [gaussian(pretended(s), np.ones(len(s))) for s in (some(30), some(30, 25))]
    assert METRICS["GuacaMol/FCD"](found).value == pytest.approx(np.exp(-0.2 * frechet_distance(*parts)))


def test_draws_that_are_all_equal_have_no_density():
    with pytest.raises(NotMeasuredError, match="two distinct"):
        METRICS["GuacaMol/KL"](context(["CCO"] * 30, some(5), some(30)))
    with pytest.raises(NotMeasuredError, match="TPSA: all values are equal"):
        METRICS["GuacaMol/KL"](context(["C", "CC", "CCC", "CCCC"], some(5), some(30)))


def test_counts_are_whole_numbers():
    values = described(subject("generated", some(10)))[:, len(DESCRIPTORS) - len(COUNTED) : -1]
    assert (values == values.round()).all()
