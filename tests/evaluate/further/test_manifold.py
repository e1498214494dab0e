"""The kernel distance, precision, recall, density and coverage against brute force, and their intervals' width."""

from __future__ import annotations

import numpy as np
import pytest

from molgen.evaluate.further import manifold
from molgen.evaluate.further.manifold import METRICS, euclidean, jaccard, kernel_distance, overlap, radii
from molgen.evaluate.metrics import NotMeasuredError, NotNamedError

from .made import context, some


def points(n: int, width: int = 3, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, width)).astype(np.float32)


def brute(draws: np.ndarray, data: np.ndarray, apart) -> dict[str, np.ndarray]:
    """The papers' definitions, one pair at a time."""

    def radius(own: np.ndarray, k: int) -> list[float]:
        return [sorted(apart(own[i], own[j]) for j in range(len(own)) if j != i)[k - 1] for i in range(len(own))]

    near, wide, own = radius(data, 3), radius(data, 5), radius(draws, 3)
    pairs = [[apart(x, y) for y in data] for x in draws]
    m, n = range(len(data)), range(len(draws))
    return {
        "within": np.array([any(pairs[i][j] <= near[j] for j in m) for i in n]),
        "balls": np.array([sum(pairs[i][j] <= wide[j] for j in m) for i in n]),
        "recalled": np.array([sum(pairs[i][j] <= own[i] for i in n) for j in m]),
        "covering": np.array([sum(pairs[i][j] <= wide[j] for i in n) for j in m]),
    }


@pytest.mark.parametrize("block", [7, 1000])
def test_overlap_equals_brute_force_whatever_the_blocks(monkeypatch, block):
    monkeypatch.setattr(manifold, "BLOCK", block)
    draws, data = points(23, shift=0.7), points(31, seed=1)
    found = overlap(draws, data, euclidean)
    for name, expected in brute(draws, data, lambda x, y: float(((x - y) ** 2).sum())).items():
        assert (getattr(found, name) == expected).all(), name
    for by, last, inside in (
        (
            found.recalled,
            found.last_recalled,
            lambda i, j: euclidean(draws, data)[i, j] <= radii(draws, euclidean)[i, 0],
        ),
        (
            found.covering,
            found.last_covering,
            lambda i, j: euclidean(draws, data)[i, j] <= radii(data, euclidean)[j, 1],
        ),
    ):
        assert all(inside(last[j], j) for j in range(len(data)) if by[j])


def test_overlap_in_fingerprints_equals_brute_force():
    bits = np.random.default_rng(3).integers(0, 2, (40, 64), dtype=np.uint8)
    prints = np.packbits(bits, axis=1)

    def apart(x: np.ndarray, y: np.ndarray) -> np.float32:
        a, b = np.unpackbits(x), np.unpackbits(y)
        return np.float32(1 - np.float32((a & b).sum()) / np.float32((a | b).sum()))

    found = overlap(prints[:18], prints[18:], jaccard)
    for name, expected in brute(prints[:18], prints[18:], apart).items():
        assert (getattr(found, name) == expected).all(), name


def test_the_data_themselves_are_within_and_covered():
    found = overlap(points(30), points(30), euclidean)
    assert found.within.all()
    assert found.covering.all()


def test_the_kernel_distance_equals_its_sum_over_pairs(monkeypatch):
    monkeypatch.setattr(manifold, "BLOCK", 4)
    x, y = points(9), points(11, shift=0.5, seed=1)

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a.astype(float) @ b / 3 + 1) ** 3)

    own = np.mean([kernel(x[i], x[j]) for i in range(9) for j in range(9) if i != j])
    theirs = np.mean([kernel(y[i], y[j]) for i in range(11) for j in range(11) if i != j])
    across = np.mean([kernel(a, b) for a in x for b in y])
    assert kernel_distance(x, y)[0] == pytest.approx(own + theirs - 2 * across, rel=1e-4)


def test_the_kernel_distance_is_unbiased_and_its_interval_has_the_right_width():
    data = points(400, seed=999)
    found = [kernel_distance(points(100, shift=0.4, seed=s), data) for s in range(60)]
    values = np.array([value for value, _ in found])
    more = kernel_distance(points(4000, shift=0.4, seed=5000), data)[0]
    assert abs(values.mean() - more) < 3 * values.std() / np.sqrt(60) + 0.03 * more
    widths = np.mean([i.std() / np.sqrt(100) for _, i in found])
    assert 0.7 < widths / values.std() < 1.4


@pytest.mark.parametrize("which", ["recalled", "covering"])
def test_intervals_of_covered_data_have_the_right_width(which):
    data, seen = points(150, seed=999), []
    for seed in range(60):
        found = overlap(points(60, seed=seed), data, euclidean)
        last = found.last_recalled if which == "recalled" else found.last_covering
        figure = manifold.covered(np.ones(150), getattr(found, which), last, 60)
        seen.append((figure.value, (figure.bounds[1] - figure.bounds[0]) / 2 / 1.96))
    values, errors = np.array(seen).T
    assert 0.6 < errors.mean() / values.std() < 2  # the jackknife's is rather too wide


def test_metrics_of_molecules_and_what_they_need():
    found = context(some(40), some(40, 20), some(40))
    for name, metric in METRICS.items():
        figure = metric(found)
        assert np.isfinite(figure.value), name
        assert figure.bounds[0] <= figure.value <= figure.bounds[1], name
    with pytest.raises(NotMeasuredError, match=r"needs 6 valid draws, there are 3"):
        METRICS["Recall/Morgan"](context(some(3), some(40), some(40)))
    with pytest.raises(NotMeasuredError, match="no valid molecule"):
        METRICS["KCD/Test"](context([], some(40), some(40)))
    with pytest.raises(NotNamedError, match="no 'test' split"):
        METRICS["KCD/Test"](context(some(3), [], some(40)))
    same = context(["CCO"] * 30, some(40), some(40))
    assert METRICS["Recall/Morgan"](same).value <= 1 / 40
