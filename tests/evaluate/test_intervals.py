"""Influences against the derivative that they are, and intervals against a bootstrap."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from molgen.chem.fingerprints import tanimoto
from molgen.evaluate import frechet
from molgen.evaluate.describe import describe
from molgen.evaluate.draws import Draws
from molgen.evaluate.frechet import Gaussian, frechet_distance, influence
from molgen.evaluate.intervals import INFLUENCES, cosine_influence, standard_error, wasserstein_influence, wilson
from molgen.evaluate.metrics import Evidence, cosine, wasserstein

STEP = 1e-5


def test_cosine_influence_is_the_derivative():
    parts = [("a", "b"), ("a",), ("c", "c"), ("d",)]
    counts, reference = np.array([3, 1, 2, 1]), Counter({"a": 5, "b": 1, "c": 2, "e": 4})

    def value(weights: np.ndarray) -> float:
        own = Counter[str]()
        for some, weight in zip(parts, weights, strict=True):
            for part in some:
                own[part] += weight
        return cosine(own, reference)

    found = cosine_influence(parts, counts, reference)
    for i in range(len(parts)):
        more = counts + STEP * np.eye(len(parts))[i]
        assert found[i] == pytest.approx((value(more) - value(counts)) / STEP * counts.sum(), abs=1e-3)


def test_wasserstein_influence_is_the_derivative():
    numbers = np.random.default_rng(0)
    own, other = np.sort(numbers.normal(size=30)), numbers.normal(0.4, 1.3, size=25)
    found = wasserstein_influence(own, other)
    many = 2_000  # copies of the sample, so that one value more is a small step
    start = wasserstein(own, other)
    for i in (0, 7, 15, 29):
        moved = wasserstein(np.concatenate([np.repeat(own, many), [own[i]] * 30]), other)
        expected = (moved - start) * (30 * many + 30) / 30
        assert found[i] - found.mean() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("rows", [7, 1_000])
def test_chemnet_influence_is_the_derivative(rows, monkeypatch):
    monkeypatch.setattr(frechet, "ROWS", rows)
    numbers = np.random.default_rng(1)
    x, y = numbers.normal(size=(60, 5)), numbers.normal(0.2, 1.5, size=(80, 5))

    def of(values: np.ndarray, weights: np.ndarray) -> Gaussian:
        shares = weights / weights.sum()
        away = values - shares @ values
        return Gaussian(len(values), shares @ values, (away.T * shares) @ away)

    other = of(y, np.ones(80))
    own = of(x, np.ones(60))
    found = influence(x, own, other)
    for i in (0, 20, 59):
        moved = frechet_distance(of(x, np.ones(60) + STEP * 60 * np.eye(60)[i]), other)
        assert found[i] - found.mean() == pytest.approx(
            (moved - frechet_distance(own, other)) / STEP, rel=1e-2, abs=1e-2
        )


@pytest.mark.parametrize(("name", "power"), [("IntDiv", 1), ("IntDiv2", 2)])
def test_diversity_influence_is_the_derivative(name: str, power: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("molgen.evaluate.metrics.BLOCK", 2)
    smiles = ["CCO", "CCO", "c1ccccc1", "c1ccc(-c2ccncc2)cc1", "CC(=O)Nc1ccc(O)cc1", "CCN"]
    described = describe("generated", smiles, 1)
    found, counts = INFLUENCES[name](Evidence(Draws(list(smiles)), set(), described, {}, 1))
    similarity = tanimoto(described.fingerprints, described.fingerprints).astype(float)

    def value(weights: np.ndarray) -> float:
        shares = weights / weights.sum()
        return float(shares @ (similarity**power @ shares) ** (1 / power))

    mean = counts @ found / counts.sum()
    for i in range(len(counts)):
        moved = value(counts + STEP * counts.sum() * np.eye(len(counts))[i])
        assert found[i] - mean == pytest.approx((moved - value(counts)) / STEP, abs=1e-3)


def test_the_standard_error_is_that_of_a_bootstrap():
    numbers = np.random.default_rng(2)
    values, counts = numbers.normal(size=50), numbers.integers(1, 4, size=50)
    drawn = np.repeat(values, counts)
    means = [numbers.choice(drawn, len(drawn)).mean() for _ in range(4_000)]
    assert standard_error(values, counts.astype(float)) == pytest.approx(np.std(means), rel=0.05)


def test_shares_by_hand():
    # the ends p solve (share - p)^2 = z^2 p (1 - p) / n
    for end in wilson(0.8, 10):
        assert (0.8 - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / 10)
    assert wilson(1.0, 300)[0] == pytest.approx(1 - 1.96**2 / (300 + 1.96**2), abs=1e-4)
